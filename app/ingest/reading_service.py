"""A file as understood: its layers read apart, planned, and handed on as batches made while they are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from app.catalogue.model import Catalogue, FeatureClass
from app.database.transactions import Connection, Database
from app.errors import BadInput, UnreadableFile
from app.ingest import osm
from app.ingest.files import SourceFile, list_files, recognise
from app.ingest.headings import choose_class
from app.ingest.layer import Ask, Extent, LayerSource
from app.ingest.mapping import SavedMapping
from app.ingest.mapping_file import save_mapping, used_mapping
from app.ingest.options import ImportOptions, Origin
from app.ingest.own_area_service import own_rows
from app.ingest.periods import split_untimed, with_start
from app.ingest.planning import City, FilePlan, LayerPlan, plan_file
from app.ingest.sandbox import Begun, Limits, load_osm, open_layers
from app.ingest.store import read_nodes, read_places
from app.ingest.survey import find_tables
from app.ingest.tables_service import read_batches
from app.ingest.tally import Tally
from app.inventory.batch import Batch
from app.inventory.difference import remember_codes
from app.space.city_systems import NO_SYSTEMS, CitySystems
from app.space.transform import LOCAL_LABEL, crs_label
from app.validation.city_store import read_divisions, read_frame, read_surroundings
from app.validation.clean import shape_notes

Progress = Callable[[float, float | None, str], None]
#: Formats of tables without geometry, which may be parts of one survey.
TABLES = frozenset({"delimited", "xlsx", "dbf"})
#: Options that a saved mapping keeps.
ASKED = ("key", "crs", "encoding", "code_system", "where")


@dataclass(frozen=True, slots=True)
class Importing:
    """Who imports into what, and with which means; the same for every file of a folder.

    `mapping` is a saved one, `save_mapping` the file that the mapping used is written to, `rejects` the file or folder
    that refused rows are written to, `limits` bound the process that reads, `systems` are the city's own coordinate
    systems. An uploaded file is `shown` by the name that its sender gave it; `job` is the one that imports it, ended by
    `finish` with the report in the transaction that writes the rows. `begun` is the reading of a file that has begun.
    """

    db: Database
    catalogue: Catalogue
    who: str
    progress: Progress = lambda *_: None
    metric_crs: str | None = None
    mapping: SavedMapping | None = None
    save_mapping: Path | None = None
    rejects: Path | None = None
    limits: Limits | None = None
    systems: CitySystems = NO_SYSTEMS
    import_id: UUID | None = None
    shown: str | None = None
    job: UUID | None = None
    finish: Callable[[Connection, dict[str, Any]], None] | None = None
    begun: Begun | None = None


@dataclass(slots=True)
class Reading:
    """A file as understood: what the report says of it, and its batches, made within the writing transaction.

    `crs` is the label of a CRS, which never tells the parameters of a city's own. `absent` are classes of which such a
    file could hold features and holds none.
    """

    batches: Callable[[Connection, Tally], Iterator[Batch]]
    classes: list[str]
    crs: str | None
    encoding: str | None
    extent: Extent | None
    origin: Origin
    skipped: list[dict[str, Any]] = field(default_factory=list)
    plan: FilePlan | None = None
    absent: list[str] = field(default_factory=list)

    @property
    def partial(self) -> frozenset[str]:
        """The classes of which only some rows are asked for: what the others hold is not missing."""
        plans = [] if self.plan is None else self.plan.layers
        return frozenset(plan.cls.id for plan in plans if plan.preparation.where is not None)

    @property
    def numbered(self) -> dict[str, str]:
        """Class → the column that is its key only since it numbers the rows."""
        plans = [] if self.plan is None else [layer.rows for layer in self.plan.layers]
        return {plan.cls.id: plan.key for plan in plans if plan.numbered and plan.key is not None}

    @property
    def surveyed(self) -> frozenset[str]:
        """The classes whose codes are the numbers of a survey's points; where a key is named they are meant."""
        return frozenset() if self.plan is None else frozenset(self.plan.surveyed)

    @property
    def rows(self) -> int | None:
        """The rows in all, None as long as they are still read."""
        given = [] if self.plan is None else [plan.given for plan in self.plan.layers]
        return sum(source.count for source in given) or None if all(s.is_whole() for s in given) else None

    @property
    def lost(self) -> int:
        """The number of rows that no class took."""
        return 0 if self.plan is None else len(self.plan.lost)

    def about(self, tally: Tally) -> dict[str, Any]:
        """What the report says of the file as a whole and of each of its layers."""
        plans = [] if self.plan is None else self.plan.layers
        layers = [plan.as_dict() for plan in plans]
        for told, plan in zip(layers, plans, strict=True):
            told["notes"] += shape_notes(tally.told.get(plan.given.name, Counter()), plan.cls)
            told["warnings"] += _no_hit(plan, tally)
        return {
            "crs": self.crs,
            "encoding": self.encoding,
            "extent": list(self.extent) if self.extent else None,
            **asdict(self.origin),
            "keys": {told["layer"]: told["key"] for told in layers},
            "headings": {told["layer"]: told["headings"] for told in layers},
            "layers": layers,
            "skipped": self.skipped,
        }


