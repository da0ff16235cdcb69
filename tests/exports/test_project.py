"""A QGIS project is whole, the same each time, and true to the city; QGIS itself opens it (tests/clients)."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from io import BytesIO
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient
from pyproj import CRS

from app.catalogue.model import Title
from app.catalogue.public_part import public_part
from app.errors import BadInput, NotFound
from app.exports import project
from app.exports.model import ExportLayer
from app.exports.project_runs import RunRows, run_layers
from app.exports.project_service import ProjectWishes, make_project, write_project
from app.exports.project_sources import Beside
from app.exports.qgis_form import limits
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from app.main import create_app
from app.settings import Settings
from tests.clones import clone, opened

SERVER = ProjectWishes("server", "http://127.0.0.1:8000")
HOSTILE = "</name>\x0b[% env('HOME') %] ' \" & 区"


@pytest.fixture(scope="module")
def town(cluster_settings, town_template):
    """The sample town, which nobody changes."""
    with clone(cluster_settings, town_template) as cloned, opened(cloned) as database:
        yield database


@pytest.fixture(scope="module")
def made(town, catalogue) -> bytes:
    """Its project, which reads from a server."""
    return make_project(town, catalogue, "city", SERVER)


def read(packed: bytes) -> Element:
    """The document of a project."""
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        (name,) = archive.namelist()
        return fromstring(archive.read(name).decode())


def sources(root: Element) -> dict[str, str]:
    return {layer.findtext("id", ""): layer.findtext("datasource", "") for layer in root.iter("maplayer")}


def write(database, catalogue, class_id: str, places: list[tuple[float, float]], names: list[str]) -> None:
    geometry = np.array([shapely.Point(*place) for place in places], dtype=object)
    codes = [f"c{i}" for i in range(len(places))]
    batch = Batch(class_id, codes, geometry, {"name_zh": names}, [None] * len(codes))
    with database.write() as conn:
        write_batches(conn, catalogue, [batch], Change("test", "made"))


@pytest.mark.wide
def test_the_same_city_gives_the_same_bytes_over_http_too(town, made, tmp_path):
    app = create_app(Settings(home=tmp_path))
    app.state.db = town
    client = TestClient(app, base_url="http://127.0.0.1:8000")
    reply = client.get("/exports/city.qgz?lang=zh")
    assert (reply.status_code, reply.content) == (200, made)
    again = client.get("/exports/city.qgz?lang=zh", headers={"If-None-Match": reply.headers["etag"]})
    assert again.status_code == 304
    english = client.get("/exports/city.qgz?connect=files", headers={"Accept-Language": "en"})
    assert english.headers["content-disposition"].endswith('filename="city.qgz"')
    root = read(english.content)
    assert root.findtext("title", "").endswith("Chengtu")
    assert sources(root)["chengtu_toilets"] == "./city.gpkg|layername=toilets"
    # What is downloaded beside it has no results.
    assert not [key for key in sources(root) if "coverage" in key]
    refused = client.get("/exports/city.qgz?as_of=2020-01-01&lang=zh")
    assert (refused.status_code, refused.json()["detail"]) == (400, "服务器图层只显示当前数据。")
    for asked, hint in (
        ("nothing.qgz", "/exports/city.qgz"),
        ("city.pmtiles", "export city --tiles city.pmtiles"),
    ):
        unknown = client.get(f"/exports/{asked}?lang=zh", headers={"Accept-Language": "zh"})
        assert (unknown.status_code, hint in unknown.json()["hint"]) == (404, True)
        assert "全市" in unknown.json()["hint"] or "服务器" in unknown.json()["hint"]


def test_forms_hold_what_leaves_where_their_rows_are_read(town, tmp_path):
    app = create_app(Settings(home=tmp_path))
    app.state.db = town
    client = TestClient(app, base_url="http://127.0.0.1:8000")

    def columns(query: str, class_id: str) -> set[str]:
        root = read(client.get(f"/exports/city.qgz?{query}").content)
        layers = [
            one for one in root.iter("maplayer") if one.findtext("id", "").startswith(f"chengtu_{class_id}")
        ]
        assert layers, class_id
        return {item.get("name", "") for layer in layers for item in layer.iter("attributeEditorField")}

    # Who answers for an illegal construction is restricted. The server gives shapes of several kinds as files.
    assert "party" not in columns("connect=server", "illegal_constructions")
    assert "party" not in columns("connect=files", "illegal_constructions")
    assert "party" in columns("connect=files&reason=for the yearly survey", "illegal_constructions")
    assert "case_number" in columns("connect=server", "illegal_constructions")


def test_the_public_view_holds_what_is_public(town, catalogue):
    opened = public_part(catalogue)
    held = sources(read(make_project(town, opened, "city", SERVER)))
    assert {"chengtu_pipes", "chengtu_manholes"} <= {
        f"chengtu_{name}" for name in catalogue.classes
    } - held.keys()
    assert {key.removeprefix("chengtu_") for key in held} - {"tiles", "ground"} <= {
        *opened.classes, *(f"{name}_point" for name in opened.classes),
    }  # fmt: skip
    tiles = re.search("collections%3D([a-z_%C2]+)", held["chengtu_tiles"])
    assert tiles is not None
    assert set(tiles[1].split("%2C")) <= opened.classes.keys()


def test_dense_classes_come_from_tiles_until_all_of_them_are_drawn(town, made, catalogue, monkeypatch):
    def trees(root: Element) -> Element:
        return next(one for one in root.iter("maplayer") if one.findtext("id") == "chengtu_street_trees")

    rules = [rule.zoom for rule in catalogue.get_class("street_trees").zooms]
    scales = {round(project.ZOOM_0_SCALE / 2**zoom) for zoom in (min(rules), max(rules))}
    few = int(trees(read(made)).get("minScale", ""))
    monkeypatch.setattr(project, "DENSE", 10)
    root = read(make_project(town, catalogue, "city", SERVER))
    many = int(trees(root).get("minScale", ""))
    assert few >= many
    assert {few, many} == scales
    # A form lists the features that refer to it only where all of them need not be fetched.
    listed = {item.get("relation", "").split(".")[0] for item in root.iter("attributeEditorRelation")}
    assert "chengtu_pipes" not in listed
    assert "chengtu_hoardings" in listed


def test_names_that_mean_something_to_xml_or_qgis_stay_text(database, catalogue, tmp_path):
    write(database, catalogue, "toilets", [(115.86, 28.68)], ["厕"])
    box = shapely.box(115.8, 28.6, 115.9, 28.7)
    area = Batch(
        "districts", ["d'1"], np.array([box], dtype=object), {"name_zh": [HOSTILE], "level": ["district"]}, [None]
    )  # fmt: skip
    with database.write() as conn:
        write_batches(conn, catalogue, [area], Change("test", "made"))
    root = read(make_project(database, catalogue, "city", ProjectWishes()))
    (place,) = root.iter("Bookmark")
    assert place.get("name") == HOSTILE.replace("\x0b", "")
    (home,) = {field.get("expression") for field in root.iter("field") if field.get("expression")}
    assert home is not None
    assert home.endswith("@element IN ('d''1')))")


def test_a_city_elsewhere_has_metres_of_its_own_and_no_district_no_relation(database, catalogue, tmp_path):
    write(database, catalogue, "toilets", [(24.94, 60.17), (24.95, 60.18)], ["a", "b"])
    told = write_project(database, catalogue, tmp_path / "helsinki.qgz", ProjectWishes(lang="en"))
    assert (told["layers"], told["relations"], told["bookmarks"]) == ({"toilets": 2}, 0, 0)
    assert told["data"]["path"] == str(tmp_path / "helsinki.gpkg")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["helsinki.gpkg", "helsinki.qgz"]
    root = read((tmp_path / "helsinki.qgz").read_bytes())
    crs = CRS.from_wkt(root.findtext("projectCrs/spatialrefsys/wkt", ""))
    assert crs.is_projected
    assert abs(crs.coordinate_operation.params[1].value - 24.945) < 0.01  # type: ignore[union-attr]
    extent = [float(root.findtext(f"mapcanvas/extent/{end}", "")) for end in ("xmin", "xmax")]
    assert 500 < extent[1] - extent[0] < 700


@pytest.mark.parametrize("places", [[(24.94, 60.17)], [(24.94, 60.17), (24.94, 60.18)]])
def test_a_city_of_one_feature_or_a_straight_line_of_them_has_a_view(database, catalogue, tmp_path, places):
    write(database, catalogue, "toilets", places, [f"t{number}" for number in range(len(places))])
    write_project(database, catalogue, tmp_path / "one.qgz", ProjectWishes(lang="en"))
    root = read((tmp_path / "one.qgz").read_bytes())
    ends = [float(root.findtext(f"mapcanvas/extent/{end}", "")) for end in ("xmin", "ymin", "xmax", "ymax")]
    assert 50 < ends[2] - ends[0] < 120
    assert 100 < ends[3] - ends[1] < 1300


@pytest.mark.parametrize(
    ("name", "wishes", "said"),
    [
        ("city.qgs", ProjectWishes(), "no name of a project"),
        ("gone/city.qgz", SERVER, "no folder"),
        ("city.qgz", ProjectWishes("server"), "no address"),
        ("city.qgz", ProjectWishes("server", "http://host/'x'"), "no address"),
        ("city.qgz", ProjectWishes("server", "file:///etc"), "no address"),
        ("city.qgz", ProjectWishes("server", "http://host", as_of="2020-01-01"), "of now"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_refused_and_nothing_is_left(town, catalogue, tmp_path, name, wishes, said):
    with pytest.raises(BadInput, match=said):
        write_project(town, catalogue, tmp_path / name, wishes)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_has_no_project(database, catalogue, tmp_path):
    with pytest.raises(NotFound, match="no data"):
        write_project(database, catalogue, tmp_path / "city.qgz", ProjectWishes())
    assert list(tmp_path.iterdir()) == []


def test_figures_of_counted_policies_are_shares_or_amounts():
    rows = ExportLayer(
        "coverage_areas", Title("各区结果", "Figures by area"), "MultiPolygon", (), {"polygon": 3}, lambda: iter(()),
        dict, lambda: None,
    )  # fmt: skip
    result = {
        "mode": "count",
        "tier": "all",
        "tier_title": {"zh": "绿地率", "en": "Green ratio"},
        "share_of_land": None,
    }
    run = {
        "policy": {"id": "green-ratio", "title": {"zh": "绿地率", "en": "Green ratio"}},
        "results": [result],
    }
    runs = [RunRows(run, {"areas": rows}, "district", frozenset())]
    (layer,) = run_layers(runs, Beside("city").of_run, "zh")
    assert (layer.id, layer.title) == ("chengtu_green_ratio_areas_count_all", "绿地率 · 统计 · 各区数值")
    chosen = "\"mode\" = 'count' AND \"tier\" = 'all' AND \"level\" = 'district'"
    assert layer.source.address == f"./city.gpkg|layername=green_ratio_areas|subset={chosen}"
    assert (layer.figure, layer.shown, layer.fixed) == ("value", False, True)


def test_limits_have_all_their_digits(catalogue):
    stalls = catalogue.get_class("toilets").get_field("stalls")
    assert (
        limits(replace(stalls, minimum=None, maximum=12_345_678.5))
        == '"stalls" IS NULL OR ("stalls" <= 12345678.5)'
    )


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"PORT": "8123"}, "http://127.0.0.1:8123"),
        ({"PORT": "8123", "CHENGTU_HOST": "0.0.0.0", "CHENGTU_TLS": "1"}, "https://127.0.0.1:8123"),
        ({"PORT": "8123", "CHENGTU_HOST": "::1"}, "http://[::1]:8123"),
        ({"CHENGTU_HOST": "10.1.2.3"}, "http://10.1.2.3:8000"),
    ],
)
def test_the_address_is_that_of_the_settings(given, address, monkeypatch):
    for name in ("PORT", "CHENGTU_HOST", "CHENGTU_TLS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert Settings().address == address
