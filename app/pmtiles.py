"""PMTiles 3: tiles and their directory in one file, which clients read piece by piece by HTTP Range. Pure.

Written by the specification (protomaps/PMTiles, spec/v3): header of 127 bytes, root directory, metadata, leaf
directories, tiles in the order of their numbers along the Hilbert curves of all zooms.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, Self

from app.errors import UnreadableFile

MEDIA_TYPE = "application/vnd.pmtiles"
#: What the first bytes are, and how many of them the header takes.
MAGIC, VERSION, HEADER_BYTES = b"PMTiles", 3, 127
#: Header and root directory together; readers fetch so many bytes first.
FIRST_BYTES = 16_384
#: Entries of a leaf directory that are tried first, where one directory is too large.
LEAF_ENTRIES = 4096
GZIP, MVT = 2, 1
_HEADER = struct.Struct("<7sB11Q4BBB4iB2i")
_E7 = 10_000_000

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Entry:
    """`run` tiles from the number `first` on, all of the same `length` bytes at `offset` (run 0: a leaf directory)."""

    first: int
    offset: int
    length: int
    run: int


@dataclass(frozen=True, slots=True)
class About:
    """What a file says of itself: `box` and `middle` in lon/lat degrees, `opening` the zoom of the first view."""

    box: Box
    middle: Sequence[float]
    opening: int
    zooms: tuple[int, int]
    metadata: Mapping[str, Any]


def tile_number(z: int, row: int, col: int) -> int:
    """The number of a tile: those of smaller zooms come first, within a zoom it is the place along a Hilbert curve.

    Rows are counted from the north.
    """
    x, y, along = col, row, 0
    for bit in reversed(range(z)):
        side = 1 << bit
        right, low = int(x & side > 0), int(y & side > 0)
        along += side * side * ((3 * right) ^ low)
        if not low:
            if right:
                x, y = ~x, ~y
            x, y = y, x
        x, y = x & (side - 1), y & (side - 1)
    return ((1 << 2 * z) - 1) // 3 + along


class Writer:
    """Takes tiles in the order of their numbers; equal ones are written once. Tiles wait in a file beside the other.

    Memory grows by a directory entry a tile, some hundred bytes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting = path.with_name(f"{path.name}.tiles")
        self._file: BinaryIO = self._waiting.open("wb")
        self._entries: list[Entry] = []
        self._known: dict[bytes, tuple[int, int]] = {}
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._waiting.unlink(missing_ok=True)

    @property
    def tiles(self) -> int:
        """How many tiles the file holds."""
        return sum(entry.run for entry in self._entries)

    def add(self, number: int, body: bytes) -> None:
        """One tile, MVT as it is (not packed), of a greater number than the one before; an empty one is none."""
        if not body:
            return
        digest = hashlib.blake2b(body, digest_size=16).digest()
        if digest not in self._known:
            packed = gzip.compress(body, 6, mtime=0)
            self._file.write(packed)
            self._known[digest] = self._size, len(packed)
            self._size += len(packed)
        offset, length = self._known[digest]
        last = self._entries[-1] if self._entries else None
        if last and (last.first + last.run, last.offset) == (number, offset):
            self._entries[-1] = Entry(last.first, offset, length, last.run + 1)
        else:
            self._entries.append(Entry(number, offset, length, 1))

    def finish(self, about: About) -> None:
        """Write the file: the directory now known, then the tiles."""
        root, leaves = _directories(self._entries)
        said = json.dumps(about.metadata, ensure_ascii=False, separators=(",", ":")).encode()
        metadata = gzip.compress(said, 9, mtime=0)
        self._file.close()
        head = self._header(about, len(root), len(metadata), len(leaves))
        with self._path.open("wb") as file, self._waiting.open("rb") as tiles:
            file.write(head + root + metadata + leaves)
            shutil.copyfileobj(tiles, file, 2**20)

    def _header(self, about: About, root: int, metadata: int, leaves: int) -> bytes:
        starts = [HEADER_BYTES, HEADER_BYTES + root, HEADER_BYTES + root + metadata]
        places = [
            (starts[0], root), (starts[1], metadata), (starts[2], leaves), (starts[2] + leaves, self._size),
        ]  # fmt: skip
        counts = self.tiles, len(self._entries), len(self._known)
        return _HEADER.pack(
            MAGIC, VERSION, *(number for place in places for number in place), *counts, 1, GZIP, GZIP, MVT,
            *about.zooms, *(round(degrees * _E7) for degrees in about.box),
            about.opening, *(round(degrees * _E7) for degrees in about.middle),
        )  # fmt: skip


def _directories(entries: Sequence[Entry]) -> tuple[bytes, bytes]:
    """The root directory and all leaf directories: of few entries the root alone, else leaves as small as fit."""
    root = _directory(entries)
    size = LEAF_ENTRIES
    leaves = b""
    while HEADER_BYTES + len(root) > FIRST_BYTES:
        parts = [entries[start : start + size] for start in range(0, len(entries), size)]
        packed = [_directory(part) for part in parts]
        starts = [sum(map(len, packed[:place])) for place in range(len(packed))]
        leaves = b"".join(packed)
        root = _directory(
            [
                Entry(part[0].first, start, len(body), 0)
                for part, start, body in zip(parts, starts, packed, strict=True)
            ]
        )
        size *= 2
    return root, leaves


def _directory(entries: Sequence[Entry]) -> bytes:
    """Column by column: numbers as steps, runs, lengths, offsets (0: right behind the one before, else one more)."""
    numbers = [0, *(entry.first for entry in entries)]
    ends = [-1, *(entry.offset + entry.length for entry in entries)]
    columns = (
        (after - before for before, after in pairwise(numbers)),
        (entry.run for entry in entries),
        (entry.length for entry in entries),
        (0 if entry.offset == end else entry.offset + 1 for entry, end in zip(entries, ends, strict=False)),
    )
    body = bytearray(_varint(len(entries)))
    for column in columns:
        for value in column:
            body += _varint(value)
    return gzip.compress(bytes(body), 9, mtime=0)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def read_about(path: Path) -> About:
    """What a file of vector tiles says of itself.

    Raises:
        UnreadableFile: It cannot be read, or is no PMTiles 3 file of packed vector tiles.
    """
    try:
        with path.open("rb") as file:
            header = _HEADER.unpack(file.read(HEADER_BYTES))
            # Numbers of other files are no places and sizes.
            if header[:2] != (MAGIC, VERSION) or header[5] > path.stat().st_size:
                raise _unreadable(path)
            file.seek(header[4])
            metadata = json.loads(gzip.decompress(file.read(header[5])))
    except (OSError, EOFError, OverflowError, ValueError, struct.error, zlib.error) as error:
        raise _unreadable(path) from error
    coded, drawn = header[14:16], header[16]
    if coded != (GZIP, GZIP) or drawn != MVT or not isinstance(metadata, dict):
        raise _unreadable(path)
    west, south, east, north, _, lon, lat = (value / _E7 for value in header[19:])
    return About((west, south, east, north), (lon, lat), header[23], header[17:19], metadata)


def _unreadable(path: Path) -> UnreadableFile:
    return UnreadableFile(
        f"'{path.name}' is no PMTiles file of vector tiles.", "Write one: chengtu export --tiles city.pmtiles"
    )
