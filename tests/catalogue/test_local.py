"""A city's own classes and fields: taken as declared, or refused with file, line, key and what would be right."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.catalogue.loader import load_catalogue
from app.catalogue.local import fingerprint, place_of
from app.errors import BadDeclaration
from tests.catalogue.small import write_geodata

BENCHES = """\
id: benches
title: {zh: 座椅, en: Benches}
description: {zh: 公共座椅。, en: Public benches.}
office: 园林处
geometry: point
aliases: [bench, 长椅]
symbol: {glyph: 椅, color: "#8c564b"}
zooms: [{zoom: 15}]
osm:
  - {tags: {amenity: [bench]}}
fields:
  seats: {type: integer, unit: pieces, title: {zh: 座位数, en: Seats}, minimum: 1}
  material:
    type: choice
    title: {zh: 材质, en: Material}
    choices:
      wood: {zh: 木, en: Wood}
      stone: {zh: 石, en: Stone}
"""
FIELDS = """\
quietness:
  type: choice
  title: {zh: 安静程度, en: Quietness}
  aliases: [安静]
  choices:
    quiet: {zh: 安静, en: Quiet}
    loud: {zh: 嘈杂, en: Loud}
lawn_m2: {type: number, unit: m², title: {zh: 草坪面积, en: Lawn}, minimum: 0}
"""
POLICY = """\
id: nearer
version: "1"
title: {zh: 更近, en: Nearer}
description: {zh: 更近。, en: Nearer.}
source: {document: 文件, clause: "1.1", confidence: M}
official: false
frame: null
speed_m_s: 1.2
minutes: null
snap_limit_m: 250
gate_search_m: 30
land: {class: land}
people: [{class: land, field: people, rule: centre}]
tiers:
  - {id: bench, title: {zh: 座椅, en: Benches}, supplies: [{class: benches, radius_m: 200}]}
"""
FILES = {"classes/benches.yaml": BENCHES, "fields/parks.yaml": FIELDS, "policies/nearer.yaml": POLICY}


def write_local(folder: Path, file: str = "", old: str = "", new: str = "") -> Path:
    """Write the city's own folder, with `old` replaced by `new` in one of its files."""
    for name, declared in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == file:
            assert old in declared, f"{old!r} is not in {file}"
        path.write_text(declared.replace(old, new, 1) if name == file else declared, encoding="utf-8")
    return folder


@pytest.fixture
def geodata(tmp_path):
    return write_geodata(tmp_path / "geodata")


def test_own_classes_fields_and_policies_stand_beside_the_built_in_ones(geodata, tmp_path):
    plain = load_catalogue(geodata)
    grown = load_catalogue(geodata, write_local(tmp_path / "ours"))
    assert set(grown.classes) - set(plain.classes) == {"benches"}
    assert grown.get_class("benches").schema == "local"
    assert {cls.schema for cls in plain.classes.values()} == {"city"}
    # Common fields come with it, as with every class.
    assert [item.name for item in grown.get_class("benches").fields] == [
        "name_zh", "state", "seats", "material",
    ]  # fmt: skip
    own = [item for item in grown.get_class("parks").fields if item.name.startswith("x_")]
    assert [item.name for item in own] == ["x_quietness", "x_lawn_m2"]
    assert own[0].aliases == ("quietness", "安静")
    assert grown.get_policy("nearer").tiers[0].supplies[0].cls == "benches"


#: (file, text in it, what stands there instead, what the message names, what the hint names)
B, P, N = "classes/benches.yaml", "fields/parks.yaml", "policies/nearer.yaml"
BAD = {
    "wrong key": (B, "office:", "bureau:", "ours/classes/benches.yaml:4, key 'bureau'", "office"),
    "wrong kind": (B, "geometry: point", "geometry: dot", "ours/classes/benches.yaml:5, key 'geometry'", "polygon"),
    "wrong type": (B, "type: integer", "type: int", ":12, key 'fields.seats.type': unknown value 'int'", "integer"),
    "wrong unit": (B, "unit: pieces", "unit: seats", ":12, key 'fields.seats.unit'", "people"),
    "wrong choice": (B, "zooms: [{zoom: 15}]", "zooms: [{zoom: 15, where: {material: [iron]}}, {zoom: 16}]",
                     ":8, key 'zooms.0.where.material.0': unknown value 'iron'", "wood, stone"),
    "alias twice": (B, "[bench, 长椅]", "[bench, bench]", ":6, key 'aliases': 'bench' stands twice", ""),
    "alias of a built-in class": (B, "[bench, 长椅]", "[bench, 公园]", ":6, key 'aliases.1': the name '公园'", "own"),
    "title of a built-in class": (B, "en: Benches}\ndes", "en: Wells}\ndes", ":2, key 'title.en'", "own"),
    "title like another's alias": (B, "en: Benches}\ndes", "en: Park}\ndes", ":2, key 'title.en'", ""),
    "OSM tag form": (B, "{amenity: [bench]}", "{amenity: bench}", ":10, key 'osm.0.tags.amenity': must be a list", ""),
    "field of every class": (B, "  seats:", "  geom:", ":12, key 'fields.geom'", "id, code, geom"),
    "heading twice": (B, "zh: 材质", "zh: 座位数", ":13, key 'fields.material': the heading '座位数'", "one field"),
    "long field": (B, "  seats:", f"  {'s' * 50}:", ":12, key 'fields.sssss", "At most 43"),
    "own field with its prefix": (P, "quietness:", "x_quietness:", "ours/fields/parks.yaml:1, key 'x_quietness'",
                                  "Write quietness"),
    "own field that is required": (P, "minimum: 0}", "minimum: 0, required: true}", ":8, key 'lawn_m2.required'", ""),
    "own field like a built-in one": (P, "quietness:", "kind:", ":1, key 'kind': the heading 'kind'", "one field"),
    "own field with another's alias": (P, "[安静]", "[泊位数]", ":1, key 'quietness': the heading '泊位数'", "one"),
    "own field without its unit": (P, "lawn_m2:", "lawn:", ":8, key 'lawn'", "end in _m2"),
    "policy over an unknown class": (N, "class: benches", "class: chairs", "ours/policies/nearer.yaml:15", "benches"),
}  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "message", "hint"), BAD.values(), ids=BAD)
def test_a_bad_declaration_is_refused_with_its_place(geodata, tmp_path, file, old, new, message, hint):
    with pytest.raises(BadDeclaration) as error:
        load_catalogue(geodata, write_local(tmp_path / "ours", file, old, new))
    assert message in error.value.message
    assert hint in str(error.value.hint)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("parks", "'parks' is a built-in class"),
        ("changes", "no class may be called 'changes'"),
        ("imports", "no class may be called 'imports'"),
        ("search_entries", "no class may be called 'search_entries'"),
        ("benches_history", "no class may be called 'benches_history'"),
        ("b" * 40, "has 40 characters"),
        ("Benches", "'Benches' is not a name"),
    ],
)
def test_a_class_may_not_be_called_like_something_else(geodata, tmp_path, name, message):
    (tmp_path / "ours" / "classes").mkdir(parents=True)
    declared = BENCHES.replace("id: benches", f"id: {name}")
    (tmp_path / "ours" / "classes" / f"{name}.yaml").write_text(declared, encoding="utf-8")
    with pytest.raises(BadDeclaration) as error:
        load_catalogue(geodata, tmp_path / "ours")
    assert message in error.value.message
    assert f"ours/classes/{name}.yaml:1, key 'id'" in error.value.message


