"""HTTP of the documents on tiles: lists of tilesets, tilesets, TileJSON, styles, the viewer, the tile matrix set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from app.access.dependencies import CatalogueDep, DatabaseDep, HtmlWanted, LangDep, get_settings
from app.access.negotiation import choose_of
from app.access.parameters import DECLARED, OWN_PARAMETERS
from app.catalogue.model import Catalogue, Lang
from app.database.transactions import Connection, Database
from app.maps.marks import file_marks
from app.ogc import answers
from app.ogc.links import HTML, JSON
from app.ogc.routes import CollectionId, as_json, links_of, vary, with_alternate, with_etag
from app.tiles import document_service, pages, tilesets, viewer_service
from app.tiles.asked import TilesAsked
from app.tiles.parameter_routes import DECLARATIONS, MANY_DECLARATIONS, tiles_asked
from app.tiles.routes import MatrixSet, RunId
from app.tiles.style_service import style_of
from app.tiles.tilejson import tilejson
from app.tiles.tilesets import STYLE, Tileset, matrix_sets, tileset_document, tileset_list

router = APIRouter(tags=["OGC API Tiles"])

#: The name of 20-057 §8, by which clients fill in addresses.
_SET = "/{tileMatrixSetId}"
Form = Literal["json", "html", "tilejson", "style"]
FormParameter = Annotated[
    Form | None,
    Query(
        description="`json`: the tileset's metadata, `tilejson`: TileJSON 3.0, `style`: a MapLibre style, `html`: a "
        "map of the tiles; else `Accept` decides."
    ),
]
Background = Annotated[
    Literal["true", "false"] | None,
    Query(description="`false` leaves the city's background out of a style and of the map."),
]
_OFFERED = {
    "json": (JSON,),
    "html": (HTML, "application/xhtml+xml"),
    "tilejson": ("application/vnd.mapbox.tile+json", "application/vnd.mapbox.tilejson+json"),
    "style": (STYLE,),
}
#: What the parameters of a route are where it reads those of tiles itself.
#: `view` is declared by what gives the catalogue.
ONE: dict[str, Any] = {
    OWN_PARAMETERS: True,
    DECLARED: [item for item in DECLARATIONS if item["name"] != "view"],
}
MANY: dict[str, Any] = {
    OWN_PARAMETERS: True,
    DECLARED: [item for item in MANY_DECLARATIONS if item["name"] != "view"],
}
AskedDep = Annotated[TilesAsked, Depends(tiles_asked)]


async def get_form(request: Request, f: FormParameter = None) -> str:
    """The form of a tileset's document: `?f=`, else `Accept`."""
    return f or choose_of(request.headers.get("accept"), _OFFERED)


async def get_ground(background: Background = None) -> bool:
    """Whether the city's background belongs to a style."""
    return background != "false"


@dataclass(frozen=True, slots=True)
class _Said:
    """What every document on tiles is made for."""

    request: Request
    db: Database
    catalogue: Catalogue
    lang: Lang

    @property
    def program(self) -> str:
        """Tells apart what would be said of the same data by another catalogue or program."""
        return str(self.request.app.state.tiles.program)


def get_said(request: Request, db: DatabaseDep, catalogue: CatalogueDep, lang: LangDep) -> _Said:
    """What a request for a document says."""
    return _Said(request, db, catalogue, lang)


SaidDep = Annotated[_Said, Depends(get_said)]
FormDep = Annotated[str, Depends(get_form)]
GroundDep = Annotated[bool, Depends(get_ground)]
#: Makes the tileset that an address means.
Find = Callable[[Connection], Tileset]

LIST_ANSWERS = answers.document(answers.TILESETS, "The tilesets.")
TILESET_ANSWERS = answers.tileset("The tileset, its TileJSON, its style, or the map of it.", STYLE)


@router.get(
    "/tileMatrixSets",
    operation_id="getTileMatrixSetsList",
    summary="The tile matrix sets",
    response_class=Response,
    responses=answers.document(answers.MATRIX_SETS, "The tile matrix sets."),
)
def get_matrix_sets(said: SaidDep, html: HtmlWanted) -> Response:
    """The list of tile matrix sets (OGC 20-057 Annex, 17-083r4): one."""
    document = matrix_sets(links_of(said.request), said.lang)
    return _fixed(said, document, html=html, make=pages.matrix_sets_page)


