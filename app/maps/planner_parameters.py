"""What a planner may change of a policy, as a form needs it: the policy's own value beside what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.catalogue.model import FeatureClass, Lang
from app.catalogue.parameter_changes import with_parameters
from app.catalogue.parameters import PARAMETERS, Parameter, read_parameters
from app.catalogue.policy_model import Policy, Tier
from app.errors import ChengtuError

#: The values of choices, in words.
CHOICES: Mapping[str, dict[Lang, str]] = {
    "centre": {"zh": "格网中心", "en": "centre of the cell"},
    "area": {"zh": "面积比例", "en": "share of its area"},
    "resident": {"zh": "常住人口", "en": "residents"},
    "registered": {"zh": "户籍人口与暂住人口", "en": "registered and temporary"},
    "unstated": {"zh": "未说明口径", "en": "not stated"},
    "estimated": {"zh": "估算人口", "en": "estimated"},
    "daytime": {"zh": "日间人口", "en": "daytime"},
    "temporary": {"zh": "暂住人口", "en": "temporary"},
}
UNITS: Mapping[str, dict[Lang, str]] = {
    "m": {"zh": "米", "en": "m"},
    "min": {"zh": "分钟", "en": "min"},
    "m/s": {"zh": "米/秒", "en": "m/s"},
    "m²": {"zh": "平方米", "en": "m²"},
}


def parameter_fields(policy: Policy, classes: Mapping[str, FeatureClass], lang: Lang) -> list[dict[str, Any]]:
    """The parameters that mean something to a policy, with its own values (by tier where they differ by tier).

    Shares are given as they are sent, 0.9; a form that says `percent` writes 90.
    """
    found = [item for item in PARAMETERS.values() if _means_something(policy, item, classes)]
    return [_field(policy, item, lang) for item in found]


def _means_something(policy: Policy, item: Parameter, classes: Mapping[str, FeatureClass]) -> bool:
    if item.type == "names":
        return any(switch.on is (item.name == "exclude") for switch in policy.switches)
    # a number within every limit: whether it is refused depends on the policy alone
    value: Any = {"number": item.low, "tiered": item.low or 1, "choice": item.choices[:1]}.get(item.type)
    if value is None:
        return policy.kind == "reach"
    given = value[0] if isinstance(value, tuple) else value
    try:
        with_parameters(policy, read_parameters(policy, {item.name: given}, classes))
    except ChengtuError:
        return False
    return True


def _field(policy: Policy, item: Parameter, lang: Lang) -> dict[str, Any]:
    view: dict[str, Any] = {
        "name": item.name,
        "type": item.type,
        "title": item.title.in_(lang),
        "changes": item.changes.in_(lang),
        "unit": UNITS.get(item.unit, {lang: item.unit})[lang],
    }
    if item.type in ("number", "tiered"):
        view |= {"low": item.low, "high": item.high}
    if item.type == "tiered":
        view["tiers"] = [
            {"id": tier.id, "title": tier.title.in_(lang), "own": _own_of_tier(tier, item.name)}
            | (_aim(tier, lang) if item.name == "target" else {})
            for tier in policy.tiers
            if item.name != "radius_m" or tier.supplies or tier.having
        ]
    elif item.type == "choice":
        view["choices"] = [[name, CHOICES.get(name, {lang: name})[lang]] for name in item.choices]
        view["own"] = [_own_choice(policy, item.name)]
    elif item.type == "names":
        wanted = item.name == "exclude"
        view["choices"] = [[one.id, one.title.in_(lang)] for one in policy.switches if one.on is wanted]
    elif item.type == "number":
        view["own"] = [getattr(policy, item.name)]
    else:
        view["own"] = [policy.asked.get(item.name)]
    return view


def _aim(tier: Tier, lang: Lang) -> dict[str, Any]:
    """In what a tier's target is written: percent for a share."""
    return {"unit": "%", "percent": True} if tier.unit is None else {"unit": tier.unit.in_(lang)}


def _own_choice(policy: Policy, name: str) -> str | None:
    rules = {demand.people_rule for demand in policy.people}
    if name == "people_rule":
        return rules.pop() if len(rules) == 1 else None
    asked = policy.asked.get(name)
    return None if asked is None else str(asked)


def _own_of_tier(tier: Tier, name: str) -> list[float | None]:
    """The tier's own numbers, each once, in the order of its supplies."""
    if name == "target":
        return [tier.target]
    if name == "radius_m":
        supplies = (*tier.supplies, *(tier.having.supplies if tier.having else ()))
        return list(dict.fromkeys(supply.radius_m for supply in supplies))
    return list(dict.fromkeys(item.min_area_m2 for item in tier.counted))
