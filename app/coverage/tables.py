"""Rows of runs as CSV that a spreadsheet opens rightly: a mark at the front, headings in the reader's language."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from app.catalogue.model import Lang

#: Excel takes a file without it for one in the machine's own encoding.
MARK = "\ufeff"
#: A cell that begins so would be run as a formula (CWE-1236).
FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PERCENT = {"share_of_land", "share_of_people"}
_WORDS = {
    "straight": {"zh": "直线", "en": "straight"},
    "walk": {"zh": "步行", "en": "walked"},
    "count": {"zh": "计数", "en": "counted"},
    "whole": {"zh": "整体", "en": "whole"},
    "share": {"zh": "比例", "en": "share"},
    "city": {"zh": "市", "en": "city"},
    "district": {"zh": "区", "en": "district"},
    "subdistrict": {"zh": "街道", "en": "subdistrict"},
    "community": {"zh": "社区", "en": "community"},
    "grid": {"zh": "网格", "en": "grid"},
    "gained": {"zh": "新增覆盖", "en": "gained"},
    "lost": {"zh": "失去覆盖", "en": "lost"},
}  # fmt: skip
HEADINGS: Mapping[str, dict[Lang, str]] = {
    "as_of": {"zh": "数据时点", "en": "As of"},
    "rank": {"zh": "序号", "en": "Rank"},
    "code": {"zh": "编码", "en": "Code"},
    "name": {"zh": "名称", "en": "Name"},
    "level": {"zh": "层级", "en": "Level"},
    "mode": {"zh": "量算方式", "en": "Measured"},
    "tier": {"zh": "指标", "en": "Tier"},
    "share_of_land": {"zh": "用地覆盖率(%)", "en": "Land served (%)"},
    "share_of_people": {"zh": "人口覆盖率(%)", "en": "People served (%)"},
    "people": {"zh": "人口", "en": "People"},
    "people_served": {"zh": "已覆盖人口", "en": "People served"},
    "land_m2": {"zh": "用地面积(㎡)", "en": "Land (m²)"},
    "land_served_m2": {"zh": "已覆盖用地(㎡)", "en": "Land served (m²)"},
    "facilities": {"zh": "设施数", "en": "Facilities"},
    "value": {"zh": "指标值", "en": "Value"},
    "unit": {"zh": "单位", "en": "Unit"},
    "target": {"zh": "目标值", "en": "Target"},
    "met": {"zh": "是否达标", "en": "Target met"},
    "reason": {"zh": "说明", "en": "Reason"},
    "conditions": {"zh": "计算条件", "en": "Computed under"},
    "area_path": {"zh": "所属区域", "en": "Areas"},
    "area_m2": {"zh": "面积(㎡)", "en": "Area (m²)"},
    "hectares": {"zh": "面积(公顷)", "en": "Hectares"},
    "nearest_code": {"zh": "最近设施编码", "en": "Nearest facility (code)"},
    "nearest_name": {"zh": "最近设施", "en": "Nearest facility"},
    "nearest_m": {"zh": "距最近设施(米)", "en": "To the nearest (m)"},
    "gaps": {"zh": "空白数", "en": "Gaps"},
    "names": {"zh": "涉及地块", "en": "Parcels"},
    "cause": {"zh": "可能原因", "en": "Likely cause"},
    "straight_m": {"zh": "直线距离(米)", "en": "Straight (m)"},
    "walk_m": {"zh": "步行距离(米)", "en": "Walked (m)"},
    "detour": {"zh": "绕行系数", "en": "Detour ratio"},
    "lon": {"zh": "经度", "en": "Longitude"},
    "lat": {"zh": "纬度", "en": "Latitude"},
    "share_of_land_a": {"zh": "用地覆盖率A(%)", "en": "Land served A (%)"},
    "share_of_land_b": {"zh": "用地覆盖率B(%)", "en": "Land served B (%)"},
    "share_of_people_a": {"zh": "人口覆盖率A(%)", "en": "People served A (%)"},
    "share_of_people_b": {"zh": "人口覆盖率B(%)", "en": "People served B (%)"},
    "share_of_land_change": {"zh": "用地覆盖率变化(百分点)", "en": "Change of land served (points)"},
    "share_of_people_change": {"zh": "人口覆盖率变化(百分点)", "en": "Change of people served (points)"},
    "value_a": {"zh": "指标值A", "en": "Value A"},
    "value_b": {"zh": "指标值B", "en": "Value B"},
    "value_change": {"zh": "指标值变化", "en": "Change of the value"},
    "people_served_change": {"zh": "覆盖人口变化", "en": "Change of people served"},
    "land_served_change_m2": {"zh": "覆盖用地变化(㎡)", "en": "Change of land served (m²)"},
}  # fmt: skip


def to_csv(columns: Iterable[str], rows: Iterable[Mapping[str, Any]], lang: Lang) -> str:
    """Rows under headings; shares become per cent, unknown stays empty, text that looks like a formula is disarmed."""
    chosen = list(columns)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([HEADINGS[name][lang] for name in chosen])
    writer.writerows([_cell(name, row.get(name), lang) for name in chosen] for row in rows)
    return MARK + file.getvalue()


def _cell(name: str, value: Any, lang: Lang) -> Any:
    if value is None:
        return ""
    if name in _PERCENT or name.startswith("share_of_"):
        return round(value * 100, 2)
    if isinstance(value, bool):
        return ({"zh": "达标", "en": "yes"} if value else {"zh": "未达标", "en": "no"})[lang]
    if isinstance(value, dict):
        return value.get(lang, "")
    if isinstance(value, list):
        value = "、".join(map(str, value)) if lang == "zh" else ", ".join(map(str, value))
    if isinstance(value, str):
        word = _WORDS[value][lang] if value in _WORDS else value
        return f"'{word}" if word.startswith(FORMULA) else word
    return value
