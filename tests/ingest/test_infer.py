"""A class inferred from a file: loads as it is, with types, units, choices and headings, and takes the file's rows."""

from __future__ import annotations

import json
import math
from datetime import date

import geopandas
import osmium
import pytest
import shapely
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from osmium.osm.mutable import Node, Way
from typer.testing import CliRunner

from app.catalogue.loader import check_class, load_catalogue, load_common
from app.catalogue.model import Title
from app.cli import app
from app.errors import BadInput, UnreadableFile
from app.ingest.headings import choose_class, match_headings
from app.ingest.infer import guess_fields, guess_geometry, slug, split_unit
from app.ingest.infer_service import infer_class, save
from app.ingest.infer_yaml import Inferred, write_yaml
from app.ingest.layer import Layer
from app.settings import ROOT
from app.validation.values import converter
from tests.importing import make_batch

GEODATA = ROOT / "geodata"
DECLARED = load_catalogue(GEODATA)
COMMON = load_common(GEODATA, DECLARED.codes)
EVERY = {item.name for item in COMMON}


def write(folder, name: str, rows: list[dict], layer: str | None = None, kind: str = "Point"):
    shapes = {"Point": [115.8, 28.6], "LineString": [[115.8, 28.6], [115.9, 28.7]]}
    found = {
        "type": "FeatureCollection",
        **({"name": layer} if layer else {}),
        "features": [
            {"type": "Feature", "properties": row, "geometry": {"type": kind, "coordinates": shapes[kind]}}
            for row in rows
        ],
    }
    path = folder / name
    path.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    return path


def infer(path, tmp_path, **options):
    """The inferred class, loaded from the written file."""
    found, text = infer_class(path, GEODATA, None, **options)
    save(text, found.class_id, tmp_path / "ours")
    return load_catalogue(GEODATA, tmp_path / "ours").get_class(found.class_id)


ROWS = [
    {
        "编号": f"C{n}", "名称": f"桩{n}", "枪数(个)": n % 4 + 1, "长度（m）": n + 0.5, "材料": ["木", "石"][n % 2],
        "投用日": f"202101{n % 9 + 10}", "收费": "是" if n % 3 else "否", "电话": f"0791{n:07}", "说法": f"第{n}句",
        "length_m": 3, "年份": 1990 + n, "空": None, "表": [1],
    }
    for n in range(20)
]  # fmt: skip


def test_types_units_and_choices_are_told_from_all_values(tmp_path):
    cls = infer(write(tmp_path, "旅馆.geojson", ROWS), tmp_path)
    assert (cls.id, cls.title.zh, cls.geometry, cls.schema) == ("lv_guan", "旅馆", "point", "local")
    own = {item.name: (item.type, item.unit, item.title.zh) for item in cls.fields if item.name not in EVERY}
    assert own == {
        "qiang_shu": ("integer", "pieces", "枪数"), "chang_du_m": ("number", "m", "长度"),
        "cai_liao": ("choice", None, "材料"), "tou_yong_ri": ("date", None, "投用日"),
        "shou_fei": ("boolean", None, "收费"), "dian_hua": ("text", None, "电话"), "shuo_fa": ("text", None, "说法"),
        "own_length_m": ("integer", None, "length_m"), "nian_fen": ("integer", None, "年份"),
        "kong": ("text", None, "空"),
    }  # fmt: skip
    assert [(choice.value, choice.title.zh) for choice in cls.get_field("cai_liao").choices] == [
        ("mu", "木"),
        ("shi", "石"),
    ]


def test_the_file_it_came_from_is_taken_whole(tmp_path):
    cls = infer(write(tmp_path, "旅馆.geojson", ROWS), tmp_path)
    columns = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    geometry = shapely.points([[115.8 + n / 100, 28.6] for n in range(20)])
    made = make_batch(Layer("旅馆", list(range(1, 21)), geometry, columns, "EPSG:4326"), cls)
    assert made.batch.rejects == []
    assert made.batch.columns["tou_yong_ri"][0] == date(2021, 1, 10)
    assert made.batch.columns["cai_liao"][:2] == ["mu", "shi"]
    assert set(match_headings(columns, cls).rest) == {"表"}


def test_words_say_what_to_look_at(tmp_path):
    _, text = infer_class(write(tmp_path, "旅馆.geojson", ROWS), GEODATA, None)
    for expected in ("(20 rows)", "'名称' goes to 'name_zh'", "from 1 to 4", "lists and nested values",
                     "0 of 20 rows have a value; nothing is known of the type"):  # fmt: skip
        assert expected in text
    assert infer_class(tmp_path / "旅馆.geojson", GEODATA, None)[1] == text


def test_a_layer_of_a_geopackage_is_named(tmp_path):
    path = tmp_path / "city.gpkg"
    for layer, shape in {
        "swings": shapely.Point(24.9, 60.1),
        "slides": shapely.box(24.9, 60.1, 25, 60.2),
    }.items():
        geopandas.GeoDataFrame({"age": [3]}, geometry=[shape], crs="EPSG:4326").to_file(path, layer=layer)
    with pytest.raises(BadInput, match="'swings', 'slides'") as error:
        infer_class(path, GEODATA, None)
    assert "--layer" in str(error.value.hint)
    assert infer(path, tmp_path, layer="slides").geometry == "polygon"
    with pytest.raises(BadInput, match="is no name"):
        infer_class(path, GEODATA, None, layer="slides", class_id="Slides!")


