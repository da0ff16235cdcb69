"""The shipped classes: all there, with the names that other rooms and outsiders rely on."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from pathlib import Path

import pytest

from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue, ZoomRule
from app.errors import NotFound
from app.ingest.headings import match_headings
from tests.catalogue.small import write_geodata

GEOMETRY = {
    "point": "toilets waste_bins waste_kiosks park_gates street_trees green_facilities greenway_nodes street_lights"
    " street_furniture bus_shelters traffic_facilities public_signs filling_stations pipe_nodes manholes"
    " utility_boxes utility_poles monitoring_points waterside_facilities gas_devices residential_gates"
    " road_cavities outdoor_advertisements shop_signs monuments",
    "mixed": "transfer_stations sorting_centres waste_plants sewage_plants parking_lots pumping_stations markets"
    " bike_bays construction_sites illegal_constructions estate_programmes public_properties"
    " population_cells",
    "polygon": "parks green_spaces flower_beds residential_areas built_up_areas buildings water_bodies"
    " districts grid_cells responsibility_areas historic_districts",
    "line": "greenways planting_sections streets bridges tunnels pipes overhead_lines alleys road_works hoardings"
    " barriers",
}
#: Classes to which an import may bring polygons beside their own geometry.
POLYGONS_TOO = (
    "toilets waste_bins waste_kiosks green_facilities greenway_nodes streets street_furniture bus_shelters"
    " traffic_facilities public_signs filling_stations utility_boxes utility_poles monitoring_points"
    " waterside_facilities road_cavities alleys road_works outdoor_advertisements shop_signs hoardings"
    " monuments"
)
#: Classes whose objects a component catalogue counts, GB/T 47678.5-2026 or one before it.
COMPONENTS = (
    "toilets waste_bins waste_kiosks green_spaces street_trees green_facilities flower_beds bridges tunnels"
    " parking_lots street_lights street_furniture bus_shelters traffic_facilities public_signs"
    " filling_stations pipe_nodes manholes pumping_stations overhead_lines utility_boxes utility_poles"
    " monitoring_points waterside_facilities bike_bays outdoor_advertisements shop_signs construction_sites monuments"
    " public_properties"
)
#: Underground utilities, cases against people and the bureau's own estate; what stands in homes.
INTERNAL = "pipes pipe_nodes manholes illegal_constructions public_properties"
RESTRICTED = "gas_devices"
COMMON = (
    "name_zh name_en state condition owner maintainer department state_since built_on renovated_on removed_on address"
    " data_source surveyed_on survey_method accuracy_m note"
).split()
GROUP = (
    "component_code code_system former_code former_code_system department_code owner_code maintainer_code"
    " grid_code subdistrict_code subdistrict_name community_code community_name inspected_on"
    " changed_on"
).split()
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
    "toilets.kind": "public attached mobile social",
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
    "waste_bins.survey_method": "total_station rtk levelling detector laser photogrammetry digitised phone other",
    "hoardings.data_source": "survey topographic_map base_data other",
    "overhead_lines.treatment": "bundle remove renew underground none",
    "road_cavities.kind": "void cavity loose very_loose wet",
    "road_cavities.risk": "low moderate considerable high",
    "estate_programmes.stage": "listed designed under_way completed cancelled",
    "illegal_constructions.origin": "new stock",
}


#: The standard attributes of GB/T 47678.5-2026 by their short names, and those of the editions before.
STANDARD_NAMES = {
    "GLBJBSM": "component_code", "GLBJMC": "name_zh", "ZGBMDM": "department_code", "ZGBMMC": "department",
    "QSDWDM": "owner_code", "QSDWMC": "owner", "YHDWDM": "maintainer_code", "YHDWMC": "maintainer",
    "SZDYWGBSM": "grid_code", "GLBJZT": "condition", "CSRQ": "built_on", "BGRQ": "changed_on",
    "SJLY": "data_source", "BZ": "note", "SZJDDM": "subdistrict_code", "SZJDMC": "subdistrict_name",
    "SZSQDM": "community_code", "SZSQMC": "community_name",
}  # fmt: skip
OLDER_NAMES = {
    "ObjID": "component_code", "ObjName": "name_zh", "DeptCode1": "department_code", "DeptName1": "department",
    "DeptCode2": "owner_code", "DeptName2": "owner", "DeptCode3": "maintainer_code", "DeptName3": "maintainer",
    "BGID": "grid_code", "ObjState": "condition", "ORDate": "built_on", "CHDate": "changed_on",
    "DataSource": "data_source", "Note": "note",
}  # fmt: skip


def test_every_class_is_there_with_its_geometry(declared: Catalogue):
    found = {item.id: item.geometry for item in declared.classes.values()}
    assert found == {name: kind for kind, names in GEOMETRY.items() for name in names.split()}
    also = {item.id: item.accept for item in declared.classes.values() if item.accept}
    assert also == dict.fromkeys(POLYGONS_TOO.split(), ("polygon",))


def test_every_class_has_the_common_fields_and_its_own(declared: Catalogue):
    for item in declared.classes.values():
        names = [field.name for field in item.fields]
        assert names[: len(COMMON)] == COMMON, item.id
        group = GROUP if item.id in COMPONENTS.split() else []
        assert names[len(COMMON) :][: len(group)] == group, item.id
        own = names[len(COMMON) + len(group) :]
        assert 8 <= len(own) <= 25, item.id
        # A unit grid and a component bear the same heading for the grid's code, which only a grid has as its own.
        assert set(own) & set(GROUP) <= ({"grid_code"} if item.id == "grid_cells" else set()), item.id
        assert "kind" in own


@pytest.mark.parametrize("class_id", COMPONENTS.split())
def test_the_platforms_own_headings_lead_to_fields(declared: Catalogue, class_id: str):
    for names in (STANDARD_NAMES, OLDER_NAMES):
        meaning = match_headings(names, declared.get_class(class_id))
        assert {heading: field.name for heading, field in meaning.fields.items()} == names


def test_no_other_class_takes_a_component_code(declared: Catalogue):
    for item in declared.classes.values():
        coded = {field.name for field in item.fields} & {"component_code", "code_system", "former_code"}
        assert bool(coded) == (item.id in COMPONENTS.split()), item.id


def test_an_old_code_is_kept_with_its_edition(declared: Catalogue):
    lamps = declared.get_class("street_lights")
    systems = lamps.get_field("code_system").choices
    assert lamps.get_field("former_code_system").choices == systems
    assert [item.value for item in systems] == ["cjt214_2007", "gbt30428_2013", "gbt47678_2026", "own"]


@pytest.mark.parametrize("class_id", FIELDS)
def test_agreed_fields_keep_their_names(declared: Catalogue, class_id: str):
    assert {field.name for field in declared.get_class(class_id).fields} >= set(FIELDS[class_id].split())


@pytest.mark.parametrize("name", CHOICES)
def test_agreed_choices_keep_their_values(declared: Catalogue, name: str):
    class_id, field = name.split(".")
    values = [choice.value for choice in declared.get_class(class_id).get_field(field).choices]
    assert values == CHOICES[name].split()


def test_underground_lines_and_private_matters_are_internal(declared: Catalogue):
    for level, names in (("internal", INTERNAL), ("restricted", RESTRICTED)):
        found = {item.id for item in declared.classes.values() if item.sensitivity == level}
        assert found == set(names.split())


def test_each_class_is_told_apart_without_colour(declared: Catalogue):
    glyphs = [item.symbol.glyph for item in declared.classes.values()]
    assert len(set(glyphs)) == len(glyphs)


def test_only_a_thing_and_its_parts_share_a_colour(declared: Catalogue):
    colours = defaultdict(set)
    for item in declared.classes.values():
        colours[item.symbol.color].add(item.id)
    shared = [names for names in colours.values() if len(names) > 1]
    assert sorted(map(sorted, shared)) == [
        ["park_gates", "parks"],
        ["pipe_nodes", "pipes"],
        ["residential_areas", "residential_gates"],
    ]


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
    for class_id, field in [
        ("park_gates", "park"),
        ("residential_gates", "estate"),
        ("districts", "parent"),
        ("hoardings", "site"),
    ]:
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


def test_heights_parts_and_duplicates_are_declared(catalogue, tmp_path):
    classes = catalogue.classes
    assert {name: cls.z for name, cls in classes.items() if cls.z} == {
        "pipe_nodes": ("elevation_m",),
        "pipes": ("start_elevation_m", "end_elevation_m"),
    }
    assert {name for name, cls in classes.items() if cls.geometry == "point" and cls.parts == "keep"} == {
        "manholes",
        "pipe_nodes",
    }
    for cls in classes.values():
        pointlike = cls.geometry in ("point", "mixed")
        assert (cls.duplicate_m is not None) == pointlike
        assert pointlike or cls.parts == "keep"
    assert (classes["toilets"].duplicate_m, classes["manholes"].duplicate_m) == (5, 0.5)
    wells = load_catalogue(write_geodata(tmp_path)).get_class("wells")
    assert (wells.duplicate_m, wells.parts, wells.z) == (1, "split", ())
