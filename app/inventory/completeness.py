"""Whether every feature and every cell has somebody who answers for it, and whether the grid leaves no seam.

The plans ask for 「横到边、纵到底、全覆盖、无缝隙」 (item G五①): supervision to every edge, down to the bottom, no gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import shapely
from sqlalchemy import Connection

from app.catalogue.model import Catalogue, FeatureClass
from app.errors import unknown
from app.inventory.area_cover import cover
from app.inventory.area_rows import get_area, list_areas
from app.inventory.areas import RANK
from app.inventory.areas_job import list_pending
from app.inventory.changes import METRIC_CRS, areas_version, data_versions, find_setting
from app.inventory.duty_store import DUTIES, NO_LACKS, Lacks, lacks_by_path, list_lacking, read_duty_version
from app.inventory.few import hides_few, told
from app.inventory.kept import once
from app.inventory.summary import LEVELS
from app.inventory.summary_scope import area_shapes
from app.space.metric import metric_crs

#: Classes whose rows are frames or statistics, which nobody owns; grid cells have figures of their own.
NOT_OWNED = frozenset(
    {"districts", "built_up_areas", "population_cells", "responsibility_areas", "historic_districts"}
    | {"estate_programmes"}
)
GRID = "grid_cells"
WORST = 20


def completeness(
    conn: Connection, catalogue: Catalogue, area: str | None = None, level: str = "district"
) -> dict[str, Any]:
    """Features and cells without owner, maintainer or department, by class and area; gaps and overlaps of the grid.

    Raises:
        NotFound: There is no such area or level.
    """
    if level not in LEVELS:
        raise unknown("level of areas to break figures down by", level, LEVELS)
    found = None if area is None else get_area(conn, area)
    owned = [cls for cls in catalogue.classes.values() if cls.id not in NOT_OWNED]
    versions = (*data_versions(conn, owned), read_duty_version(conn, catalogue), areas_version(conn))
    code = None if found is None else found["code"]
    texts = tuple((cls.id, cls.title.zh, cls.title.en) for cls in owned)
    told = once(
        conn,
        ("completeness", versions, code, level, texts),
        lambda: _read_completeness(conn, catalogue, owned, versions, found, level),
    )
    return {"area": found, "area_level": level, "areas_pending": bool(list_pending(conn)), **told}


def _read_completeness(
    conn: Connection,
    catalogue: Catalogue,
    owned: Sequence[FeatureClass],
    versions: Sequence[int],
    area: Mapping[str, Any] | None,
    level: str,
) -> dict[str, Any]:
    """What follows from the data alone: `versions` are those of the owned classes, the responsibilities, the areas."""
    duties = versions[len(owned)]
    lacks = {
        cls.id: _inside(lacks_by_path(conn, catalogue, cls, version, duties), area)
        for cls, version in zip(owned, versions, strict=False)
    }
    classes = [cls for cls in owned if cls.id != GRID]
    at = _At(list_areas(conn, level), level)
    return {
        "classes": [
            _class(cls, lacks[cls.id], at, level, area, few=hides_few(catalogue, cls)) for cls in classes
        ],
        "grid": _grid(catalogue, lacks[GRID]),
        "cover": _covers(conn, area),
        # Of a cell a few would be told as the difference.
        "worst_cells": _worst(conn, [lacks[cls.id] for cls in classes if not hides_few(catalogue, cls)]),
    }


class _At:
    """The area of one level that a home path leads through, looked for once a path: classes share their paths."""

    def __init__(self, parts: Sequence[Mapping[str, Any]], level: str) -> None:
        self.known = {part["code"]: part for part in parts}
        self._depth = RANK[level] + 1
        self._code: dict[str, str | None] = {}

    def code(self, path: str) -> str | None:
        """The area's code, None where the path holds none of the level."""
        if path not in self._code:
            # levels may be missing above an area, so its code stands at its level's place in the path, or before it
            names = path.split("/")[: self._depth]
            self._code[path] = next((name for name in reversed(names) if name in self.known), None)
        return self._code[path]


def _inside(lacks: Mapping[str, Lacks], area: Mapping[str, Any] | None) -> dict[str, Lacks]:
    if area is None:
        return dict(lacks)
    within = f"{area['area_path']}/"
    return {path: row for path, row in lacks.items() if f"{path}/".startswith(within)}


def _sum(rows: Iterable[Lacks]) -> Lacks:
    columns = list(zip(*rows, strict=True))
    return tuple(map(sum, columns)) if columns else NO_LACKS  # type: ignore[return-value]


def figures(lacks: Lacks) -> dict[str, Any]:
    """Numbers without each, without one of them at least, and the share that lacks nobody (None without features)."""
    count, *without, lacking, _ = lacks
    return {
        "count": count,
        **{f"without_{name}": number for name, number in zip(DUTIES, without, strict=True)},
        "lacking": lacking,
        "share_complete": 1 - lacking / count if count else None,
    }


