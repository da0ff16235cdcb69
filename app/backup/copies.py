"""A backup read into a database of its own, and looked at: is all there, row by row, right by right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.access.audit_chain import Heads, Pruning
from app.backup import databases_store as databases
from app.backup import store
from app.backup.catalog_lines import OUTSIDE
from app.backup.manifest import Contents, Manifest, differences, in_short
from app.database.clients import Clients, filling
from app.database.revision import head
from app.database.server import Parameters
from app.errors import Conflict
from app.parallel import cores

CATALOG, DUMP, HOME = "catalog.txt", "dump", "home"


def jobs() -> str:
    """How many connections a dump and its way back take at once."""
    return str(min(4, cores()))


@dataclass(frozen=True, slots=True)
class Copy:
    """An unpacked backup: its manifest and folder."""

    manifest: Manifest
    folder: Path

    @property
    def contents(self) -> Contents:
        """What it must hold."""
        lines = (self.folder / CATALOG).read_text(encoding="utf-8").split("\0")
        return Contents(self.manifest.tables, self.manifest.sequences, [line for line in lines if line])

    @property
    def heads(self) -> Heads:
        """The heads of the audit record that were kept with it."""
        return heads_of(self.manifest)


def heads_of(manifest: Manifest) -> Heads:
    """The heads that a manifest tells."""
    kept = manifest.audit.get("heads", [])
    return Heads(
        {int(seq): bytes.fromhex(value) for seq, value, _ in kept},
        {int(seq): datetime.fromisoformat(at) for seq, _, at in kept},
        [
            Pruning(int(until), bytes.fromhex(value), datetime.fromisoformat(at))
            for until, value, at in manifest.audit.get("prunings", [])
        ],
    )


def fill(server: Parameters, clients: Clients, copy: Copy, name: str) -> None:
    """Read the dump into the empty database `name`, and put right what no dump keeps."""
    place = server | Parameters(dbname=name)
    with store.opened(place) as connection:
        databases.make_roles(connection)
    clients.run(
        "The backup could not be read into a database",
        "pg_restore",
        ["--format=directory", f"--jobs={jobs()}", "--exit-on-error", str(copy.folder / DUMP)],
        filling(place),
    )
    with store.opened(place) as connection:
        databases.put_right(connection)


def check(server: Parameters, copy: Copy, name: str) -> None:
    """Compare the database `name` with what the backup says; its audit record is walked from end to end.

    Raises:
        Conflict: Something differs.
    """
    with store.opened(server | Parameters(dbname=name)) as connection:
        same_server = copy.manifest.place.server == connection.info.server_version // 10000
        found = store.contents_of(connection)
        connection.rollback()
        verdict = store.chain_verdict(connection, copy.heads)
    differing = differences(_comparable(copy.contents, same_server), _comparable(found, same_server))
    # Rights and marks that a later revision gives besides are no loss.
    differing = [one for one in differing if not one.startswith(f"not in the backup: {OUTSIDE}")]
    if differing:
        raise Conflict(
            f"The copy is not what was backed up: {in_short(differing)}.",
            "Take another backup; nothing was replaced.",
        )
    if verdict is not None and not verdict.whole and copy.manifest.audit.get("whole"):
        raise Conflict(
            f"The audit record of the copy is broken at entry {verdict.broken}: {verdict.reason}.",
            "Take another backup; nothing was replaced.",
        )


def _comparable(contents: Contents, same_server: bool) -> Contents:
    """What can be compared: another version of PostgreSQL words definitions otherwise."""
    return contents if same_server else Contents(contents.tables, contents.sequences, ())


def is_older(manifest: Manifest) -> bool:
    """Whether the program that made it knew fewer revisions."""
    return manifest.revision < head()
