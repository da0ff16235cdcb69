"""A declaration that contradicts itself or another cannot start the program, and says where and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.catalogue.loader import load_catalogue
from app.errors import BadDeclaration
from tests.catalogue.small import FILES, POLICY, write_geodata

PARKS, COMMON, NEAR = "classes/parks.yaml", "classes/_common.yaml", "policies/near.yaml"
WELLS = "classes/wells.yaml"
WITH_TIME = POLICY[POLICY.index("minutes: 10") : POLICY.index("min_area")]

#: (file, text in it, what stands there instead, what the message names, what the hint names)
BAD = {
    "unknown key of a class": (
        PARKS,
        "office:",
        "offices:",
        "key 'offices': unknown key 'offices'",
        "office",
    ),
    "missing key": (PARKS, "office: 园林处\n", "", "'office' is missing", "geometry"),
    "another id than the file": (PARKS, "id: parks", "id: park", "key 'id': 'park' differs", "id: parks"),
    "id is no name": (PARKS, "id: parks", "id: Parks", "'Parks' is not a name", "a-z"),
    "reference to no class": (
        PARKS,
        "fields:\n",
        "fields:\n  estate: {type: text, title: {zh: 小区, en: Estate}, refers: homes}\n",
        "fields.estate.refers",
        "parks",
    ),
    "reference of a number": (
        PARKS,
        "fields:\n",
        "fields:\n  estate: {type: integer, title: {zh: 小区, en: Estate}, refers: parks}\n",
        "a integer field holds no code",
        "",
    ),
    "unknown geometry": (PARKS, "geometry: polygon", "geometry: polygn", "'polygn'", "Did you mean polygon?"),
    "unknown accepted geometry": (PARKS, "aliases: [park]", "accept: [surface]", "key 'accept.0'", "point"),
    "title without a language": (
        PARKS,
        "{zh: 公园, en: Parks}",
        "{zh: 公园}",
        "key 'title': 'en' is missing",
        "zh",
    ),
    "title that is no mapping": (PARKS, "{zh: 公园, en: Parks}", "公园", "must be a mapping", ""),
    "empty title": (
        PARKS,
        "{zh: 公园, en: Parks}",
        '{zh: "", en: Parks}',
        "key 'title.zh': must be a text",
        "",
    ),
    "number as text": (PARKS, "office: 园林处", "office: 12", "must be a text, not '12'", "quotes"),
    "unknown sensitivity": (PARKS, "aliases: [park]", "sensitivity: secret", "'secret'", "restricted"),
    "order that is no number": (PARKS, "aliases: [park]", "order: first", "whole number from 0 to 999", ""),
    "alias twice": (PARKS, "aliases: [park]", "aliases: [park, park]", "'park' stands twice", ""),
    "aliases that are no list": (
        PARKS,
        "aliases: [park]",
        "aliases: park",
        "key 'aliases': must be a list",
        "",
    ),
    "name of another class": (
        PARKS,
        "aliases: [park]",
        "aliases: [Wells]",
        "already means wells",
        "names of its own",
    ),
    "unknown group": (PARKS, "include: [group]", "include: [grup]", "key 'include.0'", "Did you mean group?"),
    "heights of polygons": (
        PARKS,
        "aliases: [park]",
        "z: [open_m2]",
        "key 'z': names 1 fields",
        "points names one",
    ),
    "heights of points in two fields": (
        WELLS,
        "symbol:",
        "z: [depth_m, deep]\nsymbol:",
        "names 2 fields",
        "start",
    ),
    "heights in an unknown field": (
        WELLS,
        "symbol:",
        "z: [depht_m]\nsymbol:",
        "key 'z.0'",
        "Did you mean depth_m?",
    ),
    "heights in a text": (WELLS, "symbol:", "z: [state]\nsymbol:", "'state' is no number in m", ""),
    "unknown use of parts": (
        PARKS,
        "aliases: [park]",
        "parts: merge",
        "unknown value 'merge'",
        "keep, split",
    ),
    "distance of polygons": (PARKS, "aliases: [park]", "duplicate_m: 5", "is for points only", "as a whole"),
    "distance below nought": (WELLS, "symbol:", "duplicate_m: -1\nsymbol:", "must be at least 0", ""),
    "glyph of two characters": (PARKS, "glyph: 园", "glyph: 公园", "not one character", ""),
    "colour name": (PARKS, '"#117733"', "green", "'green' is not a colour", "#rrggbb"),
    "colour unquoted": (PARKS, '"#117733"', "#117733", "is not valid YAML (line ", ""),
    "unknown set of pictograms": (
        PARKS,
        "shape: area",
        "shape: area, icon: emoji/park",
        "names no pictogram",
        "maki/toilet",
    ),
    "short fill colour": (PARKS, '"#B7DCB0"', '"#b7d"', "key 'symbol.fill'", "#rrggbb"),
    "unknown shape": (PARKS, "shape: area", "shape: star", "'star'", "diamond"),
    "zoom beyond 22": (PARKS, "zoom: 14", "zoom: 23", "from 0 to 22, not '23'", ""),
    "last zoom with a condition": (PARKS, "  - {zoom: 14}\n", "", "the last rule must have only a zoom", ""),
    "zoom rule of an unknown field": (
        PARKS,
        "{kind: [city]",
        "{kinds: [city]",
        "unknown field 'kinds'",
        "kind",
    ),
    "zoom rule of an unknown choice": (
        PARKS,
        "{kind: [city]",
        "{kind: [town]",
        "unknown value 'town'",
        "city",
    ),
    "zoom rule of a wrong type": (PARKS, "fee: [false, null]", "fee: [1]", "fee holds boolean values", ""),
    "zoom by a length polygons lack": (
        PARKS,
        "area_m2_min",
        "length_m_min",
        "unknown key 'length_m_min'",
        "area_m2_min",
    ),
    "filter without values": (PARKS, "{kind: [city]", "{kind: []", "no row could match", ""),
    "rule without tags": (PARKS, "{leisure: [park]}", "{}", "every object would match", ""),
    "tag without values": (PARKS, "{leisure: [park]}", "{leisure: []}", "lists no value", '["*"]'),
    "star beside values": (PARKS, "{leisure: [park]}", '{leisure: ["*", park]}', "* beside others", '["*"]'),
    "tag value that is a number": (PARKS, "{leisure: [park]}", "{level: [7]}", "must be a text", "quotes"),
    "unknown key of a rule": (PARKS, "unless:", "except:", "unknown key 'except'", "unless"),
    "set of an unknown field": (
        PARKS,
        "set: {kind: city",
        "set: {size: city",
        "unknown field 'size'",
        "kind",
    ),
    "set of an unknown choice": (
        PARKS,
        "set: {kind: city",
        "set: {kind: town",
        "unknown value 'town'",
        "pocket",
    ),
    "set of a wrong number": (PARKS, "berths: 3", "berths: 3.5", "berths holds integer values", ""),
    "set of a wrong date": (PARKS, "2020-01-02", "2020-13-02", "'2020-13-02' is not a date", "2021-12-31"),
    "set of an empty value": (PARKS, "set: {kind: city", "set: {kind: null", "unknown value null", "city"),
    "unknown key of a field": (PARKS, "minimum: 0", "min: 0", "unknown key 'min'", "minimum"),
    "field without a title": (
        PARKS,
        "title: {zh: 收费, en: Fee}, ",
        "",
        "key 'fields.fee': 'title' is missing",
        "type",
    ),
    "field without a type": (PARKS, "{type: boolean, ", "{", "key 'fields.fee': 'type' is missing", "title"),
    "unknown type": (PARKS, "type: boolean", "type: bool", "'bool'", "boolean"),
    "field name in capitals": (PARKS, "  fee:", "  Fee:", "'Fee' is not a name", "a-z"),
    "name of a system column": (PARKS, "  fee:", "  area_path:", "every class has already", "geom"),
    "unknown unit": (PARKS, "unit: m²", "unit: acre", "unknown value 'acre'", "m²"),
    "unit missing in the name": (PARKS, "  open_m2:", "  open_size:", "must bear it in its name", "_m2"),
    "unit of a boolean": (
        PARKS,
        "type: boolean,",
        "type: boolean, unit: m,",
        "a boolean field has no unit",
        "",
    ),
    "limit of a boolean": (PARKS, "type: boolean,", "type: boolean, minimum: 0,", "has no minimum", ""),
    "maximum below minimum": (PARKS, "maximum: 100", "maximum: -1", "must be at least 0", ""),
    "minimum that is a text": (
        PARKS,
        "minimum: 0, maximum",
        "minimum: none, maximum",
        "must be a number",
        "",
    ),
    "choice field without choices": (COMMON, "type: text", "type: choice", "needs 'choices'", "zh"),
    "choices of a text": (COMMON, "type: choice", "type: text", "a text field has no choices", "choice"),
    "choice without an English title": (
        COMMON,
        "{zh: 拆除, en: Demolished}",
        "{zh: 拆除}",
        "'en' is missing",
        "",
    ),
    "choice meaning two things": (
        PARKS,
        "en: Pocket park}",
        "en: Big}",
        "'big' already means the choice pocket",
        "",
    ),
    "heading of two fields": (
        PARKS,
        "aliases: [type]",
        "aliases: [收费]",
        "already means the field",
        "one field only",
    ),
    "title of another field": (
        PARKS,
        "en: Berths",
        "en: State",
        "heading 'State' already means",
        "one field",
    ),
    "osm value of an unknown choice": (
        PARKS,
        "{large: city",
        "{large: huge",
        "unknown value 'huge'",
        "pocket",
    ),
    "osm value of a boolean": (PARKS, "{no: false", "{no: nay", "unknown value 'nay'", "true, false"),
    "osm values without tags": (PARKS, "osm: [fee], ", "", "needs 'osm'", ""),
    "osm values of a number": (
        PARKS,
        "unit: pieces,",
        "osm: [x], osm_values: {a: b},",
        "takes its tags as they are",
        "",
    ),
    "default of a field that may be empty": (
        PARKS,
        "type: boolean,",
        "type: boolean, default: true,",
        "only a required",
        "",
    ),
    "default of a wrong type": (
        PARKS,
        "type: boolean,",
        "type: boolean, required: true, default: 1,",
        "boolean",
        "",
    ),
    "key twice": (
        PARKS,
        "office: 园林处\n",
        "office: 园林处\noffice: 园林处\n",
        "key 'office': the key stands twice",
        "",
    ),
    "field twice": (PARKS, "  fee:", "  kind: {}\n  fee:", "key 'fields.kind': the key stands twice", ""),
    "anchor": (
        PARKS,
        "aliases: [park]",
        "aliases: [&a park, *a]",
        "anchors and aliases are not used",
        "Write",
    ),
    "tag of YAML": (
        PARKS,
        "office: 园林处",
        "office: !!python/name:os.system x",
        "has the YAML tag",
        "plain",
    ),
    "not YAML": (PARKS, "aliases: [park]", "aliases: [park", "is not valid YAML", ""),
    "key that is a list": (PARKS, "office: 园林处", "[a, b]: 园林处", "a key must be a text", ""),
    "unknown class in a supply": (NEAR, "{class: parks", "{class: park", "unknown class 'park'", "parks"),
    "unknown class of land": (
        NEAR,
        "land: {class: land}",
        "land: {class: lands}",
        "key 'land.class'",
        "Did you mean land?",
    ),
    "unknown field in a filter": (NEAR, "{state:", "{status:", "unknown field 'status'", "state"),
    "unknown choice in a filter": (
        NEAR,
        "[in_service,",
        "[working,",
        "unknown value 'working'",
        "in_service",
    ),
    "unknown frame": (NEAR, "frame: land", "frame: city", "key 'frame': unknown class 'city'", "land"),
    "frame of points": (NEAR, "frame: land", "frame: wells", "must be a class of polygons", ""),
    "official without a frame": (
        NEAR,
        "frame: land",
        "frame: null",
        "needs its document's own frame",
        "official: false",
    ),
    "official from memory": (NEAR, "confidence: V", "confidence: M", "a source whose text was seen", ""),
    "unknown confidence": (NEAR, "confidence: V", "confidence: X", "unknown value 'X'", "V, S, M"),
    "land of points": (
        NEAR,
        "land: {class: land}",
        "land: {class: wells}",
        "must be a class of polygons",
        "",
    ),
    "people of a text field": (NEAR, "field: people", "field: name_zh", "unknown number field", "people"),
    "unknown people rule": (NEAR, "rule: centre", "rule: center", "unknown value 'center'", "centre"),
    "no people": (
        NEAR,
        "  - {class: land, field: people, rule: centre}\n",
        "  []\n",
        "no source of people",
        "",
    ),
    "size of points": (NEAR, "{class: parks, ", "{class: wells, ", "has no area", ""),
    "largest below smallest": (NEAR, "max_area_m2: 5000", "max_area_m2: 500", "must be at least 2000", ""),
    "radius that is not the minutes": (
        NEAR,
        "radius_m: 720",
        "radius_m: 700",
        "700 is not 10 min",
        "radius_m: 720",
    ),
    "target above one": (NEAR, "target: 0.8", "target: 80", "a share from 0 to 1", "0.8"),
    "no radius": (
        NEAR,
        WITH_TIME,
        WITH_TIME.replace("minutes: 10\n", "").replace("radius_m: 720, ", ""),
        "'radius_m' is missing",
        "minutes",
    ),
    "version that is a number": (NEAR, 'version: "1"', "version: 1", "must be a text", "quotes"),
    "official that is a text": (NEAR, "official: true", "official: yes", "must be true or false", ""),
    "speed of nought": (NEAR, "speed_m_s: 1.2", "speed_m_s: 0", "must be at least 0.1", ""),
    "another policy id than the file": (
        NEAR,
        "id: near",
        "id: far",
        "differs from the file's name",
        "id: near",
    ),
}


def test_the_small_geodata_loads(tmp_path: Path):
    catalogue = load_catalogue(write_geodata(tmp_path))
    assert set(catalogue.classes) == {"parks", "land", "wells"}
    assert set(catalogue.policies) == {"near"}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_declaration_is_refused_with_its_place(tmp_path: Path, name: str):
    file, old, new, message, hint = BAD[name]
    geodata = write_geodata(tmp_path, file, old, new)
    with pytest.raises(BadDeclaration) as caught:
        load_catalogue(geodata)
    # A shared field is checked where a class uses it, but the message names the file that declares it.
    assert caught.value.message.startswith(file)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert caught.value.exit_code == 2


def test_the_message_names_the_line(tmp_path: Path):
    geodata = write_geodata(tmp_path, PARKS, "type: boolean", "type: bool")
    line = (geodata / PARKS).read_text(encoding="utf-8").split("type: bool")[0].count("\n") + 1
    with pytest.raises(
        BadDeclaration, match=rf"^{PARKS}:{line}, key 'fields.fee.type': unknown value 'bool'\.(\n|$)"
    ):
        load_catalogue(geodata)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("content", [b"", b"- a\n- b\n", b"42", b"\xff\xfe\x00", b"a: \x00", b"a: {b: c"])
def test_a_broken_file_is_one_clear_sentence(tmp_path: Path, file: str, content: bytes):
    geodata = write_geodata(tmp_path)
    (geodata / file).write_bytes(content)
    with pytest.raises(BadDeclaration, match=rf"^{file}"):
        load_catalogue(geodata)


@pytest.mark.parametrize("folder", ["classes", "policies"])
def test_an_empty_folder_names_the_setting(tmp_path: Path, folder: str):
    geodata = write_geodata(tmp_path)
    for path in (geodata / folder).iterdir():
        path.unlink()
    with pytest.raises(BadDeclaration, match=f"no declaration in .*/{folder}") as caught:
        load_catalogue(geodata)
    assert "CHENGTU_GEODATA" in (caught.value.hint or "")


def test_deep_nesting_is_refused(tmp_path: Path):
    geodata = write_geodata(tmp_path, PARKS, "office: 园林处", "office: " + "[" * 200_000)
    with pytest.raises(BadDeclaration, match="more than 20 levels deep"):
        load_catalogue(geodata)
