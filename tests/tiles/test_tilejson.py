"""TileJSON 3.0.0: what the specification demands, what layers hold, addresses that carry the request on."""

from __future__ import annotations

from typing import Any

import mapbox_vector_tile
import pytest

from app.tiles.matrix import Tile
from tests.ogc.conftest import BOX, PARKS, TOILETS, Api

SET = "/tiles/WebMercatorQuad"
TYPES = {"Number": (int, float), "String": str, "Boolean": bool}


def tilejson(api: Api, path: str = f"/collections/toilets{SET}", **query: Any) -> dict[str, Any]:
    return api.document(path, f="tilejson", **query)


def tile(api: Api, document: dict[str, Any], z: int, x: int, y: int) -> dict[str, Any]:
    address = document["tiles"][0].replace("{z}", str(z)).replace("{x}", str(x)).replace("{y}", str(y))
    reply = api.client.get(address)
    assert reply.status_code == 200, reply.text
    return mapbox_vector_tile.decode(reply.content)


def test_what_the_specification_demands(api: Api):
    found = tilejson(api)
    assert found["tilejson"] == "3.0.0"
    (address,) = found["tiles"]
    assert address.startswith("http://testserver/collections/toilets/tiles/WebMercatorQuad/{z}/{y}/{x}")
    assert found["minzoom"] == 0 < found["maxzoom"] <= 24
    west, south, east, north = found["bounds"]
    lon, lat, zoom = found["center"]
    assert west < lon < east
    assert south <= lat <= north
    assert found["minzoom"] <= zoom <= found["maxzoom"]
    for layer in found["vector_layers"]:
        assert layer["id"]
        assert set(layer["fields"].values()) <= TYPES.keys()
        assert (layer["minzoom"], layer["maxzoom"]) == (found["minzoom"], found["maxzoom"])


def test_the_thinned_layer_is_told_of(api: Api):
    found = {layer["id"]: layer["fields"] for layer in tilejson(api)["vector_layers"]}
    assert found["thinned"] == {"collection": "String", "shown": "Number", "matched": "Number"}


def test_of_the_ground_neither_clusters_nor_what_is_left_out_are_told(api: Api):
    layers = tilejson(api, f"/background{SET}")["vector_layers"]
    assert "thinned" not in {layer["id"] for layer in layers}
    assert not any("point_count" in layer["fields"] for layer in layers)


@pytest.mark.parametrize("z", [8, 12, 16])
def test_tiles_hold_only_layers_and_fields_that_are_told(api: Api, z: int):
    found = tilejson(api, SET, collections="toilets,parks,streets")
    told = {layer["id"]: layer["fields"] for layer in found["vector_layers"]}
    lon, lat = (BOX[0] + BOX[2]) / 2, (BOX[1] + BOX[3]) / 2
    x = int((lon + 180) / 360 * 2**z)
    y = next(row for row in range(2**z) if _holds(z, x, row, lat))
    for name, layer in tile(api, found, z, x, y).items():
        for feature in layer["features"]:
            for field, value in feature["properties"].items():
                assert isinstance(value, TYPES[told[name][field]]), (name, field, value)


def _holds(z: int, x: int, row: int, lat: float) -> bool:
    _, south, _, north = Tile(z, row, x).lonlat()
    return south <= lat < north


def test_a_filter_is_in_the_address_of_its_tiles(api: Api):
    mobile = tile(api, tilejson(api, filter="kind = 'mobile'"), 0, 0, 0)["toilets"]["features"]
    every = tile(api, tilejson(api), 0, 0, 0)["toilets"]["features"]
    counted = [sum(item["properties"]["point_count"] for item in found) for found in (mobile, every)]
    assert counted == [TOILETS // 5, TOILETS]


def test_names_are_in_the_language_asked_for(api: Api):
    assert [tilejson(api, lang=lang)["name"] for lang in ("zh", "en")] == ["公共厕所", "Public toilets"]


def test_the_address_is_that_by_which_the_client_came(api: Api):
    reply = api.client.get(f"/collections/parks{SET}?f=tilejson", headers={"Host": "map.example.org:8443"})
    assert reply.json()["tiles"][0].startswith("http://map.example.org:8443/collections/parks/")


def test_the_background_and_the_city_have_one(api: Api):
    ground = tilejson(api, f"/background{SET}")
    assert "streets" in [layer["id"] for layer in ground["vector_layers"]]
    city = tile(api, tilejson(api, SET), 0, 0, 0)
    assert sum(item["properties"]["point_count"] for item in city["parks"]["features"]) == PARKS
