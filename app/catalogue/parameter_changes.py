"""How the parameters of a request change a policy: the policy that results is all that the computation reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from app.catalogue.parameters import Values
from app.catalogue.policy_model import Amount, Having, Policy, Supply, Switch, Tier
from app.catalogue.tier_titles import retitled
from app.errors import BadInput


def with_parameters(policy: Policy, values: Values) -> Policy:
    """The policy that a request asks for: `policy` with the parameters that `read_parameters` gave.

    The titles of its tiers tell the changed numbers.

    Raises:
    ------
    BadInput
        The switches leave nothing of a supply; a parameter has no meaning for the policy.
    """
    if policy.kind != "reach" and (unused := [name for name in _WALKED if name in values]):
        _refuse(policy, unused[0], "Nothing is walked.")
    changed = policy
    for name, change in _CHANGES.items():
        if name in values:
            changed = change(changed, values[name])
    if changed == policy and (unused := [name for name in values if name in _NEEDS_REACH]):
        _check_meaning(policy, unused)
    if {"speed_m_s", "minutes"} & values.keys():
        changed = _timed(changed)
    return retitled(policy, changed)


def changed_parameters(policy: Policy, values: Values) -> tuple[str, ...]:
    """The names of the parameters that make the figure another than the policy's own."""
    return tuple(name for name, value in values.items() if _is_set(value) and _differs(policy, name, value))


def _is_set(value: Any) -> bool:
    return value is not False


def _differs(policy: Policy, name: str, value: Any) -> bool:
    return name not in _CHANGES or with_parameters(policy, {name: value}) != policy


_WALKED = ("speed_m_s", "snap_limit_m")
_NEEDS_REACH = ("minutes", "radius_m")


def _check_meaning(policy: Policy, names: Iterable[str]) -> None:
    if not any(tier.supplies or tier.having for tier in policy.tiers):
        _refuse(policy, next(iter(names)), "Only what serves within a distance has a reach.")


def _refuse(policy: Policy, name: str, why: str) -> None:
    raise BadInput(f"{name} means nothing to the policy '{policy.id}' of kind {policy.kind}.", why)


def _timed(policy: Policy) -> Policy:
    """The radii of time anew, after speed or minutes have changed."""

    def timed(supply: Supply) -> Supply:
        if supply.minutes is None:
            return supply
        return replace(supply, radius_m=round(supply.minutes * 60 * policy.speed_m_s, 6))

    return _map_supplies(policy, lambda _, supply: timed(supply))


def _map_supplies(policy: Policy, change: Callable[[Tier, Supply], Supply]) -> Policy:
    tiers = tuple(
        replace(
            tier, supplies=tuple(change(tier, supply) for supply in tier.supplies), having=_have(tier, change)
        )
        for tier in policy.tiers
    )
    return replace(policy, tiers=tiers)


def _have(tier: Tier, change: Callable[[Tier, Supply], Supply]) -> Having | None:
    if tier.having is None:
        return None
    return replace(tier.having, supplies=tuple(change(tier, item) for item in tier.having.supplies))


def _map_amounts(policy: Policy, change: Callable[[Tier, Amount], Amount]) -> Policy:
    tiers = (
        replace(tier, amounts=tuple(change(tier, amount) for amount in tier.amounts)) for tier in policy.tiers
    )
    return replace(policy, tiers=tuple(tiers))


def _speed(policy: Policy, speed_m_s: float) -> Policy:
    return replace(policy, speed_m_s=speed_m_s)


def _minutes(policy: Policy, minutes: float) -> Policy:
    tiers = (
        replace(tier, supplies=tuple(replace(supply, minutes=minutes) for supply in tier.supplies))
        for tier in policy.tiers
    )
    return replace(policy, minutes=minutes, tiers=tuple(tiers))


