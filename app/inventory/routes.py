"""HTTP for what the city owns, in figures."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.access.dependencies import CatalogueDep, ReadConn
from app.inventory.summary import summary

router = APIRouter(tags=["inventory"])
AreaQuery = Annotated[
    str | None,
    Query(
        description="Code or name of an area; default the whole city.", max_length=200, examples=["东湖区"]
    ),
]


@router.get("/summary", summary="Counts, km and m² by class, kind, state, year and district")
def get_summary(conn: ReadConn, catalogue: CatalogueDep, area: AreaQuery = None) -> dict[str, Any]:
    """Figures of every class; numbers go by home, lengths and areas are cut at borders."""
    return summary(conn, catalogue, area)
