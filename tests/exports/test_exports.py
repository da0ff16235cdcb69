"""Exports are whole, exact and readable by others, and come back unchanged."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import zipfile
from datetime import date
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyogrio
import pytest
import shapely
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from typer.testing import CliRunner

from app.cli import app as chengtu
from app.errors import BadInput, NotFound
from app.exports.formats import FORMATS
from app.exports.routes import router
from app.exports.service import export
from app.ingest.options import Origin
from app.ingest.osm import ATTRIBUTION, LICENCE, SOURCE
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from app.settings import Settings
from tests.exports.runs import store_run
from tests.importing import import_path


@pytest.fixture
def toilets(database, catalogue):
    """Three toilets with every kind of value, one of them with nothing but a place."""
    geometry = np.array([shapely.Point(115.8 + i / 7, 28.7) for i in range(3)], dtype=object)
    columns = {
        "name_zh": ["东湖公厕", "𠮷祥里", None],
        "stalls": [0, 12, None],
        "accessible": [True, False, None],
        "built_on": [date(1999, 12, 31), None, None],
        "floor_area_m2": [0.1 + 0.2, None, None],
    }
    extra = [{"轮椅": "yes", "n": 2**53 + 1}, None, None]
    batch = Batch("toilets", ["a", "b", "=c"], geometry, columns, extra, incomplete=frozenset({"b"}))
    with database.write() as conn:
        write_batches(conn, catalogue, [batch], Change("test", "made"))
    return columns


@pytest.mark.parametrize("ending", ["gpkg", "geojson"])
def test_an_export_comes_back_unchanged(database, catalogue, toilets, tmp_path, ending):
    path = tmp_path / f"toilets.{ending}"
    assert export(database, catalogue, "toilets", path)["layers"] == {"toilets": 3}
    (report,) = import_path(database, catalogue, path, who="test")["files"]
    assert report["classes"]["toilets"]["unchanged"] == 3
    assert report["rejects"] == []
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_gdal_reads_the_geopackage(database, catalogue, toilets, tmp_path):
    path = tmp_path / "t.gpkg"
    export(database, catalogue, "toilets", path)
    info = pyogrio.read_info(path, layer="toilets")
    assert (info["crs"], info["geometry_type"], info["features"]) == ("EPSG:4490", "Point", 3)
    types = dict(zip(info["fields"], info["ogr_types"], strict=True))
    assert (types["stalls"], types["built_on"], types["name_zh"]) == ("OFTInteger64", "OFTDate", "OFTString")
    base = sqlite3.connect(path)
    rows = base.execute(
        "SELECT code, name_zh, stalls, accessible, built_on, floor_area_m2, extra FROM toilets"
    ).fetchall()
    title = base.execute("SELECT title FROM gpkg_data_columns WHERE column_name = 'stalls'").fetchone()
    base.close()
    assert rows[0][:6] == ("a", "东湖公厕", 0, 1, "1999-12-31", 0.1 + 0.2)
    assert json.loads(rows[0][6]) == {"轮椅": "yes", "n": 2**53 + 1}
    assert rows[2] == ("=c", None, None, None, None, None, None)
    assert catalogue.get_class("toilets").get_field("stalls").title.zh in title[0]


def test_geojson_is_plain(database, catalogue, toilets, tmp_path):
    path = tmp_path / "t.geojson"
    export(database, catalogue, "toilets", path)
    root = json.loads(path.read_text(encoding="utf-8"))
    first, _, last = (feature["properties"] for feature in root["features"])
    assert {name: first[name] for name in ("name_zh", "stalls", "accessible", "built_on", "floor_area_m2")} == {
        "name_zh": "东湖公厕", "stalls": 0, "accessible": True, "built_on": "1999-12-31", "floor_area_m2": 0.1 + 0.2,
    }  # fmt: skip
    assert last["stalls"] is None
    assert root["features"][0]["geometry"]["coordinates"] == [115.8, 28.7]
    assert "crs" not in root


def test_an_empty_class_is_an_empty_layer(database, catalogue, tmp_path):
    for ending in ("gpkg", "geojson"):
        assert export(database, catalogue, "bridges", tmp_path / f"b.{ending}")["layers"] == {"bridges": 0}
    assert pyogrio.read_info(tmp_path / "b.gpkg", layer="bridges")["features"] == 0
    assert json.loads((tmp_path / "b.geojson").read_text())["features"] == []


def test_the_sample_says_so_and_imports_keep_their_source(database, catalogue, toilets, tmp_path, data_dir):
    import_path(
        database, catalogue, data_dir / "monaco" / "monaco-231225.osm.pbf", class_id="toilets", who="test"
    )
    with database.write() as conn:
        conn.execute(text("INSERT INTO city.settings VALUES ('sample', 'town')"))
    export(database, catalogue, "toilets", tmp_path / "t.geojson")
    export(database, catalogue, "city", tmp_path / "c.gpkg")
    root = json.loads((tmp_path / "t.geojson").read_text())
    assert (root["licence"], root["attribution"]) == ("ODbL-1.0", "© OpenStreetMap contributors")
    assert "示例数据，非真实" in root["notice"]
    metadata = pyogrio.read_info(tmp_path / "c.gpkg", layer="toilets")
    assert metadata["layer_metadata"]["attribution"] == "© OpenStreetMap contributors"
    assert "示例数据，非真实" in metadata["dataset_metadata"]["notice"]


def test_each_layer_names_the_sources_of_its_own_rows_only(database, catalogue, tmp_path, data_dir):
    monaco = data_dir / "monaco" / "monaco-231225.osm.pbf"
    import_path(database, catalogue, monaco, class_id="toilets", who="test", origin=Origin("mine", "x", "y"))
    cells = tmp_path / "population_cells.geojson"
    shape = shapely.geometry.mapping(shapely.box(7.41, 43.73, 7.42, 43.74))
    row = {"type": "Feature", "geometry": shape, "properties": {"code": "c1", "people": 5}}
    cells.write_text(json.dumps({"type": "FeatureCollection", "features": [row]}))
    toilets = _layer_about(database, catalogue, tmp_path, "toilets")
    assert toilets == {"source": SOURCE, "licence": LICENCE, "attribution": ATTRIBUTION}
    import_path(database, catalogue, cells, who="test")
    assert _layer_about(database, catalogue, tmp_path, "population_cells") == {}
    # said later of the same file: its rows are unchanged, their origin is known now
    import_path(database, catalogue, cells, who="test", origin=Origin("HSY", "CC-BY-4.0", "© HSY"))
    about = {"source": "HSY", "licence": "CC-BY-4.0", "attribution": "© HSY"}
    assert _layer_about(database, catalogue, tmp_path, "population_cells") == about
    dataset = pyogrio.read_info(tmp_path / "c.gpkg", layer="toilets")["dataset_metadata"]
    assert set(dataset["licence"].split("; ")) == {"CC-BY-4.0", LICENCE}
    assert _layer_about(database, catalogue, tmp_path, "toilets") == toilets


def _layer_about(database, catalogue, tmp_path, layer) -> dict[str, str]:
    export(database, catalogue, "city", tmp_path / "c.gpkg")
    found = pyogrio.read_info(tmp_path / "c.gpkg", layer=layer)["layer_metadata"] or {}
    return {name: found[name] for name in ("source", "licence", "attribution") if name in found}


@pytest.mark.wide
def test_monaco_comes_back_unchanged_from_one_geopackage(database, catalogue, data_dir, tmp_path):
    import_path(database, catalogue, data_dir / "monaco" / "monaco-231225.osm.pbf", who="test")
    written = export(database, catalogue, "city", tmp_path / "monaco.gpkg")["layers"]
    (report,) = import_path(database, catalogue, tmp_path / "monaco.gpkg", who="test")["files"]
    assert {class_id: n["unchanged"] for class_id, n in report["classes"].items()} == written
    assert report["rejects"] == []


def test_names_that_do_not_exist(database, catalogue, toilets, tmp_path):
    with pytest.raises(NotFound) as caught:
        export(database, catalogue, "toilet", tmp_path / "t.gpkg")
    assert "toilets" in (caught.value.hint or "")
    with pytest.raises(NotFound, match="no run"):
        export(database, catalogue, str(uuid4()), tmp_path / "t.gpkg")
    with pytest.raises(BadInput, match="no format"):
        export(database, catalogue, "toilets", tmp_path / "t.dwg")
    with pytest.raises(BadInput, match="no folder"):
        export(database, catalogue, "toilets", tmp_path / "none" / "t.gpkg")
    with pytest.raises(BadInput, match="one class"):
        export(database, catalogue, "city", tmp_path / "t.geojson")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_files_is_not_called_full(database, catalogue, toilets):
    with pytest.raises(BadInput, match=r"toilets\.gpkg' cannot be written"):
        export(database, catalogue, "toilets", Path("/proc/toilets.gpkg"))


@pytest.mark.parametrize(
    ("words", "told"), [(["toilets"], "--to toilets.gpkg"), (["--all"], "--to city.gpkg")]
)
def test_an_export_without_a_file_says_that_one_is_to_be_named(words, told):
    done = CliRunner().invoke(chengtu, ["export", *words])
    assert isinstance(done.exception, BadInput)
    assert (done.exception.message, told in str(done.exception.hint)) == (
        "An export needs the name of a file.",
        True,
    )


@pytest.fixture
def client(database, catalogue, tmp_path):
    app = FastAPI()
    app.include_router(router)
    app.state.db, app.state.catalogue = database, catalogue
    app.state.settings = Settings(home=tmp_path / "home")
    return TestClient(app)


def test_a_download_leaves_whole_files_alone(client, toilets, tmp_path):
    answer = client.get("/exports/toilets.geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    assert 'filename="toilets.geojson"' in answer.headers["content-disposition"]
    assert len(answer.json()["features"]) == 3
    package = client.get("/exports/toilets.gpkg")
    assert package.content.startswith(b"SQLite format 3")
    zipped = client.get("/exports/toilets.shp.zip", params={"crs": "EPSG:4548"})
    assert zipped.headers["content-type"] == "application/zip"
    assert 'filename="toilets.shp.zip"' in zipped.headers["content-disposition"]
    assert zipped.content.startswith(b"PK")
    kept = [path for path in (tmp_path / "home" / "exports").iterdir() if path.suffix != ".lock"]
    assert sorted(path.name.split(".", 1)[1] for path in kept) == ["geojson", "gpkg", "shp.zip"]
    assert sorted(path.read_bytes() for path in kept) == sorted(
        [answer.content, package.content, zipped.content]
    )


def test_the_whole_city_is_downloaded_as_a_zip_of_tables(client, toilets):
    answer = client.get("/exports/city.csv.zip")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert sorted(archive.namelist()) == ["about.json", "toilets.csv", "toilets_fields.csv"]
    for ending in ("kml.zip", "doc"):
        with pytest.raises(BadInput, match=f"'{ending}' is no format") as caught:
            client.get(f"/exports/city.{ending}")
        assert {f".{known}" for known in FORMATS} <= set(re.split(r"[, ]+|\.$", caught.value.hint))


def test_a_broken_download_goes_on_in_the_same_file(client, toilets):
    whole = client.get("/exports/toilets.gpkg")
    tag = whole.headers["etag"]
    part = client.get("/exports/toilets.gpkg", headers={"Range": "bytes=1000-1999", "If-Range": tag})
    assert (part.status_code, part.content) == (206, whole.content[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(whole.content)}"
    assert client.get("/exports/toilets.gpkg", headers={"If-None-Match": tag}).status_code == 304
    other = client.get("/exports/toilets.gpkg", headers={"Range": "bytes=0-9", "If-Range": '"older"'})
    assert (other.status_code, other.content) == (200, whole.content)


def test_a_changed_class_is_another_file(client, database, catalogue, toilets):
    tag = client.get("/exports/toilets.csv").headers["etag"]
    rows = Batch("toilets", ["d"], np.array([shapely.Point(115.9, 28.7)], dtype=object), {}, [None])
    with database.write() as conn:
        write_batches(conn, catalogue, [rows], Change("test", "one more"))
    again = client.get("/exports/toilets.csv", headers={"Range": "bytes=0-9", "If-Range": tag})
    assert again.status_code == 200
    assert again.headers["etag"] != tag
    assert again.text.count("\n") == 5


def test_a_class_is_downloaded_by_its_chinese_title(client, toilets):
    answer = client.get("/exports/公厕.geojson")
    assert len(answer.json()["features"]) == 3
    assert 'filename="toilets.geojson"' in answer.headers["content-disposition"]
    with pytest.raises(NotFound) as caught:
        client.get("/exports/公共厕.geojson")
    assert "toilets (公共厕所)" in caught.value.hint


@pytest.mark.parametrize(
    "path",
    [
        "/exports/..%2f..%2fetc%2fpasswd.gpkg",
        "/exports/a%00b.gpkg",
    ],
)
def test_a_download_takes_no_paths(client, path):
    assert client.get(path).status_code in (404, 422)


def test_a_run_is_exported_with_its_parts(database, catalogue, tmp_path):
    with database.write() as conn:
        run = store_run(conn)
        conn.execute(
            text(
                "INSERT INTO city.coverage_gaps (run, mode, tier, code, name, people, nearest_m, geom) VALUES"
                " (:run, 'straight', 'main', 'g1', '东湖', 12.5, NULL,"
                "  ST_Multi(ST_MakeEnvelope(115, 28, 116, 29, 4326)))"
            ),
            {"run": run},
        )
    written = export(database, catalogue, run, tmp_path / "run.gpkg")
    assert written["layers"] == {
        "coverage_areas": 0,
        "coverage_gaps": 1,
        "coverage_units": 0,
        "coverage_differences": 0,
    }
    assert (
        pyogrio.read_info(tmp_path / "run.gpkg", layer="coverage_gaps")["dataset_metadata"]["policy"]
        == "toilet-300"
    )
    export(database, catalogue, run, tmp_path / "gaps.geojson", part="gaps")
    (gap,) = json.loads((tmp_path / "gaps.geojson").read_text())["features"]
    assert (gap["properties"]["name"], gap["properties"]["people"], gap["properties"]["nearest_m"]) == (
        "东湖",
        12.5,
        None,
    )
    with pytest.raises(NotFound, match="part of a run"):
        export(database, catalogue, run, tmp_path / "x.geojson", part="holes")


def test_nothing_to_export_is_said(database, catalogue, tmp_path):
    with pytest.raises(NotFound, match="no data yet"):
        export(database, catalogue, "city", tmp_path / "c.gpkg")
