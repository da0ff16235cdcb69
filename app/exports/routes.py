"""Downloads: `GET /exports/{name}.{ext}` gives a class, a run or the whole city as a file."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from app.access.dependencies import CatalogueDep, DatabaseDep
from app.access.time_parameters import AsOf, KnownAt
from app.exports.service import export

router = APIRouter(tags=["exports"])

MEDIA_TYPES = {"gpkg": "application/geopackage+sqlite3", "geojson": "application/geo+json"}
NAME = PathParameter(
    pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Class id, run id, or `city`.", examples=["toilets"]
)
PART = Query(description="Of a run as GeoJSON: its areas, gaps or units.")

PROFILE = Query(
    description="City components under the attributes of their standard instead of our fields; the file's member "
    "`missing` counts the rows that lack a mandatory one."
)


@router.get(
    "/exports/{name}.{ext}",
    summary="Download a class, a run or the whole city",
    response_class=FileResponse,
    responses={200: {"description": "The file.", "content": {kind: {} for kind in MEDIA_TYPES.values()}}},
)
def get_export(
    name: Annotated[str, NAME],
    ext: Literal["gpkg", "geojson"],
    db: DatabaseDep,
    catalogue: CatalogueDep,
    part: Annotated[Literal["areas", "gaps", "units"], PART] = "areas",
    profile: Annotated[Literal["gbt47678"] | None, PROFILE] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> FileResponse:
    """Download a class, a run or the whole city as GeoPackage or GeoJSON.

    The file is written whole before the answer starts, and removed after it.
    """
    folder = Path(tempfile.mkdtemp(prefix="chengtu-export-"))
    try:
        file = folder / f"export.{ext}"
        export(db, catalogue, name, file, part=part, profile=profile, as_of=as_of, known_at=known_at)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(
        file,
        media_type=MEDIA_TYPES[ext],
        filename=f"{name}.{ext}",
        background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
    )
