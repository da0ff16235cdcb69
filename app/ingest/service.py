"""Importing files: read apart, understood, then written whole in one transaction, or nothing of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from app.catalogue.code_rules import check_system
from app.database.transactions import Connection
from app.errors import BadInput, Conflict, UnreadableFile
from app.garbage import seldom_collected
from app.ingest.after_service import After, versions_before
from app.ingest.files import SourceFile, is_geodatabase, list_files, recognise
from app.ingest.headings import choose_class
from app.ingest.options import ImportOptions
from app.ingest.paths import shown, shown_name
from app.ingest.reading_service import Importing, Reading, find_survey, open_reading
from app.ingest.recording_service import Record, recorded
from app.ingest.records_store import keep_rejects
from app.ingest.rejects import RejectsFile, rejects_files, write_rejects
from app.ingest.report import file_report, record_of
from app.ingest.store import keep_origin, keep_report
from app.ingest.tally import Tally
from app.ingest.where import compile_where
from app.inventory import areas_job, search_index_store
from app.inventory.batch import Batch, Change, Counts, ImportSource
from app.inventory.service import MANY_ROWS, write_batches
from app.space.transform import check_crs

Progress = Callable[[float, float | None, str], None]
#: What is told while the rows go to the database, before their classes are written.
WRITING = "writing"
#: Options that a saved mapping keeps.
ASKED = ("key", "crs", "encoding", "code_system", "where")


class _UndoneError(Exception):
    """Leaves the transaction of a dry run, or of a strict import with rejects, so that it is rolled back."""


def import_with(means: Importing, path: Path, options: ImportOptions) -> dict[str, Any]:
    """Import a file, or each file of a folder: `{"files": [report, …]}` (see `report.file_report`).

    Each file is one transaction. With `dry_run` it is rolled back at the end, so that the counts are those that a
    real import would reach. In a folder a file that cannot be used has `error` and `hint` in its report and the others
    are imported; a single file raises.

    Raises:
        UnreadableFile, BadInput, NotFound: The file cannot be read, its CRS is unknown, no class takes it,
            or an option names what does not exist.
        Conflict: `strict` was asked for and rows were refused, or rows would overwrite those of another file; nothing
            was written.
    """
    check_options(means, options)
    if not path.is_dir() or is_geodatabase(path):
        return {"files": [_one(means, _recognise(means, path, options), options)]}
    if options.delete_missing:
        raise BadInput(
            f"'{shown_name(path)}' is a folder: what one of its files lacks may stand in another.",
            "Import its files one by one with --delete-missing.",
        )
    files = list_files(path)
    survey = find_survey(means, path, options)
    whole = [] if survey is None else [_one(means, survey, options)]
    taken = set() if survey is None else {item.path for item in survey.members}
    rest = [item for item in files if item.resolve() not in taken]
    return {"files": [*whole, *(_tolerant(means, item, options) for item in rest)]}


def check_options(means: Importing, options: ImportOptions) -> None:
    """Refuse wrong names before a long file is read."""
    choose_class(means.catalogue, options.class_id, ())
    if options.code_system is not None:
        check_system(means.catalogue.codes, options.code_system)
    if options.crs is not None:
        check_crs(options.crs, means.systems)
    if options.where is not None:
        compile_where(options.where)
    if options.delete_missing and (options.where is not None or options.layer is not None):
        raise BadInput(
            "What a part of a file lacks is not missing.",
            "Give --delete-missing without --where and --layer.",
        )


def _tolerant(means: Importing, item: Path, options: ImportOptions) -> dict[str, Any]:
    try:
        return _one(means, _recognise(means, item, options), options)
    except BadInput as error:
        return {
            "path": shown(item), "classes": {}, "rejects": [], "crs": None, "encoding": None,
            "error": error.message, "hint": error.hint,
        }  # fmt: skip


def _recognise(means: Importing, path: Path, options: ImportOptions) -> SourceFile:
    """The file; one of a format that is not read is on record as failed too."""
    try:
        return recognise(path)
    except UnreadableFile:
        if path.exists():
            with _recorded(means, means.import_id or uuid4(), path, options):
                raise
        raise


def _recorded(
    means: Importing, import_id: UUID, path: Path, options: ImportOptions, file_format: str | None = None
) -> AbstractContextManager[object]:
    """The import on record while the block lasts; a dry run leaves none."""
    if options.dry_run:
        return nullcontext()
    return recorded(
        means.db, Record(import_id, means.shown or shown(path.resolve()), file_format), means.who, means.job
    )


def _one(means: Importing, file: SourceFile, options: ImportOptions) -> dict[str, Any]:
    started = time.perf_counter()
    import_id = means.import_id or uuid4()
    with (
        seldom_collected(),
        _recorded(means, import_id, file.path, options, file.format),
        open_reading(means, file, options) as reading,
    ):
        return _write(means, file, reading, options, import_id, started)


def _write(
    means: Importing,
    file: SourceFile,
    reading: Reading,
    options: ImportOptions,
    import_id: UUID,
    started: float,
) -> dict[str, Any]:
    means.progress(0, None, WRITING)
    tally = Tally()
    more: dict[str, Any] = {"dry_run": options.dry_run, "import": str(import_id)}
    counts: dict[str, Counts] = {}
    rejected: list[RejectsFile] = []
    try:
        with means.db.write() as conn:
            change = _change(means, file, reading, import_id)
            versions = versions_before(conn, means.catalogue, reading.classes)
            counts = write_batches(
                conn, means.catalogue.stored, _told(means, reading, conn, tally), change, means.progress
            )
            _lose(reading, tally)
            rejected = _rejected(means, file, reading, tally)
            more |= After(
                conn,
                means.catalogue,
                options,
                tally,
                change,
                versions,
                reading.numbered,
                reading.skipped,
                reading.lost,
                reading.partial,
                reading.absent,
                reading.surveyed,
            ).tell()
            report = _report(means, file, reading, tally, counts, started, more)
            _leave(undone=options.dry_run or (options.strict and bool(report["rejects"])))
            _keep(conn, import_id, report, rejected)
            keep_origin(conn, import_id, reading.origin)
            if means.finish is not None:
                means.finish(conn, record_of(report))
    except _UndoneError:
        more["import"] = None
    else:
        areas_job.recompute(means.db, means.catalogue.stored, means.progress)
        if sum(found.loaded for found in counts.values()) >= MANY_ROWS:
            with means.db.write() as conn:
                search_index_store.analyze(conn)
    more["rejects_file"] = (
        shown(write_rejects(means.rejects, rejected))
        if means.rejects and rejected and not options.dry_run
        else None
    )
    report |= {**more, "seconds": _seconds(started)}
    if options.strict and report["rejects"] and not options.dry_run:
        with means.db.write() as conn:
            _keep(conn, import_id, report, rejected)
        raise Conflict(
            f"{len(report['rejects'])} rows of '{file.name}' were refused, so nothing was written.",
            _first(report["rejects"]),
        )
    return report


def _told(means: Importing, reading: Reading, conn: Connection, tally: Tally) -> Iterator[Batch]:
    """The batches; before each is handed on, the rows so far are told: whoever listens may want to stop."""
    for batch in reading.batches(conn, tally):
        means.progress(sum(tally.read.values()), reading.rows, WRITING)
        yield batch


def _keep(conn: Connection, import_id: UUID, report: dict[str, Any], rejected: list[RejectsFile]) -> None:
    keep_report(conn, import_id, record_of(report))
    keep_rejects(conn, import_id, rejected)


def _report(
    means: Importing,
    file: SourceFile,
    reading: Reading,
    tally: Tally,
    counts: dict[str, Counts],
    started: float,
    more: dict[str, Any],
) -> dict[str, Any]:
    named = {"path": means.shown or shown(file.path), "format": file.format}
    return file_report(named, reading.about(tally), tally, counts, _seconds(started), **more)


def _seconds(started: float) -> float:
    return round(time.perf_counter() - started, 2)


def _first(rejects: list[dict[str, Any]]) -> str:
    told = [f"row {item['row']}: {item['field']}: {item['reason']}" for item in rejects[:3]]
    return "; ".join(told) + ". See all with --dry-run; load the good rows without --strict."


def _leave(*, undone: bool) -> None:
    if undone:
        raise _UndoneError


def _lose(reading: Reading, tally: Tally) -> None:
    """Rows whose class no id tells are told of beside those of the first class: they belong to none."""
    if reading.plan is not None and reading.plan.lost:
        class_id = reading.plan.layers[0].cls.id
        tally.refuse(class_id, reading.plan.lost)
        tally.read[class_id] += len(reading.plan.lost)


def _change(means: Importing, file: SourceFile, reading: Reading, import_id: UUID) -> Change:
    source = ImportSource(
        means.shown or shown(file.path), file.format, file.sha256(), reading.crs, reading.encoding,
        **asdict(reading.origin), extent=reading.extent,
    )  # fmt: skip
    return Change(means.who, f"import of {file.name}", import_id, source, means.metric_crs)


def _rejected(means: Importing, file: SourceFile, reading: Reading, tally: Tally) -> list[RejectsFile]:
    """The refused rows as files to be mended."""
    if reading.plan is None:
        return []
    crs = {plan.given.name: plan.detection.label for plan in reading.plan.layers}
    names = {*crs, *(item["layer"] for item in reading.plan.skipped)}
    return rejects_files(file, tally.files, crs, single=len(names) == 1, http=means.job is not None)
