"""Walks counted by rustworkx on a graph of its own: every vertex a node, every segment an edge, nothing of ours."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import rustworkx as rx
import shapely

from app.inventory.arrays import read_arrays

#: As the engine documents: lines that end so near another one join it; parts of the network below this are not used.
JOIN_M = 0.5
LEAST_PART_M = 300.0


def streets_walked(conn, catalogue, crs, window=None):
    """The walks over the streets in service of a database, or those that touch a window in metres."""
    fields = ["walk", "layer", "kind"]
    rows = read_arrays(
        conn, catalogue, "streets", fields, {"state": ("in_service", None)}, crs, incomplete=True
    )
    here = np.full(len(rows), True) if window is None else shapely.intersects(rows.geometry, window)
    walk, kind, layer = (rows.columns[name][here] for name in fields[:1] + fields[2:] + fields[1:2])
    words = [w or ("no" if k == "expressway" else "public") for w, k in zip(walk, kind, strict=True)]
    return Walks(rows.geometry[here], words, [number or 0 for number in layer])


class Walks:
    """The streets (n,) in metres, with the word `walk` of each, as a directed graph in which one may leave private
    ways but not enter them."""

    def __init__(self, lines, words, layers) -> None:
        self.graph, self.node = rx.PyDiGraph(), {}
        self.segments, self.ends, self.parts, self.part_of = [], [], [], []
        self._add_lines(lines, words, layers)
        self._join_ends()
        self._drop_small_parts()
        self.shapes = np.array([shapely.LineString(ends) for ends, *_ in self.segments], dtype=object)
        self.tree = shapely.STRtree(self.shapes)

    def _node(self, kind, point) -> int:
        if (kind, point) not in self.node:
            self.node[kind, point] = self.graph.add_node((kind, point))
        return self.node[kind, point]

    def _add_lines(self, lines, words, layers) -> None:
        for line, word, layer in zip(lines, words, layers, strict=True):
            if word == "no":
                continue
            for part in shapely.get_parts(line).tolist():
                points = [tuple(np.round(point, 2)) for point in part.coords]
                self.ends += [(word, points[0], layer), (word, points[-1], layer)]
                steps = [((a, b), word, layer) for a, b in itertools.pairwise(points) if a != b]
                self.part_of += [len(self.parts)] * len(steps)
                self.segments += steps
                self.parts.append(set(points))

    def _join_ends(self) -> None:
        """Segments are cut where another line of their layer ends within half a metre without sharing a vertex."""
        shapes = np.array([shapely.LineString(ends) for ends, *_ in self.segments], dtype=object)
        points = shapely.points(np.array([end[1] for end in self.ends]))
        end, segment = shapely.STRtree(shapes).query(points, predicate="dwithin", distance=JOIN_M)
        nearest = {}
        for e, s in zip(end.tolist(), segment.tolist(), strict=True):
            point, layer, part = *self.ends[e][1:], self.part_of[s]
            if layer == self.segments[s][2] and point not in self.parts[part]:
                found = (shapes[s].distance(points[e]), s, e)
                nearest[point, part] = min(found, nearest.get((point, part), found))
        cuts, links = {}, []
        for _, s, e in nearest.values():
            along = shapes[s].project(points[e])
            foot = tuple(np.round(shapes[s].interpolate(along).coords[0], 2))
            cuts.setdefault(s, []).append((along, foot))
            both = {self.ends[e][0], self.segments[s][1]}
            links.append(((self.ends[e][1], foot), "private" if "private" in both else "public", None))
        kept = []
        for s, (ends, kind, layer) in enumerate(self.segments):
            stops = [ends[0], *(foot for _, foot in sorted(cuts.get(s, []))), ends[1]]
            kept += [((a, b), kind, layer) for a, b in itertools.pairwise(stops) if a != b]
        self.segments = kept + [link for link in links if link[0][0] != link[0][1]]

    def _drop_small_parts(self) -> None:
        """Mapping artefacts are not snapped to, as the engine documents."""
        whole, number = rx.PyGraph(), {}
        for ends, *_ in self.segments:
            for point in ends:
                if point not in number:
                    number[point] = whole.add_node(point)
        whole.add_edges_from_no_data([(number[a], number[b]) for (a, b), *_ in self.segments])
        part_of = {whole[i]: part for part, found in enumerate(rx.connected_components(whole)) for i in found}
        metres = Counter()
        for (a, b), *_ in self.segments:
            metres[part_of[a]] += float(np.hypot(a[0] - b[0], a[1] - b[1]))
        gone = {point for point, part in part_of.items() if metres[part] < LEAST_PART_M}
        self.segments = [found for found in self.segments if found[0][0] not in gone]
        for (a, b), kind, _ in self.segments:
            i, j = self._node(kind, a), self._node(kind, b)
            metres = float(np.hypot(a[0] - b[0], a[1] - b[1]))
            self.graph.add_edges_from([(i, j, metres), (j, i, metres)])
        for (kind, point), i in list(self.node.items()):
            if kind == "private" and ("public", point) in self.node:
                self.graph.add_edge(i, self.node["public", point], 0.0)

    def hang(self, point, limit_m, *, public=False):
        """A new node at a point, joined to both ends of the nearest segment; None where that is too far."""
        chosen = [i for i in self.tree.query(point, predicate="dwithin", distance=limit_m).tolist()
                  if not public or self.segments[i][1] == "public"]  # fmt: skip
        if not chosen:
            return None
        nearest = min(chosen, key=lambda i: self.shapes[i].distance(point))
        (a, b), kind, _ = self.segments[nearest]
        shape = self.shapes[nearest]
        step, along = shape.distance(point), shape.project(point)
        new = self.graph.add_node(point)
        for end, metres in ((a, along), (b, shape.length - along)):
            i = self.node[kind, end]
            self.graph.add_edges_from([(new, i, step + metres), (i, new, step + metres)])
        return new, nearest, along, step

    def metres(self, starts, doors):
        """Metres (k,) from each start to the nearest door, both as `hang` gives them; inf where there is no way."""
        hub = self.graph.add_node("all doors")
        for door in doors:
            self.graph.add_edge(door[0], hub, 0.0)
        self.graph.reverse()
        far = rx.dijkstra_shortest_path_lengths(self.graph, hub, float)
        self.graph.reverse()
        found = np.array([np.inf if s is None or s[0] not in far else far[s[0]] for s in starts])
        for i, start in enumerate(starts):
            same = [d for d in doors if start is not None and d[1] == start[1]]
            direct = [abs(d[2] - start[2]) + d[3] + start[3] for d in same]
            found[i] = min([found[i], *direct])
        return found
