"""`chengtu serve`: one supervisor with its children: the engine, the job worker, the web workers, and the guardian of
the embedded database.

Children are forked from the supervisor, which has imported everything once: they start at once and share its memory.
One that dies is started again, with a growing pause; on SIGINT or SIGTERM the web workers finish their requests first,
then job worker and engine stop. Only processes started here are ever stopped.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import faulthandler
import gc
import http.client
import importlib
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import uvicorn

from app.access.patient import KEEP_ALIVE_S, patient_protocol
from app.coverage.engine_client import EngineClient
from app.coverage.engine_server import serve_engine
from app.database.guardian import keep_up
from app.database.locks import exclusive, is_free
from app.errors import SetupFailed
from app.field.tls_service import server_certificate
from app.garbage import collect_as_ever, give_back, keep_large_apart, leave_pages_small
from app.jobs.stopping import StopFlag
from app.logs import install as install_logs
from app.main import create_app, make_ready
from app.meters import BOARD, counter
from app.parallel import TURN_S
from app.settings import Settings
from app.traces import set_process
from app.worker import work

log = logging.getLogger("chengtu.serve")

#: How long a child may take to end by itself before it is killed, seconds.
GRACE_S = 10.0
#: How long a web worker waits for requests that it broke off, seconds.
BREAK_S = 2.0
#: A child that lived this long had a good start: the next pause is short again.
SETTLED_S = 10.0
#: How long a job waits for a stage of the engine's work, seconds.
STAGE_S = 300.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_RESTARTS = counter(
    "chengtu_process_restarts_total",
    "Processes that ended unasked and were started again; the database is started by its guardian.",
    process=("web", "engine", "jobs", "guardian", "database"),
)
#: How the engine's socket folder begins, and from what age on one that nobody holds is removed, seconds.
_ENGINE_FOLDER, LEFT_S = "chengtu-engine-", 60.0


@dataclass(slots=True)
class Child:
    """One child process: its name and what it does until SIGTERM."""

    name: str
    work: Callable[[], object]
    process: BaseProcess | None = None
    started_at: float = 0.0
    next_start_at: float = 0.0
    pause_s: float = field(default=0.2)
    supervisor: int = 0
    #: Where on the board of all processes it writes its numbers.
    place: int = 0

    def keep_alive(self) -> None:
        """Start the process where it does not run, not more often than `pause_s` allows."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.next_start_at:
                self._start()
            return
        if self.process.exitcode is None:
            return
        _RESTARTS.add(self.name)
        self.pause_s = 0.2 if now - self.started_at > SETTLED_S else min(self.pause_s * 2, 10.0)
        log.warning(
            "The %s ended (code %s) and starts again in %.1f s.",
            self.name,
            self.process.exitcode,
            self.pause_s,
        )
        self.process, self.next_start_at = None, now + self.pause_s

    def _start(self) -> None:
        self.started_at = time.monotonic()
        self.process = multiprocessing.get_context("fork").Process(target=self._run, name=self.name)
        self.supervisor = os.getpid()
        # Held back until the child has handlers of its own: in the supervisor's it would only set a flag nobody reads.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _run(self) -> None:
        """In the child: a session of its own, so that a Ctrl-C in the terminal reaches the supervisor alone."""
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_NAME, f"chengtu {self.name}".encode()[:15])
        # The child ends with the supervisor, even when that is killed outright.
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        # The engine asks for large arrays again and again, and is fast over huge pages.
        if self.name == "engine":
            leave_pages_small(small=False)
        else:
            keep_large_apart()
        faulthandler.enable()  # a crash in a library's own code says where
        set_process(self.name)
        BOARD.enter(self.place)
        collect_as_ever()
        if os.getppid() != self.supervisor:  # it was killed in the moment before
            return
        try:
            self.work()
        except Exception:
            log.exception("The %s ended by a failure.", self.name)
            raise SystemExit(1) from None

    def ask_to_stop(self) -> None:
        """Send SIGTERM where the process runs."""
        if self.process is not None and self.process.is_alive():
            self.process.terminate()

    def stop(self) -> None:
        """Ask the process to end, wait for it, and kill it where it does not listen."""
        self.ask_to_stop()
        if self.process is None:
            return
        self.process.join(GRACE_S)
        if self.process.is_alive():
            log.warning("The %s did not end within %.0f s and is killed.", self.name, GRACE_S)
            self.process.kill()
            self.process.join()


