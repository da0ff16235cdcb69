"""Rows of a binary COPY taken apart: every value as it was put in, and boxes of shapes as GEOS tells them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import BadInput
from app.inventory.copy_arrow import RowBlock, arrays
from app.inventory.copy_binary import (
    HEAD,
    TAIL,
    binary_rows,
    booleans,
    days,
    framed,
    integers,
    moments,
    numbers,
    texts,
)
from app.inventory.wkb_boxes import boxes

MAKERS = {"integer": integers, "number": numbers, "boolean": booleans, "date": days, "datetime": moments, "text": texts,
          "shape": lambda values: framed(list(values))}  # fmt: skip
TYPES = [
    pa.int64(),
    pa.float64(),
    pa.bool_(),
    pa.date32(),
    pa.timestamp("us", "UTC"),
    pa.string(),
    pa.binary(),
]
ROW = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.booleans(),
    st.none() | st.dates(),
    st.none() | st.datetimes(timezones=st.just(UTC)),
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.none() | st.binary(max_size=40),
)


def _block(rows) -> RowBlock:
    """The rows as a connection gives them: what begins the copy stands before the first, what ends it comes as one."""
    block = RowBlock()
    for i, row in enumerate(rows):
        cells = {kind: MAKERS[kind]([value]) for kind, value in zip(MAKERS, row, strict=True)}
        block.add((HEAD if i == 0 else b"") + bytes(binary_rows(cells)))
    block.add((b"" if rows else HEAD) + TAIL)
    block.trim()
    return block


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=12))
def test_values_come_back_as_they_were(rows):
    found = arrays(_block(rows), list(MAKERS), TYPES)
    assert [array.type for array in found] == TYPES
    assert list(zip(*(array.to_pylist() for array in found), strict=True)) == rows


def test_a_day_without_end_is_refused():
    # Infinity of both kinds, then the last moment of PostgreSQL, which Arrow cannot count.
    moment = pa.timestamp("us", "UTC")
    for kind, arrow_type, value in (
        ("date", pa.date32(), b"\x7f\xff\xff\xff"), ("datetime", moment, b"\x80" + bytes(7)),
        ("datetime", moment, (9_223_371_331_200_000_000 - 1).to_bytes(8)),
    ):  # fmt: skip
        block = RowBlock()
        block.add(b"\0\x01" + len(value).to_bytes(4) + value)
        with pytest.raises(BadInput, match="without end"):
            arrays(block, [kind], [arrow_type])


def test_days_at_the_ends_of_the_calendar():
    block = RowBlock()
    ends = [date.min, date.max]
    for day in ends:
        block.add(bytes(binary_rows({"day": days([day]), "at": moments([datetime.min.replace(tzinfo=UTC)])})))
    found = arrays(block, ["date", "datetime"], [pa.date32(), pa.timestamp("us", "UTC")])
    assert found[0].to_pylist() == ends
    assert found[1].to_pylist() == [datetime.min.replace(tzinfo=UTC)] * 2


def test_boxes_are_those_of_geos():
    random = np.random.default_rng(4)
    at = random.uniform(-180, 180, (60, 2))
    disc = shapely.buffer(shapely.points(at), 1)
    ring = shapely.difference(disc, shapely.buffer(shapely.points(at), 0.5))
    line = shapely.linestrings(random.uniform(0, 9, (60, 4, 2)))
    shapes = np.concatenate([
        shapely.multipolygons(disc[:, np.newaxis]), shapely.multipolygons(ring[:, np.newaxis]), disc, line,
        shapely.multipolygons([disc[:3], disc[3:6]]), shapely.multilinestrings(line[:, np.newaxis]),
        shapely.points(at), [shapely.multilinestrings(line[:4]), shapely.MultiPolygon(), shapely.Point(), None],
    ])  # fmt: skip
    random.shuffle(shapes)
    wkb = pa.array(shapely.to_wkb(shapes), pa.binary())
    np.testing.assert_array_equal(boxes(wkb), shapely.bounds(shapes))
    np.testing.assert_array_equal(boxes(wkb.slice(100, 50)), shapely.bounds(shapes[100:150]))
    np.testing.assert_array_equal(boxes(wkb.slice(0, 0)), np.zeros((0, 4)))
