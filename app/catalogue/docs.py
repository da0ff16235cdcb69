"""Renders the pages of classes, codes and policies in docs/; `python -m app.catalogue.docs` writes them anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.catalogue.class_docs import class_pages
from app.catalogue.code_docs import codes_page
from app.catalogue.loader import load_catalogue
from app.catalogue.markdown import CONFIDENCE, NOTICE
from app.catalogue.markdown import table as _table
from app.catalogue.model import (
    Catalogue,
    Demand,
    Policy,
    Supply,
    Tier,
)
from app.settings import ROOT

POLICIES_INTRODUCTION = (
    "Each policy is one file in `geodata/policies/`. Straight-line distance is measured from the boundary of a "
    "facility, walking from its gates; both figures always stand side by side. Only a figure with its document's "
    "own rule, frame and denominator is called official."
)


def render_pages(catalogue: Catalogue) -> dict[str, str]:
    """File name in docs/ → the page as Markdown."""
    return {
        **class_pages(catalogue),
        "codes.md": codes_page(catalogue),
        "policies.md": _policies_page(catalogue),
    }


def _where(where: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    for name, values in where.items():
        yield f"{name} {' or '.join('unknown' if value is None else _plain(value) for value in values)}"


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _policies_page(catalogue: Catalogue) -> str:
    policies = list(catalogue.policies.values())
    parts = [
        "# 指标规则 · Policies",
        NOTICE,
        POLICIES_INTRODUCTION,
        _table(
            ("policy", "中文", "English", "official", "version"),
            [
                (
                    f"[`{item.id}`](#{item.id})",
                    item.title.zh,
                    item.title.en,
                    _yes(item.official),
                    item.version,
                )
                for item in policies
            ],
        ),
        *(part for item in policies for part in _policy_parts(item)),
    ]
    return "\n\n".join(parts) + "\n"


def _policy_parts(policy: Policy) -> Iterator[str]:
    yield f"## {policy.id}"
    yield f"**{policy.title.zh} · {policy.title.en}**"
    yield f"{policy.description.zh}  \n{policy.description.en}"
    rows = [row for tier in policy.tiers for row in _tier_rows(tier)]
    yield _table(("tier", "中文", "English", "served by", "size", "within", "only where", "target"), rows)
    yield "\n".join(f"- {fact}" for fact in _policy_facts(policy))


def _policy_facts(policy: Policy) -> Iterator[str]:
    source = policy.source
    note = f" {source.note}" if source.note else ""
    yield f"Source: {source.document}, {source.clause} ({CONFIDENCE[source.confidence]}).{note}"
    yield f"Official: {_yes(policy.official)}"
    yield f"Frame: {f'`{policy.frame_cls}`' if policy.frame_cls else 'none, all land and people of the data'}"
    yield f"Share of land: {_demand(policy.land)}"
    yield f"Share of people, the first that has rows: {'; '.join(_demand(item) for item in policy.people)}"
    minutes = f", {policy.minutes:g} min" if policy.minutes is not None else ""
    yield f"Walking: {policy.speed_m_s:g} m/s{minutes}; streets are looked for within {policy.snap_limit_m:g} m"
    yield f"Where there is no gate: boundary points within {policy.gate_search_m:g} m of a street"


def _demand(demand: Demand) -> str:
    where = f" ({', '.join(_where(demand.where))})" if demand.where else ""
    people = (
        f", field `{demand.people_field}`, counted by {demand.people_rule}" if demand.people_field else ""
    )
    return f"`{demand.cls}`{where}{people}"


def _tier_rows(tier: Tier) -> Iterator[tuple[object, ...]]:
    target = "" if tier.target is None else f"{tier.target:.0%}"
    for supply in tier.supplies:
        where = "; ".join(_where(supply.where))
        yield (
            f"`{tier.id}`",
            tier.title.zh,
            tier.title.en,
            f"`{supply.cls}`",
            _size(supply),
            f"{supply.radius_m:g} m",
            where,
            target,
        )


def _size(supply: Supply) -> str:
    low, high = supply.min_area_m2, supply.max_area_m2
    if low is None and high is None:
        return "any"
    below = f" to below {high:,.0f}" if high is not None else " or more"
    return f"{low or 0:,.0f}{below} m²"


def _yes(value: object) -> str:
    return "yes" if value else "no"


def write_pages(folder: Path, catalogue: Catalogue) -> None:
    """Write the pages into `folder`."""
    pages = render_pages(catalogue)
    (folder / "classes").mkdir(exist_ok=True)
    for old in (folder / "classes").glob("*.md"):
        if f"classes/{old.name}" not in pages:
            old.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_pages(ROOT / "docs", load_catalogue(ROOT / "geodata"))
