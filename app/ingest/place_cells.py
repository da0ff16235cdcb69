"""Whole places in one cell: WKT, EWKT, WKB, GeoJSON and "(lat, lon)"; each cell that is none is told."""

from __future__ import annotations

import json
import re
import struct
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from app.ingest.coordinates import column_numbers, is_empty
from app.ingest.curves import linear_wkt
from app.ingest.readers import wkb
from app.ingest.readers.geojson import layer_of

ShapeKind = Literal["wkt", "wkb", "geojson"]
TITLES: dict[str, str] = {"wkt": "WKT", "wkb": "WKB in hexadecimal digits", "geojson": "GeoJSON"}
_WKT = re.compile(
    r"\s*(?:SRID=(\d+)\s*;)?\s*(?:MULTI)?(?:POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION|CURVE|SURFACE|CIRCULARSTRING"
    r"|COMPOUNDCURVE|CURVEPOLYGON)\s*(?:Z|M|ZM)?\s*(?:\(|EMPTY)",
    re.IGNORECASE,
)
_CURVE = re.compile(r"CURVE|SURFACE|CIRCULAR", re.IGNORECASE)
_HEX = re.compile(r"\s*(?:\\x)?0[01][0-9a-fA-F]{8,}\s*")
_SRID = 0x20000000
#: The sign between two numbers, apart from a decimal comma.
_PAIR = re.compile(r"\s*[(（\[]?\s*([^,，;；\s()]+)\s*(?:[,，;；]|\s)\s*([^,，;；\s()]+)\s*[)）\]]?\s*")
_LONG_PAIR = re.compile(r"\s*[(（\[]?\s*(.+?)\s*[,，;；]\s*(.+?)\s*[)）\]]?\s*")


def kind_of(cells: Sequence[Any]) -> ShapeKind | None:
    """What most of the cells are written in, None where it is neither WKT, WKB nor GeoJSON."""
    texts = [cell for cell in cells if isinstance(cell, str | bytes | dict)]
    if not texts or len(texts) * 2 <= len(cells):
        return None
    kinds = Counter(map(_kind, texts))
    kind, times = kinds.most_common(1)[0]
    return kind if kind is not None and times * 2 > len(texts) else None


def _kind(cell: str | bytes | dict[str, Any]) -> ShapeKind | None:
    if isinstance(cell, bytes):
        return "wkb" if cell[:1] in {b"\x00", b"\x01"} else None
    if isinstance(cell, dict):
        return "geojson" if "coordinates" in cell else None
    if _WKT.match(cell):
        return "wkt"
    if _HEX.fullmatch(cell):
        return "wkb"
    start = cell.lstrip()
    return "geojson" if start.startswith("{") and '"coordinates"' in start and '"type"' in start else None


def crs_of(cells: Sequence[Any], kind: str) -> str | None:
    """The CRS that most of the cells of EWKT or EWKB name that name one."""
    srids = Counter(srid for cell in cells if (srid := _srid(cell, kind)))
    return f"EPSG:{srids.most_common(1)[0][0]}" if srids else None


def _srid(cell: Any, kind: str) -> int:
    """The SRID of a cell, 0 where it names none."""
    if kind == "wkt" and isinstance(cell, str):
        found = _WKT.match(cell)
        return int(found[1]) if found and found[1] else 0
    blob = _blob(cell) if kind == "wkb" else None
    if blob is None or len(blob) < 9:
        return 0
    order = "<" if blob[0] == 1 else ">"
    flags, srid = struct.unpack_from(f"{order}II", blob, 1)
    return int(srid) if flags & _SRID else 0


def _blob(cell: Any) -> bytes | None:
    if isinstance(cell, bytes):
        return cell
    try:
        return bytes.fromhex(str(cell).strip().removeprefix("\\x"))
    except ValueError:
        return None


