"""The export profile of GB/T 47678.5-2026: 18 attributes under their short names, and the way back."""

from __future__ import annotations

import json
import sqlite3
from datetime import date

import numpy as np
import pytest
import shapely
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from typer.testing import CliRunner

from app.cli import app
from app.errors import BadInput, NotFound
from app.exports.routes import router
from app.exports.service import export
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from app.settings import Settings
from tests.importing import import_path

#: The 18 attributes in the order of the standard (standards.md §3).
NAMES = (
    "GLBJBSM GLBJMC ZGBMDM ZGBMMC QSDWDM QSDWMC YHDWDM YHDWMC SZDYWGBSM GLBJZT CSRQ BGRQ SJLY BZ SZJDDM SZJDMC"
    " SZSQDM SZSQMC"
).split()
NEW, OLD = "36010201001000001", "3601020101000002"
COMMUNITY, GRID = "360102001001", "360102001001003"
FULL = {
    "component_code": NEW, "code_system": "gbt47678_2026", "kind": "water", "name_zh": "东湖1号井",
    "department_code": "D1", "department": "城管局", "owner_code": "O1", "owner": "水务集团",
    "maintainer_code": "M1", "maintainer": "养护一所", "condition": "damaged", "built_on": date(2019, 5, 1),
    "changed_on": date(2026, 7, 3), "data_source": "survey", "note": "井圈破损",
}  # fmt: skip


#: A manhole without a kind may be the police's: it leaves with a reason.
WHY = ("--reason", "handed to the city's platform")


def _batch(class_id: str, shapes: dict, rows: list[dict]) -> Batch:
    names = dict.fromkeys(name for row in rows for name in row)
    geometry = np.array([*shapes.values(), None], dtype=object)[:-1]
    columns = {name: [row.get(name) for row in rows] for name in names}
    return Batch(class_id, list(shapes), geometry, columns, [None] * len(rows))


@pytest.fixture
def manholes(database, catalogue):
    """A district with its street, community and grid cell, and three manholes: one whole, one old, one outside."""
    box = shapely.box(115.90, 28.60, 115.96, 28.66)
    areas = [
        {"name_zh": "东湖区", "level": "district", "division_code": "360102"},
        {"name_zh": "八一桥街道", "level": "subdistrict", "parent": "D", "division_code": "360102001000"},
        {"name_zh": "桃花社区", "level": "community", "parent": "S", "division_code": COMMUNITY},
    ]
    old = {"component_code": OLD, "code_system": "cjt214_2007", "name_zh": "旧井"}
    outside = {
        "component_code": NEW[:-1] + "3",
        "code_system": "gbt47678_2026",
        "grid_code": "360102001001009",
    }
    places = [shapely.Point(115.93, 28.63), shapely.Point(115.93, 28.64), shapely.Point(116.5, 28.9)]
    batches = [
        _batch("districts", dict.fromkeys(("D", "S", "C"), box), areas),
        _batch("grid_cells", {"g3": box}, [{"grid_code": GRID, "community": "C"}]),
        _batch("manholes", dict(zip(("m1", "m2", "m3"), places, strict=True)), [FULL, old, outside]),
    ]
    with database.write() as conn:
        write_batches(conn, catalogue, batches, Change("test", "made"))


def _properties(path) -> list[dict]:
    return [feature["properties"] for feature in json.loads(path.read_text(encoding="utf-8"))["features"]]


def test_the_18_attributes_stand_under_their_short_names(database, catalogue, manholes, tmp_path):
    path = tmp_path / "manholes.geojson"
    result = export(database, catalogue, "manholes", path, profile="gbt47678")
    first, second, third = _properties(path)
    assert list(first) == ["code", *NAMES]
    assert [row.pop("code") for row in (first, second, third)] == ["m1", "m2", "m3"]
    assert first == {
        "GLBJBSM": NEW, "GLBJMC": "东湖1号井", "ZGBMDM": "D1", "ZGBMMC": "城管局", "QSDWDM": "O1",
        "QSDWMC": "水务集团", "YHDWDM": "M1", "YHDWMC": "养护一所", "SZDYWGBSM": GRID, "GLBJZT": "破损",
        "CSRQ": "20190501", "BGRQ": "20260703", "SJLY": "实测", "BZ": "井圈破损", "SZJDDM": "360102001",
        "SZJDMC": "八一桥街道", "SZSQDM": COMMUNITY, "SZSQMC": "桃花社区",
    }  # fmt: skip
    assert (second["GLBJBSM"], second["SZDYWGBSM"]) == (None, GRID)
    assert (third["GLBJMC"], third["SZDYWGBSM"], third["SZSQMC"]) == ("供水井盖", "360102001001009", None)
    assert result["missing"] == {
        "manholes": {"GLBJBSM": 1, "ZGBMDM": 2, "ZGBMMC": 2, "GLBJZT": 2, "CSRQ": 2},
    }  # fmt: skip
    about = json.loads(path.read_text(encoding="utf-8"))
    assert about["profile"] == "GB/T 47678.5-2026"
    assert "GLBJBSM: 1" in about["missing"]


