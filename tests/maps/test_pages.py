"""The pages in a real browser: drawn, answering clicks, asking no other host, running no script of the data."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from tests.clones import clone, opened
from tests.maps.conftest import ON_PAGE, served, watched_page
from tests.maps.hostile import HOSTILE

DRAWN = """() => {
  const found = {};
  for (const canvas of document.querySelectorAll('.leaflet-pane canvas')) {
    const pane = canvas.closest('.leaflet-pane').className.match(/leaflet-(\\w+)-pane/)[1];
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let inked = 0;
    for (let i = 3; i < pixels.length; i += 4) if (pixels[i]) inked++;
    found[pane] = (found[pane] || 0) + inked;
  }
  return found;
}"""
#: The symbol of a class that is nearest the middle of the map, in layer points.
NEAREST = """(id) => {
  const app = chengtuApp, middle = app.map.latLngToLayerPoint(app.map.getCenter());
  const far = (one) => Math.hypot(one.x - middle.x, one.y - middle.y);
  return app.overlay.items.filter((one) => one.layer.options.id === id).sort((a, b) => far(a) - far(b))[0];
}"""
#: Bring it close, so that it stands alone.
APPROACH = f"""(id) => {{
  const item = ({NEAREST})(id), map = chengtuApp.map;
  map.setView(map.layerPointToLatLng([item.x, item.y]), item.n > 1 ? map.getZoom() + 2 : 18, {{animate: false}});
}}"""
#: Where it stands on the page.
SYMBOL = f"""(id) => {{
  const item = ({NEAREST})(id), point = chengtuApp.map.layerPointToContainerPoint([item.x, item.y]);
  return {{...{ON_PAGE}(point), id: item.id}};
}}"""


def approach(watched, class_id):
    """Come close to one feature, cluster by cluster."""
    while watched.page.evaluate("chengtuApp.map.getZoom()") < 18:
        watched.page.evaluate(APPROACH, class_id)
        watched.settle()


def test_the_map_draws_ground_areas_and_symbols(desktop, address):
    desktop.open(f"{address}/map")
    drawn = desktop.page.evaluate(DRAWN)
    assert drawn["ground"] > 50_000
    assert drawn["classes"] > 500
    assert drawn["marker"] > 500
    assert desktop.page.locator(".notice").inner_text() == "示例数据，非真实"
    assert desktop.page.locator(".layer").count() > 15
    desktop.clean()


def test_a_click_opens_a_card_with_all_known_fields(desktop, address, town):
    desktop.open(f"{address}/map/toilets")
    approach(desktop, "toilets")
    spot = desktop.page.evaluate(SYMBOL, "toilets")
    desktop.page.mouse.click(spot["x"], spot["y"])
    desktop.page.wait_for_selector(".card dd")
    shown = desktop.page.evaluate(
        "() => Object.fromEntries([...document.querySelectorAll('.card .row')]"
        ".map((row) => [...row.children].map((cell) => cell.textContent)))"
    )
    told = desktop.page.evaluate(
        "async (id) => (await fetch(`/map/toilets/features/${id}.json?lang=zh`)).json()", spot["id"]
    )
    assert shown["编码"] == told["code"]
    assert len(told["values"]) >= 8
    for field in told["fields"]:
        assert (field["title"] in shown) == (field["name"] in told["values"])
    assert desktop.page.locator(".card h2").inner_text() == told["name"]
    assert not {"pieces", "people", "households", "years"} & {field.get("unit") for field in told["fields"]}
    desktop.page.keyboard.press("Escape")
    assert desktop.page.locator(".card").count() == 0
    desktop.clean()


@pytest.mark.wide
def test_a_layer_is_switched_on_by_keyboard_and_the_address_brings_it_back(desktop, address):
    desktop.open(f"{address}/map")
    desktop.page.evaluate(
        "() => document.querySelectorAll('.office').forEach((group) => { group.open = true; })"
    )
    box = desktop.page.locator("label.layer", has_text="地下管线").locator("input")
    box.focus()
    desktop.page.keyboard.press("Space")
    desktop.settle()
    assert "pipes" in desktop.page.evaluate("location.hash")
    link = desktop.page.evaluate("location.href")
    desktop.page.goto("about:blank")
    desktop.open(link)
    assert desktop.page.locator("label.layer", has_text="地下管线").locator("input").is_checked()
    assert desktop.page.evaluate("location.href") == link
    desktop.clean()


@pytest.fixture(scope="module")
def crowded(cluster_settings, template, catalogue):
    """The address of a city with three rows in every class of points, all of them at one place."""
    with clone(cluster_settings, template) as settings, opened(settings) as database:
        with database.write() as conn:
            write_batches(conn, catalogue, points_of_all_classes(catalogue), Change(who="test", why="test"))
        with served(settings) as address:
            yield address


def points_of_all_classes(catalogue) -> list[Batch]:
    places = shapely.points(115.86 + np.arange(3) * 0.0001, [28.68] * 3)
    classes = [cls for cls in catalogue.classes.values() if cls.geometry == "point"]
    needed = {cls.id: {f.name: [_some(f)] * 3 for f in cls.fields if f.required} for cls in classes}
    return [Batch(cls.id, ["a", "b", "c"], places, needed[cls.id], [None] * 3) for cls in classes]


def _some(field) -> object:
    if field.choices:
        return field.choices[0].value
    return {"text": "x", "boolean": True, "date": date(2020, 1, 1)}.get(field.type, 1)


@pytest.mark.wide
def test_a_long_list_of_layers_is_short_at_first_and_can_be_searched(desktop, crowded, catalogue):
    page = desktop.page
    desktop.open(f"{crowded}/map")
    layers = page.locator("label.layer")
    assert layers.count() == len(points_of_all_classes(catalogue)) > 24
    assert layers.locator("visible=true").count() < 24
    page.locator(".finder input").fill("路灯")
    assert page.locator("label.layer:visible", has_text="路灯").count() == 1
    assert layers.locator("visible=true").count() < 5
    page.locator(".finder input").fill("没有的图层")
    assert layers.locator("visible=true").count() == 0
    assert page.locator(".panel .empty").is_visible()
    page.locator(".finder input").fill("")
    assert page.locator("label.layer:visible", has_text="公共厕所").locator("input").is_checked()
    page.locator(".finder button").click()
    assert page.locator("label.layer :checked").count() == 0
    desktop.clean()


@pytest.mark.wide
def test_symbols_of_many_layers_at_one_place_are_one_that_says_what_it_holds(desktop, crowded, catalogue):
    desktop.open(f"{crowded}/map#14/28.68/115.86")
    desktop.page.evaluate("() => chengtuApp.layers.forEach((layer) => chengtu.show(chengtuApp, layer, true))")
    desktop.settle()
    (item,) = desktop.page.evaluate(
        "() => chengtuApp.overlay.items.map((one) => [one.n, one.parts.size, [...one.parts.values()]])"
    )
    many = len(points_of_all_classes(catalogue))
    assert item == [3 * many, many, [3] * many]
    size = desktop.page.viewport_size
    desktop.page.mouse.move(size["width"] / 2, size["height"] / 2)
    desktop.page.wait_for_selector(".tip:not([hidden])")
    assert desktop.page.locator(".tip").inner_text().endswith("…")
    desktop.clean()


@pytest.mark.wide
def test_what_is_not_drawn_at_this_scale_is_said(desktop, address):
    desktop.open(f"{address}/map/streets")
    desktop.page.evaluate("() => chengtuApp.map.setZoom(12, {animate: false})")
    desktop.settle()
    said = desktop.page.locator("label.layer:has(:checked) .thin")
    words = said.inner_text()
    shown, total = (int(part.replace(",", "")) for part in words.split("绘出")[1].split("，")[0].split("/"))
    assert 0 < shown < total
    desktop.page.evaluate("() => chengtuApp.map.setZoom(16, {animate: false})")
    desktop.settle()
    assert said.inner_text() == ""
    desktop.clean()


@pytest.mark.wide
def test_a_class_drawn_close_by_only_opens_where_it_is_seen(phone, address):
    phone.open(f"{address}/map/pipes")
    shown = "() => chengtuApp.city.inSight(chengtuApp.map).flatMap(({ data }) => data.get('pipes')).length"
    counts = phone.page.evaluate(
        "() => chengtuApp.layers.find((l) => l.options.id === 'pipes').options.counts"
    )
    assert phone.page.evaluate("chengtuApp.map.getZoom()") >= min(map(int, counts))
    assert phone.page.evaluate(shown) > 0
    assert phone.page.locator(".zoom-hint").is_hidden()
    phone.page.evaluate("() => chengtuApp.map.setZoom(11, {animate: false})")
    assert "放大可见" in phone.page.locator(".zoom-hint").inner_text()
    phone.clean()


@pytest.mark.wide
def test_english_and_chinese_pages_keep_to_their_language(desktop, address):
    desktop.open(f"{address}/map?lang=en")
    controls = desktop.page.evaluate(
        "() => [...document.querySelectorAll('button')].map((b) => b.title).join()"
    )
    assert controls.isascii()
    assert desktop.page.locator("h1").inner_text() == "One map of the city"
    desktop.page.locator("a.lang").click()
    desktop.settle()
    assert desktop.page.locator("h1").inner_text() == "城市设施一张图"
    desktop.clean()


@pytest.mark.wide
def test_the_second_visit_fetches_the_page_alone(browser, address):
    with watched_page(browser) as watched:
        watched.open(f"{address}/map")
        watched.page.goto("about:blank")
        watched.open(f"{address}/map")
        assert watched.page.evaluate(DRAWN)["ground"] > 50_000
        moved = watched.page.evaluate(
            "() => performance.getEntriesByType('resource')"
            ".filter((one) => one.transferSize > 0).map((one) => one.name)"
        )
        assert moved == []
        watched.clean()


def test_a_runs_page_shows_figures_districts_and_gaps(desktop, address, town):
    desktop.open(f"{address}/coverage/{town.runs['toilet-300']}/map")
    page = desktop.page
    page.wait_for_selector(".table-box td")
    desktop.settle()
    assert desktop.page.evaluate(DRAWN)["areas"] > 20_000
    assert page.locator(".figure").count() == 2
    assert page.locator(".figure h3").all_inner_texts() == ["直线", "步行"]
    assert page.locator(".standing .chip").inner_text() in {"官方口径", "参考口径"}
    rows = page.locator(".table-box tbody tr")
    names = rows.locator("td:first-child").all_inner_texts()
    page.locator(".table-box th button").first.click()
    page.locator(".table-box th button").first.click()
    assert sorted(rows.locator("td:first-child").all_inner_texts()) == sorted(names)
    assert rows.locator("td:first-child").all_inner_texts() != names or len(names) == 1
    zoom = page.evaluate("chengtuApp.map.getZoom()")
    page.locator(".gap").first.click()
    page.wait_for_function("(before) => chengtuApp.map.getZoom() > before", arg=zoom)
    page.get_by_role("radio", name="直线").click()
    page.get_by_role("radio", name="用地").click()
    page.wait_for_function("() => chengtuApp.run.mode === 'straight' && chengtuApp.run.by === 'land'")
    desktop.settle()
    assert page.locator(".figure.on h3").inner_text() == "直线"
    desktop.clean()


def test_what_comes_while_a_button_is_pressed_takes_no_click_away(desktop, address, town):
    desktop.open(f"{address}/coverage/{town.runs['toilet-300']}/map")
    page = desktop.page
    page.wait_for_selector(".table-box td")
    desktop.settle()
    page.get_by_role("radio", name="用地").hover()
    page.mouse.down()
    page.evaluate(
        "() => [...document.querySelectorAll('[role=radio]')].find((one) => one.textContent === '直线').click()"
    )
    desktop.settle()
    page.mouse.up()
    page.wait_for_function("() => chengtuApp.run.mode === 'straight' && chengtuApp.run.by === 'land'")
    page.wait_for_selector("[role=radio][aria-checked=true]:has-text('用地')")
    desktop.clean()


@pytest.mark.wide
def test_an_english_runs_page_frames_its_data_and_names_districts_in_english(desktop, address, town):
    with town.database.read() as conn:
        query = "SELECT ST_Extent(geom)::geometry FROM city.coverage_units WHERE run = :run"
        row = conn.execute(
            text(f"SELECT ST_AsText(({query}))"), {"run": town.runs["toilet-300"]}
        ).scalar_one()
    counted = shapely.from_wkt(row)
    desktop.open(f"{address}/coverage/{town.runs['toilet-300']}/map?lang=en")
    desktop.page.wait_for_selector(".table-box td")
    names = desktop.page.locator(".table-box tbody td:first-child").all_inner_texts()
    assert all(name.isascii() for name in names)
    (south, west), (north, east) = desktop.page.evaluate("chengtuApp.run.options.bounds")
    framed = shapely.box(west, south, east, north)
    assert framed.buffer(1e-9).covers(counted)
    seen = shapely.box(
        *map(float, desktop.page.evaluate("chengtuApp.map.getBounds().toBBoxString()").split(","))
    )
    assert seen.covers(framed)
    desktop.clean()


NO_GAPS = """() => {
  const run = chengtuApp.run, row = run.options.results.find((r) => r.mode === "straight" && r.tier === run.tier);
  row.people_served = row.people - 1234;
  run.gaps.set(`straight|${run.tier}`, Promise.resolve({ ...run.gapRaw, shapes: { own: { rows: [] } }, total: 0 }));
}"""


@pytest.mark.wide
def test_people_without_service_and_without_a_gap_are_told(desktop, address, town):
    desktop.open(f"{address}/coverage/{town.runs['green-300-500']}/map")
    desktop.page.wait_for_selector(".gaps")
    desktop.page.evaluate(NO_GAPS)
    desktop.page.get_by_role("radio", name="直线").click()
    note = desktop.page.locator(".run-body .note", has_text="1,234")
    note.wait_for()
    assert "0 / 0" not in desktop.page.locator(".run-body").inner_text()
    desktop.clean()


@pytest.mark.wide
def test_a_runs_page_with_tiers_switches_between_them(desktop, address, town):
    desktop.open(f"{address}/coverage/{town.runs['green-300-500']}/map")
    page = desktop.page
    page.wait_for_selector(".figure strong")
    before = page.locator(".figure strong").all_inner_texts()
    page.get_by_role("radio", name="500米见园").click()
    page.get_by_role("radio", name="500米见园", checked=True).wait_for()  # drawn anew with the tier's figures
    desktop.settle()
    assert page.locator(".figure strong").all_inner_texts() != before
    desktop.clean()


@pytest.mark.wide
def test_a_city_without_data_says_so(browser, cluster_settings, template):
    with (
        clone(cluster_settings, template) as empty,
        opened(empty),
        served(empty) as address,
        watched_page(browser) as watched,
    ):
        watched.page.goto(f"{address}/map")
        watched.page.wait_for_selector(".panel")
        assert "还没有数据" in watched.page.locator(".panel").inner_text()
        watched.clean()


@pytest.mark.wide
@pytest.mark.parametrize("class_id", ["toilets", "parks", "streets"])
def test_hostile_text_is_shown_as_text(desktop, hostile_address, class_id):
    desktop.open(f"{hostile_address}/map/{class_id}#17/28.6806/115.8627&{class_id}")
    page = desktop.page
    assert page.locator(".brand p:not(.time)").inner_text() == HOSTILE[3]
    found = set()
    for i in range(len(HOSTILE)):
        latitude = {"toilets": 28.68, "parks": 28.6812, "streets": 28.6825}[class_id]
        longitude = 115.86 + i * 0.0006 + (0.0002 if class_id == "parks" else 0)
        spot = page.evaluate(
            f"(at) => {{ const p = {ON_PAGE}(chengtuApp.map.latLngToContainerPoint(at)); return [p.x, p.y]; }}",
            [latitude, longitude],
        )
        page.mouse.move(*spot)
        page.mouse.click(*spot)
        page.wait_for_selector(".card dd")
        page.wait_for_function("(i) => document.querySelector('.card').innerText.includes(i + '')", arg=i)
        name = page.locator(".card h2").evaluate("(node) => node.textContent")
        found.add(name)
        assert page.locator(".card dd > *, .card h2 > *, .card script").count() == 0
        page.keyboard.press("Escape")
    assert found == set(HOSTILE)
    desktop.clean()


def test_hostile_text_on_the_landing_page_is_text(desktop, hostile_address):
    desktop.page.goto(f"{hostile_address}/overview")
    assert desktop.page.evaluate("() => window.ran") is None
    assert desktop.foreign == []


@pytest.mark.parametrize(("wish", "moves"), [("reduce", False), ("no-preference", True)])
@pytest.mark.wide
def test_who_wants_no_motion_has_none(browser, address, wish, moves):
    with watched_page(browser, reduced_motion=wish) as watched:
        watched.open(f"{address}/map/toilets")
        page = watched.page
        assert page.evaluate("() => chengtuApp.map.options.fadeAnimation") == moves
        assert page.evaluate("() => chengtuApp.map.options.zoomAnimation") == moves
        glides = "() => { const { map } = chengtuApp; map.panBy([80, 0]); return Boolean(map._panAnim?._inProgress); }"
        assert page.evaluate(glides) == moves
        watched.clean()
