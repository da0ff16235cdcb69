"""Parquet: GeoParquet with its CRS, as WKB or native arrays of coordinates; without places a plain table."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.errors import UnreadableFile
from app.ingest.files import SourceFile
from app.ingest.layer import CHUNK_ROWS, Ask, Layer
from app.ingest.readers.ogr import values_of
from app.ingest.readers.select import chosen
from app.ingest.readers.wkb import DAMAGED, drop_m, shapes
from app.lazy import lazy_module

pyarrow = lazy_module("pyarrow")

HINT = "Write it again, for example with QGIS or geopandas."
#: Native encodings of GeoParquet 1.1, and how deep their lists nest above the coordinates.
NATIVE = {"point": 0, "linestring": 1, "polygon": 2, "multipoint": 1, "multilinestring": 2, "multipolygon": 3}
_TYPES = {name: shapely.GeometryType[name.upper()] for name in NATIVE}
#: A CRS that the file does not name is lon/lat by the standard.
DEFAULT_CRS = "EPSG:4326"


@dataclass(frozen=True, slots=True)
class Place:
    """The geometry column: its name, encoding (`wkb` or one of NATIVE) and CRS; `notes` say how it was found."""

    column: str
    encoding: str
    crs: str | None
    notes: tuple[str, ...] = ()


@cache
def _library() -> Any:
    """A second of loading that most commands do not need."""
    return importlib.import_module("pyarrow.parquet")


def read(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """The table in chunks; rows are numbered from 1.

    Raises:
        UnreadableFile: The file is damaged, or its geometry is in an encoding that is not known.
    """
    name = file.path.name.split(".")[0]
    chosen(file, ask, [name])
    with _damage(file):
        source = _library().ParquetFile(file.path)
    with source:
        place = _place(file, source.schema_arrow)
        first = 1
        batches = _batches(source)
        while True:
            with _damage(file):
                batch = next(batches, None)
                if batch is None:
                    return
                layer = _layer(name, batch, place, first)
            yield layer
            first += len(layer.rows)


@contextmanager
def _damage(file: SourceFile) -> Iterator[None]:
    """Raises: UnreadableFile: The library gives up within."""
    try:
        yield
    except (pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
        raise UnreadableFile(f"'{file.name}' is a damaged Parquet file.", HINT) from error


def _batches(source: Any) -> Iterator[Any]:
    """Batches of rows; an empty one where the table is empty."""
    if not source.metadata.num_rows:
        yield pyarrow.RecordBatch.from_pylist([], schema=source.schema_arrow)
    for batch in source.iter_batches(batch_size=CHUNK_ROWS):
        # Offsets and text within it come from the file: they are checked before they are followed.
        batch.validate(full=True)
        yield batch


def _place(file: SourceFile, schema: Any) -> Place | None:
    """The geometry column as the file's `geo` metadata tells it, or a column that Arrow knows as geometry."""
    raw = (schema.metadata or {}).get(b"geo")
    if raw is None:
        return _extension(schema)
    try:
        geo = json.loads(raw)
        column = geo.get("primary_column") or next(iter(geo["columns"]))
        about = geo["columns"][column]
        encoding = str(about.get("encoding", "WKB")).lower()
    except (ValueError, KeyError, AttributeError, StopIteration, TypeError) as error:
        raise UnreadableFile(f"'{file.name}' has damaged GeoParquet metadata.", HINT) from error
    if column not in schema.names or (encoding != "wkb" and encoding not in NATIVE):
        raise UnreadableFile(
            f"'{file.name}' has no geometry column '{column}' in a known encoding ({encoding[:40]}).", HINT
        )
    others = [name for name in geo["columns"] if name != column and name in schema.names]
    notes = tuple(f"the further geometry column '{name}' was left out" for name in others)
    if "crs" not in about:
        return Place(
            str(column),
            encoding,
            DEFAULT_CRS,
            ("CRS: lon/lat, as GeoParquet says where none is named", *notes),
        )
    return Place(str(column), encoding, _crs(about["crs"]), ("CRS: from its GeoParquet metadata", *notes))


