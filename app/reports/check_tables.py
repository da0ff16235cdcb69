"""Completeness and checks of areas as tables for CSV. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.catalogue.model import Lang
from app.reports.summary_tables import LEVEL_TITLES, area_name, word
from app.reports.tables import COUNT, SHARE, Cell, Column, Table

WORDS: Mapping[str, tuple[str, str]] = {
    "count": ("数量", "Number"),
    "without_owner": ("缺权属单位", "Without owner"),
    "without_maintainer": ("缺养护单位", "Without maintainer"),
    "without_department": ("缺主管部门", "Without department"),
    "without_keeper": ("缺网格员", "Without keeper"),
    "lacking": ("至少缺一项", "Lacking any"),
    "share_complete": ("齐全率", "Complete"),
    "code": ("编码", "Code"),
    "level": ("层级", "Level"),
    "rule": ("规则", "Rule"),
    "figure": ("数值", "Figure"),
    "unit": ("单位", "Unit"),
    "other": ("相关区域", "Other area"),
    "message": ("详情", "Detail"),
    "hint": ("处理办法", "What to do"),
}
FIGURES = ("count", "without_owner", "without_maintainer", "without_department", "lacking")


def title(name: str, lang: Lang) -> str:
    """A heading of these tables."""
    return WORDS[name][lang == "en"]


def completeness_table(document: Mapping[str, Any], about: Mapping[str, str], lang: Lang) -> Table:
    """One row a class and area, the class as a whole first; grid cells and their keepers at the end."""
    names = [
        word("class", lang),
        word("title", lang),
        title("code", lang),
        LEVEL_TITLES[document["area_level"]][lang],
    ]
    columns = [Column(name) for name in names]
    columns += [Column(title(name, lang), COUNT) for name in (*FIGURES, "without_keeper")]
    columns.append(Column(title("share_complete", lang), SHARE))
    said = [about[name] for name in ("source", "notice") if about.get(name)]
    columns += [Column(word(name, lang)) for name in ("source", "notice") if about.get(name)]
    rows: list[Sequence[Cell]] = []
    for item in [*document["classes"], document["grid"]]:
        head = [item["id"], item["title"][lang]]
        rows.append([*head, None, word("total", lang), *_figures(item), *said])
        rows += [
            [*head, row["code"], area_name(row, lang), *_figures(row), *said]
            for row in item.get(f"by_{document['area_level']}", ())
        ]
    return Table("completeness", word("figures", lang), columns, rows)


def _figures(row: Mapping[str, Any]) -> list[Cell]:
    return [*(row[name] for name in FIGURES), row.get("without_keeper"), row["share_complete"]]


def findings_table(document: Mapping[str, Any], lang: Lang) -> Table:
    """One row a finding."""
    names = ("code", "level", "rule", "figure", "unit", "other", "message", "hint")
    columns = [Column(title(name, lang)) for name in names]
    rows: list[Sequence[Cell]] = [
        [
            item["code"],
            LEVEL_TITLES[item["level"]][lang],
            item["title"],
            None if item["figure"] is None else round(item["figure"], 6),
            *(item[name] for name in names[4:]),
        ]
        for item in document["findings"]
    ]
    return Table("findings", "", columns, rows)
