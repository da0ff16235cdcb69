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
from app.network.reach import Reach, nearest_at
from app.network.snap import SnapIndex, snap

PAIRS_AT_ONCE = 4_000_000


def piece_nearest(
    pieces: Pieces, demand: AccessPoints, reach: Reach, supply: AccessPoints, parcels: Geometries
) -> tuple[Floats, Ints]:
    """(p,) metres walked from each piece to the nearest facility, inf beyond the search's limit, and its entrance.

    `demand` access points of the `parcels` (u,) that the pieces were cut from; `reach` the search from `supply`'s
    positions. An entrance inside the parcel itself is also reached straight. The entrance (p,) is an index in `supply`,
    -1 where none is reached; after a search without sources it is known only inside the parcel.
    """
    # Of a few parcels most of the city's entrances lie far away.
    box = shapely.bounds(parcels)
    low = np.fmin.reduce(box[:, :2], axis=0, initial=np.inf)
    high = np.fmax.reduce(box[:, 2:], axis=0, initial=-np.inf)
    close = np.flatnonzero(((supply.xy >= low) & (supply.xy <= high)).all(axis=1))
    point, home = shapely.STRtree(parcels).query(shapely.points(supply.xy[close]), predicate="intersects")
    inside = close[point]
    xy = np.concatenate((demand.xy, supply.xy[inside]))
    owner = np.concatenate((demand.owner, home.astype(np.int64)))
    metres, door = nearest_at(reach, demand.positions)
    onward = np.concatenate((metres, supply.lead_m[inside]))
    entrance = np.concatenate((door, inside.astype(np.int64)))
    alive = onward <= reach.limit_m
    order = np.flatnonzero(alive)[np.argsort(owner[alive], kind="stable")]
    distance, best = _shortest(pieces, xy[order], owner[order], onward[order])
    beyond = ~(distance <= reach.limit_m)
    distance[beyond] = np.inf
    exits = entrance[order]
    source = exits[best] if len(exits) else np.full(len(pieces), -1, dtype=np.int64)
    return distance, np.where(beyond, -1, source)


def centre_nearest(xy: Floats, index: SnapIndex, reach: Reach, snap_limit_m: float) -> tuple[Floats, Ints]:
    """(k,) metres walked from each point `xy` (k, 2), put on its nearest street, to the nearest facility, else inf.

    And (k,) the index of its entrance after a search `with_source`, else -1.
    """
    return nearest_at(reach, snap(index, xy, snap_limit_m))


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
