"""`chengtu serve`: one supervisor with its children: the engine, the job worker and the web workers.

A child that dies is started again, with a growing pause; on SIGINT or SIGTERM the web workers finish their requests
first, then engine and job worker stop. Only processes started here are ever stopped, each by its own id.
"""

from __future__ import annotations

import ctypes
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.coverage.engine_client import SOCKET_VARIABLE
from app.errors import SetupFailed
from app.settings import Settings

log = logging.getLogger("chengtu.serve")

#: How long a child may take to end by itself before it is killed, seconds.
GRACE_S = 10.0
#: A child that lived this long had a good start: the next pause is short again.
SETTLED_S = 30.0
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Child:
    """One child process and how it is started."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    next_start_at: float = 0.0
    pause_s: float = field(default=0.2)

    def start(self) -> None:
        """Start the process in a session of its own: a Ctrl-C in the terminal reaches the supervisor alone."""
        self.started_at = time.monotonic()
        # The child dies with the supervisor, even when that is killed outright.
        self.process = subprocess.Popen(
            self.command,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - before any thread is started
        )

    def keep_alive(self) -> None:
        """Start the process again where it has ended, not more often than `pause_s` allows."""
        if self.process is None:
            if time.monotonic() >= self.next_start_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        lived_s = time.monotonic() - self.started_at
        self.pause_s = 0.2 if lived_s > SETTLED_S else min(self.pause_s * 2, 10.0)
        log.warning("The %s ended (code %s) and starts again in %.1f s.", self.name, code, self.pause_s)
        self.process, self.next_start_at = None, time.monotonic() + self.pause_s

    def stop(self) -> None:
        """Ask the process to end, wait for it, and kill it where it does not listen."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            log.warning("The %s did not end within %.0f s and is killed.", self.name, GRACE_S)
            self.process.kill()
            self.process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def check_port(host: str, port: int) -> None:
    """Raise SetupFailed where nothing can listen at `host:port`, before anything slow is done."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        raise SetupFailed(
            f"Nothing can be served at {host}:{port}: {error.strerror or error}.",
            f"Choose another port, for example PORT={port + 1 if port < 65535 else 8000}, or stop what uses this one.",
        ) from error


@contextmanager
def engine_socket_folder() -> Iterator[Path]:
    """A private folder with a short path for the engine's socket (its path may have 107 bytes at most)."""
    base = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="chengtu-", dir=base if len(base.encode()) < 60 else "/tmp"))  # noqa: S108
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def children(settings: Settings, engine_socket: Path) -> list[Child]:
    """Engine, job worker and web, in the order in which they start."""
    environment = {**os.environ, **settings_environment(settings), SOCKET_VARIABLE: str(engine_socket)}
    web = [
        sys.executable, "-m", "uvicorn", "app.main:from_environment", "--factory",
        "--host", settings.host, "--port", str(settings.port), "--workers", str(settings.workers),
        "--loop", "uvloop", "--http", "httptools", "--log-level", uvicorn_level(settings.log_level),
        "--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "5", "--timeout-keep-alive", "30",
    ]  # fmt: skip
    return [
        Child("engine", [sys.executable, "-m", "app.coverage.engine_server"], environment),
        Child("job worker", [sys.executable, "-m", "app.worker"], environment),
        Child("web server", web, environment),
    ]


def uvicorn_level(level: str) -> str:
    """Uvicorn tells every start at `info`: shown only to those who debug."""
    return level if level in {"debug", "error"} else "warning"


def settings_environment(settings: Settings) -> dict[str, str]:
    """The environment variables that give a child the same settings."""
    variables = {}
    for name, declared in type(settings).model_fields.items():
        value = settings.home_path if name == "home" else getattr(settings, name)
        if value is not None:
            alias = declared.validation_alias
            variables[alias if isinstance(alias, str) else f"CHENGTU_{name.upper()}"] = str(value)
    return variables


def serve(
    settings: Settings, on_ready: Callable[[], object], prepare: Callable[[], object] | None = None
) -> None:
    """Run all children until SIGINT or SIGTERM; `on_ready` is called once the web server takes connections.

    `prepare`, if given, is tried every 5 s beside the running server until it succeeds (a database that is down).
    """
    check_port(settings.host, settings.port)
    stop = threading.Event()
    with engine_socket_folder() as folder, _stop_on_signal(stop):
        running = children(settings, folder / "engine.sock")
        try:
            _supervise(settings, running, stop, on_ready, prepare)
        finally:
            for child in reversed(running):
                child.stop()


def _supervise(
    settings: Settings,
    running: list[Child],
    stop: threading.Event,
    on_ready: Callable[[], object],
    prepare: Callable[[], object] | None,
) -> None:
    told = False
    prepare_at = time.monotonic()
    while not stop.is_set():
        for child in running:
            child.keep_alive()
        if not told and accepts(settings.host, settings.port):
            told = True
            on_ready()
        if prepare is not None and time.monotonic() >= prepare_at:
            prepare = None if prepare() else prepare
            prepare_at = time.monotonic() + 5
        stop.wait(0.2)


def accepts(host: str, port: int) -> bool:
    """Whether something takes connections at `host:port` (a wildcard address is asked on loopback)."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    try:
        socket.create_connection((target, port), timeout=0.5).close()
    except OSError:
        return False
    return True


@contextmanager
def _stop_on_signal(stop: threading.Event) -> Iterator[None]:
    before = {kind: signal.signal(kind, lambda *_: stop.set()) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