def _extension(schema: Any) -> Place | None:
    for field in schema:
        about = field.metadata or {}
        kind = about.get(b"ARROW:extension:name", b"").decode().removeprefix("geoarrow.")
        if kind == "wkb" or kind in NATIVE:
            said = json.loads(about.get(b"ARROW:extension:metadata") or b"{}")
            return Place(field.name, kind, _crs(said.get("crs")), ("CRS: from its GeoArrow column",))
    return None


def _crs(said: Any) -> str | None:
    """`AUTHORITY:CODE` of PROJJSON where it has one, else the PROJJSON itself; None: not known."""
    if isinstance(said, str):
        return said or None
    if not isinstance(said, dict):
        return None
    named = said.get("id")
    if isinstance(named, dict) and named.get("code"):
        text = f"{named.get('authority', 'EPSG')}:{named['code']}"
        return DEFAULT_CRS if text.upper() == "OGC:CRS84" else text
    return json.dumps(said)


def _layer(name: str, batch: Any, place: Place | None, first: int) -> Layer:
    rows = list(range(first, first + batch.num_rows))
    left_out = {place.column} if place else set()
    columns = {
        field.name: values_of(batch.column(i))
        for i, field in enumerate(batch.schema)
        if field.name not in left_out
    }
    columns.pop("bbox", None) if place and _is_box(batch) else None
    if place is None:
        nowhere = np.full(len(rows), None, dtype=object)
        return Layer(name, rows, nowhere, columns, None, spatial=False, encoding="UTF-8", alone=True)
    geometry, faults, notes = _geometry(
        batch.column(batch.schema.get_field_index(place.column)), place.encoding
    )
    return Layer(
        name, rows, geometry, columns, place.crs, faults, encoding="UTF-8", notes=(*place.notes, *notes), alone=True
    )  # fmt: skip


def _is_box(batch: Any) -> bool:
    """Whether `bbox` is the covering of GeoParquet 1.1, which says nothing that the geometry does not."""
    at = batch.schema.get_field_index("bbox")
    return at >= 0 and bool(pyarrow.types.is_struct(batch.schema.field(at).type))


def _geometry(array: Any, encoding: str) -> tuple[NDArray[np.object_], dict[int, str], tuple[str, ...]]:
    if isinstance(array, pyarrow.ExtensionArray):
        array = array.storage
    if encoding == "wkb":
        found = shapes(array.to_pylist())
        return found.geometry, found.faults, found.notes
    geometry = np.full(len(array), None, dtype=object)
    valid = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False))
    faults: dict[int, str] = {}
    try:
        geometry[valid] = _native(array.take(pyarrow.array(valid)), encoding)
    except (ValueError, shapely.errors.GEOSException):
        for i in valid.tolist():
            try:
                geometry[i] = _native(array.slice(i, 1), encoding)[0]
            except (ValueError, shapely.errors.GEOSException):
                faults[i] = DAMAGED
    geometry, measured = drop_m(geometry)
    return geometry, faults, ("M values were dropped",) if measured else ()


def _native(array: Any, encoding: str) -> NDArray[np.object_]:
    """Geometries of lists, nested as deep as the type wants, of coordinates."""
    offsets: list[NDArray[np.int64]] = []
    for _ in range(NATIVE[encoding]):
        starts = array.offsets.to_numpy(zero_copy_only=False).astype(np.int64)
        offsets.append(starts - starts[0])
        array = array.flatten()
    # shapely wants the innermost lists first.
    levels = tuple(reversed(offsets)) or None
    return np.asarray(shapely.from_ragged_array(_TYPES[encoding], _coordinates(array), levels), dtype=object)


def _coordinates(array: Any) -> NDArray[np.float64]:
    """(n, 2 or 3) from a struct of x, y (and z), or a list of fixed length."""
    if pyarrow.types.is_struct(array.type):
        names = [name for name in ("x", "y", "z") if array.type.get_field_index(name) >= 0]
        parts = [array.field(name).to_numpy(zero_copy_only=False) for name in names]
        return np.stack(parts, axis=1).astype(np.float64)
    size = array.type.list_size
    values = array.flatten().to_numpy(zero_copy_only=False).astype(np.float64).reshape(-1, size)
    return np.ascontiguousarray(values[:, :3])
