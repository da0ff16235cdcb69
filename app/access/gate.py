"""Who may come in: finds who asks, refuses what they may not, and lets the rest of the request run in their scope.

Credentials are looked at wherever a route is not open to anybody: a bearer token that is wrong is refused even where
none is needed, a cookie that has ended counts as none. Open routes look at nothing, so that a stale cookie never keeps
anybody from logging in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import replace
from typing import NoReturn
from urllib.parse import quote

import anyio.to_thread
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access import principals
from app.access.keys import PREFIX, digest
from app.access.opening import Opening
from app.access.permissions import ROUTES, Permission, may, permissions_of
from app.access.principal import NOBODY, OPEN, PRINCIPAL, Principal, Role
from app.access.routing import UNKNOWN, Lines
from app.access.sessions import CSRF_HEADER, check_csrf, is_secure, sent_session
from app.access.watchers import LINE as WATCHED
from app.access.watchers import Watchers
from app.database.scope import Scope as Seen
from app.database.scope import as_service, within
from app.database.transactions import Connection, Database
from app.errors import ChengtuError, Forbidden, KeyRequired, LoginRequired, Unavailable
from app.problems import problem, wants_page
from app.settings import Settings
from app.web.viewer import VIEWER, Viewer

#: The cookie of the phone page, which holds a key.
COOKIE = "chengtu_key"
#: How long what was looked up is taken for good, seconds: what is revoked ends that much later.
TRUSTED_S = 5.0
MAX_TRUSTED = 1000
#: What holds nothing of the city and asks the database for nothing: it is there while the database is away.
ALONE = frozenset(
    (
        "GET /conformance",
        "GET /api",
        "GET /docs",
        "GET /tileMatrixSets",
        "GET /tileMatrixSets/{tileMatrixSetId}",
    )
)
#: Methods that change nothing.
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
LOGIN = "/login"
#: In a scope: the route by whose permission the request was let in.
LINE = "chengtu.line"
_PHONE: frozenset[Role] = frozenset(("field",))
#: Routes whose forms bear the session's token in a field, which they check themselves (`forms.check_form`): those of
#: the page of people, one's own password, the end of a session.
FORM_TOKEN = frozenset(
    ("POST /logout", "POST /me/password", *(line for line, needed in ROUTES.items() if needed == "people"))
)
_CLOSED, _MISSING = "This route is open to nobody.", "It is missing in app/access/permissions.py."
Find = Callable[[Database], Principal]


class Gate:
    """An ASGI layer: a request passes with a principal that may do what its route needs."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        self._settings = settings
        self._opening = Opening(settings)
        self._lines = Lines()
        self._trusted: dict[bytes, tuple[Principal, float]] = {}
        self._asking: dict[bytes, asyncio.Task[Principal]] = {}
        self._uses = principals.Uses()
        self._watchers = Watchers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, self._settling(receive), send)
            return
        request = Request(scope)
        try:
            principal, needed = await self._admit(request)
        except ChengtuError as error:
            await self._refusal(request, error)(scope, receive, send)
            return
        scope[PRINCIPAL] = principal
        token = VIEWER.set(_viewer(principal))
        try:
            with within(_viewed(request, principal.scope_for(needed))):
                await self.app(scope, receive, send)
        finally:
            VIEWER.reset(token)

    def _settling(self, receive: Receive) -> Receive:
        """What is asked beside the requests ends before the application does, which closes the database."""

        async def settled() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._opening.settle()
                await asyncio.gather(*self._asking.values(), return_exceptions=True)
            return message

        return settled

    async def _admit(self, request: Request) -> tuple[Principal, Permission | None]:
        """Who asks, and what the route needs; raises KeyRequired, LoginRequired or Forbidden."""
        line = request.scope[LINE] = self._lines.find(request.scope)
        needed = ROUTES.get(line)
        if needed == "open" or (needed == "watch" and self._is_here(request)):
            return NOBODY, needed
        try:
            principal = await self._identify(request)
        except Unavailable:
            # Who bears a token may have been asked of the provider, and is told that it is away; all else asks the
            # database alone.
            if line in ALONE and "authorization" not in request.headers:
                return NOBODY, needed
            known = self._watchers.find(_bearer_token(request)) if line == WATCHED else None
            if known is None:
                raise
            principal = known
        if needed == "watch" and principal.kind == "open":
            raise KeyRequired("From another machine this is answered only with a key.", principals.REFUSAL)
        if line == UNKNOWN:
            return principal, needed
        if needed is None or not may(principal, needed):
            _refuse(principal, needed)
        self._check_csrf(request, principal, line)
        return principal, needed

    def _is_here(self, request: Request) -> bool:
        """Whether a program of this machine asks, without saying who it is."""
        peer = (request.scope.get("client") or ("",))[0]
        return "authorization" not in request.headers and self._opening.is_here(peer, request.headers)

    async def _identify(self, request: Request) -> Principal:
        db: Database = request.app.state.db
        if token := _bearer_token(request):
            return await self._bearer(db, token)
        found = await self._by_cookie(request, db)
        if found is not None:
            return found
        named = await self._opening.named(db)
        if named:
            raise LoginRequired(
                "Nobody is logged in.", "Log in at /login; programs send a key: chengtu key new."
            )
        peer = (request.scope.get("client") or ("",))[0]
        if self._opening.lets(peer, request.headers):
            return OPEN
        if self._settings.open is None and self._opening.is_near(peer, request.headers):
            raise KeyRequired(
                "While nobody is named, this server answers to its own address alone.",
                f"Open {self._settings.address}, or name a person: chengtu user new.",
            )
        raise KeyRequired("From another machine this server answers only with a key.", principals.REFUSAL)

    async def _bearer(self, db: Database, token: str) -> Principal:
        if token.startswith(PREFIX):
            return await self._look_up(
                db, b"k", token, lambda db: _read(db, lambda conn: principals.by_key(conn, token))
            )
        settings = self._settings
        return await self._look_up(db, b"j", token, lambda db: principals.by_jwt(settings, db, token))

    async def _by_cookie(self, request: Request, db: Database) -> Principal | None:
        """Who a session or the key of the phone page says; None where neither holds any more."""
        session = sent_session(
            request.cookies, secure=is_secure(request.url.scheme, self._settings.public_url)
        )
        key = request.cookies.get(COOKIE)
        finds: list[tuple[bytes, str, Find]] = []
        if session:
            finds.append(
                (b"s", session, lambda db: _read(db, lambda conn: principals.by_session(conn, session)))
            )
        if key:
            finds.append((b"k", key, lambda db: _read(db, lambda conn: principals.by_key(conn, key))))
        for kind, token, find in finds:
            with suppress(KeyRequired, LoginRequired):
                found = await self._look_up(db, kind, token, find)
                # A cookie is sent along by whatever page asks: it is good for the phone page alone.
                if kind == b"s" or found.roles == _PHONE:
                    return found
        return None

    async def _look_up(self, db: Database, kind: bytes, token: str, find: Find) -> Principal:
        """Who a token says; asked once for all requests that bear it at the same time."""
        mark, now = kind + digest(token), time.monotonic()
        known = self._trusted.get(mark)
        if known is not None and now < known[1] and _holds(known[0]):
            return known[0]
        asking = self._asking.get(mark)
        if asking is None:
            # In a context of its own: it ends with no request, and is no request's.
            asking = asyncio.create_task(self._ask(db, mark, token, find), context=Context())
            self._asking[mark] = asking
            asking.add_done_callback(lambda _: self._asking.pop(mark, None))
        return await asyncio.shield(asking)

    async def _ask(self, db: Database, mark: bytes, token: str, find: Find) -> Principal:
        started = time.monotonic()
        try:
            found = await anyio.to_thread.run_sync(find, db)
        except KeyRequired:
            self._watchers.forget(token)
            raise
        self._watchers.note(token, found)
        await anyio.to_thread.run_sync(self._uses.note, db, mark, token, found)
        if len(self._trusted) >= MAX_TRUSTED:
            self._trusted.clear()
        self._trusted[mark] = (found, started + TRUSTED_S)
        return found

    def _check_csrf(self, request: Request, principal: Principal, line: str) -> None:
        """What a browser sends with its session's cookie bears the session's token: no other site knows it."""
        if principal.csrf is None or request.method in _READING or line in FORM_TOKEN:
            return
        check_csrf(principal.csrf, request.headers.get(CSRF_HEADER))

    def _refusal(self, request: Request, error: ChengtuError) -> Response:
        """The problem; a browser that has to log in is sent there."""
        if isinstance(error, LoginRequired) and request.method == "GET" and wants_page(request):
            query = request.url.query
            asked = request.url.path + (f"?{query}" if query else "")
            return RedirectResponse(
                f"{LOGIN}?next={quote(asked, safe='')}", 303, {"Cache-Control": "no-store"}
            )
        return problem(request, error, {"WWW-Authenticate": "Bearer"} if error.status == 401 else None)


