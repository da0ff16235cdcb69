"""What an import refused or doubted, as files: a CSV of reasons, and the refused rows to be mended."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from app.catalogue.export_names import quoted

HEADINGS = ("what", "class", "row", "field", "value", "reason", "hint")
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
        for item in report.get(name, ()):
            table.writerow([what, *(_cell(item.get(heading)) for heading in HEADINGS[1:])])
    return "\ufeff" + out.getvalue()


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
