"""The codes of rows: which were used before, and those made from geometry and attributes where a file has none."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.inventory.measure import LINE, POLYGON, as_multi
from app.validation.values import LEAST, MOST, normalise, plain, whole_text

#: What the report calls the key of rows that bear none.
MADE_KEY = "made from geometry and attributes"
NONE, POINT = -1, shapely.GeometryType.POINT
#: How the WKB (little-endian) of a multi part of one begins, by the type of that one.
_MULTI: Mapping[int, bytes] = {
    int(one): struct.pack("<BII", 1, several, 1)
    for one, several in (
        (LINE, shapely.GeometryType.MULTILINESTRING),
        (POLYGON, shapely.GeometryType.MULTIPOLYGON),
    )
}
#: So many batches of codes are kept apart before they are merged into one sorted array.
LOOSE = 16


class CodeBook:
    """Remembers the codes of all rows of a class in 16 bytes each: their 64-bit hashes and the rows they stand in.

    Two different codes share a hash once in 10^6 files of five million rows.
    """

    def __init__(self) -> None:
        self._books: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []

    def add(self, codes: Sequence[str], rows: Sequence[int]) -> None:
        """Remember codes (n,) with the numbers of their rows (n,)."""
        hashes = _hashes(codes)
        order = np.argsort(hashes, kind="stable")
        self._books.append((hashes[order], np.asarray(rows, dtype=np.int64)[order]))
        if len(self._books) > LOOSE:
            self._merge()

    def _merge(self) -> None:
        hashes = np.concatenate([book[0] for book in self._books])
        rows = np.concatenate([book[1] for book in self._books])
        order = np.argsort(hashes, kind="stable")
        self._books = [(hashes[order], rows[order])]

    def find(self, codes: Sequence[str]) -> dict[int, int]:
        """Position → number of the first row added that has the same code."""
        if not self._books:
            return {}
        hashes = _hashes(codes)
        # Sought in their order they are found in a third of the time.
        order = np.argsort(hashes)
        hashes = hashes[order]
        found: dict[int, int] = {}
        for known, rows in self._books:
            places = np.searchsorted(known, hashes)
            inside = np.minimum(places, len(known) - 1)
            same = (places < len(known)) & (known[inside] == hashes) if len(known) else np.zeros(0, bool)
            for i in np.flatnonzero(same).tolist():
                found.setdefault(int(order[i]), int(rows[inside[i]]))
        return found

    def count(self, codes: Sequence[str]) -> NDArray[np.int64]:
        """How often each code (n,) was added."""
        hashes = _hashes(codes)
        total = np.zeros(len(hashes), dtype=np.int64)
        for known, _ in self._books:
            total += np.searchsorted(known, hashes, "right") - np.searchsorted(known, hashes, "left")
        return total


def _hashes(codes: Sequence[str]) -> NDArray[np.int64]:
    return np.fromiter(map(hash, codes), dtype=np.int64, count=len(codes))


def code_text(value: Any) -> str:
    """A raw value as a code: whole floats as whole numbers, empty where there is nothing."""
    if isinstance(value, str):
        return plain(value) or ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    found = plain(value)
    return "" if found is None else str(found).strip()


def code_texts(values: Sequence[Any]) -> list[str]:
    """`code_text` of each value (n,)."""
    # Most codes are text without anything to clean, which costs little to find out.
    if set(map(type, values)) == {str} and "".join(values).isprintable():
        return list(map(str.strip, values))
    return [
        value.strip() if value.__class__ is str and value.isprintable() else code_text(value)
        for value in values
    ]


def make_codes(
    columns: Mapping[str, Sequence[Any]], geometry: NDArray[np.object_], used: CodeBook, rows: Sequence[int]
) -> list[str]:
    """Codes (n,) made from lon/lat shapes and attributes: the same row gets the same code in every file.

    The second of two equal rows gets `-2`, in the order of the file; `used` remembers those before.
    """
    return distinct_codes(make_digests(columns, geometry), used, rows)


def make_digests(columns: Mapping[str, Sequence[Any]], geometry: NDArray[np.object_]) -> list[str]:
    """What codes (n,) are made of: equal for rows whose shapes and attributes are equal."""
    texts = _texts(columns, len(geometry))
    return [
        "h" + sha256(shape + text.encode("utf-8", "replace")).hexdigest()[:16]
        for shape, text in zip(_shape_bytes(geometry), texts, strict=True)
    ]


def _shape_bytes(geometry: NDArray[np.object_]) -> list[bytes]:
    """Shapes (n,) to a centimetre as WKB of multi parts, which is how they are stored; nothing where there is none."""
    types = shapely.get_type_id(geometry)
    plain = np.isin(types, [NONE, POINT, LINE, POLYGON]).all() and not shapely.is_empty(geometry).any()
    shapes = shapely.force_2d(geometry) if plain else as_multi(geometry)
    rounded = shapely.set_precision(shapes, 1e-7, mode="pointwise")
    wkb: list[bytes | None] = shapely.to_wkb(rounded, byte_order=1).tolist()
    if not plain:
        return [shape or b"" for shape in wkb]
    # A single part is made a multi part of one by what stands before it, which costs a fifth of making it one.
    starts = [_MULTI.get(kind, b"") for kind in types.tolist()]
    return [start + (shape or b"") for start, shape in zip(starts, wkb, strict=True)]


def distinct_codes(digests: Sequence[str], used: CodeBook, rows: Sequence[int]) -> list[str]:
    """Codes (n,) of digests (n,): the second of two equal ones gets `-2`; `used` remembers those before."""
    times = dict(zip(digests, used.count(digests).tolist(), strict=True))
    used.add(digests, rows)
    codes = []
    for digest in digests:
        times[digest] += 1
        codes.append(digest if times[digest] == 1 else f"{digest}-{times[digest]}")
    return codes


def _texts(columns: Mapping[str, Sequence[Any]], count: int) -> list[str]:
    """The attributes of each row as JSON with sorted names, put together from the JSON of each column's values."""
    names = {normalise(heading): heading for heading in columns}
    if not names:
        return ["{}"] * count
    parts = []
    for form in sorted(names):
        start = f"{json.dumps(form, ensure_ascii=False)}: "
        parts.append([start + text for text in _json(columns[names[form]])])
    return ["{" + ", ".join(row) + "}" for row in zip(*parts, strict=True)]


def _json(values: Sequence[Any]) -> list[str]:
    """Each value as JSON: text and whole numbers, which most are, without the encoder's detours."""
    texts = []
    for value in values:
        kind = value.__class__
        if kind is str and value.isprintable():
            text = value.strip()
            texts.append(encode_basestring(text) if text else "null")
        elif kind is int:
            texts.append(int.__repr__(value) if LEAST <= value <= MOST else whole_text(value))
        else:
            texts.append("null" if value is None else _dump(value))
    return texts


def _dump(value: Any) -> str:
    return json.dumps(plain(value), sort_keys=True, ensure_ascii=False, default=str)
