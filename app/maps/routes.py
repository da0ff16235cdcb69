"""HTTP of the maps: pages, their scripts, the squares and features they ask for."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from app.access.dependencies import CatalogueDep, LangDep, ReadConn
from app.access.time_parameters import AsOf, KnownAt
from app.inventory.asked_times import asked_times
from app.inventory.store import data_version
from app.maps import page_service, run_service, service
from app.maps.page_service import Page
from app.web.bundle import bundle

router = APIRouter(tags=["maps"])

CollectionId = Annotated[str, Path(description="Collection id, for example `toilets`.", max_length=100)]
RunId = Annotated[str, Path(description="UUID of a run.", max_length=100)]
Zoom = Annotated[int, Path(description="Zoom of the square (512 px squares: map zoom - 1).", ge=0, le=20)]
Column = Annotated[int, Path(description="Column of the square from the west.", ge=0, lt=2**20)]
Row = Annotated[int, Path(description="Row of the square from the north.", ge=0, lt=2**20)]
Version = Annotated[
    str | None,
    Query(alias="v", description="Version that the page names; makes the answer keepable.", max_length=40),
]

#: The same for every page: no inline script or style, nothing from another server, in no other page's frame.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
KEEP = "private, max-age=31536000, immutable"
ASK = "private, no-cache"
JSON = "application/json"


def etag(*parts: object) -> str:
    """A strong ETag of whatever decides the bytes of an answer."""
    return f'"{sha256(repr(parts).encode()).hexdigest()[:24]}"'


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


def html_page(page: Page) -> Response:
    """A page, asked for anew each time: its scripts and data are what is kept."""
    headers = {
        "Cache-Control": ASK,
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
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
    catalogue: CatalogueDep,
    lang: LangDep,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """All layers, as they are or as they were at another time."""
    times = asked_times(conn, as_of, known_at)
    return html_page(page_service.map_page(conn, catalogue, lang, times=times))


@router.get("/map/map.js", include_in_schema=False)
def get_script(request: Request, v: Version = None) -> Response:
    """Leaflet and our own scripts."""
    return _bundle(request, "map.js", v)


@router.get("/map/features.js", include_in_schema=False)
def get_features_script(request: Request, v: Version = None) -> Response:
    """The script of the small maps on pages of features."""
    return _bundle(request, "features.js", v)


@router.get("/map/tiles.js", include_in_schema=False)
def get_tiles_script(request: Request, v: Version = None) -> Response:
    """The script of the map of vector tiles."""
    return _bundle(request, "tiles.js", v)


@router.get("/map/{name}.css", include_in_schema=False)
def get_style(
    request: Request, name: Annotated[str, Path(pattern="^(map|page|features|tiles)$")], v: Version = None
) -> Response:
    """The styles of maps and pages."""
    return _bundle(request, f"{name}.css", v)


@router.get("/map/page.js", include_in_schema=False)
def get_map_script(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    v: Version = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """The script of `/map`."""
    times = asked_times(conn, as_of, known_at)
    return page_script(request, page_service.map_page(conn, catalogue, lang, times=times), v)


@router.get("/map/{collection}", summary="The map of one class (HTML)", response_class=Response)
def get_class_map(
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    collection: CollectionId,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """The class is on, all others can be switched on."""
    times = asked_times(conn, as_of, known_at)
    return html_page(page_service.map_page(conn, catalogue, lang, collection, times))


@router.get("/map/{collection}/page.js", include_in_schema=False)
def get_class_script(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    collection: CollectionId,
    v: Version = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """The script of `/map/{collection}`."""
    times = asked_times(conn, as_of, known_at)
    return page_script(request, page_service.map_page(conn, catalogue, lang, collection, times), v)


@router.get("/map/background/{z}/{x}/{y}.json", summary="Streets, water, green, buildings of one square")
def get_ground_square(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    z: Zoom,
    x: Column,
    y: Row,
    v: Version = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """Shapes in units of the square, names, and where the square lies."""
    times = asked_times(conn, as_of, known_at)
    now = str(service.read_ground_version(conn))

    def make() -> str:
        return service.ground_square(conn, catalogue, (z, x, y), lang, times)

    return answer(request, etag("ground", z, x, y, lang, now, times), v, now, make, JSON)


@router.get("/map/{collection}/{z}/{x}/{y}.json", summary="One class in one square")
def get_class_square(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    collection: CollectionId,
    z: Zoom,
    x: Column,
    y: Row,
    v: Version = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """Points (n of them together where they are near), shapes and names, in units of the square."""
    cls = service.get_class(catalogue, collection)
    times = asked_times(conn, as_of, known_at)
    now = str(data_version(conn, cls))

    def make() -> str:
        return service.class_square(conn, catalogue, cls, (z, x, y), lang, times)

    return answer(request, etag(cls.id, z, x, y, lang, now, times), v, now, make, JSON)


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


@router.get("/coverage/{run}/map", summary="The map of one coverage run (HTML)", response_class=Response)
def get_run_map(conn: ReadConn, catalogue: CatalogueDep, lang: LangDep, run: RunId) -> Response:
    """Districts by share, gaps by people, facilities, figures."""
    return html_page(run_service.run_page(conn, catalogue, lang, run))


@router.get("/coverage/{run}/map/page.js", include_in_schema=False)
def get_run_script(
    request: Request, conn: ReadConn, catalogue: CatalogueDep, lang: LangDep, run: RunId, v: Version = None
) -> Response:
    """The script of `/coverage/{run}/map`."""
    return page_script(request, run_service.run_page(conn, catalogue, lang, run), v)


@router.get("/coverage/{run}/map/areas.json", include_in_schema=False)
def get_run_areas(
    request: Request, conn: ReadConn, catalogue: CatalogueDep, lang: LangDep, run: RunId, v: Version = None
) -> Response:
    """Borders of a run's areas and their figures, in units of one square around them."""

    def make() -> str:
        return service.json_text(run_service.areas_data(conn, catalogue, run, lang))

    now = run_service.DATA_VERSION
    return answer(request, etag("areas", run, lang, now), v, now, make, JSON)


@router.get("/coverage/{run}/map/gaps/{mode}/{tier}.json", include_in_schema=False)
def get_run_gaps(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    run: RunId,
    mode: Annotated[Literal["straight", "walk", "count"], Path(description="How it was measured.")],
    tier: Annotated[str, Path(description="Tier of the policy.", max_length=100)],
    v: Version = None,
) -> Response:
    """Gaps of one mode and tier, in units of one square."""

    def make() -> str:
        return service.json_text(run_service.gaps_data(conn, catalogue, run, mode, tier, lang))

    now = run_service.DATA_VERSION
    return answer(request, etag("gaps", run, mode, tier, lang, now), v, now, make, JSON)
