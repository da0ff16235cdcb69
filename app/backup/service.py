"""Use case: a backup that is known to come back. One snapshot is dumped, packed, read back, compared, then named."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.access.audit_chain import Heads
from app.access.audit_heads import read_heads
from app.backup import copies, folders, store
from app.backup import databases_store as databases
from app.backup.archive import give_name, measure, pack, unpack
from app.backup.manifest import Contents, Manifest, Place
from app.database.audit import Event
from app.database.clients import Clients, find_clients
from app.database.cluster import ensure_started
from app.database.revision import current_revision
from app.database.roles import OWNER
from app.database.server import Parameters, admin_parameters
from app.errors import BadInput, ChengtuError, NoSpace, SetupFailed
from app.settings import Settings
from app.version import version

Tell = Callable[[str], None]
#: The least that gzip can do: a stronger one takes twice the time for a tenth of the bytes (measured).
LEVEL = 1
LOCK_MS = 60_000


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made; `seconds` are those of its parts."""

    file: Path
    at: str
    bytes: int
    revision: str
    tables: int
    rows: int
    verified: bool
    audit: dict[str, Any]
    keys: bool
    removed: list[str]
    seconds: dict[str, float]

    def plain(self) -> dict[str, Any]:
        """It as plain values."""
        return {**asdict(self), "file": str(self.file)}


class _Watch:
    """Seconds of each part."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}
        self._since = time.monotonic()

    def lap(self, part: str) -> None:
        now = time.monotonic()
        self.took[part], self._since = round(now - self._since, 2), now


def backup(settings: Settings, to: str | None, *, keep: int | None, verify: bool, tell: Tell) -> Made:
    """Back the database up as it is at one moment; writers go on beside it.

    The file bears its name only when it is whole, and, with `verify`, was restored into a scratch database in which
    every row, right and entry of the audit record was found again. With `keep` older backups of this database in the
    same folder are removed then.

    Raises:
        NoSpace: The disk is full; nothing is left, and what was there is untouched.
        SetupFailed, Conflict, BadInput: It cannot be made, another one is running, or an option does not fit.
    """
    if keep is not None and not verify:
        raise BadInput("Older backups are removed only for one that was verified.", "Leave out --no-verify.")
    ensure_started(settings, make=False)
    at = datetime.now(UTC)
    path = folders.target(settings, to, at)
    server, watch = admin_parameters(settings), _Watch()
    with store.alone(server, str(server["dbname"])) as admin, folders.work_folder(path.parent) as work:
        clients = find_clients(admin.info.server_version // 10000)
        if verify:
            folders.check_room(settings, databases.size_of(admin, str(server["dbname"])))
        manifest, sources = _dump(settings, clients, work, at, tell, watch)
        tell("Packing …")
        draft = work / "draft"
        size = pack(draft, manifest, sources)
        watch.lap("pack")
        if verify:
            tell("Restoring it into a scratch database, comparing every row …")
            _verify(server, clients, draft, work / "read", admin)
            watch.lap("verify")
        give_name(draft, path)
    removed = [] if keep is None else folders.remove_older(path, keep, manifest.place.mark)
    _tell_of(settings, server, path, size, manifest, verified=verify)
    return Made(
        path, manifest.made_at, size, manifest.revision, len(manifest.tables), manifest.rows, verify,
        {name: manifest.audit.get(name) for name in ("seq", "hash", "whole")},
        any(name.startswith(f"{copies.HOME}/tls/") for name in manifest.files),
        [str(one) for one in removed], watch.took,
    )  # fmt: skip


def _dump(
    settings: Settings, clients: Clients, work: Path, at: datetime, tell: Tell, watch: _Watch
) -> tuple[Manifest, dict[str, Path]]:
    """Dump one snapshot and read from the same one what must be found again."""
    server = admin_parameters(settings)
    # Before the snapshot: a head that is kept meanwhile may be of an entry that the snapshot does not have.
    heads = read_heads(settings)
    with store.frozen(server) as now:
        revision = current_revision(now.connection)
        if revision is None:
            raise SetupFailed(
                "The database is empty: there is nothing to back up.", "Make it: chengtu db migrate"
            )
        standing = store.sequences_of(now.connection)
        tell("Dumping …")
        _run_dump(clients, server, work / copies.DUMP, now)
        watch.lap("dump")
        tell("Reading what every copy must hold …")
        contents = replace(store.contents_of(now.connection), sequences=standing)
        place = store.place_of(now.connection, folders.own_mark(settings))
        versions = store.versions_of(now.connection)
        audit = _audit(now, heads)
    folders.gather(settings, work / copies.HOME)
    (work / copies.CATALOG).write_text("\0".join(contents.catalog), encoding="utf-8")
    sources = _sources(work)
    manifest = _manifest(at, revision, place, contents, versions, audit, sources)
    watch.lap("read")
    return manifest, sources


def _run_dump(clients: Clients, server: Parameters, to: Path, now: store.Frozen) -> None:
    words = [
        "--format=directory", f"--jobs={copies.jobs()}", f"--compress={LEVEL}", "--no-sync",
        f"--snapshot={now.snapshot}", f"--lock-wait-timeout={LOCK_MS}", f"--file={to}",
        *([f"--role={OWNER}", "--enable-row-security"] if now.as_owner else []),
    ]  # fmt: skip
    try:
        clients.run("The database could not be backed up", "pg_dump", words, server)
    except NoSpace as error:
        raise folders.explain_full(to.parent.parent, error) from error


def _audit(now: store.Frozen, heads: Heads) -> dict[str, Any]:
    """The audit record's end and what was kept of it outside the database: of each day the last head."""
    newest, verdict = store.newest_entry(now.connection), store.chain_verdict(now.connection, heads)
    daily = {heads.kept_at[seq].date(): seq for seq in sorted(heads.kept_at)}
    return {
        "seq": 0 if newest is None else newest[0],
        "hash": None if newest is None else newest[1].hex(),
        "whole": None if verdict is None else verdict.whole,
        "reason": None if verdict is None else verdict.reason,
        "heads": [(seq, heads.hashes[seq].hex(), heads.kept_at[seq].isoformat()) for seq in daily.values()],
        "prunings": [(one.until, one.hash.hex(), one.at.isoformat()) for one in heads.prunings],
    }


