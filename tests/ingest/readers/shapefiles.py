"""Shapefiles made byte by byte, so that tests say exactly what stands in their tables."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely

Field = tuple[bytes, str, int, int]


def dbf_bytes(
    fields: Sequence[Field], rows: Sequence[Sequence[bytes]], language: int = 0, **more: Any
) -> bytes:
    """A dBase table of `fields` (name, type, width, decimals); `deleted` positions, `count` what the header says."""
    deleted = more.get("deleted", ())
    size = 32 + 32 * len(fields) + 1
    width = 1 + sum(field[2] for field in fields)
    head = struct.pack("<B3sIHH20x", 3, b"\x7d\x01\x01", more.get("count", len(rows)), size, width)
    head = head[:29] + bytes([language]) + head[30:]
    told = [struct.pack("<11sc4xBB14x", name, kind.encode(), w, d) for name, kind, w, d in fields]
    body = [
        (b"*" if i in deleted else b" ")
        + b"".join(
            cell[:w].rjust(w) if kind in "NF" else cell[:w].ljust(w)
            for cell, (_, kind, w, _) in zip(row, fields, strict=True)
        )
        for i, row in enumerate(rows)
    ]
    return head + b"".join(told) + b"\r" + b"".join(body) + b"\x1a"


def write_shapes(
    path: Path, shapes: Sequence[Any], geometry_type: str = "Point", crs: str | None = None
) -> Path:
    """A Shapefile of `shapes` (None: a null shape) at `path`, with a table of GDAL's own."""
    pyogrio.raw.write(
        str(path),
        np.array([None if shape is None else shapely.to_wkb(shape) for shape in shapes], dtype=object),
        [np.arange(len(shapes))],
        ["n"],
        driver="ESRI Shapefile",
        geometry_type=geometry_type,
        crs=crs or "EPSG:4548",
        encoding="UTF-8",
    )
    if crs is None:
        path.with_suffix(".prj").unlink()
    return path


def points(count: int) -> list[shapely.Point]:
    """Points in a row."""
    return [shapely.Point(500_000 + i, 3_170_000) for i in range(count)]


def shapefile(
    path: Path, fields: Sequence[Field], rows: Sequence[Sequence[bytes]], cpg: str | None = None, **more: Any
) -> Path:
    """Points with exactly this table; without `.prj`, and without `.cpg` unless its text is given."""
    write_shapes(path, points(more.pop("shapes", len(rows))))
    path.with_suffix(".dbf").write_bytes(dbf_bytes(fields, rows, **more))
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg, encoding="ascii")
    return path
