"""What holds for every reply: a request id, security headers, HEAD where there is GET, no leak on a failure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.leaving import Watch
from app.access.sender import check_origin
from app.access.streaming import HEADERS_ONLY, WATCH
from app.access.tally import FAILED, STOPPED, Tally, request_id
from app.database.deadline import DEADLINE, Deadline
from app.errors import BadInput, Unavailable
from app.problems import MAX_BODY_BYTES, internal_error, problem, too_large
from app.refused import refused
from app.settings import Settings
from app.traces import REQUEST_ID

log = logging.getLogger("chengtu.web")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
#: How long the database may work for a request where there are no settings.
REQUEST_S = 30.0
#: Methods that change nothing.
READING = frozenset({"GET", "HEAD", "OPTIONS"})
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=()",
}


class HouseMiddleware:
    """Outermost of all: also the reply to an unexpected failure gets the headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        settings: Settings | None = getattr(scope["app"].state, "settings", None)
        scope["request_id"] = request_id(scope, settings)
        is_head = scope["method"] == "HEAD"
        inner = {**scope, "method": "GET", HEADERS_ONLY: True} if is_head else scope
        # What the layers below find out about the request stands in the scope that they see.
        tally = Tally(inner, scope["method"])
        traced = REQUEST_ID.set(scope["request_id"])
        deadline = Deadline(_seconds(scope))
        body = _Body(receive, _limit(scope), deadline)
        token = DEADLINE.set(deadline)
        watch = Watch(body.receive) if inner["method"] == "GET" else None
        reply = _Reply(scope, send, tally, watch, is_head=is_head)
        try:
            headers = Request(scope).headers
            body.check_length(headers)
            if scope["method"] not in READING:
                check_origin(headers)
            await self._serve(inner, body, reply, watch)
        except BadInput as error:
            await problem(Request(scope), error)(scope, receive, reply.send)
        except asyncio.CancelledError:
            # The server is being stopped, and the grace of this request is over. What has begun breaks off: the server
            # below closes the connection of a reply that has no end.
            if reply.started:
                tally.broke = STOPPED
                return
            stopped = Unavailable("The server is being stopped.", "Try again in a moment.")
            await problem(Request(scope), stopped)(scope, receive, reply.send)
        except Exception:
            log.exception("The request failed.")
            if reply.started:
                tally.broke = FAILED
                raise
            await problem(Request(scope), internal_error())(scope, receive, reply.send)
        finally:
            tally.end()
            DEADLINE.reset(token)
            REQUEST_ID.reset(traced)

    async def _serve(self, scope: Scope, body: _Body, reply: _Reply, watch: Watch | None) -> None:
        """Answer; what only reads is stopped when its client leaves, what writes is carried out."""
        if watch is None:
            await self.app(scope, body.receive, reply.send)
            return
        scope[WATCH] = watch
        watch.start()
        try:
            await self.app(scope, watch.receive, reply.send)
        finally:
            watch.stop()


def _limit(scope: Scope) -> int:
    """Longest body of a request: routes that take files have limits of their own."""
    limits: Mapping[tuple[str, str], int] = getattr(scope["app"].state, "body_limits", {})
    return limits.get((scope["method"], scope["path"]), MAX_BODY_BYTES)


def _seconds(scope: Scope) -> float:
    """How long the database may work for a request."""
    settings: Settings | None = getattr(scope["app"].state, "settings", None)
    return REQUEST_S if settings is None else settings.request_seconds


class _Body:
    """Passes the request body on, as far as the limit; the request's time begins when it has come whole."""

    def __init__(self, receive: Receive, limit: int, deadline: Deadline) -> None:
        self.forward = receive
        self.limit = limit
        self.deadline = deadline
        self.received = 0

    def check_length(self, headers: Mapping[str, str]) -> None:
        """Raise TooLarge where the client itself says so, before anything is read."""
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self.limit:
            refused("body")
            raise too_large(self.limit)

    async def receive(self) -> Message:
        """Take one ASGI message; raises where the body becomes too large (the framework passes this type on)."""
        message = await self.forward()
        self.received += len(message.get("body", b""))
        if self.received > self.limit:
            refused("body")
            raise HTTPException(413, str(self.limit))
        if message.get("body") and not message.get("more_body"):
            self.deadline.restart()
        return message


class _Reply:
    """Adds the headers as the reply starts; leaves the body out for HEAD."""

    def __init__(self, scope: Scope, send: Send, tally: Tally, watch: Watch | None, *, is_head: bool) -> None:
        self.scope = scope
        self.forward = send
        self.tally = tally
        self.watch = watch
        self.is_head = is_head
        self.started = False

    async def send(self, message: Message) -> None:
        """Pass one ASGI message on."""
        if message["type"] == "http.response.start":
            self.started = True
            self.tally.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers["X-Request-Id"] = self.scope["request_id"]
        elif message["type"] == "http.response.body" and self.is_head:
            message = {**message, "body": b""}
        await self.forward(message)
        # What is handed on for a client that has left goes nowhere. Looked at in the same turn: after the end of a
        # reply the server below says of every client that it has left.
        if message["type"] == "http.response.body" and not (self.watch is not None and self.watch.left):
            self.tally.sent += len(message.get("body", b""))
            self.tally.whole = not message.get("more_body", False)