def _sources(work: Path) -> dict[str, Path]:
    """The members of the archive: catalog, then the dump with its list of contents first, then the data folder's."""
    found = [work / copies.CATALOG, work / copies.DUMP / "toc.dat"]
    for name in (copies.DUMP, copies.HOME):
        found += sorted(path for path in (work / name).rglob("*") if path.is_file() and path not in found)
    return {path.relative_to(work).as_posix(): path for path in found}


def _manifest(
    at: datetime, revision: str, place: Place, contents: Contents, versions: dict[str, int],
    audit: dict[str, Any], sources: dict[str, Path],
) -> Manifest:  # fmt: skip
    return Manifest(
        at.isoformat(timespec="seconds"), version(), revision, place, contents.tables, contents.sequences, versions,
        audit, {name: measure(path) for name, path in sources.items()},
    )  # fmt: skip


def _verify(server: Parameters, clients: Clients, draft: Path, folder: Path, admin: Any) -> None:
    """Read the file itself back, as whoever restores it will, into a database that is dropped again."""
    folder.mkdir()
    copy = copies.Copy(unpack(draft, folder), folder)
    with databases.scratch(admin, str(server["dbname"]), copy.manifest.place) as scratch:
        copies.fill(server, clients, copy, scratch)
        copies.check(server, copy, scratch)


def _tell_of(
    settings: Settings, server: Parameters, path: Path, size: int, manifest: Manifest, *, verified: bool
) -> None:
    """Note it in the audit record and beside the data; the backup is made, whether or not that succeeds."""
    folders.tell_last(settings, path, size, manifest, verified=verified)
    with suppress(ChengtuError), store.opened(server) as connection:
        databases.note(
            connection, Event.BACKED_UP, path.name, bytes=size, rows=manifest.rows, revision=manifest.revision,
            verified=verified, head=manifest.audit["seq"],
        )  # fmt: skip
