"""OGC API Features Part 2: Coordinate Reference Systems by Reference (18-058r1) by requirement, ids in tests' names."""

from __future__ import annotations

import re

import pyproj
import pytest
import shapely
from shapely.geometry import shape

from tests.ogc.conftest import BOX, TOILETS, Api, parameters

ITEMS = "/collections/toilets/items"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
#: Systems that a city in Jiangxi must be asked and answered in, and whether the authority names the northing first.
SYSTEMS = {
    CRS84: False,
    f"{EPSG}4326": True,
    f"{EPSG}4490": True,
    f"{EPSG}3857": False,
    f"{EPSG}4548": True,
    f"{EPSG}4527": True,
    f"{EPSG}32650": False,
}


def transformer(uri: str) -> pyproj.Transformer:
    """From lon/lat to the axes that the authority names, in its order."""
    name = "OGC:CRS84" if uri == CRS84 else f"EPSG:{uri.rsplit('/', 1)[1]}"
    return pyproj.Transformer.from_crs("OGC:CRS84", name, always_xy=False)


def coordinates(api: Api, **query: str) -> dict[str, tuple[float, float]]:
    features = api.items(**query)["features"]
    return {item["properties"]["code"]: tuple(item["geometry"]["coordinates"]) for item in features}


def test_req_crs_crs_uri(api: Api):
    for collection in api.collections():
        for uri in collection["crs"]:
            assert re.fullmatch(r"http://www\.opengis\.net/def/crs/(EPSG/0/\d+|OGC/1\.3/CRS84)", uri)


def test_req_crs_fc_md_crs_list(api: Api):
    for collection in api.collections():
        assert collection["crs"][0] == CRS84
        assert len(collection["crs"]) == len(set(collection["crs"]))
    assert set(SYSTEMS) <= set(api.document("/collections/toilets")["crs"])


def test_req_crs_fc_md_crs_list_of_the_list_is_that_of_the_collection(api: Api):
    for collection in api.collections():
        assert api.document(f"/collections/{collection['id']}")["crs"] == collection["crs"]


def test_req_crs_fc_md_storage_crs(api: Api):
    assert all(collection["storageCrs"] for collection in api.collections())


def test_req_crs_fc_md_storage_crs_valid_value(api: Api):
    assert all(collection["storageCrs"] in collection["crs"] for collection in api.collections())


def test_req_crs_fc_bbox_crs_definition(api: Api):
    (found,) = [item for item in parameters(api) if item["name"] == "bbox-crs"]
    assert (found["in"], found.get("required", False)) == ("query", False)


@pytest.mark.parametrize("uri", SYSTEMS)
def test_req_crs_fc_bbox_crs_valid_value(api: Api, uri: str):
    assert api.status(ITEMS, bbox_crs=uri, bbox="0,0,1,1") == 200


@pytest.mark.parametrize("uri", [f"{EPSG}999999", "EPSG", "http://example.com/crs", f"{EPSG}2056"])
def test_req_crs_bbox_crs_exception(api: Api, uri: str):
    assert api.status(ITEMS, bbox_crs=uri, bbox="0,0,1,1") == 400


def test_req_crs_fc_bbox_crs_default_value(api: Api):
    box = ",".join(map(str, (BOX[0], BOX[1], 115.85, BOX[3])))
    assert api.codes(bbox=box) == api.codes(bbox=box, bbox_crs=CRS84)


@pytest.mark.parametrize("uri", SYSTEMS)
def test_req_crs_fc_bbox_crs_action(api: Api, uri: str):
    """A box around a feature in any system holds it; every feature but the neighbours' is outside."""
    to = transformer(uri)
    for feature in api.items(limit=5)["features"]:
        lon, lat = feature["geometry"]["coordinates"]
        corners = [to.transform(lon + x, lat + y) for x, y in ((-1e-4, -1e-4), (1e-4, 1e-4))]
        box = ",".join(f"{number:.9f}" for corner in corners for number in corner)
        assert api.codes(bbox=box, bbox_crs=uri) == [feature["properties"]["code"]]


