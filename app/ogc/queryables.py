"""What may be asked of a collection in filters: its queryables (OGC API Features Part 3, 19-079r2 §6). Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from app.catalogue.export_names import SYSTEM_TITLES
from app.catalogue.model import Catalogue, Choice, FeatureClass, Title
from app.errors import BadInput, unknown
from app.inventory.tables import quoted
from app.ogc.run_collections import RUN_COLLECTIONS
from app.ogc.store import COLUMNS, kind_of_run

Kind = Literal["text", "integer", "number", "boolean", "date", "datetime", "geometry", "array"]
GEOMETRY = "geom"
#: Other names of a queryable.
ALIASES: Mapping[str, str] = {"geometry": GEOMETRY}
#: Names that a hint lists at most.
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Queryable:
    """A property that a filter may name, and the SQL expression over a row that it stands for.

    `columns` are those that the expression reads. `bound` is the expression of a day as an end of an INTERVAL, where a
    null means that the interval is open there. `geometry` is the kind of a geometry.
    """

    name: str
    type: Kind
    title: Title
    expression: str
    columns: frozenset[str]
    unit: str | None = None
    choices: tuple[Choice, ...] = ()
    description: str = ""
    bound: str | None = None
    geometry: str | None = None


_TITLES: Mapping[str, Title] = {
    **SYSTEM_TITLES,
    GEOMETRY: Title("几何", "Geometry"),
    "areas_touched": Title("涉及区域", "Areas touched"),
    "crosses_border": Title("跨区", "Crosses a border"),
    "size_flag": Title("面积存疑", "Size in doubt"),
    "min_zoom": Title("起始缩放级别", "Least zoom"),
    "run": Title("计算", "Run"),
    "policy": Title("政策", "Policy"),
}
_RUN_TITLES: Mapping[str, Title] = {
    "name": Title("名称", "Name"),
    "level": Title("层级", "Level"),
    "mode": Title("方式", "Mode"),
    "tier": Title("档次", "Tier"),
    "kind": Title("类型", "Kind"),
    "cause": Title("原因", "Cause"),
    "share_of_land": Title("用地覆盖率", "Share of land"),
    "share_of_people": Title("人口覆盖率", "Share of people"),
    "served_share": Title("被覆盖的比例", "Share served"),
    "people": Title("人口", "People"),
    "people_served": Title("被覆盖人口", "People served"),
    "land_m2": Title("用地面积（平方米）", "Land (m²)"),
    "land_served_m2": Title("被覆盖用地面积（平方米）", "Land served (m²)"),
    "target": Title("目标值", "Target"),
    "target_is": Title("目标性质", "What the target is"),
    "met": Title("是否达标", "Met"),
    "reason": Title("说明", "Reason"),
    "facilities": Title("设施数", "Facilities"),
    "value": Title("指标值", "Value"),
    "unit": Title("单位", "Unit"),
    "measure": Title("指标", "Measure"),
    "nearest_m": Title("最近距离（米）", "Nearest (m)"),
    "nearest_code": Title("最近设施编码", "Code of the nearest"),
    "nearest_name": Title("最近设施名称", "Name of the nearest"),
    "straight_m": Title("直线距离（米）", "In a straight line (m)"),
    "walk_m": Title("步行距离（米）", "On foot (m)"),
    "distance_m": Title("距离（米）", "Distance (m)"),
    "minutes": Title("步行分钟", "Minutes on foot"),
    "detour": Title("绕行系数", "Detour"),
}
#: The first day of a feature, and the day before which it ends.
_FROM, _TO = "lower(valid)", "upper(valid)"


def queryables_of(catalogue: Catalogue, collection: str) -> Mapping[str, Queryable]:
    """Name → queryable of a class or a collection of runs, in the order in which features show them, geometry last.

    Raises:
        NotFound: There is no such collection.
    """
    if collection in RUN_COLLECTIONS:
        return {item.name: item for item in _of_runs(collection)}
    return {item.name: item for item in _of_class(catalogue.get_class(collection))}


def find_queryable(queryables: Mapping[str, Queryable], name: str, *, quoted: bool = False) -> Queryable:
    """The queryable that a filter means: that of the name, else the only one that differs from it by case.

    `quoted` says that the name stands in double quotes, as other languages write texts.

    Raises:
        BadInput: There is none, or there are several; the hint lists the nearest names.
    """
    known = ALIASES.get(name, name) if name not in queryables else name
    if known in queryables:
        return queryables[known]
    folded = name.casefold()
    alike = [item for item in queryables if item.casefold() == folded]
    if len(alike) == 1:
        return queryables[alike[0]]
    error = unknown("property", name[:100], queryables)
    titled = [
        item.name for item in queryables.values() if folded in {item.title.zh, item.title.en.casefold()}
    ]
    hint = f"Did you mean {', '.join(titled)}?" if titled else error.hint
    raise BadInput(error.message, f"Texts stand in single quotes: '{name[:40]}'. {hint}" if quoted else hint)


def nearest(kind: str, name: str, valid: Iterable[str]) -> BadInput:
    """The error for a name that does not exist, hinting at the nearest ones."""
    names = sorted(valid)
    wanted = name.lower()
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    # Of names equally near, those of geometries first: they are meant most often.
    near.sort(key=lambda item: (-difflib.SequenceMatcher(None, item, wanted).ratio(), item[:2] != "s_"))
    hint = f"Did you mean {', '.join(near)}?" if near else f"Known are: {', '.join(names)}."
    return BadInput(f"There is no {kind} '{name[:100]}'.", hint)


def _of_class(cls: FeatureClass) -> Iterator[Queryable]:
    yield _system("id", "integer")
    yield _system("code", "text")
    for item in cls.fields:
        kind: Kind = "text" if item.type == "choice" else item.type
        column = frozenset({item.name})
        yield Queryable(
            item.name, kind, item.title, quoted(item.name), column, item.unit, item.choices, item.description
        )
    yield from _derived(cls)
    yield _day("valid_from", _FROM, f"coalesce({_FROM}, '-infinity')")
    yield _day("valid_to", _TO, f"coalesce({_TO} - 1, 'infinity')")
    yield _system(GEOMETRY, "geometry", geometry=cls.geometry)


def _derived(cls: FeatureClass) -> Iterator[Queryable]:
    yield _system("area_path", "text")
    yield _system("areas_touched", "array")
    yield _system("crosses_border", "boolean")
    if cls.geometry == "line":
        yield _system("length_m", "number", unit="m")
    if cls.geometry in {"polygon", "mixed"}:
        yield _system("area_m2", "number", unit="m2")
        yield _system("size_flag", "boolean")
    yield _system("incomplete", "boolean")
    yield _system("min_zoom", "integer")
    yield _system("change_id", "integer")


def _of_runs(collection: str) -> Iterator[Queryable]:
    yield Queryable("run", "text", _TITLES["run"], "run::text", frozenset({"run"}))
    yield Queryable("policy", "text", _TITLES["policy"], "policy", frozenset({"policy"}))
    for name in COLUMNS[collection]:
        kind = kind_of_run(name)
        title = _RUN_TITLES.get(name) or _TITLES[name]
        yield Queryable(name, "text" if kind == "choice" else kind, title, quoted(name), frozenset({name}))
    found = RUN_COLLECTIONS[collection]
    yield Queryable(
        GEOMETRY,
        "geometry",
        _TITLES[GEOMETRY],
        GEOMETRY,
        frozenset({GEOMETRY}),
        geometry=found.geometry,
    )


def _system(name: str, kind: Kind, *, unit: str | None = None, geometry: str | None = None) -> Queryable:
    return Queryable(name, kind, _TITLES[name], quoted(name), frozenset({name}), unit, geometry=geometry)


def _day(name: str, expression: str, bound: str) -> Queryable:
    return Queryable(name, "date", _TITLES[name], expression, frozenset({"valid"}), bound=bound)
