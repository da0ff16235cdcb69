"""What an import refused or doubted, as files: a CSV of reasons, and the refused rows to be mended."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.catalogue.export_names import quoted
from app.words.sentences import told_all

HEADINGS = ("what", "class", "row", "field", "value", "reason", "hint", "reason_zh", "hint_zh")
#: Headings of the list of imports, as the JSON names them.
LIST_HEADINGS = (
    "id", "state", "path", "format", "at", "started_at", "finished_at", "who", "classes", "change", "undone_by", "read",
    "loaded", "unchanged", "rejected", "skipped", "crs", "encoding", "source", "licence", "attribution", "error",
)  # fmt: skip
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8; header=present",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}
#: A day that every file in an archive bears, so that the same rows give the same bytes.
_DAY = (1980, 1, 1, 0, 0, 0)


def reasons_csv(report: Mapping[str, Any]) -> str:
    """Rejected rows and warnings as CSV with a byte order mark; text like a formula has an apostrophe before it."""
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(HEADINGS)
    for what, name in (("rejected", "rejects"), ("warning", "warnings")):
        for item in told_all(report.get(name, ()), http=True):
            table.writerow([what, *(_cell(item.get(heading)) for heading in HEADINGS[1:])])
    return "\ufeff" + out.getvalue()


def imports_csv(imports: Iterable[Mapping[str, Any]]) -> str:
    """The imports as CSV with a byte order mark, one a row; counts are the sums over their classes."""
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(LIST_HEADINGS)
    for one in imports:
        row = {
            **one,
            **_counts(one),
            "classes": " ".join(one["classes"]),
            "error": (one["error"] or {}).get("message"),
        }
        table.writerow([_cell(row.get(heading)) for heading in LIST_HEADINGS])
    return "\ufeff" + out.getvalue()


def _counts(one: Mapping[str, Any]) -> dict[str, int]:
    classes = (one["report"] or {}).get("classes", {}).values()
    names = ("read", "loaded", "unchanged", "rejected", "skipped")
    return {name: sum(found.get(name, 0) for found in classes) for name in names}


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        value = str(value)
    return quoted(value) if isinstance(value, str) else value


def one_file(files: Sequence[tuple[str, bytes]]) -> tuple[str, bytes]:
    """The only file, or an archive of several: name and content."""
    if len(files) == 1:
        return files[0]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, _DAY), content, zipfile.ZIP_DEFLATED)
    return "rejected.zip", out.getvalue()
