"""The portal in a browser: search, tabs, card, measuring, printing, and an address that brings one back to the view."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from urllib.parse import quote
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from pyproj import Geod

from app.inventory.photo_store import Photo, Spot, keep_photo, keep_report
from app.space import gcj02
from tests.maps.conftest import PHONE, watched_page
from tests.maps.hostile import HOSTILE
from tests.maps.test_every_page import broken_rules
from tests.width import few

#: The middle of the sample town.
HERE = "#15/28.68000/115.86000&toilets,parks"
HASH = "() => decodeURIComponent(location.hash)"


@pytest.fixture(scope="module")
def portal(browser):
    """One window for all tests of this file; each opens the address it needs."""
    with watched_page(browser, permissions=["clipboard-read", "clipboard-write"]) as watched:
        yield watched
        watched.clean()


def show(watched, address, view="", lang="zh"):
    """The portal at a view, begun anew."""
    watched.page.goto("about:blank")
    watched.open(f"{address}/?lang={lang}{view}")


def test_a_browser_gets_the_portal_and_a_program_the_landing_document(portal, address):
    found = portal.page.request.get(f"{address}/", headers={"Accept": "text/html"})
    assert 'class="map-page"' in found.text()
    assert "script-src 'self'" in found.headers["content-security-policy"]
    assert "Accept" in found.headers["vary"]
    assert portal.page.request.get(f"{address}/", headers={"Accept": "application/json"}).json()["links"]
    show(portal, address)
    links = portal.page.eval_on_selector_all(".rail-links a", "(all) => all.map((one) => one.href)")
    assert f"{address}/overview?lang=zh" in links
    assert f"{address}/overview?lang=zh#take-away" in links
    for link in links:
        assert portal.page.request.get(link).status == 200


@pytest.mark.wide
def test_layers_stand_by_office_with_counts_and_their_opacity_is_in_the_address(portal, address):
    show(portal, address, HERE)
    page = portal.page
    offices = page.locator(".office summary span:first-child").all_inner_texts()
    assert len(offices) == len(set(offices)) > 5
    toilets = page.locator(".office li", has_text="公共厕所").first
    count = page.evaluate("() => chengtuApp.layers.find((one) => one.options.id === 'toilets').options.count")
    assert toilets.locator(".count").inner_text() == str(count)
    toilets.locator("button").click()
    slide = toilets.locator("input[type=range]")
    slide.focus()
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    assert toilets.locator("output").inner_text() == "60 %"
    assert "opacity=toilets:60" in page.evaluate(HASH)
    link = page.evaluate("location.href")
    page.goto("about:blank")
    portal.open(link)
    assert page.evaluate("() => chengtuApp.layers.find((one) => one.options.id === 'toilets').opacity") == 0.6


def test_pinyin_finds_a_park_by_keyboard_and_the_address_brings_its_card_back_in_both_languages(
    portal, address
):
    show(portal, address, HERE)
    page = portal.page
    page.locator(".search input").fill("gongyuan")
    page.locator(".found li").first.wait_for()
    names = page.locator(".found-title").all_inner_texts()
    page.locator(".search input").press("ArrowDown")
    assert page.locator(".found li[aria-selected=true] .found-title").inner_text() == names[1]
    page.locator(".search input").press("Enter")
    page.locator(".card dd").first.wait_for()
    assert page.locator(".card h2").inner_text() == names[1]
    portal.settle()
    item = int(re.search(r"card=parks:(\d+)", page.evaluate(HASH))[1])
    told = page.evaluate(f"async () => (await fetch('/map/parks/features/{item}.json?lang=en')).json()")
    (south, west), (north, east) = told["bounds"]
    seen = page.evaluate("chengtuApp.map.getBounds().toBBoxString()").split(",")
    assert np.all(np.array(seen, float) * [1, 1, -1, -1] <= np.array([west, south, -east, -north]))
    page.locator(".card-actions button").first.click()
    page.locator(".toast", has_text="链接已复制").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.evaluate("location.href")
    page.goto("about:blank")
    portal.open(link)
    page.locator(".card dd").first.wait_for()
    page.locator("a.lang").click()
    page.locator(".card h2", has_text=told["name"]).wait_for()
    assert page.evaluate("location.hash") == link[link.index("#") :]
    assert page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize(
    ("words", "places"),
    [
        ("28.68, 115.86", [(28.68, 115.86)]),
        ("115.86 28.68", [(28.68, 115.86)]),
        ("１１５．８６，２８．６８", [(28.68, 115.86)]),
        ("28°40′48″N 115°51′36″E", [(28.68, 115.86)]),
        ("E115.86 N28.68", [(28.68, 115.86)]),
        ("北纬28度40分48秒，东经115度51分36秒", [(28.68, 115.86)]),
        ("纬度：28.68 经度：115.86", [(28.68, 115.86)]),
        ("-33.8,-70.6", [(-33.8, -70.6), (-70.6, -33.8)]),
        ("20.5 30.5", [(20.5, 30.5), (30.5, 20.5)]),
        ("28°61′N 115°E", []),
        ("360102 2021", []),
        ("28.68", []),
        ("200.1, 100.2", []),
        ("人民路 28.68", []),
    ],
)  # fmt: skip
def test_coordinates_are_read_as_people_write_them(portal, address, words, places):
    if "/?lang" not in portal.page.url:
        show(portal, address, HERE)
    found = portal.page.evaluate("(words) => chengtu.parseCoordinates(words)", words)
    got = [(one["lat"], one["lon"]) for one in found]
    assert len(got) == len(places)
    for place, expected in zip(got, places, strict=True):
        assert place == pytest.approx(expected, abs=1e-9)


@pytest.mark.wide
def test_coordinates_of_web_maps_are_brought_back_by_the_server_s_own_formula(portal, address):
    show(portal, address, HERE)
    rng = np.random.default_rng(8)
    lon, lat = rng.uniform(75, 134, 200), rng.uniform(5, 52, 200)
    for system, back in (("gcj02", gcj02.gcj02_to_wgs84), ("bd09", gcj02.bd09_to_wgs84)):
        found = portal.page.evaluate(
            "([places, system]) => places.map(([lon, lat]) => chengtu.toWgs84(lon, lat, system))",
            [np.column_stack((lon, lat)).tolist(), system],
        )
        assert np.abs(np.array(found) - np.column_stack(back(lon, lat))).max() < 2e-9  # 0.2 mm
    page = portal.page
    page.locator(".search input").fill("28.6833, 115.8551")
    page.locator(".found li", has_text="高德").click()
    portal.settle()
    (x,), (y,) = gcj02.gcj02_to_wgs84(np.array([115.8551]), np.array([28.6833]))
    marked = re.search(r"mark=([\d.]+),([\d.]+)", page.evaluate(HASH))
    assert (float(marked[1]), float(marked[2])) == pytest.approx((y, x), abs=1e-6)
    middle = page.evaluate("[chengtuApp.map.getCenter().lat, chengtuApp.map.getCenter().lng]")
    assert middle == pytest.approx([y, x], abs=1e-5)


@pytest.mark.wide
def test_the_card_tells_history_and_hands_a_qgis_project_that_opens_at_the_feature(portal, address):
    show(portal, address, HERE + "&card=toilets:1")
    page = portal.page
    page.locator(".card-history summary").click()
    event = page.locator(".event").first
    event.wait_for()
    assert event.locator(".chip").inner_text() == "新建"
    assert "变更 1" in event.inner_text()
    assert page.request.get(page.locator(".card-actions a").evaluate("(link) => link.href")).status == 200
    with page.expect_download() as saved:
        page.locator(".card-actions button", has_text="QGIS").click()
    root = ET.fromstring(saved.value.path().read_bytes().split(b"\n", 1)[1])
    source = root.findtext("projectlayers/maplayer/datasource")
    assert f"url='{address}'" in source
    assert "typename='toilets'" in source
    assert root.findtext("projectlayers/maplayer/provider") == "OAPIF"
    assert root.find("layer-tree-group/layer-tree-layer").get("id") == root.findtext(
        "projectlayers/maplayer/id"
    )
    lat, lon = page.evaluate("async () => (await (await fetch('/map/toilets/features/1.json')).json()).at")
    x, y = page.evaluate(
        "(at) => { const p = L.CRS.EPSG3857.project(L.latLng(at)); return [p.x, p.y]; }", [lat, lon]
    )
    extent = {one.tag: float(one.text) for one in root.find("mapcanvas/extent")}
    assert extent["xmin"] < x < extent["xmax"] < extent["xmin"] + 1000
    assert extent["ymin"] < y < extent["ymax"] < extent["ymin"] + 1000


@pytest.mark.wide
def test_lengths_and_areas_are_those_of_the_ellipsoid(portal, address):
    show(portal, address, HERE)
    geod, rng = Geod(ellps="GRS80"), np.random.default_rng(3)
    lat, lon = rng.uniform(-80, 80, 60), rng.uniform(-179, 179, 60)
    lat2, lon2 = lat + rng.uniform(-2, 2, 60), lon + rng.uniform(-2, 2, 60)
    pairs = np.stack([np.column_stack((lat, lon)), np.column_stack((lat2, lon2))], axis=1).tolist()
    found = portal.page.evaluate("(pairs) => pairs.map(([a, b]) => chengtu.geodesic(a, b))", pairs)
    assert found == pytest.approx(geod.inv(lon, lat, lon2, lat2)[2].tolist(), abs=2e-3)
    for k in range(20):
        turn = np.sort(rng.uniform(0, 2 * np.pi, 7))
        ring = np.column_stack((lat[k] + 0.05 * np.sin(turn), lon[k] + 0.05 * np.cos(turn)))
        expected = abs(geod.polygon_area_perimeter(ring[:, 1], ring[:, 0])[0])
        assert portal.page.evaluate("(ring) => chengtu.geodesicArea(ring)", ring.tolist()) == pytest.approx(
            expected, rel=1e-5
        )


@pytest.mark.wide
def test_a_line_is_measured_by_clicks_that_open_no_card_and_escape_gives_them_back(portal, address):
    show(portal, address, HERE)
    page = portal.page
    page.locator("[data-tab=measure]").click()
    for x, y in ((800, 300), (900, 400), (1000, 300)):
        page.mouse.click(x, y)
    page.keyboard.press("Enter")
    told = page.locator(".measured-figure strong").inner_text()
    points = re.search(r"measure=line:([^&]+)!", page.evaluate(HASH))[1]
    lat, lon = np.array([pair.split(",") for pair in points.split(";")], float).T
    metres = Geod(ellps="WGS84").line_length(lon, lat)
    shown, unit = told.split(" ")
    assert float(shown.replace(",", "")) * {"米": 1, "公里": 1000}[unit] == pytest.approx(metres, abs=1)
    assert page.locator(".card").count() == 0
    assert page.locator(".map-label").inner_text() == told
    page.keyboard.press("Escape")
    assert not page.evaluate("chengtuApp.root.classList.contains('taking')")
    page.locator(".segments button", has_text="面积").click()
    assert page.locator(".measured-figure").count() == 2


@pytest.mark.wide
def test_the_sheet_is_a_picture_of_the_view_with_its_mark_and_prints_on_one_page(portal, address):
    show(portal, address, HERE + "&tab=print")
    page = portal.page
    page.locator(".printing-pane input").fill("公厕\u202e/分布")
    with page.expect_download() as saved:
        page.locator(".printing-pane button", has_text="PNG").click()
    assert re.fullmatch(r"公厕 分布 \d{4}-\d\d-\d\d\.png", saved.value.suggested_filename)
    sheet = np.asarray(Image.open(io.BytesIO(saved.value.path().read_bytes())).convert("RGB"))
    assert sheet.shape == (1680, 2376, 3)
    frame = sheet[220:1480, 100:1760]
    assert len(np.unique(frame.reshape(-1, 3)[::7], axis=0)) > 200  # the map, not one colour
    red = np.all(np.abs(sheet.astype(int) - [163, 51, 15]) < 12, axis=2)
    rows, columns = np.nonzero(red)
    assert rows.size > 300
    assert rows.min() > 1300  # 内部使用, lower left in the frame
    assert columns.max() < 500
    page.evaluate(
        "() => { window.print = () => { window.asked = true; }; }"
    )  # a headless browser prints nothing
    page.locator(".printing-pane button", has_text="A4").click()
    page.wait_for_function("() => window.asked")
    paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
    width, height = map(float, re.search(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", paper).groups())
    assert (width, height) == pytest.approx((842, 595), abs=1)


@pytest.mark.wide
def test_what_an_address_names_and_the_city_has_not_is_said(portal, address):
    show(
        portal,
        address,
        HERE + "&card=toilets:99999999&tab=nonsense&measure=line:x&opacity=toilets:900&mark=a,b",
    )
    page = portal.page
    page.locator(".toast", has_text="不在地图上").wait_for()
    assert page.locator(".card").count() == 0
    assert page.locator(".pane-layers").is_visible()
    portal.problems.clear()  # the 404 was asked for


@pytest.mark.wide
def test_every_control_has_a_name_and_is_reached_by_the_keyboard(portal, address):
    show(portal, address, HERE + "&card=parks:1", lang="en")
    page = portal.page
    page.locator(".card dd").first.wait_for()
    for tab in page.locator(".rail-tabs button").all():
        tab.click()
        # What a tab asks for comes later; what is folded has no text until it is unfolded.
        page.wait_for_function(
            """() => {
            document.querySelectorAll('details').forEach((one) => { one.open = true; });
            const before = window.counted;
            window.counted = document.querySelectorAll('.panel button, .panel input, .panel select').length;
            return window.counted > 0 && window.counted === before;
            }""",
            polling=200,
        )
        named = page.evaluate(
            """() => [...document.querySelectorAll('button, a[href], input, select, summary')]
            .filter((one) => one.checkVisibility() && one.type !== 'hidden')
            .filter((one) => one.tabIndex < 0 || !(one.getAttribute('aria-label') || one.innerText
              || (one.labels && one.labels.length && one.labels[0].innerText)))
            .map((one) => one.outerHTML.slice(0, 120))"""
        )
        assert named == [], tab.inner_text()
    page.locator(".search input").focus()
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.closest('.rail, .panel, .buttons, .card, .search')?.className"
            )
        )
    assert len({name.split(" ")[0] for name in reached if name}) == 5


def test_a_phone_has_a_bar_of_tabs_a_sheet_and_large_targets(phone, address):
    phone.open(f"{address}/?lang=zh")
    page = phone.page
    assert page.locator(".portal-panel").is_hidden()
    bar = page.locator(".rail").bounding_box()
    assert (bar["x"], bar["width"], bar["y"] + bar["height"]) == (0, PHONE["width"], PHONE["height"])
    for tab in page.locator(".rail-tabs button").all():
        tab.click()
        sheet = page.locator(".portal-panel").bounding_box()
        assert 100 < sheet["height"] <= 0.63 * PHONE["height"]
        assert sheet["y"] + sheet["height"] == pytest.approx(bar["y"], abs=1)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    page.locator(".rail [data-tab=layers]").click()
    touched = ".rail button, .panel button, label.layer, a.lang, summary, .buttons button, .search input"
    for target in page.locator(", ".join(f"{one}:visible" for one in touched.split(", "))).all():
        box = target.bounding_box()
        assert box["height"] >= 40, target.inner_text()
        assert box["width"] >= 40, target.inner_text()
    page.locator(".rail [data-tab=layers]").click()
    assert page.locator(".portal-panel").is_hidden()
    phone.clean()


def test_hostile_text_is_text_in_search_card_history_print_and_title(portal, hostile_address):
    page = portal.page
    show(
        portal,
        hostile_address,
        "#17/28.6806/115.8627&toilets,parks&tab=print&title=" + quote(HOSTILE[0] + HOSTILE[3]),
    )
    page.locator(".sheet-preview[src]").wait_for()
    assert page.locator(".printing-pane input").input_value() == HOSTILE[0] + HOSTILE[3]
    for i, text in enumerate(HOSTILE[:8]):
        page.locator(".search input").fill(text[:60])
        page.wait_for_function(
            "() => !document.querySelector('.found').hidden || !document.querySelector('.found-note').hidden"
        )
        assert page.locator(".found-text > span > *, .found script").count() == 0, i
    for item in (1, 4, 10):
        show(portal, hostile_address, f"#17/28.6806/115.8627&toilets&card=toilets:{item}")
        page.locator(".card-history summary").click()
        page.locator(".event").first.wait_for()
        assert HOSTILE[0] in page.locator(".event").first.inner_text()
        assert page.locator(".card dd > *, .card h2 > *, .event p > *, .card script").count() == 0
        with page.expect_download() as saved:
            page.locator(".card-actions button", has_text="QGIS").click()
        ET.fromstring(saved.value.path().read_bytes().split(b"\n", 1)[1])
    portal.clean()


@pytest.mark.wide
def test_the_card_shows_photos_and_their_notes_as_text(portal, hostile_address, hostile_database):
    drawn = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(drawn, "JPEG")
    taken = Photo(drawn.getvalue(), 40, 30, Spot(115.86, 28.68, 5.0, datetime(2026, 5, 1, 4, 0, tzinfo=UTC)))
    with hostile_database.write() as conn:
        keep_photo(conn, "toilets", 2, 1, taken, HOSTILE[0])
        keep_report(conn, "toilets", 2, 1, "in_service", HOSTILE[3], taken.spot)
    show(portal, hostile_address, "#17/28.6806/115.8627&toilets&card=toilets:2")
    page = portal.page
    photo = page.locator(".card-photos").first
    photo.locator("span").wait_for()
    assert photo.locator("span").inner_text().startswith(f"{HOSTILE[0]} · 拍摄于 2026年5月1日")
    page.wait_for_function("() => document.querySelector('.card-photos img').naturalWidth === 40")
    assert photo.locator("img").get_attribute("alt").startswith(HOSTILE[0])
    page.locator(".card-history summary").click()
    page.locator(".event .card-photos img").wait_for()
    assert HOSTILE[3] in page.locator(".event").inner_text()
    portal.clean()


#: What stands in both languages: names of systems, formats, programs, licences, and the sample's own note.
BOTH = re.compile(
    r"GPS|CSV|WGS84|CGCS2000|GCJ-02|BD-09|PNG|QGIS|Leaflet|English|中文|城图|A4|Apache-2\.0"
    r"|示例数据，非真实( / Sample data, not real)?"
)
LEFT = {"zh": re.compile(r"[A-Za-z]{3,}"), "en": re.compile(r"[\u4e00-\u9fff]+")}
#: Words on the page and of its controls, without texts that say which other language they are in (`lang`).
SAID = """() => {
  const parts = '.rail, .search, .panel-head, .panel-body, .buttons, .foot, .card-actions, .card dt', names = ['aria-label', 'title', 'placeholder'];
  const shown = [...document.querySelectorAll(parts)];
  const other = shown.flatMap((one) => [...one.querySelectorAll('[lang]')]).map((one) => one.innerText);
  const said = shown.flatMap((one) => [one.innerText, ...[...one.querySelectorAll('*')].flatMap((node) => names.map((name) => node.getAttribute(name) || ''))]);
  return other.reduce((words, one) => words.split(one).join(''), said.join('\\n'));
}"""  # noqa: E501 - a script


@pytest.mark.parametrize("lang", few(["zh", "en"], ["zh"]))
def test_every_tab_is_usable_by_anybody_and_keeps_to_its_language(portal, address, lang):
    show(portal, address, HERE + "&card=toilets:1", lang)
    page = portal.page
    page.locator(".card dd").first.wait_for()
    for tab in page.locator(".rail-tabs button").all():
        tab.click()
        page.wait_for_load_state("networkidle")
        page.wait_for_function("() => document.querySelector('.panel-body > section').childElementCount > 1")
        assert broken_rules(portal) == [], tab.inner_text()
        left = LEFT[lang].findall(BOTH.sub("", page.evaluate(SAID)))
        assert left == [], tab.inner_text()
    page.locator(".search input").fill("28.68, 115.86")
    page.locator(".found li").first.wait_for()
    assert broken_rules(portal) == []
