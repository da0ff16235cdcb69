"""OGC API Tiles Part 1 (20-057) and tile matrix sets (17-083r4) by requirement, each id in a test's name."""

from __future__ import annotations

import re
from typing import Any

import mapbox_vector_tile
import pytest

from bench.places import place
from tests.inventory.town import LAT, LON
from tests.ogc.conftest import TIMED, TOILETS, Api, link, links

SPEC = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf"
TMS = "http://www.opengis.net/spec/tms/2.0/conf"
OGC = "http://www.opengis.net/def/rel/ogc/1.0"
MVT = "application/vnd.mapbox-vector-tile"
SET_URI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
SET = "/tiles/WebMercatorQuad"
TOILET_TILES = f"/collections/toilets{SET}"
RESOURCES = ["", "/collections/toilets", "/collections/parks", "/background"]


def tile(api: Api, path: str = TOILET_TILES, z: int = 0, **query: Any) -> Any:
    row, col = place(LON, LAT, z)
    return api.get(f"{path}/{z}/{row}/{col}", "*/*", **query)


def layers(api: Api, path: str = TOILET_TILES, z: int = 0, **query: Any) -> dict[str, Any]:
    reply = tile(api, path, z, **query)
    assert reply.status_code == 200, reply.text
    return mapbox_vector_tile.decode(reply.content)


def counted(layer: dict[str, Any]) -> int:
    """Features of a layer, those that clusters stand for included."""
    return sum(item["properties"].get("point_count", 1) for item in layer["features"])


def test_req_core_conformance_success(api: Api):
    conforms = set(api.document("/conformance")["conformsTo"])
    tiles = ("core", "tileset", "tilesets-list", "dataset-tilesets", "geodata-tilesets", "collections-selection",
             "datetime", "mvt", "oas30")  # fmt: skip
    assert {f"{SPEC}/{name}" for name in tiles} <= conforms
    sets = ("tilematrixset", "tilesetmetadata")
    assert {f"{TMS}/{form}{name}" for name in sets for form in ("", "json-")} <= conforms


@pytest.mark.parametrize("resource", RESOURCES)
def test_req_core_tc_op(api: Api, resource: str):
    item = link(api.document(resource + SET), "item")
    address = item.replace("{tileMatrix}", "0").replace("{tileRow}", "0").replace("{tileCol}", "0")
    assert api.client.get(address).status_code == 200


def test_req_core_tc_tilematrix_tilerow_tilecol_definition(api: Api):
    paths = api.document("/api", "application/vnd.oai.openapi+json;version=3.0")["paths"]
    for path, operations in paths.items():
        if path.endswith("{tileCol}"):
            named = {item["name"]: item for item in operations["get"]["parameters"] if item["in"] == "path"}
            assert {"tileMatrix", "tileRow", "tileCol", "tileMatrixSetId"} <= named.keys()
            assert all(item["required"] and item["schema"]["type"] == "string" for item in named.values())


def test_req_core_tc_success(api: Api):
    reply = tile(api)
    assert (reply.status_code, reply.headers["content-type"]) == (200, MVT)
    assert counted(layers(api)["toilets"]) == TOILETS


@pytest.mark.parametrize("place_", ["25/0/0", "0/1/0", "0/0/1", "3/8/0", "3/0/-1", "-1/0/0"])
def test_req_core_tc_error_out_of_range(api: Api, place_: str):
    assert api.status(f"{TOILET_TILES}/{place_}") in {400, 404}


def test_req_core_tc_error_nothing_there(api: Api):
    assert api.get(f"{TOILET_TILES}/14/0/0", "*/*").status_code == 204


@pytest.mark.parametrize("resource", RESOURCES)
def test_req_tileset_description(api: Api, resource: str):
    found = api.document(resource + SET)
    assert (found["dataType"], found["crs"], found["tileMatrixSetURI"]) == ("vector", MERCATOR, SET_URI)
    (item,) = links(found, "item")
    assert (item["templated"], item["type"]) == (True, MVT)
    assert re.findall(r"{(\w+)}", item["href"]) == ["tileMatrix", "tileRow", "tileCol"]
    scheme = api.document(link(found, f"{OGC}/tiling-scheme"))
    assert scheme["id"] == "WebMercatorQuad"
    assert link(found, "self", "application/json").endswith(resource + SET)


@pytest.mark.parametrize("resource", RESOURCES)
def test_req_tilesets_list_tileset_links(api: Api, resource: str):
    found = api.document(f"{resource}/tiles")["tilesets"]
    assert found
    for item in found:
        assert (item["dataType"], item["crs"], item["tileMatrixSetURI"]) == ("vector", MERCATOR, SET_URI)
        assert link(item, f"{OGC}/tiling-scheme").endswith("/tileMatrixSets/WebMercatorQuad")
        own = link(item, "self")
        assert own.endswith(f"{resource}/tiles/WebMercatorQuad")
        assert api.document(own)["crs"] == item["crs"]


