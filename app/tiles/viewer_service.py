"""The page on which tiles are looked at: MapLibre over the city's ground, with its layers, legend and cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from app.access.middleware import CONTENT_SECURITY_POLICY
from app.catalogue.model import Catalogue, FeatureClass, Lang
from app.database.transactions import Connection
from app.inventory.times import NOW
from app.maps import layers as views
from app.maps import service as maps
from app.maps.figure import script_json
from app.ogc.datetimes import parse_datetime
from app.tiles.asked import datetime_of
from app.tiles.document_service import held_versions, town_of
from app.tiles.run_style import DIFFERENCE, GAPS, NO_FIGURE, SHARES
from app.tiles.style import GROUND
from app.tiles.style_service import run_figures, shown_layers
from app.tiles.tilesets import Layer, Tileset
from app.web.assets import address_of
from app.web.bundle import bundle
from app.web.templates import render

#: That of every page, and leave for MapLibre's worker, which is a file of ours.
POLICY = f"{CONTENT_SECURITY_POLICY}; worker-src 'self'"
LIBRARY = "MapLibre"
#: Parameters that leave all features of a layer in the tiles.
WHOLE = frozenset({"collections", "properties"})


def viewer_page(
    conn: Connection,
    catalogue: Catalogue,
    tileset: Tileset,
    lang: Lang,
    marks: Mapping[str, Any],
    *,
    ground: bool,
) -> str:
    """The page of a tileset, with the marks of `marks.file_marks`; text of the data is in it as JSON alone."""
    town = town_of(conn, catalogue, lang)
    sources = [item["text"] for item in town.attribution]
    view = {
        "lang": lang,
        "title": tileset.title,
        "subtitle": town.name,
        "notice": town.notice,
        "marks": marks,
        "credits": [*(tileset.credits or sources), LIBRARY],
        "bounds": tileset.box or town.bounds,
        "style": _address(
            tileset, [("f", "style"), ("lang", lang), *([] if ground else [("background", "false")])]
        ),
        "tileset": _address(tileset, [("f", "json")]),
        "other": _address(tileset, [("f", "html"), ("lang", "en" if lang == "zh" else "zh")]),
        "back": f"{tileset.data}?f=html&lang={lang}",
        "when": _when(tileset),
        "chosen": [pair for pair in tileset.query if pair[0] not in WHOLE],
        "many": not tileset.path,
        "worker": address_of("maplibre-gl", "maplibre-gl-csp-worker.js"),
        "layers": _layers(conn, catalogue, tileset, lang),
        **_run(conn, tileset, lang),
    }
    return render(
        "tiles/viewer.html",
        lang,
        title=tileset.title,
        view=script_json(view),
        library=address_of("maplibre-gl", "maplibre-gl-csp.js"),
        script=bundle("tiles.js").address,
        sheet=bundle("tiles.css").address,
    )


def _address(tileset: Tileset, query: list[tuple[str, str]]) -> str:
    return f"{tileset.own_path}?{urlencode([*tileset.query, *query])}"


def _when(tileset: Tileset) -> str:
    """The times of the tiles, as the end of an address of a feature; of an interval nothing, for that has several."""
    asked = dict(tileset.query)
    found = {name: asked[name] for name in ("as_of", "known_at") if name in asked}
    spoken = datetime_of(asked.get("subset"), asked.get("datetime"))
    times = NOW if spoken is None else parse_datetime(spoken)
    if times.as_of is not None and not times.interval:
        found["as_of"] = times.as_of.isoformat()
    return "".join(f"&{urlencode([pair])}" for pair in found.items())


def _layers(conn: Connection, catalogue: Catalogue, tileset: Tileset, lang: Lang) -> list[dict[str, Any]]:
    """What the page is told of each layer; of classes how many they hold, unless the tiles hold a choice of them."""
    on, held = shown_layers(tileset), held_versions(conn, catalogue)
    left = {"tiles", "counts", "feature"}
    if any(name not in WHOLE for name, _ in tileset.query):
        left.add("count")
    found = []
    for layer in tileset.layers:
        # Layers of the ground bear names of classes, but hold less.
        cls = None if tileset.path == f"/{GROUND}" else catalogue.classes.get(layer.id)
        told = _layer(conn, catalogue, layer, cls, held.get(layer.id, 0), lang, on=layer.id in on)
        found.append({name: value for name, value in told.items() if name not in left})
    return found


def _layer(
    conn: Connection,
    catalogue: Catalogue,
    layer: Layer,
    cls: FeatureClass | None,
    version: int,
    lang: Lang,
    *,
    on: bool,
) -> dict[str, Any]:
    """A layer's title and fields; of a class its symbol and kinds too."""
    if cls is None:
        fields = [
            {"name": item.name, "title": item.title.in_(lang), "type": item.type} for item in layer.fields
        ]
        return {"id": layer.id, "title": layer.title, "geometry": layer.geometry, "on": on, "fields": fields}
    return views.layer_view(cls, maps.amount(conn, catalogue, cls.id, version), version, lang, on=on)


def _run(conn: Connection, tileset: Tileset, lang: Lang) -> Mapping[str, Any]:
    """Of a run its figures, with the colours of their areas and gaps."""
    if not tileset.path.startswith("/coverage/"):
        return {}
    figures, _ = run_figures(conn, tileset.path.removeprefix("/coverage/"), lang)
    told = [
        {"id": item.id, "mode": item.mode, "tier": item.tier, "title": item.title, "on": item.shown,
         "shares": item.by != "value", "steps": list(item.steps), "breaks": list(item.breaks)}
        for item in figures
    ]  # fmt: skip
    colours = {"gaps": list(GAPS), "units": list(SHARES), "difference": DIFFERENCE, "none": NO_FIGURE}
    return {"figures": told, "colours": colours}
