"""Filters choose what they say: 500 drawn ones against Python and shapely on the same rows."""

from __future__ import annotations

from datetime import UTC

import pytest
import shapely

from app.inventory.changes import raw
from app.inventory.tables import table_name
from tests.ogc.cql2 import drawn
from tests.ogc.cql2.meaning import Filters

COUNT = 500


@pytest.fixture(scope="module")
def rows(town):
    """Class → id → what is stored, as plain Python values and shapes."""
    names = ["id", *drawn.FIELDS, "areas_touched", "lower(valid) AS valid_from"]
    found = {}
    with town.database.read() as conn:
        for class_id in drawn.GEOMETRIES:
            table = table_name(town.catalogue.get_class(class_id))
            query = f"SELECT {', '.join(names)}, ST_AsBinary(geom) AS geom FROM {table}"
            cursor = raw(conn).execute(query.encode())
            columns = [column.name for column in cursor.description]
            found[class_id] = {row[0]: _plain(dict(zip(columns, row, strict=True))) for row in cursor}
    return found


def _plain(row: dict) -> dict:
    for name in ("begun", "ended"):
        row[name] = row[name] and row[name].astimezone(UTC)
    return {**row, "LABEL": row["label"], "geom": shapely.from_wkb(bytes(row["geom"]))}


def test_drawn_filters_choose_the_same_rows_as_python(town, rows):
    filters, wrong, chosen = Filters(seed=2606), [], 0
    with town.database.read() as conn:
        for number in range(COUNT):
            class_id = list(drawn.GEOMETRIES)[number % 3]
            found = filters.predicate()
            expected = {row_id for row_id, row in rows[class_id].items() if found.of(row) is True}
            if town.ids(conn, class_id, found.text) != expected:
                wrong.append((class_id, found.text))
            chosen += 0 < len(expected) < drawn.COUNT
    assert wrong == []
    # Filters that choose everything or nothing would prove little.
    assert chosen > COUNT / 2
