"""Reads the named kinds of facilities that a request may switch on or off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.catalogue.fields import check_value
from app.catalogue.model import FeatureClass
from app.catalogue.policy_model import Switch, Tier
from app.catalogue.source import Entry


def read_shared_switches(entry: Entry, classes: Mapping[str, FeatureClass]) -> dict[str, Switch]:
    """The switches of `policies/_switches.yaml`: class → name → what it switches; by "class.name"."""
    found: dict[str, Switch] = {}
    for cls_id, items in entry.members():
        cls = classes[items.one_of(cls_id, sorted(classes), "class")]
        for name, item in items.members():
            found[f"{cls_id}.{name}"] = _read_switch(item, item.child("id", name).name(), cls)
    return found


def _read_switch(entry: Entry, name: str, cls: FeatureClass) -> Switch:
    found = entry.record(("title", "field", "values"))
    finite = {item.name: item for item in cls.fields if item.type in ("choice", "boolean")}
    field = finite[found["field"].one_of(found["field"].value, finite, "choice or boolean field")]
    values = tuple(check_value(item, field, nullable=True) for item in found["values"].items())
    if not values:
        raise found["values"].fail("lists no value")
    every = tuple(item.value for item in field.choices) if field.type == "choice" else (True, False)
    return Switch(name, found["title"].title(), cls.id, field.name, values, (*every, None), on=True)


def read_switches(
    found: Mapping[str, Entry],
    tiers: Iterable[Tier],
    classes: Mapping[str, FeatureClass],
    shared: Mapping[str, Switch],
) -> tuple[Switch, ...]:
    """The switches of a policy: its own under `switches`, and those that the classes of its supply bring."""
    filters: dict[str, list[Mapping[str, tuple[Any, ...]]]] = {}
    for tier in tiers:
        for counted in tier.counted:
            filters.setdefault(counted.cls, []).append(counted.where)
    own = {}
    if "switches" in found:
        for name, item in found["switches"].members():
            parts = item.record(("class", "title", "field", "values"))
            cls = classes[parts["class"].one_of(parts["class"].value, sorted(filters), "class of supply")]
            rest = {key: value for key, value in item.value.items() if key != "class"}
            own[name] = _read_switch(
                Entry(item.file, item.path, rest, item.lines), item.child(name, name).name(), cls
            )
    theirs = {item.id: item for item in shared.values() if item.cls in filters}
    return tuple(_as_it_stands(item, filters[item.cls]) for item in {**theirs, **own}.values())


def _as_it_stands(switch: Switch, filters: Iterable[Mapping[str, tuple[Any, ...]]]) -> Switch:
    """The switch as the policy's own filters leave it: on where they let its values pass."""
    on = any(set(switch.values) <= set(where.get(switch.field, switch.values)) for where in filters)
    return replace(switch, on=on)
