"""Whole imports into a real database: all of a file or nothing, and a report that adds up."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import text
from typer.testing import CliRunner

from app.cli import app
from app.errors import BadInput, NotFound, UnreadableFile
from app.ingest.command_service import exit_code
from app.inventory.arrays import read_arrays
from app.inventory.times import Times
from tests.importing import import_path

pytestmark = pytest.mark.slow

HINT = "Give the row a geometry and import it again."


@pytest.fixture
def load(database, catalogue):
    def load(path, **options: Any) -> dict[str, Any]:
        return import_path(database, catalogue, path, who="test", **options)

    return load


@pytest.fixture
def count(database):
    def count(table: str, where: str = "true") -> int:
        with database.read() as conn:
            return conn.execute(text(f"SELECT count(*) FROM city.{table} WHERE {where}")).scalar_one()

    return count


def write(path: Path, rows: list, **more: object) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": properties,
            "geometry": shapely.geometry.mapping(shape) if shape else None,
        }
        for shape, properties in rows
    ]
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": features, **more}, ensure_ascii=False)
    )
    return path


def spots(*codes: str) -> list:
    return [
        (shapely.Point(115.8 + i / 100, 28.7), {"编码": code, "name": f"公厕{code}"})
        for i, code in enumerate(codes)
    ]


def only(result: dict) -> dict:
    (item,) = result["files"]
    return item


def test_a_file_is_loaded_and_recorded(load, count, database, tmp_path):
    path = write(
        tmp_path / "公共厕所.geojson", [*spots("a", "b"), (None, {"编码": "c"})], bbox=[115, 28, 116, 29]
    )
    report = only(load(path))
    assert report["classes"] == {
        "toilets": {
            "read": 3,
            "loaded": 2,
            "rejected": 1,
            "unchanged": 0,
            "skipped": 0,
            "new": 2,
            "changed": 0,
        }
    }
    assert report["rejects"] == [
        {
            "class": "toilets",
            "row": 3,
            "field": "geometry",
            "value": None,
            "reason": "no geometry",
            "hint": HINT,
        }
    ]
    assert (report["crs"], report["encoding"], report["extent"]) == ("EPSG:4326", "UTF-8", [115, 28, 116, 29])
    assert count("toilets", "name_zh LIKE '公厕%'") == 2
    with database.read() as conn:
        row = conn.execute(
            text("SELECT id::text, classes, ST_XMax(extent), report, sha256 FROM city.imports")
        ).one()
    assert (row[0], row[1], row[2]) == (report["import"], ["toilets"], 116)
    assert row[3]["rejects_total"] == 1
    assert row[3]["classes"] == report["classes"]
    assert len(row[4]) == 64


def test_the_same_file_again_changes_nothing_and_an_edit_changes_its_row(load, tmp_path):
    path = write(tmp_path / "toilets.geojson", spots("a", "b"))
    load(path)
    assert only(load(path))["classes"]["toilets"]["unchanged"] == 2
    rows = spots("a", "b", "c")
    rows[0][1]["name"] = "新名"
    counts = only(load(write(path, rows)))["classes"]["toilets"]
    assert (counts["new"], counts["changed"], counts["unchanged"]) == (1, 1, 1)


def test_a_dry_run_reports_all_and_writes_nothing(load, count, tmp_path):
    path = write(tmp_path / "toilets.geojson", spots("a", "b"))
    report = only(load(path, dry_run=True))
    assert report["classes"]["toilets"]["new"] == 2
    assert report["import"] is None
    assert (count("toilets"), count("imports"), count("changes")) == (0, 0, 0)


def test_a_file_that_fails_in_the_middle_leaves_nothing(load, count, database, tmp_path, monkeypatch):
    path = write(tmp_path / "toilets.geojson", spots("a", "b"))
    with database.write() as conn:
        conn.execute(text("DELETE FROM city.imports"))
    with pytest.raises(NotFound):
        load(path, class_id="toilet_seats")
    with pytest.raises(BadInput):
        load(path, crs="EPSG:99999")
    monkeypatch.setattr("app.ingest.service.keep_report", _fail)
    with pytest.raises(RuntimeError):
        load(path)
    assert (count("toilets"), count("changes")) == (0, 0)
    with database.read() as conn:
        states = conn.execute(text("SELECT DISTINCT state FROM city.imports")).scalars().all()
    assert states == ["failed"]


def _fail(*_: object) -> None:
    raise RuntimeError


def test_a_class_is_named_or_asked_for(load, tmp_path):
    path = write(tmp_path / "layer7.geojson", spots("a"))
    with pytest.raises(BadInput, match="No class is named like the layer 'layer7'") as caught:
        load(path)
    named, listed = str(caught.value.hint).split("Nearest are ")[1].split(". ", 1)
    assert len(named.split(", ")) == 5
    assert listed == "docs/classes.md lists all classes."
    assert only(load(path, class_id="公共厕所"))["classes"]["toilets"]["loaded"] == 1


def test_options_that_a_file_cannot_take_are_refused(load, data_dir):
    for options in ({"key": "ref"}, {"crs": "gcj02"}):
        with pytest.raises(BadInput, match="is OpenStreetMap data"):
            load(data_dir / "berlin" / "o2s_neukolln.osm", **options)
    with pytest.raises(BadInput, match="not read from OpenStreetMap"):
        load(data_dir / "berlin" / "o2s_neukolln.osm", class_id="population_cells")


def test_a_folder_loads_what_it_can(load, tmp_path):
    write(tmp_path / "toilets.geojson", spots("a"))
    (tmp_path / "broken.geojson").write_text("{")
    (tmp_path / "notes.txt").write_text("hello")
    broken, good = load(tmp_path)["files"]
    assert "not valid JSON" in broken["error"]
    assert good["classes"]["toilets"]["loaded"] == 1
    assert exit_code({"files": [broken, good]}) == 1
    assert exit_code({"files": [broken]}) == 2
    assert exit_code({"files": [good]}) == 0


@pytest.mark.wide
def test_six_counties_keep_the_good_half(load, data_dir):
    report = only(load(data_dir / "messy" / "six_counties_three_null.json", class_id="districts", key="FIPS"))
    counts = report["classes"]["districts"]
    assert (counts["read"], counts["loaded"], counts["rejected"]) == (6, 3, 3)
    assert {reject["reason"] for reject in report["rejects"]} == {"no geometry"}


@pytest.mark.wide  # the same city is loaded and measured in tests/real
def test_helsinki_with_its_people_and_districts(load, count, data_dir):
    report = only(load(data_dir / "helsinki" / "Helsinki.osm.pbf"))
    assert report["classes"]["toilets"]["loaded"] == 18
    assert report["classes"]["parks"] == {
        "read": 17,
        "loaded": 12,
        "rejected": 5,
        "unchanged": 0,
        "skipped": 0,
        "new": 12,
        "changed": 0,
    }
    cells = only(
        load(data_dir / "helsinki" / "helsinki_population_grid_2020.gpkg", class_id="population_cells")
    )
    assert cells["classes"]["population_cells"]["loaded"] == 92
    assert cells["extent"] is None
    assert count("population_cells", "people > 0") <= 92
    districts = only(load(data_dir / "helsinki" / "helsinki_city_districts_2021.gpkg", class_id="districts"))
    assert districts["classes"]["districts"]["loaded"] == 8
    assert count("districts", "level = 'district' AND name_en = 'Eteläinen'") == 1
    again = only(load(data_dir / "helsinki" / "Helsinki.osm.pbf"))
    assert all(n["loaded"] == 0 for n in again["classes"].values())
    assert count("toilets_history") == 0


def test_the_people_of_helsinki_are_all_there(load, database, data_dir):
    load(data_dir / "helsinki" / "helsinki_population_grid_2020.gpkg", class_id="population_cells")
    with database.read() as conn:
        assert conn.execute(text("SELECT sum(people) FROM city.population_cells")).scalar_one() == 71_724


@pytest.fixture
def chengtu(environment, monkeypatch):
    """The command line in this process, against the test's database."""
    for name in ("CHENGTU_HOME", "DATABASE_URL"):
        monkeypatch.setenv(name, environment[name])
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.parametrize("place", ["nonexist/r.json", "."])
def test_a_report_that_cannot_be_written_is_told_before_anything_is_imported(
    chengtu, database, tmp_path, place
):
    path = write(tmp_path / "toilets.geojson", spots("a"))
    done = chengtu("import", path, "--report", tmp_path / place)
    assert isinstance(done.exception, BadInput)
    assert "nothing was imported" in done.exception.message
    with database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM city.toilets")).scalar_one() == 0


