"""The maps' use cases: what the city holds, one square, one feature, the page of the whole city or of one class."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from urllib.parse import urlencode

from app.catalogue.export_names import plain_time
from app.catalogue.licences import licence_address
from app.catalogue.model import Catalogue, FeatureClass, Lang
from app.database.transactions import Connection
from app.errors import NotFound
from app.inventory.changes import data_versions
from app.inventory.kept import once
from app.inventory.periods import today
from app.inventory.photo_store import list_photos
from app.inventory.store import bounds
from app.inventory.times import NOW, Times
from app.inventory.version_marks import version_mark
from app.maps import ground, layers, place_store, store
from app.maps.ground import GROUND_CLASSES
from app.maps.store import Amount
from app.maps.version_store import sources_at

#: Days that a page offers.
DAYS_SHOWN = 6

T = TypeVar("T")

SAMPLE_NOTICE = {"zh": "示例数据，非真实", "en": "Sample data, not real (示例数据，非真实)"}
SAMPLE_SOURCE = {"zh": "城图示例城市", "en": "Chengtu sample city"}


@dataclass(frozen=True, slots=True)
class City:
    """What every page says of the city: its name, its extent, whether it is a sample, whose data it is."""

    name: str | None
    bounds: tuple[float, float, float, float] | None
    notice: str | None
    attribution: list[dict[str, str]]


def versions(conn: Connection, catalogue: Catalogue) -> dict[str, int]:
    """Class id → data version, of every class that may be shown."""
    shown = shown_classes(catalogue)
    return dict(zip(shown, data_versions(conn, list(shown.values())), strict=True))


def shown_classes(catalogue: Catalogue) -> Mapping[str, FeatureClass]:
    """The classes that maps show, in their order: those that the reader may see (`public_part`)."""
    return {cls.id: cls for cls in sorted(catalogue.classes.values(), key=lambda cls: (cls.order, cls.id))}


def get_class(catalogue: Catalogue, class_id: str) -> FeatureClass:
    """A class that maps show; NotFound with the nearest ids."""
    return catalogue.get_class(class_id)


def amount(conn: Connection, catalogue: Catalogue, class_id: str, version: int, times: Times = NOW) -> Amount:
    """What a class holds at a data version."""
    table = sources_at(catalogue, times)[class_id]
    return once(conn, ("amount", class_id, version, times), lambda: store.amount(conn, table))


def area_titles(conn: Connection, catalogue: Catalogue, version: int, lang: Lang) -> dict[str, str]:
    """Code → name of every area as it is now; `version` is that of the districts."""
    table = sources_at(catalogue, NOW)["districts"]
    return once(conn, ("area titles", version, lang), lambda: store.area_names(conn, table, lang))


def known_days(
    conn: Connection, catalogue: Catalogue, held: Mapping[str, int], class_ids: Iterable[str]
) -> list[date]:
    """Days worth looking at: the ends of the years in which classes change, and of those before; the latest last."""
    years: set[int] = set()
    for class_id in class_ids:
        cls = catalogue.classes[class_id]
        if held[class_id]:
            key = ("years", class_id, held[class_id], today())
            years.update(once(conn, key, lambda cls=cls: store.years(conn, cls)))  # type: ignore[misc]
    ends = {date(year - back, 12, 31) for year in years for back in (0, 1) if year - back >= 1}
    return sorted(day for day in ends if day < today())[-DAYS_SHOWN:]


def when(times: Times) -> str:
    """The times as the end of an address: `&as_of=2020-12-31`; nothing where they are now."""
    return "".join(f"&{urlencode([pair])}" for pair in times.as_dict().items())


def city(
    conn: Connection, catalogue: Catalogue, held: Mapping[str, int], lang: Lang, times: Times = NOW
) -> City:
    """The city as the pages introduce it; `held` are the data versions."""
    settings = store.settings(conn)
    sample = "sample" in settings
    box = once(conn, ("bounds", tuple(held.items()), times), lambda: _bounds(conn, catalogue, held, times))
    return City(
        name=_city_name(conn, catalogue, lang, times),
        bounds=box,
        notice=SAMPLE_NOTICE[lang] if sample else None,
        attribution=_attribution(_origins(conn, catalogue, held, times), lang, sample=sample),
    )


def _origins(
    conn: Connection, catalogue: Catalogue, held: Mapping[str, int], times: Times
) -> list[dict[str, str | None]]:
    """Whose data the rows of a time are: an import of which no row is left needs no attribution."""
    return once(
        conn,
        ("origins", tuple(held.items()), times),
        lambda: store.sources(conn, sources_at(catalogue, times)),
    )


def _bounds(
    conn: Connection, catalogue: Catalogue, held: Mapping[str, int], times: Times
) -> tuple[float, float, float, float] | None:
    """The extent of what the city owns; its borders only where there is nothing else."""
    filled = [class_id for class_id, version in held.items() if version]
    own = [class_id for class_id in filled if class_id in {"streets", "parks", "toilets", "buildings"}]
    return (
        bounds(conn, [catalogue.classes[class_id] for class_id in own or filled], times) if filled else None
    )


def _city_name(conn: Connection, catalogue: Catalogue, lang: Lang, times: Times) -> str | None:
    return store.city_name(conn, sources_at(catalogue, times)["districts"], lang)


def _attribution(rows: list[dict[str, str | None]], lang: Lang, *, sample: bool) -> list[dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        words = row["attribution"] or row["source"] or ""
        item = {"text": words}
        if row["licence"] and row["licence"] not in words:
            item["text"] = f"{words} ({row['licence']})"
        address = licence_address(row["licence"] or "")
        if address and address.startswith("https://"):
            item |= {"url": address, "licence": str(row["licence"])}
        if words:
            found[item["text"]] = item
    if sample and not found:
        found["sample"] = {"text": SAMPLE_SOURCE[lang]}
    return [*found.values(), {"text": "Leaflet"}]


def page_view(
    town: City, lang: Lang, title: str, subtitle: str | None, here: str, times: Times = NOW
) -> dict[str, Any]:
    """The options of a page's map; `here` is its path, for the other language."""
    view: dict[str, Any] = {
        "lang": lang,
        "title": title,
        "subtitle": subtitle,
        "home": f"/?f=html&lang={lang}{when(times)}",
    }
    view["other_lang"] = f"{here}?lang={'en' if lang == 'zh' else 'zh'}{when(times)}"
    view["notice"] = town.notice
    view["attribution"] = town.attribution
    if town.bounds:
        west, south, east, north = town.bounds
        view["bounds"] = [[south, west], [north, east]]
    return view


