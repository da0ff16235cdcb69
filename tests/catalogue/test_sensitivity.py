"""Who may see a class, its fields and its rows: as declared, as a city says otherwise, refused where it cannot be."""

from __future__ import annotations

import pytest

from app.catalogue.docs import render_pages
from app.catalogue.loader import load_catalogue
from app.catalogue.local import fingerprint
from app.catalogue.sensitivity_docs import sensitivity_table
from app.errors import BadDeclaration
from app.settings import ROOT
from tests.catalogue.small import write_geodata

PARKS = "classes/parks.yaml"
FIELDS = "fields:\n  department"
CONTRACTOR = "contractor: {type: text, title: {zh: 施工单位, en: Contractor}}"


def declare(folder, lines):
    """The small geodata, with lines before the fields of its parks."""
    return write_geodata(folder / "geodata", PARKS, FIELDS, f"{lines}\n{FIELDS}")


def test_a_class_says_which_rows_are_restricted_and_whose_they_are(tmp_path):
    cls = load_catalogue(declare(tmp_path, "restricted: {kind: [city]}\nowned_by: [department]")).classes[
        "parks"
    ]
    assert cls.restricted_rows == {"kind": frozenset({"city"})}
    assert cls.owned_by == ("department",)
    assert cls.sensitivity == "public"


def test_without_a_word_all_rows_are_alike_and_owner_and_maintainer_say_whose_they_are(tmp_path, declared):
    cls = load_catalogue(write_geodata(tmp_path)).classes["parks"]
    assert (cls.restricted_rows, cls.owned_by) == ({}, ())  # it has neither field
    assert declared.classes["toilets"].owned_by == ("owner", "maintainer")
    assert declared.classes["grid_cells"].owned_by == ()


#: lines of a class: what the message names, what the hint names
BAD = {
    "no such field": ("restricted: {kinds: [city]}", "key 'restricted.kinds': unknown field", "Did you mean kind?"),
    "no such value": ("restricted: {kind: [town]}", "key 'restricted.kind.0': unknown value 'town'", "city, pocket"),
    "two fields": ("restricted: {kind: [city], state: [removed]}", "key 'restricted': names 2 fields", "One field"),
    "no value": ("restricted: {kind: []}", "lists no value", "city, pocket"),
    "every value": ("restricted: {kind: [city, pocket]}", "lists every value", "sensitivity: restricted"),
    "no choice": ("restricted: {berths: [3]}", "'berths' is a integer", "Only a choice"),
    "no list": ("restricted: {kind: city}", "key 'restricted.kind': must be a list", ""),
    "no mapping": ("restricted: [city]", "key 'restricted': must be a mapping", ""),
    "rows of a restricted class": (
        "sensitivity: restricted\nrestricted: {kind: [city]}", "restricted as a whole", "Leave it out"
    ),
    "no level": ("sensitivity: secret", "key 'sensitivity': unknown value 'secret'", "public, internal, restricted"),
    "owner that is no field": ("owned_by: [owner]", "key 'owned_by.0': unknown field 'owner'", "department"),
    "owner that is no text": ("owned_by: [berths]", "'berths' is a integer", "type text"),
    "owner twice": ("owned_by: [department, department]", "'department' stands twice", ""),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "message", "hint"), BAD.values(), ids=BAD)
def test_what_cannot_be_is_refused_with_its_place(tmp_path, lines, message, hint):
    with pytest.raises(BadDeclaration) as error:
        load_catalogue(declare(tmp_path, lines))
    assert message in error.value.message
    assert error.value.message.startswith("classes/parks.yaml:")
    assert hint in str(error.value.hint)


def test_a_field_that_is_restricted_cannot_tell_restricted_rows(tmp_path):
    folder = write_geodata(
        tmp_path, PARKS, "    title: {zh: 类型", "    sensitivity: restricted\n    title: {zh: 类型"
    )
    path = folder / PARKS
    path.write_text(
        path.read_text("utf-8").replace("fields:", "restricted: {kind: [city]}\nfields:"), "utf-8"
    )
    with pytest.raises(BadDeclaration, match="'kind' is restricted, so it cannot decide"):
        load_catalogue(folder)


def ours(folder, declared, name="parks"):
    """A city's folder that says otherwise who may see a class."""
    path = folder / "ours" / "sensitivity" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(declared, "utf-8")
    return folder / "ours"


def test_a_city_says_otherwise(tmp_path):
    geodata = declare(tmp_path, "restricted: {kind: [city]}\nowned_by: [department]")
    said = ours(
        tmp_path, "sensitivity: internal\nrestricted: {state: [removed]}\nfields: {berths: restricted}\n"
    )
    built_in, cls = (load_catalogue(geodata, local).classes["parks"] for local in (None, said))
    assert cls.sensitivity == "internal"
    assert cls.restricted_rows == {"state": frozenset({"removed"})}
    assert cls.owned_by == ("department",)
    assert [(item.name, item.sensitivity) for item in cls.fields if item not in built_in.fields] == [
        ("berths", "restricted")
    ]
    assert built_in.sensitivity == "public"


