"""HTTP of completeness and of the checks of areas."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from app.access.dependencies import CatalogueDep, LangDep, ReadConn
from app.access.taking import TakingDep
from app.reports import check_service as service
from app.reports.routes import (
    HTML,
    JSON_OR_PAGE,
    TEXT_RESPONSES,
    AreaQuery,
    LevelQuery,
    PageForm,
    TextForm,
    answer,
    download,
    json_answer,
)
from app.reports.service import told_without
from app.reports.summary_page import Asked

router = APIRouter(tags=["reports"])

CollectionId = Annotated[str, Path(description="Class id, for example `toilets`.", max_length=100)]
#: What the check of areas reads.
CHECKED = ("districts",)
Missing = Annotated[
    Literal["owner", "maintainer", "department"] | None,
    Query(description="Whom the features lack; default anybody."),
]
After = Annotated[int, Query(ge=0, lt=2**63, description="Id that the page before ended with.")]


@router.get(
    "/completeness",
    summary="Features and cells that nobody answers for",
    response_class=Response,
    responses=TEXT_RESPONSES,
)
def get_completeness(
    taking: TakingDep,
    lang: LangDep,
    form: TextForm,
    area: AreaQuery = None,
    level: LevelQuery = "district",
) -> Response:
    """Without owner, maintainer or department, by class and area; what the grid leaves out; the worst cells."""
    asked = Asked(area or None, level)
    with taking.reading("completeness", form, query=asked.query() or None) as seen:
        report = service.completeness_report(seen.conn, seen.catalogue, asked, lang)
        if form == "html":
            return answer(
                service.completeness_html(seen.conn, seen.catalogue, report, asked, lang), HTML, lang
            )
        if form == "json":
            return json_answer(report, lang)
        report = told_without(report, lang) if seen.headers else report
        content = service.completeness_csv(report, lang)
        return download(content, report, "completeness", form, lang, seen.headers)


@router.get(
    "/completeness/{collection}",
    summary="The features of a class that lack somebody",
    response_class=Response,
    responses=JSON_OR_PAGE,
)
def get_lacking(
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    form: PageForm,
    collection: CollectionId,
    area: AreaQuery = None,
    missing: Missing = None,
    after: After = 0,
) -> Response:
    """Page by page; `next_after` is the id to go on from."""
    asked = Asked(area or None)
    report = service.lacking_report(conn, catalogue, collection, asked, missing, after, lang)
    if form == "html":
        return answer(service.lacking_html(report, asked, missing, lang), HTML, lang)
    return json_answer(report, lang)


@router.get(
    "/areas/check",
    summary="Whether areas and grid hold together",
    response_class=Response,
    responses=TEXT_RESPONSES,
)
def get_areas_check(taking: TakingDep, lang: LangDep, form: TextForm) -> Response:
    """Codes, nesting, sums, overlaps: each finding with area, rule, figure and what to do."""
    with taking.reading("areas/check", form, CHECKED) as seen:
        report = service.check_report(seen.conn, seen.catalogue, lang)
        if form == "html":
            return answer(service.check_html(report, lang), HTML, lang)
        if form == "json":
            return json_answer(report, lang)
        content = service.check_csv(report.document, lang)
        return download(content, report, "areas-check", form, lang, seen.headers)
