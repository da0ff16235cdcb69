"""The embedded PostGIS cluster of a data folder: made, started, stopped, described. Never touches another one."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.database import postmaster
from app.database.account import ROOT_UID
from app.database.archiving import archive_settings, let_copy, prepare_folder
from app.database.binaries import Binaries, find_binaries
from app.database.location import (
    Location,
    find_location,
    lock_of,
    make_home,
    make_location,
    name_outside,
    outside_root,
    remove_leftovers,
)
from app.database.locks import exclusive
from app.database.passwords import find_superuser_password, make_superuser_password
from app.database.sizing import as_config, machine_memory, server_settings, shared_memory
from app.errors import NoSpace, SetupFailed
from app.settings import Settings

DATABASE = "chengtu"
SUPERUSER = "postgres"
#: A socket's whole path may have 107 bytes: its folder is short and lies here.
SOCKETS = Path("/tmp")  # noqa: S108 - the folder is made fresh, for its user alone
LOG_MAX = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a data folder's cluster without connecting to it."""

    home: Path
    embedded: bool
    running: bool
    data: Path | None = None
    major: int | None = None
    user: str | None = None
    pid: int | None = None
    socket_dir: Path | None = None
    port: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {
            name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()
        }


def status(settings: Settings) -> Status:
    """Whether the cluster runs, and where; changes nothing. With DATABASE_URL set there is no embedded cluster."""
    home = settings.home_path
    location = None if settings.database_url else find_location(home)
    if location is None:
        return Status(home, embedded=settings.database_url is None, running=False)
    running = postmaster.find_running(location.data)
    described = Status(home, True, False, location.data, location.major(), location.account.name)
    if running is None:
        return described
    return Status(
        home, True, running.ready, described.data, described.major, described.user,
        running.pid, running.socket_dir, running.port,
    )  # fmt: skip


def has_none(settings: Settings) -> bool:
    """Whether the data folder has no cluster yet, though one is used (no DATABASE_URL)."""
    now = status(settings)
    return now.embedded and now.data is None


def no_database(settings: Settings) -> SetupFailed:
    """The error where the data folder has no cluster: most often another folder was meant."""
    home = settings.home_path
    named = (
        "that CHENGTU_HOME names"
        if "home" in settings.model_fields_set
        else "as long as CHENGTU_HOME is not set"
    )
    return SetupFailed(
        f"There is no database in {home}, the data folder {named}.",
        "Name the folder that has one with CHENGTU_HOME; to make one there: chengtu db start",
    )


def ensure_started(settings: Settings, *, make: bool = True) -> Status:
    """Make the cluster at the first call, start it where it is not running, and say where it listens.

    Any number of processes may call this at once: one does the work, the others wait for it. With DATABASE_URL set
    it does nothing. Where there is no cluster and `make` is False, nothing is made and SetupFailed is raised. Raises
    SetupFailed (with what to install or free), NoSpace or Unavailable.
    """
    now = status(settings)
    if not now.embedded or (now.running and _has_socket(now)):
        return now
    if now.data is None and not make:
        raise no_database(settings)
    home = settings.home_path
    make_home(home)
    with exclusive(lock_of(home)):
        location = _locate(home)
        if location.major() is None:
            _initialise(location)
        _start(location, settings.wal_path)
    return status(settings)


def has_died(settings: Settings) -> bool:
    """Whether the cluster is down though nobody stopped it, or answers nobody; False with DATABASE_URL."""
    now = status(settings)
    if now.data is None or not now.embedded:
        return False
    if now.pid is not None:
        return now.running and not _has_socket(now)
    return not postmaster.was_stopped(now.data)


def stop(settings: Settings) -> bool:
    """Stop the cluster where it runs; says whether it did. Never touches a server named by DATABASE_URL."""
    location = None if settings.database_url else find_location(settings.home_path)
    if location is None:
        return False
    with exclusive(lock_of(location.home)):
        stopped = postmaster.stop(location.data, location.alive)
        _remove_sockets(location)
    return stopped


def _locate(home: Path) -> Location:
    if find_location(home) is None:
        _retire(outside_root(home))
    return make_location(home)


def _retire(root: Path) -> None:
    """A cluster outside whose data folder was deleted is kept under another name, never reused or overwritten."""
    if os.geteuid() != ROOT_UID or not (root / "data" / "PG_VERSION").is_file():
        return
    postmaster.stop(root / "data", root / "alive")
    root.rename(root.with_name(f"{root.name}.old-{int(time.time())}"))


def _initialise(location: Location) -> None:
    """Make the cluster's files, whole or not at all."""
    remove_leftovers(location)
    _initdb(find_binaries(), location)
    name_outside(location)


