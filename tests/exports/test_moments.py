"""A field of moments: imported in any spelling, asked for, exported to every format and read back unchanged."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyogrio
import pytest
from fastapi.testclient import TestClient

from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.database.engine import Database, open_database
from app.database.migrate import migrate
from app.exports.service import export
from app.inventory.local_growth import LocalGrowth
from app.main import create_app
from app.settings import Settings
from tests.clones import clone
from tests.importing import import_path
from tests.moments import LOCAL, drawn

VISITS = """\
id: visits
title: {zh: 巡查记录, en: Visits}
description: {zh: 巡查到场记录。, en: When somebody came.}
office: 城管局
geometry: point
symbol: {glyph: 巡, color: "#8c564b"}
zooms: [{zoom: 10}]
fields:
  came: {type: datetime, title: {zh: 到场时间, en: Came at}}
"""
ROUNDS = VISITS.replace("visits", "rounds").replace("Visits", "Rounds").replace("巡查记录", "巡回记录")
CAME = {
    "v1": "2022-04-16T02:13:19Z",
    "v2": "2022-04-16 10:13:19.250+08:00",
    "v3": "",
    "v4": "1969/7/20 20:17:40 UTC",
}
STORED = {
    "v1": "2022-04-16T02:13:19Z", "v2": "2022-04-16T02:13:19.25Z", "v3": None, "v4": "1969-07-20T20:17:40Z",
}  # fmt: skip
#: GDAL with zones, Arrow, texts, a dBase table, whole seconds.
FORMATS = ("gpkg", "parquet", "csv", "shp.zip", "gdb.zip")


@pytest.fixture(scope="module")
def visits(cluster_settings, template, tmp_path_factory):
    """Settings, catalogue and database with four visits, imported from CSV."""
    with clone(cluster_settings, template) as settings:
        yield from _visits(settings, tmp_path_factory.mktemp("visits"))


def _visits(settings: Settings, tmp_path: Path) -> Iterator[tuple[Settings, Catalogue, Database]]:
    (tmp_path / "ours" / "classes").mkdir(parents=True)
    for name, declared in (("visits", VISITS), ("rounds", ROUNDS)):
        (tmp_path / "ours" / "classes" / f"{name}.yaml").write_text(declared, encoding="utf-8")
    own = settings.model_copy(update={"local": tmp_path / "ours"})
    migrate(own, then=LocalGrowth(own))
    catalogue, database = load_catalogue(own.geodata, own.local_path), open_database(own)
    rows = "".join(f"{code},115.8{n},28.6,{came}\n" for n, (code, came) in enumerate(CAME.items()))
    (tmp_path / "made.csv").write_text(f"编码,lon,lat,到场时间\n{rows}", encoding="utf-8")
    report = import_path(database, catalogue, tmp_path / "made.csv", class_id="visits")
    assert report["files"][0]["classes"]["visits"]["loaded"] == len(CAME)
    yield own, catalogue, database
    database.dispose()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.wide
def test_moments_come_back_unchanged_from_every_format(visits, tmp_path):
    _, catalogue, database = visits
    for ending in FORMATS:
        path = tmp_path / f"visits.{ending}"
        export(database, catalogue, "visits", path)
        report = import_path(database, catalogue, path)
        counts = report["files"][0]["classes"]["visits"]
        assert (counts["unchanged"], counts["rejected"]) == (len(CAME), 0), ending


def test_files_tell_moments_in_utc(visits, tmp_path):
    _, catalogue, database = visits
    for ending in ("csv", "geojson", "gpkg"):
        export(database, catalogue, "visits", tmp_path / f"visits.{ending}")
    with (tmp_path / "visits.csv").open(encoding="utf-8-sig") as file:
        assert {row["code"]: row["came"] or None for row in csv.DictReader(file)} == STORED
    features = json.loads((tmp_path / "visits.geojson").read_text("utf-8"))["features"]
    assert {item["properties"]["code"]: item["properties"]["came"] for item in features} == STORED
    info = pyogrio.read_info(tmp_path / "visits.gpkg", layer="visits")
    assert dict(zip(info["fields"], info["dtypes"], strict=True))["came"].startswith("datetime64")


def test_moments_are_served_and_asked_for(visits):
    own, *_ = visits
    with TestClient(create_app(own)) as client:
        features = client.get("/collections/visits/items").json()["features"]
        came = {item["properties"]["code"]: _moment(item["properties"]["came"]) for item in features}
        assert came == {code: _moment(text) for code, text in STORED.items()}
        for query in (
            {"filter": "came > TIMESTAMP('2022-04-16T02:13:19Z')"},
            {"filter": "T_INTERSECTS(came, DATE('2022-04-16')) AND came <> '2022-04-16T02:13:19Z'"},
            {"came": "2022-04-16T10:13:19.25+08:00"},
        ):
            found = client.get("/collections/visits/items", params=query).json()["features"]
            assert [item["properties"]["code"] for item in found] == ["v2"], query
        assert client.get("/collections/visits/items?came=yesterday").status_code == 400


def test_two_thousand_moments_keep_day_and_second_all_the_way(visits, tmp_path):
    own, catalogue, database = visits
    moments = {f"r{number}": moment for number, moment in enumerate(drawn(2000))}
    zones = (UTC, LOCAL, timezone(timedelta(hours=-11)))
    rows = "".join(
        f"{code},115.8,28.{number:06},{moment.astimezone(zones[number % 3]).isoformat()}\n"
        for number, (code, moment) in enumerate(moments.items())
    )
    (tmp_path / "made.csv").write_text(f"编码,lon,lat,到场时间\n{rows}", encoding="utf-8")
    report = import_path(database, catalogue, tmp_path / "made.csv", class_id="rounds")
    assert report["files"][0]["classes"]["rounds"]["loaded"] == len(moments)
    for ending in FORMATS:
        export(database, catalogue, "rounds", tmp_path / f"rounds.{ending}")
        report = import_path(database, catalogue, tmp_path / f"rounds.{ending}")
        assert report["files"][0]["classes"]["rounds"]["unchanged"] == len(moments), ending
    with TestClient(create_app(own)) as client:
        items = client.get("/collections/rounds/items?limit=10000").json()["features"]
    came = {item["properties"]["code"]: _moment(item["properties"]["came"]) for item in items}
    assert came == moments
    assert [one.astimezone(LOCAL).date() for one in came.values()] == [
        moments[code].astimezone(LOCAL).date() for code in came
    ]
