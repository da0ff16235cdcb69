"""Making a QGIS project of the city: what it holds is read in one snapshot, the file is whole or not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import numpy as np
import shapely

from app.catalogue.model import Catalogue, Lang, Title
from app.coverage.service import list_runs
from app.database.transactions import Connection, Database
from app.errors import BadInput
from app.exports import project_store, store
from app.exports.model import ExportData, ExportLayer, watched
from app.exports.placing import DEFAULT
from app.exports.project import Place, Project, class_layers, relate
from app.exports.project_document import zip_project
from app.exports.project_runs import LEVELS, PARTS, RunRows, run_layers, table_of
from app.exports.project_sources import Beside, Server, Sources, read_address
from app.exports.service import WHOLE_CITY, Report, Wishes, identify, read_export, whole_file, write_file
from app.inventory.changes import get_metric_crs
from app.space.metric import MetricCrs, choose_metric_crs
from app.space.transform import crs_label

ENDING = "qgz"
TITLE = Title("城图", "Chengtu")
PLACES_TITLE = Title("区域", "Districts")
#: The view at the start is that much wider than the city.
AROUND = 0.03
#: Degrees that a side of it has at least, some 100 m: nothing can be seen of a point.
LEAST = 1e-3
#: Runs that a project shows at most: one a policy.
MOST_RUNS = 100


@dataclass(frozen=True, slots=True)
class ProjectWishes:
    """What a project is asked for.

    `connect` is where its layers read: `files`, a GeoPackage of the same name beside it, or `server`, this service
    at the address `url`. `lang` is the language of its titles. `as_of` and `known_at` choose the versions of rows in
    files. `runs` tells whether it has the newest run of each policy, which are of now.
    """

    connect: Literal["files", "server"] = "files"
    url: str | None = None
    lang: Lang = "zh"
    as_of: str | None = None
    known_at: str | None = None
    runs: bool = True


def write_project(
    db: Database, catalogue: Catalogue, to: Path, wishes: ProjectWishes, report: Report | None = None
) -> dict[str, Any]:
    """Write a project of the city to `to` (`.qgz`), with `files` also the GeoPackage beside it; what was written.

    Result: `{"path", "connect", "layers": {name: rows}, "relations", "bookmarks", "bytes", "data"}`, `data` being what
    `export` tells of the GeoPackage, None with `server`.

    Raises:
        BadInput: The name does not end in .qgz, the address is none, the folder does not exist.
        NotFound: The database holds nothing.
        NoSpace: The disk is full.
    """
    if to.suffix.lower() != f".{ENDING}":
        raise BadInput(f"'{to.name}' is no name of a project.", f"A QGIS project ends in .{ENDING}.")
    data, sources = None, _sources(wishes, to.stem)
    with (
        whole_file(to, ENDING) as beside,
        db.stream() as conn,
        store.reading(conn, catalogue) as reading,
    ):
        rows, runs = _read(reading, wishes)
        project = _project(conn, rows, runs, sources, wishes.lang)
        if wishes.connect == "files":
            whole = _with_runs(rows, runs)
            data = write_file(watched(whole, report) if report else whole, to.with_suffix(".gpkg"))
        packed = zip_project(project, to.stem)
        beside.write_bytes(packed)
    told = {"path": str(to), "connect": wishes.connect, **_told(project)}
    return {**told, "bytes": len(packed), "data": data}


def make_project(db: Database, catalogue: Catalogue, name: str, wishes: ProjectWishes) -> bytes:
    """The bytes of a project called `name`; of `files` it reads `name`.gpkg, which is not written here.

    Raises as `write_project`.
    """
    sources = _sources(wishes, name)
    with db.stream() as conn, store.reading(conn, catalogue) as reading:
        rows, runs = _read(reading, wishes)
        return zip_project(_project(conn, rows, runs, sources, wishes.lang), name)


def identify_project(conn: Connection, catalogue: Catalogue, wishes: ProjectWishes) -> dict[str, str]:
    """What makes two projects the same: the data, the runs and what was asked for."""
    runs = list_runs(conn, catalogue, limit=MOST_RUNS, newest_only=True)
    said = {"wishes": repr(wishes), "runs": " ".join(str(run["run"]) for run in runs)}
    return {**identify(conn, catalogue, WHOLE_CITY, ENDING), **said}


def _told(project: Project) -> dict[str, Any]:
    layers = {layer.rows.name: len(layer.rows) for layer in project.layers if layer.rows.cls is not None}
    return {
        "layers": layers, "results": len(project.layers) - len(layers), "relations": len(project.relations),
        "bookmarks": len(project.places),
    }  # fmt: skip


def _read(reading: store.Reading, wishes: ProjectWishes) -> tuple[ExportData, list[RunRows]]:
    """The classes that hold rows, and the newest run of each policy."""
    asked = Wishes(as_of=wishes.as_of, known_at=wishes.known_at)
    rows = replace(read_export(reading, WHOLE_CITY, "city.gpkg", asked), crs=DEFAULT)
    then = wishes.as_of is not None or wishes.known_at is not None
    return rows, list(_read_runs(reading)) if wishes.runs and not then else []


def _sources(wishes: ProjectWishes, name: str) -> Sources:
    """Where the layers read; BadInput for an address that is none, and for times that the server does not answer."""
    if wishes.connect == "files":
        return Beside(name)
    if wishes.as_of is not None or wishes.known_at is not None:
        raise BadInput("Layers of the server are of now.", "Ask for files, or leave as_of and known_at out.")
    return Server(read_address(wishes.url))


def _read_runs(reading: store.Reading) -> Iterator[RunRows]:
    for run in list_runs(reading.conn, reading.catalogue, limit=MOST_RUNS, newest_only=True):
        uuid = UUID(str(run["run"]))
        held = project_store.list_levels(reading.conn, uuid)
        parts = {part: store.read_run(reading, uuid, part, {}) for part in PARTS}
        filled = {part: layer for part, layer in parts.items() if len(layer) > 0}
        level = next((level for level in LEVELS if level in held), None)
        yield RunRows(run, filled, level, frozenset(project_store.list_gaps(reading.conn, uuid)))


def _with_runs(rows: ExportData, runs: Sequence[RunRows]) -> ExportData:
    """The classes and, as tables of their own, the parts of the runs."""
    more = (
        replace(layer, name=table_of(run.run["policy"]["id"], part))
        for run in runs
        for part, layer in run.parts.items()
    )
    return replace(rows, layers=(*rows.layers, *more), about={**rows.about, "crs": DEFAULT})


def _project(
    conn: Connection, rows: ExportData, runs: Sequence[RunRows], sources: Sources, lang: Lang
) -> Project:
    served = isinstance(sources, Server)
    places = project_store.list_places(conn)
    homes = _homes(places)
    found = class_layers(rows.layers, sources.of_class, lang, served=served)
    names = {str(area["code"]): _name(area, lang) for area in homes}
    layers, relations = relate(found, lang, names, chosen=not served)
    results = run_layers(runs, sources.of_run, lang)
    box = _box(places, rows.layers)
    metric = _metric(conn, box)
    bookmarks = (
        Place(f"area-{area['code']}", _name(area, lang), _metres(metric, _box_of(area))) for area in homes
    )
    return Project(
        _title(places, lang), _abstract(rows), rows.about.get("attribution", ""), lang, metric.definition,
        _wider(_metres(metric, box)), (*layers, *results), tuple(sources.tiles(layers, lang)), tuple(relations),
        tuple(bookmarks), PLACES_TITLE.in_(lang),
    )  # fmt: skip


def _title(places: Sequence[Mapping[str, Any]], lang: Lang) -> str:
    """The name of the city, where its areas tell it, and ours."""
    city = next((area for area in places if area["level"] == "city"), None)
    return f"{_name(city, lang)} · {TITLE.in_(lang)}" if city else TITLE.in_(lang)


def _homes(places: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The areas that are bookmarked and that features are at home in: districts, where the city has any."""
    levels = {area["level"] for area in places}
    level = next((level for level in project_store.HOME_LEVELS if level in levels), None)
    return [area for area in places if area["level"] == level]


