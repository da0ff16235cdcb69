"""The lists of tilesets and the tile matrix set as pages for a browser; all text is escaped by the templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.catalogue.model import Catalogue, Lang
from app.database.transactions import Connection
from app.ogc.pages import get_frame
from app.tiles.tilesets import Tileset
from app.web.bundle import bundle
from app.web.templates import render


def list_page(
    conn: Connection, catalogue: Catalogue, tileset: Tileset, document: Mapping[str, Any], lang: Lang
) -> str:
    """A list of tilesets, with what can be done with each."""
    return _page(conn, catalogue, "tiles/list.html", lang, tileset=tileset, document=document)


def matrix_sets_page(conn: Connection, catalogue: Catalogue, document: Mapping[str, Any], lang: Lang) -> str:
    """The list of tile matrix sets."""
    return _page(conn, catalogue, "tiles/matrix_sets.html", lang, document=document)


def matrix_set_page(conn: Connection, catalogue: Catalogue, document: Mapping[str, Any], lang: Lang) -> str:
    """The levels of a tile matrix set."""
    return _page(conn, catalogue, "tiles/matrix_set.html", lang, document=document)


def _page(conn: Connection, catalogue: Catalogue, template: str, lang: Lang, **values: Any) -> str:
    city = get_frame(conn, catalogue, lang).city
    return render(template, lang, city=city, style_of_tables=bundle("features.css").address, **values)
