"""Reads the tiers of a policy: supplies with their reach, amounts that are added up, what is divided by what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

from app.catalogue.classes import read_where
from app.catalogue.model import AREA_LEVELS, FeatureClass
from app.catalogue.policy_model import (
    Amount,
    Denominator,
    Having,
    Near,
    PolicyKind,
    Quantity,
    Supply,
    TargetIs,
    Tier,
    Where,
)
from app.catalogue.source import Entry
from app.catalogue.title import Title

Classes: TypeAlias = Mapping[str, FeatureClass]
Found: TypeAlias = Mapping[str, Entry]
KINDS: tuple[PolicyKind, ...] = get_args(PolicyKind)
#: What a tier of each kind needs and may have.
TIER_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "reach": (("supplies",), ("target", "minutes")),
    "density": (("count", "per"), ("target", "unit")),
    "share_with": (("of", "having"), ("target",)),
    "at_least": (("count", "level", "target"), ("unit",)),
}
AREA_UNITS = {"m2": 1.0, "hm2": 1e4, "km2": 1e6}
LENGTH_UNITS = {"m": 1.0, "km": 1e3}
#: Nobody is served from further away, or walks longer.
MAX_REACH_M, MAX_MINUTES = 20_000.0, 120.0
MOST_TIERS = 20
#: Only what is in service and open to all serves, unless the policy says otherwise; null is unknown.
USUAL: Mapping[str, tuple[str, ...]] = {"state": ("in_service",), "access": ("public", "open")}
EACH = Title("个", "features")


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one goes in a time: the policy's speed, and its minutes where a supply does not say its own reach."""

    speed_m_s: float
    minutes: float | None

    def metres(self, minutes: float) -> float:
        """The metres walked in so many minutes."""
        return round(minutes * 60 * self.speed_m_s, 6)


def read_tiers(entry: Entry, kind: PolicyKind, reach: Reach, classes: Classes) -> tuple[Tier, ...]:
    """The tiers of a list. Raises BadDeclaration."""
    needed, optional = TIER_KEYS[kind]
    tiers = []
    for item in entry.items():
        found = item.record(("id", "title", *needed), optional)
        tiers.append(read_tier(found, found["id"].name(), found["title"].title(), kind, reach, classes))
    ids = [tier.id for tier in tiers]
    if not 1 <= len(tiers) <= MOST_TIERS or len(set(ids)) < len(ids):
        raise entry.fail(f"needs one to {MOST_TIERS} tiers, and no id twice")
    return tuple(tiers)


def read_tier(
    found: Found, tier_id: str, title: Title, kind: PolicyKind, reach: Reach, classes: Classes
) -> Tier:
    """The tier whose keys, those of its kind, are in `found`. Raises BadDeclaration."""
    read = {"reach": _reach, "density": _density, "share_with": _share_with, "at_least": _at_least}[kind]
    parts = read(found, reach, classes)
    is_share = kind in {"reach", "share_with"} or (kind == "density" and parts["unit"] is None)
    if "target" in found and found["target"].value is not None:
        parts |= _read_target(found["target"], share=is_share)
    return Tier(tier_id, title, **parts)


def _reach(found: Found, reach: Reach, classes: Classes) -> dict[str, Any]:
    if "minutes" in found:
        reach = Reach(reach.speed_m_s, found["minutes"].number(0.1, MAX_MINUTES))
    supplies = tuple(read_supply(item, reach, classes) for item in found["supplies"].items())
    if not 1 <= len(supplies) <= MOST_TIERS:
        raise found["supplies"].fail(f"lists no supply, or more than {MOST_TIERS}")
    return {"supplies": supplies}


def _density(found: Found, _: Reach, classes: Classes) -> dict[str, Any]:
    amounts = _read_amounts(found["count"], classes)
    per = _read_denominator(found["per"], classes)
    return {"amounts": amounts, "per": per, "unit": _density_unit(found, amounts, per, classes)}


def _density_unit(
    found: Found, amounts: tuple[Amount, ...], per: Denominator, classes: Classes
) -> Title | None:
    """The unit as it is named; a quotient of two areas or two lengths in the same unit is a share."""
    if "unit" in found:
        return found["unit"].title()
    of, by = _measured_in(amounts[0], classes), per.amount and _measured_in(per.amount, classes)
    if of is not None and of == by:
        return None
    raise (
        found["count"]
        .parent()
        .fail("'unit' is missing", "Name the figure's unit, such as unit: {zh: 座/km², en: toilets/km²}.")
    )


def _measured_in(amount: Amount, classes: Classes) -> tuple[str | None, float] | None:
    """The unit of an area, a length or a field, and how many make one; None for a number of features."""
    units = {"area": "m²", "length": "m", "count": None}
    if amount.quantity == "field":
        return classes[amount.cls].get_field(str(amount.number_field)).unit, amount.unit
    unit = units[amount.quantity]
    return None if unit is None else (unit, amount.unit)


