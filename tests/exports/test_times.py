"""Exports of another day and as it was known at another change, with the times said in the file."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from app.catalogue.loader import load_catalogue
from app.database.engine import open_database
from app.database.migrate import migrate
from app.errors import BadInput
from app.exports.service import export
from app.inventory.local_growth import LocalGrowth
from app.inventory.periods import today
from app.inventory.service import write_batches
from app.main import create_app
from tests.inventory.town import CHANGE, batch, place
from tests.inventory.two_dates import AT_2020, AT_2021, HOSTILE, IMPORTED, REBUILT, two_dates


@pytest.fixture(scope="module")
def dated(cluster_settings, template, catalogue):
    with two_dates(cluster_settings, template, catalogue) as made:
        yield made


@pytest.fixture(scope="module")
def client(dated):
    with TestClient(create_app(dated.settings), raise_server_exceptions=False) as client:
        yield client


def rows(path) -> dict[str, int]:
    base = sqlite3.connect(path)
    try:
        return dict(base.execute("SELECT code, stalls FROM toilets").fetchall())
    finally:
        base.close()


def test_a_geopackage_holds_the_day_and_says_it(dated, catalogue, tmp_path):
    for as_of, expected in ((None, AT_2021), ("2020-12-31", AT_2020), ("2021-12-31", AT_2021)):
        made = export(dated.database, catalogue, "toilets", tmp_path / "t.gpkg", as_of=as_of)
        assert rows(tmp_path / "t.gpkg") == expected
        assert made["as_of"] == (as_of or today().isoformat())
        assert made["known_at"] == str(dated.removed)
        base = sqlite3.connect(tmp_path / "t.gpkg")
        said = base.execute("SELECT group_concat(metadata) FROM gpkg_metadata").fetchone()[0]
        base.close()
        assert f'name="as_of">{made["as_of"]}<' in said.replace("key=", "name=")


def test_an_import_taken_back_is_written_only_as_it_was_known_before(dated, catalogue, tmp_path):
    path = tmp_path / "t.gpkg"
    export(dated.database, catalogue, "toilets", path, known_at=str(dated.imported))
    assert rows(path) == IMPORTED
    export(dated.database, catalogue, "toilets", path, known_at=str(dated.imported), as_of="2020-12-31")
    assert rows(path) == AT_2020
    export(dated.database, catalogue, "toilets", path, known_at=str(dated.removed))
    assert rows(path) == AT_2021


def test_the_same_rows_can_be_asked_for_again(dated, catalogue, tmp_path):
    first = export(dated.database, catalogue, "city", tmp_path / "a.gpkg", as_of="2020-12-31")
    again = export(
        dated.database,
        catalogue,
        "city",
        tmp_path / "b.gpkg",
        as_of=first["as_of"],
        known_at=first["known_at"],
    )
    assert rows(tmp_path / "a.gpkg") == rows(tmp_path / "b.gpkg") == AT_2020
    assert first["layers"] == again["layers"] == {"toilets": 3, "districts": 7}


def test_a_download_takes_the_times(client, dated):
    found = client.get(f"/exports/toilets.geojson?as_of=2021-12-31&known_at={dated.imported}").json()
    assert {f["properties"]["code"]: f["properties"]["stalls"] for f in found["features"]} == IMPORTED
    assert (found["as_of"], found["known_at"]) == ("2021-12-31", str(dated.imported))
    (late,) = (f for f in found["features"] if f["properties"]["code"] == "late")
    assert late["properties"]["valid_from"] == "2021-06-01"


@pytest.mark.parametrize("query", HOSTILE)
def test_what_is_no_time_is_a_400(client, query):
    assert client.get(f"/exports/toilets.geojson?{query}").status_code == 400


def test_no_file_is_left_of_what_is_refused(dated, catalogue, tmp_path):
    with pytest.raises(BadInput):
        export(dated.database, catalogue, "toilets", tmp_path / "t.gpkg", as_of="soon")
    assert list(tmp_path.iterdir()) == []


def test_the_whole_city_before_anything_is_not_there(dated, catalogue, tmp_path):
    made = export(dated.database, catalogue, "toilets", tmp_path / "t.geojson", as_of="1800-01-01")
    codes = {f["properties"]["code"] for f in json.loads((tmp_path / "t.geojson").read_text())["features"]}
    assert (made["layers"], codes) == ({"toilets": 2}, {"old", "kept"})


HOTELS = """\
id: bee_hotels
title: {zh: 昆虫旅馆, en: Insect hotels}
description: {zh: 供昆虫栖息的旅馆。, en: Insect hotels.}
office: 园林处
geometry: point
symbol: {glyph: 虫, color: "#8c564b"}
zooms: [{zoom: 10}]
fields:
  rooms: {type: integer, unit: pieces, title: {zh: 房间数, en: Rooms}}
"""


@pytest.mark.wide
def test_a_class_of_the_citys_own_has_two_times_on_every_way_out(settings, tmp_path):
    (tmp_path / "ours" / "classes").mkdir(parents=True)
    (tmp_path / "ours" / "classes" / "bee_hotels.yaml").write_text(HOTELS, encoding="utf-8")
    own = settings.model_copy(update={"local": tmp_path / "ours"})
    migrate(own, then=LocalGrowth(own))
    catalogue, database = load_catalogue(own.geodata, own.local_path), open_database(own)
    rows = batch("bee_hotels", {"0": place(0, 0), "1": place(0, 0)}, {"rooms": [4, 8]})
    timed = replace(rows, codes=["h", "h"], valid=[(None, REBUILT), (REBUILT, None)])
    with database.write() as conn:
        write_batches(conn, catalogue, [timed], CHANGE)
    with TestClient(create_app(own)) as client:
        for day, rooms in (("2020-12-31", 4), ("2021-12-31", 8)):
            made = export(database, catalogue, "bee_hotels", tmp_path / "h.geojson", as_of=day)
            assert made["layers"] == {"bee_hotels": 1}
            features = json.loads((tmp_path / "h.geojson").read_text())["features"]
            features += client.get(f"/collections/bee_hotels/items?datetime={day}").json()["features"]
            assert [feature["properties"]["rooms"] for feature in features] == [rooms, rooms]
            card = client.get(f"/map/bee_hotels/features/1.json?as_of={day}").json()
            assert card["values"]["rooms"] == rooms
    database.dispose()
