"""Imports, restores and undos by who may write in some areas only: what lies elsewhere is a reject, or refuses all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.catalogue.public_part import part_of
from app.database.scope import Scope, within
from app.errors import BadInput, Forbidden, NotFound
from app.ingest.options import ImportOptions
from app.ingest.reading_service import Importing
from app.ingest.service import import_with
from app.inventory.batch import Change
from app.inventory.restore_service import restore_class, restore_feature, undo_import
from app.inventory.service import write_batches
from tests.access.writers import GREEN, OTHER
from tests.inventory.town import CHANGE, LAT, LON, batch, districts, place

#: Sees and writes the west; sees all and writes the west; writes what is its own anywhere.
WEST = Scope("internal", ("W",), ("W",), who="li", owner="user:1")
READS_ALL = Scope("internal", None, ("W",), who="li", owner="user:1")
OWN = Scope("internal", None, None, party=GREEN, who="wang", owner="user:2")
EVERYWHERE = Scope("internal", None, None, who="zhao", owner="user:3")
TOILETS = "SELECT code, name_zh, area_path FROM city.toilets ORDER BY code"


@pytest.fixture
def town(database, catalogue):
    """Toilets on both sides; a gas pipe and a drain; lamps of two parties."""
    with database.write() as conn:
        write_batches(conn, catalogue, [districts()], CHANGE)
        toilets = {"w1": place(-1, 1), "w2": place(-1, -1), "e1": place(1, 1)}
        lines = {code: place(-1, 1).buffer(0.001 * n).exterior for n, code in enumerate(("drain", "gas"), 1)}
        lamps = {"l1": place(1, 1), "l2": place(-1, 1)}
        write_batches(
            conn,
            catalogue,
            [
                batch("toilets", toilets, {"name_zh": ["西一", "西二", "东一"]}),
                batch("pipes", lines, {"kind": ["storm", "gas"], "start_depth_m": [1.5, 2.5]}),
                batch("street_lights", lamps, {"maintainer": [GREEN, OTHER]}),
            ],
            CHANGE,
        )
    return database


def read(database, query):
    with database.read() as conn:
        return [tuple(row) for row in conn.exec_driver_sql(query)]


def toilet(code, dx, dy, **more):
    point = {"type": "Point", "coordinates": [LON + dx / 100, LAT + dy / 100]}
    return {"type": "Feature", "geometry": point, "properties": {"code": code, **more}}


@pytest.fixture
def load(town, catalogue, tmp_path):
    def load(scope, class_id, *features, name="rows.geojson", **options) -> dict[str, Any]:
        path = tmp_path / name
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
        with within(scope):
            means = Importing(town, part_of(catalogue, scope.level), scope.who)
            return import_with(means, path, ImportOptions(class_id=class_id, key="code", **options))["files"][
                0
            ]

    return load


ROWS = (
    toilet("w1", -1, 1, name_zh="改名"),
    toilet("n1", -1.2, 1, name_zh="新的"),
    toilet("n2", 1.2, 1, name_zh="东边"),
    toilet("w2", 1.2, -1, name_zh="搬走"),
    toilet("e1", -1.3, -1, name_zh="抢来"),
)


@pytest.mark.parametrize("scope", [WEST, READS_ALL])
@pytest.mark.parametrize("dry_run", [False, True])
def test_rows_elsewhere_are_rejects_and_the_others_are_loaded(town, load, scope, dry_run):
    before = read(town, TOILETS)
    report = load(scope, "toilets", *ROWS, dry_run=dry_run)
    told = [(one["row"], one["field"], one["value"]) for one in report["rejects"]]
    assert told == [(3, "geometry", "n2"), (4, "geometry", "w2"), (5, "code", "e1")]
    assert {one["reason"] for one in report["rejects"][:2]} == {"the feature is not in your area"}
    assert report["rejects"][0]["hint"] == "Yours: W."
    counts = report["classes"]["toilets"]
    assert (counts["read"], counts["new"], counts["changed"], counts["rejected"]) == (5, 1, 1, 3)
    wanted = [
        ("e1", "东一", "C/E/E1"), ("n1", "新的", "C/W/W1"), ("w1", "改名", "C/W/W1"), ("w2", "西二", "C/W/W2"),
    ]  # fmt: skip
    assert read(town, TOILETS) == (before if dry_run else wanted)


def test_what_lies_elsewhere_is_not_missing(town, load, catalogue):
    """The rows of two files of one name; of the second one only what stands in the west may go."""
    first = [toilet("a1", -1, 1.2), toilet("a2", -1, 1.3), toilet("b1", 1, 1.2)]
    load(EVERYWHERE, "toilets", *first)
    report = load(READS_ALL, "toilets", first[0], delete_missing=True)
    assert report["missing"]["toilets"]["rows"] == 0, "the record of another's import is not seen"
    mine = load(WEST, "toilets", toilet("c1", -1, 1.4), toilet("c2", -1, 1.5), name="own.geojson")
    assert mine["classes"]["toilets"]["new"] == 2
    with town.write() as conn:  # since then one of them has moved
        write_batches(conn, catalogue, [batch("toilets", {"c2": place(1, 1.5)})], CHANGE)
    for scope in (WEST, READS_ALL):
        load(scope, "toilets", toilet("c1", -1, 1.4), name="own.geojson", delete_missing=True)
    codes = [code for code, *_ in read(town, TOILETS)]
    assert {"a1", "a2", "b1", "c1", "c2"} <= set(codes)


def test_a_class_or_column_or_value_above_ones_level_is_not_known(town, load):
    with pytest.raises(NotFound):
        load(WEST, "gas_devices", toilet("g1", -1, 1))
    line = {"type": "LineString", "coordinates": [[115.85, 28.69], [115.851, 28.69]]}

    def pipe(code, **properties) -> dict[str, Any]:
        return {"type": "Feature", "geometry": line, "properties": {"code": code, **properties}}

    rows = [
        pipe("drain", kind="storm", start_depth_m=9),
        pipe("p1", kind="gas"),
        pipe("p2", kind=None),
        pipe("p3", kind="storm"),
    ]
    for scope in (WEST, EVERYWHERE):
        report = load(scope, "pipes", *rows)
        assert [one["row"] for one in report["rejects"]] == [2, 3]
        stored = read(town, "SELECT code, kind, start_depth_m FROM city.pipes ORDER BY code")
        assert stored == [("drain", "storm", 1.5), ("gas", "gas", 2.5), ("p3", "storm", None)]
    report = load(WEST, "pipes", pipe("gas", kind="storm"))
    assert [(one["field"], one["value"]) for one in report["rejects"]] == [("code", "gas")]


def test_what_a_contractor_brings_is_its_own(town, load):
    rows = [
        toilet("l1", 1, 1.1),
        toilet("l2", -1, 1),
        toilet("n1", 1, 1.2),
        toilet("n2", 1, 1.3, maintainer=OTHER),
        toilet("n3", -1, 1.3, maintainer=GREEN),
    ]
    report = load(OWN, "street_lights", *rows)
    assert [(one["row"], one["field"]) for one in report["rejects"]] == [(2, "code"), (4, "maintainer")]
    stored = read(town, "SELECT code, maintainer FROM city.street_lights ORDER BY code")
    assert stored == [("l1", GREEN), ("l2", OTHER), ("n1", GREEN), ("n3", GREEN)]


def newest(database):
    ((number,),) = read(database, "SELECT max(id) FROM city.changes")
    return number


def test_restores_touch_ones_own_features_or_nothing(town, catalogue):
    start = newest(town)
    for shapes in ({"w1": place(-1, 1.1), "e1": place(1, 1.1)}, {"w2": place(-1, -1.1)}):
        with town.write() as conn:
            write_batches(
                conn, catalogue, [batch("toilets", shapes, {"name_zh": ["错"] * len(shapes)})], CHANGE
            )
    before, why = read(town, TOILETS), Change("li", "restore")
    part = part_of(catalogue, "internal")
    for scope in (WEST, READS_ALL):
        with within(scope), pytest.raises(Forbidden, match=r"^1 features"), town.write() as conn:
            restore_class(conn, part, "toilets", start, why)
        with within(scope), pytest.raises((Forbidden, NotFound)), town.write() as conn:
            restore_feature(conn, part, "toilets", "e1", start, why)
    assert read(town, TOILETS) == before
    with within(WEST), town.write() as conn:
        restore_feature(conn, part, "toilets", "w1", start, why)
        restore_feature(conn, part, "toilets", "w2", start, why)
    assert [name for _, name, _ in read(town, TOILETS)] == ["错", "西一", "西二"]


def test_a_feature_that_stood_elsewhere_is_not_brought_back_to_there(town, catalogue):
    """Its version of then is not seen: a restore would take the feature for never having been there."""
    start = newest(town)
    with town.write() as conn:
        write_batches(conn, catalogue, [batch("toilets", {"e1": place(-1, 1.2)})], CHANGE)
    part, before = part_of(catalogue, "internal"), read(town, TOILETS)
    for scope, error, told in (
        (WEST, NotFound, "Nothing was recorded"),
        (READS_ALL, Forbidden, "^1 features"),
    ):
        with within(scope), pytest.raises(error, match=told), town.write() as conn:
            restore_feature(conn, part, "toilets", "e1", start, Change("li", "restore"))
    assert read(town, TOILETS) == before


def test_hidden_rows_are_not_brought_back_by_who_does_not_see_them(town, catalogue):
    start, part = newest(town), part_of(catalogue, "internal")
    lines = {code: place(-1, 1).buffer(0.004 * n).exterior for n, code in enumerate(("drain", "gas"), 1)}
    with town.write() as conn:
        write_batches(conn, catalogue, [batch("pipes", lines, {"start_depth_m": [7, 7]})], CHANGE)
    with within(EVERYWHERE), pytest.raises(Forbidden, match=r"^1 features"), town.write() as conn:
        restore_class(conn, part, "pipes", start, Change("zhao", "restore"))
    assert read(town, "SELECT start_depth_m FROM city.pipes") == [(7,), (7,)]


def test_an_import_is_taken_back_whole_or_not_at_all(town, load, catalogue):
    report = load(WEST, "toilets", toilet("d1", -1, 1.2), toilet("d2", -1, 1.3))
    part = part_of(catalogue, "internal")
    with town.write() as conn:
        write_batches(conn, catalogue, [batch("toilets", {"d2": place(1, 1.3)})], CHANGE)
    ((number,),) = read(town, "SELECT id FROM city.imports WHERE who = 'li'")
    assert str(number) == report["import"]
    for scope in (WEST, READS_ALL):
        with within(scope), pytest.raises(Forbidden, match=r"^1 features"), town.write() as conn:
            undo_import(conn, part, number, Change("li", "undo"), "restore")
    with town.write() as conn:
        write_batches(conn, catalogue, [batch("toilets", {"d2": place(-1, 1.3)})], CHANGE)
    with within(WEST), town.write() as conn:
        done = undo_import(conn, part, number, Change("li", "undo"), "restore")
    assert done.classes == {"toilets": 2}
    other = Scope("internal", ("W",), ("W",), who="sun")
    with within(other), pytest.raises((NotFound, BadInput)), town.write() as conn:
        undo_import(conn, part, number, Change("sun", "undo"), "restore")
