"""A spatial index of SQLite, packed at once instead of grown box by box.

The nodes are those of https://www.sqlite.org/rtree.html §6 (shadow tables), sorted by Leutenegger's STR. Pure.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

#: Cells of a node, and its bytes: 4 of a head, then 24 a cell (an id, four coordinates).
CELLS = 51
NODE_BYTES = 4 + 24 * CELLS
_CELL = np.dtype([("id", ">i8"), ("box", ">f4", (4,))])


class Boxes:
    """Ids and boxes as they come, in as few bytes as the index holds of them."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.void]] = []
        self.bounds = np.array([np.inf, np.inf, -np.inf, -np.inf])

    def add(self, ids: NDArray[np.int64], bounds: NDArray[np.float64]) -> None:
        """Ids (n,) and minx, miny, maxx, maxy (n, 4); those without a place are left out."""
        known = ~np.isnan(bounds[:, 0])
        ids, bounds = ids[known], bounds[known]
        if not len(ids):
            return
        part = np.empty(len(ids), dtype=_CELL)
        part["id"] = ids
        part["box"][:, 0::2] = _below(bounds[:, :2])
        part["box"][:, 1::2] = -_below(-bounds[:, 2:])
        self._parts.append(part)
        self.bounds = np.concatenate(
            [
                np.minimum(self.bounds[:2], bounds[:, :2].min(axis=0)),
                np.maximum(self.bounds[2:], bounds[:, 2:].max(axis=0)),
            ]
        )

    def cells(self) -> NDArray[np.void]:
        """All of them, ready to be packed."""
        found = np.empty(sum(map(len, self._parts)), dtype=_CELL)
        if self._parts:
            # With its own dtype: the bytes of numbers would be turned round.
            np.concatenate(self._parts, out=found)
        self._parts = []
        return found


def _below(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest numbers of 32 bits that are not above these."""
    near = values.astype(np.float32)
    return np.where(near.astype(np.float64) > values, np.nextafter(near, np.float32(-np.inf)), near)


def fill(base: sqlite3.Connection, name: str, boxes: Boxes) -> None:
    """Put boxes into a new, empty index."""
    levels = _pack(boxes.cells())
    if not levels:
        return
    # The root is node 1; the others follow it level by level, the leaves last.
    first = 1
    for depth, cells in enumerate(reversed(levels)):
        height = len(levels) - 1 - depth
        nodes = -(-len(cells) // CELLS)
        if height:
            cells["id"] += first + nodes
        base.executemany(
            f'INSERT OR REPLACE INTO "{name}_node" VALUES (?, ?)',
            enumerate(_blobs(cells, height if first == 1 else 0), first),
        )
        owners = first + np.arange(len(cells)) // CELLS
        order = np.argsort(cells["id"], kind="stable")
        pairs = zip(cells["id"][order].tolist(), owners[order].tolist(), strict=True)
        base.executemany(f'INSERT INTO "{name}_{"parent" if height else "rowid"}" VALUES (?, ?)', pairs)
        first += nodes


def _pack(cells: NDArray[np.void]) -> list[NDArray[np.void]]:
    """The cells of each level in the order in which they fill its nodes, the leaves first, the root's own last."""
    levels = []
    while len(cells):
        cells = _sorted(cells)
        levels.append(cells)
        if len(cells) <= CELLS:
            break
        cells = _around(cells)
    return levels


def _sorted(cells: NDArray[np.void]) -> NDArray[np.void]:
    """In vertical strips of whole nodes from west to east, within each from south to north."""
    x, y = (cells["box"][:, i] + cells["box"][:, i + 1] for i in (0, 2))
    order = np.argsort(x, kind="stable")
    strip_cells = CELLS * math.ceil(math.sqrt(len(cells) / CELLS))
    strip = np.arange(len(cells)) // strip_cells
    return cells[order[np.lexsort((y[order], strip))]]


def _around(cells: NDArray[np.void]) -> NDArray[np.void]:
    """The boxes of the nodes that these cells fill, numbered from 0 in their order."""
    starts = np.arange(0, len(cells), CELLS)
    found = np.empty(len(starts), dtype=_CELL)
    found["id"] = np.arange(len(starts))
    low, high = cells["box"][:, 0::2].astype("<f4"), cells["box"][:, 1::2].astype("<f4")
    found["box"][:, 0::2] = np.minimum.reduceat(low, starts)
    found["box"][:, 1::2] = np.maximum.reduceat(high, starts)
    return found


def _blobs(cells: NDArray[np.void], height: int) -> Iterator[bytes]:
    for start in range(0, len(cells), CELLS):
        part = cells[start : start + CELLS]
        head = height.to_bytes(2, "big") + len(part).to_bytes(2, "big")
        yield (head + part.tobytes()).ljust(NODE_BYTES, b"\0")