def _share_with(found: Found, _: Reach, classes: Classes) -> dict[str, Any]:
    of = _read_amount(found["of"], classes, usual=("state",))
    return {"of": of, "having": _read_having(found["having"], of, classes)}


def _at_least(found: Found, _: Reach, classes: Classes) -> dict[str, Any]:
    unit = found["unit"].title() if "unit" in found else EACH
    amounts = _read_amounts(found["count"], classes)
    return {"amounts": amounts, "level": found["level"].choice(AREA_LEVELS), "unit": unit}


def _read_target(entry: Entry, *, share: bool) -> dict[str, Any]:
    """A number to reach, or `{at_most: x}`, `{between: [low, high]}`."""
    if not isinstance(entry.value, dict):
        return {"target": _target_number(entry, share=share)}
    found = entry.record((), get_args(TargetIs))
    if len(found) != 1:
        raise entry.fail("names one comparison", f"Valid: {', '.join(get_args(TargetIs))}.")
    ((name, item),) = found.items()
    if name != "between":
        return {"target": _target_number(item, share=share), "target_is": name}
    ends = [_target_number(end, share=share) for end in item.items()]
    if len(ends) != 2 or ends[0] > ends[1]:
        raise item.fail("must be the least and the greatest value", "Write between: [3, 5].")
    return {"target": ends[0], "target_is": name, "target_to": ends[1]}


def _target_number(entry: Entry, *, share: bool) -> float:
    target = entry.number(0)
    if share and target > 1:
        raise entry.fail(f"must be a share from 0 to 1, not {target:g}", "Write 80 % as 0.8.")
    return target


def read_supply(entry: Entry, reach: Reach, classes: Classes) -> Supply:
    """One band of supply; its radius in metres or minutes, else the minutes of its tier or policy."""
    found = entry.record(("class",), ("radius_m", "minutes", "where", "min_area_m2", "max_area_m2", "near"))
    cls = get_class(found["class"], classes)
    low, high = _read_sizes(entry, found, cls)
    radius_m, minutes = _read_reach(entry, found, reach)
    near = _read_near(found["near"], classes) if "near" in found else None
    return Supply(cls.id, radius_m, read_filter(found, cls, tuple(USUAL)), low, high, minutes, near)


def _read_reach(entry: Entry, found: Found, reach: Reach) -> tuple[float, float | None]:
    """Metres, and the minutes that they come from: a policy of time may state both, but they must agree."""
    minutes = found["minutes"].number(0.1, MAX_MINUTES) if "minutes" in found else reach.minutes
    if minutes is None and "radius_m" not in found:
        raise entry.fail("'radius_m' is missing", "Required keys: class, radius_m (or minutes).")
    if minutes is None:
        return found["radius_m"].number(1, MAX_REACH_M), None
    reach_m = reach.metres(minutes)
    if "radius_m" in found and found["radius_m"].number(1) != reach_m:
        raise found["radius_m"].fail(
            f"radius_m {found['radius_m'].value:g} is not {minutes:g} min at {reach.speed_m_s:g} m/s",
            f"Write radius_m: {reach_m:g}, or leave it out.",
        )
    return reach_m, minutes


def _read_amounts(entry: Entry, classes: Classes) -> tuple[Amount, ...]:
    items = entry.items() if isinstance(entry.value, list) else [entry]
    amounts = tuple(_read_amount(item, classes, usual=tuple(USUAL)) for item in items)
    if not amounts:
        raise entry.fail("lists nothing to count")
    if len({(item.quantity, item.unit) for item in amounts}) > 1:
        raise entry.fail("adds up different quantities", "All of one list are counted, or areas, or lengths.")
    return amounts


def _read_amount(entry: Entry, classes: Classes, usual: tuple[str, ...]) -> Amount:
    """How many, how large or how long: `{class}`, with `sum: FIELD`, `area: km2` or `length: km`."""
    sizes = ("min_area_m2", "max_area_m2")
    found = entry.record(("class",), ("sum", "area", "length", "where", "near", "distinct", *sizes))
    cls = get_class(found["class"], classes)
    low, high = _read_sizes(entry, found, cls)
    quantity, unit = _read_quantity(entry, found, cls)
    number_field = _number_field(found["sum"], cls) if "sum" in found else None
    near = _read_near(found["near"], classes) if "near" in found else None
    distinct = _read_distinct(found["distinct"], cls, quantity) if "distinct" in found else None
    where = read_filter(found, cls, usual)
    return Amount(cls.id, quantity, number_field, unit, where, low, high, near, distinct)


def _read_quantity(entry: Entry, found: Found, cls: FeatureClass) -> tuple[Quantity, float]:
    named = [name for name in ("sum", "area", "length") if name in found]
    if len(named) > 1:
        raise entry.fail(f"names both {named[0]} and {named[1]}", "Name one; none counts the features.")
    if "area" in found:
        if cls.geometry not in ("polygon", "mixed"):
            raise found["area"].fail(f"{cls.id} is a class of {cls.geometry}s and has no area")
        return "area", AREA_UNITS[found["area"].choice(AREA_UNITS)]
    if "length" in found:
        if cls.geometry != "line":
            raise found["length"].fail(f"{cls.id} is a class of {cls.geometry}s and has no length")
        return "length", LENGTH_UNITS[found["length"].choice(LENGTH_UNITS)]
    return ("field" if "sum" in found else "count"), 1.0


