"""`/health` (the process lives) and `/ready` (database with PostGIS, and engine, can answer)."""

from __future__ import annotations

import anyio
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from app.access.dependencies import get_db, get_engine
from app.errors import Unavailable
from app.version import version

router = APIRouter(tags=["Health"])

#: Longer than this the answer is "not ready", seconds.
PATIENCE_S = 1.5
#: Who asks whether all is well waits for no thread that others hold; of those that hang there are so many at most.
_THREADS = CapacityLimiter(4)


@router.get("/health", summary="Liveness", response_description="The process takes requests.")
async def health() -> dict[str, str]:
    """Answers as long as the process lives; asks no other part."""
    return {"status": "ok", "version": version()}


@router.get(
    "/ready",
    summary="Readiness",
    responses={503: {"description": "The database or the engine is away, or the database lacks PostGIS."}},
)
async def ready(request: Request) -> JSONResponse:
    """200 when database (with PostGIS) and engine can answer, else 503 with what is missing."""
    try:
        with anyio.fail_after(PATIENCE_S):
            await to_thread.run_sync(_check, request, abandon_on_cancel=True, limiter=_THREADS)
    except TimeoutError:
        raise Unavailable(
            "The database does not answer in time.", "Look at the database server's load."
        ) from None
    return JSONResponse({"status": "ready"}, headers={"Cache-Control": "no-store"})


def _check(request: Request) -> None:
    with get_db(request).read() as conn:
        found = conn.exec_driver_sql("SELECT 1 FROM pg_extension WHERE extname = 'postgis'").first()
    if found is None:
        raise Unavailable(
            "The database has no PostGIS.", "As its owner: CREATE EXTENSION postgis; then db migrate."
        )
    if not get_engine(request).is_up():
        raise Unavailable(
            "The engine is not running.", "It is started again by itself; try again in a few seconds."
        )
