"""`docs/use-the-tiles.md`: its commands run as they stand, its MapLibre page draws in a browser what the city holds."""

from __future__ import annotations

import math
import os
import re
import sqlite3
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import shapely
from playwright.sync_api import Browser, Page, Response, Route

from app.settings import ROOT
from app.web.assets import VENDOR
from tests.clients.conftest import Served
from tests.clients.tiles import EXTENT, MAX_BYTES, MEDIA_TYPE, layers_of
from tests.laws.pages import blocks, check_in_step

ENGLISH = (ROOT / "docs" / "use-the-tiles.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "docs" / "use-the-tiles.zh.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"
pytestmark = pytest.mark.wide
SHOWN = (
    "map.queryRenderedFeatures({layers: ['toilets']})"
    ".map((one) => [one.id, one.properties, one.geometry.coordinates])"
)


def pages(text: str) -> list[str]:
    return re.findall(r"```html\n(.*?)```", text, re.DOTALL)


def test_both_languages_are_in_step():
    check_in_step(ENGLISH, CHINESE)
    assert pages(ENGLISH) == pages(CHINESE)
    assert len(pages(ENGLISH)) == 2


@pytest.fixture(scope="module")
def done(served: Served, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which all commands ran, one after the other, and what they printed."""
    folder = tmp_path_factory.mktemp("tiles-page")
    script = "\n".join(blocks(ENGLISH)).replace(ADDRESS, served.address)
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env={**os.environ, "NO_PROXY": "127.0.0.1"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "ERROR" not in ran.stderr
    return folder, ran.stdout


def test_the_tiles_of_the_page_hold_what_it_says(done):
    folder, printed = done
    tile, large, then = (
        layers_of((folder / f"{name}.mvt").read_bytes()) for name in ("tile", "large", "then")
    )
    assert tile.keys() == {"toilets", "streets", "thinned"}
    assert {one["properties"]["stalls"] >= 10 for one in large["toilets"]} == {True}
    assert 0 < len(large["toilets"]) < len(tile["toilets"])
    assert {name for one in then["toilets"] for name in one["properties"]} == {"name_zh"}
    assert f"Feature Count: {len(tile['toilets'])}" in printed
    with sqlite3.connect(folder / "tile.gpkg") as gpkg:
        copied = gpkg.execute("SELECT count(*) FROM streets").fetchone()[0]
    # GDAL leaves out what lies in the margin alone
    assert copied == sum(
        one["shape"].intersects(shapely.box(0, 0, EXTENT, EXTENT)) for one in tile["streets"]
    )
    assert printed.splitlines()[-1] == "304"
    assert (folder / "toilets.tilejson").read_text(encoding="utf-8").startswith('{"tilejson":"3.0.0"')


def test_the_thinned_tile_of_the_page_is_told_as_it_says(done):
    folder, _ = done
    said = re.search(
        r"^chengtu-thinned: (.+)$", (folder / "thinned.txt").read_text(), re.MULTILINE | re.IGNORECASE
    )
    assert said
    assert f"`Chengtu-Thinned: {said[1].strip()}`" in ENGLISH
    assert f"`Chengtu-Thinned: {said[1].strip()}`" in CHINESE


@dataclass
class Seen:
    """The open page and what came to it."""

    page: Page
    replies: list[Response] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def seen(browser: Browser, served: Served) -> Any:
    """The MapLibre page, opened as if it lay on the server beside the library."""
    page = browser.new_page(viewport={"width": 480, "height": 360})
    found = Seen(page)
    text = pages(ENGLISH)[0].replace(ADDRESS, served.address)

    def give(route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[1]
        if name == "page.html":
            route.fulfill(body=text, content_type="text/html")
        else:
            route.fulfill(path=str(VENDOR / "maplibre-gl" / name))

    page.route(f"{served.address}/demo/*", give)
    page.on("response", lambda reply: found.replies.append(reply))  # noqa: PLW0108 - a list takes no wrapper
    page.on("pageerror", lambda error: found.problems.append(str(error)))
    page.on("console", lambda said: said.type == "error" and found.problems.append(said.text))
    page.goto(f"{served.address}/demo/page.html")
    page.wait_for_function(
        f"() => map.loaded() && map.getLayer('names') && map.areTilesLoaded() && {SHOWN}.length"
    )
    yield found
    page.close()


def test_the_page_draws_the_citys_toilets_where_they_are(seen, served):
    drawn = {key: (properties, place) for key, properties, place in seen.page.evaluate(SHOWN)}
    west, south, east, north = seen.page.evaluate("map.getBounds().toArray().flat()")
    wanted = {
        item["id"]: item for item in served.features("toilets") if (item["properties"]["stalls"] or 0) >= 10
    }
    inside = {
        key
        for key, item in wanted.items()
        if west + 1e-4 < item["geometry"]["coordinates"][0] < east - 1e-4
        and south + 1e-4 < item["geometry"]["coordinates"][1] < north - 1e-4
    }
    assert inside <= drawn.keys() <= wanted.keys()
    assert inside
    for key, (properties, place) in drawn.items():
        assert place == pytest.approx(wanted[key]["geometry"]["coordinates"], abs=1e-5)
        assert properties["name_en"] == wanted[key]["properties"]["name_en"]
        assert properties["stalls"] == wanted[key]["properties"]["stalls"]


def test_the_ground_lies_below_them(seen):
    layers = seen.page.evaluate("[...new Set(map.queryRenderedFeatures().map((one) => one.layer.id))]")
    assert {"toilets", "ground-streets", "ground-green"} <= set(layers)


def test_every_tile_is_what_its_media_type_says_and_small(seen):
    tiles = [reply for reply in seen.replies if re.search(r"/WebMercatorQuad/\d+/\d+/\d+", reply.url)]
    assert {reply.status for reply in tiles} <= {200, 204}
    full = [reply for reply in tiles if reply.status == 200]
    assert {reply.headers["content-type"] for reply in full} == {MEDIA_TYPE}
    assert max(len(reply.body()) for reply in full) <= MAX_BYTES
    assert any("filter=stalls" in reply.url for reply in full)
    assert seen.problems == []


def test_a_click_tells_the_name(seen):
    middle = seen.page.evaluate("map.getCenter().toArray()")
    _, properties, place = min(seen.page.evaluate(SHOWN), key=lambda one: math.dist(one[2], middle))
    name = properties["name_en"]
    at = seen.page.evaluate(
        "(place) => { const point = map.project(place), box = map.getContainer().getBoundingClientRect();"
        " return { x: point.x + box.left, y: point.y + box.top }; }",
        place,
    )
    seen.page.mouse.click(at["x"], at["y"])
    seen.page.wait_for_selector(".maplibregl-popup-content", timeout=10_000)
    assert name in seen.page.inner_text(".maplibregl-popup-content")