def _no_hit(plan: LayerPlan, tally: Tally) -> list[str]:
    """What to say of a condition that left nothing of a class."""
    where, class_id = plan.preparation.where, plan.cls.id
    if where is None or tally.skipped[class_id] < tally.read[class_id]:
        return []
    return [where.no_hit(chunk.columns for chunk in plan.given.chunks())]


def find_survey(means: Importing, folder: Path, options: ImportOptions) -> SourceFile | None:
    """The tables of a folder that are one survey: points in one file, lines between them in another."""
    files = list(_tables(folder))
    if len(files) < 2:
        return None
    with ExitStack() as stack:
        of_file: dict[int, SourceFile] = {}
        sources = []
        for file in files:
            with suppress(BadInput):
                layers = stack.enter_context(open_part(means, file, options))
                sources += layers
                of_file |= {id(layer): file for layer in layers}
        tables = find_tables(sources) if len(set(of_file.values())) > 1 else None
    if tables is None:
        return None
    parts = [*(table.source for table in tables.points), *(table.source for table in tables.lines)]
    members = tuple(dict.fromkeys(of_file[id(source)] for source in parts))
    return SourceFile(folder.resolve(), members[0].format, members=members) if len(members) > 1 else None


def open_part(
    means: Importing, file: SourceFile, options: ImportOptions
) -> AbstractContextManager[list[LayerSource]]:
    """The layers of one file as they stand in it, read apart while the context lasts."""
    encoding = options.encoding or (means.mapping.encoding if means.mapping else None)
    return open_layers(file, Ask(encoding, options.layer), means.progress, means.limits, means.begun)


def _tables(folder: Path) -> Iterator[SourceFile]:
    for path in list_files(folder):
        with suppress(BadInput):
            file = recognise(path)
            if file.format in TABLES:
                yield file


@contextmanager
def open_reading(means: Importing, file: SourceFile, options: ImportOptions) -> Iterator[Reading]:
    """A file as understood, to be written before the context ends.

    Raises:
        UnreadableFile, BadInput: It cannot be read, or not be understood.
    """
    if file.format == "osm":
        yield _read_osm(means, file, options)
        return
    with ExitStack() as stack:
        sources = [
            source
            for part in file.members or (file,)
            for source in stack.enter_context(open_part(means, part, options))
        ]
        with means.db.read() as conn:
            plan = plan_file(means.catalogue, file, sources, options, city_of(conn, means), means.mapping)
        if not plan.layers:
            why = "; ".join(f"{item['layer']}: {item['reason'].rstrip('.')}" for item in plan.skipped)
            raise UnreadableFile(f"'{file.name}' holds nothing that can be loaded.", f"{why}.")
        if means.save_mapping is not None:
            _save_mapping(means, means.save_mapping, plan, options)
        yield _understood(means, plan, options)


def _save_mapping(means: Importing, path: Path, plan: FilePlan, options: ImportOptions) -> None:
    """Write what the import uses, so that it can be edited and used again; never a definition of a CRS."""
    given = {**asdict(options.origin), **{name: getattr(options, name) for name in ASKED}}
    if options.crs is not None and crs_label(options.crs, means.systems) == LOCAL_LABEL:
        given["crs"] = None
    # The one layer of next year's file may be called otherwise.
    single = len(plan.layers) == 1 and not plan.skipped
    used = [
        used_mapping(
            layer.cls, None if single else layer.given.name, layer.rows.meaning, layer.mapping
        ).with_options(**given)
        for layer in plan.layers
    ]
    told = [layer.as_dict() for layer in plan.layers]
    suggestions = [item for layer in told for item in layer["suggestions"]]
    rest = {layer["layer"]: layer["extra"] for layer in told}
    save_mapping(path, SavedMapping(tuple(used)), suggestions, rest)


