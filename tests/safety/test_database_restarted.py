"""The database restarts while fifty clients work: clean 503s, nothing acknowledged lost, soon as before (S22)."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
import pytest

from app.database import cluster
from app.database.binaries import find_binaries
from app.database.location import find_location
from app.database.server import admin_parameters
from app.settings import Settings
from tests.safety.audits import check_house
from tests.safety.house import LONG, asking, backends, house, postmaster, serving, tell, until
from tests.safety.load import loaded

pytestmark = pytest.mark.slow

RESTARTS = 5 if LONG else 2
#: What other tests do to the embedded server (`test_killed_parts`), `make soak` does here too.
KINDS = ["elsewhere", "own"] if LONG else ["elsewhere"]
CLIENTS = 50
#: Of each process: connections that its pool keeps and opens beside them, downloads, small questions; its listener.
MOST_BACKENDS = 4 * (8 + 2 + 4 + 2)


@contextmanager
def elsewhere(settings: Settings) -> Iterator[tuple[Settings, Elsewhere]]:
    """The house's database as a server that somebody else looks after, at one address (DATABASE_URL)."""
    given = admin_parameters(settings)
    cluster.stop(settings)
    location = find_location(settings.home_path)
    assert location is not None
    folder = Path(tempfile.mkdtemp(prefix="chengtu-safety-"))
    location.account.own(folder)
    place = urlencode({"host": folder, "port": given["port"]})
    url = f"postgresql://{given['user']}:{quote(given['password'], safe='')}@/{given['dbname']}?{place}"
    server = Elsewhere(settings, folder)
    server.start()
    try:
        yield Settings(home=settings.home_path, DATABASE_URL=url), server
    finally:
        server.stop()
        folder.rmdir()


class Elsewhere:
    """Starts and stops the server as its own service manager does, not as ours."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        location = find_location(settings.home_path)
        assert location is not None
        self._location, self._folder = location, folder

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        program = find_binaries().program("pg_ctl")
        options = f"-c unix_socket_directories={self._folder}"
        done = self._location.account.run(
            [
                program,
                "-D",
                str(self._location.data),
                "-l",
                str(self._location.log),
                "-o",
                options,
                "-w",
                "start",
            ]
        )
        assert done.returncode == 0, done.stderr

    def stop(self, how: str = "immediate") -> None:
        """Stop it, at once by default: what was not yet committed is gone."""
        program = find_binaries().program("pg_ctl")
        done = self._location.account.run([program, "-D", str(self._location.data), "-m", how, "-w", "stop"])
        assert done.returncode == 0, done.stderr


def restart_own(settings: Settings) -> None:
    """End the embedded server at once (SIGQUIT): the guardian starts it again."""
    pid = postmaster(settings)
    assert pid is not None
    os.kill(pid, signal.SIGQUIT)
    until(lambda: postmaster(settings) not in {None, pid}, "another server")


def ready_again(settings: Settings) -> float:
    """Wait until the database takes connections; the moment."""

    def takes() -> bool:
        with psycopg.connect(**admin_parameters(settings), autocommit=True) as admin:
            return admin.execute("SELECT NOT pg_is_in_recovery()").fetchone() == (True,)

    until(takes, "the database takes connections", every=0.01)
    return time.monotonic()


@pytest.mark.parametrize("kind", KINDS)
def test_s22_fifty_clients_hear_nothing_but_answers_and_503(kind, tmp_path):
    with (
        house(f"restart-{kind}") as own,
        _named(kind, own) as (settings, restart),
        serving(settings, tmp_path / "serve.log") as served,
    ):
        back = []
        with loaded(served.port, kind, writers=5, readers=CLIENTS - 6) as told:
            for _ in range(RESTARTS):
                time.sleep(1)
                restart()
                ready = ready_again(settings)
                before = len(told.acked)
                until(lambda at=ready: _first(told.heard, at), "an answer")  # type: ignore[misc]
                back.append((_first(told.heard, ready) or ready) - ready)
                until(lambda before=before: len(told.acked) > before, "something is saved again")  # type: ignore[misc]
        check_house(settings, told)
        broken = {what: many for what, many in told.statuses.items() if isinstance(what, str)}
        tell(f"{RESTARTS} restarts ({kind}): first 200 after {[round(one, 2) for one in back]} s")
        tell(f"answers {dict(told.statuses)}, {len(told.acked)} acknowledged writes, {told.brought} imports")
        assert told.bad == []
        assert broken == {}
        until(lambda: len(backends(settings)) <= MOST_BACKENDS, "connections are as many as pools keep")
        with asking(settings) as admin:
            until(lambda: not _in_transaction(admin), "no session is left in a transaction")


@contextmanager
def _named(kind: str, own: Settings) -> Iterator[tuple[Settings, Callable[[], None]]]:
    if kind == "own":
        yield own, lambda: restart_own(own)
        return
    with elsewhere(own) as (settings, server):

        def restart() -> None:
            server.stop()
            time.sleep(0.5)
            server.start()

        yield settings, restart


def _first(heard: list[tuple[float, int]], since: float) -> float | None:
    return next((at for at, status in list(heard) if at >= since and status == 200), None)


def _in_transaction(admin: psycopg.Connection[tuple[object, ...]]) -> bool:
    query = (
        "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        " AND xact_start < now() - interval '5 s'"
    )
    return admin.execute(query).fetchone() is not None
