"""A class is added to a fresh checkout by one YAML file and one revision, and nothing else is touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.database.revision import head
from app.settings import ROOT
from app.web import assets
from tests.house.test_own_class import HOTELS, points

pytestmark = pytest.mark.slow

#: What the checkout is asked to do once the class is declared: migrate, import, serve, map, export.
USE = """
import json, sys
from pathlib import Path
from fastapi.testclient import TestClient
from typer.testing import CliRunner
from app.cli import app
from app.main import create_app
from app.settings import ROOT, Settings

def run(*words):
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, (words, done.output, done.exception)

assert str(ROOT) == sys.argv[1], ROOT
run("db", "migrate")
run("import", "bee_hotels.geojson")
run("export", "bee_hotels", "--to", "out.geojson")
run("map", "bee_hotels", "--to", "out.html")
with TestClient(create_app(Settings())) as client:
    served = client.get("/collections/bee_hotels/items?f=json&made_of=stone").json()
    page = client.get("/map/bee_hotels", headers={"accept": "text/html"}).text
print(json.dumps({"served": served["features"], "page": "昆虫旅馆" in page}))
"""


@pytest.fixture
def checkout(tmp_path) -> Path:
    """The files of the project as they stand, without what set-up makes; the browser's libraries are borrowed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    folder = tmp_path / "checkout"
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("docs/", "tests/", "bench/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    # What is compiled already need not be so again: Python looks at the times of the files.
    for compiled in ROOT.glob("app/**/__pycache__"):
        shutil.copytree(
            compiled, folder / compiled.relative_to(ROOT), ignore=shutil.ignore_patterns("*.pyc.*")
        )
    assets.fetch()
    (folder / "app" / "web" / "static" / "vendor").symlink_to(ROOT / "app" / "web" / "static" / "vendor")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.wide
def test_one_file_and_one_revision_make_a_class(checkout, environment, tmp_path):
    before = files(checkout)
    (checkout / "geodata" / "classes" / "bee_hotels.yaml").write_text(HOTELS, encoding="utf-8")
    surroundings = {**os.environ, "PYTHONPATH": str(checkout)}
    made = subprocess.run(
        [sys.executable, "-m", "app.inventory.revise", "bee_hotels"],
        cwd=checkout, env=surroundings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    number = f"{int(head()) + 1:04d}"
    assert made.stdout.startswith(f"migrations/versions/{number}_bee_hotels.sql: "), made.stderr
    added = {"geodata/classes/bee_hotels.yaml"}
    added |= {f"migrations/versions/{number}_bee_hotels.{ending}" for ending in ("py", "sql")}
    after = files(checkout)
    assert after.keys() - before.keys() == added
    assert {name: after[name] for name in before} == before
    assert b"ALTER TABLE" not in after[f"migrations/versions/{number}_bee_hotels.sql"]

    rows = points(["b1", "b2"], 房间数=[3, 4], 材料=["木", "石"])
    (tmp_path / "bee_hotels.geojson").write_text(rows, encoding="utf-8")
    used = subprocess.run(
        [sys.executable, "-c", USE, str(checkout)],
        cwd=tmp_path, env={**environment, "PYTHONPATH": str(checkout)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert used.returncode == 0, used.stderr
    told = json.loads(used.stdout.splitlines()[-1])
    assert [item["properties"]["rooms"] for item in told["served"]] == [4]
    assert told["page"]
    exported = json.loads((tmp_path / "out.geojson").read_text(encoding="utf-8"))
    assert {item["properties"]["code"] for item in exported["features"]} == {"b1", "b2"}
    assert "昆虫旅馆" in (tmp_path / "out.html").read_text(encoding="utf-8")
