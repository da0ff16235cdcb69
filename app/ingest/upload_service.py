"""Uploads as jobs: checked, queued, imported by the worker, and removed from the disk when the job has ended."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from app.catalogue.model import Catalogue
from app.catalogue.public_part import part_of
from app.database.scope import as_service, author
from app.database.transactions import Connection, Database
from app.errors import Away, BadInput, Conflict
from app.ingest import records_store
from app.ingest.inspect_service import inspect
from app.ingest.kept_upload import keep
from app.ingest.mapping import load_mapping
from app.ingest.options import ImportOptions
from app.ingest.reading_service import Importing
from app.ingest.report import record_of
from app.ingest.sandbox import Limits
from app.ingest.service import WRITING, check_options, import_with
from app.ingest.upload import Upload, uploads_root
from app.ingest.upload_options import UploadOptions
from app.inventory.history_store import interrupt_dead_imports
from app.jobs import service as jobs
from app.jobs.context import JobContext, JobInterrupted
from app.settings import Settings
from app.space.city_systems import load_city_systems
from app.words.sentences import told_report

#: The kind of job that imports an upload.
KIND = "import"
#: The kind of job that looks into one.
INSPECT_KIND = "inspect"
#: What no job wants any more is removed after so long.
LEFT_S = 86_400.0
#: What is kept for later takes no more room than so many files of the largest size.
KEPT_LIMITS = 4
#: Progress is saved no more often than this.
TELL_S = 0.5
#: Step → the share of the whole at its begin and end; any other step is the class that is being written.
STEPS = {"reading": (0.0, 0.05), WRITING: (0.05, 0.6)}
OTHERWISE = (0.6, 0.99)


def queue_import(
    db: Database,
    catalogue: Catalogue,
    settings: Settings,
    upload: Upload,
    options: UploadOptions,
    who: str,
    key: str | None,
) -> tuple[UUID, str]:
    """Queue the import of an upload; ids of the job and of the import. Under a known `key` those of that one.

    Where that one failed by no fault of the file, it is queued anew.

    Raises:
        BadInput, NotFound: The options cannot be used.
        Conflict: Another file or other options were sent under the same key.
    """
    means = _means(db, catalogue, settings, upload, who)
    check_options(means, options.import_options())
    told = {
        "upload": upload.folder.name, "name": upload.name, "sha256": upload.sha256, "import": str(uuid4()),
        "options": options.as_request(),
    }  # fmt: skip
    asked_in = jobs.scope_of_job()
    with as_service(), db.write(timeout_s=10) as conn:
        jobs.check_room(db, conn)
        job, known = records_store.enqueue_import(conn, told, author(who), key, asked_in)
    if known["import"] != told["import"]:
        if any(known[name] != told[name] for name in records_store.SENT):
            raise Conflict(
                "Another import was asked for under the same Idempotency-Key.", "Give each its own key."
            )
        upload.remove()
    return job, known["import"]


def queue_inspection(
    db: Database, catalogue: Catalogue, settings: Settings, upload: Upload, options: UploadOptions, who: str
) -> UUID:
    """Queue a look into an upload, which is kept for what is asked of it next; the id of the job.

    Raises:
        BadInput, NotFound: The options cannot be used.
    """
    check_options(_means(db, catalogue, settings, upload, who), options.import_options())
    most = KEPT_LIMITS * settings.upload_limit_mb * 1_000_000
    request = {"upload": keep(upload, most), "name": upload.name, "options": options.as_request()}
    return jobs.enqueue(db, INSPECT_KIND, request, who)


def do_inspection(context: JobContext, catalogue: Catalogue) -> dict[str, Any]:
    """Look into one upload: the handler of its job. The file stays, whatever is found."""
    settings, request = context.db.settings, context.request
    upload = Upload(uploads_root(settings.home_path) / request["upload"], request["name"])
    if not upload.path.exists():
        raise BadInput(f"The upload of '{upload.name}' is not there any more.", "Send the file again.")
    catalogue = part_of(catalogue, context.db.scope.level)
    means = replace(_means(context.db, catalogue, settings, upload, context.who), progress=_Teller(context))
    options = UploadOptions.model_validate(request["options"]).import_options()
    context.check()
    found = inspect(means, upload.path, options)
    return {"upload": request["upload"], "name": upload.name, "bytes": upload.path.stat().st_size, **found}


def _means(db: Database, catalogue: Catalogue, settings: Settings, upload: Upload, who: str) -> Importing:
    return Importing(
        db, catalogue, who, metric_crs=settings.metric_crs,
        mapping=None if upload.mapping is None else load_mapping(upload.mapping, catalogue),
        limits=Limits.of(settings), systems=load_city_systems(settings), shown=upload.name,
    )  # fmt: skip


def do_import(context: JobContext, catalogue: Catalogue) -> dict[str, Any]:
    """Import one upload: the handler of its job. The result is the report, its long lists cut."""
    settings, request = context.db.settings, context.request
    upload = Upload(uploads_root(settings.home_path) / request["upload"], request["name"])
    try:
        report = _import(context, catalogue, settings, upload, request)
    except (JobInterrupted, Away):
        raise  # the job is taken up again, and wants its file; at its last run what is left is removed later
    except BaseException:
        upload.remove()
        raise
    upload.remove()
    return _result(report)


def _result(report: Mapping[str, Any]) -> dict[str, Any]:
    """What the job gives: the report with its long lists cut, told in both languages to a caller over HTTP."""
    return told_report(record_of(report), http=True)


def _import(
    context: JobContext,
    catalogue: Catalogue,
    settings: Settings,
    upload: Upload,
    request: Mapping[str, Any],
) -> dict[str, Any]:
    if not upload.path.exists():
        raise BadInput(f"The upload of '{upload.name}' is not there any more.", "Send the file again.")

    def finish(conn: Connection, report: dict[str, Any]) -> None:
        # Rows, record and the end of the job are saved together: a worker that is killed leaves all or none.
        context.finish(conn, told_report(report, http=True))

    # A file is understood as far as who sent it may see.
    catalogue = part_of(catalogue, context.db.scope.level)
    means = replace(
        _means(context.db, catalogue, settings, upload, context.who),
        progress=_Teller(context), import_id=UUID(request["import"]), job=context.job_id, finish=finish,
    )  # fmt: skip
    options: ImportOptions = UploadOptions.model_validate(request["options"]).import_options()
    context.check()
    report: dict[str, Any] = import_with(means, upload.path, options)["files"][0]
    return report


class _Teller:
    """Saves how far the work on a file is now and then; raises where the job is to stop, until its rows are written.

    Shares only grow, and the last one stays below 1: that is the end of the job alone.
    """

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._last = 0.0
        self._share = 0.0

    def __call__(self, done: float, total: float | None, text: str) -> None:
        if self._context.finished:
            return
        self._context.check()
        now = time.monotonic()
        if now - self._last >= TELL_S:
            self._last = now
            first, last = STEPS.get(text, OTHERWISE)
            part = min(done / total, 1.0) if total else 0.0
            self._share = max(self._share, round(first + (last - first) * part, 3))
            self._context.progress(self._share, text)


def tidy_imports(db: Database) -> None:
    """Write down which imports were interrupted, and remove uploads that no job wants any more."""
    with db.write(timeout_s=10) as conn:
        interrupt_dead_imports(conn)
        wanted = records_store.wanted_uploads(conn)
    root = uploads_root(db.settings.home_path)
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.name not in wanted and _age(folder) > LEFT_S:
            shutil.rmtree(folder, ignore_errors=True)


def _age(folder: Path) -> float:
    try:
        return time.time() - folder.lstat().st_mtime
    except FileNotFoundError:
        return 0.0
