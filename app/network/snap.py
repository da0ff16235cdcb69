"""Puts points on the network: the nearest place on an edge, not the nearest node."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from app.network.model import Bools, Floats, Geometries, Ints, Positions, WalkNetwork

ARTEFACT_M = 300.0


@dataclass(frozen=True, slots=True)
class SnapIndex:
    """The edges that a point may be put on, in search trees; made once with the network.

    `walkable` and `public` pair a tree with the (t,) edge indices it holds, public streets first.
    """

    network: WalkNetwork
    walkable: tuple[shapely.STRtree, Ints]
    public: tuple[shapely.STRtree, Ints]


def build_index(network: WalkNetwork, min_component_m: float = ARTEFACT_M) -> SnapIndex:
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
        return SnapIndex(network, public_tree, public_tree)
    return SnapIndex(network, _tree(network.edge_geometry, np.concatenate((public, private))), public_tree)


def snap(index: SnapIndex, xy: Floats, limit_m: float, public_only: bool = False) -> Positions:
    """The nearest place on a street for each point `xy` (k, 2), within `limit_m` metres.

    `public_only` leaves private streets out, as entrances of facilities need. Of streets equally near, that with
    the westernmost, then southernmost nearest place is taken, a public one first: the order of input has no say.
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
    return positions


def place(network: WalkNetwork, positions: Positions) -> Floats:
    """(k, 2) coordinates of the places on the streets, nan where there is none."""
    xy = np.full((len(positions), 2), np.nan)
    found = positions.found
    lines = network.edge_geometry[positions.edge[found]]
    xy[found] = shapely.get_coordinates(shapely.line_interpolate_point(lines, positions.offset_m[found]))
    return xy


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
