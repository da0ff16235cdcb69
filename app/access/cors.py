"""Which other sites' pages may read from this server (Fetch Standard §3.3): none but those that are listed."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Message, Receive, Scope, Send

from app.settings import Settings

#: What another site's page may send beside the headers that are always allowed, and read of a reply.
SENT = ("If-None-Match", "Prefer")
READ = (
    "ETag", "Link", "Content-Crs", "Chengtu-Thinned", "OGC-NumberMatched", "OGC-NumberReturned", "X-Request-Id",
)  # fmt: skip
METHODS = ("GET", "HEAD", "OPTIONS")
KEPT_S = 86_400


def sharing(settings: Settings) -> list[Middleware]:
    """The layer that lets pages of the listed origins read, without credentials; no layer where none is listed."""
    if not settings.cors_origins:
        return []
    layer = Middleware(
        Sharing,
        allow_origins=settings.cors_origins,
        allow_methods=METHODS,
        allow_headers=SENT,
        expose_headers=READ,
        allow_credentials=False,
        max_age=KEPT_S,
    )
    return [layer]


class Sharing(CORSMiddleware):
    """Says of what an allowed page reads that it may be used across origins, which the other headers forbid."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; where origins are told apart, every reply says so (Fetch Standard §3.3.5)."""

        async def varied(one: Message) -> None:
            if one["type"] == "http.response.start" and not self.allow_all_origins:
                headers = MutableHeaders(scope=one)
                if "origin" not in headers.get("vary", "").lower():
                    headers.add_vary_header("Origin")
            await send(one)

        await super().__call__(scope, receive, varied if scope["type"] == "http" else send)

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        """Pass one message on, with the headers of an allowed origin."""

        async def told(one: Message) -> None:
            if one["type"] == "http.response.start":
                headers = MutableHeaders(scope=one)
                if "access-control-allow-origin" in headers:
                    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            await send(one)

        await super().send(message, told, request_headers)
