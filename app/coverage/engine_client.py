"""The web workers' and jobs' way to the engine process: one request, one answer, over its Unix socket."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.coverage.engine_frames import receive_frame, send_frame
from app.database.scope import SCOPE
from app.errors import Away, ChengtuError, Unavailable, error_from_plain
from app.traces import REQUEST_ID

#: How often a client that follows stages looks whether it still wants the answer.
LOOK_EVERY_S = 0.5
#: How long a request waits for the engine's answer, seconds; what takes longer is a job.
ANSWER_S = 60.0
#: The stage before the first one.
WAITING = "waiting for the engine"
_AWAY = (
    "The engine is not running.",
    "Try again in a few seconds; `chengtu serve` starts it again by itself.",
)


@dataclass(frozen=True, slots=True)
class EngineClient:
    """Asks the engine process at `path`; `timeout_s` bounds the wait for one answer, `patience_s` for its start."""

    path: Path | None
    timeout_s: float = ANSWER_S
    patience_s: float = 0.0

    def answer(
        self, request: dict[str, Any], report: Callable[[float, str], None] | None = None
    ) -> dict[str, Any]:
        """What `app.coverage.engine.answer` says to `request`.

        `report(share, message)` is told each stage, and between them every half second the last one again; what it
        raises ends the wait, and the engine's work at its next stage. `timeout_s` then bounds a single stage.

        Raises the same `ChengtuError` that the engine raised, `Unavailable` where it is away or too slow.
        """
        asked = {**request, **_asking(), **({} if report is None else {"stages": True})}
        reply = self._exchange(asked, report)
        if "error" in reply:
            raise error_from_plain(reply["error"])
        result: dict[str, Any] = reply["result"]
        return result

    def is_up(self) -> bool:
        """Whether the engine process takes connections."""
        try:
            self._connect(timeout_s=1.0).close()
        except ChengtuError:
            return False
        return True

    def _exchange(
        self, request: dict[str, Any], report: Callable[[float, str], None] | None
    ) -> dict[str, Any]:
        with self._connect_patiently(report) as connection:
            try:
                send_frame(connection, request)
                reply = receive_frame(connection) if report is None else self._follow(connection, report)
            except TimeoutError as error:
                raise Unavailable(
                    f"The engine did not answer within {self.timeout_s:.0f} s.",
                    "Ask for a smaller area, or later.",
                ) from error
            except OSError as error:
                raise Away(*_AWAY) from error
        if not isinstance(reply, dict):
            raise Away(*_AWAY)
        return reply

    def _follow(self, connection: socket.socket, report: Callable[[float, str], None]) -> Any:
        """The reply; until it comes, its stages are reported."""
        share, message, deadline = 0.0, WAITING, time.monotonic() + self.timeout_s
        while True:
            ready, _, _ = select.select([connection], [], [], LOOK_EVERY_S)
            reply = receive_frame(connection) if ready else {"stage": [share, message]}
            if not isinstance(reply, dict) or "stage" not in reply:
                return reply
            if ready:
                deadline = time.monotonic() + self.timeout_s
            elif time.monotonic() > deadline:
                raise TimeoutError
            share, message = reply["stage"]
            report(share, message)

    def _connect_patiently(self, report: Callable[[float, str], None] | None) -> socket.socket:
        deadline = time.monotonic() + self.patience_s
        while True:
            try:
                return self._connect(self.timeout_s)
            except Unavailable:
                if self.path is None or time.monotonic() >= deadline:
                    raise
                if report is not None:
                    report(0.0, WAITING)
                time.sleep(0.1)

    def _connect(self, timeout_s: float) -> socket.socket:
        if self.path is None:
            raise Unavailable(
                "No engine process belongs to this server.", "Start the server with `chengtu serve`."
            )
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(self.path))
        except OSError as error:
            connection.close()
            raise Away(*_AWAY) from error
        return connection


def _asking() -> dict[str, Any]:
    """Who asks, for what is restricted (`held`): the engine runs in another process, which knows no request."""
    scope = SCOPE.get()
    asked = {} if scope is None else {"scope": scope.plain()}
    return {**asked, "request_id": REQUEST_ID.get()}
