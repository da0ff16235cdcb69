"""Importing in tests: options as keywords, and the steps of reading one file or layer without writing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from app.catalogue.model import Catalogue, FeatureClass
from app.coverage.engine_client import EngineClient
from app.database.transactions import Database
from app.errors import UnreadableFile
from app.ingest import osm, service
from app.ingest.detect import detect
from app.ingest.files import recognise
from app.ingest.layer import Layer
from app.ingest.options import ImportOptions
from app.ingest.osm_file import read_osm
from app.ingest.place import place_layer
from app.ingest.row_plan import plan_rows
from app.ingest.rows import RowReader
from app.ingest.spool import sources
from app.inventory.batch import Batch
from app.settings import Settings
from app.validation.components import Official
from app.worker import make_worker

#: What imports write into a data folder.
WRITTEN = frozenset({"uploads", "spool"})
OPTIONS = frozenset(item.name for item in fields(ImportOptions))


def own_home(settings: Settings, folder: Path) -> Settings:
    """Settings whose data folder is the test's own for what imports write, for all else the one that tests share."""
    for shared in settings.home_path.iterdir():
        if shared.name not in WRITTEN:
            (folder / shared.name).symlink_to(shared)
    return settings.model_copy(update={"home": folder})


@contextmanager
def working(settings: Settings) -> Iterator[None]:
    """A worker does the jobs meanwhile."""
    worker = make_worker(settings, EngineClient(None))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join()
        worker._db.dispose()


def import_path(
    db: Database, catalogue: Catalogue, path: Path | str, *, who: str = "test", **given: Any
) -> dict[str, Any]:
    """`service.import_with` with options and means as keywords."""
    options = ImportOptions(**{name: value for name, value in given.items() if name in OPTIONS})
    means = {name: value for name, value in given.items() if name not in OPTIONS}
    return service.import_with(service.Importing(db, catalogue, who, **means), Path(path), options)


@dataclass(frozen=True)
class MadeBatch:
    """What became of one layer."""

    batch: Batch
    crs: str
    key: str
    headings: dict[str, str]
    repaired: list[dict[str, Any]]
    warnings: list[dict[str, Any]]


def make_batch(
    layer: Layer,
    cls: FeatureClass,
    *,
    crs: str | None = None,
    key: str | None = None,
    official: Official | None = None,
) -> MadeBatch:
    """One layer, in memory, as rows of a class."""
    (source,) = sources([layer])
    plan = plan_rows(source, cls, key, official)
    detection = detect(source, crs, None)
    made = RowReader(plan, official).read(layer, place_layer(layer, detection))
    return MadeBatch(made.batch, detection.label, plan.shown_key, plan.headings, made.repaired, made.warnings)


@dataclass(frozen=True)
class OsmFile:
    """What became of an OSM file."""

    batches: list[Batch]
    incomplete: list[dict[str, Any]]
    repaired: list[dict[str, Any]]
    extent: tuple[float, float, float, float] | None


def parse_osm(catalogue: Catalogue, path: Path, class_id: str | None = None) -> OsmFile:
    """An OSM file in this process, as batches of every class that takes an object."""
    classes = [cls for cls in catalogue.classes.values() if cls.osm and class_id in {None, cls.id}]
    data = read_osm(recognise(path), classes)
    found = osm.make_batches(data, classes)
    if not found:
        raise UnreadableFile("It holds nothing that can be loaded.")
    return OsmFile(
        [item.batch for item in found],
        [cut for item in found for cut in item.cut],
        [change for item in found for change in item.repaired],
        data.extent,
    )


def write_points(path: Path, rows: range, name: str) -> Path:
    """A GeoJSON file of points with the codes `c<row>` and names that begin with `name`."""
    features = [
        {
            "type": "Feature",
            "properties": {"编码": f"c{i}", "name": f"{name}{i}"},
            "geometry": {"type": "Point", "coordinates": [115.8 + i % 40 / 1000, 28.6 + i // 40 / 1000]},
        }
        for i in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path
