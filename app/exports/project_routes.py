"""The download of a QGIS project: `GET /exports/city.qgz`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, NoReturn

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse

from app.access.dependencies import CatalogueDep, DatabaseDep, LangDep, SettingsDep
from app.access.heavy import HeavyTurn
from app.access.reasons import LONGEST, REASON_ABOUT, Leaving, note_export
from app.access.time_parameters import AsOf, KnownAt
from app.errors import NotFound
from app.exports.kept import KeptFiles
from app.exports.leaving_service import leaving_of
from app.exports.project_service import ENDING, ProjectWishes, identify_project, make_project
from app.exports.routes import NOT_MODIFIED, give_file
from app.exports.service import WHOLE_CITY, whole_file

router = APIRouter(tags=["exports"])

MEDIA_TYPE = "application/x-qgis-project"
CONNECT = Query(
    description="Where its layers read: `server`, this service at the address that was asked, or `files`, a "
    "`city.gpkg` beside the project (`/exports/city.gpkg`)."
)
REASON = Query(description=REASON_ABOUT, max_length=LONGEST)


@router.get(
    "/exports/city.qgz",
    summary="Download a QGIS project of the whole city",
    response_class=FileResponse,
    responses={200: {"description": "The file.", "content": {MEDIA_TYPE: {}}}},
)
def get_project(
    request: Request,
    _turn: HeavyTurn,
    db: DatabaseDep,
    catalogue: CatalogueDep,
    settings: SettingsDep,
    lang: LangDep,
    connect: Annotated[Literal["server", "files"], CONNECT] = "server",
    as_of: AsOf = None,
    known_at: KnownAt = None,
    reason: Annotated[str | None, REASON] = None,
) -> Response:
    """Download a QGIS project: groups by office, symbols, labels, forms, lists of values, relations, bookmarks.

    `as_of`, `known_at` and `reason` are those of the `city.gpkg` that is downloaded beside it.
    """
    address = str(request.base_url).rstrip("/") if connect == "server" else None
    wishes = ProjectWishes(connect, address, lang, as_of, known_at, runs=connect == "server")
    # It holds no feature, but what it reads in files has to be in these.
    whole = Leaving(catalogue, None, {}, {})
    leaving = leaving_of(db, catalogue, WHOLE_CITY, reason) if connect == "files" else whole

    def write(path: Path) -> None:
        with whole_file(path, ENDING) as beside:
            beside.write_bytes(make_project(db, leaving.catalogue, WHOLE_CITY, wishes))

    with leaving.reading():
        with db.read() as conn:
            key = identify_project(conn, leaving.catalogue, wishes)
        file = KeptFiles(settings.home_path / "exports").get(key, ENDING, write)
    reply = give_file(request, file, f"{WHOLE_CITY}.{ENDING}", MEDIA_TYPE)
    if reply.status_code != NOT_MODIFIED:
        # It holds no feature: names, styles, lists of values.
        note_export(db, WHOLE_CITY, ENDING, replace(whole, reason=leaving.reason), connect=connect)
    reply.headers["Vary"] = "Accept-Language"
    return reply


@router.get("/exports/{name}.qgz", include_in_schema=False, response_model=None)
def refuse_other_projects(name: str) -> NoReturn:
    """Say that a project is of the whole city; raises NotFound."""
    raise NotFound(
        f"There is no QGIS project of '{name}' alone.", "The one of the whole city: /exports/city.qgz"
    )


@router.get("/exports/{name}.pmtiles", include_in_schema=False, response_model=None)
def refuse_tiles(name: str) -> NoReturn:
    """Say how a file of tiles is written, which takes longer than a download may; raises NotFound."""
    raise NotFound(
        f"'{name}.pmtiles' is not made on request.",
        f"Have it written on the server: chengtu export {name} --tiles {name}.pmtiles",
    )