def test_req_dataset_tilesets_landingpage(api: Api):
    assert link(api.document("/"), f"{OGC}/tilesets-vector", "application/json").endswith("/tiles")


def test_req_dataset_tilesets_operation(api: Api):
    assert {"toilets", "parks", "streets", "monuments"} <= layers(api, SET).keys()


def test_req_geodata_tilesets_desc_links(api: Api):
    for collection in api.collections():
        address = link(collection, f"{OGC}/tilesets-vector", "application/json")
        assert api.document(address)["tilesets"]


def test_req_geodata_tilesets_operation(api: Api):
    assert layers(api, f"/collections/streets{SET}").keys() - {"thinned"} == {"streets"}


def test_req_collections_selection_collections_parameter(api: Api):
    paths = api.document("/api", "application/vnd.oai.openapi+json;version=3.0")["paths"]
    for path in ("/tiles/{tileMatrixSetId}", "/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"):
        declared = {item["name"]: item for item in paths[path]["get"]["parameters"]}["collections"]
        assert (declared["in"], declared["required"], declared["style"]) == ("query", False, "form")
        assert declared["explode"] is False
        assert declared["schema"] == {"type": "array", "items": {"type": "string"}}


def test_req_collections_selection_collections_response(api: Api):
    asked = "streets,toilets"
    assert [item for item in layers(api, SET, collections=asked) if item != "thinned"] == [
        "streets",
        "toilets",
    ]
    assert [item["id"] for item in api.document(SET, collections=asked)["layers"]] == ["streets", "toilets"]
    assert api.status(SET, collections="streets,nowhere") == 404


def test_req_datetime_axis(api: Api):
    """The monuments that stood then, and the one that always did."""
    path = f"/collections/monuments{SET}"
    assert counted(layers(api, path, datetime="2010-06-01")["monuments"]) == 2
    assert counted(layers(api, path, datetime="2010-06-01/2012-06-01")["monuments"]) == TIMED + 1
    assert counted(layers(api, path, datetime="1990-01-01")["monuments"]) == 1
    assert counted(layers(api, path, subset='datetime("2010-06-01":"2012-06-01")')["monuments"]) == TIMED + 1
    assert tile(api, path, datetime="yesterday").status_code == 400
    assert tile(api, path, subset="Lat(3:4)").status_code == 400
    assert "datetime=2010-06-01" in link(api.document(path, datetime="2010-06-01"), "item")


def test_req_mvt_content(api: Api):
    (layer,) = layers(api, z=16).values()
    assert (layer["version"], layer["extent"]) == (2, 4096)
    assert {item["type"] for item in layer["features"]} == {"Feature"}


def test_req_oas30_completeness_and_operation_id(api: Api):
    paths = api.document("/api", "application/vnd.oai.openapi+json;version=3.0")["paths"]
    ids = {
        path: operations["get"]["operationId"] for path, operations in paths.items() if "get" in operations
    }
    for resource, start in (("", "dataset"), ("/collections/{collection}", "collection")):
        assert ids[f"{resource}/tiles"] == f"{start}.vector.getTileSetsList"
        assert ids[resource + "/tiles/{tileMatrixSetId}"] == f"{start}.vector.getTileSet"
        one = resource + "/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"
        assert ids[one] == f"{start}.vector.getTile"
    assert ids["/tileMatrixSets"] == "getTileMatrixSetsList"
    assert ids["/tileMatrixSets/{tileMatrixSetId}"] == "getTileMatrixSet"


def test_tms_req_json_tilematrixset(api: Api):
    """17-083r4 §10, tileMatrixSet.json: what is required, and of which type."""
    (item,) = api.document("/tileMatrixSets")["tileMatrixSets"]
    found = api.document(link(item, "self"))
    assert (found["id"], found["uri"], found["crs"]) == ("WebMercatorQuad", SET_URI, MERCATOR)
    required = {"id": str, "scaleDenominator": float, "cellSize": float, "pointOfOrigin": list, "tileWidth": int,
                "tileHeight": int, "matrixWidth": int, "matrixHeight": int}  # fmt: skip
    for matrix in found["tileMatrices"]:
        assert {name: type(matrix[name]) for name in required} == required


def test_tms_req_json_tilesetmetadata(api: Api):
    """17-083r4 §11, tileSet.json: dataType, crs and links; of layers id and dataType."""
    found = api.document(SET)
    assert {"title", "dataType", "crs", "tileMatrixSetURI", "links", "layers", "boundingBox"} <= found.keys()
    for layer in found["layers"]:
        assert (layer["dataType"], layer["propertiesSchema"]["type"]) == ("vector", "object")
        assert int(layer["minTileMatrix"]) <= int(layer["maxTileMatrix"])
    assert found["centerPoint"]["tileMatrix"].isdigit()
