"""Where further things are put: beside streets of the built-up area, along whole streets, on spare ground of plots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import shapely

from app.sample.assets import Beside
from app.sample.city import Drawing
from app.sample.draw import Bools, Floats, Ints, Shapes, part, points, polygons
from app.sample.parameters import Parameters
from app.sample.rows import NOTE, Rows, codes, days
from app.sample.streets import PROFILE, RURAL

ARTERIAL = ("trunk", "primary", "secondary", "tertiary")
LANES = ("residential", "living_street")
#: A value for all rows, or how to draw one for each: (number of rows, random) → values.
Column: TypeAlias = Any | Callable[[int, np.random.Generator], Any]


@dataclass(frozen=True)
class Ground:
    """The drawn city with the line of each of its street edges."""

    drawing: Drawing
    lines: Shapes
    parameters: Parameters

    @property
    def year(self) -> int:
        """The sample's year."""
        return self.parameters.as_of.year

    @cached_property
    def level(self) -> Bools:
        """Which edges belong to named streets on the ground of the built-up area."""
        drawing = self.drawing
        named = np.array([s.zh is not None and s.layer == 0 for s in drawing.plan.streets])
        middle = shapely.get_coordinates(shapely.line_interpolate_point(self.lines, 0.5, normalized=True))
        shapely.prepare(drawing.built)
        inside = shapely.contains_xy(drawing.built, middle[:, 0], middle[:, 1])
        return np.asarray(named[drawing.edges.label] & inside)

    def labels(self, kinds: tuple[str, ...], zones: tuple[int, ...] = ()) -> Ints:
        """Labels of streets of some kinds, those with most of their edges beside plots of `zones` first."""
        edges, streets = self.drawing.edges, self.drawing.plan.streets
        found, count = np.unique(edges.label[self.level], return_counts=True)
        keep = np.array([streets[k].kind in kinds for k in found]) & (count > 1)
        order = np.argsort(~self._in_zones(zones)[found[keep]], kind="stable") if zones else slice(None)
        return np.asarray(found[keep][order])

    def _in_zones(self, zones: tuple[int, ...]) -> Bools:
        table, streets = self.drawing.plots, self.drawing.plan.streets
        chains = table.chain[np.isin(table.zone, zones)].ravel()
        touched = np.zeros(len(streets), bool)
        touched[self.drawing.plan.net.labels()[chains]] = True
        return touched

    def line(self, label: int) -> shapely.Geometry:
        """The longest stretch of a street in one piece."""
        mine = self.level & (self.drawing.edges.label == label)
        parts = shapely.get_parts(shapely.line_merge(shapely.union_all(self.lines[mine])))
        longest: shapely.Geometry = parts[int(np.argmax(shapely.length(parts)))]
        return longest

    def beside(self, labels: Ints, count: int, out_m: float, random: np.random.Generator) -> Beside:
        """Places `out_m` inside the edge of streets, by the length of their edges, on either side."""
        edges, streets = self.drawing.edges, self.drawing.plan.streets
        rows = np.flatnonzero(self.level & np.isin(edges.label, labels))
        length = np.asarray(shapely.length(self.lines[rows]))
        row = np.sort(random.choice(rows, count, p=length / length.sum()))
        xy = self.drawing.plan.net.xy()
        start, way = xy[edges.a[row]], xy[edges.b[row]] - xy[edges.a[row]]
        along = way / np.maximum(np.linalg.norm(way, axis=1), 1e-9)[:, None]
        half = np.array([PROFILE[streets[k].kind][2] for k in edges.label[row]])
        side = (half - out_m) * random.choice([-1.0, 1.0], count)
        normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
        place = start + way * random.uniform(0.15, 0.85, count)[:, None] + normal * side[:, None]
        return Beside(place, edges.label[row], np.arange(count))

    def roads(self, label: Ints) -> list[str | None]:
        """The names of streets."""
        return [self.drawing.plan.streets[k].zh for k in label]

    def plots(self, uses: tuple[str, ...], random: np.random.Generator) -> Ints:
        """Plots of some uses in town, in random order, without those that a park takes a corner of."""
        table = self.drawing.plots
        free = np.isin(table.use, uses) & (table.zone != RURAL)
        free[self.drawing.parks.plot] = False
        return np.asarray(random.permutation(np.flatnonzero(free)))

    def spare(self, rows: Ints) -> Shapes:
        """Grounds on the spare band of plots, between their building in the south and their green in the north."""
        return polygons(part(self.drawing.plots.inner[rows], 0.1, 0.62, 0.41, 0.59))

    def district_at(self, xy: Floats) -> Ints:
        """The number of the district in which places (n, 2) lie, that of the nearest where they lie in none."""
        lattice = self.drawing.lattice
        inside = np.flatnonzero(lattice.inside)
        block = inside[shapely.STRtree(lattice.shapes[inside]).nearest(points(xy))]
        return np.asarray(self.drawing.divisions.district[block])

    def district(self, plot: Ints) -> Ints:
        """The number of the district in which plots lie."""
        return np.asarray(self.drawing.divisions.district[self.drawing.plots.block[plot]])


def fill(
    class_id: str, prefix: str, shapes: Any, columns: dict[str, Column], random: np.random.Generator
) -> Rows:
    """Rows with drawn columns; all are in service unless their columns say otherwise."""
    n = len(shapes)
    values = {"state": "in_service", "note": NOTE, **columns}
    drawn = {name: value(n, random) if callable(value) else value for name, value in values.items()}
    return Rows(class_id, np.asarray(shapes, dtype=object), codes(prefix, n), drawn)


def share(of: float) -> Column:
    """True for so many of the rows."""
    return lambda n, random: random.random(n) < of


def between(low: float, high: float, decimals: int = 1) -> Column:
    """Numbers of an interval."""
    return lambda n, random: np.round(random.uniform(low, high, n), decimals)


def whole(low: int, high: int) -> Column:
    """Whole numbers from `low` to `high`."""
    return lambda n, random: random.integers(low, high + 1, n)


def one_of(*values: Any) -> Column:
    """Any of the values."""
    return lambda n, random: [values[k] for k in random.integers(0, len(values), n)]


def dates(first: int, last: int) -> Column:
    """Days of the years from `first` to `last`."""
    return lambda n, random: days(random.integers(first, last + 1, n), random)
