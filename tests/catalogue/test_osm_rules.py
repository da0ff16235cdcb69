"""What the declared OSM rules make of tags: classes, kinds, and where one may walk."""

from __future__ import annotations

from typing import Any

import pytest

from app.catalogue.model import Catalogue
from app.ingest.osm_rules import OsmFields, OsmRules


def _read(declared: Catalogue, tags: str) -> dict[str, dict[str, Any]]:
    """Class → fields of an object with tags written `key=value key=value`."""
    pairs = dict(tag.split("=", 1) for tag in tags.split())
    found = OsmRules(list(declared.classes.values())).match(pairs)
    return {cls.id: OsmFields(cls).read(pairs, rule)[0] for cls, rule in found}


CLASSES = {
    "amenity=toilets": "toilets",
    "leisure=park": "parks",
    "leisure=garden": "green_spaces",
    "landuse=grass": "green_spaces",
    "landuse=village_green": "green_spaces",
    "highway=street_lamp": "street_lights",
    "natural=tree": "street_trees",
    "natural=tree_row": "",
    "manhole=drain": "manholes",
    "man_made=manhole": "manholes",
    "man_made=pipeline": "pipes",
    "emergency=fire_hydrant": "pipe_nodes",
    "amenity=parking": "parking_lots",
    "amenity=parking_space": "",
    "amenity=marketplace": "markets",
    "building=yes": "buildings",
    "building=no": "",
    "landuse=residential": "residential_areas",
    "natural=water": "water_bodies",
    "man_made=bridge": "",
    "highway=primary": "streets",
    "highway=primary bridge=yes": "streets bridges",
    "highway=primary bridge=no tunnel=no": "streets",
    "railway=rail bridge=viaduct": "bridges",
    "railway=rail": "barriers",
    "railway=rail tunnel=yes": "tunnels",
    "railway=tram": "",
    "barrier=fence": "",
    "highway=footway tunnel=building_passage": "streets tunnels",
    "waterway=drain tunnel=yes manhole=drain": "tunnels manholes",
    "highway=bus_stop": "bus_shelters",
    "highway=proposed": "",
    "barrier=gate": "",
    "amenity=waste_basket": "waste_bins",
    "amenity=recycling recycling_type=container": "waste_bins",
    "amenity=recycling recycling_type=centre": "sorting_centres",
    "amenity=waste_transfer_station": "transfer_stations",
    "landuse=landfill": "waste_plants",
    "man_made=wastewater_plant": "sewage_plants",
    "man_made=pumping_station": "pumping_stations",
    "amenity=bench": "street_furniture",
    "amenity=vending_machine vending=parking_tickets": "traffic_facilities",
    "amenity=vending_machine vending=excrement_bags": "waste_bins",
    "amenity=vending_machine vending=drinks": "street_furniture",
    "amenity=shelter shelter_type=public_transport": "bus_shelters",
    "amenity=shelter shelter_type=pavilion": "street_furniture",
    "highway=traffic_signals": "traffic_facilities",
    "traffic_sign=FI:372": "traffic_facilities",
    "traffic_sign=city_limit": "public_signs",
    "man_made=street_cabinet street_cabinet=telecom": "utility_boxes",
    "man_made=street_cabinet street_cabinet=traffic_signals": "traffic_facilities",
    "power=tower": "utility_poles",
    "power=line": "overhead_lines",
    "power=cable": "",
    "man_made=surveillance": "monitoring_points",
    "man_made=pier": "waterside_facilities",
    "amenity=fuel": "filling_stations",
    "landuse=flowerbed": "flower_beds green_spaces",
    "highway=service service=alley": "streets alleys",
    "highway=service service=driveway": "streets",
    "highway=construction construction=residential": "road_works",
    "landuse=construction": "construction_sites",
    "amenity=bicycle_rental": "bike_bays",
    "advertising=billboard": "outdoor_advertisements",
    "advertising=sign": "shop_signs",
    "historic=ruins": "monuments",
    "historic=memorial memorial=plaque": "public_signs",
    "boundary=historic": "",
    "boundary=administrative admin_level=7": "",
    "boundary=administrative admin_level=2 type=boundary": "",
}


@pytest.mark.parametrize("tags", CLASSES)
def test_an_object_belongs_to_its_classes(declared: Catalogue, tags: str):
    assert set(_read(declared, tags)) == set(CLASSES[tags].split())


