"""Downloads: `GET /exports/{name}.{ext}` gives a class, a run or the whole city as a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse

from app.access.dependencies import CatalogueDep, DatabaseDep, SettingsDep
from app.access.heavy import HeavyTurn
from app.access.reasons import LONGEST, REASON_ABOUT, note_export
from app.access.time_parameters import AsOf, KnownAt
from app.coverage.service import find_class_or_run
from app.exports.formats import FORMATS, no_ending
from app.exports.kept import KeptFiles
from app.exports.leaving_service import leaving_of
from app.exports.service import WHOLE_CITY, Wishes, export, identify
from app.space.city_systems import NO_SYSTEMS, load_city_systems
from app.space.transform import check_crs

router = APIRouter(tags=["exports"])

NOT_MODIFIED = 304
MEDIA_TYPES = {ending: form.media_type for ending, form in FORMATS.items()}
NAME = PathParameter(
    pattern=r"^[^\x00-\x1f./\\]{1,64}$",
    description="Class id, title or alias, run id, or `city`.",
    examples=["toilets"],
)
EXT = PathParameter(
    description="Ending of the file's name, its format.",
    json_schema_extra={"enum": [ending for ending in FORMATS if not ending.endswith(".zip")]},
)
ZIPPED = PathParameter(
    description="What the zip holds.",
    json_schema_extra={
        "enum": [ending.removesuffix(".zip") for ending in FORMATS if ending.endswith(".zip")]
    },
)
PART = Query(description="Of a run in formats of one layer: its areas, gaps, units or differences.")

PROFILE = Query(
    description="City components under the attributes of their standard instead of our fields; the file's member "
    "`missing` counts the rows that lack a mandatory one."
)

CODES = Query(description="XLSX with the stored values of choices instead of their Chinese labels.")

CRS = Query(
    description="EPSG code (`EPSG:4548`), or the name of a coordinate system that the city declared; "
    "default EPSG:4490, in DXF the city's metric system. GeoJSON, KML, CSV and XLSX have longitude and latitude only.",
    max_length=60,
)


AREA = Query(description="Only what is at home in an area, by its code or name.", max_length=100)

FILTER = Query(
    description="Only what meets a filter, CQL2 text or JSON, of one class or of every layer of a run.",
    max_length=20_000,
)

ENCODING = Query(description="Of the texts of Shapefiles; default UTF-8.")

REASON = Query(description=REASON_ABOUT, max_length=LONGEST)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an export is asked for beside its name and form."""

    db: DatabaseDep
    catalogue: CatalogueDep
    settings: SettingsDep
    part: Annotated[Literal["areas", "gaps", "units", "differences"], PART] = "areas"
    profile: Annotated[Literal["gbt47678"] | None, PROFILE] = None
    as_of: AsOf = None
    known_at: KnownAt = None
    area: Annotated[str | None, AREA] = None
    filter: Annotated[str | None, FILTER] = None
    crs: Annotated[str | None, CRS] = None
    codes: Annotated[bool, CODES] = False
    encoding: Annotated[Literal["UTF-8", "GBK"] | None, ENCODING] = None
    reason: Annotated[str | None, REASON] = None

    def wishes(self) -> Wishes:
        """The same for the service; raises BadInput where the CRS is none that may be asked for."""
        systems = NO_SYSTEMS if self.crs is None else load_city_systems(self.settings)
        if self.crs is not None:
            check_crs(self.crs, systems, definitions=False)
        return Wishes(
            self.part, self.profile, self.as_of, self.known_at, self.area, self.filter, self.crs, systems,
            self.codes, self.encoding,
        )  # fmt: skip


AskedDep = Annotated[Asked, Depends()]


def _answers(endings: Iterable[str]) -> dict[int | str, dict[str, Any]]:
    kinds = sorted({MEDIA_TYPES[ending] for ending in endings})
    return {200: {"description": "The file.", "content": {kind: {} for kind in kinds}}}


# Before the other one, which would take `toilets.shp` for the name.
@router.get(
    "/exports/{name}.{kind}.zip",
    summary="Download a class, a run or the whole city as a zip of Shapefiles, of a FileGDB or of one file a layer",
    response_class=FileResponse,
    responses=_answers(ending for ending in FORMATS if ending.endswith(".zip")),
)
def get_zipped_export(
    request: Request,
    name: Annotated[str, NAME],
    kind: Annotated[str, ZIPPED],
    _turn: HeavyTurn,
    asked: AskedDep,
) -> Response:
    """Download a class, a run or the whole city as a zip: Shapefiles, a FileGDB, or one file a layer of another format.

    The file is written whole before the answer starts; what broke off can be gone on with (`Range`, `If-Range`).
    """
    if f"{kind}.zip" not in FORMATS:
        raise no_ending(f"{kind}.zip")
    return _download(request, name, f"{kind}.zip", asked)


@router.get(
    "/exports/{name}.{ext}",
    summary="Download a class, a run or the whole city",
    response_class=FileResponse,
    responses=_answers(ending for ending in FORMATS if not ending.endswith(".zip")),
)
def get_export(
    request: Request,
    name: Annotated[str, NAME],
    ext: Annotated[str, EXT],
    _turn: HeavyTurn,
    asked: AskedDep,
) -> Response:
    """Download a class, a run or the whole city in one of the formats.

    The file is written whole before the answer starts; what broke off can be gone on with (`Range`, `If-Range`).
    """
    if ext not in FORMATS:
        raise no_ending(ext)
    return _download(request, name, ext, asked)


def _download(request: Request, name: str, ending: str, asked: Asked) -> Response:
    if name != WHOLE_CITY:
        with asked.db.read() as conn:
            name = find_class_or_run(conn, asked.catalogue, name)
    wishes, leaving = asked.wishes(), leaving_of(asked.db, asked.catalogue, name, asked.reason)
    written: dict[str, Any] = {}

    def write(path: Path) -> None:
        written.update(export(asked.db, leaving.catalogue, name, path, wishes))

    with leaving.reading():
        with asked.db.read() as conn:
            # Asked before the rows are read: a file under this key is never older than it says.
            key = {
                **asdict(replace(wishes, systems=NO_SYSTEMS)),
                **identify(conn, leaving.catalogue, name, ending),
            }
        file = KeptFiles(asked.settings.home_path / "exports").get(key, ending, write)
    reply = give_file(request, file, f"{name}.{ending}", MEDIA_TYPES[ending])
    if reply.status_code != NOT_MODIFIED:
        rows = sum(written["layers"].values()) if written else None
        told = {**wishes.chosen, "part": wishes.part if wishes.part != "areas" else None, "rows": rows}
        note_export(asked.db, name, ending, leaving, as_of=wishes.as_of, known_at=wishes.known_at, **told)
    if leaving.left_out:
        reply.headers["Chengtu-Left-Out"] = "restricted"
    return reply


def give_file(request: Request, file: Path, name: str, media_type: str) -> Response:
    """A kept file as a download called `name`; 304 to a client that has it."""
    reply = FileResponse(file, media_type=media_type, filename=name, stat_result=file.stat())
    reply.headers["Cache-Control"] = "no-cache"
    if reply.headers["etag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"ETag": reply.headers["etag"]})
    return reply
