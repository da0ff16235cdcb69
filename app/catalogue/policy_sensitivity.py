"""Which policies read what is restricted: rows or fields that the engine, which serves everybody, never sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.catalogue.model import Catalogue, FeatureClass, Sensitivity
from app.catalogue.policy_model import Amount, Demand, Policy, Supply, Where
from app.catalogue.public_part import LEVELS


def needs_restricted(catalogue: Catalogue, policy: Policy) -> bool:
    """Whether the policy's figure may be made of restricted rows or fields: it is then computed for who asks."""
    return bool(restricted_reads(catalogue, policy))


def restricted_reads(catalogue: Catalogue, policy: Policy) -> dict[str, frozenset[str]]:
    """The classes of a policy of which rows may be restricted, or fields are: class id → the restricted fields read."""
    found: dict[str, frozenset[str]] = {}
    for class_id, where, names in _reads(policy):
        cls = catalogue.classes.get(class_id)
        if cls is None:
            continue
        fields = frozenset(
            item.name for item in cls.fields if item.name in names and item.sensitivity == "restricted"
        )
        if fields or _may_be_restricted(cls, where):
            found[class_id] = found.get(class_id, frozenset()) | fields
    return found


def level_of(catalogue: Catalogue, policy: Policy) -> Sensitivity:
    """What one may see at least who is told the policy's figure: the highest level of its classes and fields.

    Restricted rows do not count: who may not see them is told a figure without them. `catalogue` is the whole one.
    """
    levels: list[Sensitivity] = ["public"]
    for class_id, _, names in _reads(policy):
        cls = catalogue.get_class(class_id)
        levels += [cls.sensitivity, *(item.sensitivity for item in cls.fields if item.name in names)]
    return max(levels, key=LEVELS.index)


def _may_be_restricted(cls: FeatureClass, where: Where) -> bool:
    """Whether a restricted row of the class may match a filter: one that names open values alone matches none."""
    if cls.sensitivity == "restricted":
        return True
    return any(
        name not in where or None in where[name] or not hidden.isdisjoint(where[name])
        for name, hidden in cls.restricted_rows.items()
    )


def _reads(policy: Policy) -> Iterator[tuple[str, Where, set[str]]]:
    """What the policy reads: class, filter, names of the fields beside those of every class."""
    for demand in (policy.land, *policy.people, *policy.also):
        yield demand.cls, demand.where, _fields(demand)
    for tier in policy.tiers:
        for item in (*tier.counted, *tier.compared):
            yield item.cls, item.where, _fields(item)
            if item.near is not None:
                yield item.near.cls, item.near.where, set(item.near.where)
        if tier.of is not None and tier.having is not None:
            names = {*tier.having.where, *tier.having.least}
            yield tier.of.cls, _both(tier.of.where, tier.having.where), names
    if policy.frame_cls is not None:
        yield policy.frame_cls, {}, set()


def _fields(item: Supply | Amount | Demand) -> set[str]:
    names = {*item.where}
    if isinstance(item, Amount):
        names |= {name for name in (item.number_field, item.distinct) if name is not None}
    if isinstance(item, Demand) and item.people_field is not None:
        names.add(item.people_field)
    return names


def _both(first: Where, second: Where) -> Mapping[str, tuple[object, ...]]:
    return {**second, **first}
