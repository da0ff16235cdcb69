"""NetworkX and rustworkx walk the same streets and must find the same metres."""

import networkx as nx
import numpy as np
import pytest
import rustworkx as rx

from app.network.build import build_network
from app.network.reach import distance_at, search, source_at
from app.network.snap import build_index, snap
from tests.network.town import graph, random_streets


def town(seed, words):
    lines, walk = random_streets(seed)
    walk = walk if words else np.full(len(lines), "public")
    return lines, walk, build_network(lines, np.zeros(len(lines), int), walk)


@pytest.mark.parametrize("seed", range(6))
def test_node_distances_agree_with_networkx(seed):
    lines, _, net = town(seed, words=False)
    sources = np.arange(0, net.nodes, 17)
    positions = snap(build_index(net, 0), net.node_xy[sources], 1)
    ours = search(net, positions).node_distance_m
    corner = [tuple(xy) for xy in net.node_xy]
    theirs = nx.multi_source_dijkstra_path_length(graph(lines), {corner[i] for i in sources}, weight="weight")
    assert ours == pytest.approx([theirs.get(xy, np.inf) for xy in corner], abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_places_on_edges_agree_with_rustworkx(seed):
    """The oracle cuts every street at every place; ours adds offsets."""
    _, _, net = town(seed, words=False)
    rng = np.random.default_rng(seed)
    index = build_index(net, 0)
    doors = snap(index, rng.uniform(0, 1000, (5, 2)), 500)
    homes = snap(index, rng.uniform(0, 1000, (40, 2)), 500)
    edge, offset = np.concatenate((doors.edge, homes.edge)), np.concatenate((doors.offset_m, homes.offset_m))
    oracle = rx.PyGraph()
    oracle.add_nodes_from(range(net.nodes + len(edge)))
    for e in range(net.edges):
        here = np.flatnonzero(edge == e)
        here = here[np.argsort(offset[here])]
        stops = [net.edge_from[e], *(net.nodes + here), net.edge_to[e]]
        marks = [0.0, *offset[here], net.edge_length_m[e]]
        for k in range(len(stops) - 1):
            oracle.add_edge(int(stops[k]), int(stops[k + 1]), marks[k + 1] - marks[k])
    reach = search(net, doors, with_source=True)
    ours, nearest = distance_at(reach, homes), source_at(reach, homes)
    for h in range(len(homes)):
        far = rx.dijkstra_shortest_path_lengths(oracle, net.nodes + len(doors) + h, edge_cost_fn=float)
        walks = [far[net.nodes + d] + doors.snap_m[d] if net.nodes + d in far else np.inf for d in range(5)]
        assert ours[h] == pytest.approx(min(walks) + homes.snap_m[h], abs=1e-6)
        assert nearest[h] == (int(np.argmin(walks)) if np.isfinite(min(walks)) else -1)


@pytest.mark.parametrize("seed", range(6))
def test_private_streets_agree_with_two_searches_of_networkx(seed):
    """Leaving first by private streets, then walking public ones, as two graphs."""
    lines, walk, net = town(seed, words=True)
    index = build_index(net, 0)
    doors = snap(index, np.random.default_rng(seed).uniform(0, 1000, (4, 2)), 500, public_only=True)
    reach = search(net, doors)
    ours = reach.node_distance_m[: net.nodes]
    copy = net.private_node
    leaving = np.minimum(ours, np.where(copy >= 0, reach.node_distance_m[copy], np.inf))
    theirs = dict.fromkeys(map(tuple, net.node_xy), np.inf)
    for d in range(len(doors)):
        walks = walks_from(graph(lines, walk), net, doors, d)
        theirs |= {
            corner: min(theirs[corner], metres) for corner, metres in walks.items() if corner in theirs
        }
    corners = [tuple(xy) for xy in net.node_xy]
    assert ours == pytest.approx([theirs[xy] for xy in corners], abs=1e-6)
    private = graph(lines, np.where(walk == "private", "public", "no"))
    private.add_nodes_from(corners)
    for i, xy in enumerate(corners):
        ways = nx.single_source_dijkstra_path_length(private, xy, weight="weight")
        assert leaving[i] == pytest.approx(
            min(metres + theirs[exit_] for exit_, metres in ways.items()), abs=1e-6
        )


def walks_from(public, net, doors, d):
    edge, snap_m = doors.edge[d], doors.snap_m[d]
    steps = ((net.edge_from, doors.offset_m[d]), (net.edge_to, net.edge_length_m[edge] - doors.offset_m[d]))
    found = {}
    for side, step in steps:
        corner = tuple(net.node_xy[side[edge]])
        for xy, metres in nx.single_source_dijkstra_path_length(public, corner, weight="weight").items():
            found[xy] = min(found.get(xy, np.inf), metres + step + snap_m)
    return found