@router.get(
    "/tileMatrixSets" + _SET,
    operation_id="getTileMatrixSet",
    summary="One tile matrix set",
    response_class=Response,
    responses=answers.document(answers.MATRIX_SET, "The tile matrix set."),
)
def get_matrix_set(said: SaidDep, html: HtmlWanted, matrix_set: MatrixSet) -> Response:
    """Its coordinate reference system and its levels (OGC 17-083r4)."""
    document_service.check_set(matrix_set)
    document = tilesets.matrix_set(links_of(said.request), said.lang)
    return _fixed(said, document, html=html, make=pages.matrix_set_page)


@router.get(
    "/tiles",
    operation_id="dataset.vector.getTileSetsList",
    summary="Tilesets of the city",
    response_class=Response,
    responses=LIST_ANSWERS,
    openapi_extra=MANY,
)
def get_city_tilesets(said: SaidDep, html: HtmlWanted, asked: AskedDep) -> Response:
    """The tilesets of several collections (OGC 20-057, dataset tilesets)."""
    return _list(said, lambda conn: _city(said, conn, asked), html=html)


@router.get(
    "/tiles" + _SET,
    operation_id="dataset.vector.getTileSet",
    summary="Vector tiles of the city: metadata, TileJSON, style, map",
    response_class=Response,
    responses=TILESET_ANSWERS,
    openapi_extra=MANY,
)
def get_city_tileset(
    said: SaidDep, form: FormDep, ground: GroundDep, asked: AskedDep, matrix_set: MatrixSet
) -> Response:
    """The tileset of several collections, chosen by `collections`."""
    document_service.check_set(matrix_set)
    return _tileset(said, form, lambda conn: _city(said, conn, asked), ground=ground)


@router.get(
    "/collections/{collection}/tiles",
    operation_id="collection.vector.getTileSetsList",
    summary="Tilesets of a collection",
    response_class=Response,
    responses=LIST_ANSWERS,
    openapi_extra=ONE,
)
def get_collection_tilesets(
    said: SaidDep, html: HtmlWanted, asked: AskedDep, collection: CollectionId
) -> Response:
    """The tilesets of one collection (OGC 20-057, geospatial data tilesets)."""
    return _list(said, lambda conn: _collection(said, conn, collection, asked), html=html)


@router.get(
    "/collections/{collection}/tiles" + _SET,
    operation_id="collection.vector.getTileSet",
    summary="Vector tiles of a collection: metadata, TileJSON, style, map",
    response_class=Response,
    responses=TILESET_ANSWERS,
    openapi_extra=ONE,
)
def get_collection_tileset(
    said: SaidDep,
    form: FormDep,
    ground: GroundDep,
    asked: AskedDep,
    collection: CollectionId,
    matrix_set: MatrixSet,
) -> Response:
    """The tileset of one collection."""
    document_service.check_set(matrix_set)
    return _tileset(said, form, lambda conn: _collection(said, conn, collection, asked), ground=ground)


@router.get(
    "/coverage/{run}/tiles",
    operation_id="run.vector.getTileSetsList",
    summary="Tilesets of a run",
    response_class=Response,
    responses=LIST_ANSWERS,
    openapi_extra=ONE,
)
def get_run_tilesets(said: SaidDep, html: HtmlWanted, asked: AskedDep, run: RunId) -> Response:
    """The tilesets of one saved coverage run."""
    return _list(said, lambda conn: _run(said, conn, run, asked), html=html)


@router.get(
    "/coverage/{run}/tiles" + _SET,
    operation_id="run.vector.getTileSet",
    summary="Vector tiles of a run: metadata, TileJSON, style, map",
    response_class=Response,
    responses=TILESET_ANSWERS,
    openapi_extra=ONE,
)
def get_run_tileset(
    said: SaidDep, form: FormDep, ground: GroundDep, asked: AskedDep, run: RunId, matrix_set: MatrixSet
) -> Response:
    """The tileset of one saved coverage run: its areas, gaps, units and differences."""
    document_service.check_set(matrix_set)
    return _tileset(said, form, lambda conn: _run(said, conn, run, asked), ground=ground)


