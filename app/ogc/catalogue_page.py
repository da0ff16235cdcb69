"""The page of all collections: by the office that keeps them, each with symbol and amount; found by typing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.catalogue.model import Catalogue, FeatureClass, Lang
from app.database.transactions import Connection
from app.maps import service as maps
from app.maps.layers import office_of
from app.maps.marks import view_part
from app.ogc.run_collections import RUN_COLLECTIONS
from app.web import amounts
from app.web.bundle import bundle
from app.web.icons import GRID, icon_path
from app.web.templates import render

#: Colours below this lightness (0-1, as the eye sees it) bear white drawings.
DARK = 0.34


def collections_page(
    conn: Connection, catalogue: Catalogue, document: Mapping[str, Any], base: str, lang: Lang
) -> str:
    """The list of collections, made of `/collections` and of what each class holds now."""
    held = maps.versions(conn, catalogue)
    offices: dict[str, list[dict[str, Any]]] = {}
    for item in document["collections"]:
        cls = catalogue.classes.get(item["id"])
        offices.setdefault(_office(cls, lang), []).append(_entry(conn, catalogue, held, item, cls, lang))
    return render(
        "ogc/collections.html", lang,
        city=maps.city(conn, catalogue, held, lang), offices=offices, base=base,
        view=view_part(catalogue),
        style_of_list=bundle("features.css").address, script=bundle("collections.js").address,
    )  # fmt: skip


def _office(cls: FeatureClass | None, lang: Lang) -> str:
    if cls is None:
        return "计算结果" if lang == "zh" else "Results"
    return office_of(cls, lang)


def _entry(
    conn: Connection,
    catalogue: Catalogue,
    held: Mapping[str, int],
    item: Mapping[str, Any],
    cls: FeatureClass | None,
    lang: Lang,
) -> dict[str, Any]:
    shown = None if cls is None or cls.id not in held else maps.amount(conn, catalogue, cls.id, held[cls.id])
    size = None
    if shown is not None and cls is not None and shown.count:
        size = {
            "length": amounts.length(shown.length_m, lang),
            "area": amounts.area(shown.area_m2, lang),
        }.get(cls.measure)
    words = [item["title"], item["id"], *(() if cls is None else (cls.title.zh, cls.title.en, *cls.aliases))]
    return {
        "id": item["id"],
        "title": item["title"],
        "description": item["description"],
        "count": None if shown is None else amounts.pieces(shown.count, cls, lang),
        "empty": shown is not None and not shown.count,
        "size": size,
        "symbol": None if cls is None else _symbol(cls),
        "words": " ".join(words).casefold(),
        "run": item["id"] in RUN_COLLECTIONS,
    }


def _symbol(cls: FeatureClass) -> dict[str, Any]:
    """How the class is drawn on the map, for a drawing of 32 by 32: no text where it has a pictogram."""
    symbol = cls.symbol
    line = cls.geometry == "line" or symbol.shape == "line"
    return {
        "kind": "line" if line else symbol.shape,
        "color": symbol.color,
        "fill": symbol.fill or symbol.color,
        "ink": "#ffffff" if _lightness(symbol.color) < DARK else "#16242c",
        "path": icon_path(symbol.icon) if symbol.icon else None,
        "scale": 18 / GRID,
        "glyph": symbol.glyph,
    }


def _lightness(color: str) -> float:
    """Relative luminance (WCAG 2) of a colour #rrggbb."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
