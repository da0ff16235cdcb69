"""Open or closed: while no person is named, whoever sits at the machine may do everything; then nobody without a name.

`Opening` tells it to the gate, `check_start` to `chengtu serve` before it listens.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextvars import Context
from urllib.parse import urlsplit

import anyio.to_thread
from starlette.datastructures import Headers

from app.access.keys import is_loopback
from app.access.principals import anyone_configured
from app.database.own_login import check_own_login
from app.database.scope import as_service
from app.database.transactions import Database
from app.errors import SetupFailed
from app.settings import LOOPBACK, Settings

#: How long it is sure that nobody is named, seconds: the first person closes a running server that much later.
SURE_S = 5.0
#: Asked again so long after the last answer, beside the requests, seconds.
AGAIN_S = 2.5
#: By these a proxy tells that somebody else asks; who asks is then not at this machine.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
#: By these a client says under which name it asks, HTTP/1.1 and HTTP/2.
_NAMED_BY = ("host", ":authority")
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s:/?#@\[\]]+))(?::[0-9]*)?")

REFUSED = "Nobody is named who may use this server, and other machines would reach it."
HINT = (
    "Name the first person: chengtu user new NAME --role security; make a certificate: chengtu serve --tls. "
    "CHENGTU_OPEN=true takes the risk."
)
OPEN_NOTICE = "No person is named yet: whoever asks from this machine may do everything (chengtu user new)."
RISK_NOTICE = (
    "CHENGTU_OPEN=true: until a person is named (chengtu user new), whoever comes may do everything."
)
CLEAR_NOTICE = (
    "Passwords and keys cross the network unencrypted unless a proxy encrypts them: chengtu serve --tls."
)


class Opening:
    """Whether nobody is named, as a server knows it: asked of the database every few seconds until somebody is."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._named = False
        self._asked_at = -SURE_S
        self._asking: asyncio.Task[bool] | None = None

    async def named(self, db: Database) -> bool:
        """Whether a person is named; once one is, the server stays closed. Raises Unavailable without a database."""
        if self._named:
            return True
        age = time.monotonic() - self._asked_at
        if age >= AGAIN_S and (self._asking is None or self._asking.done()):
            # In a context of its own: it ends with no request, and is no request's.
            self._asking = asyncio.create_task(self._ask(db), context=Context())
            # Who waits for it is told; that nobody did, and it failed, is no news: it is asked again.
            self._asking.add_done_callback(lambda asked: asked.cancelled() or asked.exception())
        if age < SURE_S or self._asking is None:
            return False
        return await asyncio.shield(self._asking)

    async def settle(self) -> None:
        """Wait for what is being asked."""
        asking = self._asking
        if asking is not None and not asking.done() and asking.get_loop() is asyncio.get_running_loop():
            await asyncio.gather(asking, return_exceptions=True)

    def lets(self, peer: str, headers: Headers) -> bool:
        """Whether somebody without credentials may do everything, as long as nobody is named."""
        if self._settings.open is not None:
            return self._settings.open
        return self.is_near(peer, headers) and self._is_asked_by_own_name(headers)

    def is_near(self, peer: str, headers: Headers) -> bool:
        """Whether somebody asks from this machine itself."""
        return is_loopback(peer) and not any(name in headers for name in _FORWARDED)

    def is_here(self, peer: str, headers: Headers) -> bool:
        """Whether a program of this machine asks the server itself; behind a proxy that could be anybody."""
        behind = self._settings.public_url is not None or self._settings.open
        return not behind and self.is_near(peer, headers) and self._is_asked_by_own_name(headers)

    def _is_asked_by_own_name(self, headers: Headers) -> bool:
        """Whether the server is asked for by this machine's name, not by one that a page of another site made its own.

        A site may say at any time that its name is 127.0.0.1 (DNS rebinding): to the browser our pages are then that
        site's own, which it may read and write. The name alone, which the browser sends along, tells.
        """
        told = [value for name in _NAMED_BY for value in headers.getlist(name)]
        own = {self._settings.host, urlsplit(self._settings.public_url or "").hostname or ""}
        return bool(told) and all(_is_own(value, own) for value in told)

    async def _ask(self, db: Database) -> bool:
        started = time.monotonic()
        self._named = await anyio.to_thread.run_sync(_look, db)
        self._asked_at = started
        return self._named


def _is_own(told: str, own: set[str]) -> bool:
    """Whether a host, with or without a port, is this machine's loopback or one of `own`."""
    found = _HOST.fullmatch(told.strip().lower())
    if found is None:
        return False
    host = (found[1] or found[2]).rstrip(".")
    return host == "localhost" or host.endswith(".localhost") or is_loopback(host) or host in own


def _look(db: Database) -> bool:
    with as_service(), db.read(timeout_s=5) as conn:
        return anyone_configured(conn)


def check_start(settings: Settings, db: Database) -> list[str]:
    """What is to be told at start of who may do what.

    Raises:
        SetupFailed: Other machines would reach the server, and nobody is named who may use it; or the database would
            bind it by no rule.
    """
    with as_service(), db.read(timeout_s=5) as conn:
        check_own_login(conn)
        named = anyone_configured(conn)
    local = settings.host in LOOPBACK
    if named:
        return [] if local or settings.tls else [CLEAR_NOTICE]
    if settings.open is not None:
        return [RISK_NOTICE] if settings.open else []
    # Over TLS other machines get in by a key for the phone page alone.
    if not local and not settings.tls:
        raise SetupFailed(REFUSED, HINT)
    return [OPEN_NOTICE]
