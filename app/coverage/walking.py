"""Walked coverage: metres door to door for pieces of land and for people, counted by the lattice rule.

From a point in a piece one walks straight to the estate's access points, then along streets to an entrance. A piece
within the limit counts with its part inside the straight-line service area, so that walking never serves more.
"""

from __future__ import annotations

import numpy as np
import shapely

from app.coverage.access import AccessPoints
from app.coverage.lattice import Pieces
from app.network.model import Floats, Geometries, Ints
from app.network.reach import Reach, distance_at, source_at
from app.network.snap import SnapIndex, snap

PAIRS_AT_ONCE = 4_000_000


def piece_distance(
    pieces: Pieces, demand: AccessPoints, reach: Reach, supply: AccessPoints, parcels: Geometries
) -> Floats:
    """(p,) metres walked from each piece to the nearest facility, inf beyond the search's limit.

    `demand` access points of the `parcels` (u,) that the pieces were cut from; `reach` the search from `supply`'s
    positions. An entrance inside the parcel itself is also reached straight.
    """
    return piece_nearest(pieces, demand, reach, supply, parcels)[0]


def piece_nearest(
    pieces: Pieces, demand: AccessPoints, reach: Reach, supply: AccessPoints, parcels: Geometries
) -> tuple[Floats, Ints]:
    """As `piece_distance`, and (p,) the index in `supply` of the entrance, -1 where none is reached.

    The index is known only after a search `with_source`; without it, only for entrances inside the parcel.
    """
    inside, home = shapely.STRtree(parcels).query(shapely.points(supply.xy), predicate="intersects")
    xy = np.concatenate((demand.xy, supply.xy[inside]))
    owner = np.concatenate((demand.owner, home.astype(np.int64)))
    onward = np.concatenate((distance_at(reach, demand.positions), supply.lead_m[inside]))
    entrance = np.concatenate((_sources(reach, demand), inside.astype(np.int64)))
    alive = onward <= reach.limit_m
    order = np.flatnonzero(alive)[np.argsort(owner[alive], kind="stable")]
    distance, best = _shortest(pieces, xy[order], owner[order], onward[order])
    beyond = ~(distance <= reach.limit_m)
    distance[beyond] = np.inf
    exits = entrance[order]
    source = exits[best] if len(exits) else np.full(len(pieces), -1, dtype=np.int64)
    return distance, np.where(beyond, -1, source)


def centre_distance(xy: Floats, index: SnapIndex, reach: Reach, snap_limit_m: float) -> Floats:
    """(k,) metres walked from each point `xy` (k, 2), put on its nearest street, to the nearest facility, else inf."""
    return distance_at(reach, snap(index, xy, snap_limit_m))


def _sources(reach: Reach, demand: AccessPoints) -> Ints:
    if reach.node_source is None:
        return np.full(len(demand), -1, dtype=np.int64)
    return source_at(reach, demand.positions)


def _shortest(pieces: Pieces, xy: Floats, owner: Ints, onward_m: Floats) -> tuple[Floats, Ints]:
    """(p,) the least of straight metres to an exit plus its metres onward, and (p,) that exit (0 where none).

    Exits `xy` (k, 2) are ordered by `owner`; pairs are worked through in blocks that fit into memory.
    """
    distance, best = np.full(len(pieces), np.inf), np.zeros(len(pieces), dtype=np.int64)
    first = np.searchsorted(owner, pieces.owner, side="left")
    count = np.searchsorted(owner, pieces.owner, side="right") - first
    block = np.cumsum(count) // PAIRS_AT_ONCE
    for chosen in np.split(np.arange(len(pieces)), np.flatnonzero(np.diff(block)) + 1):
        some = chosen[count[chosen] > 0]
        if len(some):
            distance[some], best[some] = _block(pieces.xy[some], xy, onward_m, first[some], count[some])
    return distance, best


def _block(start: Floats, xy: Floats, onward_m: Floats, first: Ints, count: Ints) -> tuple[Floats, Ints]:
    begins = np.cumsum(count) - count
    piece = np.repeat(np.arange(len(count)), count)
    target = np.repeat(first - begins, count) + np.arange(len(piece))
    metres = np.hypot(*(start[piece] - xy[target]).T) + onward_m[target]
    least = np.minimum.reduceat(metres, begins)
    hit = np.flatnonzero(metres == least[piece])[::-1]
    best = np.zeros(len(count), dtype=np.int64)
    best[piece[hit]] = target[hit]
    return least, best
