"""What the city owns, in figures: numbers, kilometres and square metres by class, kind, state, year and area.

Numbers go by a feature's home; lengths and areas are cut at the borders of the areas they are broken down by, and of
the area asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection

from app.catalogue.model import AREA_LEVELS, Catalogue, FeatureClass
from app.errors import unknown
from app.inventory.areas_job import list_pending
from app.inventory.changes import data_versions
from app.inventory.few import hides_few, told
from app.inventory.summary_cells import Cells, Figure, Key, read_cells
from app.inventory.summary_scope import Scope, is_shown, read_scope
from app.inventory.times import NOW, Times

#: Levels that figures may be broken down by: a city has thousands of grid cells, each of which may be an `area`.
LEVELS = tuple(level for level in AREA_LEVELS if level not in {"city", "grid"})

FigureOf = Callable[[Figure], dict[str, Any]]


def summary(
    conn: Connection,
    catalogue: Catalogue,
    area: str | None = None,
    *,
    level: str = "district",
    classes: Iterable[str] = (),
    times: Times = NOW,
) -> dict[str, Any]:
    """Figures of classes (all, unless named), in the city or in one area (code or name), by the areas of a level.

    Every feature counts; `incomplete` says how many of them are known not to be whole. A value or area of None is
    "unknown" or "outside all areas of the level". `times` reads the features of another day in the areas of today.

    Raises:
        NotFound: There is no such area, level or class; the hint names the nearest ones.
    """
    if level not in LEVELS:
        raise unknown("level of areas to break figures down by", level, LEVELS)
    chosen = [catalogue.get_class(name) for name in dict.fromkeys(classes)] or catalogue.classes.values()
    data_versions(conn, list(chosen))  # by one question; each class asks for its own again
    scope = read_scope(conn, area, level)
    return {
        "area": None if scope.area is None else dict(scope.area),
        "area_level": level,
        "areas_pending": bool(list_pending(conn)),
        "as_of": None,
        **times.as_dict(),
        "metric_crs": None if scope.crs is None else scope.crs.definition,
        "classes": [
            class_summary(cls, scope, read_cells(conn, cls, scope, times), few=hides_few(catalogue, cls))
            for cls in chosen
        ],
    }


def class_summary(cls: FeatureClass, scope: Scope, cells: Cells, *, few: bool = False) -> dict[str, Any]:
    """The figures of one class: all of it, then by kind, state, year and the areas of the scope's level.

    With `few`, those of one to four features are withheld.
    """
    figure_of = partial(_told_figure if few else _figure, cls)
    total = _roll_up(cells, lambda _key: None).get(None, Figure())
    return {
        "id": cls.id,
        "title": {"zh": cls.title.zh, "en": cls.title.en},
        "geometry": cls.geometry,
        "measure": cls.measure,
        **figure_of(total),
        "incomplete": total.incomplete,
        "by_kind": _by_choice(cls, "kind", _roll_up(cells, lambda key: key[0]), figure_of),
        "by_state": _by_choice(cls, "state", _roll_up(cells, lambda key: key[1]), figure_of),
        "by_year": _by_year(_roll_up(cells, lambda key: key[2]), figure_of),
        f"by_{scope.level}": _by_area(scope, _roll_up(cells, lambda key: key[3]), figure_of),
    }


def _roll_up(cells: Cells, by: Callable[[Key], Any]) -> dict[Any, Figure]:
    result: dict[Any, Figure] = {}
    for key, figure in cells.items():
        result.setdefault(by(key), Figure()).add(figure)
    return result


def _figure(cls: FeatureClass, figure: Figure) -> dict[str, Any]:
    shown: dict[str, Any] = {"count": figure.count}
    if cls.geometry == "line":
        shown["length_km"] = round(figure.length_m / 1000, 6)
    if cls.geometry in {"polygon", "mixed"}:
        shown["area_m2"] = round(figure.area_m2, 2)
    return shown


def _told_figure(cls: FeatureClass, figure: Figure) -> dict[str, Any]:
    return told(_figure(cls, figure))


def _by_choice(
    cls: FeatureClass, name: str, figures: Mapping[Any, Figure], figure_of: FigureOf
) -> list[dict[str, Any]]:
    """In the order of the declared choices, then other values, unknown last."""
    choices = {}
    if any(item.name == name for item in cls.fields):
        choices = {choice.value: choice.title for choice in cls.get_field(name).choices}
    order = {value: place for place, value in enumerate(choices)}
    values = sorted(figures, key=lambda value: (value is None, order.get(value, len(order)), str(value)))
    return [
        {
            "value": value,
            "title": {"zh": choices[value].zh, "en": choices[value].en} if value in choices else None,
            **figure_of(figures[value]),
        }
        for value in values
    ]


def _by_year(figures: Mapping[Any, Figure], figure_of: FigureOf) -> list[dict[str, Any]]:
    years = sorted(figures, key=lambda year: (year is None, year or 0))
    return [{"year": year, **figure_of(figures[year])} for year in years]


def _by_area(scope: Scope, figures: Mapping[Any, Figure], figure_of: FigureOf) -> list[dict[str, Any]]:
    """Every area of the scope, also one that has nothing; the part outside all of them last, if there is any."""
    rows = [
        {
            "code": part["code"],
            "name_zh": part["name_zh"],
            "name_en": part["name_en"],
            **figure_of(figures.get(part["code"], Figure())),
        }
        for part in scope.parts
        if part["code"] in figures or is_shown(scope, part)
    ]
    if None in figures:
        rows.append({"code": None, "name_zh": None, "name_en": None, **figure_of(figures[None])})
    return rows