def city_of(conn: Connection, means: Importing) -> City:
    """What is known of the city, asked on `conn` while a file is planned."""

    def stored(cls: FeatureClass, codes: list[str]) -> dict[str, tuple[float, float]]:
        return read_places(conn, cls, codes)

    frame = read_frame(conn)
    around = read_surroundings(conn, means.catalogue.stored.classes.values()) if frame is None else None
    return City(read_divisions(conn), frame, means.systems, stored, partial(read_nodes, conn), around)


def _understood(means: Importing, plan: FilePlan, options: ImportOptions) -> Reading:
    mappings = [layer.mapping for layer in plan.layers if layer.mapping is not None]
    said = {
        name: getattr(options.origin, name)
        or next((getattr(m, name) for m in mappings if getattr(m, name)), None)
        for name in ("source", "licence", "attribution")
    }
    return Reading(
        lambda conn, tally: read_batches(conn, plan, options, means.systems, tally),
        list(dict.fromkeys(layer.cls.id for layer in plan.layers)),
        _join(layer.detection.label for layer in plan.layers),
        _join(layer.given.encoding or "UTF-8" for layer in plan.layers),
        next((layer.given.extent for layer in plan.layers if layer.given.extent), None),
        Origin(**said),
        [{name: value for name, value in item.items() if name != "unnamed"} for item in plan.skipped],
        plan,
    )


def _join(names: Iterator[str]) -> str | None:
    return ", ".join(dict.fromkeys(names)) or None


def _read_osm(means: Importing, file: SourceFile, options: ImportOptions) -> Reading:
    _refuse_options(file, options)
    chosen = choose_class(means.catalogue, options.class_id, ())
    classes = [
        cls for cls in means.catalogue.classes.values() if cls.osm and (chosen is None or cls is chosen)
    ]
    if not classes:
        raise BadInput(
            f"The class '{options.class_id}' is not read from OpenStreetMap.", "It has no OSM rule."
        )
    data = load_osm(file, classes, means.progress, means.limits)
    found = osm.make_batches(data, classes)
    if not any(item.batch.read for item in found):
        hint = "No object has the tags of a class."
        raise UnreadableFile(f"'{file.name}' holds nothing that can be loaded.", hint)
    return Reading(
        lambda conn, tally: _osm_batches(conn, found, classes, tally, options),
        [item.batch.class_id for item in found],
        "EPSG:4326",
        "UTF-8",
        data.extent,
        Origin(osm.SOURCE, osm.LICENCE, osm.ATTRIBUTION),
        absent=[cls.id for cls in classes if all(item.batch.class_id != cls.id for item in found)],
    )


def _osm_batches(
    conn: Connection,
    found: list[osm.OsmBatch],
    classes: list[FeatureClass],
    tally: Tally,
    options: ImportOptions,
) -> Iterator[Batch]:
    by_id = {cls.id: cls for cls in classes}
    for item in found:
        batch = item.batch
        if options.dry_run or options.delete_missing:
            refused = [str(reject.row) for reject in batch.rejects]
            remember_codes(conn, by_id[batch.class_id], [*batch.codes, *refused])
        tally.read[batch.class_id] += batch.read
        batch, _, others = own_rows(conn, by_id[batch.class_id], batch, batch.codes)
        batch = replace(batch, rejects=[*batch.rejects, *others])
        tally.refuse(batch.class_id, batch.rejects)
        tally.repaired.extend(item.repaired)
        tally.incomplete.extend(item.cut)
        since = options.valid_from
        yield from split_untimed(batch if since is None else replace(batch, valid=with_start(batch, since)))


def _refuse_options(file: SourceFile, options: ImportOptions) -> None:
    """What OSM says by itself cannot be said otherwise, and must not be passed over in silence."""
    if options.code_system is not None:
        raise BadInput(
            f"'{file.name}' is OpenStreetMap data: it holds no official component ids.",
            "Leave out --code-system.",
        )
    if options.key is not None or (options.crs is not None and options.crs.upper() != "EPSG:4326"):
        raise BadInput(
            f"'{file.name}' is OpenStreetMap data: its CRS is EPSG:4326 and its keys are n1, w1, r1.",
            "Leave out --crs and --key.",
        )
    if options.where is not None or options.layer is not None:
        raise BadInput(
            f"'{file.name}' is OpenStreetMap data: it has no columns and layers.",
            "Choose a class of its objects with --class.",
        )