WALK = {
    "highway=footway": "public",
    "highway=residential": "public",
    "highway=primary": "public",
    "highway=steps": "public",
    "highway=motorway": "no",
    "highway=motorway_link foot=yes": "no",
    "highway=trunk": "no",
    "highway=trunk foot=yes": "public",
    "highway=trunk sidewalk=right": "public",
    "highway=trunk maxspeed=50": "public",
    "highway=trunk maxspeed=80": "no",
    "highway=trunk maxspeed=50 foot=no": "no",
    "highway=primary foot=no": "no",
    "highway=secondary foot=use_sidepath": "no",
    "highway=service access=private": "private",
    "highway=service foot=private": "private",
    "highway=service access=private foot=yes": "public",
    "highway=service access=private foot=no": "no",
    "highway=service access=customers": "public",
    "highway=service access=no": "no",
    "highway=path access=no foot=designated": "public",
    "highway=service access=destination": "public",
}


@pytest.mark.parametrize("tags", WALK)
def test_where_one_may_walk(declared: Catalogue, tags: str):
    assert _read(declared, tags)["streets"]["walk"] == WALK[tags]


VALUES = {
    "boundary=administrative type=boundary admin_level=5": ("districts", "level", "city"),
    "boundary=administrative type=boundary admin_level=6": ("districts", "level", "district"),
    "boundary=administrative type=boundary admin_level=7": ("districts", "level", "district"),
    "boundary=administrative type=boundary admin_level=8": ("districts", "level", "subdistrict"),
    "boundary=administrative type=boundary admin_level=10": ("districts", "level", "community"),
    "landuse=residential": ("residential_areas", "kind", "land"),
    "manhole=sewer": ("manholes", "kind", "sewer"),
    "manhole=missing_gas": ("manholes", "condition", "lost"),
    "manhole=tram_point": ("manholes", "kind", "traffic"),
    "manhole=something": ("manholes", "kind", "other"),
    "man_made=pipeline type=water": ("pipes", "kind", "water"),
    "man_made=pipeline substance=gas": ("pipes", "kind", "gas"),
    "man_made=pipeline type=cold": ("pipes", "kind", "cooling"),
    "man_made=pipeline type=water diameter=300": ("pipes", "diameter_mm", 300.0),
    "highway=motorway": ("streets", "kind", "expressway"),
    "highway=unclassified": ("streets", "kind", "residential"),
    "highway=footway bridge=boardwalk": ("streets", "bridge", True),
    "highway=footway bridge=no": ("streets", "bridge", False),
    "highway=footway layer=-1": ("streets", "layer", -1),
    "highway=residential oneway=-1": ("streets", "oneway", True),
    "highway=footway bridge=yes": ("bridges", "kind", "footbridge"),
    "waterway=river tunnel=culvert": ("tunnels", "kind", "culvert"),
    "amenity=toilets access=permissive": ("toilets", "access", "public"),
    "amenity=toilets access=customers": ("toilets", "access", "customers"),
    "amenity=toilets opening_hours=24/7": ("toilets", "open_24h", True),
    "amenity=toilets wheelchair=limited": ("toilets", "accessible", False),
    "amenity=toilets disused=yes": ("toilets", "state", "out_of_use"),
    "leisure=garden access=private": ("green_spaces", "access", "closed"),
    "leisure=garden garden:type=residential": ("green_spaces", "access", "closed"),
    "amenity=bicycle_parking bicycle_parking=stands capacity=12": ("bike_bays", "capacity", 12),
    "amenity=bicycle_parking bicycle_parking=shed": ("bike_bays", "kind", "bay"),
    "highway=construction": ("road_works", "state", "under_construction"),
    "highway=bus_stop shelter=yes": ("bus_shelters", "shelter", True),
    "highway=bus_stop departures_board=realtime": ("bus_shelters", "sign_type", "electronic"),
    "tourism=artwork artist_name=Aalto": ("street_furniture", "author", "Aalto"),
    "advertising=screen lit=yes": ("outdoor_advertisements", "lit", True),
    "amenity=charging_station capacity=4": ("filling_stations", "chargers", 4),
    "natural=tree denotation=natural_monument": ("street_trees", "category", "ancient"),
    "natural=water water=lake": ("water_bodies", "kind", "lake"),
    "building=apartments": ("buildings", "kind", "residential"),
    "amenity=parking capacity=40": ("parking_lots", "berths", 40),
    "amenity=toilets name:zh=公厕": ("toilets", "name_zh", "公厕"),
    "amenity=toilets name:en=Toilet": ("toilets", "name_en", "Toilet"),
}


@pytest.mark.parametrize("tags", VALUES)
def test_tags_become_values(declared: Catalogue, tags: str):
    cls, field, value = VALUES[tags]
    assert _read(declared, tags)[cls][field] == value


def test_what_tags_do_not_say_is_unknown(declared: Catalogue):
    assert _read(declared, "amenity=toilets access=unknown opening_hours=sunrise") == {
        "toilets": {"opening_hours": "sunrise"}
    }
    assert "kind" not in _read(declared, "building=yes")["buildings"]
