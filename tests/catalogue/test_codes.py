"""Official codes: the lists are whole, ids are read by the layout of their edition, wrong ones are told."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from app.catalogue.code_rules import (
    candidates,
    check_area,
    check_system,
    find_home,
    find_pair,
    kind_words,
    parse_component,
    parse_grid,
)
from app.catalogue.loader import load_catalogue
from app.errors import BadDeclaration, BadInput, NotFound
from app.settings import ROOT
from tests.catalogue.small import write_geodata

#: The live id of standards.md §3.1: 320508 · 01 · 01 · 000001, 上水井盖.
LIVE = "3205080101000001"
SHARED = Path(os.environ.get("CHENGTU_DATA", ROOT.parent / "shared" / "data")).parent / "codes"


@pytest.mark.parametrize(
    ("system", "list_name"),
    [
        ("gbt47678_2026", "gbt47678_5_2026_components.csv"),
        ("gbt47678_2026_matters", "gbt47678_5_2026_matters.csv"),
    ],
)
def test_the_lists_of_2026_are_those_of_the_source(declared, system, list_name):
    path = SHARED / list_name
    if not path.is_file():
        pytest.skip(f"the source list {list_name} is not beside the project")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = declared.codes[system]
    assert {code: item.name for code, item in found.kinds.items()} == {r["code"]: r["name"] for r in rows}
    assert {code: item.name for code, item in found.tables["major"].items()} == {
        r["code"][:2]: r["major"] for r in rows
    }


def test_every_list_has_the_size_that_its_standard_names(declared):
    counts = {name: Counter(code[:2] for code in item.kinds) for name, item in declared.codes.items()}
    assert counts["gbt47678_2026"].total() == 153
    assert counts["gbt47678_2026_matters"].total() == 250
    assert counts["cjt214_2007"] == {"01": 38, "02": 17, "03": 11, "04": 10, "05": 3, "06": 6}
    assert counts["gbt30428_2013"] == {}
    assert not declared.codes["gbt30428_2013"].complete
    assert len(declared.codes["gbt47678_2026"].tables["attribute"]) == 18
    assert len(declared.codes["cjj181_2012"].tables["defect"]) == 16
    lengths = {name: item.length for name, item in declared.codes.items() if item.purpose == "components"}
    assert lengths == {"gbt47678_2026": 17, "gbt30428_2013": 16, "cjt214_2007": 16}
    assert declared.codes["gbt47678_2026"].in_force_from == date(2026, 7, 1)
    assert declared.codes["gbt30428_2013"].in_force_until == date(2026, 7, 1)


@pytest.mark.parametrize("system", ["gbt47678_2026", "cjt214_2007"])
def test_every_kind_is_at_home_in_one_class_and_at_most_one_choice(declared, system):
    homes = Counter(code for cls in declared.classes.values() for code in cls.components.get(system, ()))
    assert homes == Counter(declared.codes[system].kinds.keys())
    words = [code for cls in declared.classes.values() for code in kind_words(cls, system)]
    assert max(Counter(words).values()) == 1
    for cls in declared.classes.values():
        if cls.components:
            assert {"component_code", "code_system"} <= {field.name for field in cls.fields}, cls.id


def test_the_choices_of_a_code_system_are_the_declared_editions_and_name_them(declared):
    editions = {name: item for name, item in declared.codes.items() if item.purpose == "components"}
    for name in ("code_system", "former_code_system"):
        choices = {item.value: item.title for item in declared.get_class("manholes").get_field(name).choices}
        assert choices.keys() == {*editions, "own"}
        for system, item in editions.items():
            assert item.standard in choices[system].zh
            assert choices[system].zh.endswith(item.edition)


def test_the_live_id_is_read_by_its_layout(declared):
    found = parse_component(declared.codes, "cjt214_2007", LIVE)
    assert (found.area, found.major, found.minor, found.serial) == ("320508", "01", "01", "000001")
    assert found.kind is not None
    assert found.kind.name == "上水井盖"
    home = find_home(declared.classes.values(), "cjt214_2007", found.kind.code)
    assert home is not None
    assert (home.id, kind_words(home, "cjt214_2007")["0101"]) == ("manholes", ("kind", "water"))


def test_an_id_of_2026_has_a_minor_of_three_digits(declared):
    found = parse_component(declared.codes, "gbt47678_2026", "360102" + "03" + "001" + "000007")
    assert (found.area, found.major, found.minor, found.serial) == ("360102", "03", "001", "000007")
    assert found.kind is not None
    assert found.kind.name == "公共厕所"


def test_the_length_does_not_tell_the_edition(declared):
    assert candidates(declared.codes, LIVE) == ["gbt30428_2013", "cjt214_2007"]
    assert candidates(declared.codes, "36010203001000007") == ["gbt47678_2026"]
    assert candidates(declared.codes, "3601020701000007") == ["gbt30428_2013"]
    assert candidates(declared.codes, "36010201016000007") == []
    assert candidates(declared.codes, "12345") == []


def test_kinds_that_a_city_adds_itself_and_lists_that_we_lack_are_not_refused(declared):
    for code in ("4403052101000001", "1101010292000001"):
        assert parse_component(declared.codes, "cjt214_2007", code).kind is None
    assert parse_component(declared.codes, "gbt30428_2013", "3601020599000001").kind is None


BAD_IDS = {
    "too long for its edition": ("cjt214_2007", LIVE + "0", "17 characters", "6+2+2+6"),
    "an id of 2007 as one of 2026": ("gbt47678_2026", LIVE, "17 digits", "gbt30428_2013, cjt214_2007"),
    "too short": ("gbt47678_2026", "0101", "4 characters", "area, major, minor, serial"),
    "letters": ("cjt214_2007", "32050801A1000001", "16 digits", "6+2+2+6"),
    "digits of another script": ("cjt214_2007", "３205080101000001", "16 digits", "6+2+2+6"),
    "a gap of the list": ("gbt47678_2026", "36010201016000001", "no kind 01016", "01001 供水井盖"),
    "a major of the next edition": ("cjt214_2007", "3601020701000001", "no kind 0701", "gbt30428_2013"),
}


@pytest.mark.parametrize("name", BAD_IDS)
def test_a_bad_id_is_told_with_a_hint(declared, name):
    system, code, problem, hint = BAD_IDS[name]
    with pytest.raises(BadInput, match=re.escape(problem)) as error:
        parse_component(declared.codes, system, code)
    assert hint in (error.value.hint or "")


def test_an_id_names_its_district_or_the_city_above_it(declared):
    found = parse_component(declared.codes, "cjt214_2007", LIVE)
    with pytest.raises(BadInput, match="of the area 320508, but lies in 360102") as error:
        check_area(LIVE, found, {"360102"})
    assert "360102" in (error.value.hint or "")
    for districts in (set(), {"320508"}, {"360102", "320508"}):
        check_area(LIVE, found, districts)
    city = "3205000101000001"
    check_area(city, parse_component(declared.codes, "cjt214_2007", city), {"320508"})


def test_unknown_code_systems_are_told_with_the_known_ones(declared):
    assert check_system(declared.codes, "own") == "own"
    for name in ("gbt47678", "cjj61_2017"):
        with pytest.raises(NotFound) as error:
            check_system(declared.codes, name)
        assert "gbt47678_2026" in (error.value.hint or "")


def test_a_grid_code_is_15_digits_and_begins_with_its_community(declared):
    found = parse_grid("360102001001003", "360102001001")
    assert (found.area, found.subdistrict, found.community, found.serial) == (
        "360102", "001", "360102001001", "003",
    )  # fmt: skip
    assert parse_grid("360102001001003", "W1").serial == "003"
    assert declared.codes["gbt30428_grid"].length == 15
    for code in ("36010200100100", "3601020010010034", "36010200100100a"):
        with pytest.raises(BadInput, match="15 digits"):
            parse_grid(code)
    with pytest.raises(BadInput, match="does not begin with the code of its community, 360102001002"):
        parse_grid("360102001001003", "360102001002")


def test_the_crosswalk_holds_every_kind_and_the_changes_that_are_known(declared):
    (walk,) = declared.crosswalks
    old, new = declared.codes[walk.old], declared.codes[walk.new]
    assert walk.pairs.keys() == old.kinds.keys()
    for before, after in (("上水井盖", "供水井盖"), ("通讯井盖", "通信井盖"), ("通讯交接箱", "通信交接箱")):
        code = next(code for code, item in old.kinds.items() if item.name == before)
        pair = walk.pairs[code]
        assert ([new.kinds[item].name for item in pair.new], pair.confidence) == ([after], "sure")
    for pair in walk.pairs.values():
        names = {new.kinds[code].name for code in pair.new}
        assert (pair.match == "same") == (names == {old.kinds[pair.old].name})
        assert pair.confidence != "sure" or len(pair.new) == 1
    assert find_pair(declared.crosswalks, "cjt214_2007", "gbt47678_2026", "0117") == walk.pairs["0117"]
    assert find_pair(declared.crosswalks, "gbt30428_2013", "gbt47678_2026", "0101") is None


def test_pipe_codes_are_unique_within_their_table_and_every_choice_is_right(declared):
    tables = declared.codes["cjj61_2017"].tables
    assert (tables["minor"]["ZS"].name, tables["material"]["ZS"].name) == ("中水", "砖石")
    assert tables["major"]["RQ"].facts["color"] == "#ff00ff"
    assert {code: item.facts["number"] for code, item in tables["major"].items()} == {
        "JS": "1", "PS": "2", "RQ": "3", "RL": "4", "DL": "5", "TX": "6", "GY": "7", "QT": "8",
    }  # fmt: skip
    fields = {"material": "material", "embedding": "embedding", "use_state": "status"}
    for name, table in fields.items():
        choices = declared.get_class("pipes").get_field(name).choices
        codes = {code for item in choices for code in item.codes.get("cjj61_2017", ())}
        assert codes == {f"{table}/{code}" for code in tables[table]}
    kinds = declared.get_class("pipes").get_field("kind").choices
    said = {code for item in kinds for code in item.codes.get("cjj61_2017", ())}
    assert {f"minor/{code}" for code in tables["minor"]} <= said


SYSTEM = """
id: sys
purpose: components
title: {zh: 部件, en: Components}
standard: X
edition: "1"
source: seen
confidence: V
layout: {area: 6, major: 2, minor: 2, serial: 6}
tables:
  major: {"01": 公用}
  kind: {"0101": 井盖, "0102": 路灯}
