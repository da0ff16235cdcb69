"""Convex parcels cut by the lattice with arithmetic, several times as fast as an overlay for each cell.

A convex parcel meets a cell in a convex polygon: the hull of the parcel's corners in the cell, of the places where its
border crosses the lattice there, and of the cell's own corners inside the parcel.
"""

from __future__ import annotations

import numpy as np
import shapely

from app.coverage.shapes import EMPTY
from app.network.model import Bools, Floats, Geometries, Ints

#: A parcel that lacks less than this of its hull is convex but for rounding.
ROUNDING_M2 = 1e-6
CORNERS = 4


def is_convex(parcels: Geometries) -> Bools:
    """(u,) whether each parcel is one convex polygon without holes."""
    area = shapely.area(parcels)
    lacking = shapely.area(shapely.convex_hull(parcels)) - area
    return np.asarray((area > 0) & (lacking <= ROUNDING_M2))


def cut_convex(parcels: Geometries, step_m: float) -> tuple[Ints, Geometries]:
    """(p,) parcel, ascending, and (p,) polygon of what each lattice cell holds of the convex parcels (u,).

    Both cells beside a lattice line get the very same points on it. Cells that are merely touched give shapes without
    area.
    """
    owner, column, row, xy, node = _in_cells(*_points(parcels, step_m), step_m)
    first = np.ones(len(owner), dtype=bool)
    first[1:] = (np.diff(owner) != 0) | (np.diff(column) != 0) | (np.diff(row) != 0)
    cell = np.cumsum(first) - 1
    owner, west, south = owner[first], column[first] * step_m, row[first] * step_m
    whole = np.bincount(cell[node], minlength=len(owner)) == CORNERS
    pieces = np.full(len(owner), EMPTY, dtype=object)
    west, south = west[whole], south[whole]
    pieces[whole] = shapely.box(west, south, west + step_m, south + step_m)
    crossed = ~whole & (np.bincount(cell, minlength=len(owner)) > 1)
    pieces[crossed] = _hulls(xy[crossed[cell]], cell[crossed[cell]])
    return owner, pieces


def _points(parcels: Geometries, step_m: float) -> tuple[Ints, Floats, Bools]:
    """(k,) parcel and (k, 2) place of all points that pieces are made of, (k,) whether it is a node of the lattice."""
    xy, owner = shapely.get_coordinates(parcels, return_index=True)
    edge = np.flatnonzero(owner[1:] == owner[:-1])
    start, end = xy[edge], xy[edge + 1]
    crossings = [_crossings(start, end, axis, step_m) for axis in (0, 1)]
    node_owner, nodes = _nodes(parcels, step_m)
    places = np.concatenate((start, *(place for _, place in crossings), nodes))
    owners = np.concatenate((owner[edge], *(owner[edge[which]] for which, _ in crossings), node_owner))
    is_node = np.arange(len(owners)) >= len(owners) - len(node_owner)
    return owners.astype(np.int64), places, is_node


def _crossings(start: Floats, end: Floats, axis: int, step_m: float) -> tuple[Ints, Floats]:
    """(c,) edge and (c, 2) place where edges (e, 2) cross the lattice lines of one axis between their ends."""
    low, high = np.minimum(start, end)[:, axis], np.maximum(start, end)[:, axis]
    lowest = np.floor(low / step_m).astype(np.int64) + 1
    count = np.maximum(np.ceil(high / step_m).astype(np.int64) - lowest, 0)
    edge = np.repeat(np.arange(len(start)), count)
    line = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count - lowest, count)
    a, b = start[edge], end[edge]
    place = np.empty((len(edge), 2))
    place[:, axis] = line * step_m
    share = (place[:, axis] - a[:, axis]) / (b[:, axis] - a[:, axis])
    other = 1 - axis
    place[:, other] = a[:, other] + share * (b[:, other] - a[:, other])
    return edge, place


def _nodes(parcels: Geometries, step_m: float) -> tuple[Ints, Floats]:
    """(n,) parcel and (n, 2) place of the lattice's nodes in or on each parcel."""
    bounds = shapely.bounds(parcels)
    low = np.ceil(bounds[:, :2] / step_m).astype(np.int64)
    width, height = np.maximum(np.floor(bounds[:, 2:] / step_m).astype(np.int64) - low + 1, 0).T
    count = width * height
    owner = np.repeat(np.arange(len(parcels)), count)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    column = low[owner, 0] + number % width[owner]
    row = low[owner, 1] + number // width[owner]
    place = np.column_stack((column, row)) * step_m
    shapely.prepare(parcels)
    inside = shapely.intersects_xy(parcels[owner], place[:, 0], place[:, 1])
    return owner[inside], place[inside]


def _in_cells(owner: Ints, xy: Floats, node: Bools, step_m: float) -> tuple[Ints, Ints, Ints, Floats, Bools]:
    """The points (k,) with column and row of their cell, in order of cells; on a line or node they are in each cell."""
    cell = np.floor(xy / step_m).astype(np.int64)
    on_line = xy == cell * step_m
    which, shift = np.arange(len(xy)), np.zeros((len(xy), 2), dtype=np.int64)
    for axis in (0, 1):
        also = on_line[which, axis]
        moved = shift[also]
        moved[:, axis] = 1
        which, shift = np.concatenate((which, which[also])), np.concatenate((shift, moved))
    column, row = (cell[which] - shift).T
    order = np.lexsort((column, row, owner[which]))
    which = which[order]
    return owner[which], column[order], row[order], xy[which], node[which]


def _hulls(xy: Floats, cell: Ints) -> Geometries:
    """The convex hull of the points (k, 2) of each number in `cell` (k,), ascending, two points or more each."""
    if not len(xy):
        return np.empty(0, dtype=object)
    index = np.cumsum(np.concatenate(([0], np.diff(cell) != 0)))
    return np.asarray(shapely.convex_hull(shapely.linestrings(xy, indices=index)))
