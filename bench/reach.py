"""Reach on a lattice of a million crossings: ours, the floor (scipy's bare search) and pandana, on the same arrays."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from scipy.sparse.csgraph import dijkstra

from app.network.build import build_network
from app.network.matrix import walk_matrix
from app.network.model import Positions, WalkNetwork
from app.network.reach import distance_at, search
from app.network.snap import build_index, snap
from bench.tools import best_of, peak_gib, race, table

SIZE, BLOCK_M, FACILITIES, LIMIT_M = 1000, 100.0, 2000, 720.0
HOMES = 100_000
PEER_HOME = Path(".bench/pandana")
PEER_LIMIT_S = 1800


def run(peers: bool) -> None:
    """Print reach's figures; `peers` adds pandana's build and query, in an environment of its own (it is AGPL)."""
    rng = np.random.default_rng(2026)
    lines = lattice_lines(SIZE, BLOCK_M, rng)
    started = time.perf_counter()
    network = build_network(lines, np.zeros(len(lines), int), np.full(len(lines), "public"))
    built = time.perf_counter()
    index = build_index(network)
    indexed = time.perf_counter()
    doors = rng.choice(network.nodes, FACILITIES, replace=False)
    ours, floor, rows = _searches(network, index, doors, rng)
    table(
        f"Reach: {network.nodes:,} nodes, {network.edges:,} edges, {FACILITIES:,} facilities, {LIMIT_M:.0f} m",
        [
            ("our build from lines", f"{built - started:8.2f} s"),
            ("our snapping trees", f"{indexed - built:8.2f} s"),
            *rows,
            ("ours ÷ floor", f"{ours / floor:8.2f} ×   (bar: ≤ 2 ×)"),
            ("peak memory", f"{peak_gib():8.2f} GiB (bar: < 2 GiB)"),
        ],
    )
    if peers:
        _beside_pandana(network, doors, rng)


def lattice_lines(size: int, block_m: float, rng: np.random.Generator) -> np.ndarray:
    """A street for each block of a lattice of `size` × `size` crossings, each moved by up to a tenth of a block.

    Blocks all of one length would make every second way as short as the first.
    """
    at = np.arange(size) * block_m
    grid = np.stack(np.meshgrid(at, at, indexing="ij"), -1)
    grid += rng.uniform(-block_m / 10, block_m / 10, grid.shape)
    along = np.stack((grid[:-1].reshape(-1, 2), grid[1:].reshape(-1, 2)), axis=1)
    across = np.stack((grid[:, :-1].reshape(-1, 2), grid[:, 1:].reshape(-1, 2)), axis=1)
    return shapely.linestrings(np.concatenate((along, across)))


def _searches(network: WalkNetwork, index: Any, doors: np.ndarray, rng: np.random.Generator) -> tuple:
    snapped, positions = best_of(1, lambda: snap(index, network.node_xy[doors], 100.0, public_only=True))
    bare = dijkstra(network.matrix, indices=doors, min_only=True, limit=LIMIT_M)
    reach = search(network, positions, LIMIT_M)
    floor, ours = race(
        7,
        lambda: dijkstra(network.matrix, indices=doors, min_only=True, limit=LIMIT_M),
        lambda: search(network, positions, LIMIT_M),
    )
    np.testing.assert_allclose(reach.node_distance_m, bare)
    homes = rng.uniform(0, SIZE * BLOCK_M, (HOMES, 2))
    put, places = best_of(1, lambda: snap(index, homes, 100.0))
    asked, _ = best_of(3, lambda: distance_at(reach, places))
    rows = [
        ("floor: scipy dijkstra(min_only, limit)", f"{floor:8.3f} s"),
        ("ours: search from positions on edges", f"{ours:8.3f} s"),
        (f"  {FACILITIES:,} facilities put on streets", f"{snapped:8.3f} s"),
        (f"  {HOMES:,} homes put on streets", f"{put:8.3f} s"),
        (f"  metres door to door for {HOMES:,} homes", f"{asked:8.3f} s"),
        ("crossings reached, both the same", f"{np.isfinite(bare).sum():8,}"),
    ]
    return ours, floor, rows


def _beside_pandana(network: WalkNetwork, doors: np.ndarray, rng: np.random.Generator) -> None:
    """Both on the lattice with streets of very different length, since on equal blocks pandana's build does not end.

    Its contraction needs some ways to be much better than others: with blocks within a tenth of each other it had not
    ended after 30 minutes.
    """
    varied = winding(network, rng)
    places = at_nodes(varied, doors)
    ours, reach = best_of(7, lambda: search(varied, places, LIMIT_M))
    print("  … pandana is building its network (minutes)", flush=True)
    try:
        peer = _ask_pandana(varied, doors)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"  pandana could not be run: {error}")
        return
    reached = np.isfinite(reach.node_distance_m[: network.nodes]).sum()
    table(
        f"The same crossings with winding streets, beside pandana {peer['version']}",
        [
            ("ours: search", f"{ours:8.3f} s"),
            ("its build", f"{peer['build_s']:8.2f} s"),
            ("its query", f"{peer['query_s']:8.3f} s"),
            ("its query ÷ our search", f"{peer['query_s'] / ours:8.1f} ×   (bar: ≥ 20 ×)"),
            (
                "its build + query ÷ our search",
                f"{(peer['build_s'] + peer['query_s']) / ours:8.0f} ×   (bar: ≥ 500 ×)",
            ),
            ("crossings reached: ours, its (720 m sharp means not)", f"{reached:,}, {peer['reached']:,}"),
        ],
    )


def winding(network: WalkNetwork, rng: np.random.Generator) -> WalkNetwork:
    """The network with streets three times as long on average, some hardly longer and some many times."""
    metres = network.edge_length_m * (1 + rng.lognormal(0.0, 1.2, network.edges))
    _, matrix = walk_matrix(network.nodes, network.edge_from, network.edge_to, metres, network.edge_private)
    return replace(network, edge_length_m=metres, matrix=matrix)


def at_nodes(network: WalkNetwork, nodes: np.ndarray) -> Positions:
    """Positions (k,) at nodes (k,): the end of a street that lies there."""
    ends = np.concatenate((network.edge_from, network.edge_to))
    known, first = np.unique(ends, return_index=True)
    place = first[np.searchsorted(known, nodes)]
    edge = place % network.edges
    offset = np.where(place < network.edges, 0.0, network.edge_length_m[edge])
    return Positions(edge, offset, np.zeros(len(nodes)))


def _ask_pandana(network: WalkNetwork, doors: np.ndarray) -> dict[str, Any]:
    python = PEER_HOME / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    if not python.exists():
        subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(PEER_HOME)], check=True)
        subprocess.run([*uv, "pip", "install", "-q", "--python", str(python), "pandana==0.8"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "network.npz"
        np.savez(
            arrays,
            xy=network.node_xy,
            start=network.edge_from,
            end=network.edge_to,
            metres=network.edge_length_m,
            doors=doors,
            limit=LIMIT_M,
        )
        script = Path(__file__).with_name("pandana_peer.py")
        answer = subprocess.run(
            [str(python), str(script), str(arrays)], check=True, capture_output=True, timeout=PEER_LIMIT_S
        )
    # its library prints progress before our one line of JSON, without ending the line
    return json.loads(answer.stdout[answer.stdout.rindex(b"{") :])
