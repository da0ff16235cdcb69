"""Writing FlatGeobuf with its spatial index: the features along a Hilbert curve, of which a reader takes a part.

The features are those of `app.ogc.flatgeobuf`. They are laid beside the file as they come, then copied into it in order
(https://github.com/flatgeobuf/flatgeobuf/blob/master/src/cpp/packedrtree.h).
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from app.exports.arrow import shown
from app.exports.model import Changed, ExportData, ExportLayer
from app.exports.ogr import arrow_title
from app.inventory import wkb_boxes
from app.inventory.copy_binary import Offsets, binary
from app.inventory.streams import StreamColumn
from app.lazy import lazy_module
from app.ogc import flatgeobuf
from app.ogc.flatbuffer import Table

pa = lazy_module("pyarrow")

#: Boxes of a node of the index, and the steps of the curve along each side of the box of all.
NODE_SIZE, CURVE = 16, 2**16 - 1
_NODE = np.dtype([("box", "<f8", (4,)), ("offset", "<u8")])
#: The box of what has no place: within no other, and none grows by it.
_NOWHERE = (np.inf, np.inf, -np.inf, -np.inf)
#: Features copied at once.
_CHUNK = 5_000


def write_flatgeobuf(path: Path, data: ExportData) -> Changed:
    """Write the first layer to a FlatGeobuf with its spatial index; rows come in the order of that index.

    Raises:
        OSError: The file cannot be written whole.
    """
    (layer, *_) = data.layers
    columns = [StreamColumn(column.name, column.type, "", shown(column)) for column in layer.columns]
    beside = path.with_name(f"{path.name}.features")
    with ExitStack() as opened:
        opened.callback(beside.unlink, missing_ok=True)
        spool = opened.enter_context(beside.open("wb+"))
        ends, boxes = _spool(spool, layer, columns)
        if len(boxes) != len(layer):
            raise OSError(f"only {len(boxes)} of {len(layer)} rows of {layer.name} were read")
        extent = _extent(boxes)
        order = _along_curve(boxes, extent)
        file = opened.enter_context(path.open("wb"))
        file.write(_header(data, layer, columns, len(boxes), extent))
        if extent is not None:
            sizes = np.diff(ends)[order]
            file.write(_index(boxes[order], np.cumsum(sizes) - sizes))
        _copy(spool, file, ends, order)
    return {}


def _spool(
    spool: IO[bytes], layer: ExportLayer, columns: list[StreamColumn]
) -> tuple[Offsets, NDArray[np.float64]]:
    """Lay the features down as they come: where each ends, and its box (n, 4)."""
    sizes, boxes = [np.zeros(1, dtype=np.int64)], [np.zeros((0, 4))]
    for batch in layer.read():
        if not len(batch):
            continue
        rows = flatgeobuf.feature_array(columns, batch)
        _, offsets, data = rows.buffers()
        ends = np.frombuffer(offsets, np.int64)[: len(rows) + 1]
        spool.write(memoryview(data)[: int(ends[-1])])
        sizes.append(np.diff(ends))
        boxes.append(wkb_boxes.boxes(batch.columns[-1]))
    spool.flush()
    return np.cumsum(np.concatenate(sizes)), np.concatenate(boxes)


def _extent(boxes: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The box of all, None where nothing has a place."""
    known = boxes[~np.isnan(boxes[:, 0])]
    return np.concatenate([known[:, :2].min(axis=0), known[:, 2:].max(axis=0)]) if len(known) else None


def _along_curve(boxes: NDArray[np.float64], extent: NDArray[np.float64] | None) -> Offsets:
    """The order (n,) in which the middles of the boxes lie along the curve; what has no place comes last."""
    if extent is None:
        return np.arange(len(boxes))
    nowhere = np.isnan(boxes[:, 0])
    x, y = (_steps_along(boxes[:, i], boxes[:, i + 2], extent[i], extent[i + 2], nowhere) for i in (0, 1))
    return np.argsort(np.where(nowhere, 2**32, hilbert(x, y).astype(np.int64)), kind="stable")


def _steps_along(
    low: NDArray[np.float64], high: NDArray[np.float64], start: float, end: float, nowhere: NDArray[np.bool_]
) -> NDArray[np.uint32]:
    """The steps (n,) to the middles of boxes along one side of the box of all, from `start` to `end`."""
    middle = np.where(nowhere, start, (low + high) / 2)
    return np.asarray(CURVE * ((middle - start) / (end - start if end > start else 1)), dtype=np.uint32)


