"""`chengtu db restore`: all comes back, nothing is touched before it is sure, and rights hide what they hid."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from app.access import audit_heads, audit_service
from app.backup import copies, databases_store, service
from app.backup.archive import MAGIC, MANIFEST
from app.backup.restore_service import Asked, restore
from app.database.engine import open_database
from app.database.migrate import migrate
from app.database.revision import head
from app.database.scope import SERVICE, Scope
from app.database.server import admin_parameters, login_parameters
from app.errors import Conflict, SetupFailed, UnreadableFile
from app.inventory.schema_store import leaking
from app.settings import Settings
from tests.backup.town import Town, admin, backed_up, databases, one_change, seen
from tests.clones import clone
from tests.commandline import chengtu


@pytest.fixture(scope="module")
def town(cluster_settings, town_template, tmp_path_factory) -> Iterator[Town]:
    with backed_up(cluster_settings, town_template, tmp_path_factory.mktemp("home"), verify=False) as made:
        yield made


def quiet(_: str) -> None:
    """Nobody is told."""


def nothing(_: object) -> None:
    """The city has no classes of its own."""


def name_of(settings: Settings) -> str:
    return str(admin_parameters(settings)["dbname"])


def environment(town: Town) -> dict[str, str]:
    return {"CHENGTU_HOME": str(town.settings.home_path), "DATABASE_URL": str(town.settings.database_url)}


def test_all_comes_back_and_what_came_after_is_gone(town: Town):
    """One way through: back in place, beside the one that was replaced, usable at once."""
    with open_database(town.settings) as db:
        with db.read() as conn:
            areas = conn.execute(
                text(
                    "SELECT a FROM city.toilets, unnest(areas_touched) a GROUP BY a ORDER BY count(*), a LIMIT 1"
                )
            ).scalars()
            scopes = [SERVICE, Scope("internal", tuple(areas)), Scope("public", ())]
        before = [seen(db, scope) for scope in scopes]
        assert len(before[0]) > len(before[1]) > len(before[2]) == 0
        audit_service.verify(db)
        with db.write() as conn:
            conn.execute(text("DELETE FROM city.toilets WHERE id = (SELECT max(id) FROM city.toilets)"))
        late = one_change(db)
    present = databases(town.settings)
    with admin(town.settings) as user:
        with pytest.raises(Conflict, match="in use by 1 connection:"):
            restore(town.settings, Asked(town.made.file), then=nothing, tell=quiet)
        user.execute("SELECT 'not thrown out unasked'")
        assert databases(town.settings) == present
        done = restore(town.settings, Asked(town.made.file, end=True), then=nothing, tell=quiet)
        with pytest.raises(psycopg.OperationalError):
            user.execute("SELECT 1")
    assert done.replaced is not None
    assert databases(town.settings) == {name_of(town.settings), done.replaced}
    with open_database(town.settings) as db:
        assert [seen(db, scope) for scope in scopes] == before
        with db.read() as conn:
            assert leaking(conn) == []
        newest = audit_service.entries(db, audit_service.Wanted(event="backup.restored"), 1)["entries"][0]
        assert newest["detail"]["replaced"]["seq"] > newest["detail"]["head"]
        verdict = audit_service.verify(db)
        assert (verdict.whole, verdict.reason) == (True, None)
        assert one_change(db) > late, "a number of the time after the backup was given again"
    # The record of the time between is in the database that was replaced, and its heads are kept.
    assert done.heads_aside is not None
    assert Path(done.heads_aside).exists()
    dropped = chengtu(environment(town), "db", "restore", "--drop-old", "--json")
    assert json.loads(dropped.stdout) == {"dropped": [done.replaced]}
    assert databases(town.settings) == {name_of(town.settings)}


@pytest.mark.wide
def test_the_service_may_no_more_than_before(town: Town):
    """What a dump does not keep is put right: the service's login calls no function that reads files or sets."""
    name = f"{name_of(town.settings)}_into"
    done = restore(town.settings, Asked(town.made.file, into=name), then=nothing, tell=quiet)
    assert (done.database, done.replaced) == (name, None)
    try:
        login = login_parameters(town.settings)
        assert login is not None
        with psycopg.connect(**{**login, "dbname": name}, autocommit=True) as connection:
            for call in ("set_config('chengtu.areas', '*', false)", "pg_read_file('x')", "pg_sleep(0)"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"SELECT {call}".encode())
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT FROM city.toilets")
        with pytest.raises(Conflict, match="already"):
            restore(town.settings, Asked(town.made.file, into=name), then=nothing, tell=quiet)
    finally:
        with admin(town.settings, "postgres") as connection:
            databases_store.drop(connection, name)


def test_a_copy_that_differs_takes_nobodys_place(town: Town, monkeypatch):
    before = databases(town.settings)
    monkeypatch.setattr(copies, "fill", lambda *_: None)
    with pytest.raises(Conflict, match="lacking"):
        restore(town.settings, Asked(town.made.file), then=nothing, tell=quiet)
    assert databases(town.settings) == before


