"""Renders docs/classes.md and docs/policies.md from the catalogue; `python -m app.catalogue.docs` writes them anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.catalogue.loader import load_catalogue
from app.catalogue.model import (
    Catalogue,
    Demand,
    FeatureClass,
    Field,
    OsmRule,
    Policy,
    Supply,
    Tier,
    ZoomRule,
)
from app.settings import ROOT

NOTICE = "<!-- Written by `python -m app.catalogue.docs` from geodata/; don't edit it. -->"
CLASSES_INTRODUCTION = (
    "Each class is one file in `geodata/classes/`. Besides its own fields every class has those of the first table; "
    "unknown stays empty. In OSM rules `key=*` is any value, and the first rule that matches counts."
)
POLICIES_INTRODUCTION = (
    "Each policy is one file in `geodata/policies/`. Straight-line distance is measured from the boundary of a "
    "facility, walking from its gates; both figures always stand side by side. Only a figure with its document's "
    "own rule, frame and denominator is called official."
)
CONFIDENCE = {"V": "its text was seen", "S": "a secondary source", "M": "from memory, unverified"}
_FIELD_HEAD = ("field", "中文", "English", "type", "values", "also read from the headings", "OSM tags")


def render_pages(catalogue: Catalogue) -> dict[str, str]:
    """File name in docs/ → the page as Markdown."""
    return {"classes.md": _classes_page(catalogue), "policies.md": _policies_page(catalogue)}


def _classes_page(catalogue: Catalogue) -> str:
    classes = list(catalogue.classes.values())
    common = _common_fields(classes)
    parts = [
        "# 要素类 · Classes",
        NOTICE,
        CLASSES_INTRODUCTION,
        _table(
            ("class", "中文", "English", "geometry", "fields", "sensitivity"),
            [_contents(item) for item in classes],
        ),
        "## 共有字段 · Common fields",
        _table(_FIELD_HEAD, [_field_row(item) for item in common]),
        *(part for item in classes for part in _class_parts(item, common)),
    ]
    return "\n\n".join(parts) + "\n"


def _common_fields(classes: Sequence[FeatureClass]) -> list[Field]:
    """The fields that all classes have alike."""
    return [item for item in classes[0].fields if all(item in other.fields for other in classes)]


def _contents(item: FeatureClass) -> tuple[object, ...]:
    link = f"[`{item.id}`](#{item.id})"
    return link, item.title.zh, item.title.en, item.geometry, len(item.fields), item.sensitivity


def _class_parts(item: FeatureClass, common: Sequence[Field]) -> Iterator[str]:
    # The heading is the id alone, so that its link is the same in every renderer.
    yield f"## {item.id}"
    yield f"**{item.title.zh} · {item.title.en}** {item.symbol.glyph}"
    yield f"{item.description.zh}  \n{item.description.en}"
    yield "\n".join(f"- {fact}" for fact in _class_facts(item))
    yield _table(_FIELD_HEAD, [_field_row(field) for field in item.fields if field not in common])


def _class_facts(item: FeatureClass) -> Iterator[str]:
    accepts = f" (an import may also bring: {', '.join(item.accept)})" if item.accept else ""
    yield f"Geometry: {item.geometry}{accepts}"
    yield f"Kept by: {item.office}"
    yield f"Sensitivity: {item.sensitivity}"
    yield f"Also named: {', '.join(item.aliases)}"
    yield "Drawn from zoom " + "; ".join(_zoom(rule) for rule in item.zooms)
    for rule in item.osm:
        yield f"OSM: {_rule(rule)}"


def _zoom(rule: ZoomRule) -> str:
    sizes = {"m²": rule.area_m2_min, "m": rule.length_m_min}
    conditions = [
        *_where(rule.where),
        *(f"from {size:,.0f} {unit}" for unit, size in sizes.items() if size is not None),
    ]
    return f"{rule.zoom} ({', '.join(conditions)})" if conditions else f"{rule.zoom}"


def _rule(rule: OsmRule) -> str:
    unless = f", not {_tags(rule.unless)}" if rule.unless else ""
    implied = f" → {', '.join(f'{name} {value}' for name, value in rule.set.items())}" if rule.set else ""
    return f"{_tags(rule.tags)}{unless}{implied}"


def _tags(tags: Mapping[str, Sequence[str]]) -> str:
    return " ".join(f"`{key}={'|'.join(values)}`" for key, values in tags.items())


def _where(where: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    for name, values in where.items():
        yield f"{name} {' or '.join('unknown' if value is None else _plain(value) for value in values)}"


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _field_row(field: Field) -> tuple[object, ...]:
    title = f"{field.title.en}. {field.description}" if field.description else field.title.en
    values = "<br>".join(f"`{item.value}` {item.title.zh} {item.title.en}" for item in field.choices)
    return (
        f"`{field.name}`",
        field.title.zh,
        title,
        _type(field),
        values,
        ", ".join(field.aliases),
        " ".join(f"`{tag}`" for tag in field.osm),
    )


def _type(field: Field) -> str:
    limits = [f"from {field.minimum:g}"] if field.minimum is not None else []
    limits += [f"to {field.maximum:g}"] if field.maximum is not None else []
    needed = ["required"] if field.required else []
    needed += [f"default {field.default}"] if field.default is not None else []
    hidden = [field.sensitivity] if field.sensitivity != "public" else []
    return ", ".join([f"{field.type} {field.unit or ''}".strip(), *limits, *needed, *hidden])


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


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [headings, ["---"] * len(headings), *([_cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def write_pages(folder: Path, catalogue: Catalogue) -> None:
    """Write the pages into `folder`."""
    for name, text in render_pages(catalogue).items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_pages(ROOT / "docs", load_catalogue(ROOT / "geodata"))