def _number_field(entry: Entry, cls: FeatureClass) -> str:
    return entry.one_of(entry.value, number_fields(cls), "number field")


def number_fields(cls: FeatureClass) -> list[str]:
    """The names of a class's number fields."""
    return [item.name for item in cls.fields if item.type in ("integer", "number")]


def _read_distinct(entry: Entry, cls: FeatureClass, quantity: Quantity) -> str:
    if quantity != "count":
        raise entry.fail("goes with counting only", "Leave out sum, area or length.")
    texts = [item.name for item in cls.fields if item.type in ("text", "choice")]
    return entry.one_of(entry.value, texts, "text field")


def _read_denominator(entry: Entry, classes: Classes) -> Denominator:
    if isinstance(entry.value, dict) and "people" in entry.value:
        return Denominator(None, entry.record(("people",))["people"].number(1))
    return Denominator(_read_amount(entry, classes, usual=("state",)))


def _read_having(entry: Entry, of: Amount, classes: Classes) -> Having:
    found = entry.record((), ("where", "least", "supplies", "number"))
    cls = classes[of.cls]
    supplies = found["supplies"].items() if "supplies" in found else []
    having = Having(
        where=read_filter(found, cls, ()),
        least=_read_least(found["least"], cls) if "least" in found else {},
        supplies=tuple(_read_beside(item, classes) for item in supplies),
        number=found["number"].integer(1, 1000) if "number" in found else 1,
    )
    if not (having.where or having.least or having.supplies):
        raise entry.fail("names nothing to have", "Give where, least or supplies.")
    return having


def _read_beside(entry: Entry, classes: Classes) -> Supply:
    """A supply in, touching or near a feature: radius_m 0 where none is named."""
    found = entry.record(("class",), ("radius_m", "where", "min_area_m2", "max_area_m2", "near"))
    cls = get_class(found["class"], classes)
    radius_m = found["radius_m"].number(0, MAX_REACH_M) if "radius_m" in found else 0.0
    low, high = _read_sizes(entry, found, cls)
    near = _read_near(found["near"], classes) if "near" in found else None
    return Supply(cls.id, radius_m, read_filter(found, cls, tuple(USUAL)), low, high, None, near)


def _read_least(entry: Entry, cls: FeatureClass) -> dict[str, float]:
    return {
        item.one_of(name, number_fields(cls), "number field"): item.number() for name, item in entry.members()
    }


def _read_near(entry: Entry, classes: Classes) -> Near:
    """A class by its name alone, or with a filter and metres."""
    if isinstance(entry.value, str):
        cls = get_class(entry, classes)
        return _in_polygons(entry, cls, read_filter({}, cls, ("state",)), 0.0)
    found = entry.record(("class",), ("where", "within_m"))
    cls = get_class(found["class"], classes)
    within_m = found["within_m"].number(0, MAX_REACH_M) if "within_m" in found else 0.0
    return _in_polygons(found["class"], cls, read_filter(found, cls, ("state",)), within_m)


def _in_polygons(entry: Entry, cls: FeatureClass, where: Where, within_m: float) -> Near:
    if within_m == 0 and cls.geometry not in ("polygon", "mixed"):
        raise entry.fail(f"nothing lies in a class of {cls.geometry}s", "Say how near: within_m, in metres.")
    return Near(cls.id, where, within_m)


def _read_sizes(entry: Entry, found: Found, cls: FeatureClass) -> tuple[float | None, float | None]:
    low = found["min_area_m2"].number(0) if "min_area_m2" in found else None
    high = found["max_area_m2"].number(low or 0) if "max_area_m2" in found else None
    if (low is not None or high is not None) and cls.geometry not in ("polygon", "mixed"):
        raise entry.fail(f"{cls.id} is a class of {cls.geometry}s and has no area")
    return low, high


def read_filter(found: Found, cls: FeatureClass, usual: tuple[str, ...]) -> dict[str, tuple[Any, ...]]:
    """The filter under `where`, with what is usual for the fields named in `usual` where it does not name them."""
    fields = {item.name: item for item in cls.fields}
    named = read_where(found["where"], fields) if "where" in found else {}
    return _usual(cls, usual) | named


def _usual(cls: FeatureClass, names: tuple[str, ...]) -> dict[str, tuple[Any, ...]]:
    filters: dict[str, tuple[Any, ...]] = {}
    for field in cls.fields:
        values = {item.value for item in field.choices}
        serving = tuple(value for value in USUAL.get(field.name, ()) if value in values)
        if field.name in names and serving:
            filters[field.name] = (*serving, None)
    return filters


def get_class(entry: Entry, classes: Classes) -> FeatureClass:
    """The class that `entry` names. Raises BadDeclaration."""
    return classes[entry.one_of(entry.value, sorted(classes), "class")]
