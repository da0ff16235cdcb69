"""Drawn towns for the tests: lattices, random street nets and an independent graph of the same streets."""

from __future__ import annotations

import networkx as nx
import numpy as np
import shapely

from app.network.build import build_network
from app.network.model import WalkNetwork


def network(*streets: list, layer=None, walk=None) -> WalkNetwork:
    """The network of streets given as lists of coordinates."""
    lines = np.array([shapely.LineString(street) for street in streets], dtype=object)
    layers = np.zeros(len(lines), int) if layer is None else np.array(layer)
    words = np.full(len(lines), "public") if walk is None else np.array(walk)
    return build_network(lines, layers, words)


def lattice_lines(size: int, block_m: float = 100.0, whole: bool = False) -> np.ndarray:
    """The streets of `size` × `size` crossings, `whole` from edge to edge of town or a line for each block."""
    at = np.arange(size) * block_m
    if whole:
        along = [shapely.LineString([(x, y) for y in at]) for x in at]
        across = [shapely.LineString([(x, y) for x in at]) for y in at]
        return np.array(along + across, dtype=object)
    grid = np.stack(np.meshgrid(at, at, indexing="ij"), -1)
    along = np.stack((grid[:-1].reshape(-1, 2), grid[1:].reshape(-1, 2)), axis=1)
    across = np.stack((grid[:, :-1].reshape(-1, 2), grid[:, 1:].reshape(-1, 2)), axis=1)
    return shapely.linestrings(np.concatenate((along, across)))


def lattice(size: int, block_m: float = 100.0, whole: bool = False) -> WalkNetwork:
    lines = lattice_lines(size, block_m, whole)
    return build_network(lines, np.zeros(len(lines), int), np.full(len(lines), "public"))


def random_streets(seed: int, nodes: int = 60, extent_m: float = 1000.0):
    """Straight streets between random corners (3 to the nearest each), some private: lines and walk words.

    No street passes within a metre of a corner that is not its own, so that none is joined there.
    """
    rng = np.random.default_rng(seed)
    xy = np.unique(np.round(rng.uniform(0, extent_m, (nodes, 2)), 1), axis=0)
    far = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    near = np.argsort(far, axis=1)[:, 1:4]
    pairs = {(min(a, b), max(a, b)) for a in range(len(xy)) for b in near[a]}
    lines = np.array([shapely.LineString(xy[list(pair)]) for pair in sorted(pairs)], dtype=object)
    street, _ = shapely.STRtree(shapely.points(xy)).query(lines, predicate="dwithin", distance=1.0)
    lines = lines[np.bincount(street, minlength=len(lines)) == 2]
    walk = np.where(rng.random(len(lines)) < 0.15, "private", "public")
    return lines, walk


def graph(lines, walk=None) -> nx.Graph:
    """The same streets for NetworkX: corners are coordinates, `walk` public edges only where words are given."""
    made = nx.Graph()
    for i, line in enumerate(lines):
        if walk is not None and walk[i] != "public":
            continue
        for a, b in zip(line.coords[:-1], line.coords[1:], strict=True):
            made.add_edge(a, b, weight=shapely.Point(a).distance(shapely.Point(b)))
    return made