@pytest.mark.parametrize("ending", ["gpkg", "geojson"])
def test_an_export_under_the_profile_comes_back_without_loss(database, catalogue, manholes, tmp_path, ending):
    path = tmp_path / f"manholes.{ending}"
    export(database, catalogue, "manholes", path, profile="gbt47678")
    before = _stored(database)
    with database.write() as conn:
        conn.execute(
            text("UPDATE city.manholes SET note = NULL, built_on = NULL, owner = NULL, condition = NULL")
        )
    options = {"code_system": "gbt47678_2026", "key": "GLBJBSM", "who": "test", "allow_outside": True}
    (report,) = import_path(database, catalogue, path, **options)["files"]
    assert [reject["reason"] for reject in report["rejects"]] == ["the row has no code"]
    assert report["classes"]["manholes"]["new"] == 0
    assert _stored(database)["m1"] == before["m1"]


def _stored(database) -> dict[str, tuple]:
    with database.read() as conn:
        rows = conn.execute(text(f"SELECT code, {', '.join(FULL)} FROM city.manholes")).all()
    return {row[0]: tuple(row[1:]) for row in rows}


def test_a_geopackage_has_the_titles_of_the_standard(database, catalogue, manholes, tmp_path):
    path = tmp_path / "m.gpkg"
    export(database, catalogue, "manholes", path, profile="gbt47678")
    base = sqlite3.connect(path)
    columns = [row[1] for row in base.execute("PRAGMA table_info(manholes)")]
    title = base.execute("SELECT title FROM gpkg_data_columns WHERE column_name = 'GLBJZT'").fetchone()[0]
    base.close()
    assert [name for name in columns if name not in ("fid", "geom")] == ["code", *NAMES]
    assert title.startswith("管理部件状态")


def test_the_whole_city_is_its_components_alone(database, catalogue, manholes, tmp_path):
    result = export(database, catalogue, "city", tmp_path / "c.gpkg", profile="gbt47678")
    assert result["layers"] == {"manholes": 3}


def test_what_holds_no_components_and_unknown_profiles_are_refused(database, catalogue, tmp_path):
    with pytest.raises(BadInput, match="no city components"):
        export(database, catalogue, "parks", tmp_path / "p.gpkg", profile="gbt47678")
    with pytest.raises(NotFound, match="no profile named 'cjt214'") as error:
        export(database, catalogue, "manholes", tmp_path / "p.gpkg", profile="cjt214")
    assert "gbt47678" in (error.value.hint or "")
    assert list(tmp_path.iterdir()) == []


def test_the_route_and_the_command_take_the_profile(
    database, catalogue, manholes, environment, tmp_path, monkeypatch
):
    web = FastAPI()
    web.include_router(router)
    web.state.db, web.state.catalogue = database, catalogue
    web.state.settings = Settings(home=tmp_path / "home")
    client = TestClient(web)
    answer = client.get("/exports/manholes.geojson", params={"profile": "gbt47678", "reason": WHY[1]})
    assert list(answer.json()["features"][0]["properties"]) == ["code", *NAMES]
    assert client.get("/exports/manholes.geojson", params={"profile": "x"}).status_code == 422
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "m.geojson"
    done = CliRunner().invoke(app, ["export", "manholes", "--profile", "gbt47678", "--to", str(path), *WHY])
    assert done.exit_code == 0, done.output
    assert "mandatory attributes are missing: GLBJBSM in 1 rows" in " ".join(done.output.split())
    assert list(_properties(path)[0]) == ["code", *NAMES]
