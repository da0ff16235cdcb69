"""Runs PostgreSQL's client programs (pg_dump, pg_restore, …) of a version that reads the server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo

from app.database.binaries import PACKAGED
from app.database.postmaster import failure
from app.database.server import Parameters
from app.errors import SetupFailed

PROGRAMS = ("pg_dump", "pg_restore")
#: Of the server's own version alone: they read its files.
COPYING = ("pg_basebackup", "pg_verifybackup")
#: Beside `COMMON`: a database that is being filled is thrown away should the machine fail, so nothing waits for disks.
FILLING = "-c synchronous_commit=off -c maintenance_work_mem=256MB -c max_parallel_maintenance_workers=2"


@dataclass(frozen=True, slots=True)
class Clients:
    """The client programs of one PostgreSQL version."""

    folder: Path
    major: int

    def run(self, what: str, program: str, words: Iterable[str], server: Parameters) -> str:
        """Run a program against a database and give what it printed.

        Raises:
            NoSpace, SetupFailed: `what` could not be done, in the program's own decisive line.
        """
        given = dict(server)
        password = given.pop("password", None)
        named = make_conninfo("", **{name: str(value) for name, value in given.items()})
        # The password never stands among the words of a process, which everybody on the machine can read.
        told = {} if password is None else {"PGPASSWORD": str(password)}
        return self._run(what, program, [*words, "--dbname", named], told)

    def check(self, what: str, program: str, words: Iterable[str]) -> str:
        """Run a program that needs no database; raises as `run`."""
        return self._run(what, program, list(words), {})

    def _run(self, what: str, program: str, words: list[str], told: Mapping[str, str]) -> str:
        done = subprocess.run(
            [str(self.folder / program), *words],
            env={**os.environ, "LC_ALL": "C.UTF-8", **told},
            umask=0o077,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise failure(what, done.stderr, "Nothing was left behind; look at the server and try again")
        return done.stdout


def filling(server: Parameters) -> Parameters:
    """The same server for a program that fills a new database."""
    return server | Parameters(options=f"{server.get('options', '')} {FILLING}".strip())


def find_clients(
    server: int, folders: Iterable[Path] | None = None, programs: Iterable[str] = PROGRAMS
) -> Clients:
    """The programs of the server's version, else of the next one: an older pg_dump does not read a newer server.

    Raises:
        SetupFailed: This machine has none that reads it; the hint says what to install.
    """
    found = {
        _major(folder): folder
        for folder in (_folders() if folders is None else folders)
        if all((folder / name).is_file() for name in programs)
    }
    usable = sorted(major for major in found if major >= server)
    if usable:
        return Clients(found[usable[0]], usable[0])
    newest = max(found, default=0)
    here = f"this machine has those of PostgreSQL {newest}" if newest else "this machine has none"
    raise SetupFailed(
        f"The database's server is PostgreSQL {server}: its {' and '.join(programs)} are needed, and {here}.",
        f"Install them: apt install postgresql-client-{server}",
    )


def _folders() -> Iterator[Path]:
    on_path = shutil.which("pg_dump")
    if on_path:
        yield Path(on_path).resolve().parent
    for pattern in PACKAGED:
        yield from Path("/").glob(pattern.removeprefix("/"))


def _major(folder: Path) -> int:
    try:
        said = subprocess.run(
            [folder / "pg_dump", "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except OSError:
        return 0
    number = re.search(r"\d+", said)
    return int(number.group()) if number else 0
