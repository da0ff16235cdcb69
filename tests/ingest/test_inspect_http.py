"""A look into a file before it is imported: columns with their roles, evidence, what is asked; then one loads it."""

from __future__ import annotations

import io
from collections.abc import Iterator

import openpyxl
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.main import create_app
from tests.clones import clone, opened
from tests.importing import own_home, working

TOILETS = (
    "编号,名称,经度,纬度,男厕位数,占地亩,乱写\nG1,甲厕,115.80,28.68,6,0.3,x\nG2,乙厕,115.81,28.68,4,0.2,y\n"
)
WAIT = {"Prefer": "wait=30"}


@pytest.fixture(scope="module")
def served(cluster_settings, template, tmp_path_factory) -> Iterator[tuple[TestClient, object]]:
    """A client of a server with a worker, over a database and a data folder of their own."""
    with clone(cluster_settings, template) as settings, opened(settings) as database:
        own = own_home(settings, tmp_path_factory.mktemp("home"))
        with working(own), TestClient(create_app(own), raise_server_exceptions=False) as client:
            yield client, database


@pytest.fixture
def client(served):
    return served[0]


def look(client, content: bytes | None, name: str = "公厕.csv", **fields: str):
    return client.post("/imports/inspect", files=form(content, name, **fields), headers=WAIT)


def form(content: bytes | None = None, name: str = "", **fields: str):
    """The parts of a multipart form, with a file or without one."""
    file = {} if content is None else {"file": (name, content)}
    return {**file, **{field: (None, value) for field, value in (fields or {"layer": ""}).items()}}


def count(served, table: str) -> int:
    with served[1].read() as conn:
        return conn.execute(text(f"SELECT count(*) FROM city.{table}")).scalar_one()


def test_a_file_is_understood_and_nothing_is_written(client, served):
    before = count(served, "imports")
    found = look(client, TOILETS.encode()).json()
    (layer,) = found["layers"]
    assert (layer["class"], layer["rows"], layer["crs"], layer["how"]) == ("toilets", 2, "EPSG:4326", "found")
    roles = {one["heading"]: one["role"] for one in layer["columns"]}
    assert roles == {
        "编号": "key", "名称": roles["名称"], "经度": "place:lon", "纬度": "place:lat", "男厕位数": "field:male_stalls",
        "占地亩": "extra", "乱写": "extra",
    }  # fmt: skip
    assert roles["名称"] in {"field:name", "field:name_zh"}
    assert layer["first"][0] == ["G1", "甲厕", "115.80", "28.68", "6", "0.3", "x"]
    assert [item["geometry"]["coordinates"] for item in layer["features"]] == [
        [115.8, 28.68],
        [115.81, 28.68],
    ]
    assert any("经纬度" in said["zh"] and "longitudes" in said["en"] for said in layer["evidence"])
    assert {"name", "title", "unit"} == set(found["fields"]["toilets"][0])
    assert (count(served, "imports"), count(served, "toilets")) == (before, 0)


def test_text_in_gb18030_is_found_with_the_evidence(client):
    (layer,) = look(client, TOILETS.encode("gb18030")).json()["layers"]
    assert layer["encoding"].upper() == "GB18030"
    assert layer["first"][1][1] == "乙厕"


def test_what_is_not_known_is_asked_for_and_then_said(client):
    found = look(client, TOILETS.encode(), "table.csv").json()
    (layer,) = found["layers"]
    assert layer["class"] is None
    assert layer["columns"] == []
    assert "toilets" in layer["likely_classes"]
    assert "类别" in layer["problem"]["message"]["zh"]
    said = look(
        client, None, upload=found["upload"], mapping='{"layers": [{"layer": "table", "class": "toilets"}]}'
    )
    (layer,) = said.json()["layers"]
    assert (layer["class"], layer["problem"]) == ("toilets", None)
    roles = {one["heading"]: one["role"] for one in layer["columns"]}
    assert roles["编号"] == "key"


