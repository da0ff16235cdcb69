"""The shipped classes: all there, with the names that other rooms and outsiders rely on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue, ZoomRule
from app.errors import NotFound
from tests.catalogue.small import write_geodata

GEOMETRY = {
    "toilets": "point", "parks": "polygon", "park_gates": "point", "greenways": "line", "green_spaces": "polygon",
    "street_trees": "point", "streets": "line", "bridges": "line", "tunnels": "line", "parking_lots": "mixed",
    "street_lights": "point", "pipes": "line", "pipe_nodes": "point", "manholes": "point",
    "residential_areas": "polygon", "residential_gates": "point", "markets": "mixed", "built_up_areas": "polygon",
    "population_cells": "polygon", "buildings": "polygon", "water_bodies": "polygon", "districts": "polygon",
    "grid_cells": "polygon",
}  # fmt: skip
ACCEPT = {"toilets": ("polygon",), "streets": ("polygon",)}
COMMON = "name_zh name_en state owner maintainer built_on renovated_on address note".split()
FIELDS = {
    "toilets": "kind access stalls accessible open_24h opening_hours fee component_code code_system",
    "parks": "kind access registered_area_m2 fee",
    "park_gates": "park kind",
    "residential_areas": "kind land_use_code people households built_year renovation old registered_area_m2",
    "residential_gates": "estate",
    "green_spaces": "green_class access registered_area_m2",
    "built_up_areas": "as_of registered_area_m2",
    "streets": "kind walk layer bridge tunnel width_m lanes surface oneway",
    "pipes": "kind material former_material diameter_mm",
    "districts": "level kind parent",
    "population_cells": "people",
    "parking_lots": "berths",
    "manholes": "kind condition cover_class",
}
CHOICES = {
    "toilets.state": "planned under_construction in_service under_repair out_of_use removed",
    "toilets.kind": "public attached mobile",
    "toilets.access": "public customers private",
    "parks.kind": "comprehensive community specialised pocket other",
    "parks.access": "public customers private",
    "green_spaces.green_class": "G1 G2 G3 XG EG",
    "green_spaces.access": "open closed",
    "residential_areas.kind": "land estate",
    "residential_areas.renovation": "none planned done",
    "streets.walk": "public private no",
    "streets.kind": "expressway trunk primary secondary tertiary residential living_street service pedestrian footway"
    " path steps cycleway track",
    "districts.level": "city district subdistrict community",
}


def test_every_class_is_there_with_its_geometry(declared: Catalogue):
    assert {item.id: item.geometry for item in declared.classes.values()} == GEOMETRY
    assert {item.id: item.accept for item in declared.classes.values() if item.accept} == ACCEPT


def test_every_class_has_the_common_fields_and_its_own(declared: Catalogue):
    for item in declared.classes.values():
        names = [field.name for field in item.fields]
        assert names[: len(COMMON)] == COMMON
        assert 8 <= len(names) - len(COMMON) <= 20, item.id
        assert "kind" in names


@pytest.mark.parametrize("class_id", FIELDS)
def test_agreed_fields_keep_their_names(declared: Catalogue, class_id: str):
    assert {field.name for field in declared.get_class(class_id).fields} >= set(FIELDS[class_id].split())


@pytest.mark.parametrize("name", CHOICES)
def test_agreed_choices_keep_their_values(declared: Catalogue, name: str):
    class_id, field = name.split(".")
    values = [choice.value for choice in declared.get_class(class_id).get_field(field).choices]
    assert values == CHOICES[name].split()


def test_underground_lines_are_internal(declared: Catalogue):
    internal = {item.id for item in declared.classes.values() if item.sensitivity == "internal"}
    assert internal == {"pipes", "pipe_nodes", "manholes"}


def test_each_class_is_told_apart_without_colour(declared: Catalogue):
    glyphs = [item.symbol.glyph for item in declared.classes.values()]
    assert len(set(glyphs)) == len(glyphs)


def test_only_the_level_of_an_area_is_required(declared: Catalogue):
    required = {
        f"{item.id}.{field.name}"
        for item in declared.classes.values()
        for field in item.fields
        if field.required
    }
    assert required == {"districts.level"}
    assert declared.get_class("districts").get_field("level").default == "district"


def test_every_row_of_every_class_gets_a_zoom(declared: Catalogue):
    for item in declared.classes.values():
        assert item.zooms[-1] == ZoomRule(item.zooms[-1].zoom)
    kinds = [rule.where for rule in declared.get_class("streets").zooms]
    assert kinds[0] == {"kind": ("expressway", "trunk")}


def test_codes_of_references_stay_text(declared: Catalogue):
    for class_id, field in [("park_gates", "park"), ("residential_gates", "estate"), ("districts", "parent")]:
        assert declared.get_class(class_id).get_field(field).type == "text"


def test_the_catalogue_is_frozen(declared: Catalogue):
    with pytest.raises(dataclasses.FrozenInstanceError):
        declared.get_class("parks").id = "gardens"  # type: ignore[misc]


def test_an_unknown_class_gives_the_nearest_names(declared: Catalogue):
    with pytest.raises(NotFound) as caught:
        declared.get_class("toilet")
    assert "toilets" in (caught.value.hint or "")
    with pytest.raises(KeyError):
        declared.get_class("parks").get_field("size")


def test_groups_come_after_common_fields_and_may_be_amended(tmp_path: Path):
    parks = load_catalogue(write_geodata(tmp_path)).get_class("parks")
    assert [field.name for field in parks.fields][:4] == ["name_zh", "state", "department", "kind"]
    assert parks.get_field("department").aliases == ("office",)
    assert parks.get_field("department").title.zh == "主管部门"


def test_values_are_read_by_their_field(tmp_path: Path):
    parks = load_catalogue(write_geodata(tmp_path)).get_class("parks")
    (rule,) = parks.osm
    assert rule.unless == {"access": ("no",)}
    assert {name: type(value).__name__ for name, value in rule.set.items()} == {
        "kind": "str", "berths": "int", "open_m2": "float", "built_on": "date",
    }  # fmt: skip
    assert parks.get_field("fee").osm_values == {"no": "false", "*": "true"}
    assert parks.zooms[1].where == {"kind": ("city",), "fee": (False, None)}
    assert parks.symbol.fill == "#b7dcb0"