def test_a_class_is_inferred_from_tagged_objects(tmp_path):
    path = tmp_path / "town.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for n in range(1, 13):
            tags = {
                "leisure": "bird_hide",
                "height": str(n),
                "hide": ["open", "closed"][n % 2],
                "name": f"塔{n}",
            }
            writer.add_node(Node(id=n, location=(24.9 + n / 100, 60.1), tags=tags, version=1))
        writer.add_node(Node(id=99, location=(24.9, 60.1), tags={"leisure": "pond"}, version=1))
        writer.add_way(Way(id=1, nodes=[1, 2, 3, 1], tags={"leisure": "bird_hide"}, version=1))
    with pytest.raises(BadInput) as error:
        infer_class(path, GEODATA, None)
    assert "--tag" in str(error.value.hint)
    cls = infer(path, tmp_path, tag="leisure=bird_hide", class_id="bird_hides")
    assert cls.osm[0].tags == {"leisure": ("bird_hide",)}
    assert cls.geometry == "mixed"
    assert {item.name: (item.type, item.osm) for item in cls.fields if item.name not in EVERY} == {
        "height": ("integer", ("height",)), "hide": ("choice", ("hide",)),
    }  # fmt: skip
    with pytest.raises(UnreadableFile, match="shop=wool"):
        infer_class(path, GEODATA, None, tag="shop=wool")


def test_a_name_that_is_taken_is_refused(tmp_path):
    path = write(tmp_path, "toilets.geojson", ROWS)
    with pytest.raises(BadInput, match="There is a class 'toilets' already") as error:
        infer_class(path, GEODATA, None)
    assert "fields/toilets.yaml" in str(error.value.hint)
    assert infer(path, tmp_path, class_id="huts").title.en == "Huts"
    with pytest.raises(BadInput, match="There is a file"):
        save("", "huts", tmp_path / "ours")


def test_the_command_prints_writes_and_tells(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "swings.geojson", ROWS, kind="LineString")
    printed = CliRunner().invoke(app, ["class", "infer", "swings.geojson"])
    assert printed.stdout.startswith("# Inferred from swings.geojson")
    told = CliRunner().invoke(app, ["class", "infer", "swings.geojson", "--to", "ours", "--json"])
    assert json.loads(told.stdout)["file"] == "ours/classes/swings.yaml"
    assert (tmp_path / "ours" / "classes" / "swings.yaml").read_text(encoding="utf-8") == printed.stdout
    assert load_catalogue(GEODATA, tmp_path / "ours").get_class("swings").geometry == "line"


@pytest.mark.parametrize(
    ("types", "kind"),
    [
        (["Point", "MultiPoint"], "point"), (["Point", "Polygon"], "mixed"), (["LineString"] * 3 + ["Point"], "line"),
        (["GeometryCollection"], "point"), ([], "point"), (["MultiPolygon"], "polygon"),
    ],
)  # fmt: skip
def test_the_kind_of_geometry_follows_the_shapes(types, kind):
    assert guess_geometry(types)[0] == kind


def test_names_and_units_of_headings():
    assert [slug(text) for text in ("长度", "Straße Nr. 5", "builtOn", "重庆", "---")] == [
        "chang_du", "strae_nr_5", "built_on", "chong_qing", "",
    ]  # fmt: skip
    assert split_unit("面积（平方米）") == ("面积", "m²")
    assert split_unit("height [m]") == ("height", "m")
    assert split_unit("备注(内部)") == ("备注(内部)", None)


TEXTS = st.text(max_size=12) | st.sampled_from(
    ["true", "null", "~", "a: b", "#x", "- a", "{", "是", "名称", "geom", "0"]
)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | TEXTS
    | st.lists(st.integers(), max_size=2)
)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(TEXTS, st.lists(VALUES, min_size=4, max_size=4), max_size=5), TEXTS)
@example({"\0口径": ["\0", "a\0b", None, None]}, "甲\0乙")
@example({}, "\0")
def test_whatever_a_table_holds_the_declaration_loads(columns, title):
    # A layer's name that another class bears is never a title: `infer_class` takes the id in words instead.
    assume(choose_class(DECLARED, None, [title]) is None)
    guesses = guess_fields(columns, "things", COMMON)
    assert len(guesses.fields) + len(guesses.left) == len(columns)
    found = Inferred(
        "things", Title(title or "a", "Things"), title, 4, "point", {"point": 4}, guesses, {}, {}
    )
    cls = check_class(DECLARED, GEODATA, "things", write_yaml(found))
    assert len(cls.fields) == len(COMMON) + len(guesses.fields)
    for guess in guesses.fields:
        for value in columns[guess.heading]:
            # Infinite numbers, and those that lost digits, are refused by every field.
            if not (isinstance(value, float) and (math.isinf(value) or abs(value) >= 2**53)):
                converter(cls.get_field(guess.field.name))(value)


def test_a_column_with_times_of_day_is_of_moments_one_of_midnights_of_days():
    columns = {
        "到场": ["2022-04-16 10:13:19", "2022-04-17T00:00:00Z", None],
        "设置": ["2022-04-16 00:00:00", "2022-04-17 00:00:00", ""],
        "时长": ["10:13:19", "1:02", "0:30"],
    }
    guessed = guess_fields(columns, "visits", COMMON).fields
    assert [guess.field.type for guess in guessed] == ["datetime", "date", "text"]
