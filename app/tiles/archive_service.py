"""All tiles of the city, of one class or of a run as one PMTiles file: which there are, what stands in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from app.catalogue.model import Catalogue, Lang
from app.database.transactions import Connection
from app.errors import BadInput, NotFound
from app.inventory.area_rows import get_area
from app.inventory.area_store import read_areas
from app.inventory.asked_times import asked_times
from app.maps.ground import GROUND_CLASSES
from app.pmtiles import About, Box, Writer, tile_number
from app.tiles import document_service as documents
from app.tiles import service
from app.tiles.asked import TilesAsked
from app.tiles.background import ARCHIVED, LAST_ZOOM, background_plan
from app.tiles.background_store import background_tile
from app.tiles.census import Census
from app.tiles.layers import Layer, Plan
from app.tiles.matrix import Tile
from app.tiles.plan import plan_of
from app.tiles.tilejson import tilejson
from app.tiles.tilesets import Tileset, centre, good_zoom

#: The names that are no class: the whole city with the ground below it; the ground alone.
CITY, GROUND = "city", "background"
NOTHING_ASKED = TilesAsked()
#: Called as `report(tiles done, tiles of all, zoom)`.
Report = Callable[[float, float | None, str], None]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a file is to hold: `name` is a class (id), a run (UUID), CITY or GROUND.

    `max_zoom` is the last zoom, None: that from which on tiles are only drawn larger. `lang` is that of titles.
    """

    name: str
    asked: TilesAsked = NOTHING_ASKED
    max_zoom: int | None = None
    lang: Lang = "zh"


@dataclass(frozen=True, slots=True)
class _Content:
    """`plan` of the layers (None: the ground alone), `near` tells which tiles may hold any, within `box`."""

    plan: Plan | None
    near: Plan
    ground: Plan | None
    tileset: Tileset
    box: Box


def write_archive(
    conn: Connection, catalogue: Catalogue, chosen: Chosen, path: Path, report: Report
) -> dict[str, Any]:
    """Write the tiles to `path`; `{"tiles", "zooms": [first, last], "layers": [ids], "clustered": [ids]}`.

    `clustered` are the classes for which clusters stand even at the last zoom. `conn` reads one snapshot; `catalogue`
    decides what is seen (its public part leaves out all else). The same data gives the same bytes.

    Raises:
        NotFound: There is no such class, run or area, or nothing at all in it.
        BadInput: A filter, time or zoom that cannot be used.
    """
    found = _content(conn, catalogue, chosen)
    last = chosen.max_zoom
    if last is None:
        last = LAST_ZOOM if chosen.name == CITY else found.tileset.deepest
    if not 0 <= last <= found.tileset.deepest:
        raise BadInput(
            f"Tiles are not written to zoom {last}.",
            f"Choose 0 to {found.tileset.deepest}: nothing is added beyond.",
        )
    census = Census(conn, found.near.layers)
    tiles = [tile for level in levels(census, found.near, found.box, last) for tile in level]
    with Writer(path) as writer:
        for done, tile in enumerate(tiles):
            report(done, len(tiles), f"zoom {tile.z}")
            writer.add(_number(tile), _body(conn, found, tile))
        if not writer.tiles:
            raise NotFound("There is nothing to be drawn.", "Leave area, filter and times out.")
        about = _about(conn, catalogue, found, chosen.lang, last)
        writer.finish(about)
        report(len(tiles), len(tiles), f"zoom {last}")
        names = [layer["id"] for layer in about.metadata["vector_layers"]]
        clustered = [
            layer.collection for layer in found.near.layers if found.plan and census.is_clustered(layer, last)
        ]
        return {"tiles": writer.tiles, "zooms": [0, last], "layers": names, "clustered": clustered}


def levels(census: Census, plan: Plan, box: Box, last: int) -> Iterator[list[Tile]]:
    """The tiles of each zoom that may hold something within `box` (lon/lat), in the order of their numbers."""
    found, layers = [Tile(0, 0, 0)], list(plan.layers)
    for zoom in range(last + 1):
        found = sorted((tile for tile in found if _meets(census, layers, box, tile)), key=_number)
        yield found
        found = [
            Tile(zoom + 1, 2 * tile.row + down, 2 * tile.col + right)
            for tile in found
            for down in (0, 1)
            for right in (0, 1)
        ]


