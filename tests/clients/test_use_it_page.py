"""`docs/use-it-from-qgis.md`: its commands and its program run as they stand, and both languages say the same."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import ROOT
from tests.clients.conftest import Served
from tests.laws.pages import blocks, check_in_step

ENGLISH = (ROOT / "docs" / "use-it-from-qgis.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "docs" / "use-it-from-qgis.zh.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"
pytestmark = pytest.mark.wide


def programs(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_both_languages_are_in_step():
    check_in_step(ENGLISH, CHINESE)
    assert programs(ENGLISH) == programs(CHINESE)


@pytest.fixture(scope="module")
def done(served: Served, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which all commands ran, one after the other, and what they printed."""
    folder = tmp_path_factory.mktemp("page")
    script = "\n".join(blocks(ENGLISH)).replace(ADDRESS, served.address)
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env={**os.environ, "NO_PROXY": "127.0.0.1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "ERROR" not in ran.stderr
    return folder, ran.stdout


def test_filters_of_the_page_choose_what_they_say(done, served):
    folder, _ = done
    public = [
        item
        for item in served.features("toilets", "&kind=public")
        if (item["properties"]["stalls"] or 0) >= 10
    ]
    assert _read(folder / "toilets.geojson")["numberMatched"] == len(public) > 0
    assert _read(folder / "corner.geojson")["numberMatched"] < served.count("toilets")
    newest = [item["properties"]["built_on"] for item in _read(folder / "newest.geojson")["features"]]
    assert newest == sorted(newest, reverse=True)
    assert _read(folder / "then.geojson")["features"]
    assert _read(folder / "queryables.json")["properties"]["stalls"]["type"] == "integer"


def test_the_edit_of_the_page_is_made_once_and_refused_once(done, served):
    folder, printed = done
    assert "412" in printed.splitlines()
    assert _read(folder / "refused.json")["status"] == 412
    assert "重建" in json.dumps(_read(folder / "history.json"), ensure_ascii=False)
    assert "过时" not in (folder / "history.json").read_text(encoding="utf-8")


def test_the_copies_of_the_page_hold_everything(done, served):
    folder, printed = done
    trees = served.count("street_trees")
    assert (folder / "trees.geojsons").read_text(encoding="utf-8").count("\x1e") == trees
    assert len((folder / "trees.csv").read_text(encoding="utf-8-sig").splitlines()) == trees + 1
    assert f"Feature Count: {served.count('toilets')}" in printed
    with sqlite3.connect(folder / "city.gpkg") as gpkg:
        counts = {name: gpkg.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in served.ids()}
        wide = gpkg.execute("SELECT count(*) FROM wide_streets").fetchone()[0]
    assert counts == {name: served.count(name) for name in served.ids()}
    streets = served.features("streets")
    assert wide == sum((item["properties"]["lanes"] or 0) >= 4 for item in streets) > 0
    for name in ("trees.fgb", "trees.parquet"):
        assert (folder / name).stat().st_size > 10_000


def test_the_program_of_the_page_prints_what_it_should(served, tmp_path):
    (program,) = programs(ENGLISH)
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "CITY": served.address, "NO_PROXY": "127.0.0.1", "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert f"{len(served.ids())} collections" in ran.stdout
    assert "厕位数" in ran.stdout
    assert "公厕" in ran.stdout


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))
