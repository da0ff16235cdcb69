"""Downloads: `GET /exports/{name}.{ext}` gives a class, a run or the whole city as a file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from app.access.dependencies import CatalogueDep, DatabaseDep, SettingsDep
from app.access.time_parameters import AsOf, KnownAt
from app.coverage.service import find_class_or_run
from app.exports.formats import FORMATS
from app.exports.service import WHOLE_CITY, export
from app.space.city_systems import NO_SYSTEMS, load_city_systems
from app.space.transform import check_crs

router = APIRouter(tags=["exports"])

MEDIA_TYPES = {ending: form.media_type for ending, form in FORMATS.items()}
NAME = PathParameter(
    pattern=r"^[^\x00-\x1f./\\]{1,64}$",
    description="Class id, title or alias, run id, or `city`.",
    examples=["toilets"],
)
PART = Query(description="Of a run in formats of one layer: its areas, gaps or units.")

PROFILE = Query(
    description="City components under the attributes of their standard instead of our fields; the file's member "
    "`missing` counts the rows that lack a mandatory one."
)

CODES = Query(description="XLSX with the stored values of choices instead of their Chinese labels.")

CRS = Query(
    description="EPSG code (`EPSG:4548`), or the name of a coordinate system that the city declared; "
    "default EPSG:4490. GeoJSON, CSV and XLSX have longitude and latitude only.",
    max_length=60,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an export is asked for beside its name and form."""

    db: DatabaseDep
    catalogue: CatalogueDep
    settings: SettingsDep
    part: Annotated[Literal["areas", "gaps", "units"], PART] = "areas"
    profile: Annotated[Literal["gbt47678"] | None, PROFILE] = None
    as_of: AsOf = None
    known_at: KnownAt = None
    crs: Annotated[str | None, CRS] = None
    codes: Annotated[bool, CODES] = False


AskedDep = Annotated[Asked, Depends()]


def _answers(endings: Iterable[str]) -> dict[int | str, dict[str, Any]]:
    kinds = sorted({MEDIA_TYPES[ending] for ending in endings})
    return {200: {"description": "The file.", "content": {kind: {} for kind in kinds}}}


# Before the other one, which would take `toilets.shp` for the name.
@router.get(
    "/exports/{name}.{kind}.zip",
    summary="Download a class, a run or the whole city as zipped Shapefiles or FileGDB",
    response_class=FileResponse,
    responses=_answers(["shp.zip", "gdb.zip"]),
)
def get_zipped_export(
    name: Annotated[str, NAME], kind: Literal["shp", "gdb"], asked: AskedDep
) -> FileResponse:
    """Download a class, a run or the whole city as a zip of Shapefiles with the map of their short names, or a FileGDB.

    The file is written whole before the answer starts, and removed after it.
    """
    return _download(name, f"{kind}.zip", asked)


@router.get(
    "/exports/{name}.{ext}",
    summary="Download a class, a run or the whole city",
    response_class=FileResponse,
    responses=_answers(ending for ending in FORMATS if not ending.endswith(".zip")),
)
def get_export(
    name: Annotated[str, NAME],
    ext: Literal["gpkg", "geojson", "xlsx", "csv", "fgb", "parquet"],
    asked: AskedDep,
) -> FileResponse:
    """Download a class, a run or the whole city in one of the formats.

    The file is written whole before the answer starts, and removed after it.
    """
    return _download(name, ext, asked)


def _download(name: str, ending: str, asked: Asked) -> FileResponse:
    if name != WHOLE_CITY:
        with asked.db.read() as conn:
            name = find_class_or_run(conn, asked.catalogue, name)
    systems = NO_SYSTEMS if asked.crs is None else load_city_systems(asked.settings)
    if asked.crs is not None:
        check_crs(asked.crs, systems, definitions=False)
    folder = Path(tempfile.mkdtemp(prefix="chengtu-export-"))
    try:
        file = folder / f"export.{ending}"
        export(
            asked.db, asked.catalogue, name, file,
            part=asked.part, profile=asked.profile, as_of=asked.as_of, known_at=asked.known_at,
            crs=asked.crs, systems=systems, codes=asked.codes,
        )  # fmt: skip
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(
        file,
        media_type=MEDIA_TYPES[ending],
        filename=f"{name}.{ending}",
        background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
    )
