"""The results of coverage runs as layers of a QGIS project: a group a policy, a layer a figure. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.catalogue.model import Lang, Title
from app.exports.model import ExportLayer
from app.exports.project import ProjectLayer, Source, layer_id
from app.exports.qgis_figures import VALUE
from app.exports.qgis_form import Form, text_literal

RUNS_GROUP = Title("覆盖率计算结果", "Coverage results")
#: The parts of a run that a project shows; units are as many as there are homes.
PARTS = ("areas", "gaps", "differences")
#: The level whose areas are coloured: the first of these that a run has.
LEVELS = ("subdistrict", "district", "community", "city")
_MODES = {
    "straight": Title("直线", "straight line"),
    "walk": Title("步行", "on foot"),
    "count": Title("统计", "counted"),
}
_SHARE, _VALUE = Title("各区覆盖率", "share served by area"), Title("各区数值", "figure by area")
_GAPS = Title("缺口", "gaps")
_DIFFERENCES = Title("直线可达而步行不可达", "served in a straight line but not on foot")
#: Runs lie below lines and points, above the areas of classes: gaps above the areas that they are in.
_RANKS = {"gaps": (1, 1_000), "differences": (1, 1_001), "areas": (1, 1_002)}


@dataclass(frozen=True, slots=True)
class RunRows:
    """A run (as `coverage.service.list_runs` shapes it) with the layers of its parts that hold rows.

    `level` is that of the areas that are drawn, `gaps` are the modes and tiers that have any.
    """

    run: Mapping[str, Any]
    parts: Mapping[str, ExportLayer]
    level: str | None
    gaps: frozenset[tuple[str, str]]


def table_of(policy: str, part: str) -> str:
    """The name of a part of a policy's newest run in a file that holds several."""
    return f"{re.sub('[^0-9a-z]+', '_', policy.lower()).strip('_')}_{part}"


@dataclass(frozen=True, slots=True)
class _Figure:
    """A layer of a part of a run: its rows meet the expression `chosen`, and are coloured by the column `by`."""

    part: str
    key: str
    title: str
    chosen: str
    by: str


def run_layers(
    runs: Sequence[RunRows], place: Callable[[str, str, ExportLayer, str], Source], lang: Lang
) -> Iterator[ProjectLayer]:
    """The layers of runs, each of one mode and tier.

    `place` tells where rows of a policy's part are that meet an expression.
    """
    for rows in runs:
        policy = rows.run["policy"]
        title = (policy.get("title") or {}).get(lang) or policy["id"]
        for figure in _figures(rows, lang):
            layer = rows.parts[figure.part]
            columns = tuple(column for column in layer.columns if column.name not in ("id", "run"))
            yield ProjectLayer(
                layer_id(table_of(policy["id"], figure.part) + figure.key),
                figure.title,
                (RUNS_GROUP.in_(lang), title),
                place(policy["id"], figure.part, layer, figure.chosen),
                replace(layer, geometry_type="MultiPolygon"),
                Form(lang, columns),
                _RANKS[figure.part],
                shown=False,
                figure=figure.by,
            )


def _figures(rows: RunRows, lang: Lang) -> Iterator[_Figure]:
    """What is drawn of a run: shares of areas and gaps, of each mode and tier, and where the modes differ."""
    for result in rows.run["results"]:
        mode, tier = result["mode"], result["tier"]
        of = f'"mode" = {text_literal(mode)} AND "tier" = {text_literal(tier)}'
        named, key = f"{_tier_title(result, lang)} · {_MODES[mode].in_(lang)}", f"_{mode}_{tier}"
        if "areas" in rows.parts and rows.level is not None:
            within = f'{of} AND "level" = {text_literal(rows.level)}'
            by = _coloured_by(result)
            said = _VALUE if by == VALUE else _SHARE
            yield _Figure("areas", key, f"{named} · {said.in_(lang)}", within, by)
        if "gaps" in rows.parts and (mode, tier) in rows.gaps:
            yield _Figure("gaps", key, f"{named} · {_GAPS.in_(lang)}", of, "people")
    if "differences" in rows.parts:
        yield _Figure("differences", "", _DIFFERENCES.in_(lang), "", "detour")


def _tier_title(result: Mapping[str, Any], lang: Lang) -> str:
    return str((result.get("tier_title") or {}).get(lang) or result["tier"])


def _coloured_by(result: Mapping[str, Any]) -> str:
    """The share of people where there are any, else that of land, else the figure itself."""
    return next(
        (name for name in ("share_of_people", "share_of_land") if result.get(name) is not None), VALUE
    )
