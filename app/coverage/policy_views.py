"""Policies and parameters as plain values, as the interface and the command line give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.catalogue.parameters import PARAMETERS, Parameter
from app.catalogue.policy_model import Amount, Demand, Denominator, Having, Near, Policy, Supply, Tier, Where
from app.catalogue.title import Title


def policy_view(policy: Policy, *, whole: bool) -> dict[str, Any]:
    """A policy as plain values; `whole` adds what the figure is made of, its switches, and its text."""
    view: dict[str, Any] = {
        "id": policy.id,
        "version": policy.version,
        "kind": policy.kind,
        "title": title_view(policy.title),
        "description": title_view(policy.description),
        "official": policy.official,
        "default": policy.default,
        "origin": policy.origin,
        "mode": policy.mode,
        "profile": _profile(policy),
        "source": {
            "document": policy.source.document,
            "clause": policy.source.clause,
            "confidence": policy.source.confidence,
            "note": policy.source.note,
        },
        "tiers": [_tier(tier) for tier in policy.tiers],
    }
    if whole:
        view |= {
            "speed_m_s": policy.speed_m_s,
            "minutes": policy.minutes,
            "snap_limit_m": policy.snap_limit_m,
            "gate_search_m": policy.gate_search_m,
            "land": policy.land.cls,
            "people": [demand.cls for demand in policy.people],
            "also": [_demand(demand) for demand in policy.also],
            "frame": policy.frame_cls,
            "asked": dict(policy.asked),
            "switches": [
                {"id": item.id, "title": title_view(item.title), "class": item.cls, "on": item.on}
                for item in policy.switches
            ],
            "text": policy.text,
        }
    return view


def title_view(title: Title) -> dict[str, str]:
    """A name in both languages."""
    return {"zh": title.zh, "en": title.en}


def parameter_views() -> list[dict[str, Any]]:
    """Every parameter that a request may set."""
    return [_parameter(item) for item in PARAMETERS.values()]


def _parameter(item: Parameter) -> dict[str, Any]:
    ranged = item.type in ("number", "tiered")
    return {
        "name": item.name,
        "type": item.type,
        "title": title_view(item.title),
        "changes": title_view(item.changes),
        "unit": item.unit or None,
        "minimum": item.low if ranged else None,
        "maximum": item.high if ranged else None,
        "values": list(item.choices) or None,
        "valid": item.valid,
        "example": item.example,
    }


def _profile(policy: Policy) -> dict[str, Any] | None:
    profile = policy.profile
    if profile is None:
        return None
    in_force = None if profile.in_force is None else profile.in_force.isoformat()
    return {"family": profile.family, "edition": profile.edition, "in_force": in_force}


def _demand(demand: Demand) -> dict[str, Any]:
    return {"basis": demand.basis, "class": demand.cls, "field": demand.people_field}


def _tier(tier: Tier) -> dict[str, Any]:
    view = {
        "id": tier.id,
        "title": title_view(tier.title),
        "target": tier.target,
        "target_is": tier.target_is,
        "target_to": tier.target_to,
        "unit": None if tier.unit is None else title_view(tier.unit),
        "supplies": [_supply(supply) for supply in tier.supplies],
    }
    more = {
        "count": [_amount(amount) for amount in tier.amounts] or None,
        "per": None if tier.per is None else _denominator(tier.per),
        "of": None if tier.of is None else _amount(tier.of),
        "having": None if tier.having is None else _having(tier.having),
        "level": tier.level,
    }
    return view | {key: value for key, value in more.items() if value is not None}


def _where(where: Where) -> dict[str, list[Any]]:
    return {
        name: [str(v) if hasattr(v, "isoformat") else v for v in values] for name, values in where.items()
    }


def _near(near: Near | None) -> dict[str, Any]:
    if near is None:
        return {}
    return {"near": {"class": near.cls, "where": _where(near.where), "within_m": near.within_m}}


def _supply(supply: Supply) -> dict[str, Any]:
    return {
        "class": supply.cls,
        "radius_m": supply.radius_m,
        "minutes": supply.minutes,
        "min_area_m2": supply.min_area_m2,
        "max_area_m2": supply.max_area_m2,
        "where": _where(supply.where),
        **_near(supply.near),
    }


def _amount(amount: Amount) -> dict[str, Any]:
    found: Mapping[str, Any] = {
        "class": amount.cls,
        "quantity": amount.quantity,
        "field": amount.number_field,
        "unit": amount.unit,
        "min_area_m2": amount.min_area_m2,
        "max_area_m2": amount.max_area_m2,
        "distinct": amount.distinct,
    }
    known = {key: value for key, value in found.items() if value is not None}
    return known | {"where": _where(amount.where), **_near(amount.near)}


def _denominator(per: Denominator) -> dict[str, Any]:
    return {"people": per.people} if per.amount is None else _amount(per.amount)


def _having(having: Having) -> dict[str, Any]:
    return {
        "where": _where(having.where),
        "least": dict(having.least),
        "supplies": [_supply(supply) for supply in having.supplies],
        "number": having.number,
    }
