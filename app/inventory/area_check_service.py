"""The areas of the city checked as they are stored: what `chengtu areas check` and `/areas/check` tell."""

from __future__ import annotations

from typing import Any

import shapely
from sqlalchemy import Connection

from app.catalogue.model import Lang
from app.inventory.area_checks import RULES, TOLERANCE, AreaRow, Finding, check, count_by_rule
from app.inventory.area_cover import measure
from app.inventory.areas import RANK
from app.inventory.areas_job import list_pending
from app.inventory.changes import METRIC_CRS, areas_version, find_setting, raw
from app.inventory.kept import once
from app.inventory.tables import table_name
from app.space.metric import metric_crs

_QUERY = (
    f"SELECT code, level, parent, division_code, name_zh, name_en, geom FROM {table_name('districts')} "
    f"WHERE level IS NOT NULL AND NOT incomplete UNION ALL "
    f"SELECT code, 'grid', community, grid_code, name_zh, name_en, geom FROM {table_name('grid_cells')} "
    "WHERE NOT incomplete"
)


def check_areas(conn: Connection, lang: Lang, limit: int | None = None) -> dict[str, Any]:
    """Numbers by rule and the findings, at most `limit` of them; `ok` says that there is none.

    Incomplete areas (cut off by the data) are not checked.
    """
    rows, findings = _read(conn)
    counts = count_by_rule(findings)
    known = {row.code: row for row in rows}
    return {
        "ok": not findings,
        "areas": {level: sum(row.level == level for row in rows) for level in RANK},
        "areas_pending": bool(list_pending(conn)),
        "tolerance": TOLERANCE,
        "rules": [
            {"rule": name, "title": {"zh": rule.zh, "en": rule.en}, "count": counts[name]}
            for name, rule in RULES.items()
        ],
        "findings": [_shown(finding, known, lang) for finding in findings[:limit]],
        "findings_in_all": len(findings),
    }


def _read(conn: Connection) -> tuple[list[AreaRow], list[Finding]]:
    definition = find_setting(conn, METRIC_CRS)
    if definition is None:
        return [], []
    key = ("area checks", areas_version(conn), definition)
    return once(conn, key, lambda: _check(conn, definition))


def _check(conn: Connection, definition: str) -> tuple[list[AreaRow], list[Finding]]:
    found = raw(conn).cursor(binary=True).execute(_QUERY.encode()).fetchall()
    rows = [AreaRow(*row[:-1]) for row in found]
    shapes = shapely.from_wkb([row[-1] for row in found])
    return rows, check(rows, shapes, measure(metric_crs(definition)))


def _shown(finding: Finding, known: dict[str, AreaRow], lang: Lang) -> dict[str, Any]:
    row, rule = known[finding.code], RULES[finding.rule]
    return {
        "code": finding.code,
        "name_zh": row.name_zh,
        "name_en": row.name_en,
        "level": row.level,
        "rule": finding.rule,
        "title": rule.zh if lang == "zh" else rule.en,
        "figure": finding.figure,
        "unit": rule.unit or None,
        "other": finding.other,
        "message": finding.message,
        "hint": rule.hint_zh if lang == "zh" else rule.hint_en,
    }