"""
WELLS = "symbol: {glyph: 井, color"
KEYS = 'components: {sys: ["0101"]}\n'
DEPTH = "depth_m: {type: number, unit: m, title: {zh: 井深, en: Depth}}"
KIND = 'kind: {type: choice, title: {zh: 类型, en: Kind}, choices: {a: {zh: 甲, en: A, codes: {sys: "%s"}}}}'

#: (file, text, what stands there instead, what the message names)
BAD_FILES = {
    "id of another file": ("codes/sys.yaml", "id: sys", "id: sis", "codes/sys.yaml:1, key 'id': 'sis' differs"),
    "unknown key": ("codes/sys.yaml", "source:", "sources:", "unknown key 'sources'"),
    "unknown purpose": ("codes/sys.yaml", "purpose: components", "purpose: parts", "key 'purpose'"),
    "wrong layout": ("codes/sys.yaml", "area: 6, major", "zone: 6, major", "key 'layout': has the parts"),
    "kind of a wrong length": ("codes/sys.yaml", '"0102"', '"102"', "no kind of 4 digits"),
    "kind of an unknown major": ("codes/sys.yaml", '"0102"', '"0202"', "unknown major '02'"),
    "unknown edition before": ("codes/sys.yaml", "layout:", "replaces: sos\nlayout:", "key 'replaces'"),
    "no date": ("codes/sys.yaml", "layout:", "in_force_from: soon\nlayout:", "'soon' is not a date"),
    "unknown system": ("classes/wells.yaml", '{sys: ["0101"]}', '{sos: ["0101"]}', "unknown code system 'sos'"),
    "unknown component": ("classes/wells.yaml", '["0101"]', '["0103"]', "unknown code of sys '0103'"),
    "choice of a strange code": ("classes/wells.yaml", KIND % "0101", KIND % "0103", "unknown code of sys"),
    "choice of another's code": ("classes/wells.yaml", KIND % "0101", KIND % "0102", "component of this class"),
    "colour that is none": ("classes/wells.yaml", "{zh: 甲, ", "{color: red, zh: 甲, ", "'red' is not a colour"),
    "two homes": ("classes/land.yaml", "zooms:", KEYS + "zooms:", "the code 0101 is at home in"),
    "crosswalk to nowhere": ("codes/crosswalk_a.yaml", 'to: ["0102"]', 'to: ["0109"]', "unknown kind of sys"),
    "crosswalk of two that is one": ("codes/crosswalk_a.yaml", '["0102"]', '["0101", "0102"]', "does not fit 2"),
}  # fmt: skip
WALK = """
from: sys
to: sys
source: us
pairs: {"0101": {to: ["0102"], match: renamed, confidence: sure}}
"""


def _write(folder: Path, file: str = "", old: str = "", new: str = "") -> Path:
    write_geodata(folder)
    wells = folder / "classes" / "wells.yaml"
    text = wells.read_text(encoding="utf-8").replace(WELLS, KEYS + WELLS).replace(DEPTH, KIND % "0101")
    wells.write_text(text, encoding="utf-8")
    (folder / "codes").mkdir()
    (folder / "codes" / "sys.yaml").write_text(SYSTEM.lstrip(), encoding="utf-8")
    (folder / "codes" / "crosswalk_a.yaml").write_text(WALK.lstrip(), encoding="utf-8")
    if file:
        path = folder / file
        before = path.read_text(encoding="utf-8")
        assert before.count(old) == 1, (file, old)
        path.write_text(before.replace(old, new), encoding="utf-8")
    return folder


def test_a_small_folder_with_codes_loads(tmp_path):
    catalogue = load_catalogue(_write(tmp_path))
    assert kind_words(catalogue.get_class("wells"), "sys") == {"0101": ("kind", "a")}
    assert catalogue.crosswalks[0].pairs["0101"].new == ("0102",)


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_declaration_of_codes_is_told_by_file_line_and_key(tmp_path, name):
    file, old, new, problem = BAD_FILES[name]
    with pytest.raises(BadDeclaration, match=re.escape(problem)) as error:
        load_catalogue(_write(tmp_path, file, old, new))
    assert re.match(r"\w+/\w+\.yaml:\d+, key '", error.value.message)
