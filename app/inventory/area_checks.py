"""Whether areas hold together: codes, nesting, sums, overlaps. Pure; each finding names area, rule, figure and hint.

Rules of the unit grid: GB/T 30428.1 (15-digit code, cells inside their community, no gap, no overlap).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from app.catalogue.code_rules import parse_grid
from app.catalogue.model import AREA_LEVELS
from app.errors import BadInput
from app.inventory.area_cover import Size, overlaps
from app.inventory.areas import RANK, Areas, check_no_circle

#: A share of an area that may lie outside the one above, and by which parts may miss their whole.
TOLERANCE = 0.001


@dataclass(frozen=True, slots=True)
class AreaRow:
    """One area as stored; `official` is its division code, of a cell its grid code."""

    code: str
    level: str
    parent: str | None
    official: str | None
    name_zh: str | None = None
    name_en: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: the area (or two), the rule it breaks, by how much, and what to do."""

    code: str
    rule: str
    figure: float | None
    other: str | None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule is called, in what its figure is given, and what to do where it is broken."""

    zh: str
    en: str
    unit: str
    hint_zh: str
    hint_en: str


RULES: Mapping[str, Rule] = {
    "circle": Rule("区域互相包含", "Contains itself", "", "更正其中一个区域的上级编码。", "Correct the parent of one."),
    "parent-unknown": Rule(
        "上级区域不存在", "Parent unknown", "", "导入上级区域，或更正上级编码。", "Import it or correct its code."
    ),
    "parent-level": Rule(
        "上级区域层级不高于本级", "Parent not of a higher level", "", "更正层级或上级编码。", "Correct level or parent."
    ),
    "grid-code": Rule(
        "网格编码不合规则", "Grid code malformed", "",
        "15位：区县6、街道3、社区3、顺序号3（GB/T 30428.1）。",
        "15 digits: 6 district, 3 subdistrict, 3 community, 3 serial.",
    ),
    "grid-community": Rule(
        "网格编码与社区代码不一致", "Grid code not of its community", "",
        "前12位应为所在社区的区划代码。", "Its first 12 digits are the division code of its community.",
    ),
    "grid-double": Rule(
        "网格编码重复", "Grid code given twice", "", "每个网格一个编码。", "Give each cell a code of its own."
    ),
    "outside": Rule(
        "超出上级区域", "Outside its parent", "share",
        "按上级区域边界裁切，或更正上级编码。", "Cut it at its parent's border or correct its parent.",
    ),
    "sum": Rule(
        "下级面积之和不等于本级", "Parts do not add up", "share",
        "补齐缺口或消除重叠。", "Fill the gaps or take away the overlaps of its parts.",
    ),
    "overlap": Rule(
        "同级区域重叠", "Overlaps another of its level", "m2",
        "调整两者的共同边界。", "Draw their common border once.",
    ),
}  # fmt: skip


def check(rows: Sequence[AreaRow], shapes: NDArray[np.object_], size: Size) -> list[Finding]:
    """Every fault of areas (n,) with shapes in lon/lat, by rule and code; `size` measures them in m²."""
    place = {row.code: at for at, row in enumerate(rows)}
    above = np.array([place.get(row.parent or "", -1) for row in rows], dtype=np.int64)
    found = [
        *_circles(rows, shapes),
        *_parents(rows, above),
        *_grid_codes(rows, above),
        *_outside(rows, shapes, above, size),
        *_sums(rows, shapes, above, size),
        *_overlapping(rows, shapes, size),
    ]
    order = list(RULES)
    return sorted(found, key=lambda item: (order.index(item.rule), item.code, item.other or ""))


def _circles(rows: Sequence[AreaRow], shapes: NDArray[np.object_]) -> Iterator[Finding]:
    """Only rows that came into the database past the writes can have one."""
    ranks = np.array([RANK[row.level] for row in rows], dtype=np.int64)
    columns = [np.array([*values, None], dtype=object)[:-1] for values in
               ([row.code for row in rows], [row.parent or "" for row in rows])]  # fmt: skip
    try:
        check_no_circle(Areas(columns[0], ranks, columns[1], shapes))
    except BadInput as error:
        yield Finding(error.message.split("'")[1], "circle", None, None, error.message)


def _parents(rows: Sequence[AreaRow], above: NDArray[np.int64]) -> Iterator[Finding]:
    for row, at in zip(rows, above.tolist(), strict=True):
        if row.parent and at < 0:
            yield Finding(row.code, "parent-unknown", None, row.parent)
        elif at >= 0 and RANK[rows[at].level] >= RANK[row.level]:
            yield Finding(row.code, "parent-level", None, row.parent)


def _grid_codes(rows: Sequence[AreaRow], above: NDArray[np.int64]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for row, at in zip(rows, above.tolist(), strict=True):
        if row.level != "grid":
            continue
        official = row.official or row.code
        if official in seen:
            yield Finding(row.code, "grid-double", None, seen[official])
        seen.setdefault(official, row.code)
        yield from _grid_code(row, official, rows[at] if at >= 0 else None)


def _grid_code(row: AreaRow, official: str, community: AreaRow | None) -> Iterator[Finding]:
    try:
        parse_grid(official)
    except BadInput as error:
        yield Finding(row.code, "grid-code", None, None, error.message)
        return
    try:
        # where the community's division code is known to the last digit
        parse_grid(official, community.official if community and community.level == "community" else None)
    except BadInput as error:
        yield Finding(row.code, "grid-community", None, row.parent, error.message)


def _outside(
    rows: Sequence[AreaRow], shapes: NDArray[np.object_], above: NDArray[np.int64], size: Size
) -> Iterator[Finding]:
    """Areas of which more than the tolerance lies outside the area that they name as theirs."""
    child = np.flatnonzero(above >= 0)
    if not len(child):
        return
    parents = shapes[above[child]].copy()
    shapely.prepare(parents)
    # most lie wholly inside: asked before anything is cut
    child = child[~shapely.covers(parents, shapes[child])]
    outside = size(shapely.difference(shapes[child], shapes[above[child]]))
    shares = outside / np.maximum(size(shapes[child]), np.finfo(float).tiny)
    for at, share in zip(child.tolist(), shares.tolist(), strict=True):
        if share > TOLERANCE:
            yield Finding(rows[at].code, "outside", share, rows[at].parent)


def _sums(
    rows: Sequence[AreaRow], shapes: NDArray[np.object_], above: NDArray[np.int64], size: Size
) -> Iterator[Finding]:
    """Areas whose parts of one level are together larger or smaller than they are themselves."""
    sizes = size(shapes) if len(shapes) else np.zeros(0)
    for level in AREA_LEVELS:
        child = np.array([row.level == level for row in rows], dtype=bool) & (above >= 0)
        total = np.bincount(above[child], sizes[child], len(rows))
        for at in np.unique(above[child]).tolist():
            off = total[at] / sizes[at] - 1 if sizes[at] else 0.0
            if abs(off) > TOLERANCE:
                yield Finding(rows[at].code, "sum", off, level)


def _overlapping(rows: Sequence[AreaRow], shapes: NDArray[np.object_], size: Size) -> Iterator[Finding]:
    for level in AREA_LEVELS:
        members = np.array([at for at, row in enumerate(rows) if row.level == level], dtype=np.int64)
        if len(members) > 1:
            one, other, shared = overlaps(shapes[members], size)
            for first, second, m2 in zip(members[one], members[other], shared.tolist(), strict=True):
                yield Finding(rows[first].code, "overlap", m2, rows[second].code)


def count_by_rule(findings: Iterable[Finding]) -> dict[str, int]:
    """Rule → number of findings; rules without any are there with 0."""
    counts = dict.fromkeys(RULES, 0)
    for finding in findings:
        counts[finding.rule] += 1
    return counts
