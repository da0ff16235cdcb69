"""What the coverage computation takes and gives: plain arrays in metres, no database, no web."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from app.catalogue.model import Mode, Policy, Tier
from app.catalogue.policy_model import Basis
from app.coverage.access import AccessPoints
from app.coverage.cache import ArrayCache
from app.coverage.lattice import Pieces
from app.coverage.straight import ServiceArea
from app.network.model import Positions, WalkNetwork
from app.network.snap import SnapIndex

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
PeopleRule = Literal["centre", "area"]
#: What an array depends on; None where nobody asks for it again.
Key = tuple[Hashable, ...] | None
T = TypeVar("T")

#: Index of "in none of the areas" in label arrays.
NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Areas:
    """The areas that figures are given for beside the whole: codes, names and levels (k,), of one level or of several.

    `geometry` (j,) are the parts in metres that units are cut into, which do not overlap; `member` (m, 2) says which
    part lies in which area, None where each area is its own one part.
    """

    code: list[str]
    name: list[str]
    level: list[str]
    geometry: Objects
    member: Ints | None = None

    def add_up(self, values: Floats, part: Ints) -> Floats:
        """(k,) sums of values (u,) of units that lie in the given parts (u,); NOWHERE counts in no area."""
        inside = part >= 0
        sums = np.bincount(part[inside], weights=values[inside], minlength=len(self.geometry))
        if self.member is None:
            return sums.astype(np.float64)
        of_part, area = self.member.T
        return np.bincount(area, weights=sums[of_part], minlength=len(self.code)).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Places:
    """Rows of a demand or supply class that count: code, name, area path and geometry (m,) in metres, people (m,)."""

    code: list[str]
    name: list[str]
    path: list[str]
    geometry: Objects
    people: Floats


@dataclass(frozen=True, slots=True)
class AreaUnits:
    """Demand as areas: parts (n,) of places that lie in the frame, overlaps dissolved, cut at the areas' borders.

    `place` (n,) points into `places`; `area` (n,) into `Areas` or NOWHERE; `people` (n,) is the place's people by
    share of its whole area; `pieces` is the 50 m lattice of walked land (owner = unit); `access` are the points where
    one leaves the place (owner = place), or None where one starts anywhere (population cells); `starts` (p,) are the
    streets nearest to the pieces.
    """

    places: Places
    geometry: Objects
    place: Ints
    area: Ints
    area_m2: Floats
    people: Floats
    pieces: Pieces | None = None
    access: AccessPoints | None = None
    starts: Positions | None = None


@dataclass(frozen=True, slots=True)
class PointUnits:
    """Demand as people counted at the centre of their cell: centres (n,), label in `Areas` (n,), people in `places`."""

    places: Places
    centre: Objects
    area: Ints

    @property
    def people(self) -> Floats:
        """People (n,) of each cell."""
        return self.places.people


@dataclass(frozen=True, slots=True)
class People:
    """Who counts: the source class, the counting rule, the units, and how many people lie outside the data.

    `units` is None where the people are those of the land units themselves; `about` is what the result records of
    their basis, date and data set.
    """

    cls: str | None
    rule: PeopleRule
    units: AreaUnits | PointUnits | None
    outside: float = 0.0
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Streets:
    """The walking network with its index for snapping, and the data version of `streets` it was built at."""

    network: WalkNetwork
    index: SnapIndex
    version: int


@dataclass(frozen=True, slots=True)
class Band:
    """One band of supply: facilities with their entrances (None without streets) and the radius that they serve.

    `key` names the facilities and entrances, whatever the radius.
    """

    cls: str
    radius_m: float
    places: Places
    service: ServiceArea
    access: AccessPoints | None
    key: Key = None


@dataclass(frozen=True, slots=True)
class TierSupply:
    """All bands of a tier and the land within the straight-line radius of any."""

    tier: Tier
    bands: tuple[Band, ...]
    service: ServiceArea


@dataclass(frozen=True, slots=True)
class AlsoDemand:
    """A further demand that a policy is measured for: built-up area in `land`, dwellings or buildings in `points`.

    Streets are those of the network, inside `clip` (None: all). `unknown` dwellings do not say how many they are.
    """

    basis: Basis
    land: AreaUnits | None = None
    points: PointUnits | None = None
    clip: shapely.Geometry | None = None
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything one computation needs, loaded once.

    `land_key` names the land units, `cache` keeps what is the same for several radii.
    """

    policy: Policy
    areas: Areas
    land: AreaUnits
    people: People
    supplies: tuple[TierSupply, ...]
    streets: Streets | None
    speed_m_s: float
    snap_limit_m: float
    land_key: Key = None
    cache: ArrayCache = field(default_factory=ArrayCache)
    also: tuple[AlsoDemand, ...] = ()

    @property
    def counts_people(self) -> bool:
        """Whether anybody is known: where nobody is, people are unknown, not 0."""
        return self.people.cls is not None

    def kept(self, name: str, keys: tuple[Key, ...], make: Callable[[], T]) -> T:
        """What is made from things with these keys: made once, and each time where one has none."""
        parts = [part for key in keys if key is not None for part in key]
        return make() if None in keys else self.cache.get((name, *parts), make)


@dataclass(frozen=True, slots=True)
class GapRows:
    """Unserved demand, ranked by people: polygons (g,) in metres with the index of their unit, people and metres."""

    of_land: bool
    unit: Ints
    geometry: Objects
    area_m2: Floats
    people: Floats
    distance_m: Floats
    nearest: Ints


@dataclass(frozen=True, slots=True)
class Figures:
    """One tier in one mode: land served (n,) m² of the land units, people served (p,) of the people units, gaps.

    `land_m` (n,) and `people_m` (p,) are metres from each unit to the nearest facility, inf where none is reached.
    NaN where it cannot be known (walking without streets).
    """

    tier: Tier
    mode: Mode
    land_served_m2: Floats
    people_served: Floats
    gaps: GapRows
    land_m: Floats
    people_m: Floats
