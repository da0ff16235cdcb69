"""Puts points on the network: the nearest place on an edge, not the nearest node."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from app.network.barriers import Barriers, crossing
from app.network.model import Bools, Floats, Geometries, Ints, Positions, WalkNetwork

ARTEFACT_M = 300.0
#: Points behind a barrier that are worked on together: each has every street within its limit to try.
BLOCKED_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class SnapIndex:
    """The edges that a point may be put on, in search trees; made once with the network.

    `walkable` and `public` pair a tree with the (t,) edge indices it holds, public streets first. Nobody is put on a
    street across one of the `barriers`.
    """

    network: WalkNetwork
    walkable: tuple[shapely.STRtree, Ints]
    public: tuple[shapely.STRtree, Ints]
    barriers: Barriers | None = None


def build_index(
    network: WalkNetwork, min_component_m: float = ARTEFACT_M, barriers: Barriers | None = None
) -> SnapIndex:
    """The search trees of a network, without parts shorter than `min_component_m` metres in all.

    Such parts are mapping artefacts (a path drawn without its link): a point put on one would be reached by nobody.
    The longest part is never one, however small the town.
    """
    least_m = min(min_component_m, network.component_length_m.max(initial=0.0))
    real = network.component_length_m[network.component[network.edge_from]] >= least_m
    public = np.flatnonzero(real & ~network.edge_private)
    private = np.flatnonzero(real & network.edge_private)
    public_tree = _tree(network.edge_geometry, public)
    if not len(private):
        return SnapIndex(network, public_tree, public_tree, barriers)
    both = _tree(network.edge_geometry, np.concatenate((public, private)))
    return SnapIndex(network, both, public_tree, barriers)


def snap(index: SnapIndex, xy: Floats, limit_m: float, public_only: bool = False) -> Positions:
    """The nearest place on a street for each point `xy` (k, 2), within `limit_m` metres and not across a barrier.

    Where a barrier stands before the nearest place of a street, its ends are tried as well. `public_only` leaves
    private streets out, as entrances of facilities need. Of streets equally near, that with the westernmost, then
    southernmost nearest place is taken, a public one first: the order of input has no say.
    """
    tree, edges = index.public if public_only else index.walkable
    if not len(xy) or not len(edges):
        return _nowhere(len(xy))
    points = np.asarray(shapely.points(xy))
    (point, found), distance = tree.query_nearest(
        points, max_distance=limit_m, return_distance=True, all_matches=True
    )
    edge = edges[found]
    offset = np.asarray(shapely.line_locate_point(index.network.edge_geometry[edge], points[point]))
    first = _first_of_ties(index.network, point, edge, offset)
    positions = _nowhere(len(xy))
    positions.edge[point[first]] = edge[first]
    positions.offset_m[point[first]] = offset[first]
    positions.snap_m[point[first]] = distance[first]
    if index.barriers is not None:
        _keep_clear(index, index.barriers, (tree, edges), xy, limit_m, positions)
    return positions


def place(network: WalkNetwork, positions: Positions) -> Floats:
    """(k, 2) coordinates of the places on the streets, nan where there is none."""
    xy = np.full((len(positions), 2), np.nan)
    found = positions.found
    lines = network.edge_geometry[positions.edge[found]]
    xy[found] = shapely.get_coordinates(shapely.line_interpolate_point(lines, positions.offset_m[found]))
    return xy


def _keep_clear(
    index: SnapIndex,
    barriers: Barriers,
    tree: tuple[shapely.STRtree, Ints],
    xy: Floats,
    limit_m: float,
    positions: Positions,
) -> None:
    """Puts points whose way to their street crosses a barrier on the nearest street that none hides (in place)."""
    found = np.flatnonzero(positions.found)
    feet = place(index.network, positions.take(found))
    blocked = found[crossing(barriers, xy[found], feet)]
    for some in np.array_split(blocked, -(-len(blocked) // BLOCKED_AT_ONCE)) if len(blocked) else ():
        others = _candidates(index.network, tree, xy[some], limit_m)
        chosen = _first_clear(barriers, xy[some], others, index.network)
        positions.edge[some], positions.offset_m[some], positions.snap_m[some] = -1, np.nan, np.inf
        hit = some[others.point[chosen]]
        positions.edge[hit], positions.offset_m[hit] = others.edge[chosen], others.offset_m[chosen]
        positions.snap_m[hit] = others.snap_m[chosen]


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Places on streets that points may be put on, (c,) each, those of a point together, the nearest first."""

    point: Ints
    edge: Ints
    offset_m: Floats
    snap_m: Floats


