"""A drawn street joined into a finished network: only the streets that it meets are cut anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.ops import substring

from app.errors import BadGeometry
from app.network.build import assemble
from app.network.model import EdgeTable, Floats, Geometries, Ints, WalkNetwork

#: Ends of a drawn street are led to the nearest street so far away: nobody hits a line on a map to the centimetre.
END_M = 30.0
#: Places on a street closer to each other than this are one.
ONE_M = 0.01


@dataclass(frozen=True, slots=True)
class NewStreet:
    """A drawn street: its lines (k,) in metres, its level (a bridge 1), and whether it only leads out of an estate."""

    lines: Geometries
    layer: int
    private: bool

    @classmethod
    def of(cls, shape: shapely.Geometry, properties: Mapping[str, Any]) -> NewStreet:
        """The street of a line in metres with the fields `layer` and `walk`; BadGeometry where nobody may walk it."""
        if properties.get("walk") == "no" or properties.get("kind") == "expressway":
            raise BadGeometry("Nobody walks on that street.", "Leave `walk` out, or say public or private.")
        parts = shapely.get_parts(shapely.line_merge(shape))
        return cls(parts, int(properties.get("layer") or 0), properties.get("walk") == "private")


@dataclass(frozen=True, slots=True)
class _Junctions:
    """Where a new line meets the network: (j,) edge and metres along it, and (j,) metres along the new line."""

    edge: Ints
    offset_m: Floats
    measure_m: Floats


def extended(network: WalkNetwork, streets: Sequence[NewStreet]) -> WalkNetwork:
    """The network with the drawn streets.

    Each is joined to the nearest street at both ends (within `END_M`), and to those of its own layer that it crosses:
    a bridge (layer 1) passes over streets on the ground.

    Raises:
    ------
    BadGeometry
        A street meets no other.
    """
    for street in streets:
        for line in street.lines:
            network = _with_line(network, line, street)
    return network


def _with_line(network: WalkNetwork, line: shapely.LineString, street: NewStreet) -> WalkNetwork:
    tree = shapely.STRtree(network.edge_geometry)
    line = _led_to_streets(network, tree, line)
    met = _junctions(network, tree, line, street.layer)
    if not len(met.edge):
        raise BadGeometry(
            "The drawn street meets no other.",
            f"Draw it to within {END_M:.0f} m of a street at one end at least.",
        )
    node, places = _nodes_of(network, met)
    table = _cut(network, met, node)
    own, places = _own_edges(network, line, street, met, node, places)
    return assemble(_stacked(table, own), np.concatenate((network.node_xy, places)))


def _led_to_streets(
    network: WalkNetwork, tree: shapely.STRtree, line: shapely.LineString
) -> shapely.LineString:
    """The line with its ends led to the nearest street."""
    xy = [tuple(point) for point in shapely.get_coordinates(line).tolist()]
    ends = np.asarray(shapely.points([xy[0], xy[-1]]))
    found, edge = tree.query_nearest(ends, max_distance=END_M, all_matches=False)
    lines = network.edge_geometry[edge]
    feet = shapely.line_interpolate_point(lines, shapely.line_locate_point(lines, ends[found]))
    for end, foot in zip(found.tolist(), shapely.get_coordinates(feet).tolist(), strict=True):
        if np.hypot(*(np.array(foot) - xy[-end])) > 0:
            xy = [tuple(foot), *xy] if end == 0 else [*xy, tuple(foot)]
    return shapely.LineString(xy)


def _junctions(
    network: WalkNetwork, tree: shapely.STRtree, line: shapely.LineString, layer: int
) -> _Junctions:
    total = shapely.length(line)
    near = tree.query(line, predicate="dwithin", distance=ONE_M).astype(np.int64)
    parts = shapely.intersection(network.edge_geometry[near], line)
    points, which = shapely.get_coordinates(parts, return_index=True)
    ends = shapely.get_coordinates(line)[[0, -1]]
    # the feet of the ends lie on their streets but for rounding
    beside, edge = tree.query(shapely.points(ends), predicate="dwithin", distance=ONE_M)
    xy = np.concatenate((points, ends[beside]))
    edge = np.concatenate((near[which], edge.astype(np.int64)))
    at = np.asarray(shapely.points(xy))
    measure = np.asarray(shapely.line_locate_point(line, at))
    is_end = (measure < ONE_M) | (measure > total - ONE_M)
    kept = np.flatnonzero(is_end | (network.edge_layer[edge] == layer))
    offset = shapely.line_locate_point(network.edge_geometry[edge[kept]], at[kept])
    return _Junctions(edge[kept], np.asarray(offset), np.asarray(measure[kept]))


def _nodes_of(network: WalkNetwork, met: _Junctions) -> tuple[Ints, Floats]:
    """(j,) node of each junction, new ones numbered after the network's, and (k, 2) places of these."""
    length = network.edge_length_m[met.edge]
    node = np.where(met.offset_m < ONE_M, network.edge_from[met.edge], -1)
    node = np.where((node < 0) & (met.offset_m > length - ONE_M), network.edge_to[met.edge], node)
    inner = np.flatnonzero(node < 0)
    keys = np.stack((met.edge[inner], np.rint(met.offset_m[inner] / ONE_M).astype(np.int64)), axis=1)
    _, first, number = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    node[inner] = network.nodes + number.ravel()
    some = inner[first]
    points = shapely.line_interpolate_point(network.edge_geometry[met.edge[some]], met.offset_m[some])
    return node.astype(np.int64), shapely.get_coordinates(points)


