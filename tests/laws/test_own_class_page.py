"""`docs/own-class.md` is done exactly as written, and says the same in both languages."""

from __future__ import annotations

import re
import shlex
import subprocess

import geopandas
import pytest
from typer.testing import CliRunner

from app.catalogue.loader import load_catalogue
from app.cli import app
from tests.laws.code import ROOT

ENGLISH = (ROOT / "docs" / "own-class.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "docs" / "own-class.zh.md").read_text(encoding="utf-8")
#: A command with the lines of its here-document, or a line.
STEP = re.compile(r"^[^\n]*<<'(\w+)'\n.*?^\1$|^[^\n]+$", re.DOTALL | re.MULTILINE)


def blocks(text: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def test_both_languages_are_in_step():
    assert blocks(ENGLISH) == blocks(CHINESE)
    for pattern in (r"^#+ ", r"^- "):
        assert len(re.findall(pattern, ENGLISH, re.MULTILINE)) == len(
            re.findall(pattern, CHINESE, re.MULTILINE)
        )


def test_every_step_runs_as_it_is_written(environment, database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("CHENGTU_HOME", "DATABASE_URL"):
        monkeypatch.setenv(name, environment[name])
    monkeypatch.delenv("CHENGTU_LOCAL", raising=False)
    for block in blocks(ENGLISH):
        for step in STEP.finditer(block):
            take(step[0], monkeypatch)
    cls = load_catalogue(ROOT / "geodata", tmp_path / "ours").get_class("bee_hotels")
    assert (cls.title.en, cls.office) == ("Bee hotels", "园林处")
    assert len(geopandas.read_file(tmp_path / "bee_hotels.gpkg")) == 3
    assert "昆虫旅馆" in (tmp_path / "bee_hotels.html").read_text(encoding="utf-8")


def take(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do one step: our own commands in this process, which saves their start, all others in the shell."""
    if step.startswith("export "):
        name, _, value = step.removeprefix("export ").partition("=")
        return monkeypatch.setenv(name, value)
    if step.startswith(".venv/bin/chengtu "):
        done = CliRunner().invoke(app, shlex.split(step)[1:])
        assert done.exit_code == 0, f"{step}\n{done.output}\n{done.exception!r}"
        return None
    subprocess.run(["bash", "-euo", "pipefail", "-c", step], check=True)
    return None
