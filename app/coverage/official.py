"""Whether a figure may be called official (官方口径), and if not, in what it differs from the document's rule."""

from __future__ import annotations

from typing import Any

from app.coverage.request import CoverageRequest

NOT_OFFICIAL_POLICY = {
    "zh": "该规则是解读或参考口径, 没有文件规定其官方算法",
    "en": "this rule is a reading or a reference: no document makes it the official figure",
}
NO_BUILT_UP = {
    "zh": "没有建成区范围, 分母为全部居住用地",
    "en": "there is no built-up area: the denominator is all residential land",
}
PARTIAL_AREA = {"zh": "只统计所选区域", "en": "only the chosen area is counted"}
OTHER_PARAMETERS = {"zh": "参数与文件不同", "en": "parameters differ from the document's"}
NO_SUPPLY = {"zh": "数据中没有该类设施", "en": "there is no facility of this kind in the data"}
NO_LAND = {"zh": "数据中没有居住用地", "en": "there is no residential land in the data"}


def assess(request: CoverageRequest, facts: dict[str, Any], *, has_land: bool) -> dict[str, Any]:
    """`{"official": bool, "differs": [{"zh", "en"}...]}`: official needs the document's rule, frame and denominator.

    Official figures are those measured in a straight line over residential land inside a dated built-up area.
    """
    differs = []
    if not request.policy.official:
        differs.append(NOT_OFFICIAL_POLICY)
    elif not facts["built_up_area_used"]:
        differs.append(NO_BUILT_UP)
    if not has_land:
        differs.append(NO_LAND)
    if not facts["has_supply"]:
        differs.append(NO_SUPPLY)
    if request.area is not None:
        differs.append(PARTIAL_AREA)
    if request.speed_given is not None or request.people_rule is not None:
        differs.append(OTHER_PARAMETERS)
    return {"official": not differs, "differs": differs}