def check_port(host: str, port: int) -> None:
    """Raise SetupFailed where nothing can listen at `host:port`, before anything slow is done."""
    bind(host, port).close()


def bind(host: str, port: int) -> socket.socket:
    """A socket listening at `host:port`; SetupFailed where the port is taken or the address is not this machine's."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with ExitStack() as on_failure:
            bound = on_failure.enter_context(socket.socket(family, kind, protocol))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(2048)
            on_failure.pop_all()
    except OSError as error:
        raise SetupFailed(
            f"Nothing can be served at {host}:{port}: {error.strerror or error}.", _way_out(error, port)
        ) from error
    return bound


def _way_out(error: OSError, port: int) -> str:
    """What to do where a socket could not be bound: another port helps only where this one was the trouble."""
    if isinstance(error, socket.gaierror) or error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
        return "Give an address of this machine by --host or CHENGTU_HOST: 127.0.0.1, or 0.0.0.0 for all of them."
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "Ports below 1024 are root's: choose another one, for example PORT=8000."
    return f"Choose another port, for example PORT={port + 1 if port < 65535 else 8000}, or stop what uses this one."


@contextmanager
def engine_socket_folder() -> Iterator[Path]:
    """A private folder with a short path for the engine's socket (its path may have 107 bytes at most)."""
    temporary = tempfile.gettempdir()
    base = Path(temporary if len(temporary.encode()) < 60 else "/tmp")  # noqa: S108
    _remove_left(base)
    folder = Path(tempfile.mkdtemp(prefix=_ENGINE_FOLDER, dir=base))
    try:
        with exclusive(folder / "alive"):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left(base: Path) -> None:
    """Remove the folders of servers that were killed."""
    for folder in base.glob(f"{_ENGINE_FOLDER}*"):
        with suppress(OSError):  # another user's, or gone meanwhile
            is_old = folder.lstat().st_mtime < time.time() - LEFT_S
            if is_old and folder.lstat().st_uid == os.geteuid() and is_free(folder / "alive"):
                shutil.rmtree(folder, ignore_errors=True)


def children(settings: Settings, engine_socket: Path, listening: socket.socket) -> list[Child]:
    """Engine, job worker and web workers, in the order in which they start."""
    app = create_app(settings, EngineClient(engine_socket, patience_s=3))
    # Loaded here they are shared by all; a worker would load them while the first who edits or wants a file waits.
    for name in ("pyarrow.compute", "pyarrow.parquet"):
        importlib.import_module(name)
    make_ready()
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=patient_protocol(settings),
        ws="none",
        log_config=None,  # its lines take the form of all others
        log_level=uvicorn_level(settings.log_level),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=int(KEEP_ALIVE_S),
        # Whose word is taken for who asks stands in our own settings, and nowhere else.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        **_tls(settings),
    )

    def apart(work: Callable[[], object]) -> Callable[[], object]:
        """What listens to nobody holds no port: else a server that was killed could not be started again at once."""

        def alone() -> None:
            listening.close()
            work()

        return alone

    def guard() -> None:
        keep_up(settings, lambda: _RESTARTS.add("database"))

    guardian = [Child("guardian", apart(guard))] if settings.database_url is None else []
    return [
        *guardian,
        Child("engine", apart(lambda: serve_engine(settings, engine_socket))),
        # A job may wait for an engine that is being started again.
        Child(
            "jobs",
            apart(lambda: work(settings, EngineClient(engine_socket, timeout_s=STAGE_S, patience_s=30))),
        ),
        *(Child("web", lambda: _answer(Answering(config), listening)) for _ in range(settings.workers)),
    ]


