"""A saved mapping: read with every mistake told by its line, applied before names, written and read back the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import BadDeclaration, BadInput
from app.ingest.columns import convert_column
from app.ingest.headings import match_headings, unit_notes
from app.ingest.likeness import suggest_fields
from app.ingest.mapping import ColumnMapping, LayerMapping, SavedMapping, constant_values, load_mapping
from app.ingest.mapping_file import save_mapping, used_mapping, write_mapping

WHOLE = """\
class: toilets  # 公厕
layer: "公厕*"
key: 资产号
crs: EPSG:4548
encoding: GB18030
code_system: cjt214_2007
source: 城管局
licence: CC-BY-4.0
attribution: © 城管局
where: 状态 <> '拆除'
columns:
  公厕叫法: name
  式样: {field: kind, values: {旱厕: mobile, 砖混: public, 待定: null}, unknown: extra}
  占地: {field: floor_area_m2, unit: 亩}
  开工: {field: built_on, unit: excel day}
  等级: null
drop: [内部备注]
constants: {fee: false, owner: 市城管局, built_on: 2001-05-01}
places: {lon: 经度, lat: 纬度}
"""


@pytest.fixture
def load(tmp_path, catalogue):
    def loaded(text) -> SavedMapping:
        path = tmp_path / "m.yaml"
        path.write_text(text, "utf-8")
        return load_mapping(path, catalogue)

    return loaded


def test_a_whole_mapping(load, catalogue):
    (layer,) = load(WHOLE).layers
    assert layer.columns == {
        "公厕叫法": ColumnMapping("name"),
        "式样": ColumnMapping("kind", None, {"旱厕": "mobile", "砖混": "public", "待定": None}, "extra"),
        "占地": ColumnMapping("floor_area_m2", "亩"),
        "开工": ColumnMapping("built_on", "excel day"),
        "等级": None,
    }
    assert (layer.class_id, layer.key, layer.crs, layer.encoding) == (
        "toilets",
        "资产号",
        "EPSG:4548",
        "GB18030",
    )
    assert (layer.drop, layer.places) == (("内部备注",), {"lon": "经度", "lat": "纬度"})
    constants = constant_values(layer, catalogue.get_class("toilets"))
    assert constants["fee"] is False
    assert (constants["owner"], constants["built_on"].isoformat()) == ("市城管局", "2001-05-01")


def test_what_a_mapping_says_comes_before_names(load, catalogue):
    (layer,) = load(WHOLE).layers
    toilets = catalogue.get_class("toilets")
    headings = [
        "资产号",
        "公厕叫法",
        "名称",
        "式样",
        "公厕类型",
        "占地",
        "开工",
        "等级",
        "内部备注",
        "男厕位数",
    ]
    meaning = match_headings(headings, toilets, None, layer)
    assert {h: f.name for h, f in meaning.fields.items()} == {
        "式样": "kind", "占地": "floor_area_m2", "开工": "built_on", "男厕位数": "male_stalls", "名称": "name_zh",
    }  # fmt: skip
    assert (meaning.key, meaning.name) == ("资产号", "公厕叫法")
    assert (meaning.rest, meaning.left) == (("公厕类型", "等级"), ("内部备注",))
    assert [(note["heading"], round(note["factor"], 3)) for note in unit_notes(meaning)] == [
        ("占地", 666.667)
    ]
    column = convert_column(
        [0.3], meaning.fields["占地"], unit=meaning.units["占地"], rule=meaning.rules["占地"]
    )
    assert column.values == pytest.approx([200.0])


def test_options_of_the_import_win(load):
    layer = load(WHOLE).layers[0].with_options(crs="gcj02", key=None, where=None)
    assert (layer.crs, layer.key, layer.where) == ("gcj02", "资产号", "状态 <> '拆除'")


def test_a_heading_that_the_file_lacks_is_told(load, catalogue):
    with pytest.raises(BadInput, match="no column '式样' in the file, which the mapping names") as caught:
        match_headings(["公厕叫法", "式样2"], catalogue.get_class("toilets"), None, load(WHOLE).layers[0])
    assert caught.value.hint.startswith("Did you mean 式样2?")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("crs: EPSG:4548", "m.yaml:1: 'class' is missing"),
        ("class: toilet", "m.yaml:1, key 'class': unknown class 'toilet'"),
        ("class: parks\nklass: x", "m.yaml:2, key 'klass': unknown key"),
        ("class: parks\ncolumns: {A: knid}", "m.yaml:2, key 'columns.A': unknown field 'knid'"),
        ("class: parks\ncolumns:\n  A: kind\n  B: kind", "m.yaml:4, key 'columns.B': the field 'kind' is filled"),
        ("class: parks\ncolumns: {A: {field: kind, values: {x: forest}}}", "'forest' is no value of 'kind'"),
        ("class: parks\ncolumns: {A: {field: green_area_m2, unit: kg}}", "the unit 'kg' does not fit"),
        ("class: parks\ncolumns: {A: {field: green_area_m2, unit: ells}}", "'ells' is not a unit"),
        ("class: parks\ncolumns: {A: {field: built_on, unit: m}}", "a date has no unit"),
        ("class: parks\ncolumns: {A: {field: kind, unknown: drop}}", "unknown value 'drop'"),
        ("class: parks\ncolumns: {A: {field: name, values: {a: b}}}", "a name has no unit and no values"),
        ("class: parks\ncolumns: {A: kind}\ndrop: [A]", "'A' is dropped and fills a field"),
        ("class: parks\nconstants: {gates: many}", "'many' is no value of 'gates'"),
        ("class: parks\nconstants: {nothing: 1}", "key 'constants.nothing': unknown field 'nothing'"),
        ("class: parks\nplaces: {lon: X}", "do not make a place together"),
        ("class: parks\nwhere: a >", "key 'where': The condition ends"),
        ("class: parks\ncode_system: x", "unknown value 'x'"),
        ("layers: []", "must name at least one layer"),
        ("layers: [{class: parks}, {class: toilets}]", "two mappings have no 'layer'"),
        ("layers: [{class: parks, layer: A}, {class: toilets, layer: a}]", "two mappings are for the layer 'a'"),
        ("- a", "must be a mapping"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_by_file_line_and_key(load, text, told):
    with pytest.raises(BadDeclaration, match=re.escape(told)):
        load(text)


def test_a_wrong_choice_lists_the_right_ones(load):
    with pytest.raises(BadDeclaration) as caught:
        load("class: parks\ncolumns: {A: {field: kind, values: {x: comunity}}}")
    assert caught.value.hint.startswith("Did you mean community (社区公园)? Valid values: comprehensive")


def test_one_file_for_several_layers(load):
    saved = load(
        "encoding: GBK\nsource: 普查\n"
        "layers: [{class: pipes, layer: LINE*}, {class: pipe_nodes, layer: LINE_PT, source: 物探}, {class: parks}]"
    )
    assert saved.encoding == "GBK"
    assert [(item.class_id, item.source) for item in saved.layers] == [
        ("pipes", "普查"), ("pipe_nodes", "物探"), ("parks", "普查"),
    ]  # fmt: skip
    found = [saved.for_layer(name) for name in ("line_pt", "LINE_WS", "other")]
    assert [item.class_id for item in found if item] == ["pipe_nodes", "pipes", "parks"]
    two = SavedMapping(saved.layers[:2])
    assert two.for_layer("other") is None
    two.check_layers(["other", "LINE_A"], "f.zip")
    with pytest.raises(BadInput, match=r"for the layer 'LINE\*', 'LINE_PT', which 'f.zip' does not have"):
        two.check_layers(["other"], "f.zip")


def test_what_an_import_used_is_written_with_what_it_did_not(tmp_path, catalogue):
    parks = catalogue.get_class("parks")
    given = LayerMapping(
        "parks", columns={"T": ColumnMapping("kind", values={"a": "pocket"})}, where="T = 'a'"
    )
    headings = ["T", "名称", "AREA_HA", "PARK_ID", "OWNERSHIP", "x: y\n# z", "SHAPE_Leng"]
    meaning = match_headings(headings, parks, None, given)
    used = used_mapping(parks, "Parks", meaning, given).with_options(crs="EPSG:3857")
    path = tmp_path / "used.yaml"
    save_mapping(
        path, SavedMapping((used,)), suggest_fields(meaning, parks, "Parks"), {"Parks": meaning.rest}
    )
    text = path.read_text("utf-8")
    assert '# key: "PARK_ID"  # 未匹配 not matched; perhaps Code 编码' in text
    assert '  # "OWNERSHIP": owner  # 未匹配 not matched; perhaps Owner 权属单位' in text
    assert '  # "x: y\\U0000000a# z": null' in text
    loaded = load_mapping(path, catalogue)
    assert loaded == SavedMapping((used,))
    again = match_headings(headings, parks, None, loaded.layers[0])
    assert (again.fields, again.units, again.rest, again.left) == (
        meaning.fields,
        meaning.units,
        meaning.rest,
        meaning.left,
    )
    with pytest.raises(BadInput, match=r"a file 'used.yaml' already"):
        save_mapping(path, loaded)


def test_a_comment_becomes_a_line_by_taking_its_mark_away(tmp_path, catalogue):
    parks = catalogue.get_class("parks")
    meaning = match_headings(["OWNERSHIP", "PARK_ID"], parks)
    saved = SavedMapping((used_mapping(parks, "P", meaning, None),))
    text = write_mapping(saved, suggest_fields(meaning, parks, "P"), {"P": meaning.rest})
    path = tmp_path / "edited.yaml"
    path.write_text(text.replace('  # "OWN', '  "OWN').replace("# key:", "key:"), "utf-8")
    (edited,) = load_mapping(path, catalogue).layers
    assert (edited.key, edited.columns) == ("PARK_ID", {"OWNERSHIP": ColumnMapping("owner")})
    path.write_text(text, "utf-8")
    assert load_mapping(path, catalogue) == saved


def test_the_mapping_of_a_files_only_layer_fits_the_next_file_too(catalogue):
    """A file is often called by its year, and its layer after it."""
    parks = catalogue.get_class("parks")
    meaning = match_headings(["面积", "OWNERSHIP"], parks)
    used = used_mapping(parks, None, meaning, None)
    assert used.layer is None
    assert '  # "OWNERSHIP": null' in write_mapping(SavedMapping((used,)), (), {"parks_2023": meaning.rest})
    assert used_mapping(parks, "A1", meaning, LayerMapping("parks", layer="A*")).layer == "A*"


#: No text may hold NUL: PostgreSQL stores none.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12).filter(
    str.strip
)
KINDS = st.sampled_from(["pocket", "community", "其他公园", None])
COLUMN = st.one_of(
    st.none(),
    st.builds(ColumnMapping, st.just("name")),
    st.builds(
        ColumnMapping,
        st.just("kind"),
        values=st.dictionaries(TEXT, KINDS, max_size=3),
        unknown=st.sampled_from(["reject", "extra"]),
    ),
    st.builds(ColumnMapping, st.just("green_area_m2"), st.sampled_from([None, "ha", "万平方米"])),
    st.builds(
        ColumnMapping,
        st.just("water_area_m2"),
        values=st.dictionaries(TEXT, st.floats(1e-9, 1e9) | st.integers(0, 9), max_size=2),
    ),
)


@pytest.fixture(scope="session")
def reader(catalogue):
    """What reads a mapping; the catalogue itself would be printed with every example, a megabyte each."""
    return lambda path: load_mapping(path, catalogue)


@settings(max_examples=40, deadline=None)
@given(
    columns=st.lists(
        st.tuples(TEXT, COLUMN), max_size=6, unique_by=(lambda c: c[0], lambda c: c[1] and c[1].field)
    ),
    options=st.dictionaries(
        st.sampled_from(["layer", "key", "crs", "encoding", "source", "attribution"]), TEXT
    ),
    drop=st.lists(TEXT, unique=True, max_size=2),
    constants=st.fixed_dictionaries(
        {}, optional={"owner": TEXT, "playground": st.booleans(), "gates": st.integers(0, 9)}
    ),
    shared=st.booleans(),
)
def test_what_is_written_is_read_back_the_same(
    tmp_path_factory, reader, columns, options, drop, constants, shared
):
    taken = {heading for heading, _ in columns}
    one = LayerMapping(
        "parks",
        **options,
        columns=dict(columns),
        drop=tuple(d for d in drop if d not in taken),
        constants=constants,
    )
    saved = SavedMapping((one, LayerMapping("toilets", layer="an other layer")) if shared else (one,))
    path = tmp_path_factory.mktemp("m") / "m.yaml"
    save_mapping(path, saved, (), {one.layer or "": ["rest\n"]})
    assert reader(path) == saved


def test_a_mistake_names_a_file_beside_the_user_by_its_name(tmp_path, monkeypatch, catalogue):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.yaml").write_text("class: toilets\ncolumns: {名称: nam}\n", "utf-8")
    with pytest.raises(BadDeclaration, match=r"^m\.yaml:2, key 'columns\.名称'"):
        load_mapping(Path("m.yaml"), catalogue)
