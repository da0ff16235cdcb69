"""The map of vector tiles in a real browser: drawn, told, following an edit, asking nobody else, running no data."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
import shapely

from app.database.engine import open_database
from app.inventory.service import write_batches
from app.tiles import viewer_service
from app.tiles.tilesets import Tileset
from tests.clones import clone
from tests.inventory.town import CHANGE, LAT, LON, batch, districts, line, square
from tests.maps.conftest import PHONE, Watched, served, watched_page
from tests.ogc.edits import patch, point
from tests.tiles.payloads import PAYLOADS

SET = "/tiles/WebMercatorQuad"
TOILETS = f"/collections/toilets{SET}?f=html"
READY = "() => window.chengtuTiles && chengtuTiles.ready && chengtuTiles.map.areTilesLoaded()"
#: What is drawn of a layer: [id, lon, lat] of points.
DRAWN = """(layer) => chengtuTiles.map.queryRenderedFeatures()
  .filter((one) => one.sourceLayer === layer && one.layer.type === "circle")
  .map((one) => [one.id, ...one.geometry.coordinates])"""
#: Errors that MapLibre finds in styles, each checked whole.
CHECKED = """async (addresses) => {
  const found = [];
  for (const address of addresses) {
    const style = await (await fetch(address)).json(), box = document.createElement("div");
    for (const source of Object.values(style.sources)) source.tiles = [];
    const map = new maplibregl.Map({ container: box, style });
    map.on("error", ({ error }) => found.push(`${address}: ${error.message}`));
    await map.once("style.load");
    if (map.getStyle().layers.length !== style.layers.length) found.push(`${address}: not loaded`);
    map.remove();
  }
  return found;
}"""


@pytest.fixture(scope="module")
def where(cluster_settings, template, catalogue, fetched_assets) -> Iterator[str]:
    """The address of a served town whose toilets bear hostile names."""
    with clone(cluster_settings, template) as settings:
        db = open_database(settings)
        points = {f"T{n}": shapely.Point(LON + 0.002 * n, LAT) for n in range(len(PAYLOADS))}
        with db.write() as conn:
            rows = [
                districts(),
                batch("toilets", points, {"name_zh": list(PAYLOADS)}),
                batch("parks", {"P0": square(0.2, -0.3, 0.15)}, {"name_zh": ["湖滨公园"]}),
                batch("streets", {"S0": line((-1, 0.1), (1, 0.1))}, {"name_zh": ["一路"]}),
            ]
            write_batches(conn, catalogue, rows, CHANGE)
        with served(settings) as address:
            yield address
        db.dispose()


def opened(watched: Watched, address: str) -> None:
    watched.page.goto(address)
    watched.page.wait_for_function(READY)


def drawn(watched: Watched, layer: str = "toilets") -> dict[int, tuple[float, float]]:
    return {one[0]: (one[1], one[2]) for one in watched.page.evaluate(DRAWN, layer)}


def clean(watched: Watched) -> None:
    """Nothing went wrong; that drawing without a graphics card is slow is no fault of the page."""
    watched.problems = [said for said in watched.problems if "GL Driver Message" not in said]
    watched.clean()


@pytest.mark.parametrize(
    ("query", "when"),
    [((), ""), ((("as_of", "2020-01-01"),), "&as_of=2020-01-01"),
     ((("datetime", "2020-01-01T12:00:00Z"),), "&as_of=2020-01-01"),
     ((("subset", 'datetime("2020-01-01")'),), "&as_of=2020-01-01"),
     ((("datetime", "2020-01-01/.."),), ""), ((("known_at", "3"), ("kind", "public")), "&known_at=3")],
)  # fmt: skip
def test_cards_are_of_the_time_of_the_tiles(query, when):
    tileset = Tileset(path="", data="/", title="", description="", layers=(), box=None, query=query)
    assert viewer_service._when(tileset) == when


@pytest.mark.wide
def test_it_draws_the_layer_and_follows_an_edit(browser, where):
    with watched_page(browser) as watched:
        opened(watched, where + TOILETS)
        watched.page.wait_for_function(f"() => ({DRAWN})('toilets').length === {len(PAYLOADS)}")
        before = drawn(watched)
        item = next(iter(before))
        assert before[item] == pytest.approx((LON, LAT), abs=0.05)
        watched.page.wait_for_function("() => chengtuTiles.tag")
        with httpx2.Client(base_url=where) as client:
            reply = patch(client, f"/collections/toilets/items/{item}", {"geometry": point(0.1, 0.3)})
            assert reply.status_code in {200, 204}
        watched.page.evaluate("() => chengtuTiles.look()")
        moved = point(0.1, 0.3)["coordinates"]
        watched.page.wait_for_function(
            f"([id, lon, lat]) => ({DRAWN})('toilets').some((one) => one[0] === id"
            " && Math.hypot(one[1] - lon, one[2] - lat) < 1e-4)",
            arg=[item, *moved],
        )
        assert len(drawn(watched)) == len(PAYLOADS)
        clean(watched)


@pytest.mark.wide
def test_a_touch_shows_the_feature_as_text(browser, where):
    with watched_page(browser, viewport=PHONE, has_touch=True, is_mobile=True) as watched:
        opened(watched, f"{where}{TOILETS}#17/{LAT}/{LON + 0.002}")
        watched.page.wait_for_function(f"() => ({DRAWN})('toilets').length > 0")
        place = watched.page.evaluate(
            # From the page's corner: the bar of an open server lies above the map.
            f"() => {{ const p = chengtuTiles.map.project([{LON + 0.002}, {LAT}]),"
            " box = chengtuTiles.map.getContainer().getBoundingClientRect(); return [p.x + box.left, p.y + box.top]; }"
        )
        watched.page.touchscreen.tap(*place)
        watched.page.wait_for_selector(".card dd")
        assert watched.page.locator(".card h2").inner_text() == PAYLOADS[1]
        clean(watched)


@pytest.mark.wide
def test_the_city_has_switches_and_says_whose_data_it_is(browser, where):
    with watched_page(browser) as watched:
        opened(watched, f"{where}{SET}?f=html&lang=en")
        assert "MapLibre" in watched.page.locator(".sources").inner_text()
        box = watched.page.locator(".layer", has_text="Streets").locator("input")
        assert not box.is_checked()
        box.evaluate("(one) => one.click()")
        watched.page.wait_for_function(
            "() => chengtuTiles.map.queryRenderedFeatures()"
            ".some((one) => one.sourceLayer === 'streets' && one.source === 'city')"
        )
        assert any(
            "collections=toilets%2Cparks%2Cstreets" in asked or "collections=toilets,parks,streets" in asked
            for asked in watched.requests
        )
        watched.page.locator(".lang").click()
        watched.page.wait_for_function("() => document.documentElement.lang.startsWith('zh')")
        watched.page.wait_for_function(READY)
        assert watched.page.locator(".layer", has_text="道路").first.locator("input").is_checked()
        clean(watched)


@pytest.mark.wide
def test_every_style_is_valid_to_maplibre(browser, where, catalogue):
    classes = ",".join(catalogue.classes)
    with watched_page(browser) as watched:
        opened(watched, where + TOILETS)
        styles = [
            f"{SET}?f=style&collections={classes}",
            f"{SET}?f=style&background=false&lang=en&collections=coverage_areas,coverage_gaps,coverage_units",
            f"/background{SET}?f=style",
        ]
        assert watched.page.evaluate(CHECKED, styles) == []
