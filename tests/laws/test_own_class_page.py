"""`docs/own-class.md` is done exactly as written, and says the same in both languages."""

from __future__ import annotations

import geopandas
import pytest

from app.catalogue.loader import load_catalogue
from tests.laws.code import ROOT
from tests.laws.pages import check_in_step, steps, take

pytestmark = pytest.mark.slow

ENGLISH = (ROOT / "docs" / "own-class.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "docs" / "own-class.zh.md").read_text(encoding="utf-8")


def test_both_languages_are_in_step():
    check_in_step(ENGLISH, CHINESE)


@pytest.mark.wide
def test_every_step_runs_as_it_is_written(environment, database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("CHENGTU_HOME", "DATABASE_URL"):
        monkeypatch.setenv(name, environment[name])
    monkeypatch.delenv("CHENGTU_LOCAL", raising=False)
    for step in steps(ENGLISH):
        take(step, monkeypatch)
    cls = load_catalogue(ROOT / "geodata", tmp_path / "ours").get_class("bee_hotels")
    assert (cls.title.en, cls.office) == ("Bee hotels", "园林处")
    assert len(geopandas.read_file(tmp_path / "bee_hotels.gpkg", layer="bee_hotels")) == 3
    assert "昆虫旅馆" in (tmp_path / "bee_hotels.html").read_text(encoding="utf-8")
