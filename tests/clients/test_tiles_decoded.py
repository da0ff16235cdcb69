"""mapbox-vector-tile, a decoder that knows nothing of ours, finds in the tiles what the items are."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest
import shapely
from shapely.geometry import shape

from tests.clients.conftest import Served
from tests.clients.tiles import EXTENT, MAX_BYTES, MEDIA_TYPE, fetch, layers_of, places_over

CLASSES = ("toilets", "streets", "parks", "buildings", "green_spaces", "street_trees")
#: At this zoom every row of these classes is drawn.
WHOLE = 16
#: Without the margin, where a cut moves what it cuts.
INSIDE = shapely.box(0, 0, EXTENT, EXTENT)


@dataclass
class Read:
    """What was read: by layer and id the properties, where each tile has the shape, and what tiles leave out."""

    properties: dict[str, dict[int, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    shapes: list[tuple[Any, str, int, Any]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    missing: list[tuple[str, int]] = field(default_factory=list)


@pytest.fixture(scope="module")
def read(served: Served) -> Read:
    """Every tile of the town at WHOLE, its classes in one tile."""
    found = Read()
    for at in places_over(served, WHOLE):
        status, headers, body = fetch(served, f"/tiles/{at.path}?collections={','.join(CLASSES)}")
        assert status == 204 or headers["Content-Type"] == MEDIA_TYPE
        found.sizes.append(len(body))
        layers = layers_of(body)
        for one in layers.pop("thinned", []):
            found.missing.append(
                (one["properties"]["collection"], one["properties"]["matched"] - one["properties"]["shown"])
            )
        for name, features in layers.items():
            for one in features:
                found.properties[name][one["id"]] = one["properties"]
                found.shapes.append((at, name, one["id"], one["shape"]))
    return found


@pytest.fixture(scope="module")
def items(served: Served) -> dict[str, dict[int, dict[str, Any]]]:
    return {name: {one["id"]: one for one in served.features(name)} for name in CLASSES}


def test_every_feature_is_in_some_tile_under_its_id(read, items):
    assert read.properties.keys() == items.keys()
    for name, known in items.items():
        # a street of some millimetres is less than a unit
        assert {
            key for key in known.keys() - read.properties[name].keys() if not is_tiny(known[key])
        } == set(), name
        assert read.properties[name].keys() <= known.keys()
        assert len(known) > 3, name
    tiny = sum(is_tiny(item) for item in items["streets"].values())
    assert {name for name, _ in read.missing} <= {"streets"}
    assert all(missing <= tiny for _, missing in read.missing)


def is_tiny(item):
    line = shape(item["geometry"])
    return line.geom_type == "MultiLineString" and line.length < 1e-6


def test_properties_have_the_values_and_types_of_the_items(read, items):
    for name, known in items.items():
        for key, properties in read.properties[name].items():
            stored = known[key]["properties"]
            assert {part: stored[part] for part in properties} == properties
            missing = {part for part, value in stored.items() if value is not None and part not in properties}
            assert missing <= {
                "area_path",
                "change_id",
                "incomplete",
                "size_flag",
                "valid_from",
                "valid_to",
            }, missing
    names = "".join(str(one.get("name_zh")) for one in read.properties["parks"].values())
    assert re.search(r"[\u4e00-\u9fff]", names)


def test_shapes_are_valid_and_within_a_unit_of_where_they_are_stored(read, items):
    checked: dict[str, int] = defaultdict(int)
    for at, name, key, drawn in read.shapes:
        assert drawn.is_valid
        whole = at.units(shape(items[name][key]["geometry"]))
        edge = whole.boundary if whole.geom_type.endswith("Polygon") else whole
        corners = [
            corner for corner in shapely.points(shapely.get_coordinates(drawn)) if INSIDE.covers(corner)
        ]
        assert max([0, *shapely.distance(corners, edge)]) < 1
        mine, stored = (each.intersection(INSIDE) for each in (drawn, whole))
        assert mine.area == pytest.approx(stored.area, abs=1 + mine.length)
        assert mine.length == pytest.approx(stored.length, rel=0.01, abs=20)
        checked[name] += 1
    assert all(checked[name] > 3 for name in CLASSES)


def test_a_tile_is_never_too_large(read):
    assert 2000 < max(read.sizes) <= MAX_BYTES


def test_clusters_of_low_zooms_stand_for_every_feature(served, items):
    for name in ("toilets", "street_trees"):
        counted = 0
        for at in places_over(served, 8):
            for one in layers_of(fetch(served, f"/collections/{name}/tiles/{at.path}")[2]).get(name, []):
                counted += one["properties"].get("point_count", 1)
        assert counted == len(items[name])


def test_a_thinned_tile_says_how_many_of_how_many(served, items):
    """Every street meets the tiles of zoom 11 somewhere: what is left out is told in the header and in the tile."""
    told = 0
    for at in places_over(served, 11):
        _, headers, body = fetch(served, f"/collections/streets/tiles/{at.path}")
        layers = layers_of(body)
        if "thinned" not in layers:
            assert headers["Chengtu-Thinned"] is None
            continue
        (said,) = (one["properties"] for one in layers["thinned"])
        assert headers["Chengtu-Thinned"] == f"streets;shown={said['shown']};matched={said['matched']}"
        assert said["collection"] == "streets"
        assert said["shown"] <= len(layers.get("streets", []))
        assert said["shown"] < said["matched"] <= len(items["streets"])
        told += 1
    assert told


def test_filters_and_fields_are_those_of_the_address(served, items):
    wanted = {key for key, one in items["streets"].items() if one["properties"]["kind"] == "primary"}
    found: dict[int, Any] = {}
    for at in places_over(served, 14):
        path = f"/collections/streets/tiles/{at.path}?filter=kind='primary'&properties=name_zh"
        for one in layers_of(fetch(served, path)[2]).get("streets", []):
            found[one["id"]] = one["properties"]
    assert found.keys() == wanted
    assert 0 < len(wanted) < len(items["streets"])
    assert {name for properties in found.values() for name in properties} == {"name_zh"}


def test_the_ground_holds_no_ids_and_draws_the_towns_districts(served):
    named = set()
    for at in places_over(served, 11):
        layers = layers_of(fetch(served, f"/background/tiles/{at.path}")[2])
        assert "thinned" not in layers
        named |= {
            one["properties"]["name_zh"]
            for one in layers.get("labels", [])
            if one["properties"]["group"] == "district"
        }
    districts = {one["properties"]["name_zh"] for one in served.features("districts", "&level=district")}
    assert named == districts
