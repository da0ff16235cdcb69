"""A spatial index of SQLite, packed at once instead of grown box by box.

The nodes are those of https://www.sqlite.org/rtree.html §6 (shadow tables), sorted by Leutenegger's STR. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from app.exports.sqlite_pages import PageFile, TableWriter
from app.exports.sqlite_records import NULLS, Column, column
from app.inventory.copy_binary import even_array
from app.lazy import lazy_module

pa = lazy_module("pyarrow")

#: Cells of a node, which has 4 bytes of a head, then 24 a cell: an id, four coordinates.
CELLS = 51
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


def fill(file: PageFile, roots: Mapping[str, int], name: str, boxes: Boxes) -> None:
    """Put boxes into a new, empty index; `roots` tells the page at which each table of the file begins."""
    levels = _pack(boxes.cells())
    tables = {part: TableWriter(file, roots[f"{name}_{part}"]) for part in ("node", "parent", "rowid")}
    # The root is node 1; the others follow it level by level, the leaves last.
    first = 1
    for depth, cells in enumerate(reversed(levels)):
        height = len(levels) - 1 - depth
        nodes = -(-len(cells) // CELLS)
        if height:
            cells["id"] += first + nodes
        tables["node"].add(first + np.arange(nodes), [NULLS, _nodes(cells, height if first == 1 else 0)])
        owners = first + np.arange(len(cells)) // CELLS
        order = np.argsort(cells["id"], kind="stable")
        ids = cells["id"][order].astype(np.int64)
        tables["parent" if height else "rowid"].add(ids, [NULLS, column(pa.array(owners[order]))])
        first += nodes
    for table in tables.values():
        table.finish()


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


def _nodes(cells: NDArray[np.void], height: int) -> Column:
    """The nodes that the cells fill, as bytes."""
    count = -(-len(cells) // CELLS)
    filled = np.zeros(count * CELLS, dtype=_CELL)
    filled[: len(cells)] = cells
    heads = np.full((count, 2), CELLS, dtype=">u2")
    heads[:, 0] = height
    heads[-1, 1] = len(cells) - (count - 1) * CELLS
    parts = [heads.view(np.uint8).reshape(count, -1), filled.view(np.uint8).reshape(count, -1)]
    return column(even_array(np.hstack(parts)))
