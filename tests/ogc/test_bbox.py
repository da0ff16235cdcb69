"""`bbox` of OGC API Features: four or six finite numbers in degrees, else one sentence that says what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadInput
from app.ogc.bbox import parse_bbox as parse_in
from app.ogc.crs import LONLAT


def parse_bbox(text):
    return parse_in(text, LONLAT)


LON = st.floats(-180, 180)
LAT = st.floats(-90, 90)


@given(LON, LAT, LON, LAT)
def test_four_numbers_come_back(west, south, east, north):
    south, north = sorted((south, north))
    assert parse_bbox(f"{west!r},{south!r},{east!r},{north!r}") == (west, south, east, north)


def test_heights_are_left_out():
    assert parse_bbox("1,2,0,3,4,100") == (1, 2, 3, 4)


def test_across_the_antimeridian_stays_so():
    assert parse_bbox("170,-10,-170,10") == (170, -10, -170, 10)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "4 or 6 numbers, not 0"),
        ("1,2,3", "not 3"),
        ("1,2,3,4,5", "not 5"),
        ("a,2,3,4", "'a'"),
        ("nan,2,3,4", "finite"),
        ("1,2,inf,4", "finite"),
        ("1,2,181,4", "leaves the world"),
        ("1,-91,2,4", "leaves the world"),
        ("1,5,2,4", "lies north of"),
        ("1;DROP TABLE,2,3,4", "no number"),
    ],
)
def test_what_cannot_be_a_box_is_refused_with_the_reason(text, reason):
    with pytest.raises(BadInput, match=reason):
        parse_bbox(text)