def test_a_metric_crs_that_is_not_in_metres_is_refused_at_once(chengtu, tmp_path, monkeypatch):
    monkeypatch.setenv("CHENGTU_METRIC_CRS", "EPSG:4326")
    done = chengtu("import", write(tmp_path / "toilets.geojson", spots("a")))
    assert isinstance(done.exception, BadInput)
    assert "EPSG:4326" in done.exception.message


def test_the_command_prints_the_report_and_writes_it(chengtu, tmp_path):
    rows = [*spots("a", "b"), (None, {"编码": "c"})]
    path = write(tmp_path / "toilets.geojson", rows)
    done = chengtu("import", path, "--json", "--report", tmp_path / "r.json")
    assert done.exit_code == 0, done.output
    counts = {"read": 3, "loaded": 2, "rejected": 1, "unchanged": 0, "skipped": 0, "new": 2, "changed": 0}
    assert json.loads(done.stdout)["files"][0]["classes"]["toilets"] == counts
    assert json.loads((tmp_path / "r.json").read_text())["files"][0]["classes"]["toilets"] == counts
    shown = chengtu("import", path)
    assert shown.exit_code == 0
    assert "no geometry" in shown.stdout
    assert chengtu("import", write(path, rows[2:])).exit_code == 1
    path.write_text("")
    assert isinstance(chengtu("import", path).exception, UnreadableFile)


