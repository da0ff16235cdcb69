"""Tells the database where a request comes from, and notes who reads what is restricted: once an hour and class."""

from __future__ import annotations

import time

import anyio.to_thread
from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.gate import LINE
from app.access.peer import peer_address
from app.access.principal import Principal, principal_of
from app.catalogue.model import Catalogue
from app.catalogue.restricted import restricted_of
from app.database.audit import Event, note_once
from app.database.origin import ORIGIN, Origin
from app.database.scope import SCOPE, as_service
from app.database.transactions import Database
from app.errors import ChengtuError
from app.problems import problem
from app.settings import Settings

PERIOD_S = 3600
MAX_KNOWN = 10_000
#: Routes that read features of several classes at once, by the first part of their path; the portal is at `/` too.
SEVERAL = frozenset(
    (
        "",
        "collections",
        "search",
        "tiles",
        "field",
        "map",
        "overview",
        "changes",
        "imports",
        "jobs",
        "photos",
        "reach",
        "coverage",
        "exports",
        "scenarios",
        "summary",
        "completeness",
        "assessments",
    )
)
#: Routes that tell nothing of a restricted feature: what is declared, what lies on the ground, borders, and what holds
#: no feature at all.
HARMLESS = frozenset(
    (
        "GET /conformance",
        "GET /api",
        "GET /docs",
        "GET /metrics",
        "GET /tileMatrixSets",
        "GET /tileMatrixSets/{tileMatrixSetId}",
        "GET /policies",
        "GET /policies/{policy}",
        "GET /background/tiles",
        "GET /background/tiles/{tileMatrixSetId}",
        "GET /background/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
        "GET /basemap.pmtiles",
        "GET /areas/check",
        "GET /network",
        "GET /me",
        "GET /users",
        "GET /audit",
        "GET /audit/verify",
    )
)
#: Questions that are asked by POST and answered by what they read.
ASKED = frozenset(
    (
        "POST /coverage",
        "POST /coverage/series",
        "POST /coverage/service-area",
        "POST /scenarios/guard",
    )
)
_READING = frozenset({"GET", "HEAD"})


class Noting:
    """An ASGI layer behind the gate: sets `ORIGIN`; a first read of something restricted is noted before the answer."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        self._settings = settings
        self._known: dict[tuple[str, str], int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        principal = principal_of(request)
        name = principal.name or principal.kind
        token = ORIGIN.set(Origin(principal.kind, peer_address(request, self._settings), name))
        try:
            refused = await self._refused(request, principal, name)
            await (refused or self.app)(scope, receive, send)
        finally:
            ORIGIN.reset(token)

    async def _refused(self, request: Request, principal: Principal, name: str) -> Response | None:
        """The problem where a read cannot be noted: then there is none."""
        try:
            await self._note(request, principal, name)
        except ChengtuError as error:
            return problem(request, error)
        return None

    async def _note(self, request: Request, principal: Principal, name: str) -> None:
        seen = SCOPE.get()
        line = request.scope.get(LINE, "")
        if principal.kind not in ("user", "key") or not (request.method in _READING or line in ASKED):
            return
        if seen is None or seen.level != "restricted":
            return
        about = restricted_read(line, request.scope["path"], request.app.state.catalogue)
        hour = int(time.time()) // PERIOD_S
        if about is None or self._known.get((name, about)) == hour:
            return
        await anyio.to_thread.run_sync(_write, request.app.state.db, about, request.scope["path"])
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[name, about] = hour


def restricted_read(line: str, path: str, catalogue: Catalogue) -> str | None:
    """What of the restricted a route may show: a class's id, or the kind of route that shows several; else None."""
    parts = path.strip("/").split("/")
    if "{collection}" in line and len(parts) > 1:
        cls = catalogue.classes.get(parts[1])
        return parts[1] if cls is not None and restricted_of(cls) else None
    if "{name}" in line and parts[0] == "exports":
        return None  # noted as an export
    if not line or line in HARMLESS or parts[0] not in SEVERAL:
        return None
    return parts[0] or "map"


def _write(db: Database, about: str, path: str) -> None:
    with as_service(), db.write(timeout_s=10) as conn:
        note_once(conn, Event.READ_RESTRICTED, about, seconds=PERIOD_S, path=path)
