"""Rows of runs as sheets, CSV or XLSX: headings and amounts as the plans of the reader's language write them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.catalogue.model import Lang
from app.lazy import lazy_module

xlsxwriter = lazy_module("xlsxwriter")

#: Excel takes a file without it for one in the machine's own encoding.
MARK = "\ufeff"
#: A cell that begins so would be run as a formula (CWE-1236).
FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: Columns in the units of plans: what they are made of, and in Chinese by how much it is divided, with which decimals.
_SCALED: Mapping[str, tuple[str, int, int]] = {
    "people_all": ("people", 10_000, 4),
    "people_served_all": ("people_served", 10_000, 4),
    "people_served_change_all": ("people_served_change", 10_000, 4),
    "land": ("land_m2", 10_000, 2),
    "land_served": ("land_served_m2", 10_000, 2),
    "land_served_change": ("land_served_change_m2", 10_000, 2),
}
#: What XML 1.0, and so a sheet, cannot hold; and how much text one cell holds.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CELL_LENGTH = 32_767
#: Columns of figures in the policy's own unit; shares are told in per cent.
_FIGURES = frozenset({"value", "value_a", "value_b", "value_change", "target"})
#: Number formats of a sheet by the ending of a column's name; of the others numbers stand as they are.
_FORMATS: Mapping[str, str] = {"all": "#,##0.####", "people": "#,##0", "hectares": "#,##0.00", "_m": "#,##0"}
_WIDTHS = (6, 44)
_WORDS = {
    "straight": {"zh": "直线", "en": "straight"},
    "walk": {"zh": "步行", "en": "walked"},
    "count": {"zh": "计数", "en": "counted"},
    "whole": {"zh": "整体", "en": "whole"},
    "share": {"zh": "%", "en": "%"},
    "city": {"zh": "市", "en": "city"},
    "district": {"zh": "区县", "en": "district"},
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
    "people_all": {"zh": "人口(万人)", "en": "People"},
    "people_served_all": {"zh": "已覆盖人口(万人)", "en": "People served"},
    "land": {"zh": "用地面积(公顷)", "en": "Land (m²)"},
    "land_served": {"zh": "已覆盖用地(公顷)", "en": "Land served (m²)"},
    "facilities": {"zh": "设施数(座)", "en": "Facilities"},
    "value": {"zh": "指标值", "en": "Value"},
    "unit": {"zh": "单位", "en": "Unit"},
    "target": {"zh": "目标值", "en": "Target"},
    "met": {"zh": "是否达标", "en": "Target met"},
    "reason": {"zh": "说明", "en": "Reason"},
    "conditions": {"zh": "计算条件", "en": "Computed under"},
    "district": {"zh": "区县", "en": "District"},
    "subdistrict": {"zh": "街道", "en": "Subdistrict"},
    "community": {"zh": "社区", "en": "Community"},
    "estate": {"zh": "小区", "en": "Estate"},
    "estate_code": {"zh": "小区编码", "en": "Estate (code)"},
    "hectares": {"zh": "面积(公顷)", "en": "Hectares"},
    "nearest_code": {"zh": "最近设施编码", "en": "Nearest facility (code)"},
    "nearest_name": {"zh": "最近设施", "en": "Nearest facility"},
    "nearest_m": {"zh": "距离(米)", "en": "Distance (m)"},
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
    "people_served_change_all": {"zh": "覆盖人口变化(万人)", "en": "Change of people served"},
    "land_served_change": {"zh": "覆盖用地变化(公顷)", "en": "Change of land served (m²)"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows by column, and the columns of `HEADINGS` that are shown, in their order."""

    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]


def to_csv(sheet: Sheet, lang: Lang) -> str:
    """Rows under headings; shares become per cent, unknown stays empty, text that looks like a formula is disarmed."""
    chosen = sheet.columns
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([HEADINGS[name][lang] for name in chosen])
    writer.writerows([_disarmed(_cell(name, row, lang)) for name in chosen] for row in sheet.rows)
    return MARK + file.getvalue()


def to_xlsx(table: Sheet, lang: Lang) -> bytes:
    """The same as a workbook of one sheet, its headings fixed and filtered; text is text, whatever it begins with."""
    chosen, out = table.columns, io.BytesIO()
    cells = [[_cell(name, row, lang) for name in chosen] for row in table.rows]
    with xlsxwriter.Workbook(out, {"in_memory": True, "nan_inf_to_errors": True}) as book:
        sheet = book.add_worksheet({"zh": "结果", "en": "Results"}[lang])
        bold = book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(len(cells), 1), len(chosen) - 1)
        for place, name in enumerate(chosen):
            heading, column = HEADINGS[name][lang], [row[place] for row in cells]
            kind = next((form for ending, form in _FORMATS.items() if name.endswith(ending)), "General")
            form = book.add_format({"num_format": kind})
            sheet.set_column(place, place, _width([heading, *column[:500]]), form)
            sheet.write_string(0, place, heading, bold)
            for number, cell in enumerate(column, 1):
                _put(sheet, number, place, cell)
    return out.getvalue()


def _put(sheet: Any, row: int, column: int, cell: Any) -> None:
    if isinstance(cell, str):
        if cell:
            sheet.write_string(row, column, _FORBIDDEN.sub("", cell)[:_CELL_LENGTH])
    else:
        sheet.write_number(row, column, cell)


def _width(cells: Iterable[Any]) -> int:
    """Characters that a column takes, Chinese ones twice as wide."""
    widths = (sum(2 if ord(letter) > 0x2E7F else 1 for letter in str(cell)) for cell in cells)
    return min(max(max(widths) + 3, _WIDTHS[0]), _WIDTHS[1])


def _disarmed(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _cell(name: str, row: Mapping[str, Any], lang: Lang) -> Any:
    source, by, digits = _SCALED.get(name, (name, 1, 0))
    value = row.get(source)
    if value is None:
        return ""
    if source != name:
        return round(value / by, digits) if lang == "zh" else value
    if name.startswith("share_of_"):
        return round(value * 100, 2)
    if name in _FIGURES:
        return round(value * 100, 2) if row.get("unit") == "share" else round(value, 4)
    if isinstance(value, bool):
        return ({"zh": "达标", "en": "yes"} if value else {"zh": "未达标", "en": "no"})[lang]
    if isinstance(value, dict):
        return value.get(lang, "")
    if isinstance(value, list):
        value = "、".join(map(str, value)) if lang == "zh" else ", ".join(map(str, value))
    if isinstance(value, str):
        return _WORDS[value][lang] if value in _WORDS else value
    return value
