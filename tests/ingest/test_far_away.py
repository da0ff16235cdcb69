"""Rows far from all data of a city whose borders are not stored: refused at the door, flagged where they came in."""

from __future__ import annotations

import json
import re

import pytest

from app.coverage.engine import Engine
from tests.importing import import_path

HERE = {"a": (115.858, 28.683), "b": (115.90, 28.70)}


def write(folder, name, places):
    features = [
        {
            "type": "Feature",
            "properties": {"code": code},
            "geometry": {"type": "Point", "coordinates": list(xy)},
        }
        for code, xy in places.items()
    ]
    path = folder / f"{name}.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.fixture
def toilets(database, catalogue, tmp_path):
    """A city of two toilets, without districts, and what imports more of them."""

    def load(name, places, **options):  # noqa: ANN202
        path = write(tmp_path, name, places)
        return import_path(database, catalogue, path, class_id="toilets", **options)["files"][0]

    report = load("first", HERE)
    assert report["classes"]["toilets"]["loaded"] == 2
    return load


def test_what_lies_hundreds_of_kilometres_away_is_refused_with_its_cause(toilets):
    away = {"swapped": HERE["a"][::-1], "paris": (2.35, 48.86), "zero": (0, 0), "suburb": (116.9, 29.4)}
    report = toilets("second", HERE | away)
    assert report["classes"]["toilets"]["loaded"] == 1
    assert sorted(re.sub(r"\d+,\d+", "so many", reject["reason"]) for reject in report["rejects"]) == [
        "it lies nowhere on Earth; likely cause: the axes are swapped",
        "it lies so many km outside the city",
        "it lies so many km outside the city; likely cause: the coordinates are 0, 0 or nearly",
    ]
    taken = toilets("third", away, allow_outside=True)["classes"]["toilets"]
    assert (taken["loaded"], taken["unchanged"], taken["rejected"]) == (2, 1, 1)


def test_far_places_that_came_in_are_flagged_in_a_result(toilets, database, catalogue):
    toilets("far", {"paris": (2.35, 48.86)}, allow_outside=True)
    inputs = Engine(database, catalogue).answer(
        {"op": "coverage", "policy": "toilet-300", "mode": "straight"}
    )["inputs"]
    assert inputs["off_scale"] == {"toilets": 1}
    assert inputs["notes"][0]["en"].startswith("Public toilets: 1 lie so far from the city")
