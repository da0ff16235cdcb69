"""Maps of another day and as it was known at another change: tiles, cards, pages, single files, refusals."""

from __future__ import annotations

import json
import re

import mapbox_vector_tile
import pytest
from fastapi.testclient import TestClient

from app.errors import BadInput
from app.main import create_app
from app.maps.standalone_service import write_map
from tests.inventory.town import LAT, LON
from tests.inventory.two_dates import AT_2020, AT_2021, HOSTILE, IMPORTED, two_dates
from tests.maps.conftest import served
from tests.tiles.tiled import tile_at
from tests.width import few

_TILE = tile_at(11, LON + 0.001, LAT + 0.001)
TILE = f"WebMercatorQuad/{_TILE.z}/{_TILE.row}/{_TILE.col}"
TOILETS = f"/tiles/{TILE}?collections=toilets"


@pytest.fixture(scope="module")
def dated(cluster_settings, template, catalogue):
    with two_dates(cluster_settings, template, catalogue) as made:
        yield made


@pytest.fixture(scope="module")
def client(dated):
    with TestClient(create_app(dated.settings), raise_server_exceptions=False) as client:
        yield client


def held(reply) -> int:
    """How many features a tile stands for."""
    assert reply.status_code == 200, reply.text
    features = mapbox_vector_tile.decode(reply.content)["toilets"]["features"]
    return sum(one["properties"].get("point_count", 1) for one in features)


def drawn(client, query: str = "") -> int:
    """How many toilets the tile of the town holds."""
    return held(client.get(f"{TOILETS}&{query}".rstrip("&")))


def layer(client, query: str = "") -> dict:
    """The options of the toilets' layer in the page's script."""
    page = client.get(f"/map/toilets?{query}").text
    script = client.get(re.search(r'src="(/map/toilets/page\.js[^"]*)"', page)[1].replace("&amp;", "&")).text
    options = [json.loads(found) for found in re.findall(r"chengtu\.layer\(map_main, (.*)\);", script)]
    (toilets,) = (view for view in options if view["id"] == "toilets")
    (told,) = re.findall(r"chengtu\.map\(\"map_main\", (.*)\);", script)
    return toilets | {"page": json.loads(told)}


@pytest.mark.parametrize(("query", "expected"), [("", AT_2021), ("as_of=2020-12-31", AT_2020)])
def test_page_and_tiles_show_the_day(client, query, expected):
    view = layer(client, query)
    assert view["count"] == len(expected) == drawn(client, query)
    address = view["tiles"].replace("WebMercatorQuad/{z}/{y}/{x}", TILE)
    tile = client.get(address.format(ids="toilets", marks=view["mark"]))
    assert held(tile) == len(expected)
    assert "immutable" in tile.headers["cache-control"]
    assert view["page"]["time"]["days"] == ["2014-12-31", "2015-12-31", "2020-12-31", "2021-12-31"]
    assert view["page"]["time"]["now"] is (query == "")
    if query:
        assert view["page"]["time"]["as_of"] == "2020-12-31"
        assert view["page"]["other_lang"].endswith("&as_of=2020-12-31")


def test_an_import_taken_back_is_drawn_only_as_it_was_known_before(client, dated):
    query = f"known_at={dated.imported}"
    assert drawn(client, query) == layer(client, query)["count"] == len(IMPORTED)
    assert layer(client, query)["page"]["time"]["known_at"] == dated.imported
    assert drawn(client, f"{query}&as_of=2020-12-31") == len(AT_2020)
    assert drawn(client, f"known_at={dated.removed}") == drawn(client, "as_of=2021-12-31") == len(AT_2021)


def test_tiles_of_two_days_have_two_tags(client):
    tags = {client.get(f"{TOILETS}{query}").headers["etag"] for query in ("", "&as_of=2020-12-31")}
    assert len(tags) == 2


