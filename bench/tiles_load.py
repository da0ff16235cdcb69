"""Asks a server for one tile after another: by wrk from several connections, or by one client that takes the time."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.features_load import Load, read_wrk
from bench.features_servers import Server

#: Each connection asks for the next of all tiles, so that no two ask for the same one at once.
_SCRIPT = """
local asked = {ASKED}
local place = 0
request = function()
  place = place % #asked + 1
  local item = asked[place]
  return wrk.format("GET", item[1], {["If-None-Match"] = item[2]})
end
"""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Reply:
    """One reply: its status, bytes, tag, what it says of thinning, and the ms that it took."""

    status: int
    size: int
    etag: str
    thinned: str
    took_ms: float


def ask(address: str, paths: Sequence[str]) -> list[Reply]:
    """The replies to one client that asks one after another over one connection."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=120)
    found = []
    for path in paths:
        started = time.perf_counter()
        connection.request("GET", path)
        reply = connection.getresponse()
        size = len(reply.read())
        took = (time.perf_counter() - started) * 1000
        tag, thinned = reply.headers.get("etag", ""), reply.headers.get("chengtu-thinned", "")
        found.append(Reply(reply.status, size, tag, thinned, took))
    connection.close()
    return found


def load(
    server: Server, paths: Sequence[str], seconds: float, tags: Sequence[str] = ()
) -> tuple[Load, float]:
    """What wrk finds with 8 connections, and the server's own processor time for a request, µs."""
    tags = tags or [""] * len(paths)
    asked = ", ".join(
        f"{{{json.dumps(path)}, {json.dumps(tag) if tag else 'nil'}}}"
        for path, tag in zip(paths, tags, strict=True)
    )
    with tempfile.TemporaryDirectory(prefix="chengtu-bench-") as folder:
        script = Path(folder) / "tiles.lua"
        script.write_text(_SCRIPT.replace("{ASKED}", f"{{{asked}}}"), encoding="utf-8")
        words = ["wrk", "-t1", "-c8", f"-d{seconds:g}s", "--timeout", "30s", "--latency", "-s", str(script)]
        before = _processor_s(server.pid)
        printed = subprocess.run([*words, server.address], capture_output=True, text=True, check=True).stdout
        spent = _processor_s(server.pid) - before
    found = read_wrk(printed)
    return found, spent / max(found.rate * seconds, 1) * 1e6


def _processor_s(pid: int) -> float:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
