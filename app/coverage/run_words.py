"""What a run was asked for beyond its policy, in words: area, parameters, day, scenario, its own name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.catalogue.model import Lang
from app.catalogue.parameters import PARAMETERS, Parameter

#: The same words in both languages.
Words = dict[Lang, str]
LABELS: Mapping[str, Words] = {
    "name": {"zh": "名称", "en": "Name"},
    "area": {"zh": "只算区域", "en": "Only the area"},
    "as_of": {"zh": "数据时点", "en": "As of"},
    "known_at": {"zh": "按变更时所知", "en": "As known at change"},
}
SCENARIO: Words = {"zh": "情景（设想，不是现状）", "en": "Scenario (supposed, not the city as it is)"}
#: How a flag that is set and one that is not are told.
FLAGS: Mapping[bool, Words] = {True: {"zh": "是", "en": "yes"}, False: {"zh": "否", "en": "no"}}


def run_words(run: Mapping[str, Any]) -> list[Words]:
    """Each thing in which a saved run is not its policy's own figure of today's whole city; empty where it is that.

    `run` has `inputs`, `results`, `policy` and `name`, as `service.get_run` gives them.
    """
    return list(_told(run))


def labels_of_two(a: Mapping[str, Any], b: Mapping[str, Any], lang: Lang) -> tuple[str, str]:
    """What tells two runs apart, a label each: its day and what it was asked for and the other was not.

    Both have `as_of`, `created_at` and, of `run_words`, `conditions`. Where nothing differs the labels end with the
    time of computing (UTC).
    """
    first, second = (_label(one, other, lang) for one, other in ((a, b), (b, a)))
    if first != second:
        return first, second
    return tuple(f"{first} {one['created_at'][11:19]} UTC" for one in (a, b))  # type: ignore[return-value]


def _label(run: Mapping[str, Any], other: Mapping[str, Any], lang: Lang) -> str:
    day = _line(LABELS["as_of"], _same(run["as_of"]))
    own = [words[lang] for words in run["conditions"] if words not in other["conditions"] and words != day]
    return " · ".join([str(run["as_of"] or run["created_at"][:10]), *own])


def _told(run: Mapping[str, Any]) -> Iterator[Words]:
    inputs = run["inputs"]
    if inputs.get("scenario"):
        name = inputs["scenario"].get("name")
        yield _line(SCENARIO, {"zh": name, "en": name}) if name else SCENARIO
    if inputs.get("area"):
        yield _line(LABELS["area"], _same(inputs["area"].get("name") or inputs["area"]["code"]))
    tiers = {row["tier"]: row.get("tier_title") or _same(row["tier"]) for row in run["results"]}
    for name, value in (inputs.get("asked") or {}).items():
        if value is not None and value != []:
            yield _parameter(name, value, tiers)
    for key in ("as_of", "known_at"):
        if inputs.get(key):
            yield _line(LABELS[key], _same(inputs[key]))
    # A run that is kept without a name bears its policy's.
    if run.get("name") and run["name"] not in ((run["policy"].get("title") or {}).values()):
        yield _line(LABELS["name"], _same(run["name"]))


def _same(value: Any) -> Words:
    return {"zh": str(value), "en": str(value)}


def _line(label: Words, value: Words) -> Words:
    return {"zh": f"{label['zh']}：{value['zh']}", "en": f"{label['en']}: {value['en']}"}


def _parameter(name: str, value: Any, tiers: Mapping[str, Words]) -> Words:
    known = PARAMETERS.get(name)
    if known is None:
        return _line(_same(name), _same(value))
    label: Words = {"zh": known.title.zh, "en": known.title.en}
    return _line(label, {"zh": _value(known, value, tiers, "zh"), "en": _value(known, value, tiers, "en")})


def _value(known: Parameter, value: Any, tiers: Mapping[str, Words], lang: Lang) -> str:
    comma = "、" if lang == "zh" else ", "
    if isinstance(value, Mapping):
        parts = ((tiers.get(tier, _same(tier))[lang], number) for tier, number in value.items())
        return comma.join(f"{title} {_value(known, number, tiers, lang)}" for title, number in parts)
    if isinstance(value, bool):
        return FLAGS[value][lang]
    if isinstance(value, int | float):
        return f"{value:g} {known.unit}".rstrip()
    return comma.join(map(str, value)) if isinstance(value, list | tuple) else str(value)
