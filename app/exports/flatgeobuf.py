"""Writing FlatGeobuf with its spatial index: the features along a Hilbert curve, of which a reader takes a part.

The features are those of `app.ogc.flatgeobuf`. They are laid beside the file as they come, then copied into it in order
(https://github.com/flatgeobuf/flatgeobuf/blob/master/src/cpp/packedrtree.h).
"""

from __future__ import annotations

import json
from contextlib import ExitStack
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
        order = _along_curve(boxes)
        file = opened.enter_context(path.open("wb"))
        file.write(_header(data, layer, columns, boxes))
        if len(boxes) and _extent(boxes) is not None:
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


def _along_curve(boxes: NDArray[np.float64]) -> Offsets:
    """The order (n,) in which the middles of the boxes lie along the curve; what has no place comes last."""
    extent = _extent(boxes)
    if extent is None:
        return np.arange(len(boxes))
    side = np.where(extent[2:] > extent[:2], extent[2:] - extent[:2], 1)
    nowhere = np.isnan(boxes[:, 0])
    middle = np.where(nowhere[:, np.newaxis], extent[:2], (boxes[:, :2] + boxes[:, 2:]) / 2)
    steps = (CURVE * ((middle - extent[:2]) / side)).astype(np.uint32)
    return np.lexsort((hilbert(steps[:, 0], steps[:, 1]), nowhere))


def hilbert(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.uint32]:
    """The places (n,) along the curve of order 16 of cells (n,): numbers from 0 to 65535 each.

    The curve of Butz and Lawder, a bit of both numbers at a time: in each quarter it runs turned or mirrored.
    """
    place: NDArray[Any] = np.zeros(len(x), dtype=np.uint32)
    for bit in range(15, -1, -1):
        right, upper = (x >> bit) & 1, (y >> bit) & 1
        place = (place << 2) | ((3 * right) ^ upper)
        mirrored, turned = (upper == 0) & (right == 1), upper == 0
        x, y = np.where(mirrored, CURVE - x, x), np.where(mirrored, CURVE - y, y)
        x, y = np.where(turned, y, x), np.where(turned, x, y)
    return place


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
    data: ExportData, layer: ExportLayer, columns: list[StreamColumn], boxes: NDArray[np.float64]
) -> bytes:
    said = {name: value for name, value in {**data.about, **layer.about}.items() if value}
    extent = _extent(boxes)
    known = flatgeobuf.Indexed(
        len(boxes),
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
