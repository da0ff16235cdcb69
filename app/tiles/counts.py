"""How many features of a layer meet any tile, and the clusters that stand for them, by a grid of their boxes. Pure.

Places are whole numbers: 2³² units on the side of the world square of EPSG:3857, from its north-west corner. Sums of
them are exact whatever the order, so that a grid brought up to date equals one made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.maps.squares import MAX_LAT
from app.tiles.matrix import EXTENT, Tile

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
#: Rows and columns of a grid, from and before.
Span = tuple[tuple[int, int], tuple[int, int]]
#: Bits of a place on each side, and of the finest grid: cells of some 500 m, tiles of zoom 16.
BITS, FINEST = 32, 16
#: Cells of a grid at most; beyond, its cells are larger.
CELLS = 262_144
#: Clusters on each side of a tile, as a power of two: 8.
ACROSS_BITS = 3


@dataclass(frozen=True, slots=True)
class Boxes:
    """n features: `corners` (4, n) left, top, right, bottom of their boxes, `centre` (2, n), `kind` and `zoom` (n,).

    `kind` is a number for each kind, 0 where it is unknown; `zoom` that from which on a feature is drawn.
    """

    corners: Ints
    centre: Ints
    kind: Ints
    zoom: Ints

    def __len__(self) -> int:
        """The number of features."""
        return len(self.kind)


def boxes(lonlat: Floats, kind: Ints, zoom: Ints) -> Boxes:
    """From west, south, east, north (4, n) in degrees; what lies beyond the world square is left out."""
    met = (lonlat[1] <= MAX_LAT) & (lonlat[3] >= -MAX_LAT)
    if not met.all():
        lonlat, kind, zoom = lonlat[:, met], kind[met], zoom[met]
    west, south, east, north = lonlat
    corners = np.stack((_across(west), _down(north), _across(east), _down(south)))
    centre = np.stack((_across((west + east) / 2), _down((south + north) / 2)))
    return Boxes(corners, centre, kind, zoom)


def _across(lon: Floats) -> Ints:
    return _held((lon + 180) / 360)


def _down(lat: Floats) -> Ints:
    held = np.radians(np.clip(lat, -MAX_LAT, MAX_LAT))
    return _held(0.5 - np.log(np.tan(np.pi / 4 + held / 2)) / (2 * np.pi))


def _held(share: Floats) -> Ints:
    return np.clip(np.floor(share * 2.0**BITS), 0, 2.0**BITS - 1).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Cluster:
    """`count` features at their mean place `x`, `y` in units of the tile's grid, of one `kind` or of several (None)."""

    count: int
    x: int
    y: int
    kind: int | None


