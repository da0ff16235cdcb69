"""Parks laid out or enlarged in the sample's year, so that the park area grew by the plan's figure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import shapely

from app.errors import BadDeclaration
from app.sample.draw import Bools, Floats, Ints, Shapes
from app.sample.parameters import Parameters
from app.sample.parks import Gates, Parks
from app.sample.rows import days

#: New parks take up at most this share of the area that the parks gained in the year.
NEW_SHARE = 0.75
#: An enlarged park gained no more than this share of what it is now.
MOST_GROWN = 0.4
HALVINGS = 50
DRAWS = 50
HINT = "Lower the numbers of new and rebuilt parks, or take another seed."


@dataclass(frozen=True)
class ParkWorks:
    """Per park (n): opened or rebuilt on a day of the year, or neither; its shape before, None where it was not there.

    Per gate (m): whether it was opened with the works on its park.
    """

    opened: Bools
    rebuilt: Bools
    day: list[date | None]
    former: Shapes
    new_gate: Bools


def plan_works(parks: Parks, gates: Gates, parameters: Parameters) -> ParkWorks:
    """Choose the year's parks: new ones, then older ones that were as much smaller as is left of the gained area.

    Raises:
    ------
    BadDeclaration
        New or older parks do not fit the area that was gained.
    """
    random, asked = parameters.rng("park works"), parameters["parks"]
    n, area = len(parks.shape), np.asarray(shapely.area(parks.shape))
    opened, rebuilt = np.zeros(n, bool), np.zeros(n, bool)
    dry = np.array([lake is None for lake in parks.lake])
    opened[_new(np.flatnonzero(dry[: parks.counted]), area, asked, random)] = True
    rest = np.flatnonzero((dry & ~opened)[: parks.counted])
    entered = rest[np.isin(rest, gates.owner[_north(parks, gates) < 0])]
    left = asked["added_m2"] - float(area[opened].sum())
    grown = _grown(entered, area, left, asked["rebuilt_in_year"], random)
    rebuilt[grown] = True
    share = left / float(area[grown].sum())
    former = parks.shape.copy()
    former[grown], new_gate = _before(parks, gates, grown, share)
    pockets = parks.counted + random.permutation(n - parks.counted)
    opened[pockets[: asked["pockets_new"]]] = True
    rebuilt[pockets[asked["pockets_new"] :]] = True
    former[opened] = None
    year = np.where(opened | rebuilt, parameters.as_of.year, 0)
    return ParkWorks(opened, rebuilt, days(year, random), former, new_gate | opened[gates.owner])


def _new(candidates: Ints, area: Floats, asked: dict[str, int], random: np.random.Generator) -> Ints:
    """New parks of the smaller half, together below their share of the gained area; the smallest if chance fails."""
    small, count = candidates[area[candidates] <= np.median(area[candidates])], asked["new_in_year"]
    most = NEW_SHARE * asked["added_m2"]
    for _ in range(DRAWS):
        chosen = random.permutation(small)[:count]
        if area[chosen].sum() <= most:
            return np.sort(chosen)
    chosen = small[np.argsort(area[small], kind="stable")][:count]
    if area[chosen].sum() > most:
        raise BadDeclaration("The new parks are larger than what the parks gained in the year.", HINT)
    return np.sort(chosen)


def _grown(candidates: Ints, area: Floats, left: float, count: int, random: np.random.Generator) -> Ints:
    """Older parks that grew by `left` together, none by too much of what it is now; the largest if chance fails."""
    for _ in range(DRAWS):
        chosen = random.permutation(candidates)[:count]
        if left <= MOST_GROWN * area[chosen].sum():
            return np.sort(chosen)
    chosen = candidates[np.argsort(-area[candidates], kind="stable")][:count]
    if left > MOST_GROWN * area[chosen].sum():
        raise BadDeclaration("The rebuilt parks would have been too small before.", HINT)
    return np.sort(chosen)


def _directions(parks: Parks) -> tuple[Floats, Floats]:
    """The middle (n, 2) of each park's frame and the unit vector (n, 2) from its first side to the opposite one."""
    way = (parks.quad[:, 2] + parks.quad[:, 3] - parks.quad[:, 0] - parks.quad[:, 1]) / 2
    return parks.quad.mean(axis=1), way / np.linalg.norm(way, axis=1, keepdims=True)


def _north(parks: Parks, gates: Gates) -> Floats:
    """How far (m,) beyond the middle of its park each gate lies, away from the first side."""
    middle, way = _directions(parks)
    return np.asarray(((gates.xy - middle[gates.owner]) * way[gates.owner]).sum(axis=1))


def _before(parks: Parks, gates: Gates, grown: Ints, share: float) -> tuple[Shapes, Bools]:
    """The parks `grown` (k,) without the far part that makes up `share` of each, and the gates of those parts."""
    middle, way = _directions(parks)
    shape, centre, along = parks.shape[grown], middle[grown], way[grown]
    wanted = (1 - share) * shapely.area(shape)
    low, high = np.zeros(len(grown)), shapely.length(shape)
    for _ in range(HALVINGS):
        at = (low + high) / 2
        less = (
            shapely.area(shapely.intersection(shape, _halves(centre, along, at, shapely.length(shape))))
            < wanted
        )
        low, high = np.where(less, at, low), np.where(less, high, at)
    limit = np.full(len(parks.shape), np.inf)
    limit[grown] = high
    former = shapely.intersection(shape, _halves(centre, along, high, shapely.length(shape)))
    return np.asarray(former, dtype=object), _north(parks, gates) > limit[gates.owner]


def _halves(centre: Floats, along: Floats, at: Floats, reach: Floats) -> Shapes:
    """Boxes (k,) that cover everything within `reach` of the centres up to `at` metres along."""
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) * reach[:, None]
    top, bottom = centre + along * at[:, None], centre - along * reach[:, None]
    ring = np.stack([bottom - across, top - across, top + across, bottom + across], axis=1)
    return np.asarray(shapely.polygons(np.concatenate([ring, ring[:, :1]], axis=1)), dtype=object)
