"""Who may keep an answer: what depends on who asks is for this client alone, and for one login of it alone.

A shared cache (a proxy, a content network) keeps none of it (RFC 9111 §5.2.2.7), and a browser that somebody else logs
in to keeps it apart (`Vary`). Routes that are open to anybody say themselves how long they may be kept.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.gate import LINE
from app.access.permissions import ROUTES

#: What an answer is told by that bears who asks.
WHO_ASKS = ("Authorization", "Cookie")
#: How an answer is kept that says nothing of it: asked for again each time.
UNSAID = "private, no-cache"


class Keeping:
    """An ASGI layer behind the gate, around all that answers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or ROUTES.get(scope.get(LINE, "")) == "open":
            await self.app(scope, receive, send)
            return

        async def kept(message: Message) -> None:
            if message["type"] == "http.response.start":
                _own(MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, kept)


def _own(headers: MutableHeaders) -> None:
    """Say of an answer that it is one client's own."""
    said = headers.get("cache-control")
    headers["Cache-Control"] = UNSAID if said is None else own_of(said)
    varied = {name.strip().lower() for name in headers.get("vary", "").split(",")}
    for name in WHO_ASKS:
        if name.lower() not in varied and "*" not in varied:
            headers.add_vary_header(name)


def own_of(said: str) -> str:
    """What an answer says of keeping it, without leave for shared caches."""
    parts = [part.strip() for part in said.split(",") if part.strip()]
    names = {part.partition("=")[0].strip().lower() for part in parts}
    if names & {"private", "no-store"}:
        return said
    shared = {"public", "s-maxage", "proxy-revalidate"}
    kept = [part for part in parts if part.partition("=")[0].strip().lower() not in shared]
    return ", ".join(["private", *kept])
