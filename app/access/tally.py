"""What is told of every request once it is answered: one line of the log, and what `/metrics` counts."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from starlette.requests import HTTPConnection
from starlette.types import Scope

from app.access.gate import LINE
from app.access.peer import is_proxy, peer_address
from app.access.principal import PRINCIPAL, Principal
from app.logs import TOLD
from app.meters import OTHER, counter, gauge, histogram
from app.settings import Settings
from app.traces import is_id, new_id

log = logging.getLogger("chengtu.request")

CLASSES = ("2xx", "3xx", "4xx", "5xx")
#: What a client's departure before it had the whole answer is counted as.
LEFT = 499
#: Refusals that are told with the address of who asked: a run of them is somebody who guesses, or a stray program.
TRACED = frozenset((401, 403, 429))
#: An answer that broke off because the server is being stopped, and one that failed in the middle.
STOPPED, FAILED = 503, 500
#: Routes that are asked all the time and by themselves: told of only where they fail.
QUIET = frozenset(("GET /health", "GET /ready", "GET /metrics", "GET /static"))
ID_HEADER = b"x-request-id"

REQUESTS = counter(
    "chengtu_requests_total", "Requests answered, by route and class of status.", route=(), status=()
)
SECONDS = histogram("chengtu_request_seconds", "Time until a request was answered, by route.", route=())
BYTES = counter("chengtu_response_bytes_total", "Bytes of replies' bodies, before they were packed.")
IN_FLIGHT = gauge("chengtu_requests_in_flight", "Requests that are being answered.", by_process=True)


def declare(lines: Iterable[str]) -> None:
    """Make room for every route there is, as `METHOD path`; what is asked for beside them counts as one."""
    for line in (*lines, OTHER):
        SECONDS.declare((line,))
        for status in CLASSES:
            REQUESTS.declare((line, status))


def request_id(scope: Scope, settings: Settings | None) -> str:
    """The id of a request: what a trusted proxy calls it, else a new one."""
    if settings is not None and settings.trusted_proxies:
        client = scope.get("client")
        given = [value for name, value in scope["headers"] if name == ID_HEADER]
        if len(given) == 1 and client and is_proxy(client[0], settings):
            told = given[0].decode("latin-1")
            if is_id(told):
                return str(told)
    return new_id()


class Tally:
    """One request, from its first byte to the last one of its reply."""

    __slots__ = ("broke", "method", "scope", "sent", "started", "status", "whole")

    #: Of this process.
    open = 0

    def __init__(self, scope: Scope, method: str) -> None:
        self.scope = scope
        self.method = method
        self.status = 0
        self.sent = 0
        #: Whether the reply was sent to its end; where it was not, the status that says why, 0: its client left.
        self.whole = False
        self.broke = 0
        self.started = time.perf_counter()
        Tally.open += 1
        IN_FLIGHT.set(to=Tally.open)

    def end(self) -> None:
        """Count it and tell of it."""
        Tally.open -= 1
        IN_FLIGHT.set(to=Tally.open)
        took = time.perf_counter() - self.started
        line = self.scope.get(LINE, OTHER)
        if (line,) not in SECONDS.series:
            line = OTHER
        status = self.status if self.whole else self.broke or LEFT
        REQUESTS.add(line, f"{status // 100}xx")
        SECONDS.observe(line, seconds=took)
        if self.sent:
            BYTES.add(by=self.sent)
        if status >= 400 or line not in QUIET:
            self._tell(line, status, took)

    def _tell(self, line: str, status: int, took: float) -> None:
        level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
        if not log.isEnabledFor(level):
            return
        principal: Principal | None = self.scope.get(PRINCIPAL)
        told = {
            "method": self.method,
            "route": line.partition(" ")[2] or line,
            "status": status,
            "ms": round(1000 * took, 1),
            "bytes": self.sent,
            "who": None if principal is None else principal.name or principal.kind,
        }
        settings: Settings | None = getattr(self.scope["app"].state, "settings", None)
        if status in TRACED and settings is not None:
            told["from"] = peer_address(HTTPConnection(self.scope), settings)
        log.log(level, "request", extra={TOLD: told})
