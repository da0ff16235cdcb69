"""The documents as pages for a browser, with map and table; all text is escaped by the templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from app.catalogue.model import Catalogue, Lang
from app.catalogue.restricted import restricted_in
from app.database.engine import Connection
from app.errors import ChengtuError
from app.maps import service as maps
from app.maps.figure import script_json
from app.maps.service import City
from app.ogc.forms import STREAMED
from app.ogc.links import Query
from app.ogc.queryables import ALIASES
from app.ogc.words import words_of
from app.web.bundle import bundle
from app.web.templates import render
from app.words.sentences import say

#: What a link to another order, filter or form does not keep.
OWN_PARAMETERS = frozenset({"f", "lang", "after", "before"})
#: Columns that tell a reader nothing; the page of one feature has them all.
LEFT_OUT = frozenset({"min_zoom", "change_id"})
#: What the URIs of conformance classes begin with.
SPECS = "http://www.opengis.net/spec/"
#: A choice of features for the map of a collection.
SHOWN = 500
#: Files of a whole class that `/exports` writes: ending → title.
FILES = {
    "gpkg": "GeoPackage",
    "xlsx": "Excel (XLSX)",
    "shp.zip": "Shapefile (ZIP)",
    "gdb.zip": "FileGDB (ZIP)",
    "dxf": "DXF",
    "kml": "KML",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page says of the city, the ground of its map, and code → name of its areas."""

    city: City
    ground: Mapping[str, Any]
    areas: Mapping[str, str]


def get_frame(conn: Connection, catalogue: Catalogue, lang: Lang) -> Frame:
    """The frame of pages in a language."""
    held = maps.versions(conn, catalogue)
    areas = maps.area_titles(conn, catalogue, held["districts"], lang)
    return Frame(maps.city(conn, catalogue, held, lang), maps.ground_view(held, lang), areas)


def collection_page(frame: Frame, catalogue: Catalogue, document: Mapping[str, Any], lang: Lang) -> str:
    """One collection: where it is, its fields, what may be had of it."""
    collection = document["id"]
    words = words_of(catalogue, collection, lang)
    boxes = document.get("extent", {}).get("spatial", {}).get("bbox", [None])
    source = f"/collections/{collection}/items?f=json&limit={SHOWN}&properties=code"
    view = {"extent": boxes[0], "source": source, "item": f"/collections/{collection}/items/"}
    return _rendered(
        "ogc/collection.html",
        frame,
        lang,
        view,
        document=document,
        words=words,
        forms=_forms(collection, []),
        files=_files(catalogue, collection, []),
        reasons=bool(restricted_in(catalogue, [collection])),
        base=base_of(document, collection),
        shown=SHOWN,
    )


def conformance_page(frame: Frame, classes: Sequence[str], lang: Lang) -> str:
    """The conformance classes by standard; `classes` are their URIs."""
    told = [(*uri.removeprefix(SPECS).split("/conf/"), uri) for uri in classes]
    style = bundle("features.css").address
    return render("ogc/conformance.html", lang, city=frame.city, classes=told, style_of_tables=style)


def schema_page(
    frame: Frame, catalogue: Catalogue, collection: str, document: Mapping[str, Any], lang: Lang
) -> str:
    """A JSON Schema of a collection as a table of its properties."""
    words = words_of(catalogue, collection, lang)
    required = document.get("required", ())
    rows = [
        {
            "name": name,
            "title": words.field(known),
            "kind": words.kind(known),
            "choices": words.choices(known),
            "required": name in required,
            "read_only": member.get("readOnly", False),
        }
        for name, member in document["properties"].items()
        for known in [ALIASES.get(name, name)]
    ]
    return render(
        "ogc/schema.html",
        lang,
        city=frame.city,
        collection=collection,
        title=words.title,
        document=document,
        rows=rows,
        style_of_tables=bundle("features.css").address,
    )


def items_page(
    frame: Frame,
    catalogue: Catalogue,
    collection: str,
    document: Mapping[str, Any] | None,
    lang: Lang,
    given: Query,
    base: str,
    problem: ChengtuError | None = None,
    extent: Sequence[float] | None = None,
) -> str:
    """A page of features as map and table; `given` is what was asked for, `problem` why it cannot be answered.

    Columns that are empty in all of them are left out. Where there are none the map shows the collection's `extent`
    (west, south, east, north), else the city's.
    """
    words = words_of(catalogue, collection, lang, frame.areas)
    features = document["features"] if document else []
    kept = [(name, value) for name, value in given if name not in OWN_PARAMETERS and value]
    times = [pair for pair in kept if pair[0] in {"datetime", "as_of", "known_at"}]
    view = {"features": [_drawn(item) for item in features], "item": f"/collections/{collection}/items/",
            "when": urlencode(times), "home": extent or frame.city.bounds}  # fmt: skip
    return _rendered(
        "ogc/items.html",
        frame,
        lang,
        view,
        collection=collection,
        document=document,
        features=features,
        names=_columns(features),
        orders=_orders(collection, _columns(features), kept, lang),
        pages=_beside(document, lang),
        words=words,
        kept=[pair for pair in kept if pair[0] != "filter"],
        filter=dict(given).get("filter", ""),
        times=times,
        when=f"&{urlencode(times)}" if times else "",
        forms=_forms(collection, kept),
        files=_files(catalogue, collection, times),
        reasons=bool(restricted_in(catalogue, [collection])),
        example=words.example(item["properties"] for item in features),
        base=base,
        problem=None
        if problem is None
        else {"message": say(problem.message, lang), "hint": say(problem.hint, lang)},
    )


