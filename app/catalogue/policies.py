"""Reads one policy declaration and checks it against the classes it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from app.catalogue.classes import read_where
from app.catalogue.model import Demand, FeatureClass, Policy, Source, Supply, Tier
from app.catalogue.source import Entry

Classes: TypeAlias = Mapping[str, FeatureClass]
_REQUIRED = (
    *("id", "version", "title", "description", "source", "official", "frame", "speed_m_s", "minutes"),
    *("snap_limit_m", "gate_search_m", "land", "people", "tiers"),
)
CONFIDENCES = ("V", "S", "M")
RULES = ("centre", "area")


def read_policy(entry: Entry, policy_id: str, text: str, classes: Classes) -> Policy:
    """The policy declared in `entry`; `policy_id` is the name of its file, `text` the file's own text.

    Raises BadDeclaration, also where a class, a field or a value is not in the catalogue.
    """
    found = entry.record(_REQUIRED)
    if found["id"].text() != policy_id:
        raise found["id"].fail(
            f"'{found['id'].value}' differs from the file's name", f"Write id: {policy_id}."
        )
    policy = Policy(
        id=policy_id,
        version=found["version"].text(),
        title=found["title"].title(),
        description=found["description"].title(),
        source=_read_source(found["source"]),
        tiers=_read_tiers(found["tiers"], classes),
        land=_read_land(found["land"], classes),
        people=tuple(_read_people(item, classes) for item in found["people"].items()),
        frame_cls=_read_frame(found["frame"], classes),
        official=found["official"].flag(),
        speed_m_s=found["speed_m_s"].number(0.1),
        minutes=None if found["minutes"].value is None else found["minutes"].number(0),
        snap_limit_m=found["snap_limit_m"].number(0),
        gate_search_m=found["gate_search_m"].number(0),
        text=text,
    )
    _check_policy(found, policy)
    return policy


def _check_policy(found: Mapping[str, Entry], policy: Policy) -> None:
    if policy.official and (policy.frame_cls is None or policy.source.confidence != "V"):
        raise found["official"].fail(
            "an official figure needs its document's own frame and a source whose text was seen",
            "Name the frame class and a source of confidence V, or write official: false.",
        )
    if not policy.people:
        raise found["people"].fail("lists no source of people")
    if policy.minutes is not None:
        _check_minutes(found["tiers"], policy, round(policy.minutes * 60 * policy.speed_m_s, 6))


def _check_minutes(tiers: Entry, policy: Policy, reach_m: float) -> None:
    """A policy in minutes states the same reach in metres, so that no result can mix the two up."""
    for tier in policy.tiers:
        for supply in tier.supplies:
            if supply.radius_m != reach_m:
                raise tiers.fail(
                    f"radius_m {supply.radius_m:g} is not {policy.minutes:g} min at {policy.speed_m_s:g} m/s",
                    f"Write radius_m: {reach_m:g}.",
                )


def _get_class(entry: Entry, classes: Classes) -> FeatureClass:
    return classes[entry.one_of(entry.value, sorted(classes), "class")]


def _read_frame(entry: Entry, classes: Classes) -> str | None:
    if entry.value is None:
        return None
    found = _get_class(entry, classes)
    if found.geometry != "polygon":
        raise entry.fail(f"the frame must be a class of polygons; {found.id} is {found.geometry}")
    return found.id


def _read_source(entry: Entry) -> Source:
    found = entry.record(("document", "clause", "confidence"), ("note",))
    return Source(
        document=found["document"].text(),
        clause=found["clause"].text(),
        confidence=cast(Any, found["confidence"].choice(CONFIDENCES)),
        note=found["note"].text() if "note" in found else "",
    )


def _read_tiers(entry: Entry, classes: Classes) -> tuple[Tier, ...]:
    tiers = tuple(_read_tier(item, classes) for item in entry.items())
    ids = [tier.id for tier in tiers]
    if not tiers or len(set(ids)) < len(ids):
        raise entry.fail("needs at least one tier, and no id twice")
    return tiers


def _read_tier(entry: Entry, classes: Classes) -> Tier:
    found = entry.record(("id", "title", "supplies"), ("target",))
    supplies = tuple(_read_supply(item, classes) for item in found["supplies"].items())
    if not supplies:
        raise found["supplies"].fail("lists no supply")
    return Tier(found["id"].name(), found["title"].title(), supplies, _read_target(found))


def _read_target(found: Mapping[str, Entry]) -> float | None:
    if "target" not in found or found["target"].value is None:
        return None
    target = found["target"].number(0)
    if target > 1:
        raise found["target"].fail(f"must be a share from 0 to 1, not {target:g}", "Write 80 % as 0.8.")
    return target


def _read_supply(entry: Entry, classes: Classes) -> Supply:
    found = entry.record(("class", "radius_m"), ("where", "min_area_m2", "max_area_m2"))
    cls = _get_class(found["class"], classes)
    low = found["min_area_m2"].number(0) if "min_area_m2" in found else None
    high = found["max_area_m2"].number(low or 0) if "max_area_m2" in found else None
    if (low is not None or high is not None) and cls.geometry not in ("polygon", "mixed"):
        raise entry.fail(f"{cls.id} is a class of {cls.geometry}s and has no area")
    radius_m = found["radius_m"].number(1)
    return Supply(cls.id, radius_m, _read_filter(found, cls), low, high)


def _read_filter(found: Mapping[str, Entry], cls: FeatureClass) -> dict[str, tuple[Any, ...]]:
    return read_where(found["where"], {item.name: item for item in cls.fields}) if "where" in found else {}


def _read_land(entry: Entry, classes: Classes) -> Demand:
    found = entry.record(("class",), ("where",))
    cls = _get_class(found["class"], classes)
    if cls.geometry != "polygon":
        raise found["class"].fail(f"land must be a class of polygons; {cls.id} is {cls.geometry}")
    return Demand(cls.id, _read_filter(found, cls))


def _read_people(entry: Entry, classes: Classes) -> Demand:
    found = entry.record(("class", "field", "rule"), ("where",))
    cls = _get_class(found["class"], classes)
    numbers = [item.name for item in cls.fields if item.type in ("integer", "number")]
    return Demand(
        cls=cls.id,
        where=_read_filter(found, cls),
        people_field=found["field"].one_of(found["field"].value, numbers, "number field"),
        people_rule=cast(Any, found["rule"].choice(RULES)),
    )
