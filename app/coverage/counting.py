"""Sums of features for the whole and for each area: counts by home, areas and lengths cut at borders.

Arrays in metres in, arrays out. Areas may be of one level or of several (see `Areas`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from app.coverage.lattice import dissolve_overlaps
from app.coverage.measure import clip_to_frame, cut_by_areas, inside_frame
from app.coverage.model import Areas, Bools, Floats, Ints, Objects
from app.parallel import by_rows


@dataclass(frozen=True, slots=True)
class Sums:
    """What was added up: `whole`, and `areas` (k,) of each area; `unknown` features had no value to add."""

    whole: float
    areas: Floats
    unknown: int = 0

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(self.whole + other.whole, self.areas + other.areas, self.unknown + other.unknown)

    def over(self, unit: float) -> Sums:
        """The same in a larger unit: 1000 turns metres into kilometres."""
        return Sums(self.whole / unit, self.areas / unit, self.unknown)


def homes(paths: Sequence[str], areas: Areas) -> tuple[Ints, Ints]:
    """Pairs (m,) of feature and area for features at home in areas: `paths` (n,) are area codes joined by `/`."""
    number = {code: i for i, code in enumerate(areas.code)}
    pairs = [
        (row, number[code]) for row, path in enumerate(paths) for code in path.split("/") if code in number
    ]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def inside(geometry: Objects, clip: shapely.Geometry | None) -> Bools:
    """(n,) whether features count in `clip` (None: all): by the place that makes their home (design §4, "Areas")."""
    if clip is None or not len(geometry):
        return np.ones(len(geometry), dtype=bool)
    return inside_frame(home_places(geometry), clip)


def home_places(geometry: Objects) -> Floats:
    """(n, 2) the middle of each line, a point on the surface of each polygon, points themselves."""
    lines = shapely.get_dimensions(geometry) == 1
    points = np.asarray(shapely.point_on_surface(geometry), dtype=object)
    longest = _longest(geometry[lines])
    points[lines] = shapely.line_interpolate_point(longest, 0.5, normalized=True)
    return shapely.get_coordinates(points)


def _longest(lines: Objects) -> Objects:
    """(n,) the longest part of each line: a midpoint of several parts is on none of them."""
    parts, owner = shapely.get_parts(lines, return_index=True)
    order = np.lexsort((-shapely.length(parts), owner))
    _, first = np.unique(owner[order], return_index=True)
    return np.asarray(parts[order][first], dtype=object)


def add_up(values: Floats, paths: Sequence[str], chosen: Bools, areas: Areas) -> Sums:
    """Values (n,) of the `chosen` features (n,), in the areas that they are at home in; NaN is unknown."""
    known = chosen & ~np.isnan(values)
    feature, area = homes(paths, areas)
    kept = known[feature]
    sums = np.bincount(area[kept], weights=values[feature[kept]], minlength=len(areas.code))
    return Sums(float(values[known].sum()), sums.astype(np.float64), int((chosen & np.isnan(values)).sum()))


def add_up_distinct(names: Sequence[str | None], paths: Sequence[str], chosen: Bools, areas: Areas) -> Sums:
    """How many different names (n,) the `chosen` features (n,) bear, in all and in each area; None is unknown."""
    known = chosen & np.array([name is not None for name in names], dtype=bool)
    _, number = np.unique([str(name) for name in names], return_inverse=True)
    feature, area = homes(paths, areas)
    kept = known[feature]
    pairs = np.unique(np.column_stack((area[kept], number[feature[kept]])), axis=0)
    sums = np.bincount(pairs[:, 0], minlength=len(areas.code)).astype(np.float64)
    return Sums(float(len(np.unique(number[known]))), sums, int((chosen & ~known).sum()))


def area_of(polygons: Objects, clip: shapely.Geometry | None, areas: Areas) -> Sums:
    """m² that polygons (n,) cover inside `clip`, overlaps counted once, in all and cut at the borders of areas."""
    single = polygons[shapely.get_dimensions(polygons) == 2]
    parts = clip_to_frame(dissolve_overlaps(single), clip)
    parts = parts[~shapely.is_empty(parts)]
    cut = cut_by_areas(parts, areas.geometry)
    return Sums(float(shapely.area(parts).sum()), areas.add_up(shapely.area(cut.geometry), cut.area))


def clip_lines(lines: Objects, clip: shapely.Geometry | None) -> Objects:
    """(n,) the part of each line inside `clip` (None: all of it), empty where none is."""
    if clip is None or not len(lines):
        return lines
    shapely.prepare(clip)
    result = lines.copy()
    outside = ~shapely.covers(clip, lines)
    result[outside] = shapely.LineString()
    crossing = np.flatnonzero(outside & shapely.intersects(clip, lines))
    result[crossing] = by_rows(lambda part: shapely.intersection(part, clip), lines[crossing])
    return result


def length_of(
    lines: Objects, clip: shapely.Geometry | None, areas: Areas, weight: Floats | None = None
) -> Sums:
    """Metres of lines (n,) inside `clip`, times `weight` (n,), in all and cut at the borders of areas."""
    factor = np.ones(len(lines)) if weight is None else weight
    lines = clip_lines(lines, clip)
    whole = float((shapely.length(lines) * factor).sum())
    line, part, metres = _cut_lines(lines, areas.geometry)
    return Sums(whole, areas.add_up(metres * factor[line], part))


def _cut_lines(lines: Objects, parts: Objects) -> tuple[Ints, Ints, Floats]:
    """Pairs of line and part with the metres of the one inside the other; a border's metres count to the first part."""
    tree = shapely.STRtree(lines)
    part, line = tree.query(parts, predicate="intersects")
    covered_part, covered_line = tree.query(parts, predicate="covers")
    order = np.lexsort((covered_part, covered_line))
    _, once = np.unique(covered_line[order], return_index=True)
    whole_line, whole_part = covered_line[order][once], covered_part[order][once]
    open_ = ~np.isin(line, whole_line)
    line, part = line[open_].astype(np.int64), part[open_].astype(np.int64)
    pieces = _apart(line, shapely.intersection(lines[line], parts[part]))
    return (
        np.concatenate((whole_line, line)).astype(np.int64),
        np.concatenate((whole_part, part)).astype(np.int64),
        np.concatenate((shapely.length(lines[whole_line]), shapely.length(pieces))),
    )


def _apart(line: Ints, pieces: Objects) -> Objects:
    """The pieces (m,) of lines (m,) in their order, without what an earlier piece of the same line has: a border."""
    order = np.argsort(line, kind="stable")
    begins = np.flatnonzero(np.diff(line[order], prepend=-1))
    for rows in np.split(order, begins[1:]):
        for i, row in enumerate(rows[1:], 1):
            pieces[row] = shapely.difference(pieces[row], shapely.union_all(pieces[rows[:i]]))
    return pieces
