"""HTTP of the QR code: the key that it holds is kept by the phone, not before whoever holds the phone knows of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from app.access import key_store
from app.access.dependencies import DatabaseDep, LangDep, SettingsDep
from app.access.gate import COOKIE
from app.access.key_service import get_holding
from app.access.keys import FIELD, Key
from app.access.sender import check_origin
from app.access.sessions import is_secure, sent_session
from app.database.scope import as_service
from app.database.transactions import Database
from app.errors import Forbidden
from app.settings import Settings
from app.web.bundle import bundle
from app.web.templates import render

router = APIRouter(tags=["the phone page"])

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
#: What a browser says (`Sec-Fetch-Site`) of an address that was scanned or typed, or that a page of ours names.
_OWN = frozenset({"none", "same-origin"})


@router.get("/field/start", include_in_schema=False)
def get_start(
    request: Request,
    db: DatabaseDep,
    settings: SettingsDep,
    lang: LangDep,
    key: Annotated[str, Query(description="The key of the QR code.", max_length=200)],
) -> Response:
    """Keep the key that came by QR code, and go on to the page by an address that does not hold it.

    Where a page of another site may have named the address, or the phone is somebody's already, a page asks first.
    """
    found, area = _holding(db, key)
    if _is_own(request, settings, key):
        return _keep(settings, key, found)
    text = render(
        "field/start.html", lang, key=key, name=found.name, area=area, until=found.expires_at,
        field_style=f"/field/app.css?v={bundle('field.css').digest}",
    )  # fmt: skip
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": POLICY}
    return Response(text, media_type="text/html", headers={**headers, "Vary": "Accept-Language, Cookie"})


@router.post("/field/start", include_in_schema=False)
def post_start(
    request: Request,
    db: DatabaseDep,
    settings: SettingsDep,
    key: Annotated[str, Form(description="The key of the QR code.", max_length=200)],
) -> Response:
    """Keep the key, as whoever holds the phone has said on the page that asks; no other site's page can say it."""
    check_origin(request.headers)
    found, _ = _holding(db, key)
    return _keep(settings, key, found)


def _holding(db: Database, key: str) -> tuple[Key, str | None]:
    """The key on record, and the name of its area; raises Forbidden where it opens more than the phone page."""
    with as_service(), db.read() as conn:
        found = get_holding(conn, key)
        area = None if found.area is None else key_store.find_area(conn, found.area)
    if found.scopes != (FIELD,):
        raise Forbidden(
            "This key does not open the phone page alone: it is no key for an address.", "chengtu keys new"
        )
    return found, area


def _is_own(request: Request, settings: Settings, key: str) -> bool:
    """Whether who holds the phone opened the address, and is nobody here by another key or session.

    Browsers say where an address comes from to trustworthy ones alone: of plain HTTP it is not known.
    """
    secure = is_secure(request.url.scheme, settings.public_url)
    nobody = request.cookies.get(COOKIE, key) == key and sent_session(request.cookies, secure=secure) is None
    return nobody and request.headers.get("sec-fetch-site") in _OWN


def _keep(settings: Settings, key: str, found: Key) -> Response:
    left = int((found.expires_at - datetime.now(UTC)).total_seconds())
    reply = Response(status_code=303, headers={"Location": "/field", "Cache-Control": "no-store"})
    reply.set_cookie(COOKIE, key, max_age=left, httponly=True, secure=settings.tls, samesite="lax")
    return reply
