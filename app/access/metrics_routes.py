"""`GET /metrics`: numbers of the whole server, whichever process is asked."""

from __future__ import annotations

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response

from app.access.dependencies import get_db, get_engine
from app.access.metrics import metrics
from app.meters import MEDIA_TYPE

router = APIRouter(tags=["Health"])

#: Of those who ask, so many at once; they take no thread from the pages.
_THREADS = CapacityLimiter(2)


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Text format 0.0.4."}
    },
)
async def read_metrics(request: Request) -> Response:
    """Requests, connections, queues, limits, jobs and backups of all processes; a database that is away is told.

    From the machine itself it is read without a key, from elsewhere with one of an auditor or system administrator.
    """
    text = await to_thread.run_sync(_read, request, limiter=_THREADS)
    return Response(text, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def _read(request: Request) -> str:
    state = request.app.state
    return metrics(
        get_db(request), state.limits, engine_up=get_engine(request).is_up(), kinds=state.kinds_of_jobs
    )