def hilbert(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.uint32]:
    """The places (n,) along the curve of order 16 of cells (n,): numbers from 0 to 65535 each.

    The curve of Butz and Lawder, four bits of both numbers at a time.
    """
    steps = _steps()
    place = state = np.zeros(len(x), dtype=np.uint32)
    for bit in (12, 8, 4, 0):
        found = steps[(state << 8) | (((x >> bit) & 15) << 4) | ((y >> bit) & 15)]
        place, state = (place << 8) | (found & 255), found >> 8
    return place


@cache
def _steps() -> NDArray[np.uint32]:
    """The way of the curve through 16 × 16 cells by how it runs there and the cell: the place, how it runs on.

    In each quarter it runs turned (x and y in each other's place) or mirrored (both from their other end) as well.
    """
    key = np.arange(4 * 256, dtype=np.uint32)
    turned: NDArray[Any] = key >> 9
    mirrored: NDArray[Any] = (key >> 8) & 1
    place: NDArray[Any] = np.zeros_like(key)
    for bit in (3, 2, 1, 0):
        x, y = ((key >> (bit + 4)) & 1) ^ mirrored, ((key >> bit) & 1) ^ mirrored
        right, upper = np.where(turned, y, x), np.where(turned, x, y)
        place = (place << 2) | ((3 * right) ^ upper)
        turned, mirrored = turned ^ 1 ^ upper, mirrored ^ (right & (1 ^ upper))
    return np.asarray(place | (mirrored << 8) | (turned << 9), dtype=np.uint32)


def _index(boxes: NDArray[np.float64], offsets: Offsets) -> bytes:
    """The packed tree over boxes (n, 4) in order; its root comes first, then level by level down to the features."""
    leaves = np.empty(len(boxes), dtype=_NODE)
    leaves["box"] = np.where(np.isnan(boxes), _NOWHERE, boxes)
    leaves["offset"] = offsets
    levels = [leaves]
    while len(levels) < 2 or len(levels[-1]) > 1:
        levels.append(_above(levels[-1]))
    # Each level stands behind all those above it: a node names its first child by its place among all nodes.
    first = 0
    for upper in reversed(levels[1:]):
        first += len(upper)
        upper["offset"] += first
    return b"".join(level.tobytes() for level in reversed(levels))


def _above(nodes: NDArray[np.void]) -> NDArray[np.void]:
    """The nodes over these; their offsets count from the first of these."""
    starts = np.arange(0, len(nodes), NODE_SIZE)
    found = np.empty(len(starts), dtype=_NODE)
    found["box"][:, :2] = np.minimum.reduceat(nodes["box"][:, :2], starts)
    found["box"][:, 2:] = np.maximum.reduceat(nodes["box"][:, 2:], starts)
    found["offset"] = starts
    return found


def _header(
    data: ExportData,
    layer: ExportLayer,
    columns: list[StreamColumn],
    count: int,
    extent: NDArray[np.float64] | None,
) -> bytes:
    said = {name: value for name, value in {**data.about, **layer.about}.items() if value}
    known = flatgeobuf.Indexed(
        count,
        () if extent is None else extent.tolist(),
        0 if extent is None else NODE_SIZE,
        said.get("attribution", ""),
        json.dumps(said, ensure_ascii=False),
    )
    return flatgeobuf.header(
        layer.name, arrow_title(layer), layer.geometry_type, columns, _crs(data.crs), known
    )


def _crs(text: str) -> Table:
    crs = CRS.from_user_input(text)
    code = crs.to_epsg()
    return flatgeobuf.crs_table(None if code is None else "EPSG", code or 0, crs.to_wkt())


def _copy(spool: IO[bytes], file: IO[bytes], ends: Offsets, order: Offsets) -> None:
    """Write the features that end at `ends` in their order."""
    if not len(order):
        return
    rows = binary(ends, np.memmap(spool, np.uint8, mode="r"))
    for start in range(0, len(order), _CHUNK):
        part = rows.take(pa.array(order[start : start + _CHUNK]))
        _, offsets, data = part.buffers()
        file.write(memoryview(data)[: int(np.frombuffer(offsets, np.int64)[len(part)])])
