"""The lattice of superblocks: arterial lines in the plan, what each superblock is, and the polygons of all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely

from app.sample.draw import Bools, Floats, Ints, Shapes, polygons
from app.sample.parameters import Parameters
from app.sample.warp import Warp, make_warp

CELL_M = 120.0


@dataclass(frozen=True)
class Lattice:
    """Superblocks in rows (S → N) and columns (W → E): k = row · columns + column.

    `u` (columns + 1,) and `v` (rows + 1,) are the lines in lattice metres; `fine` (·, ·, 2) the metric points of the
    cell lattice that all areas are made of; `u_at`, `v_at` where in it the lines lie.
    """

    u: Floats
    v: Floats
    u_at: Ints
    v_at: Ints
    fine: Floats
    warp: Warp
    inside: Bools
    river: Bools
    canal: Bools
    shapes: Shapes
    area_m2: Floats
    centre: Floats

    @property
    def columns(self) -> int:
        """The number of columns."""
        return len(self.u) - 1

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.v) - 1

    @property
    def water(self) -> Bools:
        """Which superblocks are water."""
        return np.asarray(self.river | self.canal)

    def holds(self, row: int, column: int) -> bool:
        """Whether the city has a superblock in this row and column."""
        known = 0 <= row < self.rows and 0 <= column < self.columns
        return known and bool(self.inside[row * self.columns + column])

    def rectangle(self, k: int) -> tuple[float, float, float, float]:
        """u0, v0, u1, v1 of superblock k in lattice metres."""
        row, column = divmod(k, self.columns)
        return self.u[column], self.v[row], self.u[column + 1], self.v[row + 1]

    def neighbours(self) -> tuple[Ints, Ints, Floats]:
        """Pairs (a, b) of superblocks side by side and the length of their common side in lattice metres."""
        k = np.arange(self.rows * self.columns).reshape(self.rows, self.columns)
        tall = np.repeat(np.diff(self.v)[:, None], self.columns - 1, axis=1)
        wide = np.repeat(np.diff(self.u)[None, :], self.rows - 1, axis=0)
        a = np.concatenate([k[:, :-1].ravel(), k[:-1].ravel()])
        b = np.concatenate([k[:, 1:].ravel(), k[1:].ravel()])
        return a, b, np.concatenate([tall.ravel(), wide.ravel()])


def make_lattice(parameters: Parameters, origin: tuple[float, float], scale: float = 1.0) -> Lattice:
    """The lattice round `origin` (metric), all lengths times `scale`."""
    u = _lines(parameters["columns_m"], parameters["river"].get("middle", 0))
    v = _lines(parameters["rows_m"], None)
    reach = float(max(-u[0], u[-1], -v[0], v[-1]))
    warp = make_warp(parameters.values, origin, reach, scale)
    u_fine, u_at = _fine(u)
    v_fine, v_at = _fine(v)
    fine = warp(np.stack(np.meshgrid(u_fine, v_fine), axis=-1))
    rings = [
        _ring(fine, u_at, v_at, row, column) for row in range(len(v) - 1) for column in range(len(u) - 1)
    ]
    shapes = np.array([shapely.Polygon(ring) for ring in rings], dtype=object)
    river, canal = _water(parameters, len(v) - 1, len(u) - 1)
    lattice = Lattice(
        u,
        v,
        u_at,
        v_at,
        fine,
        warp,
        np.ones(len(shapes), bool),
        river,
        canal,
        shapes,
        shapely.area(shapes),
        shapely.get_coordinates(shapely.centroid(shapes)),
    )
    return replace(lattice, inside=_inside(lattice, parameters))


def _lines(widths: list[float], zero_at: int | None) -> Floats:
    lines = np.concatenate([[0.0], np.cumsum(np.asarray(widths, dtype=float))])
    return np.asarray(lines - (lines[zero_at] if zero_at is not None else lines[-1] / 2))


def _fine(lines: Floats) -> tuple[Floats, Ints]:
    counts = np.maximum(1, np.round(np.diff(lines) / CELL_M)).astype(np.int64)
    steps = [a + (b - a) * np.arange(n) / n for a, b, n in zip(lines[:-1], lines[1:], counts, strict=True)]
    return np.concatenate([*steps, lines[-1:]]), np.concatenate([[0], np.cumsum(counts)])


def _ring(fine: Floats, u_at: Ints, v_at: Ints, row: int, column: int) -> Floats:
    w, e, s, n = u_at[column], u_at[column + 1], v_at[row], v_at[row + 1]
    return np.concatenate([fine[s, w:e], fine[s:n, e], fine[n, e:w:-1], fine[n:s:-1, w], fine[s : s + 1, w]])


def _water(parameters: Parameters, rows: int, columns: int) -> tuple[Bools, Bools]:
    river = np.zeros((rows, columns), bool)
    river[:, parameters["river"]["columns"]] = True
    canal = np.zeros((rows, columns), bool)
    canal[parameters["canals"]["rows"], :] = True
    for column, first, last in parameters["canals"]["columns"]:
        canal[first:last, column] = True
    return river.ravel(), (canal & ~river).ravel()


def _inside(lattice: Lattice, parameters: Parameters) -> Bools:
    """The city's outline: an ellipse with a ragged edge; thin water columns and rows follow the land beside them."""
    outline = parameters["outline"]
    centre = lattice.centre - np.asarray(lattice.warp.origin)
    ragged = parameters.rng("outline").normal(0, outline["ragged"], len(centre))
    x, y = centre[:, 0] / outline["east_m"], centre[:, 1] / outline["north_m"]
    inside = (x * x + y * y + ragged < 1).reshape(lattice.rows, lattice.columns)
    water = lattice.water.reshape(inside.shape)
    land = inside & ~water
    upright = lattice.river.reshape(inside.shape) | _upright(parameters, inside.shape)
    for _ in range(2):
        land = land | (water & upright & (_moved(land, 1, 1) | _moved(land, 1, -1)))
        land = land | (water & ~upright & (_moved(land, 0, 1) | _moved(land, 0, -1)))
    return _largest(land).ravel()


