"""How often one may ask: a rate for each person, key or address, the same one in all worker processes."""

from __future__ import annotations

import hashlib
import mmap
import re
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.keys import PREFIX, digest, hint, is_loopback
from app.access.peer import network_of, peer_address
from app.access.principal import principal_of
from app.access.sessions import is_secure, sent_session
from app.errors import TooMany
from app.problems import problem
from app.refused import refused
from app.settings import Settings

#: A full rate may be used up at once; it comes back within so long, seconds.
PERIOD_S = 60.0
#: Rows of the table, and places in each.
ROWS, PLACES = 4, 16_384
_TIME = struct.Struct("=d")
#: What counts for less than a whole request: a map asks for many tiles at once.
TILE = 0.1
_TILES = re.compile(r"/(?:.+/)?tiles/.+")
_FREE = re.compile(r"/health|/ready|/metrics|/static/.+|/field/.+\.(?:js|css|png|svg|webmanifest)")
#: Of the rate, what may be refused for want of a key or a right: whoever guesses is slowed down.
REFUSED_SHARE = 0.1
_REFUSALS = frozenset({401, 403})
#: So long it is known that a key or token was let in, seconds.
REMEMBERED_S = 3600.0
#: The address of the QR code, which holds a key.
START = "/field/start"


class Meter:
    """Counts by name against rates (generic cell rate algorithm), in memory that forked processes share.

    Each name has a place in every row of the table, as in a count-min sketch: what it is charged for is the least of
    them. So many names as one likes take the same memory, and two that share a place still differ in the others.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._table = mmap.mmap(-1, ROWS * PLACES * _TIME.size)
        self._known = mmap.mmap(-1, ROWS * PLACES * _TIME.size)
        # Nobody outside knows which names share a place.
        self._secret = secrets.token_bytes(16)

    def wait_s(self, name: str, per_minute: float, cost: float = 1.0, *, charge: bool = True) -> float:
        """0 where `name` may go on, and is charged `cost`; else how long it has to wait, seconds."""
        now = self._clock()
        places = self._places(name)
        free_at = max(now, min(_TIME.unpack_from(self._table, place)[0] for place in places))
        free_at += cost * PERIOD_S / per_minute
        wait = free_at - PERIOD_S - now
        if wait > 1e-6:
            return float(wait)
        if charge:
            for place in places:
                if _TIME.unpack_from(self._table, place)[0] < free_at:
                    _TIME.pack_into(self._table, place, free_at)
        return 0.0

    def remember(self, name: str, seconds: float) -> None:
        """Let `remembers` tell the name for so long, in all processes."""
        until = self._clock() + seconds
        for place in self._places(name):
            if _TIME.unpack_from(self._known, place)[0] < until:
                _TIME.pack_into(self._known, place, until)

    def remembers(self, name: str) -> bool:
        """Whether a name was remembered; hardly ever another one is taken for it."""
        until = min(float(_TIME.unpack_from(self._known, place)[0]) for place in self._places(name))
        return until > self._clock()

    def _places(self, name: str) -> list[int]:
        digest = hashlib.blake2b(
            name.encode("utf-8", "surrogatepass"), digest_size=16, key=self._secret
        ).digest()
        numbers = struct.unpack("=4I", digest)
        return [(row * PLACES + number % PLACES) * _TIME.size for row, number in enumerate(numbers)]


@dataclass(frozen=True, slots=True)
class _Borne:
    """What a request bears that may be guessed: a mark of it, which refusals count, whether for its address, too."""

    mark: str
    counted: frozenset[int]
    of_address: bool


class Guesses:
    """An ASGI layer before the gate: credentials that are refused again and again are not looked at for a while.

    They count by themselves, and those that nobody knows for their address, too, where whoever was let in before is
    answered all the same. What bears none counts for nothing: any page may have a browser of the office ask so.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings, meter: Meter) -> None:
        self.app = app
        self._settings = settings
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        rate = self._settings.requests_per_minute * REFUSED_SHARE
        request = Request(scope) if scope["type"] == "http" and rate else None
        place = None if request is None else _place(request, self._settings)
        borne = None if request is None or place is None else _borne(request, self._settings)
        if request is None or borne is None:
            await self.app(scope, receive, send)
            return
        meter, name, every = self._meter, f"refused {place} {borne.mark}", f"refused {place}"
        wait = meter.wait_s(name, rate, charge=False)
        if not wait and borne.of_address and not meter.remembers(name):
            wait = meter.wait_s(every, rate, charge=False)
        if wait:
            refused("guesses")
            await _refuse(request, wait)(scope, receive, send)
            return

        async def count(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                if status in borne.counted:
                    meter.wait_s(name, rate)
                if borne.of_address and status == 401:
                    meter.wait_s(every, rate)
                elif borne.of_address and status < 400:
                    meter.remember(name, REMEMBERED_S)
            await send(message)

        await self.app(scope, receive, count)


def _borne(request: Request, settings: Settings) -> _Borne | None:
    """What a request bears; a cookie that has ended is none (401), one that may not (403) counts for itself."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return _Borne(_mark(token.strip()), _REFUSALS, of_address=True)
    if request.url.path == START and "key" in request.query_params:
        return _Borne(_mark(request.query_params["key"]), _REFUSALS, of_address=False)
    secure = is_secure(request.url.scheme, settings.public_url)
    cookie = sent_session(request.cookies, secure=secure)
    return None if cookie is None else _Borne(_mark(cookie), frozenset({403}), of_address=False)


def _mark(token: str) -> str:
    """The first characters of a key, by which it is listed; of anything else all of it, hashed."""
    return hint(token) if token.startswith(PREFIX) else digest(token).hex()


class Rates:
    """An ASGI layer behind the gate: a request is taken while whoever asks has something of the rate left."""

    def __init__(self, app: ASGIApp, *, settings: Settings, meter: Meter) -> None:
        self.app = app
        self._settings = settings
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        rate = self._settings.requests_per_minute
        if scope["type"] == "http" and rate and (cost := cost_of(scope["path"])):
            request = Request(scope)
            name = who_asks(request, self._settings)
            wait = self._meter.wait_s(name, rate, cost) if name is not None else 0.0
            if wait:
                refused("requests")
                await _refuse(request, wait)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def cost_of(path: str) -> float:
    """What a request counts for."""
    if _FREE.fullmatch(path):
        return 0.0
    return TILE if _TILES.fullmatch(path) else 1.0


def who_asks(request: Request, settings: Settings) -> str | None:
    """Whose rate a request is on: a person's, a key's, else an address's; None where the machine itself asks."""
    principal = principal_of(request)
    if principal.kind == "user":
        return f"person {principal.person_id} {principal.name}"
    if principal.kind == "key":
        return f"key {principal.key_id} {principal.name}"
    place = _place(request, settings)
    return None if place is None else f"address {place}"


def _place(request: Request, settings: Settings) -> str | None:
    address = peer_address(request, settings)
    return None if not address or is_loopback(address) else network_of(address)


def _refuse(request: Request, wait_s: float) -> ASGIApp:
    error = TooMany(
        "That is more than may be asked for in a minute.", "Wait as long as Retry-After says.", wait_s=wait_s
    )
    return problem(request, error, error.headers)
