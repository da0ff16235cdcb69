"""`chengtu db`: one sentence or JSON, and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.database.commands import db, describe
from app.database.revision import head
from app.settings import ROOT, Settings
from tests.commandline import chengtu

runner = CliRunner()


@pytest.fixture
def use(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHENGTU_HOME", "DATABASE_URL"):
        monkeypatch.setenv(name, environment[name])


@pytest.mark.usefixtures("use")
def test_status_tells_versions_and_revision():
    told = json.loads(runner.invoke(db, ["status", "--json"]).stdout)
    assert told["running"] is True
    assert told["postgis"].startswith("3.")
    assert told["revision"] == told["head"] == head()


@pytest.mark.parametrize(
    ("url", "code", "told"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", 1, "! The database"),
        ("mysql://nowhere", 2, "Error: DATABASE_URL"),
    ],
)
def test_status_is_an_exit_code_and_a_mark(tmp_path: Path, url: str, code: int, told: str):
    done = chengtu({"CHENGTU_HOME": str(tmp_path), "DATABASE_URL": url}, "db", "status")
    assert done.returncode == code
    assert (done.stdout if code == 1 else done.stderr).startswith(told)


@pytest.mark.usefixtures("use")
def test_migrate_tells_the_revision():
    told = json.loads(runner.invoke(app, ["db", "migrate", "--json"]).stdout)
    assert told == {"revision": head(), "local": [], "left": []}


@pytest.mark.usefixtures("use")
def test_another_server_is_neither_started_nor_stopped():
    assert json.loads(runner.invoke(db, ["start", "--json"]).stdout)["embedded"] is False
    assert json.loads(runner.invoke(db, ["stop", "--json"]).stdout) == {"stopped": False}


def test_start_and_status_are_one_sentence(cluster_settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CHENGTU_HOME", str(cluster_settings.home_path))
    assert "runs already" in runner.invoke(db, ["start"]).stderr
    # The test's cluster holds no database by the usual name.
    told = runner.invoke(db, ["status"])
    assert "does not exist yet" in told.stdout
    assert told.exit_code == 1


def test_status_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CHENGTU_HOME", str(tmp_path / "none"))
    done = runner.invoke(db, ["status", "--json"])
    told = json.loads(done.stdout)
    assert (told["running"], told["revision"], done.exit_code) == (False, None, 1)
    assert "There is no database" in told["problem"]
    assert not (tmp_path / "none").exists()


def test_a_server_that_is_away_is_told_not_raised(tmp_path: Path):
    told = describe(Settings(home=tmp_path, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing"))
    assert told["problem"]


def test_a_failure_is_one_sentence_and_exit_code_2(tmp_path: Path):
    environment = {
        **os.environ,
        "CHENGTU_HOME": str(tmp_path),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/no",
    }
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "db", "migrate"],
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "not reachable" in done.stderr