def _rewritten(source: Path, to: Path, **changed: object) -> Path:
    """The backup with other words in its manifest, which it signs."""
    with tarfile.open(source) as old, tarfile.open(to, "w") as new:
        stream = old.extractfile(MANIFEST)
        assert stream is not None
        manifest = json.dumps({**json.loads(stream.read()), **changed}).encode()
        said = {MAGIC: f"{MAGIC} 1\n{hashlib.sha256(manifest).hexdigest()}\n".encode(), MANIFEST: manifest}
        for member in old:
            given = said.get(member.name)
            if given is not None:
                member.size = len(given)
            new.addfile(member, old.extractfile(member) if given is None else io.BytesIO(given))
    return to


def test_what_cannot_be_trusted_is_refused_before_anything_is_touched(town: Town, tmp_path):
    whole = town.made.file.read_bytes()
    middle = len(whole) // 2
    given = {
        "flipped": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "cut": whole[:middle],
        "cut at its end": whole[: len(whole) - 12_000],
        "empty": b"",
        "foreign": b"PGDMP" + bytes(5000),
        "said otherwise": whole.replace(b'"rows"', b'"rowz"', 1).replace(
            b'"revision": "0', b'"revision": "1', 1
        ),
    }
    before = databases(town.settings)
    for name, content in given.items():
        path = tmp_path / f"{name}.backup"
        path.write_bytes(content)
        with pytest.raises(UnreadableFile, match=r"damaged|no backup") as refused:
            restore(town.settings, Asked(path), then=nothing, tell=quiet)
        assert refused.value.hint, name
    newer = _rewritten(town.made.file, tmp_path / "newer", revision="9999")
    with pytest.raises(SetupFailed, match="9999"):
        restore(town.settings, Asked(newer), then=nothing, tell=quiet)
    form = _rewritten(town.made.file, tmp_path / "form", form=2)
    with pytest.raises(UnreadableFile, match="newer program"):
        restore(town.settings, Asked(form), then=nothing, tell=quiet)
    assert databases(town.settings) == before
    assert list(town.settings.home_path.glob(".chengtu-work-*")) == []


def test_a_member_that_leaves_the_folder_is_refused(town: Town, tmp_path):
    path = tmp_path / "out.backup"
    path.write_bytes(town.made.file.read_bytes())
    with tarfile.open(path, "a") as tar:
        tar.addfile(tarfile.TarInfo("../outside"), io.BytesIO())
    with pytest.raises(UnreadableFile, match="does not tell of"):
        restore(town.settings, Asked(path), then=nothing, tell=quiet)


@pytest.mark.slow
@pytest.mark.wide
def test_a_backup_of_an_earlier_revision_comes_back_on_a_new_machine(cluster_settings, tmp_path):
    """Looked at as it was, then migrated; a data folder that knows nothing gets a login and the record's heads."""
    with clone(cluster_settings, None) as old, clone(cluster_settings, None) as new:
        before = Settings(home=tmp_path / "before", DATABASE_URL=old.database_url)
        migrate(before, to="0018")
        with admin(before) as connection:
            connection.execute("INSERT INTO city.parties (name, kind) VALUES ('市绿化养护队', 'squad')")
            entry = connection.execute(
                "SELECT seq, hash FROM city.audit ORDER BY seq DESC LIMIT 1"
            ).fetchone()
        assert entry is not None
        audit_heads.keep_head(before, int(entry[0]), bytes(entry[1]))
        made = service.backup(before, f"{tmp_path}/", keep=None, verify=False, tell=quiet)
        assert made.revision == "0018"
        settings = Settings(home=tmp_path / "home", DATABASE_URL=new.database_url)
        done = restore(settings, Asked(made.file, drop_old=True), then=nothing, tell=quiet)
        assert (done.revision, done.heads_aside) == ("0018", None)
        heads = audit_heads.read_heads(settings)
        assert (heads.forged, dict(heads.hashes)) == (None, {entry[0]: entry[1]})
        with open_database(settings) as db:
            with db.read() as conn:
                assert (
                    conn.execute(text("SELECT version_num FROM city.alembic_version")).scalar_one() == head()
                )
                assert conn.execute(text("SELECT name FROM city.parties")).scalar_one() == "市绿化养护队"
                assert leaking(conn) == []
            verdict = audit_service.verify(db)
            assert verdict.whole
            assert verdict.entries > entry[0]


@pytest.mark.parametrize("name", ["Look At", "UPPER", "1st", 'a"b', "x" * 64])
def test_a_name_that_needs_quotes_is_refused(town: Town, name):
    done = chengtu(environment(town), "db", "restore", str(town.made.file), "--into", name)
    assert done.returncode == 2
    assert "is no plain name for a database" in " ".join(done.stderr.split())
