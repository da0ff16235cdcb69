"""Formats of text hold few rows of a batch as Python objects at once."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import shapely

from app.catalogue.model import Title
from app.exports import arrow
from app.exports.formats import FORMATS
from app.exports.model import ExportColumn, ExportData, ExportLayer

ROWS = 10_000
COLUMNS = tuple(ExportColumn(name, "text", Title("", name)) for name in ("code", "name_zh", "note"))


@pytest.mark.parametrize("ending", ["geojson", "geojsons", "csv"])
def test_a_batch_of_many_rows_takes_little_memory(ending, tmp_path):
    places = shapely.to_wkb(shapely.points(np.linspace(115, 116, ROWS), 28.0))
    batch = arrow.made(COLUMNS, [[f"{i:200}" for i in range(ROWS)]] * 3, arrow.pa.array(places))
    title = Title("公厕", "Toilets")
    layer = ExportLayer(
        "toilets", title, "Point", COLUMNS, {"point": ROWS}, lambda: iter([batch]), dict, lambda: None
    )
    data = ExportData((layer,))
    # What is imported by the first of them is not of the rows.
    FORMATS[ending].write(tmp_path / f"t.{ending}", data)
    tracemalloc.start()
    try:
        FORMATS[ending].write(tmp_path / f"t.{ending}", data)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    written = (tmp_path / f"t.{ending}").read_bytes()
    assert written.count(f"{ROWS - 1:200}".encode()) >= 1
    assert most < len(written)
