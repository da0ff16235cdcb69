"""Policies over restricted data: computed for whoever asks, of what that one may see, and the answer says so."""

from __future__ import annotations

import threading

import pytest
import shapely

from app.access.reasons import leave
from app.catalogue.loader import load_catalogue
from app.catalogue.policy_sensitivity import needs_restricted, restricted_reads
from app.coverage import service
from app.coverage.engine import Engine
from app.coverage.engine_client import EngineClient
from app.coverage.engine_server import EngineServer
from app.database.scope import SERVICE, Scope, within
from app.errors import Forbidden, NotFound
from app.inventory.query import FeatureQuery
from app.ogc.store import run_page
from app.settings import ROOT
from tests.coverage.test_loading import drawn, write

WEST, EAST = shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)
HEAD = """\
id: {id}
version: "1"
kind: at_least
title: {{zh: 数, en: Count}}
description: {{zh: 数。, en: Count.}}
source: {{document: 文件, clause: "1", confidence: M}}
count: {count}
level: district
target: 1
unit: {{zh: 个, en: pieces}}
"""
#: Policies of the test: what they count.
COUNTS = {
    "gas-devices": "{class: gas_devices}",
    "pipes-mixed": "{class: pipes, where: {kind: [gas, sewer]}}",
    "pipes-any": "{class: pipes}",
    "pipes-unknown": "{class: pipes, where: {kind: [sewer, null]}}",
    "pipes-open": "{class: pipes, where: {kind: [sewer]}}",
    "bridge-loads": "{class: bridges, sum: load_limit_t}",
}
CITY = Scope("internal", None, (), None, "planner")
CLEARED = Scope("restricted", None, (), None, "planner")
IN_WEST = Scope("restricted", ("T1",), (), None, "planner")


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ours")
    (folder / "policies").mkdir()
    for name, count in COUNTS.items():
        (folder / "policies" / f"{name}.yaml").write_text(HEAD.format(id=name, count=count), "utf-8")
    return load_catalogue(ROOT / "geodata", folder)


@pytest.fixture
def city(database, catalogue):
    places = {"T": shapely.box(0, 0, 2000, 1000), "T1": WEST, "T2": EAST}
    said = {
        "level": ["city", "district", "district"],
        "kind": ["city", "urban_district", "urban_district"],
        "parent": [None, "T", "T"],
    }
    write(database, catalogue, drawn("districts", places, said))
    devices = {"a": (100, 100), "b": (200, 100), "c": (1500, 100)}
    write(
        database,
        catalogue,
        drawn("gas_devices", {code: shapely.Point(*xy) for code, xy in devices.items()}),
        drawn(
            "pipes",
            {code: shapely.LineString([(100, y), (300, y)]) for code, y in (("g", 10), ("s", 20), ("u", 30))},
            {"kind": ["gas", "sewer", None], "diameter_mm": [100, 300, 200]},
        ),
    )
    return database


def counted(answer):
    """District → how many."""
    return {row["code"]: row["value"] for row in answer["areas"]}


@pytest.mark.parametrize(
    ("policy", "classes"),
    [
        ("gas-devices", {"gas_devices"}),
        ("pipes-mixed", {"pipes"}),
        ("pipes-any", {"pipes"}),
        ("pipes-unknown", {"pipes"}),
        ("pipes-open", set()),
        ("bridge-loads", {"bridges"}),
        ("facilities-intact", {"manholes"}),
        ("toilet-500", set()),
    ],
)
def test_which_policies_read_what_is_restricted(policies, policy, classes):
    found = policies.get_policy(policy)
    assert set(restricted_reads(policies, found)) == classes
    assert needs_restricted(policies, found) == bool(classes)


