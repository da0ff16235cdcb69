"""A class that a city declares itself goes all the way: tables, import, API, map, export, summary, history."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app.cli import app
from app.database.engine import open_database
from app.database.migrate import migrate as grow
from app.database.server import admin_parameters
from app.errors import BadDeclaration, SetupFailed
from app.inventory.local_growth import LocalGrowth
from app.main import create_app
from app.settings import Settings

pytestmark = pytest.mark.slow

HOTELS = """\
id: bee_hotels
title: {zh: 昆虫旅馆, en: Insect hotels}
description: {zh: 供昆虫栖息的旅馆。, en: Insect hotels.}
office: 园林处
geometry: point
symbol: {glyph: 虫, color: "#8c564b"}
zooms: [{zoom: 10}]
fields:
  rooms: {type: integer, unit: pieces, title: {zh: 房间数, en: Rooms}, minimum: 1, maximum: 50}
  made_of:
    type: choice
    title: {zh: 材料, en: Material}
    choices:
      wood: {zh: 木, en: Wood}
      stone: {zh: 石, en: Stone}
"""
CLEANER = "cleaner: {type: text, title: {zh: 保洁员, en: Cleaner}}\n"


def points(names: list[str], **columns: list) -> str:
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {"code": name, **{key: values[i] for key, values in columns.items()}},
                    "geometry": {"type": "Point", "coordinates": [115.86 + i / 1000, 28.68]},
                }
                for i, name in enumerate(names)
            ],
        }
    )


@pytest.fixture
def ours(tmp_path, settings, environment, monkeypatch) -> Path:
    """The city's folder with one class and one field, named by CHENGTU_LOCAL for commands."""
    folder = tmp_path / "ours"
    for name, declared in {"classes/bee_hotels.yaml": HOTELS, "fields/toilets.yaml": CLEANER}.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(declared, encoding="utf-8")
    for name in ("CHENGTU_HOME", "DATABASE_URL"):
        monkeypatch.setenv(name, environment[name])
    monkeypatch.setenv("CHENGTU_LOCAL", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def command(*words: str, code: int = 0) -> dict:
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == code, (done.output, done.exception)
    return json.loads(done.stdout)


def migrate() -> dict:
    return command("db", "migrate")


def grown() -> list[str]:
    """The files that the database grew by, without the command's detour."""
    growth = LocalGrowth(Settings())
    grow(Settings(), then=growth)
    return growth.changed


def refusal() -> str:
    with pytest.raises(BadDeclaration) as error:
        grown()
    return error.value.message


def insert(settings: Settings, *rows: tuple[str, int, str]) -> None:
    with psycopg.connect(**admin_parameters(settings)) as admin:
        for row in rows:
            admin.execute(
                "INSERT INTO local.bee_hotels (code, rooms, made_of, geom, change_id) "
                "VALUES (%s, %s, %s, ST_SetSRID(ST_MakePoint(115.8, 28.6), 4326), 1)",
                row,
            )


def load(folder: Path, rooms: list[int | None], made_of: list[str | None]) -> dict:
    codes = [f"c{n}" for n in range(len(rooms))]
    (folder / "bee_hotels.geojson").write_text(points(codes, 房间数=rooms, 材料=made_of), encoding="utf-8")
    return command("import", "bee_hotels.geojson")["files"][0]


def check_served(client: TestClient) -> None:
    """API, pages, summary and export of two bee hotels and a toilet with a cleaner."""

    def get(path: str) -> dict:
        reply = client.get(path, params={"f": "json"} if path.startswith(("/coll", "/summ")) else None)
        assert reply.status_code == 200, reply.text
        return reply.json()

    assert "bee_hotels" in {item["id"] for item in get("/collections")["collections"]}
    items = client.get("/collections/bee_hotels/items?f=json&made_of=wood").json()["features"]
    assert [item["properties"]["rooms"] for item in items] == [3]
    assert get("/collections/toilets/items")["features"][0]["properties"]["x_cleaner"] == "王师傅"
    assert client.get("/collections/toilets/items?f=json&x_cleaner=李").json()["numberMatched"] == 0
    for page in ("/map/bee_hotels", "/collections/bee_hotels"):
        assert "昆虫旅馆" in client.get(page, headers={"accept": "text/html"}).text
    assert "bee_hotels" in json.dumps(get("/summary"))
    # The first hotel was loaded with two rooms, then with three.
    assert '"rooms"' in json.dumps(get(f"/collections/bee_hotels/items/{items[0]['id']}/history"))
    assert get("/exports/bee_hotels.geojson")["features"][0]["properties"]["code"] == "c0"


@pytest.mark.wide
def test_a_class_of_the_citys_own_goes_all_the_way(ours, tmp_path, settings):
    assert migrate()["local"] == ["classes/bee_hotels.yaml", "fields/toilets.yaml"]
    counts = load(tmp_path, [2, 4, 99], ["木", "stone", None])["classes"]["bee_hotels"]
    assert (counts["read"], counts["loaded"], counts["rejected"]) == (3, 2, 1)
    assert load(tmp_path, [3, 4], ["wood", "stone"])["classes"]["bee_hotels"]["loaded"] == 1
    (tmp_path / "toilets.geojson").write_text(points(["t1"], cleaner=["王师傅"]), encoding="utf-8")
    assert command("import", "toilets.geojson")["files"][0]["classes"]["toilets"]["loaded"] == 1

    with TestClient(create_app(Settings())) as client:
        check_served(client)
    with psycopg.connect(**admin_parameters(settings)) as admin:
        before = admin.execute("SELECT code, rooms, until_change IS NOT NULL FROM local.bee_hotels_history")
        assert before.fetchall() == [("c0", 2, True)]
    command("export", "bee_hotels", "--to", "out.gpkg")
    assert command("import", "out.gpkg")["files"][0]["classes"]["bee_hotels"]["unchanged"] == 2
    assert CliRunner().invoke(app, ["map", "bee_hotels", "--to", "out.html"]).exit_code == 0
    assert "昆虫旅馆" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_tables_are_open_to_the_service_and_the_record_is_kept(ours, settings):
    grown()
    told = "SELECT has_table_privilege(%s, 'local.bee_hotels_history', %s)"
    with psycopg.connect(**admin_parameters(settings)) as admin:
        for role, right, may in [
            ("chengtu_rw", "INSERT", True), ("chengtu_ro", "SELECT", True), ("chengtu_ro", "UPDATE", False),
            ("chengtu_engine", "SELECT", True),
        ]:  # fmt: skip
            assert admin.execute(told, [role, right]).fetchone() == (may,)
        files = admin.execute("SELECT file, statements FROM city.local_ddl ORDER BY id").fetchall()
    assert [file for file, _ in files] == ["classes/bee_hotels.yaml", "fields/toilets.yaml"]
    assert "ADD COLUMN x_cleaner TEXT" in files[1][1]


@pytest.mark.wide
def test_commands_say_what_to_do_until_it_is_migrated(ours):
    with pytest.raises(SetupFailed) as error:
        open_database(Settings())
    assert error.value.hint == "Bring them in: chengtu db migrate"
    assert isinstance(CliRunner().invoke(app, ["summary"]).exception, SetupFailed)
    open_database(Settings(), LocalGrowth(Settings())).dispose()  # as `chengtu run` does
    open_database(Settings()).dispose()
    (ours / "fields" / "toilets.yaml").write_text(CLEANER.replace("cleaner", "keeper"), encoding="utf-8")
    with pytest.raises(SetupFailed):
        open_database(Settings())


@pytest.mark.wide
def test_it_may_grow_and_nothing_is_ever_taken_away(ours, settings):
    assert grown() == ["classes/bee_hotels.yaml", "fields/toilets.yaml"]
    assert grown() == []
    wider = HOTELS.replace("maximum: 50", "maximum: 90").replace(
        "wood:", "brick: {zh: 砖, en: Brick}\n      wood:"
    )
    (ours / "classes" / "bee_hotels.yaml").write_text(
        wider + "  maker: {type: text, title: {zh: 厂家, en: Maker}}\n"
    )
    assert grown() == ["classes/bee_hotels.yaml"]
    insert(settings, ("c0", 2, "brick"), ("c1", 88, "stone"))

    for old, new, place in [
        ("minimum: 1", "minimum: 2", ":9, key 'fields.rooms.minimum'"),
        ("stone: {zh: 石, en: Stone}", "", ":13, key 'fields.made_of.choices'"),
        ("geometry: point", "geometry: line", ":5, key 'geometry'"),
    ]:
        (ours / "classes" / "bee_hotels.yaml").write_text(wider.replace(old, new), encoding="utf-8")
        told = refusal()
        assert f"ours/classes/bee_hotels.yaml{place}: the database cannot be narrowed" in told
        assert "2 features of bee_hotels are stored" in told


@pytest.mark.wide
def test_what_is_no_longer_declared_stays_in_its_table(ours, settings):
    grown()
    insert(settings, ("c0", 2, "wood"), ("c1", 4, "stone"))
    (ours / "classes" / "bee_hotels.yaml").unlink()
    (ours / "fields" / "toilets.yaml").unlink()
    left = migrate()["left"]
    assert ["bee_hotels" in left[1] or "bee_hotels" in left[0], "x_cleaner" in "".join(left)] == [True, True]
    with TestClient(create_app(Settings())) as client:
        assert client.get("/collections/bee_hotels").status_code == 404
    with psycopg.connect(**admin_parameters(settings)) as admin:
        assert admin.execute("SELECT count(*) FROM local.bee_hotels").fetchone() == (2,)
    (ours / "classes" / "bee_hotels.yaml").write_text(HOTELS, encoding="utf-8")
    assert grown() == []
    with TestClient(create_app(Settings())) as client:
        assert client.get("/collections/bee_hotels/items?f=json").json()["numberMatched"] == 2