def _number(tile: Tile) -> int:
    return tile_number(tile.z, tile.row, tile.col)


def _meets(census: Census, layers: list[Layer], box: Box, tile: Tile) -> bool:
    # Shapes are drawn a little beyond the edges of tiles.
    west, south, east, north = tile.lonlat(margin=1 / 16)
    if west > box[2] or east < box[0] or south > box[3] or north < box[1]:
        return False
    for place, layer in enumerate(layers):
        if not census.is_away(layer, tile):
            # What reaches into this tile is likely to reach into the next one, and is asked first there.
            layers.insert(0, layers.pop(place))
            return True
    return False


def _content(conn: Connection, catalogue: Catalogue, chosen: Chosen) -> _Content:
    name, asked, lang = chosen.name, chosen.asked, chosen.lang
    ground = background_plan(catalogue, asked_times(conn, asked.as_of, asked.known_at))
    if name == GROUND:
        ground_only = _ground(documents.background_tileset(conn, catalogue, lang))
        near = plan_of(conn, catalogue, GROUND_CLASSES, asked)
        return _boxed(conn, _Content(None, near, ground, ground_only, (0, 0, 0, 0)), asked)
    if name == CITY:
        tileset = documents.city_tileset(conn, catalogue, asked, lang)
        plan = plan_of(conn, catalogue, None, asked)
        return _boxed(conn, _Content(plan, plan, ground, tileset, (0, 0, 0, 0)), asked)
    if _is_run(name):
        tileset = documents.run_tileset(conn, catalogue, name, asked, lang)
        within = replace(asked, where=(*asked.where, ("run", (name,))))
        plan = plan_of(conn, catalogue, [layer.id for layer in tileset.layers], within)
    else:
        tileset = documents.collection_tileset(conn, catalogue, name, asked, lang)
        plan = plan_of(conn, catalogue, [name], asked)
    return _boxed(conn, _Content(plan, plan, None, tileset, (0, 0, 0, 0)), asked)


def _boxed(conn: Connection, found: _Content, asked: TilesAsked) -> _Content:
    """With the box in which tiles lie: that of the data, of a chosen area its own; raises NotFound."""
    if asked.area is not None:
        code, areas = get_area(conn, asked.area)["code"], read_areas(conn)
        west, south, east, north = areas.shapes[list(areas.codes).index(code)].bounds
        return replace(found, box=(west, south, east, north))
    if found.tileset.box is None:
        raise NotFound(
            "There is nothing to be drawn.", "Load some data: chengtu sample load or chengtu import."
        )
    return replace(found, box=found.tileset.box)


def _ground(tileset: Tileset) -> Tileset:
    """The tileset of the ground with its layers under the names that they bear beside classes."""
    return replace(
        tileset, layers=tuple(replace(layer, id=f"{ARCHIVED}{layer.id}") for layer in tileset.layers)
    )


def _is_run(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True


def _body(conn: Connection, found: _Content, tile: Tile) -> bytes:
    """A tile: the layers of the classes as the server gives them, then those of the ground."""
    own = b"" if found.plan is None else service.build(conn, found.plan, tile).body
    below = b"" if found.ground is None else background_tile(conn, tile, found.ground.times, ARCHIVED)
    return own + below


def _about(conn: Connection, catalogue: Catalogue, found: _Content, lang: Lang, last: int) -> About:
    said = tilejson(replace(found.tileset, box=found.box, deepest=last), "")
    layers: Sequence[dict[str, Any]] = said["vector_layers"]
    if found.ground is not None and found.plan is not None:
        below = _ground(documents.background_tileset(conn, catalogue, lang))
        layers = [*layers, *tilejson(replace(below, deepest=last), "")["vector_layers"]]
    town = documents.town_of(conn, catalogue, lang)
    metadata = {
        "name": said["name"] if found.ground is None else town.name,
        "description": " ".join(filter(None, [said["description"], town.notice])),
        "attribution": said.get("attribution", ""),
        "type": "overlay" if found.ground is None else "baselayer",
        "vector_layers": layers,
        # For our own pages: what the names of the ground's layers begin with, and whether all may see it.
        "chengtu": {"ground": ARCHIVED if found.ground is not None else None, "public": catalogue.open_only},
    }
    return About(found.box, centre(found.box), min(good_zoom(found.box, last), last), (0, last), metadata)
