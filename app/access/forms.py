"""What forms of our pages have in common: the session's token, where to go next, pages that nobody keeps."""

from __future__ import annotations

import re

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from app.access.principal import principal_of
from app.access.sender import check_origin
from app.access.sessions import ABSOLUTE, COOKIE, COOKIE_TLS, CSRF_FIELD, CSRF_HEADER, check_csrf, is_secure
from app.catalogue.model import Lang
from app.settings import Settings

#: Where to go after a login: a path of this server, nothing that a browser takes for another host.
_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,1500}")
HOME = "/"


async def check_form(request: Request) -> None:
    """A dependency of routes that take forms: the form is of a page of this session; raises Forbidden."""
    if request.method in {"GET", "HEAD"}:
        return
    check_origin(request.headers)
    expected = principal_of(request).csrf
    if expected is None:
        return
    sent = request.headers.get(CSRF_HEADER) or (await request.form()).get(CSRF_FIELD)
    check_csrf(expected, sent if isinstance(sent, str) else None)


def next_path(asked: str | None) -> str:
    """The path to go to, the first page where it is none of this server's."""
    return asked if asked and _PATH.fullmatch(asked) and not asked.startswith(("/login", "/logout")) else HOME


def cookie_name(request: Request, settings: Settings) -> str:
    """The session's cookie, as this browser has it."""
    return COOKIE_TLS if is_secure(request.url.scheme, settings.public_url) else COOKIE


def keep_session(request: Request, settings: Settings, reply: Response, token: str) -> None:
    """Let the browser keep a session: for this host alone, unseen by scripts, not sent along by other sites' forms."""
    reply.set_cookie(
        cookie_name(request, settings),
        token,
        int(ABSOLUTE.total_seconds()),
        secure=is_secure(request.url.scheme, settings.public_url),
        httponly=True,
        samesite="lax",
    )


def private_page(
    text: str, lang: Lang, status: int = 200, headers: dict[str, str] | None = None
) -> HTMLResponse:
    """A page that no cache keeps."""
    known = {
        "Cache-Control": "no-store",
        "Content-Language": "zh-CN" if lang == "zh" else "en",
        "Vary": "Accept, Accept-Language, Cookie",
    }
    return HTMLResponse(text, status, {**known, **(headers or {})})
