"""PMTiles files read in tests: by the specification, apart from the code that writes them; served as plain files."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from app.pmtiles import tile_number
from app.tiles.matrix import Tile


@dataclass(frozen=True)
class Archive:
    """What a file holds: its bytes, its root directory, its tiles as (offset, length) by number, packed."""

    data: bytes
    metadata: dict[str, Any]
    places: dict[int, tuple[int, int]]

    def number(self, place: int, width: int = 8) -> int:
        return int.from_bytes(self.data[place : place + width], "little", signed=width == 4)

    def body(self, tile: Tile) -> bytes:
        """A tile, empty where there is none."""
        return self.numbered(tile_number(tile.z, tile.row, tile.col))

    def numbered(self, number: int) -> bytes:
        """The tile of a number, empty where there is none."""
        if number not in self.places:
            return b""
        offset, length = self.places[number]
        start = self.number(56) + offset
        return gzip.decompress(self.data[start : start + length])


def read_archive(path: Path) -> Archive:
    """A file by spec/v3 of protomaps/PMTiles, and by nothing of ours."""
    data = path.read_bytes()
    assert data[:8] == b"PMTiles\x03"
    found = Archive(data, {}, {})
    start, length, leaves = found.number(8), found.number(16), found.number(40)
    assert (start, start + length <= 16_384) == (127, True)
    places: dict[int, tuple[int, int]] = {}
    for first, run, size, offset in _directory(data[start : start + length]):
        inner = [(first, run, size, offset)]
        if run == 0:
            inner = _directory(data[leaves + offset : leaves + offset + size])
            assert inner[0][0] == first
        places |= {number + i: (at, long) for number, many, long, at in inner for i in range(many)}
    about = data[found.number(24) :][: found.number(32)]
    assert found.number(56) + found.number(64) == len(data)
    return Archive(data, json.loads(gzip.decompress(about)), places)


def _directory(packed: bytes) -> list[tuple[int, int, int, int]]:
    """(number, run, length, offset) of each entry."""
    numbers, value, shift = [], 0, 0
    for byte in gzip.decompress(packed):
        value, shift = value | (byte & 127) << shift, shift + 7
        if byte < 128:
            numbers.append(value)
            value = shift = 0
    count, *rest = numbers
    steps, runs, lengths, offsets = (rest[i * count : (i + 1) * count] for i in range(4))
    assert len(rest) == 4 * count > 0
    found: list[tuple[int, int, int, int]] = []
    for step, run, length, offset in zip(steps, runs, lengths, offsets, strict=True):
        number = step + (found[-1][0] if found else 0)
        at = offset - 1 if offset else found[-1][3] + found[-1][2]
        found.append((number, run, length, at))
    return found


class _Ranged(SimpleHTTPRequestHandler):
    """What every web server has and Python's lacks: an answer to `Range`."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if wanted is None or not path.is_file():
            super().do_GET()
            return
        first, last = int(wanted[1]), min(int(wanted[2]), path.stat().st_size - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{path.stat().st_size}")
        self.send_header("Content-Length", str(last + 1 - first))
        self.send_header("ETag", f'"{path.stat().st_mtime_ns}"')
        self.end_headers()
        self.wfile.write(path.read_bytes()[first : last + 1])


@contextmanager
def plain_server(folder: Path) -> Iterator[str]:
    """A folder served as files; yields the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Ranged, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
