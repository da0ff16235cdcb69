"""HTTP of the maps: pages, their scripts, the squares and features they ask for."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.access.dependencies import CatalogueDep, LangDep, ReadConn, SettingsDep
from app.access.time_parameters import AsOf, KnownAt
from app.catalogue.model import Catalogue, Lang
from app.database.scope import scope_key
from app.database.transactions import Connection
from app.inventory.asked_times import asked_times
from app.maps import landing_service, page_service, service
from app.maps.marks import CONTENT_SECURITY_POLICY, content_security_policy, marks_view
from app.maps.page_service import Page
from app.settings import Settings
from app.web.bundle import bundle, names_of

router = APIRouter(tags=["maps"])

CollectionId = Annotated[str, Path(description="Collection id, for example `toilets`.", max_length=100)]
Version = Annotated[
    str | None,
    Query(alias="v", description="Version that the page names; makes the answer keepable.", max_length=40),
]

KEEP = "private, max-age=31536000, immutable"
ASK = "private, no-cache"
JSON = "application/json"


def etag(*parts: object) -> str:
    """A strong ETag of whatever decides the bytes of an answer in the scope that holds."""
    return f'"{sha256(repr((scope_key(), *parts)).encode()).hexdigest()[:24]}"'


def answer(
    request: Request, tag: str, version: str | None, now: str, make: Callable[[], str], media: str
) -> Response:
    """304 where the client has `tag`, else `make()`; kept for good where the client asked for version `now` by name."""
    headers = {
        "ETag": tag,
        "Cache-Control": KEEP if version == now else ASK,
        "Vary": "Accept-Language, Accept-Encoding",
    }
    given = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if tag in given:
        return Response(status_code=304, headers=headers)
    return Response(make(), media_type=media, headers=headers)


def html_page(page: Page, policy: str = CONTENT_SECURITY_POLICY) -> Response:
    """A page under a content security policy, asked for anew each time: its scripts and data are what is kept."""
    headers = {
        "Cache-Control": ASK,
        "Content-Security-Policy": policy,
        "Vary": "Accept-Language",
    }
    return Response(page.html, media_type="text/html", headers=headers)


def page_script(request: Request, page: Page, version: str | None) -> Response:
    """The script of a page."""
    digest = page.script_digest
    return answer(request, etag(digest), version, digest, lambda: page.script, "text/javascript")


def _bundle(request: Request, name: str, version: str | None) -> Response:
    found = bundle(name)
    return answer(request, etag(found.digest), version, found.digest, lambda: found.text, found.media_type)


@router.get("/map", summary="The map of the whole city (HTML)", response_class=Response)
def get_map(
    conn: ReadConn,
    settings: SettingsDep,
    catalogue: CatalogueDep,
    lang: LangDep,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """The portal: all layers, as they are or as they were at another time; the same as `/` for a browser."""
    return portal(conn, settings, catalogue, lang, as_of, known_at)


def portal(
    conn: Connection,
    settings: Settings,
    catalogue: Catalogue,
    lang: Lang,
    as_of: str | None,
    known_at: str | None,
) -> Response:
    """The portal's HTML at a time, as both `/` and `/map` answer it."""
    times = asked_times(conn, as_of, known_at)
    page = page_service.map_page(conn, catalogue, lang, marks_view(settings, lang), times=times)
    return html_page(page, content_security_policy(settings))


@router.get("/overview", summary="What the city holds and who is reached (HTML)", response_class=Response)
def get_overview(
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """Coverage by policy, counts and measures by class, links for programs."""
    times = asked_times(conn, as_of, known_at)
    headers = {"Cache-Control": ASK, "Vary": "Accept-Language", "Content-Language": lang}
    page = landing_service.landing_page(conn, catalogue, lang, times)
    return Response(page, media_type="text/html", headers=headers)


@router.get("/map/page.js", include_in_schema=False)
def get_map_script(
    request: Request,
    conn: ReadConn,
    settings: SettingsDep,
    catalogue: CatalogueDep,
    lang: LangDep,
    v: Version = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """The script of `/map`."""
    times = asked_times(conn, as_of, known_at)
    page = page_service.map_page(conn, catalogue, lang, marks_view(settings, lang), times=times)
    return page_script(request, page, v)


@router.get("/map/{name}.js", include_in_schema=False)
def get_script(
    request: Request, name: Annotated[str, Path(pattern=names_of("js"))], v: Version = None
) -> Response:
    """The scripts of maps and pages, Leaflet's before our own."""
    return _bundle(request, f"{name}.js", v)


@router.get("/map/{name}.css", include_in_schema=False)
def get_style(
    request: Request, name: Annotated[str, Path(pattern=names_of("css"))], v: Version = None
) -> Response:
    """The styles of maps and pages."""
    return _bundle(request, f"{name}.css", v)


@router.get("/map/{collection}", summary="The map of one class (HTML)", response_class=Response)
def get_class_map(
    conn: ReadConn,
    settings: SettingsDep,
    catalogue: CatalogueDep,
    lang: LangDep,
    collection: CollectionId,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """The class alone, over the ground."""
    times = asked_times(conn, as_of, known_at)
    marks = marks_view(settings, lang)
    page = page_service.map_page(conn, catalogue, lang, marks, collection, times)
    return html_page(page, content_security_policy(settings))


@router.get("/map/{collection}/page.js", include_in_schema=False)
def get_class_script(
    request: Request,
    conn: ReadConn,
    settings: SettingsDep,
    catalogue: CatalogueDep,
    lang: LangDep,
    collection: CollectionId,
    v: Version = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """The script of `/map/{collection}`."""
    times = asked_times(conn, as_of, known_at)
    marks = marks_view(settings, lang)
    return page_script(request, page_service.map_page(conn, catalogue, lang, marks, collection, times), v)


@router.get("/map/{collection}/features/{feature}.json", summary="What a feature card shows")
def get_feature(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    collection: CollectionId,
    feature: Annotated[int, Path(ge=0, lt=2**63, description="Item id.")],
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """All known fields of one feature, with titles and units."""
    cls = service.get_class(catalogue, collection)
    times = asked_times(conn, as_of, known_at)
    text = service.json_text(service.feature_view(conn, catalogue, cls, feature, lang, times))
    return answer(request, etag(text), None, "", lambda: text, JSON)
