"""HTTP of the reports: each as a page, JSON, CSV or XLSX, whichever the client asks for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator, StringConstraints

from app.access.dependencies import LangDep
from app.access.negotiation import choose_of
from app.access.taking import TakingDep
from app.access.time_parameters import AsOf
from app.catalogue.model import Lang
from app.reports import service
from app.reports.files import MEDIA_TYPES
from app.reports.summary_page import Asked

router = APIRouter(tags=["reports"])

HTML = "text/html; charset=utf-8"
OFFERED = {
    "json": ("application/json",),
    "html": ("text/html", "application/xhtml+xml"),
    "csv": ("text/csv",),
    "xlsx": (MEDIA_TYPES["xlsx"],),
}


def _given(values: Any) -> Any:
    """A form sends every field, empty where nothing was chosen."""
    return [value for value in values if value] if isinstance(values, list) else values


AreaQuery = Annotated[
    # Bounded by itself: pydantic cannot measure the nothing that an empty text becomes.
    Annotated[str, StringConstraints(max_length=200)] | None,
    Query(description="Code or name of an area (`990101`); default the whole city."),
]
LevelQuery = Annotated[
    Literal["district", "subdistrict", "community"],
    Query(alias="area_level", description="Level of the areas that figures are broken down by."),
]
ClassQuery = Annotated[
    list[str],
    BeforeValidator(_given),
    Query(alias="class", description="Class id; may be given several times, default all.", max_length=100),
]
FormQuery = Annotated[
    Literal["json", "html", "csv", "xlsx"] | None,
    Query(alias="f", description="Form of the answer; else `Accept` decides."),
]

TextFormQuery = Annotated[
    Literal["json", "html", "csv"] | None,
    Query(alias="f", description="Form of the answer; else `Accept` decides."),
]


PageFormQuery = Annotated[
    Literal["json", "html"] | None,
    Query(alias="f", description="Form of the answer; else `Accept` decides."),
]


def get_form(request: Request, form: FormQuery = None) -> str:
    """The form of the answer: `?f=`, else what `Accept` likes best, else JSON."""
    return form or choose_of(request.headers.get("accept"), OFFERED)


def get_text_form(request: Request, form: TextFormQuery = None) -> str:
    """The same where there is no workbook."""
    offered = {name: media for name, media in OFFERED.items() if name != "xlsx"}
    return form or choose_of(request.headers.get("accept"), offered)


def get_page_form(request: Request, form: PageFormQuery = None) -> str:
    """The same where there is no file."""
    offered = {name: OFFERED[name] for name in ("json", "html")}
    return form or choose_of(request.headers.get("accept"), offered)


Form = Annotated[str, Depends(get_form)]
PageForm = Annotated[str, Depends(get_page_form)]
TextForm = Annotated[str, Depends(get_text_form)]
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {}, "text/html": {}, "text/csv": {}, MEDIA_TYPES["xlsx"]: {}}}
}
TEXT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {}, "text/html": {}, "text/csv": {}}}
}
JSON_OR_PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}, "text/html": {}}}}


@router.get(
    "/summary",
    summary="Counts, km and m² by class, kind, state, year and area, of any day",
    response_class=Response,
    responses=RESPONSES,
)
def get_summary(
    taking: TakingDep,
    lang: LangDep,
    form: Form,
    area: AreaQuery = None,
    level: LevelQuery = "district",
    classes: ClassQuery = [],  # noqa: B006 - FastAPI copies it
    as_of: AsOf = None,
) -> Response:
    """Figures of every class; numbers go by home, lengths and areas are cut at borders."""
    asked = Asked(area or None, level, tuple(classes), as_of or None)
    with taking.reading("summary", form, asked.classes or None, query=asked.query() or None) as seen:
        report = service.summary_report(seen.conn, seen.catalogue, asked, lang)
        if form == "html":
            page = service.summary_html(seen.conn, seen.catalogue, report, asked, lang)
            return answer(page, HTML, lang)
        if form == "json":
            return json_answer(report, lang)
        report = service.told_without(report, lang) if seen.headers else report
        content = service.summary_file(report, form, lang)
        return download(content, report, "summary", form, lang, seen.headers)


def json_answer(report: service.Report, lang: Lang) -> Response:
    """A report as JSON."""
    return JSONResponse(report.with_about(), headers=_headers(lang))


def download(
    content: bytes,
    report: service.Report,
    kind: str,
    form: str,
    lang: Lang,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """A file that a browser saves."""
    file = answer(content, MEDIA_TYPES[form], lang)
    file.headers.update(headers)
    name = service.file_name(report.document, kind, form)
    file.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return file


def answer(content: str | bytes, media_type: str, lang: Lang) -> Response:
    """An answer in one of several forms and languages."""
    return Response(content, media_type=media_type, headers=_headers(lang))


def _headers(lang: Lang) -> dict[str, str]:
    return {
        "Cache-Control": "private, no-cache",
        "Content-Language": "zh-CN" if lang == "zh" else "en",
        "Vary": "Accept, Accept-Language",
    }
