"""Reads one policy declaration and checks it against the classes it names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, cast, get_args

from app.catalogue.policy_model import (
    Basis,
    Confidence,
    Demand,
    Mode,
    Origin,
    Policy,
    PolicyKind,
    Profile,
    Source,
    Switch,
    Tier,
)
from app.catalogue.policy_switches import read_switches
from app.catalogue.policy_tiers import (
    KINDS,
    MAX_MINUTES,
    MAX_REACH_M,
    TIER_KEYS,
    Classes,
    Found,
    Reach,
    get_class,
    number_fields,
    read_filter,
    read_tier,
    read_tiers,
)
from app.catalogue.source import Entry
from app.catalogue.title import Title

CONFIDENCES: tuple[str, ...] = get_args(Confidence)
RULES = ("centre", "area")
#: Walking speed in m/s, how far from a street one may start, how far from a border streets open a place without gates.
SPEED_M_S, SNAP_LIMIT_M, GATE_SEARCH_M = 1.2, 250.0, 30.0
OWN = Source("本市自定指标 / The city's own yardstick", "—", "S", "Set by the city. Never called official.")
#: The one tier of a policy that declares none bears this id and the policy's title.
ONLY_TIER = "all"
_OPTIONAL = (
    *(
        "version",
        "description",
        "source",
        "official",
        "default",
        "kind",
        "mode",
        "profile",
        "frame",
        "speed_m_s",
    ),
    *("minutes", "snap_limit_m", "gate_search_m", "land", "people", "also", "switches", "tiers"),
)
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
#: Words that addresses and commands use in a policy's place.
RESERVED = ("all", "check", "add", "show")
#: Where demand is read from if the policy does not say: basis → class, number field, filter.
LAND = ("residential_areas", {"kind": ("land",)})
PEOPLE = (("population_cells", "centre"), ("residential_areas", "area"))
ALSO: Mapping[str, tuple[str, str | None, Mapping[str, tuple[Any, ...]]]] = {
    "built_up": ("built_up_areas", None, {}),
    "streets": ("streets", None, {"walk": ("public", None)}),
    "dwellings": ("buildings", "dwellings", {"kind": ("residential",)}),
    "buildings": ("buildings", None, {"kind": ("residential",)}),
}


def read_policy(
    entry: Entry,
    policy_id: str | None,
    text: str,
    classes: Classes,
    switches: Mapping[str, Switch] | None = None,
    origin: Origin = "built_in",
) -> Policy:
    """The policy declared in `entry`; `policy_id` is the name of its file, where it has one; `text` its own text.

    `switches` are those that the classes of its supply bring. Raises BadDeclaration, also where a class, a field or a
    value is not in the catalogue.
    """
    kind = _read_kind(entry)
    needed, more = TIER_KEYS[kind]
    found = entry.record(("id", "title"), (*_OPTIONAL, *needed, *more))
    title = found["title"].title()
    minutes = (
        None
        if "minutes" not in found or found["minutes"].value is None
        else found["minutes"].number(0.1, MAX_MINUTES)
    )
    speed_m_s = found["speed_m_s"].number(0.1, 10) if "speed_m_s" in found else SPEED_M_S
    tiers = _read_tiers(entry, found, title, kind, Reach(speed_m_s, minutes), classes)
    policy = Policy(
        id=read_id(found["id"], policy_id),
        version=found["version"].text() if "version" in found else "1",
        title=title,
        description=found["description"].title() if "description" in found else title,
        source=_read_source(found["source"]) if "source" in found else OWN,
        tiers=tiers,
        land=_read_land(entry, found, classes),
        people=_read_people(entry, found, classes),
        frame_cls=_read_frame(found["frame"], classes) if "frame" in found else None,
        official=found["official"].flag() if "official" in found else False,
        speed_m_s=speed_m_s,
        minutes=minutes,
        snap_limit_m=found["snap_limit_m"].number(0, MAX_REACH_M)
        if "snap_limit_m" in found
        else SNAP_LIMIT_M,
        gate_search_m=found["gate_search_m"].number(0, MAX_REACH_M)
        if "gate_search_m" in found
        else GATE_SEARCH_M,
        text=text,
        kind=kind,
        mode=cast(Mode, found["mode"].choice(get_args(Mode))) if "mode" in found else "straight",
        # A city's own rule is there to be seen; of the many that the program brings only a few are computed unasked.
        default=found["default"].flag() if "default" in found else origin != "built_in",
        also=tuple(_read_also(item, classes) for item in found["also"].items()) if "also" in found else (),
        switches=read_switches(found, tiers, classes, switches or {}),
        profile=_read_profile(found["profile"]) if "profile" in found else None,
        origin=origin,
    )
    _check_official(found, policy)
    return policy


def _read_kind(entry: Entry) -> PolicyKind:
    members = dict(entry.members())
    return cast(PolicyKind, members["kind"].choice(KINDS)) if "kind" in members else "reach"


def read_id(entry: Entry, file_name: str | None = None) -> str:
    """A policy's id, which is the name of its file where it has one. Raises BadDeclaration."""
    policy_id = entry.text()
    if file_name is not None and policy_id != file_name:
        raise entry.fail(f"'{policy_id}' differs from the file's name", f"Write id: {file_name}.")
    if not _ID.fullmatch(policy_id) or policy_id in RESERVED:
        raise entry.fail(
            f"'{policy_id}' cannot name a policy",
            "Use a-z, 0-9, - and _, at most 60 of them, beginning with a letter or digit; "
            f"not {', '.join(RESERVED)}.",
        )
    return policy_id


