"""HTTP of imports: a file sent in is taken to disk as it comes, and imported by a job; imports on record."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from app.access.dependencies import CatalogueDep, DatabaseDep, SettingsDep
from app.access.prefer import wait_s
from app.access.sender import check_sender
from app.errors import BadInput, ChengtuError, Conflict, InDoubt, NoSpace, error_from_plain
from app.ingest import upload_service
from app.ingest.kept_upload import adopt
from app.ingest.upload import FormReader, Sink, Upload, name_of_body, new_upload
from app.ingest.upload_docs import BODY, INSPECTED, RESPONSES
from app.ingest.upload_options import UploadOptions, join_options
from app.jobs import service as jobs
from app.jobs.store import Job
from app.settings import Settings

T = TypeVar("T")

router = APIRouter(tags=["imports"])

WHO = "http"
#: A sender that says nothing for so long is gone.
IDLE_S = 60.0


@router.post(
    "/imports",
    status_code=201,
    summary="Import a file: sent as a form, or as the body itself",
    openapi_extra={"requestBody": BODY},
    responses=RESPONSES,
)
async def post_import(
    request: Request,
    response: Response,
    catalogue: CatalogueDep,
    db: DatabaseDep,
    settings: SettingsDep,
    options: Annotated[UploadOptions, Query()],
    prefer: Annotated[str | None, Header(description="`wait=SECONDS` (default 5).")] = None,
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=200,
            description="The same key with the same file and options gives the same import, never a second one; "
            "where that one failed by no fault of the file (5xx), it is done anew.",
        ),
    ] = None,
) -> dict[str, Any]:
    """201 with the report when it is done in time (200 after a dry run), else 202 with the job that goes on."""

    def queue(upload: Upload, asked: UploadOptions) -> tuple[UUID, str]:
        return upload_service.queue_import(
            db, catalogue, settings, upload, asked, WHO, idempotency_key or None
        )

    _, (job_id, import_id) = await _queued(request, options, settings, queue)
    job = await jobs.wait(db, job_id, wait_s(prefer))
    return _answer(response, job, import_id)


@router.post(
    "/imports/inspect",
    summary="Look into a file before it is imported: layers, columns, coordinate system, first rows and features",
    openapi_extra={"requestBody": BODY},
    responses=INSPECTED,
)
async def post_inspection(
    request: Request,
    response: Response,
    catalogue: CatalogueDep,
    db: DatabaseDep,
    settings: SettingsDep,
    options: Annotated[UploadOptions, Query()],
    prefer: Annotated[str | None, Header(description="`wait=SECONDS` (default 5).")] = None,
) -> dict[str, Any]:
    """How an import would understand the file; nothing is written. `upload` names the file, kept for a day."""

    def queue(upload: Upload, asked: UploadOptions) -> UUID:
        return upload_service.queue_inspection(db, catalogue, settings, upload, asked, WHO)

    upload, job_id = await _queued(request, options, settings, queue)
    job = await jobs.wait(db, job_id, wait_s(prefer))
    kept = upload.folder.name
    if job.error is not None:
        error = error_from_plain(job.error)
        error.members = {"job": str(job.id), "upload": kept}
        raise error
    if job.result is None:
        response.status_code = 202
        response.headers["Location"] = f"/jobs/{job.id}"
        return {"job": str(job.id), "state": job.state, "upload": kept}
    return job.result


async def _queued(
    request: Request, options: UploadOptions, settings: Settings, queue: Callable[[Upload, UploadOptions], T]
) -> tuple[Upload, T]:
    """The file on disk and what `queue` makes of it and the options; the file is removed where that fails."""
    upload = await run_in_threadpool(_prepare, request, settings)
    try:
        asked = await _take(request, upload, options, settings)
        return upload, await run_in_threadpool(queue, upload, asked)
    except InDoubt:
        raise  # the job may be there, and want its file; what no job wants is removed later
    except BaseException:
        upload.remove()
        raise


def _prepare(request: Request, settings: Settings) -> Upload:
    """A folder for the upload, where the disk has room for it."""
    check_sender(request.headers)
    upload = new_upload(settings.home_path)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and shutil.disk_usage(upload.folder).free < int(length):
        upload.remove()
        raise NoSpace("The disk has no room for the file.", "Free some space and send it again.")
    return upload


async def _take(
    request: Request, upload: Upload, options: UploadOptions, settings: Settings
) -> UploadOptions:
    """The file on disk, as it comes or as it was kept, and all the options that came."""
    asked = await _receive(request, upload, options)
    if asked.upload is not None:
        if upload.name:
            raise BadInput("A file is sent, and another is named by 'upload'.", "Give one of both.")
        await run_in_threadpool(adopt, upload, settings.home_path, asked.upload)
    return asked


async def _receive(request: Request, upload: Upload, options: UploadOptions) -> UploadOptions:
    """Write the body to disk, never holding more than a piece of it, and give all the options that came."""
    content_type = request.headers.get("content-type", "")
    if content_type.lower().startswith("application/x-www-form-urlencoded"):
        raise BadInput("A form with a file is multipart/form-data.", 'Set enctype="multipart/form-data".')
    if content_type.lower().startswith("multipart/form-data"):
        form = FormReader(upload, content_type)
        await _pour(request, form.feed)
        form.close()
        return join_options(options, upload.fields)
    if options.upload is not None:
        return options
    sink = Sink(upload, name_of_body(request.headers, options.filename))
    size = await _pour(request, sink.write)
    await run_in_threadpool(sink.close)
    if not size:
        raise BadInput("The request has no file.", "Send it as the body, or as the field 'file' of a form.")
    return options


async def _pour(request: Request, take: Callable[[bytes], None]) -> int:
    """Hand the body on piece by piece, beside the loop since a disk may be slow; the number of bytes."""
    stream, size = aiter(request.stream()), 0
    while True:
        try:
            piece = await asyncio.wait_for(anext(stream), IDLE_S)
        except StopAsyncIteration:
            return size
        except TimeoutError as error:
            raise BadInput("The upload stood still.", "Send it again.") from error
        except ClientDisconnect as error:
            raise BadInput("The upload was cut off.", "Send it again.") from error
        size += len(piece)
        if piece:
            await run_in_threadpool(take, piece)


def _answer(response: Response, job: Job, import_id: str) -> dict[str, Any]:
    if job.error is not None:
        raise _problem(job, import_id)
    if job.state == "cancelled":
        raise Conflict("The import was stopped.", "Send the file again.")
    if job.result is None:
        response.status_code = 202
        response.headers["Location"] = f"/jobs/{job.id}"
        return {"job": str(job.id), "state": job.state, "import": import_id}
    if job.result["import"] is None:
        response.status_code = 200
    else:
        response.headers["Location"] = f"/imports/{import_id}"
    return job.result


def _problem(job: Job, import_id: str) -> ChengtuError:
    assert job.error is not None
    error = error_from_plain(job.error)
    error.members = {"job": str(job.id), "import": import_id}
    return error
