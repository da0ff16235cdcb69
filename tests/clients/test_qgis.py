"""QGIS itself (Debian's 3.22, without windows) adds every collection, pages, asks by box, shows Chinese and draws."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Asked, Served

pytestmark = [pytest.mark.slow, pytest.mark.wide]

PYTHON = Path("/usr/bin/python3")
READER = Path(__file__).with_name("qgis_reader.py")
BOX = (115.858, 28.678, 115.862, 28.682)


@dataclass(frozen=True)
class Session:
    """What QGIS found, the image that it drew, and what it asked the server."""

    found: dict[str, Any]
    image: Path
    asked: list[Asked]


@pytest.fixture(scope="module")
def session(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Session:
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
    mark = len(served.log)
    done = subprocess.run(
        [PYTHON, READER, served.address, folder / "town.png", *served.ids()],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    return Session(json.loads(line), folder / "town.png", served.since(mark))


def test_every_collection_is_a_layer_and_counts_what_the_server_holds(session, served):
    layers = session.found["layers"]
    assert layers.keys() == set(served.ids())
    assert [name for name, layer in layers.items() if not layer["valid"]] == []
    for name, layer in layers.items():
        assert layer["read"] == layer["count"] == served.count(name), name


def test_attributes_are_chinese_and_places_are_the_towns(session):
    layers = session.found["layers"]
    assert "公" in "".join(layers["parks"]["name_zh"] + layers["toilets"]["name_zh"])
    west, south, east, north = layers["streets"]["extent"]
    assert 115.8 < west < east < 115.9
    assert 28.6 < south < north < 28.8
    assert (layers["toilets"]["geometry"], layers["parks"]["geometry"]) == (0, 2)


def test_pages_are_walked_to_the_end(session, served):
    assert session.found["paged"] == served.count("streets")
    asked = [item for item in session.asked if item.path.endswith("/streets/items")]
    paged = [item for item in asked if item.query.get("limit") == "70"]
    assert len(paged) == -(-served.count("streets") // 70)


def test_a_box_is_sent_and_answered(session, served):
    asked = [item.query["bbox"] for item in session.asked if "bbox" in item.query]
    sent = [tuple(map(float, text.split(","))) for text in asked]
    assert any(box == pytest.approx(BOX, abs=1e-9) for box in sent)
    answer = served.get(f"/collections/street_trees/items?limit=1000&bbox={','.join(map(str, BOX))}")
    assert session.found["in_box"] == sorted(item["properties"]["code"] for item in answer["features"])
    assert session.found["in_box"]


def test_the_map_that_it_draws_is_not_blank(session):
    assert session.image.stat().st_size > 2000
    assert session.found["colours"] > 10


def test_qgis_is_never_refused_anything(session):
    assert [(item.method, item.path, item.status) for item in session.asked if item.status >= 400] == []
    assert session.found["said"] == []