def time_view(times: Times) -> dict[str, Any]:
    """What a page says of its times: the day it shows, whether that is today's state, the change known at."""
    return {
        "as_of": (times.as_of or today()).isoformat(),
        "now": times.as_of is None,
        "known_at": times.known_at,
    }


def date_form(
    conn: Connection, catalogue: Catalogue, held: Mapping[str, int], class_ids: Iterable[str], here: str
) -> dict[str, Any]:
    """The form by which a page is asked for another day: its address, and days worth looking at."""
    days = known_days(conn, catalogue, held, class_ids)
    return {"action": here, "days": [day.isoformat() for day in days]}


def layer_views(
    conn: Connection,
    catalogue: Catalogue,
    held: Mapping[str, int],
    lang: Lang,
    on: frozenset[str],
    times: Times = NOW,
) -> list[dict[str, Any]]:
    """The options of every layer, classes without rows left out unless they are asked for."""
    views = []
    for cls in shown_classes(catalogue).values():
        holds = amount(conn, catalogue, cls.id, held[cls.id], times)
        if holds.count or cls.id in on:
            view = layers.layer_view(cls, holds, held[cls.id], lang, on=cls.id in on, when=when(times))
            views.append(view)
    return views


def start_view(
    conn: Connection, catalogue: Catalogue, cls: FeatureClass, version: int, times: Times = NOW
) -> dict[str, Any] | None:
    """Where a class is seen at once: the smallest zoom that draws any of it and its densest place there, [lat, lon].

    None for points, which are drawn at every zoom, and for a class without rows.
    """
    zooms = amount(conn, catalogue, cls.id, version, times).by_zoom
    if layers.is_pointed(cls) or not zooms:
        return None
    zoom, table = min(zooms), sources_at(catalogue, times)[cls.id]
    place = once(conn, ("densest", cls.id, version, times), lambda: store.densest(conn, table, zoom))
    return None if place is None else {"zoom": zoom + layers.ZOOM_STEP, "at": [place[1], place[0]]}


