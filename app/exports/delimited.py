"""Writing CSV: UTF-8 with its mark, the names of fields as headings, places as lon and lat or WKT."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

from app.catalogue.export_names import plain_time
from app.exports.cells import place_headings, rows
from app.exports.model import Changed, ExportData


def write_csv(path: Path, data: ExportData) -> Changed:
    """Write the first layer of `data` to `path`; text that begins like a formula has an apostrophe before it."""
    layer = data.layers[0]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow([*place_headings(layer), *(column.name for column in layer.columns)])
        table.writerows([_cell(value) for value in row] for row in rows(layer))
    return {}


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain_time(value) if isinstance(value, date) else value
