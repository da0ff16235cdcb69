"""A feature that becomes restricted, or moves away, is hidden with its past, photos, reports, scores and entries."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from app.database.scope import Scope, within
from app.errors import Forbidden
from app.inventory.service import write_batches
from app.search.service import ensure_entries
from tests.access.writers import GREEN, OTHER, Town, written_town
from tests.inventory.town import CHANGE, batch, place

SEES = {
    "public": Scope("public", None),
    "internal": Scope("internal", None),
    "west": Scope("internal", ("W",)),
    "east": Scope("restricted", ("E",)),
    "restricted": Scope("restricted", None, ()),
}
#: What somebody told of each: table, columns, values.
TOLD = (
    ("reports", "state", "'closed'"),
    ("photos", "media_type, body, width, height", "'image/jpeg', 'x', 1, 1"),
    ("assessments", "area_path, who, score, verdict", "'C/W', 'test', 9, 'ok'"),
)
#: What is told beside a feature: by what rows of it are found.
BESIDE = {
    "monitoring_points_history": "id = {id}",
    "photos": "feature_id = {id}",
    "reports": "feature_id = {id}",
    "assessments": "feature_id = {id}",
    "search_entries": "class = 'monitoring_points' AND id = {id}",
}


@dataclass(frozen=True)
class Later:
    """The town, and the ids of its gauges by code."""

    town: Town
    numbers: dict[str, int]


@pytest.fixture(scope="module")
def later(cluster_settings, template, catalogue):
    """Gauges in the west: one stays, one turns out to be a camera, one moves to the east, one is taken down."""
    with written_town(cluster_settings, template, catalogue) as town:

        def write(code, spot, kind) -> None:
            with town.db.write() as conn:
                rows = batch("monitoring_points", {code: spot}, {"kind": [kind]})
                write_batches(conn, catalogue, [rows], CHANGE)

        codes = ("stays", "camera", "moves", "gone")
        spots = {code: place(-1 - n / 10, 1) for n, code in enumerate(codes)}
        for code in codes:
            write(code, spots[code], "flood")
        with town.db.write() as conn:
            for table, columns, values in TOLD:
                conn.exec_driver_sql(
                    f"INSERT INTO city.{table} (class_id, feature_id, change_id, {columns}) "
                    f"SELECT 'monitoring_points', id, change_id, {values} FROM city.monitoring_points"
                )
        numbers = {code: town.id_of("monitoring_points", code) for code in codes}
        write("camera", spots["camera"], "camera")
        write("moves", place(1, 1), "flood")
        deleted = town.change("whole", "DELETE", "monitoring_points", "gone")
        assert deleted.status_code == 204, deleted.text
        ensure_entries(town.db, catalogue)
        yield Later(town, numbers)


def counted(later, who, code):
    """What is there of a feature, by where it stands."""
    rule = {name: where.format(id=later.numbers[code]) for name, where in BESIDE.items()}
    with within(SEES[who]), later.town.db.read() as conn:
        return {
            name: conn.exec_driver_sql(f"SELECT count(*) FROM city.{name} WHERE {where}").scalar_one()
            for name, where in rule.items()
            if not (who == "public" and name == "assessments")
        }


@pytest.mark.parametrize(
    ("code", "seers"),
    [
        ("stays", {"public", "internal", "west", "restricted"}),
        ("camera", {"restricted"}),
        ("moves", {"public", "internal", "restricted"}),
        ("gone", {"public", "internal", "west", "restricted"}),
    ],
)
def test_what_is_told_of_a_feature_is_told_to_who_sees_it_as_it_stands(later, code, seers):
    there = counted(later, "restricted", code)
    assert there["photos"] == there["reports"] == 1
    assert there["monitoring_points_history"] == {"stays": 0, "gone": 2}.get(code, 1)
    for who in SEES:
        found = counted(later, who, code)
        if who in seers:
            assert found == {name: there[name] for name in found}, who
        elif code == "moves" and who == "east":
            # It stands in the east and was in the west: the east is told of it, and nothing of what it was.
            assert found == there | {"monitoring_points_history": 0}
        else:
            assert set(found.values()) == {0}, who


def test_over_http_its_past_is_not_there(later):
    town = later.town
    camera = f"/collections/monitoring_points/items/{later.numbers['camera']}"
    assert town.ask("reads all", "GET", f"{camera}/history").status_code == 404
    assert town.ask("whole", "GET", f"{camera}/history").status_code == 200
    for query in ("known_at=3", "datetime=2026-01-01/.."):
        text = town.ask("reads all", "GET", f"/collections/monitoring_points/items?limit=100&{query}").text
        assert "camera" not in text, query


def test_a_contractor_writes_the_search_entries_of_its_own_alone(later, catalogue):
    town, contractor = later.town, Scope("internal", None, None, party=GREEN, who="green", owner="key:1")
    rows = batch(
        "street_lights",
        {"own": place(1, 0.5), "others": place(1, 0.6)},
        {"maintainer": [GREEN, OTHER], "name_zh": ["自家", "别家"]},
    )
    with town.db.write() as conn:
        write_batches(conn, catalogue, [rows], CHANGE)
    ensure_entries(town.db, catalogue)
    for code, may in (("own", 1), ("others", 0)):
        where = f"class = 'street_lights' AND id = {town.id_of('street_lights', code)}"
        ((kept,),) = town.sql(f"SELECT to_jsonb(s)::text FROM city.search_entries s WHERE {where}")
        added = (
            "INSERT INTO city.search_entries "
            "SELECT (jsonb_populate_record(null::city.search_entries, %s::jsonb)).*"
        )
        with within(contractor), town.db.write() as conn:
            changed = f"UPDATE city.search_entries SET areas_touched = areas_touched WHERE {where}"
            assert conn.exec_driver_sql(changed).rowcount == may
            assert conn.exec_driver_sql(f"DELETE FROM city.search_entries WHERE {where}").rowcount == may
            if may:
                conn.exec_driver_sql(added, (kept,))
            conn.rollback()
        if not may:
            with town.db.write() as conn:
                conn.exec_driver_sql(f"DELETE FROM city.search_entries WHERE {where}")
            with pytest.raises(Forbidden), within(contractor), town.db.write() as conn:
                conn.exec_driver_sql(added, (kept,))