def test_metres_without_a_system_are_asked_about_with_the_columns_matched(client):
    metres = "编号,X坐标,Y坐标\nL1,3174659.903,391716.254\nL2,3175431.748,395818.958\n"
    (layer,) = look(client, metres.encode(), "路灯.csv").json()["layers"]
    assert layer["class"] == "street_lights"
    assert "坐标系" in layer["problem"]["message"]["zh"]
    assert {one["role"] for one in layer["columns"]} == {"key", "place:east", "place:north"}
    (layer,) = look(client, metres.encode(), "路灯.csv", crs="EPSG:4548").json()["layers"]
    assert layer["problem"] is None
    lon, lat = layer["features"][0]["geometry"]["coordinates"]
    assert (round(lon, 2), round(lat, 2)) == (115.89, 28.68)


def test_a_fault_in_one_sheet_leaves_the_other(client):
    book = openpyxl.Workbook()
    for name, rows in (("公厕", TOILETS), ("杂项", "甲,乙\n1,2\n")):
        sheet = book.create_sheet(name)
        for row in rows.strip().split("\n"):
            sheet.append(row.split(","))
    book.remove(book.worksheets[0])
    out = io.BytesIO()
    book.save(out)
    layers = {one["layer"]: one for one in look(client, out.getvalue(), "两表.xlsx").json()["layers"]}
    assert layers["公厕"]["problem"] is None
    assert layers["杂项"]["problem"]["message"]["zh"]


def test_a_kept_file_is_tried_and_loaded_without_being_sent_again(client, served):
    upload = look(client, TOILETS.encode()).json()["upload"]
    asked = {"upload": upload, "mapping": '{"layers": [{"layer": "公厕", "class": "toilets", "columns": '
             '{"占地亩": {"field": "floor_area_m2", "unit": "亩"}}, "drop": ["乱写"]}]}'}  # fmt: skip
    tried = client.post("/imports", files=form(**asked, dry_run="true"), headers=WAIT)
    assert (tried.status_code, tried.json()["classes"]["toilets"]["new"]) == (200, 2)
    assert count(served, "toilets") == 0
    done = client.post("/imports", files=form(**asked), headers=WAIT)
    assert (done.status_code, done.json()["path"]) == (201, "公厕.csv")
    with served[1].read() as conn:
        rows = conn.execute(text("SELECT code, floor_area_m2, extra FROM city.toilets ORDER BY code")).all()
    assert [(row.code, round(row.floor_area_m2)) for row in rows] == [("G1", 200), ("G2", 133)]
    assert all("乱写" not in (row.extra or {}) for row in rows)


@pytest.mark.parametrize(
    ("fields", "content", "status", "said"),
    [
        ({"upload": "0b1b7a56-8a3f-4a4c-9a57-2f7c4c2b4a10"}, None, 404, "not there any more"),
        ({"upload": "../../etc/passwd"}, None, 400, "upload"),
        (
            {"upload": "0b1b7a56-8a3f-4a4c-9a57-2f7c4c2b4a10", "layer": ""},
            b"a,b\n1,2\n",
            400,
            "another is named",
        ),
        ({"class": "no_such"}, b"a,b\n1,2\n", 404, "no_such"),
        ({}, None, 400, ""),
        ({}, b"\x00\x01\x02\x03" * 50, 400, ""),
    ],
)
def test_what_cannot_be_looked_into_is_refused_in_words(client, fields, content, status, said):
    reply = look(client, content, **fields)
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert said in reply.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://elsewhere.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://testserver"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://behind.a.proxy"}, True),
        ({}, True),
    ],
)
@pytest.mark.parametrize("path", ["/imports/inspect", "/imports/no/undo", "/coverage"])
def test_only_pages_of_this_server_write(client, headers, allowed, path):
    reply = client.post(path, headers=headers)
    refused = reply.status_code == 400 and "another site" in reply.json()["detail"]
    assert refused is not allowed
