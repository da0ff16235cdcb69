"""Use cases of the phone page: its options, what is near, what an area holds, one feature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from app.access.principal import Principal
from app.catalogue.model import Catalogue, FeatureClass, Lang
from app.database.transactions import Connection
from app.errors import BadInput, Forbidden, NotFound, unknown
from app.field import store
from app.field.reports import WORDS, offered, standing
from app.inventory import photo_store
from app.inventory.photo_store import list_reports
from app.maps import layers, marks
from app.maps import service as maps
from app.settings import Settings
from app.web.icons import icon_path
from app.web.viewer import VIEWER

#: Classes that nobody meets on the street: areas, statistics, programmes.
NOT_SEEN = frozenset(
    {
        "districts", "grid_cells", "built_up_areas", "population_cells", "responsibility_areas",
        "estate_programmes", "historic_districts",
    }
)  # fmt: skip
#: Features that one answer holds at most.
NEAR, PAGE = 100, 2000


def field_classes(catalogue: Catalogue) -> dict[str, FeatureClass]:
    """The classes that the phone page shows, by id."""
    shown = maps.shown_classes(catalogue)
    return {class_id: cls for class_id, cls in shown.items() if class_id not in NOT_SEEN and offered(cls)}


def chosen(catalogue: Catalogue, names: str | None) -> list[FeatureClass]:
    """The classes of a list by comma, all of them where there is none; raises NotFound for an unknown one."""
    known = field_classes(catalogue)
    if names is None:
        return list(known.values())
    return [_class_of(known, name) for name in dict.fromkeys(names.split(",")) if name]


def _class_of(known: Mapping[str, FeatureClass], name: str) -> FeatureClass:
    if name not in known:
        raise unknown("class of the phone page", name[:100], known)
    return known[name]


def area_code(caller: Principal, asked: str | None) -> str | None:
    """The area to show: the one asked for, else that of whoever asks; None all that they see.

    Raises:
        Forbidden: Who asks is bound to other areas.
    """
    own = caller.scope.areas
    if own is None or (asked and asked in own):
        return asked or None
    if asked:
        raise Forbidden("This key is bound to another area.", f"It opens the area {', '.join(own) or '-'}.")
    return own[0] if len(own) == 1 else None


def page_view(
    conn: Connection,
    catalogue: Catalogue,
    settings: Settings,
    lang: Lang,
    caller: Principal,
    area: str | None,
) -> dict[str, Any]:
    """The options of the page: area, classes with their counts, the words of a report, the key; plain values."""
    held = maps.versions(conn, catalogue)
    town = maps.city(conn, catalogue, held, lang)
    classes = field_classes(catalogue)
    found = None if area is None else _area(conn, area, lang)
    counts = store.counts(conn, list(classes.values()), area)
    return {
        "lang": lang,
        "city": town.name,
        "bounds": None if town.bounds is None else list(town.bounds),
        "notice": town.notice,
        "attribution": [item["text"] for item in town.attribution],
        "mark": marks.line(settings, lang),
        "area": found,
        "areas": [_named(item, lang) for item in store.list_areas(conn)]
        if caller.scope.areas is None
        else [],
        "classes": [
            _class(cls, counts.get(cls.id, 0), lang) for cls in classes.values() if counts.get(cls.id)
        ],
        "words": {word: titles[lang] for word, titles in WORDS.items()},
        "states": _states(classes.values(), lang),
        "key": None
        if caller.until is None
        else {"name": caller.name, "expires_at": caller.until.isoformat()},
        "reports": VIEWER.get().can("report"),
        "assesses": VIEWER.get().can("assess"),
        "scores": VIEWER.get().can("read") and not catalogue.open_only,
        "ground": "/background/tiles/WebMercatorQuad/{z}/{y}/{x}",
    }


def _class(cls: FeatureClass, count: int, lang: Lang) -> dict[str, Any]:
    symbol = cls.symbol
    return {
        "id": cls.id,
        "title": cls.title.in_(lang),
        "symbol": {
            "glyph": symbol.glyph, "color": symbol.color, "fill": symbol.fill, "shape": symbol.shape,
            "icon": icon_path(symbol.icon) if symbol.icon else None,
        },
        "geometry": cls.geometry,
        "words": list(offered(cls)),
        "count": count,
        "on": cls.geometry == "point" and count <= layers.DENSE,
    }  # fmt: skip


def _states(classes: Iterable[FeatureClass], lang: Lang) -> dict[str, str]:
    """The states of life that a list may show beside the words of reports."""
    first = next(iter(classes), None)
    field = next((item for item in first.fields if item.name == "state"), None) if first else None
    return {} if field is None else {item.value: item.title.in_(lang) for item in field.choices or ()}


def _area(conn: Connection, code: str, lang: Lang) -> dict[str, Any]:
    found = store.find_area(conn, code)
    if found is None:
        raise NotFound(
            f"There is no area with the code '{code[:100]}'.", "/collections/districts/items lists them."
        )
    return _named(found, lang)


def _named(area: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    return {
        "code": area["code"],
        "level": area["level"],
        "name": _name(area, lang) or area["code"],
        "bounds": area["bounds"],
    }


def _name(row: Mapping[str, Any], lang: Lang) -> str | None:
    first, second = ("name_zh", "name_en") if lang == "zh" else ("name_en", "name_zh")
    name: str | None = row[first] or row[second]
    return name


def near(
    conn: Connection,
    catalogue: Catalogue,
    lang: Lang,
    names: str | None,
    place: tuple[float, float],
    area: str | None,
    limit: int,
) -> dict[str, Any]:
    """The features of the chosen classes nearest to a place (lon, lat), nearest first."""
    rows = store.nearest(conn, chosen(catalogue, names), place, area, limit)
    return {"features": [_told(row, lang) for row in rows]}


def page_of(
    conn: Connection, catalogue: Catalogue, lang: Lang, class_id: str, area: str | None, after: int
) -> dict[str, Any]:
    """The features of one class in an area, PAGE at a time; `next` is what to ask on after, None at the end."""
    rows = store.page_of(conn, _class_of(field_classes(catalogue), class_id), area, after, PAGE)
    more = rows[-1]["id"] if len(rows) == PAGE else None
    return {"features": [_told(row, lang) for row in rows], "next": more}


def _told(row: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    """A feature as lists carry it: unknown values are left out."""
    told = {
        "class": row["class"],
        "id": row["id"],
        "code": row["code"],
        "name": _name(row, lang),
        "address": row["address"],
        "note": row["note"],
        "state": standing(row["state"], row["condition"]),
        "etag": f'"{row["change"]}"',
        "at": [round(row["lon"], 7), round(row["lat"], 7)],
        "m": round(row["distance_m"], 1) if "distance_m" in row else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def feature(
    conn: Connection, catalogue: Catalogue, lang: Lang, class_id: str, item: int, area: str | None
) -> dict[str, Any]:
    """One feature with all its fields, photos and reports; raises NotFound outside the area."""
    cls = _class_of(field_classes(catalogue), class_id)
    if area is not None and not store.is_in_area(conn, cls, item, area):
        raise NotFound(f"There is no {cls.id} with the id {item} in this area.")
    view = maps.feature_view(conn, catalogue, cls, item, lang)
    values = view["values"]
    return view | {
        "reports": [] if catalogue.open_only else list_reports(conn, cls.id, item)[::-1],
        "title": cls.title.in_(lang),
        "fields": [field for field in view["fields"] if field["name"] in values],
        "state": standing(values.get("state"), values.get("condition")),
    }


def photo(conn: Connection, catalogue: Catalogue, number: str, area: str | None) -> bytes:
    """The JPEG of a photo; raises NotFound where there is none, or none that the caller may see."""
    try:
        wanted = UUID(number)
    except ValueError:
        raise NotFound("There is no such photo.") from None
    found = photo_store.find_body(conn, wanted)
    cls = None if found is None else catalogue.classes.get(found[0])
    # No photo is declared public.
    if found is None or cls is None or catalogue.open_only:
        raise NotFound("There is no such photo.")
    if area is not None and not store.is_in_area(conn, cls, found[1], area):
        raise NotFound("There is no such photo.")
    return found[2]


def check_place(lon: float, lat: float) -> tuple[float, float]:
    """A place in degrees; raises BadInput where the numbers are none."""
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise BadInput(f"{lon}, {lat} is no place.", "Give lon and lat in degrees.")
    return lon, lat
