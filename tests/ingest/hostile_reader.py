"""The reading process with a reader that does what the file's text says: how a reader gone wrong is stopped."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import shapely

from app.ingest import child
from app.ingest.layer import Layer
from app.ingest.spool import write_spool

SEEN: dict[str, str] = {}


def run(request, spool, pipe) -> None:
    """Do the deed that the file names; those that are refused are told of in a layer."""
    spool.mkdir()
    deed = json.loads(Path(request["path"]).read_text(encoding="utf-8"))
    for name, argument in deed["deeds"].items():
        _attempt(name, argument, spool)
    columns = {name: [told] for name, told in SEEN.items()}
    write_spool([Layer("deeds", [1], np.full(1, None, dtype=object), columns, None)], spool)


def _attempt(name, argument, spool) -> None:
    try:
        SEEN[name] = f"done: {DEEDS[name](argument, spool)}"
    except PermissionError as error:
        SEEN[name] = type(error).__name__


def eat(size, _):
    return len([bytearray(2**20) for _ in range(size)])


def eat_in_c(size, _):
    """More than there may be, asked for where no MemoryError is raised."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    ctypes.memset(libc.malloc(ctypes.c_size_t(size * 2**20)), 1, 16)


def spin(*_):
    while True:
        pass


def wait(seconds, _):
    time.sleep(seconds)


def fill(size, spool):
    """Many files, none of which is too long by itself."""
    for i in range(size):
        (spool / f"f{i}").write_bytes(os.urandom(2**20))
        time.sleep(0.02)


def fill_in_silence(size, spool):
    """Whoever listens hears nothing any more."""
    os.closerange(2, 64)
    fill(size, spool)


def fill_one(size, spool):
    (spool / "long").write_bytes(bytes(size * 2**20))


def fork(*_):
    return os.fork()


def start(*_):
    return subprocess.run([sys.executable, "-c", "pass"], check=False).returncode


def connect(port, _):
    with socket.create_connection(("127.0.0.1", port), timeout=2) as sent:
        sent.sendall(b"canary")


def connect_to_file(path, _):
    with socket.socket(socket.AF_UNIX) as sent:
        sent.connect(path)


def read(path, _):
    return Path(path).read_text(encoding="utf-8")


def write(path, _):
    return Path(path).write_text("x", encoding="utf-8")


def end_other(pid, _):
    os.kill(pid, 0)


def crash(*_):
    ctypes.string_at(0)


def fail(*_):
    raise ValueError("a fault in a reader")


def recurse(depth, _):
    shape = shapely.Point(1, 1)
    for _ in range(depth):
        shape = shapely.GeometryCollection([shape])
    return shape.wkt[:9]


def environment(*_):
    return sorted(os.environ)


def streams(*_):
    return os.read(0, 10), [sys.stdout.write("x" * 10_000_000), sys.stderr.write("x" * 10_000_000)][0]


DEEDS = {deed.__name__: deed for deed in (
    eat, eat_in_c, spin, wait, fill, fill_in_silence, fill_one, fork, start, connect, connect_to_file, read, write,
    end_other, crash, fail, recurse, environment, streams,
)}  # fmt: skip


class _Work:
    run = staticmethod(run)


if __name__ == "__main__":
    child.work = _Work
    child.main()
