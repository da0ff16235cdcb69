"""Who may come in: the machine itself as it likes, others only with a key, and only where the key lets them."""

from __future__ import annotations

import re
import time
from typing import cast

import anyio.to_thread
from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.key_service import REFUSAL, get_holding
from app.access.keys import FIELD, Key, digest, is_loopback
from app.database.transactions import Database
from app.errors import ChengtuError, Forbidden, KeyRequired
from app.problems import problem

#: In a scope: the key with which a request came; None where it needed none.
KEY = "chengtu.key"
COOKIE = "chengtu_key"
#: How long a key that was looked up is taken for good, seconds: a revoked one ends that much later.
TRUSTED_S = 5.0
MAX_TRUSTED = 1000
#: What anybody may have: how to trust this server, where a key is given, whether it lives.
OPEN = re.compile(r"/health|/field/(authority|authority\.crt|start|app\.css)")
#: What a key for the phone page lets its bearer have, by method.
FIELD_ALLOWS = {
    "GET": re.compile(
        r"/field(/.*)?|/photos/[^/]+|/background/tiles/.+|/collections/[^/]+/items/\d+/(reports|card)"
    ),
    "POST": re.compile(r"/collections/[^/]+/items/\d+/reports"),
}
METHODS = {"HEAD": "GET"}


class KeyGate:
    """An ASGI layer: requests of other machines pass with a key that allows them, where keys are `required`."""

    def __init__(self, app: ASGIApp, *, required: bool) -> None:
        self.app = app
        self.required = required
        self._trusted: dict[bytes, tuple[Key, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http" or not self.required or is_loopback((scope.get("client") or ("",))[0]):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            scope[KEY] = await self._admit(request)
        except ChengtuError as error:
            await problem(request, error, {"WWW-Authenticate": "Bearer"} if error.status == 401 else None)(
                scope, receive, send
            )
            return
        await self.app(scope, receive, send)

    async def _admit(self, request: Request) -> Key | None:
        """The key that lets the request in, None where it needs none; raises KeyRequired or Forbidden."""
        path = request.scope["path"]  # what is routed by; not put together from headers
        if OPEN.fullmatch(path):
            return None
        key = await self._find(request)
        method = METHODS.get(request.method, request.method)
        allowed = FIELD in key.scopes and method in FIELD_ALLOWS and FIELD_ALLOWS[method].fullmatch(path)
        if not allowed:
            raise Forbidden("This key does not open that page.", "It opens the phone page: /field")
        return key

    async def _find(self, request: Request) -> Key:
        sent = sent_key(request)
        if sent is None:
            raise KeyRequired("From another machine this server answers only with a key.", REFUSAL)
        mark, now = digest(sent), time.monotonic()
        known = self._trusted.get(mark)
        if known is not None and now < known[1] and known[0].expires_at.timestamp() > time.time():
            return known[0]
        found = await anyio.to_thread.run_sync(_look_up, request.app.state.db, sent)
        if len(self._trusted) >= MAX_TRUSTED:
            self._trusted.clear()
        self._trusted[mark] = (found, now + TRUSTED_S)
        return found


def _look_up(db: Database, sent: str) -> Key:
    with db.read() as conn:
        return get_holding(conn, sent)


def sent_key(request: Request) -> str | None:
    """The key of a request: `Authorization: Bearer …`, else the cookie of the phone page."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and value.strip():
        return value.strip()
    return request.cookies.get(COOKIE)


def caller_key(request: Request) -> Key | None:
    """The key with which a request came, None for the machine itself."""
    return cast("Key | None", request.scope.get(KEY))
