"""Pages of collections and features in a browser: map, table, filter, downloads; hostile text stays text."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import shapely
import uvicorn
from playwright.sync_api import Page

from app.database.engine import open_database
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from app.main import create_app
from app.web import assets
from tests.clones import clone

HOSTILE = (
    "<img src=x onerror=\"document.title='hit'\"></script><script>document.title='hit'</script>`${alert()}`"
)
COUNT = 120


@pytest.fixture(scope="module")
def address(cluster_settings, template, catalogue) -> Iterator[str]:
    """A server over toilets whose names are hostile."""
    assets.fetch()
    with clone(cluster_settings, template) as settings:
        db = open_database(settings)
        columns = {"name_zh": [HOSTILE] * COUNT, "stalls": list(range(COUNT)), "kind": ["mobile"] * COUNT}
        points = shapely.points(115.80 + 0.001 * np.arange(COUNT), 28.68)
        codes = [f"WC{n:03}" for n in range(COUNT)]
        with db.write() as conn:
            batch = Batch("toilets", codes, points, columns, [None] * COUNT)
            write_batches(conn, catalogue, [batch], Change(who="test", why="drawn"))
        server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            thread.join(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True
        thread.join()
        db.dispose()


@pytest.fixture(scope="module")
def browser_page(browser, address) -> Iterator[Page]:
    """A page that tells of every script's error and of every request to another host."""
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.on("request", lambda asked: asked.url.startswith((address, "data:")) or pytest.fail(asked.url))
    yield page
    page.close()


def test_the_table_and_the_map_show_the_same_and_no_text_runs(browser_page, address):
    page = browser_page
    page.goto(f"{address}/collections/toilets/items?f=html&lang=zh&limit=50&sortby=-stalls")
    assert page.locator("tbody tr").count() == 50
    assert page.locator("#features-map path").count() == 50
    assert "活动式公厕" in page.locator("tbody tr").first.inner_text()
    page.locator("tbody tr button[data-show]").first.click()
    assert page.locator("tr.chosen").count() == 1
    page.locator("#features-map path").first.hover(force=True)
    assert HOSTILE in page.locator(".leaflet-tooltip").inner_text()
    assert page.title() != "hit"
    assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.wide
def test_pages_lead_on_and_back_with_the_filter_kept(browser_page, address):
    page = browser_page
    page.goto(f"{address}/collections/toilets/items?f=html&lang=en&limit=50")
    page.locator("textarea[name=filter]").fill("stalls >= 60")
    page.get_by_role("button", name="Filter", exact=True).click()
    assert "Total 60" in page.locator(".count").inner_text()
    page.locator("a[rel=next]").first.click()
    assert page.locator("tbody tr").count() == 10
    assert page.locator("textarea[name=filter]").input_value() == "stalls >= 60"
    page.locator("a[rel=prev]").first.click()
    assert page.locator("tbody tr").count() == 50
    href = page.locator(".forms a", has_text="CSV").get_attribute("href")
    assert page.request.get(f"{address}{href}").text().count("\n") == 61


def test_what_cannot_be_filtered_is_told_on_the_page_beside_the_filter(browser_page, address):
    page = browser_page
    page.goto(f"{address}/collections/toilets/items?f=html&lang=en&filter=stals%20%3E%203")
    assert "stalls" in page.locator(".problem").inner_text()
    assert page.locator("textarea[name=filter]").input_value() == "stals > 3"
    page.get_by_text("Fields (click to insert)").click()
    page.locator("textarea[name=filter]").fill("")
    page.locator("button[data-name=stalls]").click()
    assert page.locator("textarea[name=filter]").input_value() == "stalls"


@pytest.mark.wide
def test_a_collection_and_a_feature_have_a_map_and_the_address_for_qgis(browser_page, address):
    page = browser_page
    page.goto(f"{address}/collections/toilets?f=html&lang=en")
    page.locator("#features-map path").nth(COUNT).wait_for(state="attached")  # all of them and the extent
    assert page.locator("#qgis-address").input_value() == f"{address}/"
    assert "mobile" in page.locator(".fields").inner_text()
    page.goto(f"{address}/collections/toilets/items?f=html&lang=en")
    page.locator("tbody a").first.click()
    assert HOSTILE in page.locator(".facts").inner_text()
    assert page.locator("#features-map path").count() == 1
    assert page.title() != "hit"


def test_a_page_without_features_is_drawn_where_the_collection_is(browser_page, address):
    page = browser_page
    for query in ("filter=stals > 3", "filter=stalls > 999"):
        with page.expect_request(lambda asked: "/background/tiles/" in asked.url) as asked:
            page.goto(f"{address}/collections/toilets/items?f=html&lang=en&{query}")
        zoom, _, column = asked.value.url.split("/WebMercatorQuad/")[1].split("?")[0].split("/")
        assert int(zoom) >= 10  # the map of no place has 9
        assert 115.6 < int(column) / 2 ** int(zoom) * 360 - 180 < 116.1
