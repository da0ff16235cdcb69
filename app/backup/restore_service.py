"""Use case: a backup comes back. It is read into a database beside, looked at, and only then takes the name."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.access import audit_heads
from app.backup import copies, folders, store
from app.backup import databases_store as databases
from app.backup.archive import look, unpack
from app.backup.manifest import Manifest
from app.backup.service import Tell
from app.database.audit import Event
from app.database.clients import Clients, find_clients
from app.database.cluster import ensure_started, has_none, no_database
from app.database.location import make_home
from app.database.migrate import Then, migrate
from app.database.revision import check_not_newer
from app.database.server import Parameters, admin_parameters
from app.errors import BadInput, Conflict, SetupFailed
from app.settings import Settings

#: A name that every program takes as it stands, without quotes.
_PLAIN = re.compile(r"[a-z][a-z0-9_]{0,62}")
CHANGES = "city.changes_id_seq"
#: How far changes go on behind those that a replaced database may still have made, and those of one that is gone.
MARGIN, GONE = 1_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What is restored: into a database of another name, ending connections, dropping what it replaces."""

    file: Path
    into: str | None = None
    end: bool = False
    drop_old: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup that came back: which database holds it, and what became of the one before."""

    file: Path
    made_at: str
    database: str
    replaced: str | None
    dropped: list[str]
    revision: str
    tables: int
    rows: int
    heads_aside: str | None
    notes: list[str]
    seconds: float

    def plain(self) -> dict[str, Any]:
        """It as plain values."""
        return {**asdict(self), "file": str(self.file)}


def restore(settings: Settings, asked: Asked, *, then: Then, tell: Tell) -> Restored:
    """Restore a backup in place of the present database, or beside it (`into`).

    Until the last step the present database serves; then both names change in one step. The one before is kept as
    `<name>_before_<time>`. `then` brings in the city's own classes.

    Raises:
        BadInput: `into` is no plain name.
        NotFound, UnreadableFile, SetupFailed: The file is none of ours, damaged, or of a newer program or server.
        Conflict: Somebody is connected, or the copy is not what was backed up; nothing was replaced.
    """
    since, at = time.monotonic(), datetime.now(UTC)
    if asked.into is not None and not _PLAIN.fullmatch(asked.into):
        raise BadInput(
            f"'{asked.into}' is no plain name for a database.",
            "Use up to 63 small letters, digits and underscores, beginning with a letter: --into look_at_march",
        )
    check_not_newer(look(asked.file).revision)
    make_home(settings.home_path)
    with folders.work_folder(settings.home_path) as work:
        tell("Checking the file …")
        copy = copies.Copy(unpack(asked.file, work / "read"), work / "read")
        if has_none(settings):
            tell(f"There is no database in {settings.home_path} yet: one is made.")
        ensure_started(settings)
        server = admin_parameters(settings)
        name = str(server["dbname"])
        with store.alone(server, name) as admin:
            clients = _check(settings, admin, name, asked, copy.manifest)
            stamp = folders.stamp_of(at)
            fresh = asked.into or databases.name_after(name, databases.FRESH, stamp)
            old = databases.name_after(name, databases.BEFORE, stamp)
            replaced = old if asked.into is None and databases.exists(admin, name) else None
            for left in databases.named_after(admin, name, databases.FRESH):  # of a restore that was killed
                databases.drop(admin, left)
            databases.create(admin, fresh, copy.manifest.place)
            try:
                tell("Reading it into a new database, comparing every row …")
                _make(settings, admin, server, clients, copy, fresh, name if replaced else None, asked, then)
                if asked.into is None:
                    tell("Changing places …")
                    databases.take_place(admin, fresh, name, replaced, end=asked.end)
            except BaseException:
                databases.drop_if_possible(admin, fresh)
                raise
            dropped = _drop_old(admin, name) if asked.drop_old else []
        aside, notes = _after(settings, copy, work, stamp) if asked.into is None else (None, [])
    return Restored(
        asked.file, copy.manifest.made_at, asked.into or name, None if replaced in dropped else replaced, dropped,
        copy.manifest.revision, len(copy.manifest.tables), copy.manifest.rows,
        None if aside is None else str(aside), notes, round(time.monotonic() - since, 2),
    )  # fmt: skip


def drop_old(settings: Settings) -> list[str]:
    """Drop the databases that restores have replaced; their names."""
    if has_none(settings):
        raise no_database(settings)
    server = admin_parameters(settings)
    with store.alone(server, str(server["dbname"])) as admin:
        return _drop_old(admin, str(server["dbname"]))


def _drop_old(admin: Any, name: str) -> list[str]:
    found = databases.named_after(admin, name, databases.BEFORE)
    for one in found:
        databases.drop(admin, one)
    return found


def _check(settings: Settings, admin: Any, name: str, asked: Asked, manifest: Manifest) -> Clients:
    """Refuse what cannot end well, before anything is made."""
    major = admin.info.server_version // 10000
    if manifest.place.server > major:
        raise SetupFailed(
            f"The backup was made on PostgreSQL {manifest.place.server}; this server is {major}, which is older.",
            f"Install postgresql-{manifest.place.server}-postgis-3 and restore into a new data folder.",
        )
    if asked.into is not None and databases.exists(admin, asked.into):
        raise Conflict(f"There is a database named {asked.into} already.", "Give --into another name.")
    users = 0 if asked.into else databases.users_of(admin, name)
    if users and not asked.end:
        raise Conflict(
            f"The database is in use by {users} connection{'s' if users > 1 else ''}: a server or a command runs.",
            "Stop it (Ctrl-C in `chengtu serve`) and try again; --yes ends the connections instead.",
        )
    folders.check_room(settings, manifest.place.bytes)
    return find_clients(max(major, manifest.place.server))


def _make(
    settings: Settings, admin: Any, server: Parameters, clients: Clients, copy: copies.Copy, fresh: str,
    present: str | None, asked: Asked, then: Then,
) -> None:  # fmt: skip
    """Fill the new database, compare it, bring it to today's revision, and make it ready to be used."""
    copies.fill(server, clients, copy, fresh)
    copies.check(server, copy, fresh)
    migrate(settings, then=then, database=fresh)
    behind, replaced = _behind(server, present)
    with store.opened(server | Parameters(dbname=fresh)) as connection:
        databases.put_right(connection)
        databases.set_as(admin, connection, copy.manifest.place)
        if asked.into is None:
            databases.end_sessions(connection)
            behind[CHANGES] = (
                behind[CHANGES] if present else databases.reached(connection).get(CHANGES, 0) + GONE
            )
            databases.jump_ahead(connection, behind)
        databases.note(
            connection, Event.RESTORED, asked.file.name, made_at=copy.manifest.made_at, rows=copy.manifest.rows,
            revision=copy.manifest.revision, head=copy.manifest.audit["seq"], replaced=replaced,
        )  # fmt: skip
    with store.opened(server | Parameters(dbname=fresh), autocommit=True) as connection:
        connection.execute("ANALYZE")


def _behind(server: Parameters, present: str | None) -> tuple[dict[str, int], dict[str, Any] | None]:
    """The numbers that the present database has given, and the end of its audit record."""
    if present is None:
        return {CHANGES: 0}, None
    with store.opened(server | Parameters(dbname=present)) as connection:
        numbers, newest = databases.reached(connection), store.newest_entry(connection)
    numbers[CHANGES] = numbers.get(CHANGES, 0) + MARGIN
    return numbers, None if newest is None else {"seq": newest[0], "hash": newest[1].hex()}


def _after(settings: Settings, copy: copies.Copy, work: Path, stamp: str) -> tuple[Path | None, list[str]]:
    """What lies outside the database: the heads of its audit record, what the data folder lacks."""
    aside = audit_heads.begin_anew(settings, copy.heads, stamp)
    return aside, folders.bring_back(settings, work / "read" / copies.HOME, stamp)