@dataclass(frozen=True, slots=True)
class Sums:
    """By cell (h, w): features, sums of their kinds, of the squares of these, of their centres across and down."""

    count: Ints
    kinds: Ints
    squares: Ints
    across: Ints
    down: Ints

    def clusters(self, tile: Tile) -> list[Cluster]:
        """A cluster for each cell that holds anything, row by row."""
        side = 1 << (BITS - tile.z)
        rows, cols = np.nonzero(self.count)
        found = []
        for cell in zip(rows, cols, strict=True):
            n, k = int(self.count[cell]), int(self.kinds[cell])
            # All n kinds are one, and known, where n Σk² = (Σk)².
            same = k > 0 and n * int(self.squares[cell]) == k * k
            x, y = (
                ((int(total[cell]) - n * start) * 2 * EXTENT + n * side) // (2 * n * side)
                for total, start in ((self.across, tile.col * side), (self.down, tile.row * side))
            )
            found.append(Cluster(n, x, y, k // n if same else None))
        return found


@dataclass(frozen=True, slots=True)
class Grid:
    """A layer's features on cells of zoom `level`, the first of them in `row`, `col`.

    `before[i, j]` (h + 1, w + 1) is how many boxes have their left (i = 0) or right (1) end in a column before, and
    their top (j = 0) or bottom (1) in a row before. `zooms` (25,) is how many are drawn from each zoom on.
    """

    level: int
    row: int
    col: int
    before: NDArray[np.int32]
    sums: Sums
    zooms: Ints

    @property
    def total(self) -> int:
        """All features."""
        return int(self.zooms.sum())

    @property
    def least_zoom(self) -> int | None:
        """The zoom from which on any feature is drawn; None where there are none."""
        held = np.flatnonzero(self.zooms)
        return int(held[0]) if len(held) else None

    @property
    def nbytes(self) -> int:
        """The memory that it takes."""
        return int(self.before.nbytes) + 5 * int(self.sums.count.nbytes)

    def matched(self, tile: Tile) -> int | None:
        """The features whose box meets a tile; None where the tile is smaller than a cell."""
        if tile.z > self.level:
            return None
        return self._met(self._span(tile))

    def is_near(self, tile: Tile) -> bool:
        """Whether any box may meet a tile or the edge around it, which is less than a cell wide."""
        return self._met(self._span(tile, around=1)) > 0

    def _met(self, span: Span) -> int:
        # Not right of it before the tile, nor left of it behind, and so for rows: by inclusion and exclusion.
        (north, south), (west, east) = span
        (p00, p01), (p10, p11) = self.before
        return int(p00[south, east] - p10[south, west] - p01[north, east] + p11[north, west])

    def _span(self, tile: Tile, around: int = 0) -> Span:
        """The rows and columns of the grid, from and before, that a tile lies in, and so many more on each side."""
        finer, coarser = max(self.level - tile.z, 0), max(tile.z - self.level, 0)
        rows, cols = (
            (
                min(max((at << finer >> coarser) - around - start, 0), size),
                min(max((at << finer >> coarser) + (1 << finer) + around - start, 0), size),
            )
            for at, start, size in zip(
                (tile.row, tile.col), (self.row, self.col), self.sums.count.shape, strict=True
            )
        )
        return rows, cols

    def clusters(self, tile: Tile) -> list[Cluster]:
        """What stands for the features whose box has its centre in the tile: at most 64 points."""
        step = 1 << max(self.level - tile.z - ACROSS_BITS, 0)
        (north, south), (west, east) = self._span(tile)
        if north == south or west == east:
            return []
        rows, cols = _starts(north, south, self.row, step), _starts(west, east, self.col, step)

        def summed(cells: Ints) -> Ints:
            part = cells[north:south, west:east]
            return np.add.reduceat(np.add.reduceat(part, rows, axis=0), cols, axis=1)

        sums = self.sums
        return Sums(*map(summed, (sums.count, sums.kinds, sums.squares, sums.across, sums.down))).clusters(
            tile
        )

    def fits(self, found: Boxes) -> bool:
        """Whether all boxes lie on the grid."""
        height, width = self.sums.count.shape
        cells = found.corners >> (BITS - self.level)
        inside = (cells[::2] >= self.col) & (cells[::2] < self.col + width)
        return bool(inside.all() and ((cells[1::2] >= self.row) & (cells[1::2] < self.row + height)).all())

    def changed(self, added: Boxes, removed: Boxes) -> Grid:
        """The grid with features added and others taken away; all of them lie on it."""
        more, less = (_filled(self, found) for found in (added, removed))
        sums = (
            old + new - gone
            for old, new, gone in zip(*(_arrays(grid.sums) for grid in (self, more, less)), strict=True)
        )
        return replace(
            self,
            before=self.before + more.before - less.before,
            sums=Sums(*sums),
            zooms=self.zooms + more.zooms - less.zooms,
        )


def _arrays(sums: Sums) -> Sequence[Ints]:
    return sums.count, sums.kinds, sums.squares, sums.across, sums.down


def _starts(first: int, end: int, offset: int, step: int) -> Ints:
    """Where blocks of `step` cells, aligned in the world, begin in a stretch of the grid."""
    aligned = np.arange((first + offset) // step * step, end + offset, step) - offset - first
    return np.maximum(aligned, 0)


def make_grid(found: Boxes) -> Grid:
    """The grid of some features: as fine as FINEST where it has no more than CELLS, with room around for more."""
    corners = found.corners if len(found) else np.zeros((4, 1), np.int64)
    ends = int(corners[0].min()), int(corners[1].min()), int(corners[2].max()), int(corners[3].max())
    for level in range(FINEST, -1, -1):
        col, row, last_col, last_row = (end >> (BITS - level) for end in ends)
        width, height = last_col - col + 1, last_row - row + 1
        if (width + 2) * (height + 2) <= CELLS:
            break
    # One cell more on each side, so that a feature added at the edge finds room.
    side = 1 << level
    col, row = max(col - 1, 0), max(row - 1, 0)
    width, height = min(last_col + 2, side) - col, min(last_row + 2, side) - row
    cells = np.zeros((height, width), np.int64)
    empty = Grid(
        level,
        row,
        col,
        np.zeros((2, 2, height + 1, width + 1), np.int32),
        Sums(cells, cells, cells, cells, cells),
        np.zeros(25, np.int64),
    )
    return _filled(empty, found)


def _filled(like: Grid, found: Boxes) -> Grid:
    """A grid of the same cells that holds other features."""
    height, width = like.sums.count.shape
    shift = BITS - like.level
    left, top, right, bottom = (
        (ends >> shift) - start
        for ends, start in zip(found.corners, (like.col, like.row, like.col, like.row), strict=True)
    )
    before = np.zeros_like(like.before)
    for i, cols in enumerate((left, right)):
        for j, rows in enumerate((top, bottom)):
            cells = np.bincount(rows * width + cols, minlength=height * width).reshape(height, width)
            before[i, j, 1:, 1:] = cells.cumsum(axis=0).cumsum(axis=1)
    across, down = found.centre
    place = ((down >> shift) - like.row) * width + (across >> shift) - like.col
    sums = summed(place, found, (height, width))
    zooms = np.bincount(np.clip(found.zoom, 0, 24), minlength=25)
    return replace(like, before=before, sums=sums, zooms=zooms.astype(np.int64))


def summed(place: Ints, found: Boxes, shape: tuple[int, int]) -> Sums:
    """The sums over features by the cell of each, numbered row by row."""
    size = shape[0] * shape[1]
    across, down = found.centre

    def total(values: Ints | None = None) -> Ints:
        if values is None:
            return np.bincount(place, minlength=size).reshape(shape)
        # Weights are summed as doubles, exact below 2⁵³: so halves of the bits each by itself.
        low, high = (
            np.bincount(place, weights=part, minlength=size).astype(np.int64)
            for part in (values & 0xFFFF, values >> 16)
        )
        return ((high << 16) + low).reshape(shape)

    return Sums(total(), total(found.kind), total(found.kind**2), total(across), total(down))


def tile_clusters(found: Boxes, tile: Tile) -> list[Cluster]:
    """The same clusters from the features themselves, where the grid is too coarse for the tile."""
    bits = BITS - tile.z
    across, down = found.centre
    inside = ((across >> bits) == tile.col) & ((down >> bits) == tile.row)
    held = Boxes(found.corners[:, inside], found.centre[:, inside], found.kind[inside], found.zoom[inside])
    shift, mask = bits - ACROSS_BITS, (1 << ACROSS_BITS) - 1
    place = ((held.centre[1] >> shift & mask) << ACROSS_BITS) + (held.centre[0] >> shift & mask)
    return summed(place, held, (mask + 1, mask + 1)).clusters(tile)
