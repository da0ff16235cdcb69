"""The engine process: alone holds the arrays and answers over a Unix socket.

Web workers never compute: a Dijkstra holds the interpreter's lock for its whole run, so every small request would wait.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from app.catalogue.loader import load_catalogue
from app.coverage.engine import Engine
from app.coverage.engine_frames import receive_frame, send_frame
from app.coverage.stages import Report
from app.database.transactions import Database
from app.errors import ChengtuError, error_to_plain
from app.meters import gauge
from app.settings import Settings
from app.traces import tracing

log = logging.getLogger("chengtu.engine")
_WAITING = gauge("chengtu_engine_requests", "Requests that the engine answers or that wait for it.")
_KEPT = gauge("chengtu_engine_arrays", "Arrays that the engine holds.")
_NEWEST = gauge("chengtu_engine_newest_change", "The highest data version among them.")

Answer = Callable[[dict[str, Any], Report | None], dict[str, Any]]


class EngineServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers frames with `answer(request)`; one thread a connection, the socket readable by its owner alone."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path, answer: Answer) -> None:
        path.unlink(missing_ok=True)
        self._answer = answer
        self._one_at_a_time = threading.Lock()
        self._counting, self._open = threading.Lock(), 0
        # Made private before it can be reached: the umask holds while bind() creates the file.
        before = os.umask(0o177)
        try:
            super().__init__(str(path), _Connection)
        finally:
            os.umask(before)

    def answer(self, request: dict[str, Any], report: Report | None = None) -> dict[str, Any]:
        """The engine's answer; one at a time, since its arrays and the interpreter's lock are shared anyway."""
        self._tell(1)
        try:
            with self._one_at_a_time:
                return self._answer(request, report)
        finally:
            self._tell(-1)

    def _tell(self, more: int) -> None:
        with self._counting:
            self._open += more
            _WAITING.set(to=self._open)


class _Connection(socketserver.BaseRequestHandler):
    """One client: a request, its answer, the next request, until the client closes.

    A request with `stages` is told each stage before its answer; a client that leaves meanwhile ends the work.
    """

    def handle(self) -> None:
        connection = cast("socket.socket", self.request)
        server = cast("EngineServer", self.server)
        try:
            while (request := receive_frame(connection)) is not None:
                report = _reporting(connection) if request.pop("stages", False) else None
                with tracing(str(request.pop("request_id", ""))):
                    send_frame(connection, reply_to(server.answer, request, report))
        except (OSError, ChengtuError) as error:
            log.info("A client left in the middle: %s", error)


def _reporting(connection: socket.socket) -> Report:
    def report(share: float, message: str) -> None:
        try:
            send_frame(connection, {"stage": [share, message]})
        except OSError as error:
            raise ClientLeft from error

    return report


class ClientLeft(Exception):  # noqa: N818 - nothing went wrong: nobody waits for the answer any more
    """Raised between two stages after the client closed its connection."""


def reply_to(answer: Answer, request: dict[str, Any], report: Report | None = None) -> dict[str, Any]:
    """`{"result": …}` or `{"error": {code, status, message, hint}}`; an unexpected failure never ends the process."""
    try:
        return {"result": answer(request, report)}
    except ClientLeft:
        log.info("Nobody waits any more for: %s", request.get("op", ""))
        return {"error": error_to_plain(ChengtuError("The request was given up."))}
    except ChengtuError as error:
        return {"error": error_to_plain(error)}
    except Exception:
        log.exception("A request failed: %s", request.get("op", ""))
        return {
            "error": error_to_plain(
                ChengtuError("The engine failed on this request.", "The log has details.")
            )
        }


def serve_engine(settings: Settings, path: Path) -> None:
    """Serve until SIGTERM at the socket `path`: the whole life of the engine process."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    engine = Engine(Database(settings), load_catalogue(settings.geodata, settings.local_path))

    def answer(request: dict[str, Any], report: Report | None) -> dict[str, Any]:
        try:
            return engine.answer(request, report)
        finally:
            _KEPT.set(to=len(engine.cache))
            _NEWEST.set(to=engine.cache.newest)

    with EngineServer(path, answer) as server:
        threading.Thread(target=engine.warm, daemon=True).start()
        server.serve_forever()
