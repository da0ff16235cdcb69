"""Where one enters and leaves: gates where they are known, else boundary points near a street, else the nearest one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from app.network.model import Bools, Floats, Geometries, Ints, Positions
from app.network.snap import SnapIndex, snap

BOUNDARY_STEP_M = 20.0


@dataclass(frozen=True, slots=True)
class AccessPoints:
    """Places between sites (parks, toilets, estates) and streets, `k` of them, ordered by owner.

    Attributes:
        xy: (k, 2) metres.
        owner: (k,) index of the site.
        origin: (k,) `gate` (surveyed), `boundary` (derived) or `self` (the site is a point).
        lead_m: (k,) metres from a gate to the site's geometry, 0 where it lies on or in it.
        positions: (k,) places on the streets; every one is found.
    """

    xy: Floats
    owner: Ints
    origin: NDArray[np.str_]
    lead_m: Floats
    positions: Positions

    def __len__(self) -> int:
        return len(self.owner)


def access_points(
    sites: Geometries,
    gates_xy: Floats,
    gate_owner: Ints,
    index: SnapIndex,
    *,
    snap_limit_m: float,
    gate_search_m: float = 30.0,
    public_only: bool,
) -> AccessPoints:
    """The access points of each site (u,): points, lines or polygons, metric CRS. A site without any is not reached.

    `gates_xy` (g, 2) and `gate_owner` (g,) known gates (owner -1: nobody's). A site with a gate that has a street
    within `snap_limit_m` has its gates only; another its boundary points, taken every 20 m, with a street within
    `gate_search_m`; failing these, its boundary point nearest to a street within `snap_limit_m`. Facilities are
    entered from public streets (`public_only`), homes are also left by private ones.
    """
    gates = _gates(sites, gates_xy, gate_owner, index, snap_limit_m, public_only)
    others = np.setdiff1d(np.arange(len(sites)), gates.owner)
    derived = _derived(sites, others, index, snap_limit_m, gate_search_m, public_only)
    both = _join(gates, derived)
    return _take(both, np.argsort(both.owner, kind="stable"))


def of_sites(points: AccessPoints, chosen: Bools) -> AccessPoints:
    """The access points of the `chosen` of all sites (u,), their owners numbered among these."""
    found = _take(points, np.flatnonzero(chosen[points.owner]))
    return replace(found, owner=(np.cumsum(chosen) - 1)[found.owner])


def without_sites(points: AccessPoints, gone: Bools) -> AccessPoints:
    """The access points of all sites (u,) but those that are `gone`."""
    return _take(points, np.flatnonzero(~gone[points.owner])) if gone.any() else points


def boundary_points(sites: Geometries, step_m: float = BOUNDARY_STEP_M) -> tuple[Floats, Ints]:
    """(k, 2) points at most `step_m` metres apart along each site's outer boundary (a line: along it; a point:
    itself), and (k,) the site's index.
    """
    parts, owner = shapely.get_parts(sites, return_index=True)
    parts, owner = parts[~shapely.is_empty(parts)], owner[~shapely.is_empty(parts)]
    dimension = shapely.get_dimensions(parts)
    line = parts.copy()
    line[dimension == 2] = shapely.get_exterior_ring(parts[dimension == 2])
    count = np.maximum(np.ceil(shapely.length(line) / step_m).astype(np.int64), 1)
    # an open line has one point more than steps: both its ends
    count += dimension == 1
    begins = np.cumsum(count) - count
    which = np.repeat(np.arange(len(line)), count)
    step = np.arange(len(which)) - begins[which]
    share = step / np.maximum(count - (dimension == 1), 1)[which]
    return _along(line, which, share), owner[which].astype(np.int64)


def _along(lines: Geometries, which: Ints, share: Floats) -> Floats:
    """(k, 2) the place at a share (k,) of the length of the line `which` (k,); a point is its own.

    All by one search among the vertices: asking each place for itself would walk a forest's border from its start every
    time.
    """
    xy, line = shapely.get_coordinates(lines, return_index=True)
    steps = np.hypot(*np.diff(xy, axis=0).T)
    steps[np.diff(line) > 0] = 0.0
    metres = np.concatenate(([0.0], np.cumsum(steps)))
    first = np.searchsorted(line, np.arange(len(lines)))
    last = np.append(first[1:], len(line)) - 1
    length = metres[last] - metres[first]
    target = metres[first[which]] + share * length[which]
    before = np.searchsorted(metres, target, side="right") - 1
    before = np.clip(before, first[which], np.maximum(last[which] - 1, first[which]))
    after = np.minimum(before + 1, last[which])
    step = metres[after] - metres[before]
    part = np.divide(target - metres[before], step, out=np.zeros(len(which)), where=step > 0)
    return np.asarray(xy[before] + (xy[after] - xy[before]) * np.clip(part, 0.0, 1.0)[:, None])


def _gates(
    sites: Geometries,
    xy: Floats,
    owner: Ints,
    index: SnapIndex,
    limit_m: float,
    public_only: bool,
) -> AccessPoints:
    known = np.flatnonzero(np.asarray(owner) >= 0)
    xy, owner = np.asarray(xy, dtype=np.float64).reshape(-1, 2)[known], np.asarray(owner, np.int64)[known]
    lead = shapely.distance(shapely.points(xy), sites[owner]) if len(owner) else np.empty(0)
    origin = np.full(len(owner), "gate", dtype="U8")
    return _found(AccessPoints(xy, owner, origin, lead, snap(index, xy, limit_m, public_only)))


def _derived(
    sites: Geometries,
    which: Ints,
    index: SnapIndex,
    limit_m: float,
    search_m: float,
    public_only: bool,
) -> AccessPoints:
    """Access points of sites without gates: points themselves, boundary points near a street, or the nearest one."""
    xy, part = boundary_points(sites[which])
    owner = which[part]
    is_point = shapely.get_dimensions(sites[owner]) == 0
    near = snap(index, xy, search_m, public_only)
    served = np.zeros(len(sites), dtype=bool)
    served[owner[near.found]] = True
    far = np.flatnonzero(~served[owner])
    if limit_m > search_m and len(far):
        _fall_back(near, far, owner, snap(index, xy[far], limit_m, public_only))
    near_enough = near.snap_m <= limit_m
    origin = np.where(is_point, "self", "boundary").astype("U8")
    points = AccessPoints(xy, owner, origin, np.zeros(len(owner)), near)
    return _take(points, np.flatnonzero(near_enough))


def _fall_back(near: Positions, far: Ints, owner: Ints, wide: Positions) -> None:
    """Gives each site without a near street its one boundary point nearest to any (written into `near`)."""
    order = np.lexsort((wide.snap_m, owner[far]))
    _, first = np.unique(owner[far][order], return_index=True)
    best = order[first]
    near.edge[far[best]] = wide.edge[best]
    near.offset_m[far[best]] = wide.offset_m[best]
    near.snap_m[far[best]] = wide.snap_m[best]


def _found(points: AccessPoints) -> AccessPoints:
    return _take(points, np.flatnonzero(points.positions.found))


def _take(points: AccessPoints, which: Ints) -> AccessPoints:
    return AccessPoints(
        points.xy[which],
        points.owner[which],
        points.origin[which],
        points.lead_m[which],
        points.positions.take(which),
    )


def _join(a: AccessPoints, b: AccessPoints) -> AccessPoints:
    positions = Positions(
        np.concatenate((a.positions.edge, b.positions.edge)),
        np.concatenate((a.positions.offset_m, b.positions.offset_m)),
        np.concatenate((a.positions.snap_m, b.positions.snap_m)),
    )
    return AccessPoints(
        np.concatenate((a.xy, b.xy)),
        np.concatenate((a.owner, b.owner)),
        np.concatenate((a.origin, b.origin)),
        np.concatenate((a.lead_m, b.lead_m)),
        positions,
    )