def item_page(
    frame: Frame,
    catalogue: Catalogue,
    collection: str,
    document: Mapping[str, Any],
    lang: Lang,
    given: Query,
) -> str:
    """One feature with all its properties, of the times `given`."""
    return _rendered(
        "ogc/item.html",
        frame,
        lang,
        {"features": [_drawn(document)]},
        collection=collection,
        document=document,
        words=words_of(catalogue, collection, lang, frame.areas),
        times=list(given),
        links={link["rel"]: link["href"] for link in document["links"]},
    )


def _rendered(template: str, frame: Frame, lang: Lang, view: Mapping[str, Any], **values: Any) -> str:
    """A page with a map: `view` is what its script is told, as JSON that may stand in HTML."""
    told = script_json({"lang": lang, "ground": frame.ground, "home": frame.city.bounds, **view})
    assets = {"map_style": bundle("features.css").address, "map_script": bundle("features.js").address}
    return render(template, lang, city=frame.city, view=told, **assets, **values)


def _drawn(item: Mapping[str, Any]) -> dict[str, Any]:
    """A feature as the map needs it."""
    properties = item["properties"]
    name = properties.get("name_zh") or properties.get("name_en") or properties.get("code") or item["id"]
    return {"id": item["id"], "name": str(name), "geometry": item["geometry"]}


def _columns(features: Sequence[Mapping[str, Any]]) -> list[str]:
    names = [name for name in features[0]["properties"] if name not in LEFT_OUT] if features else []
    return [name for name in names if any(item["properties"][name] not in (None, "") for item in features)]


def _orders(collection: str, names: Sequence[str], kept: Query, lang: Lang) -> dict[str, dict[str, str]]:
    """Name → the address that sorts by it, upwards or, where that is so already, downwards; and how it is sorted."""
    now = dict(kept).get("sortby", "")
    rest = [pair for pair in kept if pair[0] != "sortby"]
    found = {}
    for name in names:
        order = f"-{name}" if now == name else name
        query = urlencode([*rest, ("sortby", order), ("f", "html"), ("lang", lang)])
        sign = {name: "▲", f"-{name}": "▼"}.get(now, "")
        found[name] = {"href": f"/collections/{collection}/items?{query}", "sign": sign}
    return found


def _beside(document: Mapping[str, Any] | None, lang: Lang) -> dict[str, str]:
    """The addresses of the pages beside this one, as pages."""
    links = document["links"] if document else []
    return {link["rel"]: _as_page(link["href"], lang) for link in links if link["rel"] in {"prev", "next"}}


def _as_page(href: str, lang: Lang) -> str:
    told = "".join(f"&{pair}" for pair in ("f=html", f"lang={lang}") if pair.split("=")[0] + "=" not in href)
    return href + told


def _forms(collection: str, kept: Query) -> list[dict[str, Any]]:
    """What may be downloaded: all that matches, whatever the page."""
    rest = [pair for pair in kept if pair[0] != "limit"]
    return [
        {**_address(f"/collections/{collection}/items", rest, f=name), "title": form.title}
        for name, form in STREAMED.items()
    ]


def _files(catalogue: Catalogue, collection: str, times: Query) -> list[dict[str, Any]]:
    """Files of a whole class, of the `times` that exports know; none of a collection of runs."""
    if collection not in catalogue.classes or any(name == "datetime" for name, _ in times):
        return []
    return [
        {**_address(f"/exports/{collection}.{ending}", times), "title": title}
        for ending, title in FILES.items()
    ]


def _address(path: str, query: Query, f: str | None = None) -> dict[str, Any]:
    """An address whole, and in the parts that a form with a reason sends."""
    whole = urlencode([*query, *([] if f is None else [("f", f)])])
    return {"href": path + (f"?{whole}" if whole else ""), "path": path, "query": list(query), "f": f}


def base_of(document: Mapping[str, Any], collection: str | None = None) -> str:
    """The address of the server as the client reached it."""
    own = next(link["href"] for link in document["links"] if link["rel"] == "self").split("?")[0]
    return str(own).removesuffix(f"/{collection}").removesuffix("/collections")