def _read_tiers(
    entry: Entry, found: Found, title: Title, kind: PolicyKind, reach: Reach, classes: Classes
) -> tuple[Tier, ...]:
    """The tiers; a policy of one figure may declare it without the list."""
    needed, optional = TIER_KEYS[kind]
    own = [key for key in (*needed, *optional) if key in found and key != "minutes"]
    if "tiers" in found:
        if own:
            raise found[own[0]].fail("stands beside tiers", "Move it into the tier that it belongs to.")
        return read_tiers(found["tiers"], kind, reach, classes)
    missing = [key for key in needed if key not in found]
    if missing:
        raise entry.fail(
            f"'{missing[0]}' is missing",
            f"A policy of kind {kind} needs {', '.join(needed)}, or a list of tiers.",
        )
    one = {key: item for key, item in found.items() if key != "minutes"}
    return (read_tier(one, ONLY_TIER, title, kind, reach, classes),)


def _check_official(found: Mapping[str, Entry], policy: Policy) -> None:
    if policy.official and (policy.frame_cls is None or policy.source.confidence != "V"):
        raise found["official"].fail(
            "an official figure needs its document's own frame and a source whose text was seen",
            "Name the frame class and a source of confidence V, or write official: false.",
        )


def _read_frame(entry: Entry, classes: Classes) -> str | None:
    if entry.value is None:
        return None
    found = get_class(entry, classes)
    if found.geometry != "polygon":
        raise entry.fail(f"the frame must be a class of polygons; {found.id} is {found.geometry}")
    return found.id


def _read_source(entry: Entry) -> Source:
    found = entry.record(("document", "clause", "confidence"), ("note",))
    return Source(
        document=found["document"].text(),
        clause=found["clause"].text(),
        confidence=cast(Confidence, found["confidence"].choice(CONFIDENCES)),
        note=found["note"].text() if "note" in found else "",
    )


def _read_profile(entry: Entry) -> Profile:
    found = entry.record(("family", "edition"), ("in_force",))
    return Profile(
        found["family"].text(),
        found["edition"].text(),
        _read_date(found["in_force"]) if "in_force" in found else None,
    )


def _read_date(entry: Entry) -> date:
    try:
        return date.fromisoformat(entry.text())
    except ValueError as error:
        raise entry.fail(f"'{entry.value}' is not a date", "Write it as 2021-12-31.") from error


def _read_land(entry: Entry, found: Found, classes: Classes) -> Demand:
    if "land" not in found:
        cls_id, where = LAND
        if cls_id not in classes:
            raise entry.fail("'land' is missing", "Name the class of polygons whose area is to be served.")
        return Demand(cls_id, where)
    parts = found["land"].record(("class",), ("where",))
    cls = get_class(parts["class"], classes)
    if cls.geometry != "polygon":
        raise parts["class"].fail(f"land must be a class of polygons; {cls.id} is {cls.geometry}")
    return Demand(cls.id, read_filter(parts, cls, ()))


def _read_people(entry: Entry, found: Found, classes: Classes) -> tuple[Demand, ...]:
    if "people" in found:
        people = tuple(_read_person(item, classes) for item in found["people"].items())
        if not people:
            raise found["people"].fail("lists no source of people")
        return people
    if any(cls_id not in classes for cls_id, _ in PEOPLE):
        raise entry.fail("'people' is missing", "Name the class, the number field and the rule.")
    filters = {LAND[0]: LAND[1]}
    return tuple(
        Demand(cls_id, filters.get(cls_id, {}), "people", cast(Any, rule), "people")
        for cls_id, rule in PEOPLE
    )


def _read_person(entry: Entry, classes: Classes) -> Demand:
    found = entry.record(("class", "field", "rule"), ("where",))
    cls = get_class(found["class"], classes)
    return Demand(
        cls=cls.id,
        where=read_filter(found, cls, ()),
        people_field=found["field"].one_of(found["field"].value, number_fields(cls), "number field"),
        people_rule=cast(Any, found["rule"].choice(RULES)),
        basis="people",
    )


def _read_also(entry: Entry, classes: Classes) -> Demand:
    """A further base of demand: its name alone, or with a class, a field and a filter of its own."""
    if isinstance(entry.value, str):
        basis = cast(Basis, entry.one_of(entry.value, ALSO, "basis"))
        return _further(entry, basis, {}, classes)
    found = entry.record(("basis",), ("class", "field", "where"))
    basis = cast(Basis, found["basis"].one_of(found["basis"].value, ALSO, "basis"))
    return _further(entry, basis, found, classes)


def _further(entry: Entry, basis: Basis, found: Found, classes: Classes) -> Demand:
    usual_cls, usual_field, usual_where = ALSO[basis]
    at = found.get("class", entry)
    cls = classes[
        at.one_of(found["class"].value if "class" in found else usual_cls, sorted(classes), "class")
    ]
    wanted = "line" if basis == "streets" else "polygon"
    if cls.geometry != wanted:
        raise at.fail(f"the basis {basis} needs a class of {wanted}s; {cls.id} is {cls.geometry}")
    number_field = usual_field
    if "field" in found:
        number_field = found["field"].one_of(found["field"].value, number_fields(cls), "number field")
    where = read_filter(found, cls, ("state",))
    if cls.id == usual_cls and "where" not in found:
        where |= usual_where
    return Demand(cls.id, where, number_field, "area", basis)