def _name(area: Mapping[str, Any], lang: Lang) -> str:
    names = (area["name_zh"], area["name_en"])
    return str(next(filter(None, names if lang == "zh" else reversed(names)), area["code"]))


def _abstract(rows: ExportData) -> str:
    """What stands in the metadata: source, licence, attribution, day and change, and whether it is a sample."""
    keys = ("notice", "source", "licence", "attribution", "as_of", "known_at")
    return "\n".join(f"{key}: {rows.about[key]}" for key in keys if rows.about.get(key))


def _box_of(area: Mapping[str, Any]) -> tuple[float, float, float, float]:
    return (float(area["west"]), float(area["south"]), float(area["east"]), float(area["north"]))


def _box(
    places: Sequence[Mapping[str, Any]], layers: Sequence[ExportLayer]
) -> tuple[float, float, float, float]:
    """The box of the whole city in lon/lat: that of its areas, else of all that it holds."""
    boxes: list[Sequence[float]] = [_box_of(area) for area in places]
    boxes = boxes or [found for layer in layers if (found := layer.extent()) is not None]
    ends = np.array(boxes or [(-180.0, -85.0, 180.0, 85.0)], dtype=np.float64)
    west, south = ends[:, :2].min(axis=0)
    east, north = ends[:, 2:].max(axis=0)
    return (float(west), float(south), float(east), float(north))


def _metric(conn: Connection, box: Sequence[float]) -> MetricCrs:
    """The city's metric CRS where it is in a register: parameters of others stay in the house."""
    found = get_metric_crs(conn)
    if ":" in crs_label(found.definition):
        return found
    return choose_metric_crs((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)


def _metres(metric: MetricCrs, box: Sequence[float]) -> tuple[float, float, float, float]:
    """The box in metres of what lies in a box of lon/lat, which of a single feature may be a point."""
    west, east = _at_least(box[0], box[2])
    south, north = _at_least(box[1], box[3])
    outline = shapely.segmentize(shapely.box(west, south, east, north), max(east - west, north - south) / 16)
    found = metric.to_metric(np.array([outline], dtype=object))[0].bounds
    return (found[0], found[1], found[2], found[3])


def _at_least(low: float, high: float) -> tuple[float, float]:
    """The ends of a side, moved apart where there is nothing to be seen between them."""
    lacking = max(0.0, LEAST - (high - low)) / 2
    return low - lacking, high + lacking


def _wider(box: Sequence[float]) -> tuple[float, float, float, float]:
    x, y = AROUND * (box[2] - box[0]), AROUND * (box[3] - box[1])
    return (box[0] - x, box[1] - y, box[2] + x, box[3] + y)
