"""QGIS itself (Debian's 3.22, without windows) draws tiles in their own style, where the city has what they show."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.geometry import shape

from tests.clients.conftest import Asked, Served
from tests.clients.test_qgis import PYTHON

READER = Path(__file__).with_name("qgis_tiles_reader.py")
TILES = "tiles/WebMercatorQuad"
WATER, PAPER = "#b9d9ec", "#f4f1ea"
OUTSIDE = [115.8400, 28.6600]


pytestmark = pytest.mark.wide


@dataclass(frozen=True)
class Session:
    """What QGIS found by job, what it drew at the second time, and what it asked the server."""

    jobs: list[dict[str, Any]]
    again: str
    said: list[str]
    asked: list[Asked]


def inside(served: Served, collection: str) -> list[list[float]]:
    """A point within each of the largest areas of a class."""
    found = sorted(served.features(collection), key=lambda item: -item["properties"]["area_m2"])
    points = (shapely.maximum_inscribed_circle(shape(item["geometry"])).coords[0] for item in found[:3])
    return [list(point) for point in points]


def job(path: str, zoom: int, places: list[list[float]], style: str = "") -> dict[str, Any]:
    return {"path": f"{path}/{TILES}", "style": style, "zoom": zoom, "places": places}


@pytest.fixture(scope="module")
def toilets(served: Served) -> list[list[float]]:
    return [item["geometry"]["coordinates"] for item in served.features("toilets")[:3]]


@pytest.fixture(scope="module")
def session(served: Served, toilets, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """One QGIS for all tests: it takes seconds to start."""
    if not Path("/usr/lib/python3/dist-packages/qgis").is_dir():
        pytest.skip("no QGIS here: install python3-qgis to test it")
    folder = tmp_path_factory.mktemp("qgis")
    (folder / "run").mkdir(mode=0o700)
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "QT_QPA_PLATFORM": "offscreen",
        "NO_PROXY": "127.0.0.1",
    }
    jobs = [
        job("/background", 16, [*inside(served, "water_bodies"), OUTSIDE]),
        job("/collections/parks", 16, inside(served, "parks"), "&background=false"),
        job("/collections/toilets", 17, [*toilets, OUTSIDE], "&background=false"),
    ]
    mark = len(served.log)
    done = subprocess.run(
        [PYTHON, READER, served.address, json.dumps(jobs), folder / "drawn.png"],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    return Session(**json.loads(line), asked=served.since(mark))


def test_the_ground_is_drawn_in_its_colours_where_the_city_has_it(session):
    ground = session.jobs[0]
    assert ground["valid"]
    assert ground["warnings"] == []
    *waters, outside = ground["colours"]
    assert waters == [WATER] * len(waters)
    assert len(waters) >= 2
    assert outside != WATER


def test_classes_are_drawn_in_their_colours(session, catalogue):
    parks, toilets = session.jobs[1:]
    fill = parts(catalogue.classes["parks"].symbol.fill)
    paled = [0.4 * over + 0.6 * under for over, under in zip(fill, parts(PAPER), strict=True)]
    for colour in parks["colours"]:
        assert parts(colour) == pytest.approx(paled, abs=2)
    *at_toilets, outside = toilets["colours"]
    assert outside == "#ffffff"
    assert not {"#ffffff", PAPER} & set(at_toilets)


def parts(colour: str) -> list[int]:
    """Red, green and blue of #rrggbb."""
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def test_each_tile_is_asked_for_as_it_is_addressed_and_nothing_is_refused(session):
    assert [(item.path, item.status) for item in session.asked if item.status >= 400] == []
    assert session.said == []
    tiles = [item for item in session.asked if item.path.startswith(f"/background/{TILES}/")]
    assert {item.status for item in tiles} <= {200, 204, 304}


def test_a_layer_that_is_added_again_asks_whether_its_tiles_are_still_right(session):
    """QGIS prefers its own copies: it must be told that they have no age, or an edit would never be seen."""
    assert session.again == WATER
    known = [item for item in session.asked if "if-none-match" in item.headers]
    assert {item.status for item in known} == {304}
    assert f"/background/{TILES}" in {item.path for item in known}
    assert any(item.path.startswith(f"/background/{TILES}/") for item in known)
