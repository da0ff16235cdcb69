"""The web workers' and jobs' way to the engine process: one request, one answer, over its Unix socket."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.coverage.engine_frames import receive_frame, send_frame
from app.errors import ChengtuError, Unavailable, error_from_plain

_AWAY = (
    "The engine is not running.",
    "Try again in a few seconds; `chengtu serve` starts it again by itself.",
)


@dataclass(frozen=True, slots=True)
class EngineClient:
    """Asks the engine process at `path`; `timeout_s` bounds the wait for one answer, `patience_s` for its start."""

    path: Path | None
    timeout_s: float = 300.0
    patience_s: float = 0.0

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """What `app.coverage.engine.answer` says to `request`.

        Raises the same `ChengtuError` that the engine raised, `Unavailable` where it is away or too slow.
        """
        reply = self._exchange(request)
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

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._connect_patiently() as connection:
            try:
                send_frame(connection, request)
                reply = receive_frame(connection)
            except TimeoutError as error:
                raise Unavailable(
                    f"The engine did not answer within {self.timeout_s:.0f} s.",
                    "Ask for a smaller area, or later.",
                ) from error
            except OSError as error:
                raise Unavailable(*_AWAY) from error
        if not isinstance(reply, dict):
            raise Unavailable(*_AWAY)
        return reply

    def _connect_patiently(self) -> socket.socket:
        deadline = time.monotonic() + self.patience_s
        while True:
            try:
                return self._connect(self.timeout_s)
            except Unavailable:
                if self.path is None or time.monotonic() >= deadline:
                    raise
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
            raise Unavailable(*_AWAY) from error
        return connection
