"""HTTP of the phone page: the page and its parts, what is near, what an area holds, photos, how to trust the server."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.access.dependencies import CatalogueDep, LangDep, ReadConn, SettingsDep
from app.access.principal import principal_of
from app.errors import NotFound
from app.field import service
from app.field.certificates import as_der, fingerprint
from app.maps.figure import script_json
from app.maps.service import json_text
from app.settings import Settings
from app.web.bundle import bundle
from app.web.templates import render

router = APIRouter(tags=["the phone page"])

JSON = "application/json"
POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
KEEP = "private, max-age=31536000, immutable"
STATIC = FilePath(__file__).resolve().parents[1] / "web" / "static" / "field"

AreaCode = Annotated[
    str | None, Query(description="Code of a district: only what touches it.", max_length=100)
]
Classes = Annotated[str | None, Query(description="Class ids by comma; else all.", max_length=2000)]
Lon = Annotated[float, Query(description="Longitude, degrees (WGS84 or CGCS2000).", examples=[115.86])]
Lat = Annotated[float, Query(description="Latitude, degrees.", examples=[28.68])]
Limit = Annotated[int, Query(ge=1, le=service.NEAR, description="At most this many.")]
After = Annotated[int, Query(ge=0, lt=2**63, description="Go on behind this id.")]
CollectionId = Annotated[str, Path(description="Collection id, for example `toilets`.", max_length=100)]
Item = Annotated[int, Path(ge=0, lt=2**63, description="Item id.")]
Version = Annotated[str | None, Query(alias="v", description="Version that the page names.", max_length=40)]


def _page(html: str) -> Response:
    headers = {
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": POLICY,
        "Vary": "Accept-Language",
    }
    return Response(html, media_type="text/html", headers=headers)


def _json(value: object) -> Response:
    headers = {"Cache-Control": "private, no-store", "Vary": "Accept-Language"}
    return Response(json_text(value), media_type=JSON, headers=headers)


@router.get("/field", summary="The phone page: what is near, and its state (HTML)", response_class=Response)
def get_field(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    settings: SettingsDep,
    lang: LangDep,
    area: AreaCode = None,
) -> Response:
    """Opens on the area of the key, else around the position; works without signal where it was kept."""
    caller = principal_of(request)
    code = service.area_code(caller, area)
    view = service.page_view(conn, catalogue, settings, lang, caller, code)
    script, style = bundle("field.js"), bundle("field.css")
    addresses = {
        "script": f"/field/app.js?v={script.digest}",
        "field_style": f"/field/app.css?v={style.digest}",
    }
    return _page(render("field/field.html", lang, view=view, options=script_json(view), **addresses))


@router.get("/field/app.js", include_in_schema=False)
def get_script(v: Version = None) -> Response:
    """Leaflet and the page's own scripts."""
    return _part("field.js", v)


@router.get("/field/app.css", include_in_schema=False)
def get_style(v: Version = None) -> Response:
    """The page's styles."""
    return _part("field.css", v)


def _part(name: str, version: str | None) -> Response:
    found = bundle(name)
    keep = KEEP if version == found.digest else "private, no-cache"
    return Response(found.text, media_type=found.media_type, headers={"Cache-Control": keep})


@router.get("/field/worker.js", include_in_schema=False)
def get_worker() -> Response:
    """The service worker: it answers where there is no signal, from what was kept."""
    headers = {
        "Cache-Control": "no-cache",
        "Service-Worker-Allowed": "/field",
        "Content-Security-Policy": POLICY,
    }
    return Response(
        (STATIC / "worker.js").read_text(encoding="utf-8"), media_type="text/javascript", headers=headers
    )


@router.get("/field/near.json", summary="The features nearest to a place", response_class=Response)
def get_near(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    lon: Lon,
    lat: Lat,
    classes: Classes = None,
    area: AreaCode = None,
    limit: Limit = 60,
) -> Response:
    """Nearest first, `m` metres away; each with the state that the phone page shows and its version."""
    code = service.area_code(principal_of(request), area)
    place = service.check_place(lon, lat)
    return _json(service.near(conn, catalogue, lang, classes, place, code, limit))


@router.get("/field/features.json", summary="The features of a class in an area", response_class=Response)
def get_features(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    collection: Annotated[str, Query(description="Class id.", max_length=100)],
    area: AreaCode = None,
    after: After = 0,
) -> Response:
    """What a phone keeps for use without signal; `next` is to be asked on `after`."""
    code = service.area_code(principal_of(request), area)
    return _json(service.page_of(conn, catalogue, lang, collection, code, after))


@router.get("/field/{collection}/{item}.json", summary="What the phone page shows of a feature")
def get_card(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    collection: CollectionId,
    item: Item,
) -> Response:
    """All known fields, photos, reports, and the version that a report names."""
    code = service.area_code(principal_of(request), None)
    return _json(service.feature(conn, catalogue, lang, collection, item, code))


@router.get(
    "/photos/{photo}.jpg",
    summary="A photo of a feature",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)
def get_photo(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    photo: Annotated[str, Path(description="UUID of the photo.", max_length=100)],
) -> Response:
    """The picture alone: its file tells nothing of who took it, where and with what."""
    body = service.photo(conn, catalogue, photo, service.area_code(principal_of(request), None))
    return Response(body, media_type="image/jpeg", headers={"Cache-Control": KEEP})


@router.get(
    "/field/authority", summary="How a phone comes to trust this server (HTML)", response_class=Response
)
def get_authority_page(settings: SettingsDep, lang: LangDep) -> Response:
    """Steps for Android, iOS and Windows, with the fingerprint to compare."""
    return _page(
        render(
            "field/authority.html", lang, sha256=fingerprint(_authority(settings)),
            field_style=f"/field/app.css?v={bundle('field.css').digest}",
        )
    )  # fmt: skip


@router.get("/field/authority.crt", include_in_schema=False)
def get_authority(settings: SettingsDep) -> Response:
    """The certificate of this machine's authority (DER), which a phone installs."""
    headers = {
        "Content-Disposition": 'attachment; filename="chengtu-authority.crt"',
        "Cache-Control": "no-store",
    }
    return Response(as_der(_authority(settings)), media_type="application/x-x509-ca-cert", headers=headers)


def _authority(settings: Settings) -> FilePath:
    found = settings.tls_path / "authority.crt"
    if not settings.tls or settings.tls_cert is not None or not found.exists():
        raise NotFound(
            "This server has no authority of its own.", "Start it with `chengtu serve --tls`, without --cert."
        )
    return found
