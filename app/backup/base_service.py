"""Use case: a copy of the embedded cluster's files: with the kept log of writes any later moment comes back."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.backup import folders, store
from app.backup.archive import sync_folder
from app.backup.service import Tell
from app.database.clients import COPYING, find_clients
from app.database.cluster import ensure_started
from app.database.server import admin_parameters
from app.errors import NoSpace, SetupFailed
from app.settings import Settings

PREFIX = "chengtu-base-"


def base_backup(settings: Settings, to: str | None, tell: Tell) -> dict[str, Any]:
    """Copy the cluster while it serves, and check every file of the copy; what was made as plain values.

    Raises:
        SetupFailed: There is no embedded cluster that keeps its log of writes, or the folder is not there or cannot be
            written.
        NoSpace: The disk is full; nothing is left.
    """
    if settings.database_url is not None or settings.wal_path is None:
        raise SetupFailed(
            "A base backup is of an embedded database that keeps its log of writes.",
            "Set CHENGTU_WAL_ARCHIVE to a folder and start the database anew; your own server has pg_basebackup.",
        )
    ensure_started(settings, make=False)
    since, at = time.monotonic(), datetime.now(UTC)
    folder = settings.home_path / folders.FOLDER if to is None else Path(to).expanduser().absolute()
    if to is None:
        folder.mkdir(mode=0o700, exist_ok=True)
    folders.check_folder(folder)
    path = folder / f"{PREFIX}{folders.stamp_of(at)}"
    server = admin_parameters(settings, "postgres")
    with store.opened(server) as connection:
        major = connection.info.server_version // 10000
        keeps = connection.execute("SELECT current_setting('archive_mode')").fetchone() == ("on",)
    if not keeps:
        raise SetupFailed(
            "The database does not keep its log yet.", "Run: chengtu db stop, then chengtu db start"
        )
    clients = find_clients(major, programs=COPYING)
    with folders.work_folder(folder) as work:
        tell("Copying the cluster …")
        words = [f"--pgdata={work / 'base'}", "--format=plain", "--wal-method=stream", "--checkpoint=fast"]
        try:
            clients.run("The cluster could not be copied", "pg_basebackup", words, server)
        except NoSpace as error:
            raise folders.explain_full(folder, error) from error
        tell("Checking every file of the copy …")
        clients.check("The copy is not whole", "pg_verifybackup", [str(work / "base")])
        (work / "base").rename(path)
        sync_folder(folder)
    size = sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    return {
        "folder": str(path), "at": at.isoformat(timespec="seconds"), "bytes": size, "archive": str(settings.wal_path),
        "free": shutil.disk_usage(settings.wal_path).free, "seconds": round(time.monotonic() - since, 2),
    }  # fmt: skip
