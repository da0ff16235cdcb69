"""HTTP of imports on record: each file that was brought in, as a page, JSON or CSV, and its refused rows."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from app.access.dependencies import CatalogueDep, DatabaseDep, LangDep, ReadConn, SettingsDep
from app.access.negotiation import choose_of
from app.access.reasons import LONGEST, leave_whole, note_export
from app.catalogue.model import Catalogue, Lang
from app.database.transactions import Connection, Database
from app.errors import NotFound
from app.history import import_new_service
from app.history import import_service as service
from app.history.import_files import MEDIA_TYPES

router = APIRouter(tags=["imports"])

HTML = "text/html; charset=utf-8"
OFFERED = {
    "json": ("application/json",),
    "html": ("text/html", "application/xhtml+xml"),
    "csv": ("text/csv",),
}
#: What a route answers, for the API definition.
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {}, "text/html": {}, "text/csv": {}}}
}
ImportId = Annotated[
    str,
    Path(
        max_length=100,
        description="Id of the import, or the first 4 or more digits of it that tell it apart.",
    ),
]
LimitQuery = Annotated[int, Query(ge=1, le=1000, description="At most this many.")]
FormQuery = Annotated[
    Literal["json", "html", "csv"] | None,
    Query(alias="f", description="Form of the answer; else `Accept` decides."),
]
ReasonQuery = Annotated[
    str | None,
    Query(
        max_length=LONGEST,
        description="Why rows of a class with restricted data leave, 10 characters or more; the audit record keeps it.",
    ),
]


async def whole_catalogue(catalogue: CatalogueDep) -> Catalogue:
    """The catalogue of one who may see the record: files, people and rows in it are declared public by nobody.

    Raises:
        NotFound: It is a public view.
    """
    if catalogue.open_only:
        raise NotFound("A public view has no record of changes and imports.", "Leave out view=public.")
    return catalogue


WholeCatalogue = Annotated[Catalogue, Depends(whole_catalogue)]


@router.get(
    "/imports",
    summary="The files that were imported, or are being, newest first",
    response_class=Response,
    responses=RESPONSES,
)
def get_imports(
    request: Request,
    conn: ReadConn,
    catalogue: WholeCatalogue,
    lang: LangDep,
    form: FormQuery = None,
    limit: LimitQuery = 50,
) -> Response:
    """Each with its state, its report and the number of its change; CSV: one import a row, without the reports."""
    wanted = form or choose_of(request.headers.get("accept"), OFFERED)
    if wanted == "html":
        return page(service.list_html(conn, catalogue, limit, lang), lang)
    if wanted == "csv":
        return _download("imports.csv", service.list_csv(conn, limit).encode(), lang)
    return JSONResponse({"imports": service.list_plain(conn, limit)}, headers=_headers(lang))


@router.get(
    "/imports/new",
    summary="The page on which a file is brought in",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}},
)
def get_new_import(
    conn: ReadConn, catalogue: WholeCatalogue, settings: SettingsDep, lang: LangDep
) -> Response:
    """A page: look into a file, say what its columns mean, try, load."""
    return page(import_new_service.new_page(conn, catalogue, settings, lang), lang)


@router.get(
    "/imports/{import_id}",
    summary="One import with its report",
    response_class=Response,
    responses=RESPONSES,
)
def get_import(
    request: Request,
    conn: ReadConn,
    db: DatabaseDep,
    catalogue: WholeCatalogue,
    lang: LangDep,
    import_id: ImportId,
    form: FormQuery = None,
    reason: ReasonQuery = None,
) -> Response:
    """How the file was understood, what was read, loaded and rejected, and why; CSV: rejected rows and warnings."""
    wanted = form or choose_of(request.headers.get("accept"), OFFERED)
    if wanted == "html":
        return page(service.one_html(conn, catalogue, import_id, lang), lang)
    if wanted == "csv":
        name, text = service.reasons(conn, import_id)
        _leave(conn, db, catalogue, import_id, reason, name)
        return _download(name, text.encode(), lang)
    return JSONResponse(service.one_plain(conn, import_id), headers=_headers(lang))


@router.get(
    "/imports/{import_id}/rejected",
    summary="The refused rows of an import as a file, to be mended and imported again",
    response_class=Response,
    responses={
        200: {
            "content": {
                MEDIA_TYPES["csv"].partition(";")[0]: {},
                MEDIA_TYPES["xlsx"]: {},
                MEDIA_TYPES["zip"]: {},
            }
        }
    },
)
def get_rejected(
    conn: ReadConn,
    db: DatabaseDep,
    catalogue: WholeCatalogue,
    lang: LangDep,
    import_id: ImportId,
    form: Annotated[
        Literal["xlsx"] | None,
        Query(alias="f", description="`xlsx`: a workbook in one language, whatever the file was."),
    ] = None,
    reason: ReasonQuery = None,
) -> Response:
    """As they stood, XLSX of a workbook and CSV of all else, with the reason beside each.

    Rows of a class with restricted rows or fields leave with a `reason` alone.
    """
    name, content = service.rejected(conn, import_id, workbook=form == "xlsx", lang=lang)
    _leave(conn, db, catalogue, import_id, reason, name)
    return _download(name, content, lang)


def _leave(
    conn: Connection, db: Database, catalogue: Catalogue, import_id: str, reason: str | None, name: str
) -> None:
    """Note that rows of an import leave as a file; raises Forbidden where they may be restricted without a reason."""
    found, classes = service.classes_of(conn, import_id)
    leaving = leave_whole(catalogue, classes, reason)
    note_export(db, f"imports/{found}", name.rpartition(".")[2], leaving)


def page(text: str, lang: Lang) -> Response:
    """A page in a language."""
    return Response(text, media_type=HTML, headers=_headers(lang))


def _download(name: str, content: bytes, lang: Lang) -> Response:
    headers = {**_headers(lang), "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(content, media_type=MEDIA_TYPES[name.rpartition(".")[2]], headers=headers)


def _headers(lang: Lang) -> dict[str, str]:
    return {
        "Cache-Control": "private, no-cache",
        "Content-Language": "zh-CN" if lang == "zh" else "en",
        "Vary": "Accept, Accept-Language",
    }
