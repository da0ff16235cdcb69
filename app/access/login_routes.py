"""HTTP of getting in and out: the login page, the provider's way, logging out."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.access import login_service, people_store
from app.access.dependencies import DatabaseDep, LangDep, SettingsDep
from app.access.forms import check_form, cookie_name, keep_session, next_path, private_page
from app.access.login_service import LoggedIn, Return
from app.access.oidc import Provider, provider_of
from app.access.parameters import OWN_PARAMETERS
from app.access.peer import peer_address
from app.access.sender import check_origin
from app.access.sessions import is_secure, sent_session
from app.catalogue.model import Lang
from app.database.scope import as_service
from app.errors import ChengtuError, LoginFailed, NotFound, TooMany, Unavailable
from app.settings import Settings
from app.web.templates import render
from app.words.sentences import say

router = APIRouter(tags=["access"])

CALLBACK = "/login/oidc/callback"
OIDC_COOKIE = "chengtu_oidc"
OIDC_COOKIE_S = 600
Next = Annotated[str | None, Query(description="Path to go to then.", max_length=2000)]
Short = Annotated[str | None, Query(max_length=4000)]


@router.get("/login", summary="The login page (HTML)", response_class=Response)
def get_login(db: DatabaseDep, settings: SettingsDep, lang: LangDep, next: Next = None) -> Response:  # noqa: A002 - its name in the address
    """By name and password, and by the provider where one is set."""
    with as_service(), db.read(timeout_s=5) as conn:
        named = people_store.anyone(conn)
    return _page(settings, lang, next_path(next), named=named)


@router.post("/login", summary="Log in by name and password", response_class=Response)
def post_login(
    request: Request,
    db: DatabaseDep,
    settings: SettingsDep,
    lang: LangDep,
    name: Annotated[str, Form(max_length=1000)] = "",
    password: Annotated[str, Form(max_length=2000)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",  # noqa: A002 - its name in the form
) -> Response:
    """Sets the session's cookie and goes to `next`; where it fails, the page again, with 401 or 429."""
    check_origin(request.headers)
    then = next_path(next)
    address = peer_address(request, settings)
    try:
        entered = login_service.log_in(
            db, name, password, address, _agent(request), _before(request, settings)
        )
    except (LoginFailed, TooMany, Unavailable) as error:
        return _page(settings, lang, then, error=error, name=name)
    return _enter(request, settings, entered, then)


@router.get("/login/oidc", summary="Log in at the provider", response_class=Response)
def get_oidc(
    request: Request,
    db: DatabaseDep,
    settings: SettingsDep,
    lang: LangDep,
    next: Next = None,  # noqa: A002
) -> Response:
    """Sends the browser to the provider that settings name (authorization code, PKCE, state and nonce)."""
    then = next_path(next)
    try:
        away = login_service.depart(db, _provider(settings), _callback(request, settings), then)
    except Unavailable as error:
        return _page(settings, lang, then, error=error)
    reply = RedirectResponse(away.address, 303, {"Cache-Control": "no-store"})
    secure = is_secure(request.url.scheme, settings.public_url)
    reply.set_cookie(
        _oidc_cookie(secure=secure), away.browser, OIDC_COOKIE_S, secure=secure, httponly=True, samesite="lax"
    )
    return reply


@router.get(
    CALLBACK,
    summary="Where the provider sends the browser back to",
    response_class=Response,
    openapi_extra={OWN_PARAMETERS: True},
)
def get_callback(
    request: Request,
    db: DatabaseDep,
    settings: SettingsDep,
    lang: LangDep,
    code: Short = None,
    state: Short = None,
    iss: Short = None,
    error: Short = None,
) -> Response:
    """Sets the session's cookie where the provider's answer holds; else the login page, with 401."""
    secure = is_secure(request.url.scheme, settings.public_url)
    cookie = _oidc_cookie(secure=secure)
    # Where the provider stopped the login there is neither code nor state of ours.
    back = Return("" if error else code or "", state or "", iss, request.cookies.get(cookie))
    try:
        entered, then = login_service.come_back(
            db,
            _provider(settings),
            back,
            _callback(request, settings),
            by_email=settings.oidc_email,
            agent=_agent(request),
            before=_before(request, settings),
        )
    except (LoginFailed, Unavailable) as failure:
        reply = _page(settings, lang, "/", error=failure)
    else:
        reply = _enter(request, settings, entered, then)
    reply.delete_cookie(cookie, secure=secure, httponly=True, samesite="lax")
    return reply


@router.post("/logout", summary="Log out", response_class=Response, dependencies=[Depends(check_form)])
def post_logout(request: Request, db: DatabaseDep, settings: SettingsDep) -> Response:
    """Ends the session."""
    token = _before(request, settings)
    if token is not None:
        login_service.log_out(db, token)
    reply = RedirectResponse("/login", 303, {"Cache-Control": "no-store", "Clear-Site-Data": '"cache"'})
    secure = is_secure(request.url.scheme, settings.public_url)
    reply.delete_cookie(cookie_name(request, settings), secure=secure, httponly=True, samesite="lax")
    return reply


def _enter(request: Request, settings: Settings, entered: LoggedIn, then: str) -> Response:
    target = "/me" if entered.person.password_once and entered.means == "password" else then
    reply = RedirectResponse(target, 303, {"Cache-Control": "no-store"})
    keep_session(request, settings, reply, entered.token)
    return reply


def _page(
    settings: Settings,
    lang: Lang,
    then: str,
    *,
    error: ChengtuError | None = None,
    name: str = "",
    named: bool = True,
) -> Response:
    text = render(
        "access/login.html",
        lang,
        next=then,
        name=name[:100],
        named=named,
        provider=None if settings.oidc_issuer is None else settings.oidc_title or "",
        oidc="/login/oidc?" + urlencode({"next": then, "lang": lang}),
        message=None if error is None else say(error.message, lang),
        hint=None if error is None or error.hint is None else say(error.hint, lang),
        wait=None if error is None else error.headers.get("Retry-After"),
        other="/login?" + urlencode({"next": then, "lang": "en" if lang == "zh" else "zh"}),
    )
    return private_page(
        text, lang, 200 if error is None else error.status, {} if error is None else error.headers
    )


def _provider(settings: Settings) -> Provider:
    found = provider_of(settings)
    if found is None:
        raise NotFound("No login provider is set.", "Log in by password: /login")
    return found


def _callback(request: Request, settings: Settings) -> str:
    base = settings.public_url or f"{request.url.scheme}://{request.url.netloc}"
    return base + CALLBACK


def _oidc_cookie(*, secure: bool) -> str:
    return f"__Host-{OIDC_COOKIE}" if secure else OIDC_COOKIE


def _before(request: Request, settings: Settings) -> str | None:
    """The token of the session that the browser had until now."""
    return sent_session(request.cookies, secure=is_secure(request.url.scheme, settings.public_url))


def _agent(request: Request) -> str | None:
    return request.headers.get("user-agent")