def test_fields_of_no_class_and_stray_files_are_refused(geodata, tmp_path):
    ours = write_local(tmp_path / "ours")
    (ours / "fields" / "parks.yaml").rename(ours / "fields" / "park.yaml")
    with pytest.raises(BadDeclaration, match="unknown class 'park'") as error:
        load_catalogue(geodata, ours)
    assert "Did you mean parks?" in str(error.value.hint)
    (ours / "fields" / "park.yaml").rename(ours / "parks.yaml")
    with pytest.raises(BadDeclaration, match=r"ours/parks.yaml: nothing reads"):
        load_catalogue(geodata, ours)
    (ours / "parks.yaml").rename(ours / "fields" / "parks.yml")
    with pytest.raises(BadDeclaration, match=r"ours/fields/parks.yml: nothing reads"):
        load_catalogue(geodata, ours)


def test_a_folder_that_is_not_there_is_told(geodata, tmp_path):
    with pytest.raises(BadDeclaration) as error:
        load_catalogue(geodata, tmp_path / "nowhere")
    assert "CHENGTU_LOCAL" in str(error.value.hint)


def test_a_built_in_policy_cannot_be_declared_anew(geodata, tmp_path):
    ours = write_local(tmp_path / "ours", "policies/nearer.yaml", "id: nearer", "id: near")
    (ours / "policies" / "nearer.yaml").rename(ours / "policies" / "near.yaml")
    with pytest.raises(
        BadDeclaration, match=r"ours/policies/near.yaml:1, key 'id': 'near' is a built-in policy"
    ):
        load_catalogue(geodata, ours)


def test_the_fingerprint_follows_what_makes_tables(tmp_path):
    ours = write_local(tmp_path / "ours")
    before = fingerprint(ours)
    (ours / "policies" / "nearer.yaml").unlink()
    assert fingerprint(ours) == before
    write_local(tmp_path / "ours", "fields/parks.yaml", "minimum: 0", "minimum: -1")
    assert fingerprint(ours) != before
    assert fingerprint(None) == ""


def test_a_place_is_found_as_far_down_as_it_is_declared(geodata, tmp_path):
    ours = write_local(tmp_path / "ours")
    grown = load_catalogue(geodata, ours)
    found = [
        place_of(ours, grown.get_class(name), field, key).fail("x").message
        for name, field, key in [
            ("benches", "seats", "minimum"), ("benches", "seats", "maximum"), ("benches", None, "geometry"),
            ("parks", "x_lawn_m2", "type"), ("benches", "state", "choices"),
        ]
    ]  # fmt: skip
    assert found == [
        "ours/classes/benches.yaml:12, key 'fields.seats.minimum': x.",
        "ours/classes/benches.yaml:12, key 'fields.seats': x.",
        "ours/classes/benches.yaml:5, key 'geometry': x.",
        "ours/fields/parks.yaml:8, key 'lawn_m2.type': x.",
        "ours/classes/benches.yaml:11, key 'fields': x.",
    ]


def test_it_is_read_again_only_when_a_file_says_something_else(geodata, tmp_path):
    ours = write_local(tmp_path / "ours")
    first = load_catalogue(geodata, ours)
    assert load_catalogue(geodata, ours) is first
    file = next(ours.glob("classes/*.yaml"))
    file.write_text(file.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    assert load_catalogue(geodata, ours) is not first
    file.unlink()
    with pytest.raises(BadDeclaration, match=f"unknown class '{file.stem}'"):
        load_catalogue(geodata, ours)
    shutil.rmtree(ours)
    with pytest.raises(BadDeclaration, match="no folder"):
        load_catalogue(geodata, ours)
