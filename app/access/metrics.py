"""`/metrics` beside what processes count: what is known when it is asked for, of limits, database and backups."""

from __future__ import annotations

import json
import platform
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

from app.access.audit_heads import heads_path
from app.access.audit_service import read_state
from app.access.metrics_store import JOB_STATES, Looked, look
from app.database.archiving import Archiver
from app.database.location import find_location
from app.database.scope import as_service
from app.database.transactions import Database
from app.errors import ChengtuError
from app.meters import exposition, head, resident_bytes, sample
from app.settings import Settings
from app.version import version

#: What `chengtu db backup` leaves in the data folder.
BACKUP = Path("backups") / "last.json"
#: Folders of the data folder that are filled; each may be a disk of its own.
FILLED = ("backups", "exports", "spool", "tiles", "uploads")
#: The database has so long to say what it knows, seconds.
DATABASE_S = 2.0

Lines = Iterator[str]


def metrics(db: Database, limits: Mapping[str, float], *, engine_up: bool, kinds: Iterable[str] = ()) -> str:
    """All of it, as Prometheus reads it; of jobs all `kinds`, also those of which none waits or runs."""
    return "\n".join(_all(db, limits, engine_up, kinds)) + "\n"


def _all(db: Database, limits: Mapping[str, float], engine_up: bool, kinds: Iterable[str]) -> Lines:
    yield from _one("chengtu_build_info", "What runs here.", {"version": version(), "python": _python()}, 1)
    yield from exposition()
    yield from _limits(limits)
    yield from _memory()
    yield from _disks(db.settings)
    yield from _database(_looked(db), kinds)
    yield from _one("chengtu_engine_up", "Whether the engine takes requests.", {}, int(engine_up))
    yield from _audit(db.settings)
    yield from _backup(db.settings)


def _one(name: str, told: str, labels: Mapping[str, str], value: float) -> Lines:
    yield from head(name, told, "gauge")
    yield sample(name, labels, value)


def _limits(limits: Mapping[str, float]) -> Lines:
    yield from head("chengtu_limit", "Limits as they are set; docs/limits.md tells what each is.", "gauge")
    for name, value in limits.items():
        yield sample("chengtu_limit", {"name": name}, value)


def _memory() -> Lines:
    yield from head("chengtu_process_resident_bytes", "Memory, shared pages included, by process.", "gauge")
    for name, size in resident_bytes().items():
        yield sample("chengtu_process_resident_bytes", {"process": name}, size)


def _disks(settings: Settings) -> Lines:
    """What is free for the data folder; of the other folders that are written to, on each further disk of the first."""
    yield from head(
        "chengtu_disk_free_bytes", "Free for what is written to this folder; each disk once.", "gauge"
    )
    told: set[int] = set()
    for name, folder in _folders(settings):
        try:
            disk, free = folder.stat().st_dev, shutil.disk_usage(folder).free
        except OSError:  # not made yet, or away
            continue
        if disk not in told:
            told.add(disk)
            yield sample("chengtu_disk_free_bytes", {"folder": name}, free)


def _folders(settings: Settings) -> Iterator[tuple[str, Path]]:
    """The folders that the product writes to: the data folder, that of the database, its kept log, and parts."""
    yield "data", settings.home_path
    if settings.database_url is None:
        try:
            location = find_location(settings.home_path)
        except ChengtuError:
            location = None
        if location is not None:
            yield "database", location.data
        if settings.wal_path is not None:
            yield "log", settings.wal_path
    for name in FILLED:
        yield name, settings.home_path / name


def _looked(db: Database) -> Looked | None:
    try:
        with as_service(), db.read(timeout_s=DATABASE_S) as conn:
            return look(conn)
    except ChengtuError:
        return None


def _database(found: Looked | None, kinds: Iterable[str]) -> Lines:
    yield from _one("chengtu_database_up", "Whether the database answered.", {}, int(found is not None))
    if found is None:
        return
    yield from _one("chengtu_database_bytes", "Size of the database.", {}, found.size)
    yield from _one(
        "chengtu_database_connections", "Connections of all clients of the server.", {}, found.connections
    )
    yield from head("chengtu_jobs", "Jobs that wait or run, by kind.", "gauge")
    jobs = dict.fromkeys(product(kinds, JOB_STATES), 0)
    jobs.update({(kind, state): number for kind, state, number, _ in found.jobs})
    for (kind, state), number in jobs.items():
        yield sample("chengtu_jobs", {"kind": kind, "state": state}, number)
    oldest = max((age for _, state, _, age in found.jobs if state == "queued"), default=0.0)
    yield from _one("chengtu_job_oldest_waiting_seconds", "Age of the oldest waiting job.", {}, oldest)
    yield from head("chengtu_imports", "Imports on record, by state.", "gauge")
    for state, number in found.imports:
        yield sample("chengtu_imports", {"state": state}, number)
    if found.archiver is not None:
        yield from _archive(found.archiver)


def _archive(found: Archiver) -> Lines:
    """How the log of writes is kept; nothing of it where it is not."""
    yield from _one(
        "chengtu_wal_archive_up", "Whether the last file of the log was kept.", {}, int(not found.fails)
    )
    yield from head(
        "chengtu_wal_archive_failed_total", "Times that a file of the log could not be kept.", "counter"
    )
    yield sample("chengtu_wal_archive_failed_total", {}, found.failed)
    if found.kept_at is not None:
        age = _age(found.kept_at.timestamp())
        yield from _one(
            "chengtu_wal_archive_age_seconds", "Since the last file of the log was kept.", {}, age
        )


def _audit(settings: Settings) -> Lines:
    try:
        kept_at = heads_path(settings).stat().st_mtime
    except OSError:
        kept_at = 0.0
    if kept_at:
        yield from _one(
            "chengtu_audit_head_age_seconds",
            "Since the record's newest entry was kept outside.",
            {},
            _age(kept_at),
        )
    try:
        state = read_state(settings)
    except (ChengtuError, OSError):
        state = None
    if state is not None:
        checked_at = _moment(state["checked_at"])
        yield from _one(
            "chengtu_audit_checked_age_seconds",
            "Since the whole audit record was checked.",
            {},
            _age(checked_at),
        )
        yield from _one(
            "chengtu_audit_whole", "Whether it was whole then.", {}, int(bool(state.get("whole")))
        )


def _backup(settings: Settings) -> Lines:
    try:
        told: Any = json.loads((settings.home_path / BACKUP).read_text(encoding="utf-8"))
        made_at, size, verified = _moment(told["at"]), float(told["bytes"]), bool(told["verified"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    yield from _one("chengtu_backup_age_seconds", "Since the last backup was made.", {}, _age(made_at))
    yield from _one("chengtu_backup_bytes", "Its size.", {}, size)
    yield from _one("chengtu_backup_verified", "Whether it was restored to try it.", {}, int(verified))


def _moment(told: str) -> float:
    return datetime.fromisoformat(told).timestamp()


def _age(moment: float) -> float:
    return max(0.0, round(time.time() - moment, 1))


def _python() -> str:
    return platform.python_version()