def test_req_crs_fc_bbox_crs_action_of_the_whole_world_loses_nothing(api: Api):
    assert len(api.codes(bbox="-90,-180,90,180", bbox_crs=f"{EPSG}4326")) == TOILETS
    assert len(api.codes(bbox="-20037508,-20048966,20037508,20048966", bbox_crs=f"{EPSG}3857")) == TOILETS


def test_req_crs_fc_crs_definition(api: Api):
    (found,) = [item for item in parameters(api) if item["name"] == "crs"]
    assert (found["in"], found.get("required", False)) == ("query", False)


@pytest.mark.parametrize("uri", SYSTEMS)
def test_req_crs_fc_crs_valid_value(api: Api, uri: str):
    assert api.status(ITEMS, crs=uri) == 200
    assert api.status(f"{ITEMS}/{api.items(limit=1)['features'][0]['id']}", crs=uri) == 200


@pytest.mark.parametrize("uri", [f"{EPSG}999999", "nonsense", f"{EPSG}2056", f"{EPSG}4326,{EPSG}3857"])
def test_req_crs_crs_exception(api: Api, uri: str):
    assert api.status(ITEMS, crs=uri) == 400


def test_req_crs_fc_crs_default_value(api: Api):
    assert coordinates(api) == coordinates(api, crs=CRS84)


@pytest.mark.parametrize("uri", SYSTEMS)
def test_req_crs_fc_crs_action(api: Api, uri: str):
    """Every coordinate is that of PROJ within a millimetre, in the axis order of the authority."""
    to = transformer(uri)
    millimetre = 1e-8 if uri.endswith(("CRS84", "4326", "4490")) else 1e-3
    stored, found = coordinates(api), coordinates(api, crs=uri)
    assert stored.keys() == found.keys()
    for code, (lon, lat) in stored.items():
        assert found[code] == pytest.approx(to.transform(lon, lat), abs=1.5 * millimetre)


def test_req_crs_fc_crs_action_of_areas_and_lines(api: Api):
    to = transformer(f"{EPSG}4548").transform
    for collection in ("parks", "streets"):
        plain = {item["id"]: shape(item["geometry"]) for item in api.items(collection)["features"]}
        moved = {
            item["id"]: shape(item["geometry"])
            for item in api.items(collection, crs=f"{EPSG}4548")["features"]
        }
        for key, drawn in plain.items():
            expected = shapely.transform(drawn, to, interleaved=False)
            assert shapely.hausdorff_distance(moved[key], expected) < 2e-3


@pytest.mark.parametrize("uri", SYSTEMS)
def test_req_crs_ogc_crs_header(api: Api, uri: str):
    for path in (ITEMS, f"{ITEMS}/{api.items(limit=1)['features'][0]['id']}"):
        assert "content-crs" in api.get(path, "application/geo+json", crs=uri).headers


@pytest.mark.parametrize("uri", SYSTEMS)
def test_req_crs_ogc_crs_header_value(api: Api, uri: str):
    assert api.get(ITEMS, "application/geo+json", crs=uri).headers["content-crs"] == f"<{uri}>"
    assert api.get(ITEMS, "application/geo+json").headers["content-crs"] == f"<{CRS84}>"


def test_req_crs_geojson(api: Api):
    """Without `crs` GeoJSON is in CRS84, as RFC 7946 wants."""
    for lon, lat in coordinates(api).values():
        assert BOX[0] <= lon <= BOX[2]
        assert BOX[1] <= lat <= BOX[3]


def test_crs_runs_have_the_same_systems_as_classes(api: Api):
    systems = {tuple(collection["crs"]) for collection in api.collections()}
    assert len(systems) == 1
    assert api.status("/collections/coverage_areas/items", crs=f"{EPSG}4548") == 200
