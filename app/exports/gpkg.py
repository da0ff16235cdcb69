"""Writing GeoPackage: every value as it is, titles, value lists, styles for QGIS, source and licence in one file.

Rows go straight from Arrow into the pages of SQLite, and so does their index: see `sqlite_pages`.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.exports import gpkg_tables, rtree
from app.exports.arrow import without_nan
from app.exports.kinds import by_kind
from app.exports.model import ORIGIN, Changed, ExportData, ExportLayer
from app.exports.qgis_style import make_style
from app.exports.sqlite_pages import PageFile, TableWriter
from app.exports.sqlite_records import NULLS, Column, column
from app.inventory import wkb_boxes
from app.inventory.copy_binary import even_array, joined
from app.lazy import lazy_module

pa = lazy_module("pyarrow")
pc = lazy_module("pyarrow.compute")

#: GeoPackageBinary (12-128r18 §2.1.3): little-endian, a box of x and y, or none.
_BOXED, _PLAIN, _EMPTY = 0b00000011, 0b00000001, 0b00010001


@dataclass(frozen=True, slots=True)
class _Written:
    """What a layer holds: rows, the highest id, the box of all shapes."""

    count: int
    newest: int
    bounds: NDArray[np.float64]


def write_gpkg(path: Path, data: ExportData) -> Changed:
    """Write every layer of `data` to a new GeoPackage at `path`; NaN, which SQLite does not have, is left empty.

    Raises:
        OSError: The file cannot be written whole.
    """
    changed: dict[str, int] = {}
    # A style is drawn on shapes of one kind alone.
    layers = [layer for whole in data.layers for layer in by_kind(whole)]
    with _opened(path) as base:
        srs = _prepare(base, data, layers)
        roots = gpkg_tables.roots(base)
    with PageFile(path) as file:
        written = {layer.name: _write_rows(file, roots, without_nan(layer, changed), srs) for layer in layers}
    with _opened(path) as base:
        base.execute("BEGIN")
        for name, held in written.items():
            gpkg_tables.finish_layer(base, name, held.count, held.newest, held.bounds)
    return changed


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file for statements, in a transaction that they begin."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as base:
            base.execute("PRAGMA journal_mode=OFF")
            base.execute("PRAGMA synchronous=OFF")
            yield base
            base.execute("COMMIT")
    except sqlite3.Error as error:
        raise OSError(str(error)) from error


def _prepare(base: sqlite3.Connection, data: ExportData, layers: Sequence[ExportLayer]) -> int:
    """Everything but the rows; the number of the system of all layers."""
    srs = gpkg_tables.begin(base, data.crs)
    gpkg_tables.add_metadata(base, data.about)
    for layer in layers:
        gpkg_tables.add_layer(base, layer, srs, _describe(layer, data))
        gpkg_tables.add_metadata(base, _about(layer, data), layer.name)
    styles = [(layer.name, layer.title.zh, make_style(layer)) for layer in layers]
    gpkg_tables.add_styles(base, styles)
    return srs


def _write_rows(file: PageFile, roots: Mapping[str, int], layer: ExportLayer, srs: int) -> _Written:
    boxes, place, count, newest = rtree.Boxes(), layer.place("id"), 0, 0
    boxed = layer.geometry_type != "Point"
    table = TableWriter(file, roots[layer.name])
    for batch in layer.read():
        if not len(batch):
            continue
        ids = _ids(batch, place, count)
        bounds = wkb_boxes.boxes(batch.columns[-1])
        boxes.add(ids, bounds)
        shapes = _blobs(batch.columns[-1], bounds, srs, boxed=boxed)
        # The id stands before the record already.
        table.add(ids, [NULLS, shapes, *(column(_stored(values)) for values in batch.columns[:-1])])
        count, newest = count + len(batch), int(ids[-1])
    if count != len(layer):
        raise OSError(f"only {count} of {len(layer)} rows of {layer.name} were read")
    table.finish()
    bounds = boxes.bounds
    rtree.fill(file, roots, f"rtree_{layer.name}_geom", boxes)
    return _Written(count, newest, bounds)


def _ids(batch: Any, place: int | None, count: int) -> NDArray[np.int64]:
    """The ids of the features, so that they are called alike in every export; else numbers from 1 on."""
    if place is not None:
        return np.asarray(batch.columns[place], dtype=np.int64)
    return np.arange(count + 1, count + 1 + len(batch), dtype=np.int64)


def _stored(values: Any) -> Any:
    """The values as the standard has them."""
    kind = values.type
    if pa.types.is_date(kind):
        return values.cast("string")
    if pa.types.is_timestamp(kind):
        return _moments(values)
    return values


def _moments(column: Any) -> Any:
    """To the millisecond, as the standard has them; with all digits where there are more."""
    with suppress(pa.ArrowInvalid):
        column = column.cast(pa.timestamp("ms", "UTC"))
    return pc.strftime(column, "%Y-%m-%dT%H:%M:%SZ")


def _blobs(wkb: Any, bounds: NDArray[np.float64], srs: int, *, boxed: bool) -> Column:
    """The shapes as the standard has them: a head, their boxes (n, 4) where they are `boxed`, WKB."""
    count, empty = len(wkb), np.isnan(bounds[:, 0])
    heads = np.tile(
        np.frombuffer(struct.pack("<2sBBi", b"GP", 0, _BOXED if boxed else _PLAIN, srs), np.uint8), (count, 1)
    )
    if boxed and not empty.any():
        order = np.ascontiguousarray(bounds[:, [0, 2, 1, 3]], dtype="<f8")
        heads = np.hstack([heads, order.view(np.uint8).reshape(count, 32)])
    elif empty.any():
        heads[:, 3] = np.where(empty, _EMPTY, _PLAIN)
    return column(joined([even_array(heads), wkb.cast("large_binary")]))


def _about(layer: ExportLayer, data: ExportData) -> dict[str, str]:
    """What is said of the whole, with the origin of this layer's own rows instead of that of all."""
    whole = {name: value for name, value in data.about.items() if name not in ORIGIN}
    return {**whole, **layer.about}


def _describe(layer: ExportLayer, data: ExportData) -> str:
    said = [layer.title.zh, layer.title.en, data.about.get("notice"), layer.about.get("attribution")]
    return " · ".join(part for part in said if part)
