"""Service areas as polygons: the land that hangs on the streets reached, up to a depth, never across a barrier.

The rule: a place belongs to it if one walks straight from the street to it, at most `depth_m` metres and over no
shore or expressway, and the walk is within the limit with these metres counted. Nothing is smoothed: blocks deeper
than twice the depth keep their holes, and no hull is drawn round anything.
"""

from __future__ import annotations

import numpy as np
import shapely

from app.coverage.service_streets import lines_of, streets_within
from app.coverage.shapes import polygonal
from app.network.barriers import Barriers
from app.network.model import Floats, Geometries, Ints
from app.network.reach import Reach
from app.network.snap import place

#: Segments a quarter circle: the arcs of a 50 m strip are short by at most 6 cm.
QUAD_SEGS = 16
#: A line that blocks is given this half width: enough to part the land on its sides.
LINE_M = 0.05


def walked_polygon(
    reach: Reach, limit_m: float, depth_m: float, barriers: Barriers | None
) -> shapely.Geometry:
    """The polygon or multipolygon in metres within `limit_m` of the search's facilities, `depth_m` off the streets.

    Where less than `depth_m` is left at a facility's own street, what is left is the depth.
    """
    strips, lines = _strips(reach, limit_m, depth_m)
    if barriers is not None and len(strips):
        strips = _this_side(strips, lines, barriers)
    return shapely.union_all(strips)


def _strips(reach: Reach, limit_m: float, depth_m: float) -> tuple[Geometries, Geometries]:
    """(k,) the land on both sides of each stretch of street, and (k,) the stretch, a point for a short way.

    Of a walk's last `depth_m` metres the discs of what is left all lie in the disc where they begin: whoever walks on
    comes no further than who leaves the street there.
    """
    streets = streets_within(reach, limit_m - depth_m)
    lines = lines_of(reach, streets)
    strips = shapely.buffer(lines, depth_m, quad_segs=QUAD_SEGS)
    late = np.flatnonzero(reach.sources.found & (reach.cost_m > limit_m - depth_m) & (reach.cost_m < limit_m))
    doors = np.asarray(shapely.points(place(reach.network, reach.sources.take(late))), dtype=object)
    discs = shapely.buffer(doors, limit_m - reach.cost_m[late], quad_segs=QUAD_SEGS)
    return np.concatenate((strips, discs)), np.concatenate((lines, doors))


def _this_side(strips: Geometries, lines: Geometries, barriers: Barriers) -> Geometries:
    """(k,) of each strip what hangs together with its street when the barriers are taken out."""
    strip, shape = _met(strips, lines, barriers)
    if not len(strip):
        return strips
    near = polygonal(shapely.intersection(_thick(barriers.shapes)[shape], shapely.envelope(strips[strip])))
    whose, first = np.unique(strip, return_index=True)
    groups = np.split(near, first[1:])
    result = strips.copy()
    result[whose] = shapely.difference(
        strips[whose], np.array([shapely.union_all(g) for g in groups], dtype=object)
    )
    parts, owner = shapely.get_parts(result[whose], return_index=True)
    attached = shapely.intersects(parts, lines[whose][owner])
    kept = [shapely.MultiPolygon(parts[(owner == i) & attached].tolist()) for i in range(len(whose))]
    result[whose] = kept
    return result


def _met(strips: Geometries, lines: Geometries, barriers: Barriers) -> tuple[Ints, Ints]:
    """(q,) strips, ascending, and (q,) barriers that cross them or hold them whole (a bridge)."""
    strip, line = barriers.tree.query(strips, predicate="intersects")
    start: Floats = shapely.get_coordinates(shapely.point_on_surface(lines))
    over, under = shapely.STRtree(barriers.shapes).query(shapely.points(start))
    wet = shapely.contains_xy(barriers.shapes[under], start[over, 0], start[over, 1])
    pairs = np.stack((np.concatenate((strip, over[wet])), np.concatenate((barriers.owner[line], under[wet]))))
    strip, shape = np.unique(pairs, axis=1)
    return strip, shape


def _thick(shapes: Geometries) -> Geometries:
    """The barriers as polygons."""
    result = shapes.copy()
    thin = shapely.get_dimensions(shapes) < 2
    result[thin] = shapely.buffer(shapes[thin], LINE_M, quad_segs=1, cap_style="flat")
    return result
