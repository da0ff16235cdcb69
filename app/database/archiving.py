"""Keeps the embedded cluster's log of writes (WAL) in a folder: any moment since a base backup comes back.

Whether that succeeds any server tells, one of DATABASE_URL as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.database.account import Account
from app.errors import SetupFailed

#: A quiet city's last writes are in the folder after so many seconds at the latest.
AT_LEAST_EVERY_S = 60
#: `all` databases in pg_hba.conf do not hold the copying of the whole cluster.
ACCESS_TO_COPY = "local replication all scram-sha-256\n"
#: What a server tells of keeping its log; no row where it was not told to.
ARCHIVER = (
    "SELECT failed_count, last_archived_time, last_failed_time FROM pg_stat_archiver "
    "WHERE current_setting('archive_mode') <> 'off'"
)


@dataclass(frozen=True, slots=True)
class Archiver:
    """How the log is kept: files that failed since the server counts, when the last one was kept, when one failed."""

    failed: int
    kept_at: datetime | None
    failed_at: datetime | None

    @property
    def fails(self) -> bool:
        """Whether the last file failed: the server tries it again and again, and keeps the log on its own disk."""
        return self.failed_at is not None and (self.kept_at is None or self.failed_at > self.kept_at)


def archive_settings(folder: Path | None) -> dict[str, str]:
    """The server's settings; nothing without a folder."""
    if folder is None:
        return {}
    place = _quoted(str(folder))
    # Under its name only when it is whole and on the disk. What is there already is the same, or the copy fails.
    command = (
        f'if test -f {place}/"%f"; then cmp -s "%p" {place}/"%f"; else cp "%p" {place}/".%f.part" '
        f'&& sync {place}/".%f.part" && mv {place}/".%f.part" {place}/"%f"; fi'
    )
    return {
        "wal_level": "replica",
        "max_wal_senders": "4",
        "archive_mode": "on",
        "archive_command": command,
        "archive_timeout": str(AT_LEAST_EVERY_S),
    }


def prepare_folder(folder: Path | None, account: Account) -> None:
    """Make the folder for the database's user alone; SetupFailed where that user cannot write there."""
    if folder is None:
        return
    try:
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True)
            account.own(folder)
    except OSError as error:
        raise _unusable(folder, account, error.strerror or str(error)) from error
    if account.run(["/bin/sh", "-c", 'test -w "$1" && test -x "$1"', "sh", str(folder)]).returncode:
        raise _unusable(folder, account, "it may not write there")


def let_copy(folder: Path | None, rules: Path) -> None:
    """Let whoever may log in copy the cluster as well; what else stands in the file of rules stays as it is."""
    if folder is not None and "replication" not in rules.read_text(encoding="utf-8"):
        with rules.open("a", encoding="utf-8") as file:
            file.write(ACCESS_TO_COPY)


def _unusable(folder: Path, account: Account, why: str) -> SetupFailed:
    return SetupFailed(
        f"The database's user {account.name} cannot keep its log in {folder}: {why}.",
        f"Give it the folder (chown {account.name}), or another one by CHENGTU_WAL_ARCHIVE.",
    )


def _quoted(path: str) -> str:
    """A path as the shell takes it; the server reads % as its own."""
    return "'" + path.replace("%", "%%").replace("'", "'\\''") + "'"
