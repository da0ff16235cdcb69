"""The search as a page: a form, results with links to the feature and to the map; all text is escaped."""

from __future__ import annotations

from typing import Any

from app.catalogue.model import Catalogue, Lang
from app.database.transactions import Connection
from app.maps import service as maps
from app.search.service import Search, search
from app.web.templates import render


def search_page(conn: Connection, catalogue: Catalogue, asked: Search, lang: Lang) -> str:
    """The page for what was asked; without a text, the form alone."""
    found = search(conn, catalogue, asked) if asked.text.strip() else None
    return render(
        "search.html",
        lang,
        city=maps.city(conn, catalogue, maps.versions(conn, catalogue), lang),
        asked=asked,
        titles={cls.id: cls.title.in_(lang) for cls in catalogue.classes.values()},
        results=None if found is None else [_shown(result, lang) for result in found["results"]],
    )


def _shown(result: dict[str, Any], lang: Lang) -> dict[str, Any]:
    """What the page says of one result, in its language where it has one."""
    item, *rest = result["links"]
    first, second = ("name_zh", "name_en") if lang == "zh" else ("name_en", "name_zh")
    areas = [area[first] or area[second] or area["code"] for area in result["areas"]]
    names = [result[name] for name in (first, second) if result[name]] or [result["code"]]
    return {
        "name": names[0],
        "other": next((name for name in names[1:] if name != names[0]), None),
        "title": result["class_title"][lang],
        "code": result["code"],
        "address": result["address"],
        "place": (" " if lang == "zh" else ", ").join(areas if lang == "zh" else reversed(areas)),
        "item": item["href"],
        "map": rest[0]["href"] if rest else None,
    }