def _cut(network: WalkNetwork, met: _Junctions, node: Ints) -> EdgeTable:
    """The network's edges, those with a junction inside cut there."""
    inside = np.flatnonzero(node >= network.nodes)
    hit = np.unique(met.edge[inside])
    rest = np.setdiff1d(np.arange(network.edges), hit)
    start, end, shapes, source = [], [], [], []
    for edge in hit.tolist():
        here = inside[met.edge[inside] == edge]
        _, once = np.unique(node[here], return_index=True)
        here = here[once][np.argsort(met.offset_m[here[once]])]
        marks = [0.0, *met.offset_m[here].tolist(), float(network.edge_length_m[edge])]
        nodes = [int(network.edge_from[edge]), *node[here].tolist(), int(network.edge_to[edge])]
        for i in range(len(marks) - 1):
            start.append(nodes[i])
            end.append(nodes[i + 1])
            shapes.append(substring(network.edge_geometry[edge], marks[i], marks[i + 1]))
            source.append(edge)
    old = np.array(source, dtype=np.int64)
    pieces = np.empty(len(shapes), dtype=object)
    pieces[:] = shapes
    which = np.concatenate((rest, old))
    return EdgeTable(
        np.concatenate((network.edge_from[rest], np.array(start, dtype=np.int64))),
        np.concatenate((network.edge_to[rest], np.array(end, dtype=np.int64))),
        np.concatenate((network.edge_geometry[rest], pieces)),
        network.edge_line[which],
        network.edge_layer[which],
        network.edge_private[which],
    )


def _own_edges(
    network: WalkNetwork,
    line: shapely.LineString,
    street: NewStreet,
    met: _Junctions,
    node: Ints,
    places: Floats,
) -> tuple[EdgeTable, Floats]:
    """The new line cut at its junctions, and (k, 2) places of all new nodes, its loose ends among them."""
    total = float(shapely.length(line))
    order = np.argsort(met.measure_m, kind="stable")
    marks, nodes = met.measure_m[order].tolist(), node[order].tolist()
    ends = shapely.get_coordinates(line)[[0, -1]]
    if marks[0] > ONE_M:
        marks, nodes = [0.0, *marks], [network.nodes + len(places), *nodes]
        places = np.concatenate((places, ends[:1]))
    if marks[-1] < total - ONE_M:
        marks, nodes = [*marks, total], [*nodes, network.nodes + len(places)]
        places = np.concatenate((places, ends[1:]))
    steps = [i for i in range(len(marks) - 1) if nodes[i] != nodes[i + 1] and marks[i + 1] - marks[i] > 0]
    shapes = np.empty(len(steps), dtype=object)
    shapes[:] = [substring(line, marks[i], marks[i + 1]) for i in steps]
    count = len(steps)
    table = EdgeTable(
        np.array([nodes[i] for i in steps], dtype=np.int64),
        np.array([nodes[i + 1] for i in steps], dtype=np.int64),
        shapes,
        np.full(count, int(network.edge_line.max(initial=-1)) + 1, dtype=np.int64),
        np.full(count, street.layer, dtype=np.int64),
        np.full(count, street.private, dtype=bool),
    )
    return table, places


def _stacked(first: EdgeTable, second: EdgeTable) -> EdgeTable:
    """Both tables in one; every edge runs from the lower node to the higher one."""
    start, end = np.concatenate((first.start, second.start)), np.concatenate((first.end, second.end))
    geometry = np.concatenate((first.geometry, second.geometry))
    turned = start > end
    geometry[turned] = shapely.reverse(geometry[turned])
    return EdgeTable(
        np.minimum(start, end),
        np.maximum(start, end),
        geometry,
        np.concatenate((first.line, second.line)),
        np.concatenate((first.layer, second.layer)),
        np.concatenate((first.private, second.private)),
    )
