"""Whether a figure may be called official (官方口径), and if not, in what it differs from the document's rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.catalogue.model import Policy
from app.catalogue.parameters import PARAMETERS
from app.coverage.request import CoverageRequest

Words = dict[str, str]
NOT_OFFICIAL_POLICY = {
    "zh": "该规则是解读或参考口径, 没有文件规定其官方算法",
    "en": "this rule is a reading or a reference: no document makes it the official figure",
}
FROM_MEMORY = {
    "zh": "该文件的条文未见原文, 数值凭记忆或转引录入",
    "en": "the document's text was not seen: its numbers are from memory or second hand",
}
OWN_RULE = {"zh": "该规则由本市自定", "en": "the city has set this rule itself"}
NO_BUILT_UP = {
    "zh": "没有建成区范围, 分母为全部居住用地",
    "en": "there is no built-up area: the denominator is all residential land",
}
UNDATED = {"zh": "建成区范围没有截止日期", "en": "the built-up area bears no date"}
OTHER_LAND = {
    "zh": "分母不是居住用地",
    "en": "the denominator is not residential land",
}
PARTIAL_AREA = {"zh": "只统计所选区域", "en": "only the chosen area is counted"}
SCENARIO = {
    "zh": "情景推演, 不是现状",
    "en": "a scenario: the city as it might be, not as it is",
}
NO_SUPPLY = {"zh": "数据中没有该类设施", "en": "there is no facility of this kind in the data"}
NO_LAND = {"zh": "数据中没有居住用地", "en": "there is no residential land in the data"}
#: What a document means by residential land.
RESIDENTIAL = ("residential_areas", {"kind": ("land",)})


def assess(request: CoverageRequest, facts: Mapping[str, Any], *, has_land: bool) -> dict[str, Any]:
    """`{"official": bool, "differs": [{"zh", "en"}...]}`: official needs the document's rule, frame and denominator.

    Official figures are those measured as the document says, over residential land inside a dated built-up area, with
    the document's own parameters; `facts` are what loading found of frame and supply.
    """
    differs = [
        *_rule(request.policy),
        *(_frame(facts) if request.policy.official else ()),
        *(_data(request.policy, facts, has_land=has_land)),
        *([PARTIAL_AREA] if request.area is not None else ()),
        *(_parameter(request, name) for name in request.changed),
    ]
    return {"official": not differs, "differs": differs}


def _rule(policy: Policy) -> Iterator[Words]:
    if policy.official:
        return
    if policy.origin != "built_in":
        yield OWN_RULE
    elif policy.frame_cls is not None and policy.source.confidence != "V":
        yield FROM_MEMORY
    else:
        yield NOT_OFFICIAL_POLICY


def _frame(facts: Mapping[str, Any]) -> Iterator[Words]:
    if not facts["built_up_area_used"]:
        yield NO_BUILT_UP
    elif facts["built_up_area_as_of"] is None:
        yield UNDATED


def _data(policy: Policy, facts: Mapping[str, Any], *, has_land: bool) -> Iterator[Words]:
    if policy.kind == "reach":
        if policy.official and (policy.land.cls, policy.land.where) != RESIDENTIAL:
            yield OTHER_LAND
        if not has_land:
            yield NO_LAND
    if not facts["has_supply"]:
        yield NO_SUPPLY


def _parameter(request: CoverageRequest, name: str) -> Words:
    title, value = PARAMETERS[name].title, _shown(request.parameters[name])
    return {
        "zh": f"参数与文件不同: {title.zh} = {value}",
        "en": f"a parameter differs from the document's: {title.en.lower()} = {value}",
    }


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        numbers = set(value.values())
        if len(numbers) == 1:
            return _shown(numbers.pop())
        return ", ".join(f"{name} {_shown(item)}" for name, item in value.items())
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