def test_a_card_shows_the_version_of_the_day_and_its_ends(client, dated):
    item = client.get("/collections/toilets/items?code=rebuilt").json()["features"][0]["id"]
    then = client.get(f"/map/toilets/features/{item}.json?as_of=2020-12-31").json()
    assert (then["values"]["stalls"], then["valid_from"], then["valid_to"]) == (4, "2015-05-01", "2021-03-01")
    now = client.get(f"/map/toilets/features/{item}.json").json()
    assert (now["values"]["stalls"], now["valid_from"]) == (8, "2021-03-01")
    assert "valid_to" not in now
    assert client.get(f"/map/toilets/features/{item}.json?as_of=2015-04-30").status_code == 404


def test_the_ground_is_of_the_day_too(client):
    now, then = (
        mapbox_vector_tile.decode(client.get(f"/background/tiles/{TILE}{query}").content)
        for query in ("", "?as_of=2020-12-31")
    )
    assert now == then  # the districts are of all times
    assert now["borders"]["features"]


@pytest.mark.parametrize("query", HOSTILE)
def test_what_is_no_time_is_a_400(client, query):
    for address in (
        "/map?", "/map/toilets?", "/map/page.js?", f"{TOILETS}&", f"/background/tiles/{TILE}?",
        "/map/toilets/features/1.json?", "/?", "/overview?",
    ):  # fmt: skip
        reply = client.get(f"{address}{query}", headers={"Accept": "text/html"})
        assert reply.status_code == 400, (address, reply.text)


@pytest.mark.parametrize(
    ("given", "expected"),
    few(
        [({}, AT_2021), ({"as_of": "2020-12-31"}, AT_2020), ({"known_at": "imported"}, IMPORTED)],
        [({"as_of": "2020-12-31"}, AT_2020)],
    ),
)
def test_a_single_file_shows_the_day_and_says_it(dated, catalogue, tmp_path, desktop, given, expected):
    path = tmp_path / "toilets.html"
    if "known_at" in given:
        given = {"known_at": str(dated.imported)}
    write_map(dated.database, catalogue, "toilets", path, lang="en", **given)
    desktop.open(path.as_uri())
    values = desktop.page.evaluate(
        "() => { const kept = chengtu.inside('data-toilets-details'), show = chengtu.details(kept);"
        " return kept.columns.id.map(show).map((found) => [found.code, found.values.stalls]); }"
    )
    assert dict(values) == expected
    said = desktop.page.locator(".brand .time").inner_text()
    assert said.startswith(f"As of {given.get('as_of', '')}")
    assert ("as known at change" in said) is ("known_at" in given)
    assert desktop.page.locator("form").count() == 0
    desktop.clean()


def test_a_file_of_no_time_is_refused(dated, catalogue, tmp_path):
    for given in ({"as_of": "soon"}, {"known_at": "-1"}):
        with pytest.raises(BadInput):
            write_map(dated.database, catalogue, "toilets", tmp_path / "x.html", **given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.wide
def test_the_form_leads_to_another_day_and_keeps_the_view(dated, desktop):
    with served(dated.settings) as address:
        desktop.open(f"{address}/map/toilets?lang=en")
        assert desktop.page.locator(".brand .time").inner_text().startswith("Now (")
        desktop.page.evaluate("() => chengtuApp.map.setView([28.6805, 115.8605], 16, { animate: false })")
        desktop.settle()
        desktop.page.locator(".dates input[type=date]").fill("2020-12-31")
        desktop.page.locator(".dates button").click()
        desktop.settle()
        assert "as_of=2020-12-31" in desktop.page.url
        assert "#16/" in desktop.page.url
        assert desktop.page.locator(".brand .time").inner_text() == "As of 2020-12-31"
        assert desktop.page.locator(".layer:has(:checked) .count").inner_text() == "3"
        desktop.page.locator(".dates a", has_text="2021-12-31").click()
        desktop.settle()
        assert desktop.page.locator(".brand .time").inner_text() == "As of 2021-12-31"
        assert desktop.page.locator(".layer:has(:checked) .count").inner_text() == "2"
        assert "#16/" in desktop.page.url
        desktop.clean()