def _upright(parameters: Parameters, shape: tuple[int, ...]) -> Bools:
    mask = np.zeros(shape, bool)
    for column, first, last in parameters["canals"]["columns"]:
        mask[first:last, column] = True
    return mask


def _moved(mask: Bools, axis: int, step: int) -> Bools:
    """`mask` moved by one place, nothing coming in at the edge."""
    moved = np.roll(mask, step, axis=axis)
    edge: list[slice | int] = [slice(None), slice(None)]
    edge[axis] = 0 if step > 0 else -1
    moved[tuple(edge)] = False
    return moved


def _largest(mask: Bools) -> Bools:
    """The connected part of `mask` that holds its middle member."""
    seen = np.zeros(mask.shape, bool)
    seen[np.unravel_index(np.argmax(mask.cumsum() >= mask.sum() // 2), mask.shape)] = True
    while True:
        grown = seen.copy()
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            grown |= _moved(seen, axis, step)
        grown &= mask
        if (grown == seen).all():
            return seen
        seen = grown


def cells(lattice: Lattice, wanted: Bools) -> tuple[Shapes, Ints, Ints, Ints]:
    """Cells of the wanted superblocks: polygons, superblock, row (from the north) and column in the cell lattice."""
    fine = lattice.fine
    corners = np.stack([fine[:-1, :-1], fine[:-1, 1:], fine[1:, 1:], fine[1:, :-1]], axis=2)
    row, column = np.divmod(np.arange(corners.shape[0] * corners.shape[1]), corners.shape[1])
    block = (np.searchsorted(lattice.v_at, row, "right") - 1) * lattice.columns
    block += np.searchsorted(lattice.u_at, column, "right") - 1
    keep = wanted[block]
    quads = corners.reshape(-1, 4, 2)[keep]
    return polygons(quads), block[keep], corners.shape[0] - 1 - row[keep], column[keep]
