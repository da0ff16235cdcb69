"""The page on which a file is brought in: what its script has to know of the catalogue and the city."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.catalogue.model import Catalogue, Lang
from app.database.transactions import Connection
from app.inventory.changes import METRIC_CRS, find_setting
from app.maps import service as maps
from app.maps.figure import script_json
from app.maps.layers import office_of
from app.settings import Settings
from app.space.city_systems import load_city_systems
from app.web.amounts import UNIT_TITLES, unit_title
from app.web.bundle import bundle
from app.web.templates import render

#: Units in which files are, beside those that fields have.
MORE_UNITS: Mapping[Lang, dict[str, str]] = {
    "zh": {"ha": "公顷", "km²": "平方公里", "亩": "亩", "ft": "英尺", "in": "英寸", "万平方米": "万平方米"},
    "en": {"亩": "mu", "万平方米": "10,000 m²"},
}
#: Licences that data of cities often bears.
LICENCES = ("CC-BY-4.0", "CC0-1.0", "ODbL-1.0", "ODC-By-1.0")


def new_page(conn: Connection, catalogue: Catalogue, settings: Settings, lang: Lang) -> str:
    """The page in HTML; everything on it but the frame is made by its script."""
    view = {
        "lang": lang,
        "limit_mb": settings.upload_limit_mb,
        "offices": _offices(catalogue, lang),
        "systems": _systems(conn, settings, lang),
        "units": {unit: unit_title(unit, lang) for unit in UNIT_TITLES} | MORE_UNITS[lang],
    }
    return render(
        "imports/new.html", lang,
        city=maps.city(conn, catalogue, maps.versions(conn, catalogue), lang),
        view=script_json(view), licences=LICENCES,
        style_of_import=bundle("import.css").address, script=bundle("import.js").address,
    )  # fmt: skip


def _offices(catalogue: Catalogue, lang: Lang) -> list[dict[str, Any]]:
    """The classes by the office that keeps them, in the order of the catalogue."""
    offices: dict[str, list[dict[str, str]]] = {}
    for cls in sorted(catalogue.classes.values(), key=lambda cls: (cls.order, cls.id)):
        office = office_of(cls, lang)
        offices.setdefault(office, []).append(
            {"id": cls.id, "title": cls.title.zh if lang == "zh" else cls.title.en}
        )
    return [{"title": title, "classes": classes} for title, classes in offices.items()]


def _systems(conn: Connection, settings: Settings, lang: Lang) -> list[dict[str, str]]:
    """Coordinate systems to choose from: those of the country, the city's zone, what phones give, the city's own."""
    metric = find_setting(conn, METRIC_CRS)
    zone = [{"id": metric, "kind": "zone"}] if metric is not None and metric.startswith("EPSG:") else []
    own = load_city_systems(settings).by_name.values()
    return zone + [
        {"id": item.name, "kind": "own", "title": item.title.zh if lang == "zh" else item.title.en}
        for item in own
    ]