def _class(
    cls: FeatureClass,
    lacks: Mapping[str, Lacks],
    at: _At,
    level: str,
    area: Mapping[str, Any] | None,
    *,
    few: bool,
) -> dict[str, Any]:
    """The figures of a class; with `few` those of one to four features are withheld."""
    query = f"?area={area['code']}" if area else ""
    return {
        "id": cls.id,
        "title": {"zh": cls.title.zh, "en": cls.title.en},
        **_told(_sum(lacks.values()), few=few),
        f"by_{level}": _by_area(lacks, at, few=few),
        "items": f"/completeness/{cls.id}{query}",
    }


def _told(lacks: Lacks, *, few: bool) -> dict[str, Any]:
    return told(figures(lacks)) if few else figures(lacks)


def _by_area(lacks: Mapping[str, Lacks], at: _At, *, few: bool) -> list[dict[str, Any]]:
    """The areas that hold any of the features, and what lies in none of the level last."""
    known = at.known
    grouped: dict[str | None, list[Lacks]] = {}
    for path, row in lacks.items():
        grouped.setdefault(at.code(path), []).append(row)
    order = [code for code in (*known, None) if code in grouped]
    return [
        {
            "code": code,
            "name_zh": known[code]["name_zh"] if code else None,
            "name_en": known[code]["name_en"] if code else None,
            **_told(_sum(grouped[code]), few=few),
        }
        for code in order
    ]


def _grid(catalogue: Catalogue, lacks: Mapping[str, Lacks]) -> dict[str, Any]:
    total = _sum(lacks.values())
    shown = {"cells": total[0], **figures(total), "without_keeper": total[-1]}
    title = catalogue.classes[GRID].title
    return {"id": GRID, "title": {"zh": title.zh, "en": title.en}, **shown, "items": f"/completeness/{GRID}"}


def _covers(conn: Connection, area: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """How communities and grid cells cover the city, or the area; None where there is no area to cover."""
    definition = find_setting(conn, METRIC_CRS)
    code = None if area is None else area["code"]
    if definition is None:
        return None
    key = ("cover", areas_version(conn), code, definition)
    return once(conn, key, lambda: _read_covers(conn, area, definition))


def _read_covers(conn: Connection, area: Mapping[str, Any] | None, definition: str) -> dict[str, Any] | None:
    crs = metric_crs(definition)
    outer = [area] if area else list_areas(conn, "city") or list_areas(conn, "district")
    if not outer:
        return None
    ground = shapely.union_all(area_shapes(conn, [row["code"] for row in outer]))
    result = {}
    for level in ("community", "grid"):
        shapes = area_shapes(conn, [row["code"] for row in list_areas(conn, level)])
        near = shapes[shapely.intersects(shapes, ground)] if area else shapes
        result[level] = cover(ground, near, crs).as_dict()
    return result


def _worst(conn: Connection, lacks: Iterable[Mapping[str, Lacks]]) -> list[dict[str, Any]]:
    """The cells with the most features that lack somebody, all classes together."""
    version = areas_version(conn)
    cells = once(
        conn, ("grid cells", version), lambda: {row["code"]: row for row in list_areas(conn, "grid")}
    )
    rows: dict[str, list[Lacks]] = {}
    for by_path in lacks:
        for path, row in by_path.items():
            code = path.rsplit("/", 1)[-1]
            if code in cells:
                rows.setdefault(code, []).append(row)
    totals = {code: _sum(found) for code, found in rows.items()}
    worst = sorted(totals, key=lambda code: (-totals[code][4], code))[:WORST]
    return [
        {
            "code": code,
            "name_zh": cells[code]["name_zh"],
            "name_en": cells[code]["name_en"],
            "area_path": cells[code]["area_path"],
            **figures(totals[code]),
        }
        for code in worst
        if totals[code][4]
    ]


def lacking(
    conn: Connection,
    catalogue: Catalogue,
    class_id: str,
    area: str | None,
    missing: str | None,
    after: int,
    limit: int,
) -> dict[str, Any]:
    """The features of a class that lack somebody, page by page: `next_after` is the id to go on from, None at the end.

    Raises:
        NotFound: There is no such class, area or duty.
    """
    cls = catalogue.get_class(class_id)
    if missing is not None and missing not in DUTIES:
        raise unknown("duty", missing, DUTIES)
    path = None if area is None else str(get_area(conn, area)["area_path"])
    rows = list_lacking(conn, catalogue, cls, path, missing, after, limit + 1)
    shown = rows[:limit]
    return {
        "class": cls.id,
        "title": {"zh": cls.title.zh, "en": cls.title.en},
        "items": [{**row, "href": f"/collections/{cls.id}/items/{row['id']}"} for row in shown],
        "next_after": shown[-1]["id"] if len(rows) > limit else None,
    }
