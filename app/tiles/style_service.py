"""MapLibre styles of tilesets: the ground below, classes by their symbols or a run by its figures above."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from app.catalogue.model import Catalogue, Lang
from app.coverage.service import get_run, parse_run
from app.database.transactions import Connection
from app.inventory.kept import once
from app.maps import run_store
from app.maps import service as maps
from app.maps.ground import NAMES, SHAPES
from app.maps.layers import ON_AT_START
from app.maps.run_service import drawn_levels
from app.tiles import document_service
from app.tiles.ground_style import ground_layers
from app.tiles.run_style import SHARES, Figure, collection_layers, gap_breaks, run_layers, value_steps
from app.tiles.style import GROUND, SOURCE, StyleLayer, class_layers, stacked
from app.tiles.tilesets import Tileset, centre, good_zoom

#: Classes that the ground names already.
NAMED_BELOW = frozenset(
    {*(item.class_id for item in NAMES), *(item.class_id for item in SHAPES if item.named), "districts"}
)
MODES = {
    "straight": {"zh": "直线", "en": "Straight line"},
    "walk": {"zh": "步行", "en": "Walking"},
    "count": {"zh": "指标", "en": "Figure"},
}


def style_of(
    conn: Connection, catalogue: Catalogue, tileset: Tileset, base: str, lang: Lang, *, ground: bool
) -> dict[str, Any]:
    """A MapLibre style (version 8) that draws a tileset, over the city's ground where `ground` is wanted.

    It names neither glyphs nor sprites: MapLibre from 5.11 on draws letters itself.
    """
    is_ground = tileset.path == f"/{GROUND}"
    under = ground_layers(GROUND, lang) if ground or is_ground else [_paper()]
    sources = {} if is_ground else {SOURCE: _source(tileset, base)}
    if ground and not is_ground:
        sources[GROUND] = _source(document_service.background_tileset(conn, catalogue, lang), base)
    elif is_ground:
        sources[GROUND] = _source(tileset, base)
    style: dict[str, Any] = {
        "version": 8,
        "name": tileset.title,
        "sources": sources,
        "layers": _over(under, [] if is_ground else _layers(conn, catalogue, tileset, lang, ground=ground)),
    }
    box = tileset.box or document_service.town_of(conn, catalogue, lang).bounds
    if box is not None:
        style |= {"center": centre(box), "zoom": good_zoom(box, tileset.deepest)}
    return style


def _paper() -> StyleLayer:
    return ground_layers(GROUND, "en")[0]


def _source(tileset: Tileset, base: str) -> dict[str, Any]:
    """A source of a style: clients read its attribution as HTML, so it is written as such."""
    source: dict[str, Any] = {
        "type": "vector",
        "tiles": [tileset.template(base, ("z", "y", "x"))],
        "minzoom": 0,
        "maxzoom": tileset.deepest,
    }
    if tileset.box is not None:
        source["bounds"] = list(tileset.box)
    if tileset.credits:
        source["attribution"] = html.escape(" · ".join(tileset.credits))
    return source


def _over(under: list[StyleLayer], layers: list[StyleLayer]) -> list[StyleLayer]:
    """The ground, then areas and lines, then the ground's names, then what must not be covered."""
    first = next((n for n, layer in enumerate(layers) if layer["type"] in {"symbol", "circle"}), len(layers))
    names = [layer for layer in under if layer["type"] == "symbol"]
    shapes = [layer for layer in under if layer["type"] != "symbol"]
    return [*shapes, *layers[:first], *names, *layers[first:]]


def _layers(
    conn: Connection, catalogue: Catalogue, tileset: Tileset, lang: Lang, *, ground: bool
) -> list[StyleLayer]:
    if tileset.path.startswith("/coverage/"):
        figures, level = run_figures(conn, tileset.path.removeprefix("/coverage/"), lang)
        return run_layers(figures, level, named=not ground)
    on, held = shown_layers(tileset), document_service.held_versions(conn, catalogue)
    found = []
    # Those that are on come first, so that no two of a few stand in the same place.
    places = sorted((layer.id for layer in tileset.layers), key=lambda name: name not in on)
    for layer in reversed(tileset.layers):
        cls = catalogue.classes.get(layer.id)
        if cls is None:
            found.append(collection_layers(layer.id))
            continue
        named = not (ground and layer.id in NAMED_BELOW)
        symbols = cls.geometry in {"point", "mixed"}
        count = maps.amount(conn, catalogue, cls.id, held[cls.id]).count if symbols else 0
        made = class_layers(
            cls, lang, shown=layer.id in on, named=named, count=count, place=places.index(layer.id)
        )
        found.append(made)
    return stacked(found)


def shown_layers(tileset: Tileset) -> frozenset[str]:
    """The layers that are on from the start: those asked for by name, of the whole city a few."""
    ids = frozenset(layer.id for layer in tileset.layers)
    named = tileset.path or any(name == "collections" for name, _ in tileset.query)
    return ids if named else ids & frozenset(ON_AT_START) or ids


def run_figures(conn: Connection, run_id: str, lang: Lang) -> tuple[list[Figure], str]:
    """The figures of a run in the order of its tiers, and the level of the areas that a map of it opens with."""
    key = parse_run(run_id)
    return once(conn, ("run figures", str(key), lang), lambda: _figures(conn, run_id, lang))


def _figures(conn: Connection, run_id: str, lang: Lang) -> tuple[list[Figure], str]:
    run, key = get_run(conn, run_id), parse_run(run_id)
    levels = drawn_levels(run_store.count_areas(conn, key))
    level = levels[0] if levels else ""
    quantiles = run_store.gap_quantiles(conn, key)
    wanted = "straight" if run["inputs"].get("official") else "walk"
    opened = wanted if wanted in run["modes"] else run["modes"][0]
    tiers = list(dict.fromkeys(row["tier"] for row in run["results"]))
    found = []
    for row in run["results"]:
        mode, tier = row["mode"], row["tier"]
        by = _coloured_by(run, mode)
        shares = by != "value" or row.get("unit") in {None, "share"}
        values = [] if shares else _values(run, mode, tier, level)
        title = (row.get("tier_title") or {}).get(lang, tier)
        found.append(
            Figure(
                mode=mode,
                tier=tier,
                title=f"{title} · {MODES[mode][lang]}" if mode in MODES else title,
                shown=mode == opened and tier == tiers[0],
                by=by,
                steps=SHARES if shares else value_steps(values),
                breaks=gap_breaks(quantiles.get((mode, tier), [])),
            )
        )
    return found, level


def _coloured_by(run: Mapping[str, Any], mode: str) -> str:
    """The column of a mode's areas: as the run's page has it, people where they are counted."""
    if mode == "count":
        return "value"
    people = any(row["share_of_people"] is not None for row in run["results"])
    return "share_of_people" if people and not run["inputs"].get("official") else "share_of_land"


def _values(run: Mapping[str, Any], mode: str, tier: str, level: str) -> list[float]:
    rows = (row for row in run["areas"] if (row["mode"], row["tier"], row["level"]) == (mode, tier, level))
    return [row["value"] for row in rows if row.get("value") is not None]