def _radius(policy: Policy, metres: Mapping[str, float]) -> Policy:
    def changed(tier: Tier, supply: Supply) -> Supply:
        return replace(supply, radius_m=metres[tier.id], minutes=None) if tier.id in metres else supply

    found = _map_supplies(policy, changed)
    timed = any(supply.minutes is not None for tier in found.tiers for supply in tier.supplies)
    return found if timed else replace(found, minutes=None)


def _least_area(policy: Policy, areas: Mapping[str, float]) -> Policy:
    def supply(tier: Tier, item: Supply) -> Supply:
        return replace(item, min_area_m2=_lowest(tier, item, areas))

    def amount(tier: Tier, item: Amount) -> Amount:
        return replace(item, min_area_m2=_lowest(tier, item, areas))

    return _map_amounts(_map_supplies(policy, supply), amount)


def _lowest(tier: Tier, item: Supply | Amount, areas: Mapping[str, float]) -> float | None:
    """A new smallest size for the lowest band of a class; the others begin where they began, unless it is above."""
    low = item.min_area_m2
    if tier.id not in areas:
        return low
    lowest = min(other.min_area_m2 or 0.0 for other in tier.counted if other.cls == item.cls)
    return areas[tier.id] if (low or 0.0) == lowest else max(low or 0.0, areas[tier.id])


def _rule(policy: Policy, rule: Literal["centre", "area"]) -> Policy:
    return replace(policy, people=tuple(replace(demand, people_rule=rule) for demand in policy.people))


def _target(policy: Policy, targets: Mapping[str, float]) -> Policy:
    return replace(policy, tiers=tuple(_aimed(tier, targets.get(tier.id)) for tier in policy.tiers))


def _aimed(tier: Tier, target: float | None) -> Tier:
    if target is None:
        return tier
    if tier.unit is None and target > 1:
        raise BadInput(f"target must be a share from 0 to 1, not {target:g}.", "Write 80 % as 0.8.")
    kept = "at_least" if tier.target_is == "between" else tier.target_is
    return replace(tier, target=target, target_is=kept, target_to=None)


def _snap(policy: Policy, metres: float) -> Policy:
    return replace(policy, snap_limit_m=metres)


def _include(policy: Policy, names: Iterable[str]) -> Policy:
    return _switched(policy, names, on=True)


def _exclude(policy: Policy, names: Iterable[str]) -> Policy:
    return _switched(policy, names, on=False)


def _switched(policy: Policy, names: Iterable[str], *, on: bool) -> Policy:
    switches = {item.id: item for item in policy.switches}
    for name in names:
        switch = switches[name]
        policy = _map_amounts(
            _map_supplies(policy, lambda _, item, s=switch: _turned(item, s, on=on)),  # type: ignore[misc]
            lambda _, item, s=switch: _turned(item, s, on=on),  # type: ignore[misc]
        )
    return policy


def _turned(item: Any, switch: Switch, *, on: bool) -> Any:
    """A supply or an amount with the switch's values let in or left out."""
    if item.cls != switch.cls:
        return item
    allowed = item.where.get(switch.field, switch.all_values)
    if on:
        kept = (*allowed, *(value for value in switch.values if value not in allowed))
    else:
        kept = tuple(value for value in allowed if value not in switch.values)
    if not kept:
        raise BadInput(f"Without '{switch.id}' nothing of {item.cls} is left.", "Exclude less.")
    if switch.field not in item.where and len(kept) == len(switch.all_values):
        return item
    return replace(item, where={**item.where, switch.field: kept})


#: How a parameter changes the policy, in the order of doing. The others are of the request alone.
_CHANGES: Mapping[str, Callable[[Policy, Any], Policy]] = {
    "speed_m_s": _speed,
    "minutes": _minutes,
    "radius_m": _radius,
    "min_area_m2": _least_area,
    "people_rule": _rule,
    "target": _target,
    "include": _include,
    "exclude": _exclude,
    "snap_limit_m": _snap,
}

#: The parameters that make another policy; the others are of the request.
POLICY_PARAMETERS = frozenset(_CHANGES)
