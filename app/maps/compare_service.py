"""The page of two runs side by side: land gained and lost between them, and the change of every area."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Catalogue, Lang
from app.coverage.answer_service import compare_runs, land_request
from app.coverage.run_words import labels_of_two
from app.coverage.service import Answer, parse_run
from app.database.transactions import Connection, Database
from app.inventory.times import NOW
from app.inventory.version_marks import scoped
from app.maps import page_service, run_service, run_store, service, store
from app.maps.figure import Figure
from app.maps.marks import view_part
from app.maps.page_service import BRAND, CITY, Page
from app.maps.squares import HALF_M, MAX_LAT, Square, square_around
from app.maps.version_store import sources_at

#: Changes with the shape of `land_data`: runs themselves never change.
DATA_VERSION = "1"
CONDITIONS = {
    "policy": {"zh": "规则", "en": "policy"},
    "parameters": {"zh": "参数", "en": "parameters"},
    "scenario": {"zh": "情景", "en": "scenario"},
    "people": {"zh": "人口来源与口径", "en": "source and basis of people"},
    "built_up_area": {"zh": "建成区范围的时点", "en": "day of the built-up area"},
    "area": {"zh": "区域", "en": "area"},
    "as_of": {"zh": "数据时点", "en": "day of the data"},
    "software": {"zh": "软件版本", "en": "software"},
    "metric_crs": {"zh": "量算坐标系", "en": "coordinate system"},
}
TITLE = {"zh": "两次计算对比", "en": "Two runs compared"}


def compare_page(
    conn: Connection, catalogue: Catalogue, lang: Lang, a: str, b: str, marks: Mapping[str, Any]
) -> Page:
    """The page of two runs with the marks of `marks_view`; NotFound, Conflict where they have nothing in common."""
    found = compare_runs(conn, a, b)
    first, second = found["a"]["run"], found["b"]["run"]
    asked = f"&a={first}&b={second}"
    held = service.versions(conn, catalogue)
    town = service.city(conn, catalogue, held, lang)
    name = town.name or CITY[lang]
    title = run_service.policy_title(found["b"], lang)
    page = service.page_view(town, lang, title, f"{TITLE[lang]} · {name}", "/coverage/compare/map")
    page["other_lang"] += asked
    page["marks"] = marks
    figure = Figure(f"{title} · {TITLE[lang]} · {BRAND[lang]}", lang, page)
    figure.add_layers("background", [service.ground_view(held, lang, NOW)])
    names = store.area_names(conn, sources_at(catalogue, NOW)["districts"], lang)
    figure.add_layers("compare", [_view(conn, found, names, lang)])
    return page_service.finished(figure, "/coverage/compare/map/page.js", lang, asked + view_part(catalogue))


def _view(conn: Connection, found: Mapping[str, Any], names: Mapping[str, str], lang: Lang) -> dict[str, Any]:
    first, second = found["a"]["run"], found["b"]["run"]
    labels = dict(zip("ab", labels_of_two(found["a"], found["b"], lang), strict=True))
    rows = [
        {**row, "tier_title": _title(row, lang), "name": names.get(row["code"], row["name"])}
        for row in found["rows"]
    ]
    return {
        "id": "compare",
        "bounds": run_service.data_bounds(conn, parse_run(second)),
        "rows": rows,
        **labels,
        "differs": [CONDITIONS[name][lang] for name in found["differs"]],
        "land": "/coverage/compare/map/land/{mode}/{tier}.json"
        f"?lang={lang}&v={scoped(DATA_VERSION)}&a={first}&b={second}",
        "runs": [
            {"href": f"/coverage/{run}/map?lang={lang}", "text": labels[key]}
            for key, run in (("a", first), ("b", second))
        ],
    }


def _title(row: Mapping[str, Any], lang: Lang) -> str:
    return str((row["tier_title"] or {}).get(lang, row["tier"]))


def land_data(db: Database, answer: Answer, a: str, b: str, mode: str, tier: str) -> dict[str, Any]:
    """Land gained and lost, as shape rows in units of one square around the second run."""
    with db.read() as conn:
        asked = land_request(conn, a, b, mode, tier)
        square = square_around(run_store.extent(conn, parse_run(b)) or (-1.0, -1.0, 1.0, 1.0))
    found = answer(asked)
    shapes = np.array(
        [shapely.geometry.shape(one["geometry"]) for one in found["features"]] + [None], dtype=object
    )[:-1]
    rows = [
        [i, None, one["properties"]["name"] or None, 0, drawn, one["properties"]]
        for i, (one, drawn) in enumerate(zip(found["features"], _in_units(shapes, square), strict=True))
    ]
    return {
        "square": square.as_json(),
        "shapes": {"own": {"rows": rows, "cut": False}},
        "totals": found["totals"],
    }


def _in_units(shapes: Any, square: Square) -> list[dict[str, Any]]:
    """Lon/lat shapes as GeoJSON geometry in whole units of a square, y from the top."""

    def place(lonlat: Any) -> Any:
        held = np.radians(np.clip(lonlat[:, 1], -MAX_LAT, MAX_LAT))
        x = lonlat[:, 0] / 180 * HALF_M
        y = np.log(np.tan(np.pi / 4 + held / 2)) / np.pi * HALF_M
        unit = square.side_m / square.extent
        return np.round(np.column_stack(((x - square.left_m) / unit, (square.top_m - y) / unit)))

    return (
        [shapely.geometry.mapping(shape) for shape in shapely.transform(shapes, place)] if len(shapes) else []
    )
