"""What nobody walks straight across: shores of water and expressways, cut into short lines that are quick to ask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from app.network.model import Bools, Floats, Geometries, Ints

#: A line of so many steps is one entry of the tree: a long shore would be asked whole for every walk beside it.
STEPS = 16
#: Water that is nowhere wider than this is walked round in no time.
POND_M = 50.0
#: A walk may begin and end on the barrier itself.
TOUCH_M = 0.01


@dataclass(frozen=True, slots=True)
class Barriers:
    """Barriers in metres: `shapes` (b,) polygons and lines; `tree` of their outlines in short lines, `owner` whose."""

    shapes: Geometries
    tree: shapely.STRtree
    owner: Ints


def barriers_of(shapes: Geometries) -> Barriers | None:
    """Barriers of polygons (water) and lines (expressways) in metres; None where nothing stands in the way."""
    west, south, east, north = shapely.bounds(shapes).T if len(shapes) else np.empty((4, 0))
    flat = shapely.get_dimensions(shapes) < 2
    kept = ~shapely.is_empty(shapes) & (flat | (np.hypot(east - west, north - south) >= POND_M))
    if not kept.any():
        return None
    lines, owner = _short_lines(shapes[kept])
    shapely.prepare(shapes)
    return Barriers(shapes[kept], shapely.STRtree(lines), owner)


def crossing(barriers: Barriers, start: Floats, end: Floats) -> Bools:
    """(k,) whether the straight walks from `start` (k, 2) to `end` (k, 2) cross a barrier.

    Who starts inside a water body, on a pier or where the map is coarse, may leave it.
    """
    blocked = np.zeros(len(start), dtype=bool)
    way = end - start
    length = np.hypot(*way.T)
    some = np.flatnonzero(length > 2 * TOUCH_M)
    inset = way[some] * (TOUCH_M / length[some])[:, None]
    ends = np.stack((start[some] + inset, end[some] - inset), axis=1)
    walks = np.asarray(shapely.linestrings(ends))
    # Walks are short, so that few boxes meet: asking these alone is quicker than preparing every walk.
    walk, line = barriers.tree.query(walks)
    met = shapely.intersects(walks[walk], barriers.tree.geometries[line])
    walk, shape = some[walk[met]], barriers.owner[line[met]]
    xy = start[walk]
    inside = shapely.contains_xy(barriers.shapes[shape], xy[:, 0], xy[:, 1])
    blocked[walk[~inside]] = True
    return blocked


def _short_lines(shapes: Geometries) -> tuple[Geometries, Ints]:
    """(s,) lines of at most `STEPS` steps along the outlines, and (s,) the shape of each."""
    outlines = shapes.copy()
    solid = shapely.get_dimensions(shapes) == 2
    outlines[solid] = shapely.boundary(shapes[solid])
    parts, owner = shapely.get_parts(outlines, return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    first = np.searchsorted(part, np.arange(len(parts)))
    count = np.bincount(part, minlength=len(parts))
    pieces = np.maximum(np.ceil((count - 1) / STEPS).astype(np.int64), 1)
    of = np.repeat(np.arange(len(parts)), pieces)
    begin = (np.arange(len(of)) - (np.cumsum(pieces) - pieces)[of]) * STEPS
    # each piece ends with the vertex that the next one begins with
    vertices = np.minimum(STEPS + 1, count[of] - begin)
    piece = np.repeat(np.arange(len(of)), vertices)
    step = np.arange(len(piece)) - np.repeat(np.cumsum(vertices) - vertices, vertices)
    return np.asarray(shapely.linestrings(xy[(first[of] + begin)[piece] + step], indices=piece)), owner[of]
