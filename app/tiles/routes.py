"""HTTP of OGC API Tiles on tiles: of one collection, of several, of a run, of the ground (OGC 20-057)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from app.access.dependencies import ViewParameter, get_catalogue
from app.access.parameters import DECLARED, OWN_PARAMETERS
from app.access.time_parameters import AsOf, KnownAt
from app.database.transactions import Connection
from app.errors import BadInput
from app.inventory.asked_times import asked_times
from app.ogc.routes import CollectionId
from app.ogc.run_collections import RUN_COLLECTIONS
from app.tiles.asked import TilesAsked
from app.tiles.background import background_plan
from app.tiles.document_service import check_set
from app.tiles.front import FAILURE, PACK
from app.tiles.layers import Plan
from app.tiles.matrix import NAME, read_tile
from app.tiles.parameter_routes import DECLARATIONS, MANY_DECLARATIONS, Version, tiles_asked
from app.tiles.plan import plan_of
from app.tiles.reply import MVT, reply
from app.tiles.tile_service import MakePlan, Tiles, address_of, is_named

router = APIRouter(tags=["OGC API Tiles"])

MatrixSet = Annotated[
    str,
    Path(alias="tileMatrixSetId", description=f"Tile matrix set; `{NAME}` is the only one.", max_length=100),
]
Zoom = Annotated[str, Path(alias="tileMatrix", description="Zoom, 0 to 24 (`tileMatrix`).", max_length=100)]
Row = Annotated[str, Path(alias="tileRow", description="Row, from the north (`tileRow`).", max_length=100)]
Column = Annotated[
    str, Path(alias="tileCol", description="Column, from the west (`tileCol`).", max_length=100)
]
RunId = Annotated[str, Path(description="UUID of a run.", max_length=100)]
Form = Annotated[Literal["mvt"] | None, Query(description="Tiles are MVT 2.1 whatever `Accept` says.")]
Asked = Annotated[TilesAsked, Depends(tiles_asked)]

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The tile, MVT 2.1: a layer for each collection, named by its id. `Chengtu-Thinned` (a list by "
        "RFC 9651) says of thinned layers how many features of how many are drawn; so does the layer `thinned`.",
        "content": {MVT: {"schema": {"type": "string", "format": "binary"}}},
    },
    204: {"description": "Nothing lies in the tile."},
    304: {"description": "The client's copy (`If-None-Match`) is still right."},
    400: {"description": "A parameter that cannot be used, and why."},
    404: {"description": "No such collection, run or matrix set, or no such tile in it."},
}
#: The names of 20-057 §7.1, by which clients fill in addresses.
_SET = "/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"


@router.get(
    "/collections/{collection}" + _SET,
    operation_id="collection.vector.getTile",
    summary="A vector tile of a collection",
    response_class=Response,
    responses=ANSWERS,
    openapi_extra={OWN_PARAMETERS: True, DECLARED: DECLARATIONS},
)
async def get_collection_tile(
    request: Request,
    collection: CollectionId,
    matrix_set: MatrixSet,
    z: Zoom,
    row: Row,
    col: Column,
    asked: Asked,
    f: Form = None,  # noqa: ARG001 - declared, and so checked
) -> Response:
    """Features whose `min_zoom` the zoom has reached, clusters below; any other parameter is an equality filter."""
    return await _tile(request, matrix_set, (z, row, col), _plan(request, (collection,), asked))


@router.get(
    _SET,
    operation_id="dataset.vector.getTile",
    summary="A vector tile of several collections",
    response_class=Response,
    responses=ANSWERS,
    openapi_extra={OWN_PARAMETERS: True, DECLARED: MANY_DECLARATIONS},
)
async def get_tile(
    request: Request,
    matrix_set: MatrixSet,
    z: Zoom,
    row: Row,
    col: Column,
    asked: Asked,
    f: Form = None,  # noqa: ARG001 - declared, and so checked
) -> Response:
    """A layer for each collection; a filter chooses in all of them."""
    return await _tile(request, matrix_set, (z, row, col), _plan(request, asked.chosen, asked))


@router.get(
    "/coverage/{run}" + _SET,
    operation_id="run.vector.getTile",
    summary="A vector tile of a coverage run",
    response_class=Response,
    responses=ANSWERS,
    openapi_extra={OWN_PARAMETERS: True, DECLARED: DECLARATIONS},
)
async def get_run_tile(
    request: Request,
    run: RunId,
    matrix_set: MatrixSet,
    z: Zoom,
    row: Row,
    col: Column,
    asked: Asked,
    f: Form = None,  # noqa: ARG001 - declared, and so checked
) -> Response:
    """The run's areas, gaps, units and differences as layers, as far as the run has them."""
    if "run" in asked.names:
        raise BadInput("The query parameter 'run' is in the address already.", "Leave it out.")
    within = replace(asked, where=(*asked.where, ("run", (run,))))
    return await _tile(request, matrix_set, (z, row, col), _plan(request, tuple(RUN_COLLECTIONS), within))


@router.get(
    "/background" + _SET,
    operation_id="background.vector.getTile",
    summary="A vector tile of the ground: water, green, buildings, streets, borders, names",
    response_class=Response,
    responses=ANSWERS,
)
async def get_background_tile(
    request: Request,
    matrix_set: MatrixSet,
    z: Zoom,
    row: Row,
    col: Column,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    v: Version = None,  # noqa: ARG001 - read in the address
    view: ViewParameter = None,  # noqa: ARG001 - read by get_catalogue
    f: Form = None,  # noqa: ARG001 - declared, and so checked
) -> Response:
    """What maps draw beneath everything else, made of the city's own classes, as they are or were."""
    catalogue = get_catalogue(request)

    def make_plan(conn: Connection) -> Plan:
        return background_plan(catalogue, asked_times(conn, as_of, known_at))

    return await _tile(request, matrix_set, (z, row, col), make_plan)


def _plan(request: Request, collections: Sequence[str] | None, asked: TilesAsked) -> MakePlan:
    catalogue = get_catalogue(request)
    return lambda conn: plan_of(conn, catalogue, collections, asked)


async def _tile(
    request: Request, matrix_set: str, place: tuple[str, str, str], make_plan: MakePlan
) -> Response:
    """The tile; raises NotFound and BadInput for what no tile can be."""
    check_set(matrix_set)
    tile = read_tile(*place)
    tiles = cast("Tiles", request.app.state.tiles)
    scope = request.scope
    if scope[FAILURE] is not None:
        raise scope[FAILURE]
    address = address_of(scope["path"], scope["query_string"])
    question = await tiles.learn(address, make_plan)
    found = await tiles.get(question, tile, pack=scope[PACK])
    tag = request.headers.get("if-none-match")
    keep = is_named(question, address)
    status, said, body = reply(found, pack=scope[PACK], if_none_match=tag, keep=keep)
    response = Response(body, status_code=status)
    response.raw_headers = said
    return response