def shapes_of(
    cells: Sequence[Any], kind: str, heading: str, crs: str | None
) -> tuple[NDArray[np.object_], dict[int, str], tuple[str, ...]]:
    """The shapes in the cells (n,), None where there is none; position → why one cannot be read; what was dropped.

    `crs` is that which holds for the column: a cell that names another one is refused.
    """
    given = [None if is_empty(cell) else cell for cell in cells]
    faults: dict[int, str] = {}
    notes: tuple[str, ...] = ()
    if kind == "wkt":
        geometry, faults, notes = _from_wkt(given, heading)
        geometry, measured = wkb.drop_m(geometry)
        notes += (wkb.M_DROPPED,) if measured else ()
    elif kind == "wkb":
        found = wkb.shapes([None if cell is None else _blob(cell) or b"" for cell in given])
        geometry, notes = found.geometry, found.notes
        faults = {i: _broken(heading, given[i], "WKB") for i in found.faults}
    else:
        geometry, faults = _from_geojson(given, heading)
    for i, cell in enumerate(given):
        srid = 0 if cell is None or crs is None else _srid(cell, kind)
        if srid and f"EPSG:{srid}" != crs:
            geometry[i] = None
            faults[i] = f"{heading}: its CRS is EPSG:{srid}, that of the other rows {crs}"
    return shapely.set_srid(geometry, 0), faults, notes


def _from_wkt(
    cells: Sequence[Any], heading: str
) -> tuple[NDArray[np.object_], dict[int, str], tuple[str, ...]]:
    texts = np.empty(len(cells), dtype=object)
    texts[:] = [None if cell is None else str(cell).rpartition(";")[2] for cell in cells]
    curved = [i for i, text in enumerate(texts) if text is not None and _CURVE.search(text)]
    texts[curved] = [linear_wkt(text) for text in texts[curved]]
    unread = [i for i in curved if texts[i] is None]
    geometry = np.asarray(shapely.from_wkt(texts, on_invalid="ignore"), dtype=object).reshape(len(cells))
    lost = np.flatnonzero(shapely.is_missing(geometry)).tolist()
    faults = {i: _broken(heading, cells[i], "WKT") for i in lost if cells[i] is not None}
    notes = (wkb.CURVES,) if len(unread) < len(curved) else ()
    return geometry, faults | dict.fromkeys(unread, f"{heading}: curves in WKT are not read"), notes


def _from_geojson(cells: Sequence[Any], heading: str) -> tuple[NDArray[np.object_], dict[int, str]]:
    shapes = [_load(cell) for cell in cells]
    layer = layer_of("", [{"type": "Feature", "geometry": shape} for shape in shapes], 1)
    faults = {i: f"{heading}: {why}" for i, why in layer.faults.items()}
    bad = [i for i, shape in enumerate(shapes) if cells[i] is not None and not isinstance(shape, dict)]
    return layer.geometry, faults | {i: _broken(heading, cells[i], "GeoJSON") for i in bad}


def _load(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    try:
        shape = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    # The cell may hold the whole feature.
    return shape.get("geometry") if isinstance(shape, dict) and shape.get("type") == "Feature" else shape


def _broken(heading: str, cell: Any, language: str) -> str:
    return f"{heading}: '{str(cell)[:60]}' is no {language}"


def split_pairs(cells: Sequence[str | None]) -> tuple[NDArray[np.float64], NDArray[np.float64], list[int]]:
    """First and second number of each cell (n,), NaN where it is empty or bad; the positions of the bad ones."""
    found = [None if cell is None else _PAIR.fullmatch(cell) or _LONG_PAIR.fullmatch(cell) for cell in cells]
    first, bad_first = column_numbers([m and m[1] for m in found], degrees=True)
    second, bad_second = column_numbers([m and m[2] for m in found], degrees=True)
    lost = {i for i, m in enumerate(found) if m is None and not is_empty(cells[i])}
    bad = sorted(lost.union(bad_first, bad_second))
    first[bad] = second[bad] = np.nan
    return first, second, bad


def points(
    east: NDArray[np.float64],
    north: NDArray[np.float64],
    faults: dict[int, str],
    *,
    degrees: bool,
    names: tuple[str, str] = ("the longitude", "the latitude"),
) -> tuple[NDArray[np.object_], dict[int, str]]:
    """Points (n,) of coordinates (n,) that are finite, else None, and why; a row without both has none and no fault."""
    faults = dict(faults)
    for here, there, name in ((east, north, names[0]), (north, east, names[1])):
        for i in np.flatnonzero(np.isnan(here) & np.isfinite(there)).tolist():
            faults.setdefault(i, f"{name} is missing")
    if degrees:
        for i in np.flatnonzero((east == 0) & (north == 0)).tolist():
            faults.setdefault(i, "the position is 0, 0, which stands for none")
    good = np.isfinite(east) & np.isfinite(north)
    good[list(faults)] = False
    geometry = np.full(len(east), None, dtype=object)
    geometry[good] = shapely.points(east[good], north[good])
    return geometry, faults
