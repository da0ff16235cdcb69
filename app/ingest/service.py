"""Importing files: recognise, read, understand, then write the whole file in one transaction, or nothing of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np

from app.catalogue.code_rules import check_system
from app.catalogue.model import Catalogue, FeatureClass
from app.database.transactions import Database
from app.errors import BadInput, UnreadableFile
from app.ingest import osm
from app.ingest.components import Official
from app.ingest.divisions import Divisions
from app.ingest.files import SourceFile, list_files, recognise
from app.ingest.geojson import read_geojson
from app.ingest.gpkg import read_gpkg
from app.ingest.headings import choose_class
from app.ingest.layer import Layer
from app.ingest.osm_file import read_osm
from app.ingest.periods import split_untimed, with_start
from app.ingest.report import Origin, Parsed, file_report, record_of
from app.ingest.routing import Routed, route
from app.ingest.rows import LayerBatch, make_batch
from app.ingest.settle_service import settle
from app.ingest.store import keep_origin, keep_report, read_divisions
from app.inventory import areas_job, search_index_store
from app.inventory.batch import Batch, Change, Counts, ImportSource, Period, Reject
from app.inventory.service import MANY_ROWS, write_batches
from app.space.transform import parse_crs

Progress = Callable[[float, float | None, str], None]


class _DryRunError(Exception):
    """Leaves the transaction of a dry run, so that it is rolled back."""


def import_path(
    db: Database,
    catalogue: Catalogue,
    path: Path | str,
    *,
    class_id: str | None = None,
    crs: str | None = None,
    encoding: str | None = None,
    key: str | None = None,
    code_system: str | None = None,
    valid_from: date | None = None,
    dry_run: bool = False,
    who: str,
    progress: Progress | None = None,
    metric_crs: str | None = None,
    origin: Origin | None = None,
) -> dict[str, Any]:
    """Import a file, or each file of a folder: `{"files": [report, …]}` (see `report.file_report`).

    Each file is one transaction. With `dry_run` it is rolled back at the end, so that the counts are those that a
    real import would reach. `code_system` is the edition of official component ids in rows that do not name one.
    `valid_from` is the day from which on things are as the file tells, where its rows do not say; what was believed of
    the days before stays. `origin` is kept with the import; OpenStreetMap data has its own. In a folder a file that
    cannot be used has `error` and `hint` in its report and the others are imported; a single file raises.

    Raises:
        UnreadableFile, BadInput, NotFound: The file cannot be read, its CRS is unknown, no class takes it,
            or an option names what does not exist.
    """
    given = Path(path)
    _check_options(catalogue, class_id, crs, code_system)
    step = progress or (lambda *_: None)

    def one(item: Path) -> dict[str, Any]:
        started = time.perf_counter()
        parsed = parse_file(
            catalogue, item, class_id=class_id, crs=crs, encoding=encoding, key=key, code_system=code_system,
            divisions=_divisions(db), progress=step,
        )  # fmt: skip
        if valid_from is not None:
            parsed.batches = [replace(batch, valid=with_start(batch, valid_from)) for batch in parsed.batches]
        if origin is not None and parsed.source is None:
            parsed.source, parsed.licence, parsed.attribution = astuple(origin)
        return _write(
            db, catalogue, item, parsed, started, who=who, dry_run=dry_run, step=step, metric=metric_crs
        )

    if not given.is_dir():
        return {"files": [one(given)]}
    return {"files": [_tolerant(one, item) for item in list_files(given)]}


def _divisions(db: Database) -> Divisions:
    with db.read() as conn:
        return read_divisions(conn)


def _check_options(
    catalogue: Catalogue, class_id: str | None, crs: str | None, code_system: str | None
) -> None:
    """Refuse wrong names before a long file is read."""
    choose_class(catalogue, class_id, ())
    if code_system is not None:
        check_system(catalogue.codes, code_system)
    if crs is not None and crs.lower().replace("-", "") not in ("gcj02", "bd09"):
        parse_crs(crs)


def _tolerant(one: Callable[[Path], dict[str, Any]], item: Path) -> dict[str, Any]:
    try:
        return one(item)
    except BadInput as error:
        return {"path": str(item), "classes": {}, "rejects": [], "crs": None, "encoding": None,
                "error": error.message, "hint": error.hint}  # fmt: skip


def parse_file(
    catalogue: Catalogue,
    path: Path,
    *,
    class_id: str | None = None,
    crs: str | None = None,
    encoding: str | None = None,
    key: str | None = None,
    code_system: str | None = None,
    divisions: Divisions | None = None,
    progress: Progress | None = None,
) -> Parsed:
    """A file as batches, ready to write; nothing is written. Raises as `import_path` does.

    Official ids must name one of `divisions` that their row lies in; None: their districts are not checked.
    """
    file = recognise(path)
    if file.format == "osm":
        _refuse_options(file, crs, key, code_system)
        parsed = _parse_osm(catalogue, file, class_id, progress)
    else:
        layers = read_gpkg(file) if file.format == "gpkg" else read_geojson(file, encoding)
        parsed = _parse_layers(
            catalogue, file, layers, class_id=class_id, crs=crs, key=key, encoding=encoding,
            official=Official(catalogue, code_system, divisions),
        )  # fmt: skip
    if not any(batch.read for batch in parsed.batches):
        raise UnreadableFile(f"'{file.name}' holds nothing that can be loaded.", _empty_hint(file, parsed))
    return parsed


def _refuse_options(file: SourceFile, crs: str | None, key: str | None, code_system: str | None) -> None:
    """What OSM says by itself cannot be said otherwise, and must not be passed over in silence."""
    if code_system is not None:
        raise BadInput(
            f"'{file.name}' is OpenStreetMap data: it holds no official component ids.",
            "Leave out --code-system.",
        )
    if key is not None or (crs is not None and crs.upper() != "EPSG:4326"):
        raise BadInput(
            f"'{file.name}' is OpenStreetMap data: its CRS is EPSG:4326 and its keys are n1, w1, r1.",
            "Leave out --crs and --key.",
        )


def _empty_hint(file: SourceFile, parsed: Parsed) -> str:
    if parsed.skipped:
        return "; ".join(f"{item['layer']}: {item['reason']}" for item in parsed.skipped) + "."
    return "No object has the tags of a class." if file.format == "osm" else "Its layers have no rows."


def _parse_osm(
    catalogue: Catalogue, file: SourceFile, class_id: str | None, progress: Progress | None
) -> Parsed:
    chosen = choose_class(catalogue, class_id, ())
    classes = [cls for cls in catalogue.classes.values() if cls.osm and (chosen is None or cls is chosen)]
    if not classes:
        raise BadInput(f"The class '{class_id}' is not read from OpenStreetMap.", "It has no OSM rule.")
    data = read_osm(file, classes, progress)
    found = osm.make_batches(data, classes)
    return Parsed(
        str(file.path), file.osm_format, [item.batch for item in found], "EPSG:4326", "UTF-8", data.extent,
        osm.SOURCE, osm.LICENCE, osm.ATTRIBUTION,
        incomplete=[cut for item in found for cut in item.cut],
        repaired=[change for item in found for change in item.repaired],
    )  # fmt: skip


def _parse_layers(
    catalogue: Catalogue,
    file: SourceFile,
    layers: list[Layer],
    *,
    class_id: str | None,
    crs: str | None,
    key: str | None,
    encoding: str | None,
    official: Official,
) -> Parsed:
    named = [(layer, _class_of(catalogue, file, layer, class_id, len(layers))) for layer in layers]
    routed = [_routed(layer, cls, official) for layer, cls in named]
    chosen = [pair for item in routed for pair in item.layers]
    pairs = [(layer, cls) for layer, cls in chosen if cls is not None and layer.skipped is None]
    if not pairs and all(layer.skipped is None for layer in layers):
        raise _no_class(catalogue, file, layers)
    made = [
        (layer, make_batch(layer, cls, crs=crs, key=key, official=official))
        for layer, cls in pairs
        if layer.rows
    ]
    lost = [reject for item in routed for reject in item.lost]
    skipped = [
        {"layer": layer.name, "reason": layer.skipped or "no class has this name; name one with --class"}
        for layer, cls in chosen
        if cls is None or layer.skipped
    ]
    return Parsed(
        str(file.path), file.format, _with_lost(merge([item.batch for _, item in made]), lost),
        _join(item.crs for _, item in made),
        encoding or "UTF-8", next((layer.extent for layer in layers if layer.extent), None),
        keys={layer.name: item.key for layer, item in made},
        headings={layer.name: item.headings for layer, item in made},
        repaired=[change for _, item in made for change in item.repaired],
        skipped=skipped,
        warnings=[warning for _, item in made for warning in item.warnings],
        learned=_learned(item for _, item in made),
        keyed_by_id=frozenset(item.batch.class_id for _, item in made if item.keyed_by_id),
    )  # fmt: skip


def _routed(layer: Layer, cls: FeatureClass | None, official: Official) -> Routed:
    """A layer that no class is named like is taken apart by the official ids of its rows, where they tell classes."""
    found = route(layer, official) if cls is None and layer.skipped is None else None
    return found or Routed([(layer, cls)], [])


def _with_lost(batches: list[Batch], lost: list[Reject]) -> list[Batch]:
    """Rows whose class no id tells are told of beside those of the first class: they belong to none."""
    if lost and batches:
        batches[0] = replace(batches[0], rejects=[*batches[0].rejects, *lost])
    return batches


def _learned(made: Iterable[LayerBatch]) -> dict[str, frozenset[str]]:
    learned: dict[str, frozenset[str]] = {}
    for item in made:
        learned[item.batch.class_id] = learned.get(item.batch.class_id, frozenset()) | item.learned
    return {class_id: fields for class_id, fields in learned.items() if fields}


def _class_of(
    catalogue: Catalogue, file: SourceFile, layer: Layer, class_id: str | None, layers: int
) -> FeatureClass | None:
    stem = file.path.name.split(".")[0]
    return choose_class(catalogue, class_id, [layer.name, stem] if layers == 1 else [layer.name])


def _no_class(catalogue: Catalogue, file: SourceFile, layers: list[Layer]) -> BadInput:
    names = ", ".join(f"'{layer.name}'" for layer in layers)
    ids = "city components may be mixed where their ids are stated to be of one --code-system"
    hint = f"Name the class with --class; {ids}. Classes: {', '.join(sorted(catalogue.classes))}."
    return BadInput(f"No class is named like the layer {names} of '{file.name}'.", hint)


def _join(names: Any) -> str | None:
    return ", ".join(dict.fromkeys(names)) or None


def merge(batches: Sequence[Batch]) -> list[Batch]:
    """One batch a class, layers in order; a code that an earlier layer has is rejected in the later one."""
    merged: dict[str, Batch] = {}
    for batch in batches:
        known = merged.get(batch.class_id)
        merged[batch.class_id] = batch if known is None else _append(known, batch)
    return list(merged.values())


def _append(first: Batch, second: Batch) -> Batch:
    taken = set(first.codes)
    keep = [i for i, code in enumerate(second.codes) if code not in taken]
    doubles = [
        Reject(code, "code", code, "the code is already used in another layer", "Give each row its own code.")
        for code in second.codes
        if code in taken
    ]
    names = dict.fromkeys([*first.columns, *second.columns])
    old, new = [None] * len(first.codes), [None] * len(second.codes)
    columns = {
        name: [*first.columns.get(name, old), *(second.columns.get(name, new)[i] for i in keep)]
        for name in names
    }
    geometry = first.geometry.tolist() + [second.geometry[i] for i in keep]
    return Batch(
        first.class_id,
        [*first.codes, *(second.codes[i] for i in keep)],
        _object_array(geometry),
        columns,
        [*first.extra, *(second.extra[i] for i in keep)],
        [*first.rejects, *second.rejects, *doubles],
        first.incomplete | second.incomplete,
        _join_periods(first, second, keep),
    )


def _join_periods(first: Batch, second: Batch, keep: Sequence[int]) -> list[Period] | None:
    if first.valid is None and second.valid is None:
        return None
    always: Period = (None, None)
    old, new = first.valid or [always] * len(first.codes), second.valid or [always] * len(second.codes)
    return [*old, *(new[i] for i in keep)]


def _object_array(items: list[Any]) -> Any:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def _write(
    db: Database,
    catalogue: Catalogue,
    path: Path,
    parsed: Parsed,
    started: float,
    *,
    who: str,
    dry_run: bool,
    step: Progress,
    metric: str | None,
) -> dict[str, Any]:
    step(0, None, "writing")
    import_id = uuid4()
    counts: dict[str, Counts] = {}
    try:
        with db.write() as conn:
            change = _change(path, parsed, import_id, who, metric)
            settle(conn, catalogue, parsed)
            parts = [part for batch in parsed.batches for part in split_untimed(batch)]
            counts = write_batches(conn, catalogue, parts, change, step)
            report = file_report(parsed, counts, time.perf_counter() - started, dry_run=dry_run)
            keep_report(conn, import_id, record_of(report))
            keep_origin(conn, import_id, Origin(parsed.source, parsed.licence, parsed.attribution))
            _leave(dry_run=dry_run)
    except _DryRunError:
        import_id_text = None
    else:
        import_id_text = str(import_id)
        areas_job.recompute(db, catalogue, step)
        if sum(found.loaded for found in counts.values()) >= MANY_ROWS:
            with db.write() as conn:
                search_index_store.analyze(conn)
    return file_report(
        parsed, counts, time.perf_counter() - started, dry_run=dry_run, **{"import": import_id_text}
    )


def _leave(*, dry_run: bool) -> None:
    if dry_run:
        raise _DryRunError


def _change(path: Path, parsed: Parsed, import_id: UUID, who: str, metric: str | None) -> Change:
    source = ImportSource(
        str(parsed.path), parsed.format, recognise(path).sha256(), parsed.crs, parsed.encoding, parsed.source,
        parsed.licence, parsed.attribution, parsed.extent,
    )  # fmt: skip
    return Change(who, f"import of {path.name}", import_id, source, metric)
