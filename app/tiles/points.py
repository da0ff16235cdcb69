"""Layers of points as a vector tile holds them, written without the database (Mapbox Vector Tile 2.1 §4). Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.tiles.matrix import EXTENT

Value = str | int | float | bool
#: Fields of the messages (vector_tile.proto 2.1) with their wire types: length-delimited, varint.
_LAYER, _NAME, _FEATURE, _KEY, _VALUE, _EXTENT, _VERSION = 0x1A, 0x0A, 0x12, 0x1A, 0x22, 0x28, 0x78
_TAGS, _TYPE, _GEOMETRY, _POINT = 0x12, 0x18, 0x22, 1


@dataclass(frozen=True, slots=True)
class Point:
    """A point at `x`, `y` in units of the tile's grid, y from the north, with its properties."""

    x: int
    y: int
    properties: Mapping[str, Value]


def point_layer(name: str, points: Sequence[Point]) -> bytes:
    """A layer of points in their order; nothing where there are none."""
    if not points:
        return b""
    keys: dict[str, int] = {}
    values: dict[tuple[type, Value], int] = {}
    features = [_field(_FEATURE, _feature(point, keys, values)) for point in points]
    body = b"".join(
        (
            _field(_NAME, name.encode()),
            *features,
            *(_field(_KEY, key.encode()) for key in keys),
            *(_field(_VALUE, _value(value)) for _, value in values),
            _varints((_EXTENT, EXTENT, _VERSION, 2)),
        )
    )
    return _field(_LAYER, body)


def _feature(point: Point, keys: dict[str, int], values: dict[tuple[type, Value], int]) -> bytes:
    tags: list[int] = []
    for key, value in point.properties.items():
        # 1, 1.0 and True are one key of a dict, but not one value of a tile.
        tags += (keys.setdefault(key, len(keys)), values.setdefault((type(value), value), len(values)))
    moved = _varints((9, _zigzag(point.x), _zigzag(point.y)))  # MoveTo, once
    return _field(_TAGS, _varints(tags)) + _varints((_TYPE, _POINT)) + _field(_GEOMETRY, moved)


def _value(value: Value) -> bytes:
    if isinstance(value, bool):
        return _varints((0x38, int(value)))
    if isinstance(value, int):
        return _varints((0x30, _zigzag(value)))
    if isinstance(value, float):
        return b"\x19" + struct.pack("<d", value)
    return _field(0x0A, value.encode())


def _field(tag: int, body: bytes) -> bytes:
    return _varints((tag, len(body))) + body


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _varints(numbers: Iterable[int]) -> bytes:
    out = bytearray()
    for number in numbers:
        left = number
        while left > 0x7F:
            out.append(left & 0x7F | 0x80)
            left >>= 7
        out.append(left)
    return bytes(out)