def test_each_counts_what_he_may_see_and_the_answer_says_so(city, policies):
    engine = Engine(city, policies)
    asked = {"op": "coverage", "policy": "gas-devices"}
    assert counted(engine.answer(asked)) == {"T1": 2, "T2": 1}
    found = {}
    # The one who sees most asks first and last: what was read for him is kept for nobody else.
    for scope in (CLEARED, CITY, IN_WEST, CLEARED):
        with within(scope):
            found[scope] = engine.answer(asked)
    assert counted(found[CLEARED]) == {"T1": 2, "T2": 1}
    assert counted(found[CITY]) == {"T1": 0, "T2": 0}
    assert counted(found[IN_WEST])["T1"] == 2
    assert counted(found[IN_WEST])["T2"] == 0
    assert found[CITY]["inputs"]["held"] == {
        "classes": ["gas_devices"], "level": "internal", "areas": None, "party": None,
    }  # fmt: skip
    assert found[IN_WEST]["inputs"]["held"]["areas"] == ["T1"]
    assert "燃气安全装置含受限数据" in found[CITY]["inputs"]["notes"][-1]["zh"]


@pytest.mark.parametrize(
    ("policy", "seen", "all_of_them"),
    [("pipes-mixed", 1, 2), ("pipes-any", 1, 3), ("pipes-unknown", 1, 2), ("pipes-open", 1, 1)],
)
def test_rows_that_are_restricted_are_counted_for_those_who_see_them(
    city, policies, policy, seen, all_of_them
):
    engine = Engine(city, policies)
    for scope, number in ((CLEARED, all_of_them), (CITY, seen), (SERVICE, all_of_them)):
        with within(scope):
            answer = engine.answer({"op": "coverage", "policy": policy})
        assert counted(answer)["T1"] == number
        assert ("held" in answer["inputs"]) == (policy != "pipes-open")


def test_a_field_above_the_level_is_refused(city, policies):
    with within(CITY), pytest.raises(Forbidden, match="reads load_limit_t of bridges"):
        Engine(city, policies).answer({"op": "coverage", "policy": "bridge-loads"})


def test_the_engine_process_is_told_who_asks(city, policies, tmp_path):
    engine = Engine(city, policies)
    with EngineServer(tmp_path / "engine", engine.answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = EngineClient(tmp_path / "engine")
        for scope, number in ((CITY, 0), (CLEARED, 2)):
            with within(scope):
                assert counted(client.answer({"op": "coverage", "policy": "gas-devices"}))["T1"] == number
        server.shutdown()


def test_a_run_of_more_than_one_may_see_is_not_there(city, policies):
    engine = Engine(city, policies)
    with within(CLEARED):
        result = engine.answer({"op": "coverage", "policy": "gas-devices"})
    run = service.run(city, lambda _: result, {"policy": "gas-devices"})["run"]
    query = FeatureQuery("coverage_areas", where={"run": [run]}, limit=10)
    with city.read() as conn:
        assert service.get_run(conn, run)["inputs"]["held"]["level"] == "restricted"
        assert run_page(conn, "coverage_areas", query).features
    for scope in (CITY, Scope("public", None), Scope("internal", ("T1",))):
        with within(scope), city.read() as conn:
            assert service.list_runs(conn, policies) == []
            assert not run_page(conn, "coverage_areas", query).features
            assert conn.exec_driver_sql("SELECT count(*) FROM city.coverage_areas").scalar_one() == 0
            with pytest.raises(NotFound):
                service.get_run(conn, run)


def test_rows_of_such_a_run_leave_as_a_file_only_with_a_reason(city, policies):
    engine = Engine(city, policies)
    with within(CLEARED):
        result = engine.answer({"op": "coverage", "policy": "gas-devices"})
    service.run(city, lambda _: result, {"policy": "gas-devices"})
    query = FeatureQuery("coverage_areas", limit=10)
    for reason in (None, "移交燃气公司核对管线"):
        leaving = leave(policies, ["coverage_areas"], reason)
        with within(CLEARED), leaving.reading(), city.read() as conn:
            assert bool(run_page(conn, "coverage_areas", query).features) == (reason is not None)
        assert bool(leaving.left_out) == (reason is None)
