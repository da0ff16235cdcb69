"""Loads a server with one question from several connections: by wrk, or by threads of our own where it is missing."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit

ACCEPT = "application/geo+json, application/json"
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Load:
    """Requests a second, the slowest but one in a hundred in ms, and how many failed."""

    rate: float
    p99_ms: float
    errors: int

    @property
    def faults(self) -> str:
        """What to say of failures."""
        return f", {self.errors} FAILED" if self.errors else ""


def loader() -> str:
    """What makes the load."""
    return (
        "wrk -t1 -c8"
        if shutil.which("wrk")
        else "8 threads of Python (wrk is not installed: apt-get install wrk)"
    )


def matched(address: str) -> int | None:
    """How many features the first answer holds; None where the server does not answer the question."""
    try:
        request = urllib.request.Request(address, headers={"Accept": ACCEPT})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return len(json.loads(reply.read())["features"])
    except (urllib.error.URLError, KeyError, ValueError, TimeoutError):
        return None


def load(address: str, seconds: float, connections: int = 8) -> Load:
    """Ask the same again and again for some seconds."""
    if shutil.which("wrk"):
        return _wrk(address, seconds, connections)
    return _threads(address, seconds, connections)


def _wrk(address: str, seconds: float, connections: int) -> Load:
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s", "--latency"]
    printed = subprocess.run(
        [*words, "-H", f"Accept: {ACCEPT}", address], capture_output=True, text=True, check=True
    ).stdout
    return read_wrk(printed)


def read_wrk(printed: str) -> Load:
    """What wrk printed, with `--latency`."""
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", printed)
    slow = re.search(r"99%\s+([0-9.]+)(us|ms|s|m)\b", printed)
    assert rate is not None
    assert slow is not None
    failed = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", printed)))
    for line in re.findall(r"Socket errors: (.*)", printed):
        failed += sum(map(int, re.findall(r"\d+", line)))
    return Load(float(rate[1]), float(slow[1]) * _UNITS[slow[2]], failed)


def _threads(address: str, seconds: float, connections: int) -> Load:
    took: list[float] = []
    failed: list[str] = []
    until = time.monotonic() + seconds
    workers = [threading.Thread(target=_ask, args=(address, until, took, failed)) for _ in range(connections)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    ordered = sorted(took) or [0.0]
    return Load(len(took) / seconds, ordered[int(len(ordered) * 0.99)] * 1000, len(failed))


def _ask(address: str, until: float, took: list[float], failed: list[str]) -> None:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    while time.monotonic() < until:
        started = time.monotonic()
        try:
            connection.request("GET", f"{parts.path}?{parts.query}", headers={"Accept": ACCEPT})
            reply = connection.getresponse()
            reply.read()
        except OSError as error:
            failed.append(str(error))
            connection.close()
            continue
        took.append(time.monotonic() - started)
        if reply.status != http.HTTPStatus.OK:
            failed.append(str(reply.status))
    connection.close()
