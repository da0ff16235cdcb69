"""What `chengtu check` says of backups, of the room on the disks, of the audit record: a sentence, a hint."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.access.audit_service import state_now
from app.backup import databases_store as databases
from app.backup import folders, store
from app.database.checks import Answer
from app.database.cluster import ensure_started
from app.database.engine import open_database
from app.database.location import find_location
from app.database.server import admin_parameters
from app.settings import Settings

#: A backup is made every night: one that is older than this was not made twice.
OLD = timedelta(hours=50)
LEAST_BYTES = 1024**3
GIB = 1024**3
MAKE = "Make one: chengtu db backup"


def last_backup(settings: Settings) -> Answer:
    """How old the last backup is, and whether it was looked at."""
    told = folders.last(settings)
    if told is None:
        return "No backup was made by this data folder.", MAKE
    age = datetime.now(UTC) - datetime.fromisoformat(told["at"])
    said = f"The last backup is {_hours(age)} old"
    if not told.get("verified"):
        return f"{said} and was not verified.", "Make one that is: chengtu db backup"
    if _is_gone(Path(told["file"])):
        return (
            f"{said}, and is not there any more: {told['file']}.",
            "Mount the disk that it lies on, bring it back, or make one: chengtu db backup",
        )
    if age > OLD:
        return f"{said}.", "Make one each night: docs/back-it-up.md has the lines for a timer."
    return f"{said} and was verified: {told['file']}.", None


def _is_gone(file: Path) -> bool:
    """Whether nothing has this name; False where it cannot be looked at, such as in a folder of another user."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return file.is_absolute()
    except OSError:
        return False
    return False


def has_backups(settings: Settings) -> bool:
    """Whether this data folder ever made one: who begins to, wants to know when they stop."""
    return folders.last(settings) is not None


def room(settings: Settings) -> Answer:
    """Whether the disks have room for the database to grow and for a copy of it."""
    ensure_started(settings, make=False)
    server = admin_parameters(settings)
    with store.opened(server) as connection:
        size = databases.size_of(connection, str(server["dbname"]))
    location = None if settings.database_url else find_location(settings.home_path)
    place = settings.home_path if location is None else location.root
    free = shutil.disk_usage(place).free
    told = f"The database has {size / GIB:,.2f} GiB; {free / GIB:,.1f} GiB are free in {place}."
    if location is None:
        told += " The disk of DATABASE_URL's server cannot be seen from here."
        return told, None if free > LEAST_BYTES else "Free some space."
    needed = max(LEAST_BYTES, folders.room_for(size))
    return (
        told,
        None
        if free > needed
        else f"Free some space: a verified backup takes {needed / GIB:,.1f} GiB for a while.",
    )


def audit(settings: Settings) -> Answer:
    """Whether the audit record ends as the heads say that are kept beside it."""
    with open_database(settings) as db:
        found = state_now(db)
    if not found["known"]:
        return "The audit record was not checked yet: a running server does it each day.", None
    if found["whole"]:
        return f"The audit record fits the heads kept beside it; {found['new']} entries since.", None
    return (
        f"The audit record is broken at entry {found['broken']}: {found['reason']}.",
        "Look: chengtu audit verify",
    )


def _hours(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:.0f} days"