class Answering(uvicorn.Server):
    """Ends once the requests that it broke off have said so: by itself it would end the process before they can."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is being answered, within its grace; break off the rest."""
        await super().shutdown(sockets)
        if self.server_state.tasks:
            await asyncio.wait(list(self.server_state.tasks), timeout=BREAK_S)


def _answer(server: uvicorn.Server, listening: socket.socket) -> None:
    """The work of a web worker. A request is some hundred short turns of its thread, each after an answer."""
    sys.setswitchinterval(TURN_S)
    server.run(sockets=[listening])


def _tls(settings: Settings) -> dict[str, Any]:
    """Where uvicorn finds certificate and key, if the server has any."""
    found = server_certificate(settings)
    return {} if found is None else {"ssl_certfile": found.certificate, "ssl_keyfile": found.key}


def uvicorn_level(level: str) -> str:
    """Uvicorn tells every start at `info`: shown only to those who debug."""
    return level if level in {"debug", "error"} else "warning"


def serve(
    settings: Settings, on_ready: Callable[[], object], prepare: Callable[[], bool] | None = None
) -> None:
    """Run all children until SIGINT or SIGTERM; `on_ready` is called once the pages are answered.

    `prepare`, if given, is tried every 5 s beside the running server until it succeeds (a database that is down).
    """
    install_logs(settings)
    set_process("serve")
    stop = StopFlag()
    with (
        bind(settings.host, settings.port) as listening,
        engine_socket_folder() as folder,
        _stop_on_signal(stop),
    ):
        running = children(settings, folder / "engine.sock", listening)
        _place(running)
        gc.collect()
        # What is there already stays shared between the children; what was let go is given back: each would fill it
        # with pages of its own.
        gc.freeze()
        give_back()
        leave_pages_small()
        try:
            _supervise(settings, running, stop, on_ready, prepare)
        finally:
            listening.close()
            stop_all(running)


def _place(running: list[Child]) -> None:
    """Give each child a place on the board, which its successors keep."""
    BOARD.name(0, "serve")
    for place, child in enumerate(running, start=1):
        child.place = place
        BOARD.name(place, child.name)


def stop_all(running: list[Child]) -> None:
    """Web workers first, all at once, then the others in the reverse order of their start."""
    for child in running:
        if child.name == "web":
            child.ask_to_stop()
    for child in reversed(running):
        child.stop()


def _supervise(
    settings: Settings,
    running: list[Child],
    stop: StopFlag,
    on_ready: Callable[[], object],
    prepare: Callable[[], bool] | None,
) -> None:
    told = False
    prepare_at = time.monotonic() + 5
    while not stop.is_set():
        for child in running:
            child.keep_alive()
        if not told and answers(settings.host, settings.port, tls=settings.tls):
            told = True
            on_ready()
        if prepare is not None and time.monotonic() >= prepare_at:
            prepare = None if prepare() else prepare
            prepare_at = time.monotonic() + 5
        stop.wait(0.1)


def answers(host: str, port: int, *, tls: bool = False) -> bool:
    """Whether `GET /health` is answered at `host:port` (a wildcard address is asked on loopback)."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    connection = _connection(target, port, tls=tls)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _connection(host: str, port: int, *, tls: bool) -> http.client.HTTPConnection:
    """A connection to our own server; whose certificate it shows does not matter to whether it lives."""
    if not tls:
        return http.client.HTTPConnection(host, port, timeout=1)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=1, context=context)


@contextmanager
def _stop_on_signal(stop: StopFlag) -> Iterator[None]:
    before = {kind: signal.signal(kind, lambda *_: stop.set()) for kind in STOP_SIGNALS}
    try:
        yield
    finally:
        # Once asked to stop, the program ends: a second signal must not cut short what is still to be stopped
        # (the database). Ignored, not handled: the interpreter drops handlers before its own end.
        for kind, handler in before.items():
            signal.signal(kind, signal.SIG_IGN if stop.is_set() else handler)