def test_a_city_may_lift_what_is_built_in(tmp_path):
    geodata = declare(tmp_path, "restricted: {kind: [city]}\nowned_by: []")
    cls = load_catalogue(geodata, ours(tmp_path, "restricted: {}\nowned_by: [department]\n")).classes["parks"]
    assert (cls.restricted_rows, cls.owned_by) == ({}, ("department",))
    cls = load_catalogue(geodata, ours(tmp_path, "sensitivity: restricted\n")).classes["parks"]
    assert (cls.sensitivity, cls.restricted_rows, cls.owned_by) == ("restricted", {}, ())


def test_what_a_city_says_of_who_may_see_decides_what_the_database_is_told(tmp_path):
    marks = {
        fingerprint(ours(tmp_path, text)) for text in ("sensitivity: internal\n", "sensitivity: restricted\n")
    }
    assert len(marks) == 2


#: what a city says: what the message names, what the hint names
BAD_HERE = {
    "no such key": ("colour: red", "key 'colour': unknown key", "sensitivity, restricted, owned_by, fields"),
    "no such field": ("fields: {berth: internal}", "unknown field 'berth'", "Did you mean berths?"),
    "no such level": ("fields: {berths: secret}", "unknown value 'secret'", "public, internal, restricted"),
    "the field that tells the rows": (
        "fields: {kind: restricted}", "'kind' is restricted, so it cannot decide which rows are", "the whole class",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message", "hint"), BAD_HERE.values(), ids=BAD_HERE)
def test_what_a_city_cannot_say_is_refused_with_its_place(tmp_path, text, message, hint):
    geodata = declare(tmp_path, "restricted: {kind: [city]}")
    with pytest.raises(BadDeclaration) as error:
        load_catalogue(geodata, ours(tmp_path, text))
    assert message in error.value.message
    assert error.value.message.startswith("ours/sensitivity/parks.yaml:1")
    assert hint in str(error.value.hint)


def test_only_built_in_classes_are_spoken_of_there(tmp_path):
    with pytest.raises(BadDeclaration, match="unknown built-in class 'park'") as error:
        load_catalogue(write_geodata(tmp_path / "geodata"), ours(tmp_path, "sensitivity: internal\n", "park"))
    assert "Did you mean parks?" in str(error.value.hint)


#: What the issue names: class → rows by `kind`, or the whole class, or fields.
ROWS = {
    "pipes": {"gas", "water", "power", "industrial"},
    "pipe_nodes": {"valve", "regulator"},
    "monitoring_points": {"camera", "hazard"},
    "utility_poles": {"tower", "base_station"},
    "utility_boxes": {"transformer"},
    "public_properties": {"civil_defence"},
    "manholes": {"police"},
    "street_furniture": {"police_box"},
    "traffic_facilities": {"police_post"},
    "overhead_lines": {"power", "gas"},
}
HIDDEN = {
    "pipes": {"start_depth_m", "end_depth_m", "start_elevation_m", "end_elevation_m"},
    "pipe_nodes": {"depth_m", "elevation_m"},
    "manholes": {"depth_m"},
    "bridges": {"load_limit_t", "clearance_m"},
    "tunnels": {"width_m", "clearance_m"},
    "responsibility_areas": {"telephone"},
}


def test_what_is_sensitive_by_default(declared):
    assert declared.classes["gas_devices"].sensitivity == "restricted"
    for class_id, values in ROWS.items():
        assert values <= declared.classes[class_id].restricted_rows["kind"], class_id
    for class_id, names in HIDDEN.items():
        cls = declared.classes[class_id]
        assert {cls.get_field(name).sensitivity for name in names} == {"restricted"}, class_id


def test_no_field_that_names_a_telephone_is_open(declared):
    for cls in declared.classes.values():
        for item in cls.fields:
            words = {item.title.zh, item.title.en.lower(), *item.aliases}
            if any(word in text for text in words for word in ("电话", "手机", "telephone", "phone")):
                assert item.sensitivity == "restricted", f"{cls.id}.{item.name}"


def test_the_page_of_a_class_says_who_may_see_it(declared):
    pages = render_pages(declared)
    assert "- 受限的行: `kind` = `camera`、`hazard`，或未填写" in pages["classes/monitoring_points.zh.md"]
    assert (
        "- Restricted rows: `kind` = `camera`, `hazard`, or unknown" in pages["classes/monitoring_points.md"]
    )
    assert "- A contractor sees the rows that name it in: none, so no row" in pages["classes/grid_cells.md"]


@pytest.mark.parametrize(("name", "lang"), [("who-sees-what.md", "en"), ("who-sees-what.zh.md", "zh")])
def test_the_page_of_who_sees_what_lists_what_is_declared(declared, name, lang):
    assert sensitivity_table(declared, lang) in (ROOT / "docs" / name).read_text("utf-8")