def extent_view(
    conn: Connection, cls: FeatureClass, version: int, times: Times = NOW
) -> list[list[float]] | None:
    """What holds all of a class, [[south, west], [north, east]]; None where it is empty."""
    if not version:
        return None
    box = once(conn, ("extent", cls.id, version, times), lambda: bounds(conn, [cls], times))
    return None if box is None else [[box[1], box[0]], [box[3], box[2]]]


def ground_view(held: Mapping[str, int], _lang: Lang, times: Times = NOW) -> dict[str, Any]:
    """The options of the ground."""
    mark = "-".join(version_mark(class_id, held[class_id]) for class_id in GROUND_CLASSES)
    address = f"/background/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?v={mark}{when(times)}"
    return {"id": "ground", "deepest": ground.DEEPEST, "tiles": address}


def feature_view(
    conn: Connection,
    catalogue: Catalogue,
    cls: FeatureClass,
    feature_id: int,
    lang: Lang,
    times: Times = NOW,
) -> dict[str, Any]:
    """Everything a feature card shows, and where it lies; raises NotFound."""
    sources = sources_at(catalogue, times)
    row = store.feature(conn, cls, sources[cls.id], feature_id)
    if row is None:
        then = "" if times.now else " at that time"
        raise NotFound(f"There is no {cls.id} with the id {feature_id}{then}.")
    names = store.area_names(conn, sources["districts"], lang)
    place = place_store.feature_place(conn, sources[cls.id], feature_id)
    return {
        "fields": layers.fields_view(cls, lang),
        **detail(cls, row, names, lang),
        **place,
        # no photo is declared public
        "photos": [] if catalogue.open_only else list_photos(conn, cls.id, feature_id),
        "etag": f'"{row["change_id"]}"',  # what If-Match compares of a tag
    }


def detail(cls: FeatureClass, row: Mapping[str, Any], areas: Mapping[str, str], lang: Lang) -> dict[str, Any]:
    """One row as a feature card reads it: unknown values are left out."""
    names = ("name_zh", "name_en") if lang == "zh" else ("name_en", "name_zh")
    shown = [field.name for field in cls.fields if field.name not in names]
    view: dict[str, Any] = {
        "code": row["code"],
        "name": next((row[name] for name in names if row.get(name)), None),
        "values": {name: _plain(row[name]) for name in shown if row[name] is not None},
    }
    if row.get(names[1]) and row.get(names[0]):
        view["values"][names[1]] = row[names[1]]
    path = [areas[code] for code in row["area_path"].split("/") if code in areas]
    view |= {"area": " › ".join(path)} if path else {}
    view |= {name: round(row[name], 1) for name in ("length_m", "area_m2") if row.get(name)}
    view |= {name: _plain(row[name]) for name in ("valid_from", "valid_to") if row.get(name)}
    return view | ({"incomplete": True} if row["incomplete"] else {})


def _plain(value: Any) -> Any:
    return plain_time(value) if isinstance(value, date) else value


def json_text(value: object) -> str:
    """Compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
