"""Service areas as streets: every stretch within a walk of a facility, cut at exactly that many metres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from app.network.model import Bools, Floats, Geometries, Ints, Positions
from app.network.reach import Reach, distance_at

#: Stretches shorter than this are rounding.
HAIR_M = 1e-6


@dataclass(frozen=True, slots=True)
class ReachedStreets:
    """Stretches of street within the limit, `s` of them, each with metres that change evenly along it.

    `edge` (s,) of the network; `begin_m`, `end_m` (s,) offsets on it; `near_m`, `far_m` (s,) metres to the nearest
    facility at these two places, door to door.
    """

    edge: Ints
    begin_m: Floats
    end_m: Floats
    near_m: Floats
    far_m: Floats

    def __len__(self) -> int:
        return len(self.edge)

    @property
    def length_m(self) -> Floats:
        """(s,) metres of each stretch."""
        return np.abs(self.end_m - self.begin_m)


def streets_within(reach: Reach, limit_m: float) -> ReachedStreets:
    """All that a search found within `limit_m` metres of its facilities, private streets included.

    Metres rise by one a metre from either end of a street, or from an entrance on it, to where the ways meet: there
    the street is cut, so that every stretch runs from its nearer end to its farther one.
    """
    edge, low, high, low_m, high_m = _spans(reach)
    length = high - low
    with np.errstate(invalid="ignore"):
        peak = np.clip((length + high_m - low_m) / 2, 0.0, length)
    upward = np.clip(np.minimum(peak, limit_m - low_m), 0.0, None)
    downward = np.clip(np.minimum(length - peak, limit_m - high_m), 0.0, None)
    up, down = np.flatnonzero(upward > HAIR_M), np.flatnonzero(downward > HAIR_M)
    return ReachedStreets(
        np.concatenate((edge[up], edge[down])),
        np.concatenate((low[up], high[down])),
        np.concatenate((low[up] + upward[up], high[down] - downward[down])),
        np.concatenate((low_m[up], high_m[down])),
        np.concatenate((low_m[up] + upward[up], high_m[down] + downward[down])),
    )


def merged(found: Sequence[ReachedStreets], left_out: Bools) -> ReachedStreets:
    """What any of several searches of one network reached, each metre once, without the edges `left_out` (e,).

    The metres to the nearest facility are not kept: they are NaN.
    """
    edge = np.concatenate([one.edge for one in found])
    low = np.concatenate([np.minimum(one.begin_m, one.end_m) for one in found])
    high = np.concatenate([np.maximum(one.begin_m, one.end_m) for one in found])
    kept = np.flatnonzero(~left_out[edge])
    order = kept[np.lexsort((low[kept], edge[kept]))]
    edge, low, high = edge[order], low[order], high[order]
    if not len(edge):
        return ReachedStreets(edge, low, high, low, high)
    # on one axis, each edge behind the one before, the furthest end so far is a running maximum
    span = float(high.max()) + 1.0
    furthest = np.maximum.accumulate(high + edge * span)
    begins = np.concatenate(([True], (low + edge * span)[1:] > furthest[:-1] + HAIR_M))
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(edge)) - 1
    unknown = np.full(len(first), np.nan)
    return ReachedStreets(edge[first], low[first], furthest[last] - edge[first] * span, unknown, unknown)


def lines_of(reach: Reach, streets: ReachedStreets) -> Geometries:
    """(s,) LineStrings of the stretches in metres, each from its nearer end to its farther one."""
    turned = streets.begin_m > streets.end_m
    low, high = np.minimum(streets.begin_m, streets.end_m), np.maximum(streets.begin_m, streets.end_m)
    lines = substrings(reach.network.edge_geometry[streets.edge], low, high)
    lines[turned] = shapely.reverse(lines[turned])
    return lines


def substrings(lines: Geometries, low: Floats, high: Floats) -> Geometries:
    """(s,) the part of each LineString between two distances along it in metres, `low` < `high`."""
    if not len(lines):
        return lines
    xy, line = shapely.get_coordinates(lines, return_index=True)
    step = np.zeros(len(xy))
    step[1:] = np.hypot(*np.diff(xy, axis=0).T)
    step[np.searchsorted(line, np.arange(len(lines)))] = 0
    along = np.cumsum(step)
    along -= along[np.searchsorted(line, np.arange(len(lines)))][line]
    inner = np.flatnonzero((along > low[line] + HAIR_M) & (along < high[line] - HAIR_M))
    ends = [shapely.get_coordinates(shapely.line_interpolate_point(lines, at)) for at in (low, high)]
    which = np.arange(len(lines))
    part = np.concatenate((which, line[inner], which))
    order = np.lexsort((np.concatenate((low, along[inner], high)), part))
    vertices = np.concatenate((ends[0], xy[inner], ends[1]))
    return np.asarray(shapely.linestrings(vertices[order], indices=part[order]), dtype=object)


def _spans(reach: Reach) -> tuple[Ints, Floats, Floats, Floats, Floats]:
    """Streets cut at the entrances on them, (k,) each: edge, both offsets, metres at both."""
    network = reach.network
    every = np.arange(network.edges)
    doors = reach.sources.take(
        np.unique(np.flatnonzero(reach.sources.found & (reach.cost_m <= reach.limit_m)))
    )
    edge = np.concatenate((every, every, doors.edge))
    offset = np.concatenate((np.zeros(network.edges), network.edge_length_m, doors.offset_m))
    metres = np.concatenate(
        (_end_m(reach, network.edge_from), _end_m(reach, network.edge_to), _door_m(reach, doors))
    )
    order = np.lexsort((offset, edge))
    edge, offset, metres = edge[order], offset[order], metres[order]
    first = np.flatnonzero(edge[1:] == edge[:-1])
    return edge[first], offset[first], offset[first + 1], metres[first], metres[first + 1]


def _end_m(reach: Reach, node: Ints) -> Floats:
    """(e,) metres from an end of each edge: a private street may use the private copy of its node."""
    metres = reach.node_distance_m[node]
    copy = np.where(reach.network.edge_private, reach.network.private_node[node], node)
    return np.minimum(metres, reach.node_distance_m[copy])


def _door_m(reach: Reach, doors: Positions) -> Floats:
    """(d,) metres at the street before each entrance: its own way in, or another entrance's if that is nearer."""
    return distance_at(reach, Positions(doors.edge, doors.offset_m, np.zeros(len(doors))))
