"""Heavy answers (files that are written, whole classes that are streamed): few at once, and fewer for one of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, Request

from app.access.dependencies import get_settings
from app.access.peer import network_of, peer_address
from app.access.principal import principal_of
from app.access.turns import Turns
from app.database.deadline import extend_deadline
from app.database.transactions import STREAMS
from app.errors import TooMany
from app.refused import refused

#: How long a turn is waited for, seconds; who waits for one holds neither thread nor connection.
PATIENCE_S = 1.0
#: Of the turns of a worker process, how many one person, key or address may have.
OWN = STREAMS - 1
#: How many may wait for a turn.
LINE = 4 * STREAMS
#: What the database may work for such an answer beside its stream, seconds.
HEAVY_S = 600.0
_TURNS = Turns(STREAMS, line=LINE, name="downloads", limit="downloads")
_HELD: Counter[str] = Counter()


@asynccontextmanager
async def heavy(request: Request) -> AsyncIterator[None]:
    """A turn for a heavy answer, until it is sent.

    Raises:
        TooMany: Whoever asks has as many of them as one may have.
        Unavailable: All turns are taken, and none came free.
    """
    name = _name(request)
    if _HELD[name] >= OWN:
        refused("own_downloads")
        raise TooMany(
            f"{OWN} of your files are being written right now.",
            "Take the next one when one of them has come.",
        )
    _HELD[name] += 1
    try:
        async with _TURNS.take(PATIENCE_S, "Many files are being written right now."):
            extend_deadline(max(0.0, HEAVY_S - get_settings(request).request_seconds))
            yield
    finally:
        _HELD[name] -= 1
        if not _HELD[name]:
            del _HELD[name]


def _name(request: Request) -> str:
    """Whose turn it is. Unlike rates, turns are counted for the machine itself as well: connections are as few."""
    principal = principal_of(request)
    if principal.kind in {"user", "key"}:
        return f"{principal.kind} {principal.person_id} {principal.key_id} {principal.name}"
    return network_of(peer_address(request, get_settings(request)))


async def heavy_turn(request: Request) -> AsyncIterator[None]:
    """A turn for a route that only gives heavy answers; it ends when the answer is sent."""
    async with heavy(request):
        yield


HeavyTurn = Annotated[None, Depends(heavy_turn, scope="request")]
