"""Renders docs/policies.md: every declared policy, and how a city writes one of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.catalogue.markdown import CONFIDENCE, NOTICE, table
from app.catalogue.model import Catalogue
from app.catalogue.policy_guide import GUIDE, INTRODUCTION
from app.catalogue.policy_model import Amount, Demand, Having, Near, Policy, Supply, Tier


def policies_page(catalogue: Catalogue) -> str:
    """The page as Markdown."""
    policies = list(catalogue.policies.values())
    listed = [
        (
            f"[`{p.id}`](#{p.id}){' *' if p.default else ''}",
            p.title.zh,
            p.title.en,
            p.kind,
            _yes(p.official),
            p.version,
        )
        for p in policies
    ]
    parts = [
        "# 指标规则 · Policies",
        NOTICE,
        INTRODUCTION,
        table(("policy", "中文", "English", "kind", "official", "version"), listed),
        GUIDE,
        *(part for item in policies for part in _policy_parts(item)),
    ]
    return "\n\n".join(parts) + "\n"


def _policy_parts(policy: Policy) -> Iterator[str]:
    yield f"## {policy.id}"
    yield f"**{policy.title.zh} · {policy.title.en}**"
    yield f"{policy.description.zh}  \n{policy.description.en}"
    if policy.kind == "reach":
        rows = [row for tier in policy.tiers for row in _tier_rows(tier)]
        yield table(("tier", "中文", "English", "served by", "size", "within", "only where", "target"), rows)
    else:
        figures = [(f"`{t.id}`", t.title.zh, t.title.en, _figure(t), _target(t)) for t in policy.tiers]
        yield table(("tier", "中文", "English", "figure", "target"), figures)
    yield "\n".join(f"- {fact}" for fact in _policy_facts(policy))


def _policy_facts(policy: Policy) -> Iterator[str]:
    source = policy.source
    note = f" {source.note}" if source.note else ""
    yield f"Source: {source.document}, {source.clause} ({CONFIDENCE[source.confidence]}).{note}"
    if policy.profile is not None:
        yield f"Edition: {policy.profile.edition} of the family {policy.profile.family}"
    yield f"Official: {_yes(policy.official)}"
    yield f"Frame: {f'`{policy.frame_cls}`' if policy.frame_cls else 'none, all land and people of the data'}"
    if policy.kind == "reach":
        yield from _reach_facts(policy)
    elif any(tier.per is not None and tier.per.amount is None for tier in policy.tiers):
        yield _people(policy)
    if policy.switches:
        names = (item.id if item.on else f"{item.id} (off)" for item in policy.switches)
        yield f"Switches: {', '.join(names)}"


def _reach_facts(policy: Policy) -> Iterator[str]:
    yield f"Share of land: {_demand(policy.land)}"
    yield _people(policy)
    if policy.also:
        yield f"Measured of beside these: {'; '.join(f'{item.basis}: {_demand(item)}' for item in policy.also)}"
    minutes = f", {policy.minutes:g} min" if policy.minutes is not None else ""
    yield f"The document measures: {'on foot' if policy.mode == 'walk' else 'in a straight line'}"
    yield f"Walking: {policy.speed_m_s:g} m/s{minutes}; streets are looked for within {policy.snap_limit_m:g} m"
    yield f"Where there is no gate: boundary points within {policy.gate_search_m:g} m of a street"


def _people(policy: Policy) -> str:
    return f"Share of people, the first that has rows: {'; '.join(_demand(item) for item in policy.people)}"


def _demand(demand: Demand) -> str:
    where = f" ({_where(demand.where)})" if demand.where else ""
    counted = f", counted by {demand.people_rule}" if demand.basis == "people" else ""
    return (
        f"`{demand.cls}`{where}{f', field `{demand.people_field}`' if demand.people_field else ''}{counted}"
    )


def _tier_rows(tier: Tier) -> Iterator[tuple[object, ...]]:
    for supply in tier.supplies:
        where = "; ".join(filter(None, (_where(supply.where), _near(supply.near))))
        names = (f"`{tier.id}`", tier.title.zh, tier.title.en, f"`{supply.cls}`")
        yield (*names, _size(supply), f"{supply.radius_m:g} m", where, _target(tier))


def _figure(tier: Tier) -> str:
    if tier.of is not None and tier.having is not None:
        return f"of {_amount(tier.of)} those that have {_having(tier.having)}"
    counted = " and ".join(_amount(item) for item in tier.amounts)
    if tier.per is None:
        return f"{counted} in every {tier.level}"
    amount = tier.per.amount
    return f"{counted} per {f'{tier.per.people:g} people' if amount is None else _amount(amount)}"


def _amount(amount: Amount) -> str:
    measures = {"count": "number", "field": f"sum of `{amount.number_field}`"}
    measure = measures.get(amount.quantity, f"{amount.quantity} in {_unit(amount)}")
    each = f", each `{amount.distinct}` once" if amount.distinct else ""
    conditions = "; ".join(filter(None, (_where(amount.where), _near(amount.near))))
    return f"`{amount.cls}` ({measure}{each}{f'; {conditions}' if conditions else ''})"


def _unit(amount: Amount) -> str:
    areas = {1.0: "m²", 1e4: "hm²", 1e6: "km²"}
    return areas[amount.unit] if amount.quantity == "area" else {1.0: "m", 1e3: "km"}[amount.unit]


def _having(having: Having) -> str:
    beside = " or ".join(
        f"`{supply.cls}`{f' ({_where(supply.where)})' if supply.where else ''} within {supply.radius_m:g} m"
        for supply in having.supplies
    )
    number = f"{having.number} of " if having.number > 1 else ""
    least = "; ".join(f"{name} of at least {value:g}" for name, value in having.least.items())
    return " and ".join(filter(None, (_where(having.where), least, beside and f"{number}{beside}")))


def _near(near: Near | None) -> str:
    if near is None:
        return ""
    where = f" ({_where(near.where)})" if near.where else ""
    return (
        f"within {near.within_m:g} m of `{near.cls}`{where}" if near.within_m else f"in `{near.cls}`{where}"
    )


def _where(where: Mapping[str, Sequence[Any]]) -> str:
    return "; ".join(
        f"{name} {' or '.join('unknown' if value is None else _plain(value) for value in values)}"
        for name, values in where.items()
    )


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _target(tier: Tier) -> str:
    if tier.target is None:
        return ""
    if tier.target_is == "between":
        return f"{tier.target:g} to {tier.target_to:g}"
    sign = "≤ " if tier.target_is == "at_most" else ""
    share = tier.unit is None
    return f"{sign}{tier.target * 100:.4g} %" if share else f"{sign}{tier.target:g}"


def _size(supply: Supply) -> str:
    low, high = supply.min_area_m2, supply.max_area_m2
    if low is None and high is None:
        return "any"
    below = f" to below {high:,.0f}" if high is not None else " or more"
    return f"{low or 0:,.0f}{below} m²"


def _yes(value: object) -> str:
    return "yes" if value else "no"
