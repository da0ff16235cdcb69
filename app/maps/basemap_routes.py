"""The file of vector tiles that settings name as a basemap, to be read piece by piece."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse

from app.access.dependencies import CatalogueDep, SettingsDep
from app.errors import NotFound, UnreadableFile
from app.maps.marks import ARCHIVE, is_open_to_all
from app.pmtiles import MEDIA_TYPE, read_about

router = APIRouter(tags=["maps"])


@router.get(
    ARCHIVE,
    summary="The city's map as one file of vector tiles (PMTiles)",
    response_class=FileResponse,
    responses={
        200: {"description": "The file.", "content": {MEDIA_TYPE: {}}},
        206: {"description": "The bytes that `Range` asks for.", "content": {MEDIA_TYPE: {}}},
        404: {"description": "The settings name no file, or it is gone, or a public view may not see it."},
    },
)
def get_basemap(settings: SettingsDep, catalogue: CatalogueDep) -> FileResponse:
    """The file that `CHENGTU_BASEMAP_PMTILES` names, where it lies on this machine; pages read parts of it."""
    path = settings.basemap_path
    try:
        shown = path is not None and (not catalogue.open_only or is_open_to_all(read_about(path).metadata))
    except UnreadableFile:
        shown = False
    if path is None or not shown or not path.is_file():
        raise NotFound(
            "There is no file of tiles to be shown here.",
            "Write one (chengtu export --tiles city.pmtiles) and name it: CHENGTU_BASEMAP_PMTILES=city.pmtiles",
        )
    reply = FileResponse(path, media_type=MEDIA_TYPE, stat_result=path.stat())
    reply.headers["Cache-Control"] = "no-cache"
    return reply
