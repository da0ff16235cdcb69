"""Where the embedded cluster of a data folder lies, and which user of the machine runs it.

`<home>/postgres/`            the cluster: `data/`, `server.log`, `alive` (locked while any of its processes lives)
`/var/lib/chengtu/<hash>/`    the same where the database user cannot enter `<home>`; `<home>/cluster` names it
`<home>/secrets/`, `lock`     passwords, and the lock under which it is started and stopped
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from app.database.account import ROOT_UID, Account, get_account, get_database_account
from app.errors import NoSpace, SetupFailed

OUTSIDE = Path("/var/lib/chengtu")


@dataclass(frozen=True, slots=True)
class Location:
    """The cluster of the data folder `home`: its folder `root` and the account that owns it."""

    home: Path
    root: Path
    account: Account

    @property
    def data(self) -> Path:
        """The server's data directory."""
        return self.root / "data"

    @property
    def alive(self) -> Path:
        """The file whose lock every process of the server holds."""
        return self.root / "alive"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.root / "server.log"

    @property
    def digest(self) -> str:
        """16 hex digits that name this cluster's folder, for names in shared folders."""
        return _digest(self.root)

    def major(self) -> int | None:
        """The PostgreSQL version that wrote the cluster, None where there is none yet."""
        try:
            return int((self.data / "PG_VERSION").read_text(encoding="ascii").strip())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError as error:
            raise _foreign(self.home) from error


def find_location(home: Path) -> Location | None:
    """Where the cluster of `home` lies, None where it has none yet. Changes nothing."""
    try:
        root = _named_outside(home) or home / "postgres"
        if not (root / "data" / "PG_VERSION").exists():
            return None
        owner = root.stat().st_uid
    except NotADirectoryError:
        return None
    except PermissionError as error:
        raise _foreign(home) from error
    if os.geteuid() not in {ROOT_UID, owner}:
        raise _foreign(home)
    return Location(home, root, get_account(owner))


def make_location(home: Path) -> Location:
    """Where the cluster of `home` lies, or a folder made for a new one. Call it under the lock of `home`."""
    return find_location(home) or _make_root(home, get_database_account())


def lock_of(home: Path) -> Path:
    """The file whose lock is held while the cluster of `home` is made, started or stopped."""
    return home / "lock"


def make_home(home: Path) -> None:
    """Make the data folder, open for the database user to pass through (what is secret has folders of its own)."""
    try:
        if not home.is_dir():
            home.mkdir(parents=True, exist_ok=True)  # another process may make it at this moment
            home.chmod(0o755)
    except OSError as error:
        raise SetupFailed(
            f"The data folder {home} cannot be made: {error.strerror}.",
            "Choose another one with CHENGTU_HOME, or free the path.",
        ) from error
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        raise _foreign(home)


def _named_outside(home: Path) -> Path | None:
    pointer = home / "cluster"
    if not pointer.is_file():
        return None
    root = Path(pointer.read_text(encoding="utf-8").strip())
    if not (root / "data").is_dir():
        raise SetupFailed(
            f"{pointer} names {root}, where there is no database.",
            f"Bring that folder back, or delete {pointer} to begin with an empty database.",
        )
    _check_owner(home, root)
    return root


def _check_owner(home: Path, root: Path) -> None:
    """A cluster outside belongs to one data folder: a copy of that folder must not use it."""
    note = root / "home"
    owner = Path(note.read_text(encoding="utf-8").strip())
    if owner == home:
        return
    if (owner / "cluster").is_file():
        raise SetupFailed(
            f"{home} is a copy of {owner}, whose database in {root} it may not use.",
            f"Delete {home / 'cluster'} to begin with an empty database, then restore a backup into it.",
        )
    note.write_text(f"{home}\n", encoding="utf-8")


def _make_root(home: Path, account: Account) -> Location:
    if _can_enter(home, account) and _make_owned(home / "postgres", account):
        return Location(home, home / "postgres", account)
    root = outside_root(home)
    OUTSIDE.mkdir(mode=0o755, exist_ok=True)
    if not _make_owned(root, account):
        raise SetupFailed(
            f"The folder {root} cannot be made for the user {account.name}.", "Look at its permissions."
        )
    (root / "home").write_text(f"{home}\n", encoding="utf-8")
    return Location(home, root, account)


def name_outside(location: Location) -> None:
    """Write the pointer to a cluster outside its data folder, once it is there."""
    if not location.root.is_relative_to(location.home):
        (location.home / "cluster").write_text(f"{location.root}\n", encoding="utf-8")


def outside_root(home: Path) -> Path:
    """Where the cluster of `home` lies when its user cannot enter `home`."""
    return OUTSIDE / _digest(home)


def _can_enter(folder: Path, account: Account) -> bool:
    return account.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]).returncode == 0


def _make_owned(folder: Path, account: Account) -> bool:
    """Make `folder` for the account alone; False where the file system does not let us."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        account.own(folder)
        folder.chmod(0o700)
    except PermissionError:
        return False
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise NoSpace("The disk is full.", "Free some space and try again.") from error
        raise
    return True


def remove_leftovers(location: Location) -> None:
    """Remove what an interrupted first start left behind."""
    shutil.rmtree(location.root / "data.new", ignore_errors=True)


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:16]


def _foreign(home: Path) -> SetupFailed:
    return SetupFailed(
        f"The data folder {home} belongs to another user.",
        "Run as that user (or as root), or choose another data folder with CHENGTU_HOME.",
    )
