"""The collections that hold coverage runs: fixed ones, for runs are rows, not classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app.catalogue.model import Title


@dataclass(frozen=True, slots=True)
class RunCollection:
    """One collection over a table of runs."""

    id: str
    title: Title
    description: Title
    geometry: Literal["polygon", "mixed"]


_ALL = (
    RunCollection(
        "coverage_areas",
        Title("覆盖率分区结果", "Coverage by area"),
        Title("各次覆盖率计算在每个区的结果。", "The figures of coverage runs for each area."),
        "polygon",
    ),
    RunCollection(
        "coverage_gaps",
        Title("覆盖缺口", "Coverage gaps"),
        Title(
            "未被覆盖的用地：名称、人口、到最近设施的距离。",
            "Unserved land: name, people, metres to the nearest.",
        ),
        "polygon",
    ),
    RunCollection(
        "coverage_units",
        Title("覆盖率需求单元", "Coverage units"),
        Title("每个需求单元被覆盖的比例。", "Each unit of demand and the share of it that is served."),
        "mixed",
    ),
    RunCollection(
        "coverage_differences",
        Title("直线与步行差异", "Difference of the modes"),
        Title(
            "直线可达而步行不可达的用地：人口、绕行系数、可能原因。",
            "What a straight line serves and a walk does not: people, detour, likely cause.",
        ),
        "polygon",
    ),
)
RUN_COLLECTIONS: Mapping[str, RunCollection] = {found.id: found for found in _ALL}
