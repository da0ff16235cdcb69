"""The audit record: every tampering is found, nobody but the owner may try, ten writers break nothing."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from app.access import audit_service
from app.access.audit_chain import digest
from app.access.audit_heads import heads_path, keep_pruning, read_heads
from app.access.audit_store import Wanted, read_chain
from app.database.audit import Event, note, note_once
from app.database.roles import EDIT, ENGINE, READER, SEE, SEE_ALL, WRITER
from app.database.scope import Scope, within
from app.database.server import admin_parameters
from app.database.transactions import Database, get_login
from app.errors import BadInput, Conflict
from app.settings import Settings
from tests.width import thin

WRITERS = 10
EVENTS = int(os.environ.get("CHENGTU_SOAK_AUDIT", "100"))


def fill(database: Database, many: int = 20) -> None:
    for number in range(many):
        with database.write() as conn:
            note(conn, Event.EXPORTED, f"类 {number}", form="gpkg", rows=number, reason="管线普查移交")


def as_superuser(settings: Settings, statement: str, *, guarded: bool = False) -> None:
    """Run a statement as whoever may do anything, with the trigger that refuses it out of the way."""
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as connection:
        if not guarded:
            connection.execute("ALTER TABLE city.audit DISABLE TRIGGER audit_refuse")
        connection.execute(statement)


def make_anew(settings: Settings) -> None:
    """Hash the whole chain again, as whoever knows how it is made would do."""
    as_superuser(
        settings,
        """
        DO $$
        DECLARE
            one city.audit;
            before bytea;
        BEGIN
            FOR one IN SELECT * FROM city.audit ORDER BY seq LOOP
                before := coalesce(before, one.previous);
                UPDATE city.audit SET previous = before, hash = sha256(convert_to(city.audit_text(seq, at, who, kind,
                    address, event, object, detail, before), 'UTF8')) WHERE seq = one.seq RETURNING hash INTO before;
            END LOOP;
            UPDATE city.audit_head SET hash = coalesce(before, hash);
        END $$""",
    )


def test_a_whole_record_is_whole_and_says_since_when(database: Database) -> None:
    fill(database)
    verdict = audit_service.verify(database)
    assert verdict.whole
    assert (verdict.entries, verdict.first, verdict.last) == (20, 1, 20)
    assert verdict.since is not None
    assert verdict.heads == 0
    again = audit_service.verify(database)
    assert again.whole
    assert again.heads == 1


def test_the_hash_is_made_alike_here_and_there(database: Database) -> None:
    odd = "a,b:c-'\"\\\n\u2028𝕏 '); DROP TABLE city.audit; --"
    with within(Scope("internal", ("330106",), (), None, odd)), database.write() as conn:
        note(conn, "odd", odd, text=odd, none=None, number=1.5, many=[1, "二", {"x": None}])
        note(conn, "odd", None)
    with database.read() as conn:
        found = list(read_chain(conn))
    assert [digest(entry) for entry in found] == [entry.hash for entry in found]
    assert found[0].who == odd
    assert found[0].object == odd
    assert found[1].object is None
    assert audit_service.verify(database).whole


TAMPERINGS = {
    "at": "UPDATE city.audit SET at = at - interval '1 microsecond' WHERE seq = 7",
    "who": "UPDATE city.audit SET who = 'somebody' WHERE seq = 7",
    "kind": "UPDATE city.audit SET kind = 'user' WHERE seq = 7",
    "address": "UPDATE city.audit SET address = '10.0.0.1' WHERE seq = 7",
    "event": "UPDATE city.audit SET event = 'login' WHERE seq = 7",
    "object": "UPDATE city.audit SET object = NULL WHERE seq = 7",
    "detail": "UPDATE city.audit SET detail = detail || '{\"rows\": 1}' WHERE seq = 7",
    "previous": "UPDATE city.audit SET previous = sha256('x') WHERE seq = 7",
    "hash": "UPDATE city.audit SET hash = sha256('x') WHERE seq = 7",
    "a value moved to its neighbour": "UPDATE city.audit SET event = event || left(object, 1), "
    "object = substr(object, 2) WHERE seq = 7",
    "one removed": "DELETE FROM city.audit WHERE seq = 7",
    "one removed and the rest numbered anew": "ALTER TABLE city.audit DROP CONSTRAINT audit_pkey;"
    "DELETE FROM city.audit WHERE seq = 7; UPDATE city.audit SET seq = seq - 1 WHERE seq > 7",
    "two change places": "ALTER TABLE city.audit DROP CONSTRAINT audit_pkey, DROP CONSTRAINT audit_seq_check;"
    "UPDATE city.audit SET seq = CASE seq WHEN 7 THEN 8 ELSE 7 END WHERE seq IN (7, 8)",
    "one put in": "ALTER TABLE city.audit DROP CONSTRAINT audit_pkey, DROP CONSTRAINT audit_seq_check;"
    "INSERT INTO city.audit SELECT seq, at, 'somebody', kind, address, event, object, detail, previous, hash "
    "FROM city.audit WHERE seq = 7",
    "one put at the end": "INSERT INTO city.audit SELECT 21, now(), who, kind, address, event, object, detail, hash, "
    "sha256('x') FROM city.audit WHERE seq = 20",
    "the beginning removed": "DELETE FROM city.audit WHERE seq <= 3",
}


@pytest.mark.parametrize("how", thin(TAMPERINGS, 2))
@pytest.mark.parametrize("kept", [False, True], ids=["without a head", "with a head"])
def test_what_was_tampered_with_is_found(database: Database, how: str, kept: bool) -> None:
    fill(database)
    if kept:
        assert audit_service.verify(database).whole
    as_superuser(database.settings, TAMPERINGS[how])
    verdict = audit_service.verify(database)
    assert not verdict.whole
    expected = {"one put at the end": {21}, "the beginning removed": {1}, "one put in": {7, 8}}.get(how, {7})
    assert verdict.broken in expected
    assert not audit_service.keep(database)
    assert len(read_heads(database.settings).hashes) == int(kept)


CUT = (
    "DELETE FROM city.audit WHERE seq > 15; UPDATE city.audit_head SET seq = 15, "
    "hash = (SELECT hash FROM city.audit WHERE seq = 15)"
)


@pytest.mark.parametrize(
    "how",
    [
        CUT,
        "TRUNCATE city.audit; UPDATE city.audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')",
        "UPDATE city.audit SET who = 'somebody' WHERE seq = 7",
        "DELETE FROM city.audit WHERE seq = 20",
    ],
    ids=["tail cut", "all removed", "one edited, all hashed anew", "last removed, head left"],
)
def test_a_cut_tail_and_a_chain_made_anew_are_seen_by_the_kept_head(database: Database, how: str) -> None:
    fill(database)
    assert audit_service.keep(database)
    as_superuser(database.settings, how)
    make_anew(database.settings)
    verdict = audit_service.verify(database)
    assert not verdict.whole
    assert verdict.heads == 1


def test_what_is_written_behind_a_cut_tail_does_not_hide_it(database: Database) -> None:
    fill(database)
    assert audit_service.keep(database)
    as_superuser(database.settings, CUT)
    fill(database, 10)
    verdict = audit_service.verify(database)
    assert (verdict.whole, verdict.broken) == (False, 20)


def test_heads_are_signed_and_their_owners_alone(database: Database) -> None:
    fill(database)
    assert audit_service.keep(database)
    path = heads_path(database.settings)
    assert path.stat().st_mode & 0o777 == 0o600
    assert (Path(database.settings.home_path) / "secrets" / "audit").stat().st_mode & 0o777 == 0o600
    path.write_text(path.read_text().replace('"seq": 20', '"seq": 19'))
    verdict = audit_service.verify(database)
    assert not verdict.whole
    assert "not signed" in str(verdict.reason)
    path.write_text("{}\n")
    assert not audit_service.verify(database).whole


def test_heads_are_kept_of_what_follows_the_last(database: Database) -> None:
    fill(database, 3)
    assert audit_service.keep(database)
    assert audit_service.keep(database)
    fill(database, 3)
    assert audit_service.keep(database)
    assert sorted(read_heads(database.settings).hashes) == [3, 6]
    as_superuser(database.settings, "UPDATE city.audit SET who = 'x' WHERE seq = 6")
    fill(database, 1)
    assert not audit_service.keep(database)
    assert sorted(read_heads(database.settings).hashes) == [3, 6]


def age(settings: Settings, days: int, until: int) -> None:
    """Let entries be so old, in a chain that fits."""
    as_superuser(settings, f"UPDATE city.audit SET at = at - interval '{days} days' WHERE seq <= {until}")
    make_anew(settings)
    as_superuser(settings, "ALTER TABLE city.audit ENABLE TRIGGER audit_refuse", guarded=True)


def test_what_is_old_is_pruned_and_the_rest_stays_whole(database: Database) -> None:
    fill(database)
    age(database.settings, 200, 12)
    assert audit_service.prune(database, 180) == {"pruned": 12, "until": 12, "days": 180}
    verdict = audit_service.verify(database)
    assert verdict.whole
    assert (verdict.first, verdict.pruned_until, verdict.entries) == (13, 12, 9)
    newest = audit_service.entries(database, Wanted(), 1)["entries"][0]
    assert (newest["event"], newest["detail"]["entries"]) == ("audit.pruned", 12)
    assert audit_service.prune(database, 180)["pruned"] == 0


def test_nothing_younger_than_180_days_is_pruned(database: Database) -> None:
    fill(database)
    with pytest.raises(BadInput, match="180 days"):
        audit_service.prune(database, 179)
    with pytest.raises(psycopg.errors.CheckViolation):
        as_superuser(database.settings, "SELECT * FROM city.audit_prune(179)", guarded=True)
    age(database.settings, 170, 12)
    assert audit_service.prune(database, 180)["pruned"] == 0
    as_superuser(database.settings, "UPDATE city.audit SET who = 'x' WHERE seq = 7")
    with pytest.raises(Conflict, match="broken at entry 7"):
        audit_service.prune(database, 180)


def test_a_forged_pruning_hides_nothing(database: Database) -> None:
    fill(database)
    as_superuser(
        database.settings,
        "SELECT city.note('audit.pruned', '5', jsonb_build_object('until', 5, 'hash', "
        "(SELECT encode(hash, 'hex') FROM city.audit WHERE seq = 5), 'entries', 5, 'days', 180));"
        "DELETE FROM city.audit WHERE seq <= 5",
    )
    verdict = audit_service.verify(database)
    assert (verdict.whole, verdict.broken) == (False, 1)
    assert "no pruning" in str(verdict.reason)


def test_a_pruning_of_what_is_young_is_seen_by_the_heads(database: Database) -> None:
    """Even one that the data folder has signed: a head tells that what came after it was young."""
    fill(database, 3)
    assert audit_service.keep(database)
    fill(database)
    with database.read() as conn:
        fifth = next(entry for entry in read_chain(conn) if entry.seq == 5)
    as_superuser(database.settings, "DELETE FROM city.audit WHERE seq <= 5")
    keep_pruning(database.settings, 5, fifth.hash)
    verdict = audit_service.verify(database)
    assert (verdict.whole, verdict.broken) == (False, 4)


STATEMENTS = (
    "UPDATE city.audit SET who = 'x'",
    "DELETE FROM city.audit",
    "TRUNCATE city.audit",
    "DROP TABLE city.audit",
    "ALTER TABLE city.audit DISABLE TRIGGER audit_refuse",
    "ALTER TABLE city.audit_waiting DISABLE TRIGGER audit_chain",
    "INSERT INTO city.audit SELECT * FROM city.audit",
    "INSERT INTO city.audit_waiting (who, kind, event, detail) VALUES ('x', 'x', 'x', '{}')",
    "DELETE FROM city.audit_waiting",
    "UPDATE city.audit_head SET seq = 0",
    "DELETE FROM city.audit_once",
    "SELECT * FROM city.audit_prune(180)",
    "DROP FUNCTION city.note(text, text, jsonb, text)",
    "CREATE OR REPLACE FUNCTION city.audit_chain() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
    "SET LOCAL session_replication_role = replica",
)


def as_role(settings: Settings, role: str, statement: str) -> None:
    """Run a statement by the login of the service, in a role that it may take."""
    with psycopg.connect(**get_login(settings)) as connection:
        connection.execute(f"SET LOCAL ROLE {role}")
        connection.execute(statement)


@pytest.mark.parametrize("role", [READER, WRITER, ENGINE, *SEE, *SEE_ALL, *EDIT])
def test_no_role_of_the_service_changes_an_entry(database: Database, role: str) -> None:
    fill(database, 1)
    for statement in (*STATEMENTS, *(() if role == READER else ("SELECT * FROM city.audit",))):
        with pytest.raises(InsufficientPrivilege):
            as_role(database.settings, role, statement)
    assert audit_service.verify(database).entries == 1


def test_the_owner_too_is_refused_by_the_table(database: Database) -> None:
    fill(database, 1)
    for statement in STATEMENTS[:3]:
        with pytest.raises(InsufficientPrivilege, match="only added to"):
            as_superuser(database.settings, statement, guarded=True)


def test_what_is_rolled_back_was_never_noted_and_leaves_no_gap(database: Database) -> None:
    fill(database, 1)
    with database.write() as conn:
        note(conn, Event.EXPORTED, "toilets")
        conn.rollback()
    fill(database, 1)
    assert audit_service.verify(database).last == 2


def test_a_long_transaction_keeps_nobody_from_being_noted(database: Database) -> None:
    with database.write() as long:
        note(long, "early", None)
        fill(database, 3)
    found = audit_service.entries(database, Wanted(), 10)["entries"]
    assert [entry["event"] for entry in found] == ["early", "exported", "exported", "exported"]
    assert audit_service.verify(database).whole


def test_ten_writers_at_once_break_nothing(database: Database) -> None:
    def write(writer: int) -> None:
        for number in range(EVENTS):
            with within(Scope("internal", None, None, None, f"writer {writer}")), database.write() as conn:
                note(conn, "soak", str(number))

    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(write, range(WRITERS)))
    verdict = audit_service.verify(database)
    assert verdict.whole
    assert verdict.last == verdict.entries == WRITERS * EVENTS
    with database.read() as conn:
        found = [(entry.who, int(entry.object or -1)) for entry in read_chain(conn)]
    for writer in range(WRITERS):
        assert [n for who, n in found if who == f"writer {writer}"] == list(range(EVENTS))


def test_what_is_noted_once_in_an_hour_is_noted_once(database: Database) -> None:
    told = []
    for who in ("a", "a", "b"):
        with within(Scope("restricted", None, None, None, who)), database.write() as conn:
            told.append(note_once(conn, Event.READ_RESTRICTED, "pipes", seconds=3600))
    assert told == [True, False, True]
    assert audit_service.verify(database).entries == 2


def test_entries_are_asked_for_by_who_event_object_and_time(database: Database) -> None:
    for who, event, about in (("a", "key.made", "x"), ("b", "key.removed", "x"), ("b", "keys", "y")):
        with within(Scope("restricted", None, None, None, who)), database.write() as conn:
            note(conn, event, about)

    def numbers(**wanted: object) -> list[int]:
        found = audit_service.entries(database, Wanted(**wanted), 10)  # type: ignore[arg-type]
        return [entry["seq"] for entry in found["entries"]]

    assert numbers() == [3, 2, 1]
    assert numbers(who="b") == [3, 2]
    assert numbers(event="key") == [2, 1]
    assert numbers(event="key.made") == [1]
    assert numbers(event="k%") == []
    assert numbers(object="x", who="a") == [1]
    assert numbers(before=3) == [2, 1]
    assert audit_service.entries(database, Wanted(), 2)["next_before"] == 2
