"""Areas of four levels, made of whole superblocks: district, subdistrict, community, so that they nest exactly."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from app.sample.draw import Bools, Floats, Ints, Shapes
from app.sample.lattice import Lattice
from app.sample.parameters import Parameters


@dataclass(frozen=True)
class Divisions:
    """Per superblock (−1 outside): district, subdistrict and community numbers; `parent_*` give the level above."""

    district: Ints
    subdistrict: Ints
    community: Ints
    parent_of_subdistrict: Ints
    parent_of_community: Ints
    old: Bools
    built: Bools


def old_town(lattice: Lattice, parameters: Parameters) -> Bools:
    """The superblocks of the old districts: those east of the river nearest their seeds, up to their area."""
    wanted = parameters["old_districts"]["m2"]
    seeds = np.asarray(parameters["old_districts"]["seeds"], dtype=float) + lattice.warp.origin
    far = np.min(np.linalg.norm(lattice.centre[:, None] - seeds, axis=2), axis=1)
    east = np.arange(len(far)) % lattice.columns >= parameters["river"]["middle"]
    far[~(lattice.inside & east)] = np.inf
    order = np.argsort(far, kind="stable")
    total = np.cumsum(lattice.area_m2[order])
    count = int(np.argmin(np.abs(total - wanted))) + 1
    old = np.zeros(len(far), bool)
    old[order[:count]] = True
    return old


def built_up(lattice: Lattice, old: Bools, parameters: Parameters) -> Bools:
    """The land superblocks of the built-up area: the old town, then the nearest to the centre, up to its size."""
    centre = lattice.centre - np.asarray(lattice.warp.origin)
    noise = parameters.rng("built-up").normal(0, 0.06, len(centre))
    far = np.hypot(centre[:, 0] / 1.1, centre[:, 1]) * (1 + noise)
    far[old] = -1
    far[~lattice.inside | lattice.water] = np.inf
    order = np.argsort(far, kind="stable")
    total = np.cumsum(np.where(np.isfinite(far[order]), lattice.area_m2[order], 0))
    built = np.zeros(len(far), bool)
    built[order[: int(np.searchsorted(total, parameters["built_up_m2"])) + 1]] = True
    return np.asarray(built & np.isfinite(far))


def divide(lattice: Lattice, old: Bools, built: Bools, parameters: Parameters) -> Divisions:
    """Share the city's superblocks out among districts, subdistricts and communities, each in one piece."""
    graph = _graph(lattice, parameters)
    district = _districts(lattice, graph, old, parameters)
    weight = np.where(lattice.water, 0.0, np.where(built, 1.0, 0.45))
    subdistrict, of_district = _split(lattice, graph, district, parameters["subdistricts"], weight)
    weight = np.where(lattice.water, 0.0, np.where(old, 1.6, np.where(built, 1.0, 0.35)))
    community, of_subdistrict = _split(lattice, graph, subdistrict, parameters["communities"], weight)
    return Divisions(district, subdistrict, community, of_district, of_subdistrict, old, built)


def _graph(lattice: Lattice, parameters: Parameters) -> csr_array:
    """Superblocks that touch, with the distance of their centres; the river is a border."""
    a, b, side = lattice.neighbours()
    middle = parameters["river"]["middle"]
    across = (a % lattice.columns == middle - 1) & (b == a + 1)
    keep = lattice.inside[a] & lattice.inside[b] & ~across & (side > 0)
    a, b = a[keep], b[keep]
    far = np.linalg.norm(lattice.centre[a] - lattice.centre[b], axis=1)
    n = len(lattice.inside)
    return csr_array(
        (np.concatenate([far, far]), (np.concatenate([a, b]), np.concatenate([b, a]))), shape=(n, n)
    )


def _districts(lattice: Lattice, graph: csr_array, old: Bools, parameters: Parameters) -> Ints:
    district = np.full(len(old), -1)
    entries = parameters["districts"]
    for is_old in (True, False):
        numbers = [k for k, entry in enumerate(entries) if entry["old"] is is_old]
        members = lattice.inside & (old == is_old)
        if not numbers:
            continue
        places = np.array([entries[k]["seed"] for k in numbers], dtype=float) + lattice.warp.origin
        grown = _grow(lattice, graph, members, _nearest_members(lattice, members & ~lattice.water, places))
        district[members] = np.asarray(numbers)[grown[members]]
    return district


def _nearest_members(lattice: Lattice, members: Bools, places: Floats) -> Ints:
    far = np.linalg.norm(lattice.centre[None] - places[:, None], axis=2)
    far[:, ~members] = np.inf
    return np.asarray(np.argmin(far, axis=1))


def _grow(lattice: Lattice, graph: csr_array, members: Bools, seeds: Ints) -> Ints:
    """Number of the seed whose area each member joins: nearest along touching members, else in a straight line."""
    inner = np.flatnonzero(members)
    at = np.searchsorted(inner, seeds)
    sub = graph[inner][:, inner]
    far, _, source = dijkstra(sub, indices=at, min_only=True, return_predecessors=True)
    number = np.full(len(inner), -1)
    number[at] = np.arange(len(at))
    found = np.isfinite(far)
    number[found] = number[source[found]]
    straight = np.linalg.norm(lattice.centre[inner[~found], None] - lattice.centre[seeds], axis=2)
    number[~found] = np.argmin(straight, axis=1) if len(straight) else 0
    result = np.full(len(members), -1)
    result[inner] = number
    return result


def _split(lattice: Lattice, graph: csr_array, parent: Ints, total: int, weight: Floats) -> tuple[Ints, Ints]:
    """Split every parent area into parts, about `total` in all by weight; numbers and the parent of each part."""
    parents = np.unique(parent[parent >= 0])
    heavy = np.array([weight[parent == p].sum() for p in parents])
    number = np.full(len(parent), -1)
    parent_of: list[int] = []
    for p, share in zip(parents, heavy / heavy.sum() * total, strict=True):
        members = parent == p
        land = members & ~lattice.water
        count = int(np.clip(round(share), 1, max(1, land.sum())))
        seeds = _spread(lattice.centre, np.flatnonzero(land if land.any() else members), count, weight)
        number[members] = len(parent_of) + _grow(lattice, graph, members, seeds)[members]
        parent_of += [int(p)] * count
    return number, np.asarray(parent_of)


def _spread(centre: Floats, members: Ints, count: int, weight: Floats) -> Ints:
    """`count` members far from each other (farthest-point sampling; heavy ones count as farther)."""
    places = centre[members]
    pull = np.sqrt(weight[members] + 1e-9)
    first = int(np.argmin(np.linalg.norm(places - places.mean(axis=0), axis=1)))
    chosen = [first]
    far = np.linalg.norm(places - places[first], axis=1)
    while len(chosen) < count:
        chosen.append(int(np.argmax(far * pull)))
        far = np.minimum(far, np.linalg.norm(places - places[chosen[-1]], axis=1))
    return members[chosen]


def dissolve(lattice: Lattice, number: Ints) -> Shapes:
    """The polygon of each number 0 … max: its superblocks joined along their shared vertices."""
    order = np.argsort(number, kind="stable")
    order = order[number[order] >= 0]
    starts = np.searchsorted(number[order], np.arange(number.max() + 2))
    return np.array(
        [shapely.coverage_union_all(lattice.shapes[order[a:b]]) for a, b in pairwise(starts)],
        dtype=object,
    )
