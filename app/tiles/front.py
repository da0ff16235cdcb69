"""Answers tiles whose question was read before, before any route is looked for; all else goes on to the routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from app.errors import ChengtuError
from app.tiles.matrix import NAME, read_tile
from app.tiles.reply import reply, takes_packed
from app.tiles.shelf import Stored
from app.tiles.tile_service import Address, Tiles, address_of, is_named

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: In a scope: what went wrong with a tile, for the route to tell; whether the client takes packed tiles.
FAILURE, PACK = "chengtu.tile_failure", "chengtu.tile_pack"
_END = f"/tiles/{NAME}"


class TileFront:
    """An ASGI layer around compression and routes: a question that was read before is answered without them.

    What the routes have to answer goes on without `Accept-Encoding`: a tile is packed once, where it is kept.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        address = _address(scope)
        if address is None:
            await self.app(scope, receive, send)
            return
        tiles: Tiles = scope["app"].state.tiles
        pack = takes_packed(_header(scope, b"accept-encoding") or "")
        failure = None
        try:
            found, keep = await _find(scope, tiles, address, pack=pack)
        except ChengtuError as error:
            found, keep, failure = None, False, error
        if found is None:
            inner = [item for item in scope["headers"] if item[0] != b"accept-encoding"]
            await self.app({**scope, "headers": inner, FAILURE: failure, PACK: pack}, receive, send)
            return
        tag = _header(scope, b"if-none-match")
        status, headers, body = reply(found, pack=pack, if_none_match=tag, keep=keep)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _address(scope: Scope) -> Address | None:
    """What a request for a tile asks beside the place, None for all other requests."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    address = address_of(scope["path"], scope["query_string"])
    return address if address[0].endswith(_END) else None


async def _find(scope: Scope, tiles: Tiles, address: Address, *, pack: bool) -> tuple[Stored | None, bool]:
    """The tile and whether it may be kept; None where its question is not known or no longer current."""
    question = await tiles.current(address)
    if question is None:
        return None, False
    found = await tiles.get(question, read_tile(*scope["path"].rsplit("/", 3)[1:]), pack=pack)
    return found, is_named(question, address)


def _header(scope: Scope, name: bytes) -> str | None:
    """The values of a header as one, None where it was not sent."""
    found = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return ", ".join(found) if found else None
