"""What goes into a zip beside the data of formats that have no place for it: the map of fields, and what is said."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import orjson

from app.exports.model import ExportData, ExportLayer

ABOUT = "about.json"
FIELDS = ("short_name", "field", "title_zh", "title_en", "type", "unit")


def field_map(layer: ExportLayer, short: Mapping[str, str]) -> str:
    """The columns of a layer as CSV: name in the file, field, titles, type and unit."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(FIELDS)
    for column in layer.columns:
        title = column.title
        rows.writerow([short[column.name], column.name, title.zh, title.en, column.type, column.unit or ""])
    return text.getvalue()


def write_zip(path: Path, folder: Path, data: ExportData, maps: Mapping[str, str]) -> None:
    """All files of `folder`, a field map a layer (name → CSV) and `about.json` as one zip at `path`."""
    about = {**data.about, "layers": {layer.name: dict(layer.about) for layer in data.layers}}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder).as_posix())
        for name, text in maps.items():
            # With a mark of its encoding, or Excel shows Chinese as mojibake.
            archive.writestr(f"{name}_fields.csv", text.encode("utf-8-sig"))
        archive.writestr(ABOUT, orjson.dumps(about, option=orjson.OPT_INDENT_2))
