"""QGIS itself (Debian's 3.22, without windows) opens the project of the town, on files and on the server."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.catalogue.model import Catalogue
from app.exports.project import layer_id
from app.exports.project_service import ProjectWishes, write_project
from tests.clients.conftest import Asked, Served
from tests.clients.test_qgis import PYTHON
from tests.clones import opened

pytestmark = [pytest.mark.slow, pytest.mark.wide]

READER = Path(__file__).with_name("qgis_project_reader.py")


@dataclass(frozen=True)
class Session:
    """What QGIS found in the project of files and in that of the server, and what it asked of the server."""

    files: dict[str, Any]
    server: dict[str, Any]
    said: list[str]
    written: dict[str, Any]
    asked: list[Asked]

    @property
    def both(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.files, self.server


@pytest.fixture(scope="module")
def session(
    served: Served, town_settings, catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory
) -> Session:
    """One QGIS for all tests: it takes seconds to start."""
    if not Path("/usr/lib/python3/dist-packages/qgis").is_dir():
        pytest.skip("no QGIS here: install python3-qgis to test it")
    folder = tmp_path_factory.mktemp("project")
    (folder / "run").mkdir(mode=0o700)
    with opened(town_settings) as database:
        written = write_project(database, catalogue, folder / "town.qgz", ProjectWishes())
    asked = urllib.request.Request(f"{served.address}/exports/city.qgz", headers={"Accept-Language": "zh"})
    with urllib.request.urlopen(asked, timeout=60) as reply:
        (folder / "server.qgz").write_bytes(reply.read())
    environment = {
        "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run"),
        "QT_QPA_PLATFORM": "offscreen", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    mark = len(served.log)
    done = subprocess.run(
        [PYTHON, READER, folder / "drawn", folder / "town.qgz", folder / "server.qgz"],
        env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    return Session(*found["projects"], found["said"], written, served.since(mark))


def test_every_layer_is_valid_and_holds_what_the_city_has(session, served):
    held = {name: served.count(name) for name in served.ids() if not name.startswith("coverage_")}
    for project in session.both:
        assert project["read"]
        assert [key for key, layer in project["layers"].items() if not layer["valid"]] == []
        rows = {key: layer["rows"] for key, layer in project["layers"].items() if not layer["tiles"]}
        for name, count in held.items():
            parts = [n for key, n in rows.items() if key in (layer_id(name), layer_id(f"{name}_point"))]
            # A class that holds nothing is left out.
            assert sum(parts) == count, name
            assert bool(parts) == (count > 0), name
        assert all(rows.values())
    assert session.written["layers"] == {
        key.removeprefix("chengtu_"): layer["rows"]
        for key, layer in session.files["layers"].items()
        if "_300" not in key
    }


def test_titles_attributes_and_groups_are_chinese(session, served, catalogue):
    names = {item["properties"]["name_zh"] for item in served.features("toilets")} - {None}
    for project in session.both:
        toilets = project["layers"][layer_id("toilets")]
        assert toilets["title"] == catalogue.get_class("toilets").title.zh
        assert toilets["names"] == sorted(names)
        assert toilets["aliases"]["name_zh"] == "名称"
        assert toilets["aliases"]["stalls"] == "厕位数 (个)"
        assert toilets["aliases"]["home_district"] == "所在区县"
        for cls in catalogue.classes.values():
            if layer_id(cls.id) in project["layers"]:
                assert layer_id(cls.id) in project["groups"][f"/{cls.office_in('zh')}"]
        assert project["title"].endswith("城图")
        assert "示例数据" in project["abstract"]


def test_classes_are_drawn_by_their_own_symbols(session, catalogue):
    for project in session.both:
        for key, layer in project["layers"].items():
            assert layer["tiles"] or layer["renderer"] in (
                "singleSymbol",
                "categorizedSymbol",
                "graduatedSymbol",
            )
            assert layer["tiles"] or layer["labels"] or "_300" in key or layer["names"] == []
        pipes = project["layers"][layer_id("pipes")]
        kinds = [choice.title.zh for choice in catalogue.get_class("pipes").get_field("kind").choices]
        assert (pipes["renderer"], pipes["legend"]) == ("categorizedSymbol", [*kinds, "其他"])
        park, toilet = (catalogue.get_class(name).symbol for name in ("parks", "toilets"))
        # Fillings let a little of what is below through.
        assert {park.color, toilet.color} <= set(project["colours"])
        assert len(project["colours"]) > 500
        assert len(project["run"]) > 20


def test_forms_have_tabs_lists_of_values_and_limits(session, catalogue):
    choices = catalogue.get_class("toilets").get_field("state").choices
    for project in session.both:
        layers = project["layers"].values()
        assert [layer["title"] for layer in layers if layer.get("lacking")] == []
        toilets = project["layers"][layer_id("toilets")]
        assert list(toilets["tabs"]) == ["基本信息", "专业属性", "状态", "管理单位", "登记与来源"]
        assert toilets["tabs"]["状态"][:2] == ["state", "condition"]
        assert toilets["widget"] == "ValueMap"
        listed = [pair for entry in toilets["choices"] for pair in entry.items()]
        assert listed[:-1] == [(choice.title.zh, choice.value) for choice in choices]
        assert (toilets["widgets"]["built_on"], toilets["widgets"]["fee"]) == ("DateTime", "ValueMap")
        assert {"area_path", "change_id", "valid_from", "home_district"} <= set(toilets["locked"])
        assert "name_zh" not in toilets["locked"]
        assert toilets["constraints"]["stalls"] == '"stalls" IS NULL OR ("stalls" >= 0)'
        nodes = project["layers"][layer_id("pipe_nodes")]
        assert nodes["tabs"]["关联对象"] == [
            f"chengtu_pipes.{end}_node.chengtu_pipe_nodes" for end in ("from", "to")
        ]
    assert session.files["layers"][layer_id("pipes")]["widgets"]["from_node"] == "RelationReference"
    assert session.server["layers"][layer_id("pipes")]["widgets"]["from_node"] != "RelationReference"


def test_relations_join_pipes_to_nodes_and_features_to_districts(session, served, catalogue):
    for project in session.both:
        relations = project["relations"]
        assert [key for key, relation in relations.items() if not relation["valid"]] == []
        assert len(relations) == session.written["relations"]
        assert relations["chengtu_pipe_nodes.manhole.chengtu_manholes"]["name"] == "管线点 · 所在窨井编码"
    found = session.files["relations"]
    pipes = [item["properties"] for item in served.features("pipes")]
    counts = found["chengtu_pipes.from_node.chengtu_pipe_nodes"]["counts"]
    assert sum(counts.values()) == len(pipes)
    assert counts[pipes[0]["from_node"]] == sum(pipe["from_node"] == pipes[0]["from_node"] for pipe in pipes)
    homes = [item["properties"]["area_path"].split("/")[1] for item in served.features("toilets")]
    assert found["chengtu_toilets.home_district"]["counts"] == {
        code: homes.count(code) for code in set(homes)
    }


def test_places_are_the_districts_in_the_citys_metres(session, served):
    districts = [
        item["properties"]["name_zh"]
        for item in served.features("districts")
        if item["properties"]["level"] == "district"
    ]
    for project in session.both:
        assert project["crs"] == "EPSG:4548"
        assert [name for name, _, _ in project["places"]] == districts
        assert {crs for _, _, crs in project["places"]} == {"EPSG:4548"}
        west, south, east, north = project["extent"]
        assert 1_000 < east - west < 5_000
        assert 1_000 < north - south < 5_000


def test_points_lie_above_lines_above_areas_and_tiles_below_all(session):
    for project in session.both:
        layers = [project["layers"][key] for key in project["order"]]
        kinds = [3 if layer["tiles"] else layer["geometry"] for layer in layers]
        assert kinds == sorted(kinds)
        # From the zoom on at which the class is drawn anywhere: 16 for covers of manholes, 12 for toilets.
        scales = [project["layers"][layer_id(name)]["scale"] for name in ("manholes", "toilets", "districts")]
        assert scales == [pytest.approx(8_531, abs=1), pytest.approx(136_495, abs=1), 0]


def test_results_of_runs_are_in_a_group_of_their_own(session, served):
    shares = {
        (mode, item["properties"]["name"])
        for mode in ("straight", "walk")
        for item in served.features("coverage_areas", f"&mode={mode}")
        if item["properties"]["level"] == "district"
    }
    for project in session.both:
        (group,) = (name for name in project["groups"] if name.startswith("/覆盖率计算结果/"))
        keys = project["groups"][group]
        assert not set(keys) & set(project["shown"])
        areas = [project["layers"][key] for key in keys if "_areas_" in key]
        assert sum(layer["rows"] for layer in areas) == len(shares)
        gaps = [project["layers"][key]["rows"] for key in keys if "_gaps_" in key]
        assert sum(gaps) == served.count("coverage_gaps")


def test_tiles_draw_the_ground_and_the_server_refuses_nothing(session):
    tiles = [layer["title"] for layer in session.server["layers"].values() if layer["tiles"]]
    assert sorted(tiles) == ["全部设施", "底图"]
    assert len(session.server["tiles"]) > 100
    assert [(item.path, item.status) for item in session.asked if item.status >= 400] == []
    assert session.said == []