def toilet(code: str, stalls: int, **more: str) -> tuple:
    return (shapely.Point(115.8, 28.7), {"编码": code, "name": "甲", "厕位数": stalls, **more})


def stalls_on(database, catalogue, day: date) -> dict[str, int]:
    with database.read() as conn:
        found = read_arrays(conn, catalogue, "toilets", ["stalls"], times=Times(day))
    return dict(zip(found.code, found.columns["stalls"].tolist(), strict=True))


def test_a_file_may_tell_since_when_things_are_so(load, database, catalogue, tmp_path):
    rows = [toilet("A", 4), toilet("B", 2)]
    load(write(tmp_path / "toilets.geojson", rows))
    rows = [toilet("A", 8), toilet("B", 2), toilet("C", 1, valid_from="2021-06-01")]
    report = load(write(tmp_path / "toilets.geojson", rows), valid_from=date(2021, 1, 1))
    counts = report["files"][0]["classes"]["toilets"]
    assert (counts["new"], counts["changed"], counts["unchanged"]) == (1, 1, 1)
    assert stalls_on(database, catalogue, date(2020, 12, 31)) == {"A": 4, "B": 2}
    assert stalls_on(database, catalogue, date(2021, 1, 1)) == {"A": 8, "B": 2}
    assert stalls_on(database, catalogue, date(2021, 6, 1)) == {"A": 8, "B": 2, "C": 1}


def test_rows_of_one_code_may_hold_at_different_times_but_not_at_once(load, database, catalogue, tmp_path):
    rows = [
        toilet("A", 4, 有效截止="2021-03-01"),
        toilet("A", 8, 有效起始="2021-03-01"),
        toilet("A", 9, 有效起始="2021-05-01"),
        toilet("B", 1, 有效起始="2021-05-01", 有效截止="2020-05-01"),
        toilet("C", 1, 有效起始="soon"),
    ]
    report = load(write(tmp_path / "toilets.geojson", rows))["files"][0]
    assert [(one["row"], one["value"]) for one in report["rejects"]] == [
        (3, "A"), (4, "2021-05-01 … 2020-05-01"), (5, "soon")
    ]  # fmt: skip
    assert "same days" in report["rejects"][0]["reason"]
    assert stalls_on(database, catalogue, date(2021, 2, 28)) == {"A": 4}
    assert stalls_on(database, catalogue, date(2022, 1, 1)) == {"A": 8}
