"""Single files: whole, quiet, allowed to run nothing but themselves, refused when too large."""

from __future__ import annotations

import json
import re

import pytest

from app.errors import BadInput, NotFound
from app.inventory.batch import Change
from app.inventory.service import write_batches
from app.maps import standalone_service
from app.maps.commands import map_command
from app.maps.standalone_service import as_columns, write_map
from tests.maps.hostile import HOSTILE, hostile_batches
from tests.maps.test_pages import DRAWN, SYMBOL, approach


def open_file(watched, path):
    watched.open(path.as_uri())
    assert [url for url in watched.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert len([url for url in watched.requests if url.startswith("file:")]) == 1


@pytest.mark.wide
def test_a_class_opens_from_a_file_and_answers_clicks(town, catalogue, tmp_path, desktop):
    path = tmp_path / "公厕 map.html"
    made = write_map(town.database, catalogue, "toilets", path)
    assert made["bytes"] == path.stat().st_size
    open_file(desktop, path)
    drawn = desktop.page.evaluate(DRAWN)
    assert drawn["ground"] > 50_000
    assert drawn["marker"] > 500
    assert desktop.page.locator(".notice").inner_text() == "示例数据，非真实"
    assert "Sample data" in desktop.page.locator(".sources").inner_text()
    approach(desktop, "toilets")
    spot = desktop.page.evaluate(SYMBOL, "toilets")
    desktop.page.mouse.click(spot["x"], spot["y"])
    desktop.page.wait_for_selector(".card dd")
    assert desktop.page.locator(".card .row").count() >= 8
    desktop.clean()


@pytest.mark.wide
def test_a_run_opens_from_a_file_with_its_gaps(town, catalogue, tmp_path, desktop):
    path = tmp_path / "run.html"
    write_map(town.database, catalogue, town.runs["green-300-500"], path, lang="en")
    open_file(desktop, path)
    page = desktop.page
    page.wait_for_selector(".table-box td")
    desktop.settle()
    assert page.evaluate(DRAWN)["areas"] > 20_000
    page.get_by_role("radio", name="Straight line").click()
    page.wait_for_function("() => chengtuApp.run.mode === 'straight'")
    desktop.clean()


@pytest.mark.wide
def test_all_classes_go_into_one_file(town, catalogue, tmp_path, desktop):
    path = tmp_path / "all.html"
    made = write_map(town.database, catalogue, None, path, without=["buildings"])
    assert "buildings" not in made["layers"]
    assert {"toilets", "pipes", "streets", "parks"} <= set(made["layers"])
    open_file(desktop, path)
    desktop.clean()


def test_hostile_text_in_a_file_is_text(database, catalogue, tmp_path, desktop):
    with database.write() as conn:
        write_batches(conn, catalogue, hostile_batches(), Change(who="test", why="test"))
    path = tmp_path / "hostile.html"
    write_map(database, catalogue, None, path)
    open_file(desktop, path)
    names = desktop.page.evaluate("() => chengtu.inside('data-toilets-details').columns.name")
    assert names == HOSTILE
    desktop.clean()


def test_columns_hold_what_the_rows_held():
    rows = [
        {"id": i, "code": f"c{i}", "values": {"kind": "a" if i % 2 else "b", "n": i or None, "flag": i > 4}}
        for i in range(10)
    ]
    made = as_columns(rows)
    assert made["columns"] == {"id": list(range(10)), "code": [f"c{i}" for i in range(10)]}
    assert made["values"]["n"] == [None, *range(1, 10)]
    assert made["values"]["kind"] == {"of": ["b", "a"], "at": [0, 1] * 5}
    assert made["values"]["flag"] == {"of": [False, True], "at": [0] * 5 + [1] * 5}


def test_the_file_allows_its_own_scripts_by_hash_and_nothing_else(town, catalogue, tmp_path):
    path = tmp_path / "m.html"
    write_map(town.database, catalogue, "parks", path)
    text = path.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "default-src 'none'" in policy
    assert policy.count("'sha256-") == 3


def test_a_file_that_would_be_too_large_says_what_to_leave_out(town, catalogue, tmp_path, monkeypatch):
    monkeypatch.setattr(standalone_service, "LIMIT_BYTES", 900_000)
    path = tmp_path / "m.html"
    with pytest.raises(BadInput) as refused:
        write_map(town.database, catalogue, None, path)
    assert "--without" in refused.value.hint
    assert not path.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("target", "name", "error"),
    [("toilts", "m.html", NotFound), ("toilets", "m.pdf", BadInput), ("toilets", "no/m.html", BadInput)],
)
def test_bad_input_is_refused_before_anything_is_written(town, catalogue, tmp_path, target, name, error):
    with pytest.raises(error):
        write_map(town.database, catalogue, target, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_a_file_and_says_how_large(town, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CHENGTU_HOME", str(town.settings.home_path))
    monkeypatch.setenv("DATABASE_URL", town.settings.database_url)
    map_command(to=tmp_path / "t.html", target="toilets", as_json=True)
    assert json.loads(capsys.readouterr().out)["bytes"] == (tmp_path / "t.html").stat().st_size
    with pytest.raises(BadInput, match="Say what the map shows"):
        map_command(to=tmp_path / "t.html", target=None)
    with pytest.raises(BadInput, match="language"):
        map_command(to=tmp_path / "t.html", target="toilets", lang="fr")