def _initdb(binaries: Binaries, location: Location) -> None:
    fresh = location.root / "data.new"
    with tempfile.NamedTemporaryFile("w", dir=location.root, prefix="password-") as file:
        file.write(make_superuser_password(location.home) + "\n")
        file.flush()
        location.account.own(file.name)
        done = location.account.run(_initdb_command(binaries, fresh, file.name))
    if done.returncode:
        raise postmaster.failure(
            "The database could not be made", done.stderr or done.stdout, f"Look at {location.root}"
        )
    _write_config(fresh / "pg_hba.conf", "local all all scram-sha-256\n", location)
    with (fresh / "postgresql.conf").open("a", encoding="utf-8") as config:
        config.write(
            "\n# Written anew at each start; ALTER SYSTEM overrides it.\ninclude_if_exists = 'chengtu.conf'\n"
        )
    fresh.rename(location.data)


def _initdb_command(binaries: Binaries, data: Path, password_file: str) -> list[str]:
    return [
        binaries.program("initdb"), "-D", str(data), "-U", SUPERUSER, "--pwfile", password_file,
        "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256",
    ]  # fmt: skip


def _start(location: Location, archive: Path | None) -> None:
    running = postmaster.find_running(location.data)
    if running is not None and running.socket_dir.is_dir() and postmaster.wait_ready(location.data):
        return
    binaries = _matching_binaries(location)
    # A server whose socket folder was cleaned away answers nobody: it is started again.
    postmaster.stop(location.data, location.alive)
    _remove_sockets(location)
    prepare_folder(archive, location.account)
    let_copy(archive, location.data / "pg_hba.conf")
    config = _config(_make_socket_folder(location), location, archive)
    _write_config(location.data / "chengtu.conf", config, location)
    _trim_log(location)
    if find_superuser_password(location.home) is None:
        _renew_password(binaries, location)
    postmaster.start(binaries, location.account, location.data, location.log, location.alive)


def _renew_password(binaries: Binaries, location: Location) -> None:
    """A lost password is replaced while no server runs: whoever may start the server may do that."""
    postmaster.clear(location.data, location.alive)
    command = [binaries.program("postgres"), "--single", "-D", str(location.data), "postgres"]
    password = make_superuser_password(location.home)
    done = location.account.run(command, said=f"ALTER ROLE {SUPERUSER} PASSWORD '{password}'\n")
    if done.returncode:
        (location.home / "secrets" / "superuser").unlink()
        raise postmaster.failure(
            "The database's password could not be renewed", done.stderr, f"Look at {location.data}"
        )


def _matching_binaries(location: Location) -> Binaries:
    """The programs of the version that wrote the data; without them the data is left alone."""
    major = location.major()
    try:
        return find_binaries(major)
    except SetupFailed as error:
        newest = find_binaries().major
        if newest == major:
            raise
        raise SetupFailed(
            f"The data in {location.data} was written by PostgreSQL {major}; this machine runs {newest}, and the "
            "data is left as it is.",
            f"Install postgresql-{major}-postgis-3 and dump with `pg_dumpall > city.sql`, then move {location.root} "
            "away, run `chengtu db start` and restore with `psql -f city.sql`.",
        ) from error


def _config(socket_folder: Path, location: Location, archive: Path | None) -> str:
    values = server_settings(machine_memory(), shared_memory()) | archive_settings(archive)
    port = 20000 + int(location.digest[:4], 16) % 20000
    return as_config({**values, "port": str(port), "unix_socket_directories": str(socket_folder)})


def _write_config(path: Path, text: str, location: Location) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoSpace(
                "The disk of the database is full: it cannot be started.", "Free some space and try again."
            ) from error
        raise
    location.account.own(path)
    path.chmod(0o600)


def _make_socket_folder(location: Location) -> Path:
    """A fresh folder that only the database's user may enter; a name laid out beforehand by others is never used."""
    folder = Path(tempfile.mkdtemp(prefix=_socket_prefix(location), dir=SOCKETS))
    location.account.own(folder)
    return folder


def _remove_sockets(location: Location) -> None:
    """Remove this cluster's socket folders of earlier starts."""
    for folder in SOCKETS.glob(f"{_socket_prefix(location)}*"):
        entry = folder.lstat()
        if stat.S_ISDIR(entry.st_mode) and entry.st_uid == location.account.uid:
            shutil.rmtree(folder, ignore_errors=True)


def _socket_prefix(location: Location) -> str:
    return f"chengtu-{location.digest[:8]}-"


def _has_socket(now: Status) -> bool:
    return now.socket_dir is not None and (now.socket_dir / f".s.PGSQL.{now.port}").exists()


def _trim_log(location: Location) -> None:
    """Keep one earlier log, so that a long life does not fill the disk."""
    if location.log.exists() and location.log.stat().st_size > LOG_MAX:
        location.log.replace(location.log.with_suffix(".log.1"))
