"""`chengtu serve` as a process of its own, with its log in a file."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHENGTU = [sys.executable, "-m", "app.cli"]


@dataclass(frozen=True)
class Server:
    """A running server: its supervisor, its port, what it wrote to stderr."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def ask(
        self, path: str, method: str = "GET", body: Any = None, timeout: float = 60, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of a reply; status 0 where nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=named)
            reply = connection.getresponse()
            text = reply.read().decode("utf-8", "replace")
            return reply.status, {name.lower(): value for name, value in reply.getheaders()}, text
        except OSError:
            return 0, {}, ""
        finally:
            connection.close()

    def lines(self) -> list[dict[str, Any]]:
        """The log as it is now; every line is a JSON object."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").split("\n") if line]

    def stop(self) -> int:
        """Ask it to stop, and wait."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait(until: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


@contextmanager
def serving(
    environment: dict[str, str], folder: Path, *, ready: bool = True, workers: int = 2
) -> Iterator[Server]:
    """A server over the database of the environment; stopped at the end."""
    port, log = free_port(), folder / "serve.log"
    command = [*CHENGTU, "serve", "--port", str(port), "--workers", str(workers)]
    with log.open("wb") as told:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=told)
    server = Server(process, port, log)
    try:
        wait(lambda: server.ask("/ready" if ready else "/health")[0] == 200 or process.poll() is not None)
        assert process.poll() is None, log.read_text(encoding="utf-8")
        yield server
    finally:
        if process.poll() is None:
            server.stop()
