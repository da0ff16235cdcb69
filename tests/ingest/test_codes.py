"""Official ids in a table: the edition is asked for, wrong ids are refused row by row, kinds follow from them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import shapely
from sqlalchemy import text
from typer.testing import CliRunner

from app.cli import app
from app.errors import BadInput, NotFound
from tests.importing import import_path
from tests.ingest.test_import import only, write
from tests.width import thin

#: 上水井盖 of the live system (standards.md §3.1), and ids made by the layout of 2026.
LIVE = "3205080101000001"
NANCHANG = "360102"
CLASS = "manholes"


def new_id(kind: str, serial: int = 1, area: str = NANCHANG) -> str:
    return f"{area}{kind}{serial:06d}"


def covers(*properties: dict[str, Any], lon: float = 115.9) -> list:
    return [(shapely.Point(lon + i / 10_000, 28.68), dict(row)) for i, row in enumerate(properties)]


@pytest.fixture
def load(database, catalogue, tmp_path):
    def load(*properties: dict[str, Any], lon: float = 115.9, cls: str = CLASS, **options: Any) -> dict:
        path = write(tmp_path / f"{cls}.geojson", covers(*properties, lon=lon))
        return only(import_path(database, catalogue, path, who="test", **options))

    return load


@pytest.fixture
def rows(database):
    def rows(fields: str, cls: str = CLASS) -> list[tuple]:
        with database.read() as conn:
            return [tuple(row) for row in conn.execute(text(f"SELECT {fields} FROM city.{cls} ORDER BY id"))]

    return rows


def test_an_id_without_its_code_system_is_asked_for(load, rows):
    report = load({"编码": "m1", "部件标识码": LIVE}, {"编码": "m2", "部件标识码": None})
    (reject,) = report["rejects"]
    assert (reject["row"], reject["field"], reject["value"]) == (1, "component_code", LIVE)
    assert reject["reason"] == "the code system is not stated"
    for word in ("--code-system", "cjt214_2007", "gbt30428_2013", "own"):
        assert word in reject["hint"]
    assert rows("code, component_code, code_system") == [("m2", None, None)]


def test_the_option_states_the_system_and_the_kind_follows_from_the_id(load, rows):
    report = load(
        {"编码": "m1", "部件标识码": LIVE, "类型": None},
        {"编码": "m2", "部件标识码": LIVE[:8] + "03000001", "类型": "污水"},
        {"编码": "m3", "部件标识码": None, "类型": "燃气"},
        code_system="cjt214_2007",
    )
    assert report["rejects"] == []
    assert rows("code, component_code, code_system, kind") == [
        ("m1", LIVE, "cjt214_2007", "water"),
        ("m2", LIVE[:8] + "03000001", "cjt214_2007", "sewer"),
        ("m3", None, None, "gas"),
    ]
    (warning,) = report["warnings"]
    assert (warning["row"], warning["field"], warning["value"]) == (2, "kind", "sewer")
    assert "the id says storm (0103 雨水井盖)" in warning["reason"]


def test_a_finer_word_of_the_city_is_no_contradiction(load, rows):
    report = load({"编码": "m1", "部件标识码": new_id("01002"), "类型": "合流"}, code_system="gbt47678_2026")
    assert (report["warnings"], rows("kind")) == ([], [("combined",)])


def test_a_column_states_the_system_row_by_row(load, rows):
    load(
        {"编码": "m1", "部件标识码": LIVE, "编码标准": "CJ/T 214-2007"},
        {"编码": "m2", "部件标识码": new_id("01002"), "编码标准": None},
        {"编码": "m3", "部件标识码": "JG-17", "编码标准": "自编"},
        code_system="gbt47678_2026",
    )
    assert rows("code_system, kind") == [("cjt214_2007", "water"), ("gbt47678_2026", "sewer"), ("own", None)]


BAD = {
    "wrong length": (LIVE, "has 16 characters", "6+2+3+6"),
    "no number": ("井盖一号", "has 4 characters", "6+2+3+6"),
    "unknown kind": (new_id("01016"), "no kind 01016", "01001 供水井盖"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_id_that_cannot_be_of_its_edition_costs_its_row_only(load, rows, name):
    value, reason, hint = BAD[name]
    report = load(
        {"编码": "m1", "部件标识码": value},
        {"编码": "m2", "部件标识码": new_id("01001")},
        code_system="gbt47678_2026",
    )
    (reject,) = report["rejects"]
    assert (reject["row"], reject["field"], reject["value"]) == (1, "component_code", value)
    assert reason in reject["reason"]
    assert hint in reject["hint"]
    assert rows("code") == [("m2",)]


def _load_districts(database, catalogue, tmp_path, second: str = "360103") -> None:
    west, east = shapely.box(115.88, 28.66, 115.92, 28.70), shapely.box(115.92, 28.66, 115.96, 28.70)
    shapes = [
        (west, {"code": "D", "level": "district", "division_code": NANCHANG}),
        (east, {"code": "X", "level": "district", "division_code": second}),
    ]
    import_path(database, catalogue, write(tmp_path / "districts.geojson", shapes), who="test")


def test_an_id_of_another_district_is_refused_where_districts_have_codes(load, database, catalogue, tmp_path):
    _load_districts(database, catalogue, tmp_path)
    report = load(
        {"编码": "m1", "部件标识码": new_id("01001")},
        {"编码": "m2", "部件标识码": new_id("01001", 2, "360103")},
        {"编码": "m3", "部件标识码": new_id("01001", 3, "360100")},
        code_system="gbt47678_2026",
    )
    (reject,) = report["rejects"]
    assert (reject["row"], reject["field"]) == (2, "component_code")
    assert "of the area 360103, but lies in 360102" in reject["reason"]
    assert "360102" in reject["hint"]


@pytest.mark.parametrize(
    ("lon", "second", "good"),
    thin(
        [
            (115.92 - 0.0003, "360103", True),  # 29 m before the border: registered on either side
            (115.92 - 0.0003, "local-7", True),  # a neighbour whose code is not known
            (115.92 - 0.0010, "360103", False),  # 98 m
            (115.80, "360103", True),  # outside all districts
        ],
        2,
    ),
)
def test_near_a_border_either_district_may_have_registered(
    load, database, catalogue, tmp_path, lon, second, good
):
    _load_districts(database, catalogue, tmp_path, second)
    report = load(
        {"编码": "m1", "部件标识码": new_id("01001", 1, "360103")}, lon=lon, code_system="gbt47678_2026",
        allow_outside=True,
    )  # fmt: skip
    assert (report["rejects"] == []) is good


def test_a_file_of_official_ids_alone_finds_its_features_again(load, rows):
    load({"编码": "m1", "部件标识码": new_id("01001")}, code_system="gbt47678_2026")
    again = {"GLBJBSM": new_id("01001"), "BZ": "新"}, {"GLBJBSM": new_id("01002", 2), "BZ": "别"}
    report = load(*again, code_system="gbt47678_2026")
    assert (report["classes"][CLASS]["new"], report["classes"][CLASS]["changed"]) == (1, 1)
    assert report["keys"] == {"manholes": "GLBJBSM"}
    expected = [("m1", "water", "新"), (new_id("01002", 2), "sewer", "别")]
    assert rows("code, kind, note") == expected


def test_a_column_that_is_key_and_id_is_both(load, rows):
    load({"部件编码": LIVE, "状态": "在用"}, code_system="cjt214_2007")
    assert rows("code, component_code, kind") == [(LIVE, LIVE, "water")]


def test_a_key_of_official_ids_without_a_system_is_asked_for_too(load, rows):
    report = load({"部件编码": LIVE, "状态": "在用"}, {"部件编码": "J-2", "状态": "在用"})
    assert [reject["reason"] for reject in report["rejects"]] == ["the code system is not stated"] * 2
    assert rows("code") == []


def test_a_key_of_other_numbers_is_a_key_alone(load, rows):
    assert load({"部件编码": "J-1"}, {"部件编码": "J-2"})["rejects"] == []
    assert rows("code, component_code") == [("J-1", None), ("J-2", None)]


def test_a_new_edition_keeps_the_old_id_beside_the_new(load, rows):
    load({"编码": "m1", "部件标识码": LIVE}, code_system="cjt214_2007")
    load({"编码": "m1", "部件标识码": new_id("01001", area="320508")}, code_system="gbt47678_2026")
    (row,) = rows("component_code, code_system, former_code, former_code_system")
    assert row == (new_id("01001", area="320508"), "gbt47678_2026", LIVE, "cjt214_2007")


def test_a_former_id_finds_the_feature_and_must_fit_the_crosswalk(load, rows):
    load({"部件标识码": LIVE}, code_system="cjt214_2007")
    renewed = {
        "部件标识码": new_id("01002", area="320508"), "原部件标识码": LIVE, "原编码标准": "cjt214_2007",
    }  # fmt: skip
    report = load(renewed, code_system="gbt47678_2026")
    assert [warning["reason"] for warning in report["warnings"]] == [
        "the former id is of the kind 0101, which became 01001, not 01002"
    ]
    assert rows("code, former_code") == [(LIVE, LIVE)]


def test_what_an_id_does_not_tell_stays_as_it_is_stored(load, rows):
    load({"编码": "m1", "类型": "燃气"}, {"编码": "m2", "类型": "热力"})
    load(
        {"编码": "m1", "部件标识码": None},
        {"编码": "m2", "部件标识码": new_id("01010")},
        code_system="gbt47678_2026",
    )
    assert rows("code, kind, code_system") == [("m1", "gas", None), ("m2", "heat", "gbt47678_2026")]


def test_a_component_of_another_class_is_loaded_with_a_warning(load):
    report = load({"编码": "m1", "部件标识码": new_id("03001")}, code_system="gbt47678_2026")
    assert report["classes"][CLASS]["loaded"] == 1
    (warning,) = report["warnings"]
    assert warning["reason"] == "the id is one of toilets: 03001 公共厕所"
    assert "--class toilets" in warning["hint"]


def test_ids_that_come_as_numbers_are_read_exactly(load, rows):
    load({"编码": "m1", "部件标识码": float(LIVE)}, {"编码": "m2", "部件标识码": int(LIVE) + 1},
         code_system="cjt214_2007")  # fmt: skip
    assert rows("component_code") == [(LIVE,), (str(int(LIVE) + 1),)]


def test_wrong_options_are_refused_before_anything_is_read(database, catalogue, tmp_path):
    with pytest.raises(NotFound, match="no code system named 'gbt2026'") as error:
        import_path(database, catalogue, tmp_path / "none.geojson", code_system="gbt2026", who="test")
    assert "gbt47678_2026" in (error.value.hint or "")
    osm = tmp_path / "city.osm"
    osm.write_text('<osm version="0.6"><node id="1" lat="1" lon="1"/></osm>')
    with pytest.raises(BadInput, match="no official component ids"):
        import_path(database, catalogue, osm, code_system="own", who="test")


def test_the_command_states_the_system_and_shows_what_is_odd(environment, tmp_path, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    path = write(tmp_path / "manholes.geojson", covers({"编码": "m1", "部件标识码": LIVE, "类型": "污水"}))
    done = CliRunner().invoke(app, ["import", str(path), "--code-system", "cjt214_2007"])
    assert done.exit_code == 0, done.output
    assert "look at them" in done.output
    done = CliRunner().invoke(app, ["import", str(path), "--code-system", "cjt214_2007", "--json"])
    (item,) = json.loads(done.stdout)["files"]
    assert item["classes"]["manholes"]["unchanged"] == 1


def test_pipes_are_read_by_the_letters_of_cjj_61(database, catalogue, tmp_path, rows):
    line = shapely.LineString([(115.9, 28.68), (115.901, 28.68)])
    pipes = [
        (line, {"编码": "p1", "类型": "JS", "材质": "ZT", "埋设方式": "ZM", "管线使用状态": 0}),
        (line, {"编码": "p2", "类型": "ZS", "材质": "ZS", "埋设方式": "XTD", "管线使用状态": "2"}),
        (line, {"编码": "p3", "类型": "TR", "材质": "G", "埋设方式": "架空", "管线使用状态": "废弃"}),
    ]
    report = only(import_path(database, catalogue, write(tmp_path / "pipes.geojson", pipes), who="test"))
    assert report["rejects"] == []
    assert rows("kind, material, embedding, use_state", "pipes") == [
        ("water", "cast_iron", "buried", "in_use"),
        ("reclaimed", "brick", "passage", "empty"),
        ("gas", "steel", "overhead", "abandoned"),
    ]


def test_a_file_of_mixed_components_goes_to_the_classes_that_its_ids_name(
    database, catalogue, tmp_path, rows
):
    kinds = ["01001", "03001", "01007", "04002", "01016"]
    features = covers(
        *({"GLBJBSM": new_id(kind, i), "BZ": kind} for i, kind in enumerate(kinds)), {"BZ": "?"}
    )
    path = write(tmp_path / "components_2026.geojson", features)
    with pytest.raises(BadInput, match="No class is named like the layer") as error:
        import_path(database, catalogue, path, who="test")
    assert "--code-system" in (error.value.hint or "")
    report = only(import_path(database, catalogue, path, code_system="gbt47678_2026", who="test"))
    loaded = {name: counts["loaded"] for name, counts in report["classes"].items()}
    assert loaded == {"manholes": 2, "toilets": 1, "street_trees": 1}
    assert sum(counts["read"] for counts in report["classes"].values()) == 6
    assert [(reject["row"], reject["field"]) for reject in report["rejects"]] == [
        (5, "component_code"), (6, "component_code"),
    ]  # fmt: skip
    assert rows("code, kind") == [(new_id("01001", 0), "water"), (new_id("01007", 2), "telecom")]
    assert rows("note", "toilets") == [("03001",)]
    again = only(import_path(database, catalogue, path, code_system="gbt47678_2026", who="test"))
    assert sum(counts["unchanged"] for counts in again["classes"].values()) == 4