def _candidates(
    network: WalkNetwork, tree: tuple[shapely.STRtree, Ints], xy: Floats, limit_m: float
) -> _Candidates:
    """The nearest place and both ends of every street within the limit of each point."""
    points = np.asarray(shapely.points(xy))
    point, found = tree[0].query(points, predicate="dwithin", distance=limit_m)
    edge = tree[1][found]
    foot = shapely.line_locate_point(network.edge_geometry[edge], points[point])
    offset = np.concatenate((foot, np.zeros(len(edge)), network.edge_length_m[edge]))
    point, edge = np.tile(point.astype(np.int64), 3), np.tile(edge, 3)
    at = place(network, Positions(edge, offset, offset))
    distance = np.hypot(*(at - xy[point]).T)
    near = np.flatnonzero(distance <= limit_m)
    keys = (
        edge,
        network.edge_private[edge],
        np.round(at[:, 1], 4),
        np.round(at[:, 0], 4),
        np.round(distance, 4),
        point,
    )
    order = near[np.lexsort([key[near] for key in keys])]
    return _Candidates(point[order], edge[order], offset[order], distance[order])


def _first_clear(barriers: Barriers, xy: Floats, others: _Candidates, network: WalkNetwork) -> Ints:
    """Indices of the first candidate of each point whose way no barrier crosses; most points need but a few."""
    chosen: list[Ints] = []
    begins = np.searchsorted(others.point, np.arange(len(xy)))
    rank = np.arange(len(others.point)) - begins[others.point]
    alive = np.ones(len(xy), dtype=bool)
    low, high = 0, 4
    while low <= rank.max(initial=-1):
        some = np.flatnonzero((rank >= low) & (rank < high) & alive[others.point])
        at = place(network, Positions(others.edge[some], others.offset_m[some], others.snap_m[some]))
        clear = some[~crossing(barriers, xy[others.point[some]], at)]
        points, first = np.unique(others.point[clear], return_index=True)
        chosen.append(clear[first])
        alive[points] = False
        low, high = high, high * 4
    return np.concatenate([np.empty(0, dtype=np.int64), *chosen])


def _tree(geometry: Geometries, edges: Ints) -> tuple[shapely.STRtree, Ints]:
    return shapely.STRtree(geometry[edges]), edges


def _nowhere(count: int) -> Positions:
    return Positions(np.full(count, -1, dtype=np.int64), np.full(count, np.nan), np.full(count, np.inf))


def _first_of_ties(network: WalkNetwork, point: Ints, edge: Ints, offset: Floats) -> Ints:
    """Indices of one match a point: see `snap` for which."""
    tied: Bools = np.bincount(point)[point] > 1
    if not tied.any():
        return np.arange(len(point))
    x, y = np.zeros(len(point)), np.zeros(len(point))
    places = shapely.line_interpolate_point(network.edge_geometry[edge[tied]], offset[tied])
    x[tied], y[tied] = shapely.get_x(places), shapely.get_y(places)
    # to a tenth of a millimetre, for sums differ in the last digits; of twins always the same one, so that two
    # points on a street drawn twice meet on it
    keys = (edge, network.edge_private[edge], np.round(y, 4), np.round(x, 4), point)
    order = np.lexsort(keys)
    _, first = np.unique(point[order], return_index=True)
    return order[first]
