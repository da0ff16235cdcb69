"""The catalogue's frozen policies: what is measured, of whom, by what, after which document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from app.catalogue.title import Title

Mode = Literal["straight", "walk"]
#: reach: demand within metres or minutes of a supply; density: an amount per unit of another; share_with: features of a
#: class that have something; at_least: so many in each area of a level.
PolicyKind = Literal["reach", "density", "share_with", "at_least"]
#: What demand is made of: m² of land or of built-up area, people, dwellings, buildings (number), metres of street.
Basis = Literal["land", "people", "dwellings", "buildings", "built_up", "streets"]
#: What rows that say nothing of their basis are counted as.
UNSTATED = "unstated"
#: The bases in the order of choice, and the kinds that make each up: residents as a census counts them, else those
#: registered plus those here for a time (户籍人口 + 暂住人口), as 城市人口 is put together where there is no census.
BASES: Mapping[str, tuple[str, ...]] = {
    "resident": ("resident",),
    "registered": ("registered", "temporary"),
    UNSTATED: (UNSTATED,),
    "estimated": ("estimated",),
    "daytime": ("daytime",),
    "temporary": ("temporary",),
}
#: What is added up of each feature: one, the value of a number field, its m², its metres.
Quantity = Literal["count", "field", "area", "length"]
TargetIs = Literal["at_least", "at_most", "between"]
Confidence = Literal["V", "S", "M"]
Origin = Literal["built_in", "file", "edition"]
Where = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Near:
    """Only what lies in a polygon of `cls` that matches `where`, or at most `within_m` metres from a feature of it.

    Polygons that are themselves asked for lie in another where their point on surface does.
    """

    cls: str
    where: Where = field(default_factory=dict)
    within_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Supply:
    """One band of supply: features of `cls` that match `where` (None: unknown), of [min, max) m², at `radius_m`.

    `minutes` is the time that `radius_m` comes from (minutes × 60 × speed), None for a radius that is a distance.
    `near` is an exception's or a land use's place: the band holds only what lies there.
    """

    cls: str
    radius_m: float
    where: Where = field(default_factory=dict)
    min_area_m2: float | None = None
    max_area_m2: float | None = None
    minutes: float | None = None
    near: Near | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """What is added up: of each feature of `cls` that matches, its `quantity`, divided by `unit`.

    `unit` is how much of the quantity (m², m, 1) makes one: 1000 for kilometres. `number_field` is that of the
    quantity `field`. `distinct` names a text field each value of which counts once (quantity `count`). Areas and
    lengths are cut at the frame and at the borders of areas, polygons that overlap count once; counts go by home.
    """

    cls: str
    quantity: Quantity = "count"
    number_field: str | None = None
    unit: float = 1.0
    where: Where = field(default_factory=dict)
    min_area_m2: float | None = None
    max_area_m2: float | None = None
    near: Near | None = None
    distinct: str | None = None


@dataclass(frozen=True, slots=True)
class Denominator:
    """What a density is per: `amount`, or people in units of `people` (the policy's sources of people)."""

    amount: Amount | None = None
    people: float = 1.0


@dataclass(frozen=True, slots=True)
class Having:
    """What a feature must have to be in a share: all that is said here.

    `where`: own fields with these values; `least`: own number fields of at least that; `supplies`: at least `number`
    features of any of them within their radius (0: in it, or touching).
    """

    where: Where = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)
    supplies: tuple[Supply, ...] = ()
    number: int = 1


@dataclass(frozen=True, slots=True)
class Tier:
    """One figure of a policy, with its target: `target` is the lower end of `between`, `target_to` the upper one.

    reach: demand is served when any of `supplies` is within its radius.
    density: the sum of `amounts` divided by `per`.
    share_with: of the features `of` (weighted by its quantity) those that are `having`.
    at_least: the sum of `amounts` in each area of `level` must reach the target.
    `unit` names the value's unit, None for a share from 0 to 1.
    """

    id: str
    title: Title
    supplies: tuple[Supply, ...] = ()
    target: float | None = None
    target_is: TargetIs = "at_least"
    target_to: float | None = None
    unit: Title | None = None
    amounts: tuple[Amount, ...] = ()
    per: Denominator | None = None
    of: Amount | None = None
    having: Having | None = None
    level: str | None = None

    @property
    def counted(self) -> tuple[Supply | Amount, ...]:
        """What serves, or is counted, or is what others must have."""
        return (*self.supplies, *self.amounts, *(self.having.supplies if self.having else ()))

    @property
    def compared(self) -> tuple[Amount, ...]:
        """What the counted is compared with: the denominator of a density, the features of a share."""
        per = self.per.amount if self.per else None
        return tuple(item for item in (self.of, per) if item is not None)


@dataclass(frozen=True, slots=True)
class Demand:
    """A demand source: class and row filter; `people_field` is the number field of people or dwellings.

    `people_rule`: whether people count at the centre of their cell or by share of its area.
    """

    cls: str
    where: Where = field(default_factory=dict)
    people_field: str | None = None
    people_rule: Literal["centre", "area"] = "area"
    basis: Basis = "land"


@dataclass(frozen=True, slots=True)
class Source:
    """The document that a policy comes from; `confidence` is V (text seen), S (secondary) or M (from memory)."""

    document: str
    clause: str
    confidence: Confidence
    note: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """Which edition of a rule this is: policies of one `family` ask the same after different documents."""

    family: str
    edition: str
    in_force: date | None = None


@dataclass(frozen=True, slots=True)
class Switch:
    """A named kind of facility that a request may count or leave out: those of `cls` with `values` in `field`.

    `all_values` are those that the field may have, None (unknown) among them; `on` says whether the policy counts them
    itself.
    """

    id: str
    title: Title
    cls: str
    field: str
    values: tuple[Any, ...]
    all_values: tuple[Any, ...]
    on: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """One declared metric: who is served, by what, how far, measured how, after which document.

    `mode` is how its own document measures; `default` policies are those computed and shown without being asked for.
    `also` are demand bases measured beside land and people. `origin` says whether the program brings it, the city's own
    folder does, or it is an edition saved in the database. `asked` are parameters of a request that the policy itself
    brings (such as the hour at which facilities must be open).
    """

    id: str
    version: str
    title: Title
    description: Title
    source: Source
    tiers: tuple[Tier, ...]
    land: Demand
    people: tuple[Demand, ...]
    frame_cls: str | None
    official: bool
    speed_m_s: float
    minutes: float | None
    snap_limit_m: float
    gate_search_m: float
    text: str
    kind: PolicyKind = "reach"
    mode: Mode = "straight"
    default: bool = False
    also: tuple[Demand, ...] = ()
    switches: tuple[Switch, ...] = ()
    profile: Profile | None = None
    origin: Origin = "built_in"
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def supply_classes(self) -> tuple[str, ...]:
        """The classes whose features serve or are counted, without those that only frame them."""
        return tuple(dict.fromkeys(item.cls for tier in self.tiers for item in tier.counted))

    @property
    def classes(self) -> tuple[str, ...]:
        """Every class that the figure is made of: supply, demand, denominators, frame and places of exceptions."""
        found = [*self.supply_classes, self.land.cls, *(item.cls for item in (*self.people, *self.also))]
        for tier in self.tiers:
            found += [item.cls for item in tier.compared]
            found += [item.near.cls for item in (*tier.counted, *tier.compared) if item.near is not None]
        return tuple(dict.fromkeys([*found, *([self.frame_cls] if self.frame_cls else [])]))
