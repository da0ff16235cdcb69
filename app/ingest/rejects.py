"""The file of refused rows: as they stood, with the reason beside each, to be mended and imported again."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import shapely

from app.catalogue.export_names import quoted, unquoted
from app.ingest.files import SourceFile
from app.ingest.layer import Layer
from app.ingest.tally import RejectedRows
from app.lazy import lazy_module
from app.validation.values import plain
from app.words.rejected import ADDED, ADDED_CHINESE, ADDED_SPOKEN, EVERY_ADDED
from app.words.sentences import told

xlsxwriter = lazy_module("xlsxwriter")

WKT = "wkt"
#: What XML 1.0, and so a sheet, cannot hold.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_AGAIN = re.compile(r"\.rejected(?:-(\d{1,6}))?\.\w+$")
_EPSG = re.compile(r"EPSG:(\d+)")
#: Whole numbers beyond this lose digits in a spreadsheet.
_EXACT = 10**15
_CELL_LENGTH = 32_767


@dataclass(frozen=True, slots=True)
class RejectsFile:
    """Refused rows as a file: `name` is what it should be called, so that it is understood as the first one was."""

    name: str
    content: bytes


def rejects_files(
    file: SourceFile,
    parts: Sequence[RejectedRows],
    crs: Mapping[str, str],
    *,
    single: bool,
    http: bool = False,
) -> list[RejectsFile]:
    """Refused rows: of a workbook as one workbook with its sheets, else as CSV (UTF-8 with BOM), one a layer.

    Shapes stand as WKT in the layer's own CRS, named as its SRID where `crs` (layer → label) knows one of EPSG.
    `single`: the file has one layer, so that its own name tells what it holds; else the layers' names do. `http`: hints
    name the fields of a request instead of the options of the command.
    """
    if not parts:
        return []
    stem, again = file.name.split(".")[0], _AGAIN.search(file.name)
    # What a mended file still has of them must not take its own place.
    ending = f".rejected-{int(again[1] or 1) + 1}" if again else ".rejected"
    names = dict.fromkeys(part.layer.name for part in parts)
    layers = {name: _rows(name, parts, crs.get(name), http=http) for name in names}
    if file.format == "xlsx":
        return [RejectsFile(f"{stem}{ending}.xlsx", _workbook(layers))]
    return [
        RejectsFile(f"{stem if single else _safe(name)}{ending}.csv", _csv(rows))
        for name, rows in layers.items()
    ]


def write_rejects(to: Path, files: Sequence[RejectsFile]) -> Path:
    """Write the files into the folder `to`, or the only one as `to` (with the ending of its kind); file or folder."""
    if len(files) == 1 and not to.is_dir():
        to = to.with_suffix(Path(files[0].name).suffix)
        to.parent.mkdir(parents=True, exist_ok=True)
        return _write_beside(to, files[0].content)
    to.mkdir(parents=True, exist_ok=True)
    written = [_write_beside(to / file.name, file.content) for file in files]
    return written[0] if len(files) == 1 else to


def _write_beside(path: Path, content: bytes) -> Path:
    """The file written; one of that name with other content, which somebody may have mended, is left as it is."""
    stem, number = path.with_suffix(""), 1
    while path.exists() and path.read_bytes() != content:
        number += 1
        path = stem.with_name(f"{stem.name}-{number}{path.suffix}")
    path.write_bytes(content)
    return path


def is_mended(headings: Sequence[str]) -> bool:
    """Whether a table is a file of refused rows that is imported again."""
    given = set(headings)
    return set(ADDED) <= given or any(set(words.values()) <= given for words in ADDED_SPOKEN.values())


def unmend(layer: Layer, *, guarded: bool) -> Layer:
    """A chunk of such a file without what was added; `guarded` text bears an apostrophe where it is like a formula."""
    columns = {name: values for name, values in layer.columns.items() if name not in EVERY_ADDED}
    if guarded:
        columns = {name: [_plain_text(value) for value in values] for name, values in columns.items()}
    return replace(layer, columns=columns)


def _plain_text(value: Any) -> Any:
    return unquoted(value) if isinstance(value, str) else value


def _safe(name: str) -> str:
    return re.sub(r"[^\w\- ]+", "_", name).strip() or "layer"


def _rows(name: str, parts: Sequence[RejectedRows], crs: str | None, *, http: bool) -> list[list[Any]]:
    """The table of a layer's refused rows, its headings first."""
    mine = [part for part in parts if part.layer.name == name]
    headings = [
        h for h in dict.fromkeys(h for part in mine for h in part.layer.columns) if h not in EVERY_ADDED
    ]
    spatial = any(part.layer.spatial for part in mine)
    known = _EPSG.fullmatch(crs or "")
    before = f"SRID={known[1]};" if known else ""
    rows: list[list[Any]] = [
        [*headings, *([_wkt_heading(headings)] if spatial else []), *ADDED, *ADDED_CHINESE]
    ]
    for part in mine:
        for i, reject in enumerate(part.rejects):
            cells = [part.layer.columns[h][i] if h in part.layer.columns else None for h in headings]
            shape = [_wkt(part.layer.geometry[i], before)] if spatial else []
            said = told({"reason": reject.reason, "hint": reject.hint}, http=http)
            words = [said.get(name) for name in ("reason", "hint", "reason_zh", "hint_zh")]
            rows.append([*cells, *shape, reject.row, reject.field, *words])
    return rows


def _wkt_heading(headings: Sequence[str]) -> str:
    return WKT if WKT not in {heading.casefold() for heading in headings} else "geometry_wkt"


def _wkt(shape: Any, before: str) -> str | None:
    return None if shape is None else before + str(shapely.to_wkt(shape, rounding_precision=-1))


def _csv(rows: list[list[Any]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([[_text(cell) for cell in row] for row in rows])
    return ("\ufeff" + out.getvalue()).encode("utf-8", "replace")


def _text(cell: Any) -> Any:
    value = cell if isinstance(cell, str) else plain(cell)
    return quoted(value) if isinstance(value, str) else value


def _workbook(layers: Mapping[str, list[list[Any]]]) -> bytes:
    out = io.BytesIO()
    options = {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss", "nan_inf_to_errors": True}
    with xlsxwriter.Workbook(out, options) as book:
        days = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in layers.items():
            sheet = book.add_worksheet(name[:31])
            sheet.freeze_panes(1, 0)
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    _put(sheet, number, place, cell, days)
    return out.getvalue()


def _put(sheet: Any, row: int, column: int, cell: Any, days: Any) -> None:
    """One cell of the kind that the value has; text is never a formula, whatever it begins with."""
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return
    if isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    elif isinstance(cell, int | float) and abs(cell) < _EXACT:
        sheet.write_number(row, column, cell)
    elif isinstance(cell, datetime) and cell.tzinfo is None:
        sheet.write_datetime(row, column, cell)
    elif isinstance(cell, date) and not isinstance(cell, datetime):
        sheet.write_datetime(row, column, cell, days)
    else:
        sheet.write_string(row, column, quoted(_FORBIDDEN.sub("", str(cell)))[:_CELL_LENGTH])
