"""What the API definition says of an upload, which is taken as a stream and so not declared by its types."""

from __future__ import annotations

from typing import Any

from app.ingest.upload_options import UploadOptions

_OPTIONS: dict[str, Any] = UploadOptions.model_json_schema(by_alias=True)["properties"]
_FILE = {"type": "string", "format": "binary"}
_FORM_FILE = {**_FILE, "description": "The file; zip those that belong together."}
_FIELDS = {name: item for name, item in _OPTIONS.items() if name != "filename"}

BODY: dict[str, Any] = {
    "required": True,
    "description": "A form with the file and any options, or the file as the body, its name in "
    "`Content-Disposition` or `filename` and its options in the query.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": _FORM_FILE, **_FIELDS},
            },
            "examples": {
                "toilets": {
                    "summary": "A table of toilets in GCJ-02",
                    "value": {"file": "toilets.csv", "class": "toilets", "crs": "gcj02", "source": "城管局"},
                }
            },
        },
        **{
            media: {"schema": _FILE}
            for media in ("application/octet-stream", "application/geo+json", "application/zip", "text/csv")
        },
    },
}  # fmt: skip

INSPECTED: dict[int | str, dict[str, Any]] = {
    202: {"description": "The job that goes on; its result is the answer."},
    413: {"description": "The file is larger than `CHENGTU_UPLOAD_LIMIT_MB`."},
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The report of a dry run."},
    201: {"description": "The report; `Location` names the import."},
    202: {"description": "The job that goes on; `Location` names it."},
    413: {"description": "The file is larger than `CHENGTU_UPLOAD_LIMIT_MB`."},
}
