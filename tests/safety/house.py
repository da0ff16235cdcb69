"""A house of its own that may be hurt: an embedded cluster with the sample town, and `chengtu serve` over it.

The cluster that all other tests share is never touched. The first house of a run is loaded, the others are copies.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from app.catalogue.loader import load_catalogue
from app.database import cluster
from app.database.engine import open_database
from app.database.locks import exclusive
from app.database.server import admin_parameters
from app.errors import Unavailable
from app.sample.service import load
from app.settings import ROOT, Settings
from tests.conftest import TEMPORARY, remove_home

PREFIX = "chengtu-safety-"
CHENGTU = [sys.executable, "-m", "app.cli"]
#: Kills of each kind in `make test`, and in `make soak` by CHENGTU_SOAK_KILLS.
KILLS = int(os.environ.get("CHENGTU_SOAK_KILLS", "1"))
#: Whether it is the long form.
LONG = "CHENGTU_SOAK_KILLS" in os.environ
SEED = int(os.environ.get("CHENGTU_SOAK_SEED", "1"))
#: How long anything here may take before it counts as hanging, seconds. No bar: figures are printed.
PATIENCE_S = 300.0


@contextmanager
def house(name: str, folder: Path | None = None) -> Iterator[Settings]:
    """The settings of a house that holds the town; its cluster runs, and all of it is gone afterwards."""
    _remove_dead()
    base = folder or TEMPORARY
    home = base / f"{PREFIX}{os.getpid()}-{name}"
    _copy(_template(), home)
    settings = Settings(home=home, DATABASE_URL=None)
    try:
        cluster.ensure_started(settings)
        yield settings
    finally:
        remove_home(home)


def _template() -> Path:
    """The stopped house that others are copied from, made by the first process of the run that needs it."""
    shared = Path(os.environ["CHENGTU_HOME"])
    shared.mkdir(parents=True, exist_ok=True)
    shared.chmod(0o755)
    made = shared / "safety"
    with exclusive(shared / "safety.lock", timeout_s=PATIENCE_S * 3):
        if not made.exists():
            draft = TEMPORARY / f"{PREFIX}{os.getpid()}-template"
            settings = Settings(home=draft, DATABASE_URL=None)
            try:
                with open_database(settings, make=True) as db:
                    load(db, load_catalogue(settings.geodata), "town")
                cluster.stop(settings)
                _copy(draft, made)
            finally:
                remove_home(draft)
    return made


def _copy(source: Path, to: Path) -> None:
    subprocess.run(["cp", "-a", str(source), str(to)], check=True)


def _remove_dead() -> None:
    """Clean up after runs that were killed: a folder bears the id of its process."""
    for folder in TEMPORARY.glob(f"{PREFIX}[0-9]*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if not Path(f"/proc/{pid}").exists() and folder.stat().st_uid == os.geteuid():
            remove_home(folder)


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a program that works in the house."""
    plain = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    given = {
        "CHENGTU_HOME": str(settings.home_path), "CHENGTU_OPEN": "true", "CHENGTU_REQUESTS_PER_MINUTE": "0",
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    return {**plain, **given} | ({"DATABASE_URL": settings.database_url} if settings.database_url else {})


@contextmanager
def asking(settings: Settings) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """The administrator's connection, for looking at what is stored from outside."""
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as connection:
        yield connection


def until(
    reached: Callable[[], object], what: str, seconds: float = PATIENCE_S, every: float = 0.05
) -> float:
    """Wait until it is reached; how long it took."""
    begun = time.monotonic()
    while True:
        with suppress(OSError, http.client.HTTPException, psycopg.OperationalError, Unavailable):
            if reached():
                return time.monotonic() - begun
        assert time.monotonic() < begun + seconds, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(every)


def free_port() -> int:
    """A port that nobody listens to at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Served:
    """`chengtu serve` in a process of its own; it can be killed, in part or whole, and started again."""

    settings: Settings
    log: Path
    workers: int = 2
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server; as a service manager would, again where the port is not free yet."""
        command = [*CHENGTU, "serve", "--port", str(self.port), "--workers", str(self.workers)]
        with self.log.open("ab") as told:
            self.process = subprocess.Popen(
                command, env=environment(self.settings), stdout=told, stderr=told, cwd=ROOT
            )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def get(self, path: str, timeout: float = 10) -> int | None:
        """The status of a GET; None where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def wait_ready(self) -> float:
        """Wait until pages, database and engine answer; how long it took."""

        def ready() -> bool:
            if self.process is not None and self.process.poll() is not None:
                self.start()
            return self.get("/ready") == 200

        return until(ready, f"the server is ready; it said:\n{self.said()[-2000:]}", every=0.1)

    def child(self, name: str) -> int | None:
        """The process id of a child by its name: web, jobs, engine, guardian."""
        found = {pid: command_of(pid) for pid in children_of(self.pid)}
        named = f"chengtu {name}"[:15]  # the system keeps no more of a name
        return next((pid for pid, said in found.items() if said == named), None)

    def kill(self, name: str) -> None:
        """`kill -9` a child, as soon as it runs."""
        until(lambda: self.child(name) is not None, f"{name} runs")
        pid = self.child(name)
        if pid is not None:
            kill(pid)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Ask the server to stop, and give its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(by)
        return self.process.wait(60)

    def said(self) -> str:
        """All that the server wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""


@contextmanager
def serving(settings: Settings, log: Path, workers: int = 2) -> Iterator[Served]:
    """A server that is ready; it is gone afterwards, however it was left."""
    served = Served(settings, log, workers)
    served.start()
    try:
        served.wait_ready()
        yield served
    finally:
        if served.process is not None and served.process.poll() is None:
            served.process.send_signal(signal.SIGTERM)
            try:
                served.process.wait(30)
            except subprocess.TimeoutExpired:
                served.process.kill()
                served.process.wait()


def kill(pid: int) -> None:
    """`kill -9`, whether or not the process is still there."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    """The process ids of a process's children."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def command_of(pid: int) -> str:
    """The short name of a process; nothing where it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def may_be_huge(pid: int) -> bool:
    """Whether the system may make huge pages of a process's small ones."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return "THP_enabled:\t1" in status


def postmaster(settings: Settings) -> int | None:
    """The process id of the house's database server; None where it does not run."""
    return cluster.status(settings).pid


def backends(settings: Settings) -> list[int]:
    """The process ids of those sessions of the service that are open."""
    with asking(settings) as admin:
        rows = admin.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname IS NOT NULL AND usesysid IS NOT NULL"
            " AND pid <> pg_backend_pid() AND application_name LIKE 'chengtu%'"
        ).fetchall()
    return [int(row[0]) for row in rows]


def tell(figures: str) -> None:
    """Show figures of a run (`pytest -s`)."""
    sys.stdout.write(f"\n{figures}\n")
