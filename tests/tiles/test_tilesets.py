"""The documents on tilesets: what they say of layers, bounds and addresses, in both languages, and what they refuse."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from app.inventory.changes import draw_change, mark_relocated, reserve_change
from app.maps.squares import HALF_M
from app.tiles.tilesets import good_zoom
from tests.inventory.town import CHANGE
from tests.ogc.conftest import BOX, Api, link, links
from tests.ogc.edits import created, served_town

SET = "/tiles/WebMercatorQuad"
TOILETS = f"/collections/toilets{SET}"
OGC = "http://www.opengis.net/def/rel/ogc/1.0"


def tileset(api: Api, path: str = TOILETS, **query):
    return api.document(path, **query)


def test_the_matrix_set_is_that_of_the_standard(api: Api):
    found = api.document("/tileMatrixSets/WebMercatorQuad")
    levels = found["tileMatrices"]
    assert [item["id"] for item in levels] == [str(z) for z in range(25)]
    for z, item in enumerate(levels):
        # 17-083r4 Table D.1: 559082264.0287178 at level 0, halved at each; the pixel is 0.28 mm.
        assert item["scaleDenominator"] == pytest.approx(559082264.0287178 / 2**z, rel=1e-15)
        assert item["cellSize"] == pytest.approx(item["scaleDenominator"] * 0.00028, rel=1e-15)
        assert item["cellSize"] * 256 * item["matrixWidth"] == pytest.approx(2 * HALF_M, rel=1e-12)
        assert (item["matrixWidth"], item["matrixHeight"]) == (2**z, 2**z)
        assert item["pointOfOrigin"] == [-20037508.342789244, 20037508.342789244]
    assert (found["crs"], found["orderedAxes"]) == ("http://www.opengis.net/def/crs/EPSG/0/3857", ["X", "Y"])


def test_layers_say_what_their_features_show(api: Api):
    (layer,) = tileset(api)["layers"]
    assert (layer["id"], layer["geometryDimension"], layer["dataType"]) == ("toilets", 0, "vector")
    told = layer["propertiesSchema"]["properties"]
    assert told["kind"]["enum"][0] == "public"
    assert told["stalls"]["type"] == "integer"
    assert {"code", "name_zh", "min_zoom"} <= told.keys()
    shown = tileset(api, properties="kind,stalls")["layers"][0]["propertiesSchema"]["properties"]
    assert list(shown) == ["kind", "stalls"]


def test_dimensions_follow_the_geometry(api: Api):
    found = tileset(api, SET, collections="streets,parks,toilets")["layers"]
    assert {item["id"]: item["geometryDimension"] for item in found} == {
        "streets": 1,
        "parks": 2,
        "toilets": 0,
    }
    assert [item["id"] for item in found] == ["streets", "parks", "toilets"]


def test_the_city_has_a_layer_for_what_it_holds(api: Api):
    held = {item["id"] for item in tileset(api, SET)["layers"]}
    assert {"toilets", "parks", "streets", "districts", "monuments"} <= held
    assert "pipes" not in held


def test_bounds_are_those_of_the_data(api: Api):
    found = tileset(api)
    corners = (*found["boundingBox"]["lowerLeft"], *found["boundingBox"]["upperRight"])
    box = api.document("/collections/toilets")["extent"]["spatial"]["bbox"][0]
    assert corners == pytest.approx(box)
    assert BOX[0] < found["centerPoint"]["coordinates"][0] < BOX[2]
    assert "tileMatrixSetLimits" not in found


def test_the_parameters_of_the_request_are_in_every_address(api: Api):
    asked = {"filter": "kind = 'public' AND stalls > 3", "datetime": "2026-01-01", "properties": "kind"}
    found = api.get(TOILETS, **asked, lang="en").json()
    for item in found["links"]:
        if item["rel"].rsplit("/", 1)[-1] in {"self", "alternate", "item", "describedby", "stylesheet"}:
            query = dict(parse_qsl(urlsplit(item["href"]).query))
            assert asked.items() <= query.items(), item
    template = link(found, "item")
    assert "{tileMatrix}/{tileRow}/{tileCol}?" in template
    tile = template.replace("{tileMatrix}", "0").replace("{tileRow}", "0").replace("{tileCol}", "0")
    assert api.client.get(tile).status_code == 200


def test_a_list_of_tilesets_leads_to_the_tileset(api: Api):
    found = api.document("/collections/toilets/tiles", kind="public")
    (item,) = found["tilesets"]
    own = link(item, "self")
    assert own.endswith(f"{TOILETS}?kind=public")
    assert api.document(own)["title"] == item["title"]


def test_titles_are_in_the_language_asked_for(api: Api):
    assert tileset(api, lang="zh")["title"].startswith("公共厕所")
    assert tileset(api, lang="en")["title"].startswith("Public toilets")


def test_the_background_says_what_its_layers_are(api: Api):
    found = tileset(api, f"/background{SET}")
    names = [item["id"] for item in found["layers"]]
    assert {"water", "parks", "streets", "borders", "labels"} <= set(names)
    streets = next(item for item in found["layers"] if item["id"] == "streets")
    assert streets["propertiesSchema"]["properties"]["bridge"] == {"title": "bridge", "type": "boolean"} | {
        "x-ogc-propertySeq": 2
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [("/collections/toilet/tiles", 404), ("/collections/toilets/tiles/WorldCRS84Quad", 404),
     ("/tileMatrixSets/WebMercatorQuads", 404), (f"{SET}?collections=toilets,nothing", 404),
     (f"{TOILETS}?kid=public", 400), (f"{TOILETS}?filter=kind%20%3D", 400), (f"{TOILETS}?f=xml", 400),
     (f"{TOILETS}?properties=nothing", 400), (f"{TOILETS}?datetime=never", 400), (f"{TOILETS}?area=nowhere", 404),
     ("/coverage/00000000-0000-0000-0000-000000000000/tiles", 404), ("/coverage/none/tiles", 404),
     (f"/background{SET}?kind=a", 400)],
)  # fmt: skip
def test_what_is_not_there_is_refused(api: Api, path: str, status: int):
    reply = api.client.get(path, headers={"Accept": "application/json"})
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert reply.json()["hint"]


@pytest.mark.parametrize(
    "path", ["/collections/toilet/tiles", f"/collections/toilet{SET}", f"{TOILETS}?kid=public"]
)
def test_what_is_not_there_is_refused_whatever_copy_a_client_has(api: Api, path: str):
    assert api.client.get(path, headers={"If-None-Match": "*"}).status_code in {400, 404}
    assert api.client.get(TOILETS, headers={"If-None-Match": "*"}).status_code == 304


def test_no_name_of_a_collection_means_all_of_them_in_tiles_and_documents(api: Api):
    every = [item["id"] for item in tileset(api, SET)["layers"]]
    assert [item["id"] for item in tileset(api, SET, collections="")["layers"]] == every
    tiles = [api.client.get(f"{SET}/0/0/0{query}") for query in ("", "?collections=")]
    assert tiles[0].content == tiles[1].content != b""


def test_a_class_without_rows_has_a_tileset_without_bounds(api: Api):
    found = tileset(api, "/collections/pipes" + SET)
    assert "boundingBox" not in found
    assert found["layers"][0]["id"] == "pipes"


def test_a_client_that_has_the_document_gets_304_until_the_data_changes(
    cluster_settings, template, catalogue
):
    with served_town(cluster_settings, template, catalogue) as (client, _, _):
        for form in ("json", "tilejson", "style"):
            first = client.get(TOILETS, params={"f": form})
            tag = {"If-None-Match": first.headers["etag"]}
            assert first.headers["cache-control"] == "private, no-cache, max-age=0"
            assert client.get(TOILETS, params={"f": form}, headers=tag).status_code == 304
            created(client)
            assert client.get(TOILETS, params={"f": form}, headers=tag).status_code == 200


def test_a_change_that_drew_its_number_before_that_of_another_class_shows(
    cluster_settings, template, catalogue
):
    with served_town(cluster_settings, template, catalogue) as (client, _, db):
        with db.write() as conn:
            early = reserve_change(conn)
        created(client)
        addresses = (f"{SET}?f=tilejson", "/collections")
        before = {address: client.get(address).headers["etag"] for address in addresses}
        with db.write() as conn:
            draw_change(conn, CHANGE, ["parks"], early)
            mark_relocated(conn, "parks", early)
        for address, tag in before.items():
            assert client.get(address, headers={"If-None-Match": tag}).status_code == 200


def test_another_catalogue_is_another_document(cluster_settings, template, catalogue):
    with served_town(cluster_settings, template, catalogue) as (client, _, _):
        tag = {"If-None-Match": client.get(TOILETS).headers["etag"]}
        assert client.get(TOILETS, headers=tag).status_code == 304
        client.app.state.tiles.program = "of another catalogue"
        assert client.get(TOILETS, headers=tag).status_code == 200


def test_pages_are_given_to_browsers(api: Api, fetched_assets):
    for path in (
        "/tiles",
        "/collections/toilets/tiles",
        "/tileMatrixSets",
        "/tileMatrixSets/WebMercatorQuad",
    ):
        reply = api.get(path, "text/html")
        assert reply.headers["content-type"].startswith("text/html"), path
        assert "WebMercatorQuad" in reply.text
    page = api.get(TOILETS, "text/html", datetime="2020-12-31")
    assert '"chosen":[["datetime","2020-12-31"]]' in page.text
    assert "worker-src 'self'" in page.headers["content-security-policy"]


def test_the_city_and_each_collection_lead_to_their_tiles(api: Api):
    assert link(api.document("/"), f"{OGC}/tilesets-vector").endswith("/tiles")
    for item in api.collections():
        (found,) = links(item, f"{OGC}/tilesets-vector")
        assert found["href"].endswith(f"/collections/{item['id']}/tiles")


def test_a_good_zoom_shows_all_of_a_box():
    assert good_zoom((-180, -85, 180, 85), 16) == 0
    assert good_zoom((115.84, 28.66, 115.88, 28.70), 16) == 13
    assert good_zoom((115.84, 28.66, 115.84, 28.66), 16) == 16


def test_pages_lead_to_the_map_of_the_tiles(api: Api, fetched_assets):
    assert f'href="{TOILETS}?f=html&amp;lang=zh"' in api.get("/collections/toilets", "text/html").text
    for page, start in (("/map", SET), ("/map/toilets", TOILETS)):
        script = api.client.get(f"{page}/page.js", params={"lang": "en", "as_of": "2020-12-31"}).text
        assert f'"tiles":"{start}?f=html\\u0026lang=en\\u0026as_of=2020-12-31"' in script
