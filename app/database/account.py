"""The user of the machine that runs the database, and running programs as that user."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass

from app.errors import SetupFailed

ROOT_UID = 0


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the machine."""

    uid: int
    gid: int
    name: str

    @property
    def is_other(self) -> bool:
        """Whether it is not the user this process runs as (which only root can do something about)."""
        return os.geteuid() != self.uid

    def own(self, path: str | os.PathLike[str]) -> None:
        """Give it the file or folder."""
        if self.is_other:
            os.chown(path, self.uid, self.gid)

    def run(
        self,
        command: list[str],
        pass_fds: tuple[int, ...] = (),
        start_new_session: bool = False,
        said: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, in a clean environment (no PG* variable of ours may lead it astray)."""
        return subprocess.run(
            command,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            umask=0o077,
            check=False,
            text=True,
            input=said or "",
            capture_output=True,
            pass_fds=pass_fds,
            start_new_session=start_new_session,
            user=self.uid if self.is_other else None,
            group=self.gid if self.is_other else None,
            extra_groups=[] if self.is_other else None,
        )


def get_account(uid: int) -> Account:
    """The account of a user id; SetupFailed for root, who may not run a database."""
    if uid == ROOT_UID:
        raise SetupFailed(
            "The database's folder belongs to root, who may not run it.", "Give it to another user."
        )
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(uid, os.getegid(), str(uid))
    return Account(uid, entry.pw_gid, entry.pw_name)


def get_database_account() -> Account:
    """Who runs a new database: root hands it to `postgres`, everyone else runs it as oneself."""
    if os.geteuid() != ROOT_UID:
        return get_account(os.geteuid())
    try:
        return get_account(pwd.getpwnam("postgres").pw_uid)
    except KeyError as error:
        raise SetupFailed(
            "Root may not run the database, and this machine has no user `postgres` to run it.",
            "Make one: useradd --system postgres (or run as an ordinary user).",
        ) from error
