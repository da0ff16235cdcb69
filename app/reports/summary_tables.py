"""The figures of a summary as tables: one of totals, one a dimension, and one of everything for CSV. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.catalogue.model import Lang
from app.reports.tables import COUNT, KM, M2, Cell, Column, Table

LEVEL_TITLES = {
    "city": {"zh": "市", "en": "City"},
    "district": {"zh": "区县", "en": "District"},
    "subdistrict": {"zh": "街道（镇、乡）", "en": "Subdistrict"},
    "community": {"zh": "社区（村）", "en": "Community"},
    "grid": {"zh": "网格", "en": "Grid cell"},
}
WORDS: Mapping[str, tuple[str, str]] = {
    "total": ("合计", "Total"),
    "kind": ("类型", "Kind"),
    "state": ("状态", "State"),
    "year": ("建成年份", "Year built"),
    "class": ("类别代码", "Class id"),
    "title": ("类别", "Class"),
    "dimension": ("维度", "Dimension"),
    "value": ("取值", "Value"),
    "name": ("名称", "Name"),
    "count": ("数量", "Number"),
    "km": ("长度（公里）", "Length (km)"),
    "m2": ("面积（平方米）", "Area (m²)"),
    "incomplete": ("残缺数量", "Cut off by the data"),
    "unknown": ("未知", "unknown"),
    "outside": ("不在任何区域内", "outside all areas"),
    "source": ("数据来源", "Sources"),
    "notice": ("说明", "Notice"),
    "left_out": (
        "不含受限数据：未给出理由（reason=…）",
        "Without what is restricted: no reason was given (reason=…)",
    ),
    "about": ("说明", "About"),
    "report": ("报表", "Report"),
    "city": ("城市", "City"),
    "area": ("范围", "Area"),
    "level": ("分区层级", "Broken down by"),
    "as_of": ("时点", "As of"),
    "now": ("现在", "now"),
    "crs": ("量算坐标系", "Measured in"),
    "figures": ("设施统计", "Figures of the inventory"),
}
#: Dimensions in the order of the sheets; the areas' own name depends on the level.
DIMENSIONS = ("kind", "state", "year", "area")


def word(name: str, lang: Lang) -> str:
    """A word of the reports in a language."""
    return WORDS[name][lang == "en"]


def dimension_title(dimension: str, level: str, lang: Lang) -> str:
    """The title of a dimension; of the areas that of their level."""
    return LEVEL_TITLES[level][lang] if dimension == "area" else word(dimension, lang)


def sheets(document: Mapping[str, Any], lang: Lang) -> list[Table]:
    """The tables of a workbook: totals, then each dimension."""
    level = document["area_level"]
    found = [_totals(document, lang)]
    for dimension in DIMENSIONS:
        title = dimension_title(dimension, level, lang)
        head = [word("class", lang), word("title", lang)]
        year = dimension == "year"
        names = [*head, title] if year else [*head, word("value", lang), title]
        rows: list[Sequence[Cell]] = [
            [item["id"], item["title"][lang], *([code or name] if year else [code, name]), *_sizes(row)]
            for item, row, code, name in _entries(document, dimension, lang)
        ]
        found.append(Table(title, title, [*map(Column, names), *_size_columns(lang)], rows))
    return found


def _totals(document: Mapping[str, Any], lang: Lang) -> Table:
    title = word("total", lang)
    columns = [Column(word("class", lang)), Column(word("title", lang)), *_size_columns(lang)]
    columns.append(Column(word("incomplete", lang), COUNT))
    rows: list[Sequence[Cell]] = [
        [item["id"], item["title"][lang], *_sizes(item), item["incomplete"]] for item in document["classes"]
    ]
    return Table(title, title, columns, rows)


def flat(document: Mapping[str, Any], about: Mapping[str, str], lang: Lang) -> Table:
    """Everything in one table, one figure a row: class, dimension, value, figures; sources and notice beside them."""
    said = [about[name] for name in ("source", "notice") if about.get(name)]
    extra = [word(name, lang) for name in ("source", "notice") if about.get(name)]
    names = [word(name, lang) for name in ("class", "title", "dimension", "value", "name")]
    columns = [*map(Column, names), *_size_columns(lang), *map(Column, extra)]
    rows: list[Sequence[Cell]] = []
    for item in document["classes"]:
        rows.append([item["id"], item["title"][lang], word("total", lang), None, None, *_sizes(item), *said])
        for dimension in DIMENSIONS:
            title = dimension_title(dimension, document["area_level"], lang)
            for _, row, code, name in _entries({**document, "classes": [item]}, dimension, lang):
                rows.append([item["id"], item["title"][lang], title, code, name, *_sizes(row), *said])
    return Table("summary", word("figures", lang), columns, rows)


def _entries(
    document: Mapping[str, Any], dimension: str, lang: Lang
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], Cell, str]]:
    """(class, row, value or code, its name) of a dimension."""
    key = f"by_{document['area_level']}" if dimension == "area" else f"by_{dimension}"
    for item in document["classes"]:
        for row in item[key] if item["count"] != 0 else ():
            yield item, row, *_value(dimension, row, lang)


def _value(dimension: str, row: Mapping[str, Any], lang: Lang) -> tuple[Cell, str]:
    if dimension == "year":
        return row["year"], word("unknown", lang) if row["year"] is None else str(row["year"])
    if dimension == "area":
        return row["code"], area_name(row, lang)
    if row["value"] is None:
        return None, word("unknown", lang)
    return row["value"], row["title"][lang] if row["title"] else str(row["value"])


def area_name(row: Mapping[str, Any], lang: Lang) -> str:
    """The name of an area in a language, else in the other, else its code."""
    names = (row["name_zh"], row["name_en"]) if lang == "zh" else (row["name_en"], row["name_zh"])
    return next((name for name in (*names, row["code"]) if name), word("outside", lang))


def _size_columns(lang: Lang) -> list[Column]:
    formats = {"count": COUNT, "km": KM, "m2": M2}
    return [Column(word(name, lang), kind) for name, kind in formats.items()]


def _sizes(row: Mapping[str, Any]) -> list[Cell]:
    count = f"<{row['fewer_than']}" if "fewer_than" in row else row["count"]
    return [count, row.get("length_km"), row.get("area_m2")]


def about_lines(document: Mapping[str, Any], about: Mapping[str, str], lang: Lang) -> dict[str, str]:
    """What is said of a workbook on its first sheet."""
    area = document["area"]
    lines = {
        word("report", lang): word("figures", lang),
        word("city", lang): about.get("city", ""),
        word("area", lang): area_name(area, lang) if area else about.get("city", ""),
        word("level", lang): LEVEL_TITLES[document["area_level"]][lang],
        word("as_of", lang): document["as_of"] or word("now", lang),
        word("crs", lang): document["metric_crs"] or "",
        word("source", lang): about.get("source", ""),
        word("notice", lang): about.get("notice", ""),
    }
    return {name: text for name, text in lines.items() if text}
