"""Builds the walking network from street lines: where lines join, where they are cut, which way each may be walked.

Lines join where they share a vertex (equal to the centimetre) or where a line ends within half a metre of another
line of the same layer. Lines that merely cross do not join: bridges and tunnels connect only at shared vertices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import GeometryType

from app.errors import BadInput
from app.network.matrix import parts_of, walk_matrix
from app.network.model import Bools, EdgeTable, Floats, Geometries, Ints, WalkNetwork
from app.parallel import by_rows

CM_PER_M = 100
JOIN_M = 0.5
#: Streets near which ends are looked for together: all at once, their lines and pairs take as much memory as the rest.
PARTS_AT_ONCE = 200_000
WALK_WORDS = ("public", "private", "no")


@dataclass(frozen=True, slots=True)
class _Parts:
    """Street lines as one flat list of vertices: `v` vertices in order of their part, `q` parts.

    `cm` (v, 2) coordinates in whole centimetres; `part` (v,) part of each vertex, ascending; `line`, `layer`,
    `private` (q,) of each part; `cut` (v,) vertices where another line was found to end.
    """

    cm: NDArray[np.int64]
    part: Ints
    line: Ints
    layer: Ints
    private: Bools
    cut: Bools

    @property
    def xy(self) -> Floats:
        return metres(self.cm)

    @property
    def first(self) -> Bools:
        """(v,) whether the vertex is the first of its part."""
        return np.concatenate(([True], self.part[1:] != self.part[:-1])) if len(self.part) else self.cut

    @property
    def last(self) -> Bools:
        """(v,) whether the vertex is the last of its part."""
        return np.concatenate((self.part[1:] != self.part[:-1], [True])) if len(self.part) else self.cut


@dataclass(frozen=True, slots=True)
class _Places:
    """Where vertices lie, `k` places in the order of their keys.

    `of` (v,) place of each vertex; `order` (v,) vertices place by place; `begin`, `uses` (k,) where in `order` those of
    each place begin, and how many they are.
    """

    of: Ints
    order: Ints
    begin: Ints
    uses: Ints

    @classmethod
    def of_vertices(cls, cm: NDArray[np.int64]) -> _Places:
        keys = _keys(cm)
        order = np.argsort(keys)
        ascending = keys[order]
        new = np.ones(len(keys), dtype=bool)
        new[1:] = ascending[1:] != ascending[:-1]
        begin = np.flatnonzero(new)
        of = np.empty(len(keys), dtype=np.int64)
        of[order] = np.cumsum(new) - 1
        return cls(of, order, begin, np.diff(np.append(begin, len(keys))))


@dataclass(frozen=True, slots=True)
class _Joints:
    """Ends found near another line, `j` of them: from the end's place to its foot on the other line.

    `end_cm`, `foot_cm` (j, 2) centimetres; `line`, `layer`, `private` (j,) of the street that ends there.
    """

    end_cm: NDArray[np.int64]
    foot_cm: NDArray[np.int64]
    line: Ints
    layer: Ints
    private: Bools


def build_network(lines: Geometries, layer: NDArray[np.integer], walk: NDArray[np.str_]) -> WalkNetwork:
    """The walking network of street lines, ready to search.

    `lines` (m,) LineStrings or MultiLineStrings in a metric CRS; `layer` (m,) their level (bridges 1, tunnels -1);
    `walk` (m,) `public`, `private` (walked only to leave an estate, never through) or `no` (left out). Missing and
    empty lines are left out. Raises BadInput for another `walk` word.
    """
    _check_words(walk)
    return assemble(*_edges(lines, layer, walk))


def assemble(table: EdgeTable, node_xy: Floats) -> WalkNetwork:
    """The network of ready edges: lengths, components and matrix are worked out here.

    `table` (e,) edges between the nodes `node_xy` (n, 2), metres.
    """
    length = shapely.length(table.geometry)
    private_node, matrix = walk_matrix(len(node_xy), table.start, table.end, length, table.private)
    # a private copy hangs on its own node's neighbours: what the matrix joins is what the streets join
    component, component_length = parts_of(matrix, len(node_xy), table.start, length)
    return WalkNetwork(
        node_xy=node_xy,
        edge_from=table.start,
        edge_to=table.end,
        edge_length_m=length,
        edge_private=table.private,
        edge_layer=table.layer,
        edge_line=table.line,
        edge_geometry=table.geometry,
        component=component,
        component_length_m=component_length,
        private_node=private_node,
        matrix=matrix,
    )


def _edges(lines: Geometries, layer: NDArray[np.integer], walk: NDArray[np.str_]) -> tuple[EdgeTable, Floats]:
    """The edges and (n, 2) coordinates of their nodes."""
    parts, places, joints = _join_ends(_flatten(lines, layer, walk))
    node_of, node_cm = _nodes(parts, places)
    begin, end = _edge_ends(parts, node_of)
    start, last, part, cm = node_of[begin], node_of[end], parts.part[begin], parts.cm
    line, layers, private = parts.line[part], parts.layer[part], parts.private[part]
    # the lines of the edges are the most memory of all: what led to them is let go of before they are made
    del parts, places, node_of, part
    geometry = _linestrings(*_along(cm, begin, end))
    table = EdgeTable(start, last, geometry, line, layers, private)
    return _with_joints(table, joints, node_cm), metres(node_cm)


def metres(cm: NDArray[np.int64]) -> Floats:
    """Centimetres as metres (divided, so that 5 cm and 0.05 m are the same number)."""
    return cm / CM_PER_M


def _check_words(walk: NDArray[np.str_]) -> None:
    unknown = {str(word) for word in set(np.asarray(walk).tolist())} - set(WALK_WORDS)
    if unknown:
        raise BadInput(
            f"A street cannot be walked '{min(unknown)}'.", f"Valid words: {', '.join(WALK_WORDS)}."
        )


def _flatten(lines: Geometries, layer: NDArray[np.integer], walk: NDArray[np.str_]) -> _Parts:
    walk = np.asarray(walk, dtype=str)
    kept = np.flatnonzero((walk != "no") & ~shapely.is_missing(lines) & ~shapely.is_empty(lines))
    single, source = _single_lines(lines[kept])
    xy, part = shapely.get_coordinates(single, return_index=True)
    line = kept[source].astype(np.int64)
    xy *= CM_PER_M
    cm = np.rint(xy, out=xy).astype(np.int64)
    private = walk[line] == "private"
    layers = np.asarray(layer, dtype=np.int64)[line]
    return _clean(_Parts(cm, part.astype(np.int64), line, layers, private, np.zeros(len(cm), dtype=bool)))


def _single_lines(lines: Geometries) -> tuple[Geometries, Ints]:
    """LineStrings and the index of the line each comes from (taking parts is slow: only where there are any)."""
    if (shapely.get_type_id(lines) == shapely.GeometryType.LINESTRING).all():
        return lines, np.arange(len(lines))
    single, source = shapely.get_parts(lines, return_index=True)
    return single, source.astype(np.int64)


def _linestrings(xy: Floats, ends: Ints) -> Geometries:
    """(k,) LineStrings of the vertices `xy` (v, 2) between each two of the `ends` (k + 1,)."""
    return np.asarray(shapely.from_ragged_array(GeometryType.LINESTRING, xy, (ends,)), dtype=object)


def _clean(parts: _Parts) -> _Parts:
    """Without vertices that repeat the one before, and without parts that shrink to a point."""
    repeat = ~parts.first
    for axis in parts.cm.T:
        repeat[1:] &= axis[1:] == axis[:-1]
    size = np.bincount(parts.part[~repeat], minlength=len(parts.line))
    if not repeat.any() and (size > 1).all():
        return parts
    # a place that was a cut stays one when its twin is dropped
    cut = parts.cut.copy()
    np.logical_or.at(cut, np.maximum.accumulate(np.where(repeat, 0, np.arange(len(cut)))), parts.cut)
    kept = ~repeat
    kept &= size[parts.part] > 1
    used, part = np.unique(parts.part[kept], return_inverse=True)
    return _Parts(parts.cm[kept], part, parts.line[used], parts.layer[used], parts.private[used], cut[kept])


def _keys(cm: NDArray[np.int64]) -> NDArray[np.int64]:
    """(v,) one number for each place in centimetres (holds 21,000 km each way)."""
    return (cm[:, 0] << 32) + cm[:, 1]


def _join_ends(parts: _Parts) -> tuple[_Parts, _Places, _Joints]:
    """The parts with a vertex wherever another line of their layer ends within JOIN_M, and the joints to there."""
    places = _Places.of_vertices(parts.cm)
    end, other = _near_ends(parts, places)
    street = _lines_of(parts, other)
    measure = shapely.line_locate_point(street, shapely.points(metres(parts.cm[end])))
    foot = shapely.get_coordinates(shapely.line_interpolate_point(street, measure))
    foot_cm = np.rint(foot * CM_PER_M).astype(np.int64)
    source = parts.part[end]
    private = parts.private[source] | parts.private[other]
    joints = _Joints(parts.cm[end], foot_cm, parts.line[source], parts.layer[source], private)
    if not len(end):
        return parts, places, joints
    joined = _clean(_insert(parts, other, measure, foot_cm))
    return joined, _Places.of_vertices(joined.cm), joints


def _near_ends(parts: _Parts, places: _Places) -> tuple[Ints, Ints]:
    """(j,) end vertices and (j,) parts of their layer within JOIN_M that they do not yet share a vertex with."""
    ends = _distinct_ends(parts, places.of)
    tree = shapely.STRtree(np.asarray(shapely.points(metres(parts.cm[ends]))))
    begin = np.flatnonzero(parts.first)
    blocks = np.array_split(np.arange(len(begin)), -(-len(begin) // PARTS_AT_ONCE) or 1)
    found = [_ends_near(parts, places, ends, tree, begin, some) for some in blocks]
    end, other = (np.concatenate(column) for column in zip(*found, strict=True))
    # of a public and a private street that end there, the public one (it comes first) makes the joint
    _, once = np.unique(other * len(places.uses) + places.of[end], return_index=True)
    return end[once], other[once]


def _ends_near(
    parts: _Parts, places: _Places, ends: Ints, tree: shapely.STRtree, begin: Ints, some: Ints
) -> tuple[Ints, Ints]:
    """As `_near_ends`, of `some` parts that follow each other: (j,) end vertices in the order of `ends`, (j,) parts."""
    other, near = tree.query(shapely.linestrings(_corners(parts.cm, begin, some)))
    other = some[other]
    # Nearly all that lies near an end shares its vertex: boxes are asked first, and metres of what is left.
    apart = np.flatnonzero(parts.layer[parts.part[ends[near]]] == parts.layer[other])
    apart = apart[~_pass_through(parts, places, places.of[ends[near[apart]]], other[apart])]
    apart = apart[np.argsort(near[apart], kind="stable")]
    end, other = ends[near[apart]], other[apart]
    points = np.asarray(shapely.points(metres(parts.cm[end])))
    joins = by_rows(_within_join, points, _lines_of(parts, other))
    return end[joins], other[joins]


def _corners(cm: NDArray[np.int64], begin: Ints, some: Ints) -> Floats:
    """(k, 2, 2) the corners of the boxes of `some` parts that follow each other, each box JOIN_M wider on all sides."""
    if not len(some):
        return np.empty((0, 2, 2))
    stop = begin[some[-1] + 1] if some[-1] + 1 < len(begin) else len(cm)
    vertices, starts = metres(cm[begin[some[0]] : stop]), begin[some] - begin[some[0]]
    low, high = np.minimum.reduceat(vertices, starts), np.maximum.reduceat(vertices, starts)
    return np.stack((low - JOIN_M, high + JOIN_M), axis=1)


def _lines_of(parts: _Parts, which: Ints) -> Geometries:
    """(k,) the whole lines of the parts `which` (k,); a part asked for twice is made once."""
    used, place = np.unique(which, return_inverse=True)
    begin, end = np.flatnonzero(parts.first)[used], np.flatnonzero(parts.last)[used]
    return _linestrings(*_along(parts.cm, begin, end))[place]


def _within_join(points: Geometries, lines: Geometries) -> Bools:
    return np.asarray(shapely.dwithin(points, lines, JOIN_M), dtype=bool)


def _pass_through(parts: _Parts, places: _Places, place: Ints, part: Ints) -> Bools:
    """(k,) whether each part has a vertex at the place beside it."""
    found = np.zeros(len(place), dtype=bool)
    left, step = np.arange(len(place)), 0
    while len(left):
        vertex = places.order[places.begin[place[left]] + step]
        hit = parts.part[vertex] == part[left]
        found[left[hit]] = True
        step += 1
        left = left[~hit & (places.uses[place[left]] > step)]
    return found


def _distinct_ends(parts: _Parts, place: Ints) -> Ints:
    """End vertices, one for each place, layer and kind of walk; those of public streets first."""
    ends = np.flatnonzero(parts.first | parts.last)
    part = parts.part[ends]
    ends = ends[np.argsort(parts.private[part], kind="stable")]
    part = parts.part[ends]
    _, level = np.unique(parts.layer[part], return_inverse=True)
    kind = (place[ends] * (level.max(initial=0) + 1) + level) * 2 + parts.private[part]
    _, once = np.unique(kind, return_index=True)
    return ends[np.sort(once)]


def _insert(parts: _Parts, into: Ints, measure: Floats, foot_cm: NDArray[np.int64]) -> _Parts:
    """The parts with the feet as vertices, each where its measure along the part puts it, marked as cuts."""
    if not len(into):
        return parts
    step = np.zeros(len(parts.part))
    step[1:] = np.hypot(*np.diff(parts.xy, axis=0).T)
    step[parts.first] = 0
    along = np.cumsum(step)
    # parts lie one after the other on one axis, a metre apart, so that one sorted search serves all
    start = along[parts.first]
    axis = along + parts.part
    target = np.minimum(start[into] + measure + into, axis[parts.last][into])
    order = np.argsort(target, kind="stable")
    at = np.searchsorted(axis, target[order], side="right")
    # never before a part's first vertex nor after its last: that foot is the end itself
    last = np.flatnonzero(parts.last)[into[order]]
    at = np.clip(at, np.flatnonzero(parts.first)[into[order]] + 1, last + 1)
    return _Parts(
        np.insert(parts.cm, at, foot_cm[order], axis=0),
        np.insert(parts.part, at, into[order]),
        parts.line,
        parts.layer,
        parts.private,
        np.insert(parts.cut, at, np.ones(len(at), dtype=bool)),
    )


def _nodes(parts: _Parts, places: _Places) -> tuple[Ints, NDArray[np.int64]]:
    """(v,) node of each vertex, -1 for vertices inside an edge; (n, 2) places of the nodes in centimetres."""
    is_node = places.uses > 1
    is_node[places.of[parts.first | parts.last | parts.cut]] = True
    number = np.where(is_node, np.cumsum(is_node) - 1, -1)
    return number[places.of], parts.cm[places.order[places.begin[is_node]]]


def _edge_ends(parts: _Parts, node_of: Ints) -> tuple[Ints, Ints]:
    """(e,) vertices at which each edge begins and ends: the parts are cut at their nodes.

    An inner node ends one edge and begins the next.
    """
    at = np.flatnonzero(node_of >= 0)
    whole = parts.part[at[1:]] == parts.part[at[:-1]]
    begin, end = at[:-1][whole], at[1:][whole]
    # every edge runs one way, so that the direction in which a street was drawn moves no digit of any result
    turned = node_of[begin] > node_of[end]
    return np.where(turned, end, begin), np.where(turned, begin, end)


def _along(cm: NDArray[np.int64], begin: Ints, end: Ints) -> tuple[Floats, Ints]:
    """(w, 2) coordinates along each edge, edge by edge, and (e + 1,) where in them each begins, and the last ends."""
    ends = np.concatenate(([0], np.cumsum(np.abs(end - begin) + 1)))
    # vertex by vertex along each edge: one step on or back, and from one edge's end to the next one's begin
    vertex = np.repeat(np.where(begin > end, -1, 1), np.diff(ends))
    vertex[ends[:-1]] = begin - np.concatenate(([0], end[:-1]))
    np.cumsum(vertex, out=vertex)
    return metres(cm[vertex]), ends


def _with_joints(table: EdgeTable, joints: _Joints, node_cm: NDArray[np.int64]) -> EdgeTable:
    """The edges and, for each joint across a gap, an edge of the gap's true length."""
    start, end = _find(node_cm, joints.end_cm), _find(node_cm, joints.foot_cm)
    low, high = np.minimum(start, end), np.maximum(start, end)
    # two ends that face each other make one joint, public if either is; a foot on the end itself makes none
    order = np.argsort(joints.private, kind="stable")
    _, first = np.unique((low * len(node_cm) + high)[order], return_index=True)
    once = order[first]
    once = np.sort(once[start[once] != end[once]])
    xy = metres(np.stack((node_cm[start[once]], node_cm[end[once]]), axis=1)).reshape(-1, 2)
    gaps = _linestrings(xy, 2 * np.arange(len(once) + 1))
    return EdgeTable(
        np.concatenate((table.start, start[once])),
        np.concatenate((table.end, end[once])),
        np.concatenate((table.geometry, gaps)),
        np.concatenate((table.line, joints.line[once])),
        np.concatenate((table.layer, joints.layer[once])),
        np.concatenate((table.private, joints.private[once])),
    )


def _find(node_cm: NDArray[np.int64], cm: NDArray[np.int64]) -> Ints:
    """(j,) node at each place; nodes are numbered in the order of their keys."""
    found: Ints = np.searchsorted(_keys(node_cm), _keys(cm))
    return found
