"""`docs/bring-your-data.md` is done exactly as written, in one database, and says the same in both languages."""

from __future__ import annotations

import json
import re
import shlex
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.coverage.engine_client import EngineClient
from app.main import create_app
from app.worker import make_worker
from tests.commandline import chengtu
from tests.laws.code import ROOT
from tests.laws.pages import check_in_step, steps, take

pytestmark = pytest.mark.slow

ENGLISH = (ROOT / "docs" / "bring-your-data.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "docs" / "bring-your-data.zh.md").read_text(encoding="utf-8")
FORMATS = (
    "Shapefile", "GeoPackage", "FileGDB", "GeoJSON", "GeoJSONSeq", "FlatGeobuf", "GeoParquet", "CSV", "TSV", "XLSX",
    "KML", "KMZ", "GPX", "DXF", "OpenStreetMap", "Survey tables",
)  # fmt: skip


def test_both_languages_are_in_step():
    check_in_step(ENGLISH, CHINESE)


def test_every_format_has_an_example():
    headings = " ".join(re.findall(r"^### (.*)$", ENGLISH, re.MULTILINE))
    assert [name for name in FORMATS if name not in headings] == []


@pytest.fixture
def served(settings) -> Iterator[TestClient]:
    """The service with its worker, as `chengtu serve` runs them."""
    worker = make_worker(settings, EngineClient(None))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        with TestClient(create_app(settings)) as client:
            yield client
    finally:
        worker.stop()
        thread.join()
        worker._db.dispose()


def post(client: TestClient, step: str) -> str:
    """What curl does with `-F name=value` and `-F file=@path`."""
    words = shlex.split(step)
    fields = [words[i + 1].partition("=") for i, word in enumerate(words) if word == "-F"]
    path = next(Path(value[1:]) for _, _, value in fields if value.startswith("@"))
    data = {name: value for name, _, value in fields if not value.startswith("@")}
    sent = client.post("/imports", files={"file": (path.name, path.read_bytes())}, data=data,
                       headers={"Prefer": "wait=60"})  # fmt: skip
    assert words[-1].endswith("/imports")
    assert sent.status_code in (200, 201), sent.text
    return sent.text


@pytest.fixture
def printed(environment, served, tmp_path, monkeypatch) -> dict[str, str]:
    """What each step of the page printed, done in order in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("CHENGTU_HOME", "DATABASE_URL"):
        monkeypatch.setenv(name, environment[name])
    return {
        step: post(served, step) if step.startswith("curl ") else take(step, monkeypatch)
        for step in steps(ENGLISH)
    }


def find(printed: dict[str, str], *words: str) -> str:
    """What the one step printed that has these words."""
    (found,) = [out for step, out in printed.items() if all(word in step.splitlines()[0] for word in words)]
    return found


def told(environment: dict[str, str], *words: str) -> dict[str, Any]:
    return json.loads(chengtu(environment, *words, "--json").stdout)


@pytest.mark.wide
def test_every_step_runs_as_it_is_written(printed, environment, tmp_path):
    assert "GB18030" in find(printed, "parking.tsv", "import")
    assert "named by the file" in find(printed, "import toilets.shp.zip")
    assert "X" in find(printed, "import survey.zip")
    assert re.search(r"pipes +1 +1", find(printed, "import survey.zip"))
    assert "EPSG:4527" in find(printed, "import lamps.csv")
    assert re.search(r"manholes +2 +1 +0 +0 +1", find(printed, "import wells.dxf"))
    assert re.search(r"toilets +3 +2 +0 +0 +1", find(printed, "--mapping facilities.yaml"))
    # What a part of a file leaves out is not missing.
    assert "not in the file" not in find(printed, "import toilets.csv --where")
    assert "建成日期" in find(printed, "import bins.csv")
    assert re.search(r"waste_bins +1 +1", find(printed, "import bins.rejected.csv"))
    assert "G3" in find(printed, "--delete-missing --yes")
    assert "东湖一号公厕" in find(printed, "history toilets G1")
    _check_stored(environment, tmp_path)


def _check_stored(environment: dict[str, str], folder: Path) -> None:
    """Dry runs kept nothing, whatever else was loaded is there, and the newest import is taken back."""
    counts = {item["id"]: item["count"] for item in told(environment, "summary")["classes"] if item["count"]}
    assert counts == {"districts": 1, "toilets": 2, "waste_bins": 2}
    done = [item for item in told(environment, "imports")["imports"] if item["state"] == "done"]
    named = [item for item in done if item["path"].endswith("edited.csv")]
    assert chengtu(environment, "undo", done[0]["id"]).returncode == 0
    assert chengtu(environment, "undo", named[0]["id"]).returncode == 0
    events = told(environment, "history", "toilets", "G1")["events"]
    assert [field["after"] for field in events[-1]["fields"]] == ["东湖公厕"]