def _bearer_token(request: Request) -> str:
    """The key or token that a request bears by itself, "" where it bears none."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _viewed(request: Request, scope: Seen) -> Seen:
    """What is seen of a scope: in a public view (`?view=public`) what anybody may know, for the database too."""
    public = request.method in _READING and request.query_params.get("view") == "public"
    return replace(scope, level="public") if public else scope


async def check_line(request: Request) -> None:
    """A dependency of the whole application: what was let in for one route, or for none, reaches no other."""
    route = request.scope.get("route")
    if isinstance(route, APIRoute) and request.scope.get(LINE) != f"{request.method} {route.path}":
        raise Forbidden(_CLOSED, _MISSING)


def _read(db: Database, find: Callable[[Connection], Principal]) -> Principal:
    with as_service(), db.read(timeout_s=5) as conn:
        return find(conn)


def _holds(principal: Principal) -> bool:
    return principal.until is None or principal.until.timestamp() > time.time()


def _refuse(principal: Principal, needed: Permission | None) -> NoReturn:
    if needed is None:
        raise Forbidden(_CLOSED, _MISSING)
    if principal.roles == _PHONE:
        raise Forbidden(
            "This key does not open that page.", "It opens the phone page: /field", permission=needed
        )
    held = ", ".join(sorted(principal.roles)) or "none"
    raise Forbidden(
        f"That needs the permission '{needed}'; roles held here: {held}.",
        "Security administrators grant roles: /users",
        permission=needed,
    )


def _viewer(principal: Principal) -> Viewer:
    return Viewer(
        principal.name,
        principal.kind == "open",
        permissions_of(principal),
        principal.scope.level,
        principal.csrf,
    )