@router.get(
    "/background/tiles",
    operation_id="background.vector.getTileSetsList",
    summary="Tilesets of the background",
    response_class=Response,
    responses=LIST_ANSWERS,
)
def get_background_tilesets(said: SaidDep, html: HtmlWanted) -> Response:
    """The tilesets of the ground under every map."""
    return _list(said, lambda conn: _ground(said, conn), html=html)


@router.get(
    "/background/tiles" + _SET,
    operation_id="background.vector.getTileSet",
    summary="Vector tiles of the background: metadata, TileJSON, style, map",
    response_class=Response,
    responses=TILESET_ANSWERS,
)
def get_background_tileset(said: SaidDep, form: FormDep, matrix_set: MatrixSet) -> Response:
    """The tileset of the ground under every map."""
    document_service.check_set(matrix_set)
    return _tileset(said, form, lambda conn: _ground(said, conn), ground=True)


def _city(said: _Said, conn: Connection, asked: TilesAsked) -> Tileset:
    return document_service.city_tileset(conn, said.catalogue, asked, said.lang)


def _collection(said: _Said, conn: Connection, collection: str, asked: TilesAsked) -> Tileset:
    return document_service.collection_tileset(conn, said.catalogue, collection, asked, said.lang)


def _run(said: _Said, conn: Connection, run: str, asked: TilesAsked) -> Tileset:
    return document_service.run_tileset(conn, said.catalogue, run, asked, said.lang)


def _ground(said: _Said, conn: Connection) -> Tileset:
    return document_service.background_tileset(conn, said.catalogue, said.lang)


def _fixed(said: _Said, document: dict[str, Any], *, html: bool, make: Callable[..., str]) -> Response:
    """A document that no data decides, as JSON or as a page."""
    if not html:
        return with_alternate(said.request, vary(as_json(document), said.lang), HTML)
    with said.db.read() as conn:
        page = Response(make(conn, said.catalogue, document, said.lang), media_type=HTML)
    return with_alternate(said.request, vary(page, said.lang), JSON)


def _version(said: _Said, conn: Connection, find: Find) -> str:
    """The version of documents; where the client has any copy (`*`), raises what `find` does of what is not there."""
    if "*" in said.request.headers.get("if-none-match", ""):
        find(conn)
    return document_service.version(conn, said.catalogue)


def _list(said: _Said, find: Find, *, html: bool) -> Response:
    """A list of tilesets."""
    with said.db.read() as conn:
        version = _version(said, conn, find)

        def make() -> Response:
            tileset = find(conn)
            document = tileset_list(tileset, links_of(said.request), said.lang)
            if not html:
                return as_json(document)
            page = pages.list_page(conn, said.catalogue, tileset, document, said.lang)
            return Response(page, media_type=HTML)

        return with_etag(said.request, version, said.lang, make, html=html, also=said.program)


def _tileset(said: _Said, form: str, find: Find, *, ground: bool) -> Response:
    """A tileset in one of its forms."""
    marks = file_marks(get_settings(said.request), said.lang)
    with said.db.read() as conn:
        version = _version(said, conn, find)
        links = links_of(said.request)

        def make() -> Response:
            tileset = find(conn)
            if form == "tilejson":
                return as_json(tilejson(tileset, links.base))
            if form == "style":
                made = style_of(conn, said.catalogue, tileset, links.base, said.lang, ground=ground)
                return Response(orjson.dumps(made), media_type=STYLE)
            if form == "html":
                page = viewer_service.viewer_page(
                    conn, said.catalogue, tileset, said.lang, marks, ground=ground
                )
                return Response(
                    page, media_type=HTML, headers={"Content-Security-Policy": viewer_service.POLICY}
                )
            return as_json(tileset_document(tileset, links, said.lang))

        also = f"{form} {said.program} {marks['line']}"
        return with_etag(said.request, version, said.lang, make, html=form == "html", also=also)
