"""The drawing engine in a browser: what it asks for, that it draws all there is, clicks and hover on tiles."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from tests.maps.conftest import ON_PAGE, watched_page
from tests.width import few

#: Features and members of clusters that the symbols of a class stand for.
COUNTED = """(id) => chengtuApp.overlay.items.reduce((sum, item) => sum
  + (item.parts ? [...item.parts].reduce((n, [layer, m]) => n + (layer.options.id === id ? m : 0), 0)
    : item.layer.options.id === id ? item.n : 0), 0)"""
#: The south-west and north-east corners of what the overlay draws.
SHOWN = """() => {
  const bounds = chengtuApp.overlay._bounds;
  return [bounds.getBottomLeft(), bounds.getTopRight()].map((point) => chengtuApp.map.layerPointToLatLng(point));
}"""
#: A place in the middle of the largest park in sight that no symbol covers, on the page.
IN_A_PARK = """() => {
  const app = chengtuApp, { map } = app, found = [];
  for (const { data, at } of app.city.inSight(map)) for (const feature of data.get('parks') || []) {
    const middle = chengtu.middleOf(feature);
    if (!middle) continue;
    const world = L.point(middle.x * at.scale + at.x, middle.y * at.scale + at.y);
    const point = map.latLngToContainerPoint(map.unproject(world));
    const free = !app.overlay.itemAt(map.containerPointToLayerPoint(point));
    const seen = point.x > 600 && point.x < 1200 && point.y > 100 && point.y < 800;
    if (free && seen) found.push({ x: point.x, y: point.y, id: feature.id, size: middle.size });
  }
  const best = found.sort((a, b) => b.size - a.size)[0];
  return { ...best, ...ON_PAGE(best) };
}""".replace("ON_PAGE", ON_PAGE)
SHOW = """(ids) => { for (const layer of chengtuApp.layers)
  if (ids.includes(layer.options.id)) chengtu.show(chengtuApp, layer, true); }"""
#: Pixels of the overlay in the colour of the mark around what is chosen.
MARKED = """() => {
  const { canvas } = chengtuApp.overlay._context;
  const d = chengtuApp.overlay._context.getImageData(0, 0, canvas.width, canvas.height).data;
  let red = 0;
  for (let i = 0; i < d.length; i += 4) if (d[i] === 212 && d[i + 1] === 56 && d[i + 2] === 13) red++;
  return red;
}"""
#: Draw the parks this opaque.
THIN = """(opacity) => {
  const parks = chengtuApp.layers.find((layer) => layer.options.id === 'parks');
  parks.opacity = opacity;
  chengtu.setOpacity(chengtuApp, parks);
}"""

#: Where the name of a district in the middle of a view is written beside these boxes of symbols.
NAMED = """(taken) => {
  const written = [], write = chengtu.write, at = { scale: 1, x: 0, y: 0 };
  const district = { geom: [[{ x: 400, y: 300 }]], props: { group: 'district', name: '青鲤区', name_zh: '青鲤区' } };
  const view = { zoom: 12, origin: { x: 0, y: 0 }, bounds: L.bounds([0, 0], [800, 600]), tiles: [],
    ground: [{ data: new Map([['labels', [district]]]), at }] };
  chengtu.write = (context, words, x, y) => written.push([words, x, y]);
  chengtu.drawNames(document.createElement('canvas').getContext('2d'), { shownLayers: () => [] }, view, taken);
  chengtu.write = write;
  return written;
}"""


@pytest.fixture(scope="module")
def opened_map(browser, address):
    with watched_page(browser, reduced_motion="no-preference") as watched:
        watched.open(f"{address}/map?lang=zh")
        yield watched


@pytest.fixture(autouse=True)
def as_opened(opened_map):
    """Every test begins with the view that the page opened with."""
    opened_map.page.evaluate(
        """() => {
          const app = chengtuApp;
          chengtu.closeCard(app);
          for (const layer of app.layers) chengtu.show(app, layer, layer.options.on);
          app.map.setView(app.map.options.start || (app.map.options.start = app.map.getCenter()), 12, {animate: false});
        }"""
    )
    opened_map.settle()
    del opened_map.requests[:]
    yield
    opened_map.clean()


def tiles_of(watched):
    """What was asked of the tiles of classes: (z/y/x, collections) of each request."""
    asked = [
        urlsplit(url)
        for url in watched.requests
        if "/tiles/WebMercatorQuad/" in url and "/background/" not in url
    ]
    return [(url.path.split("WebMercatorQuad/")[1], parse_qs(url.query)["collections"][0]) for url in asked]


def count(town, class_id):
    with town.database.read() as conn:
        return conn.execute(text(f"SELECT count(*) FROM city.{class_id}")).scalar_one()


@pytest.mark.parametrize("zoom", few([10, 12, 14], [12]))
def test_symbols_stand_for_every_feature_in_sight(opened_map, town, zoom):
    opened_map.page.evaluate(SHOW, ["street_trees"])
    opened_map.page.evaluate(f"() => chengtuApp.map.setZoom({zoom}, {{animate: false}})")
    opened_map.settle()
    inside = "() => { const b = chengtuApp.map.layerPointToLatLng ? chengtuApp.overlay._bounds : null; "
    inside += (
        "return [b.getBottomLeft(), b.getTopRight()].map((p) => chengtuApp.map.layerPointToLatLng(p)); }"
    )
    south_west, north_east = opened_map.page.evaluate(inside)
    box = {"w": south_west["lng"], "s": south_west["lat"], "e": north_east["lng"], "n": north_east["lat"]}
    with town.database.read() as conn:
        there = conn.execute(
            text("SELECT count(*) FROM city.toilets WHERE geom && ST_MakeEnvelope(:w, :s, :e, :n, 4326)"), box
        ).scalar_one()
    drawn = opened_map.page.evaluate(COUNTED, "toilets")
    assert drawn == pytest.approx(there, rel=0.03, abs=1)
    if zoom == 10:
        assert drawn == count(town, "toilets")
        assert opened_map.page.evaluate(COUNTED, "street_trees") == count(town, "street_trees")


@pytest.mark.wide
def test_a_tile_is_asked_for_once_for_all_layers_and_never_for_what_is_held(opened_map):
    opened_map.page.evaluate(SHOW, ["markets", "bridges"])
    opened_map.settle()
    asked = tiles_of(opened_map)
    assert asked
    assert {collections for _, collections in asked} == {"bridges,markets"}
    assert len(asked) == len(set(asked))
    del opened_map.requests[:]
    opened_map.page.evaluate("() => chengtuApp.map.panBy([900, 0], {animate: false})")
    opened_map.settle()
    beyond = tiles_of(opened_map)
    assert {collections for _, collections in beyond} <= {"bridges,markets,parks,toilets"}
    assert not {place for place, _ in beyond} & {place for place, _ in asked}
    del opened_map.requests[:]
    opened_map.page.evaluate("() => chengtuApp.map.panBy([-900, 0], {animate: false})")
    opened_map.settle()
    assert tiles_of(opened_map) == []


def test_a_click_on_a_tile_opens_the_card_and_marks_the_shape(opened_map):
    page = opened_map.page
    page.evaluate("() => chengtuApp.map.setZoom(15, {animate: false})")
    opened_map.settle()
    spot = page.evaluate(IN_A_PARK)
    assert page.evaluate(MARKED) == 0
    page.mouse.move(spot["x"], spot["y"])
    page.wait_for_function("() => chengtuApp.root.classList.contains('pointing')")
    page.mouse.click(spot["x"], spot["y"])
    page.wait_for_selector(".card dd")
    code = page.evaluate(
        "async (id) => (await (await fetch(`/map/parks/features/${id}.json`)).json()).code", spot["id"]
    )
    assert code in page.locator(".card").inner_text()
    opened_map.settle()
    assert page.evaluate(MARKED) > 100
    page.keyboard.press("Escape")
    opened_map.settle()
    assert page.evaluate(MARKED) == 0


@pytest.mark.wide
def test_a_click_on_a_cluster_of_one_opens_its_card(opened_map, town):
    page = opened_map.page
    page.evaluate(
        """() => { const app = chengtuApp;
          for (const layer of app.layers) chengtu.show(app, layer, layer.options.id === 'filling_stations');
          app.map.setZoom(13, {animate: false}); }"""
    )
    opened_map.settle()
    [item] = page.evaluate(
        """() => chengtuApp.overlay.items.map((one) => ({ n: one.n, id: one.id,
          ...ON_PAGE(chengtuApp.map.layerPointToContainerPoint([one.x, one.y])) }))""".replace(
            "ON_PAGE", ON_PAGE
        )
    )
    assert (item["n"], item["id"]) == (1, None)
    page.mouse.click(item["x"], item["y"])
    page.wait_for_selector(".card dd")
    with town.database.read() as conn:
        code = conn.execute(text("SELECT code FROM city.filling_stations")).scalar_one()
    assert code in page.locator(".card").inner_text()
    assert page.evaluate("() => chengtuApp.map.getZoom()") == 13
    opened_map.settle()
    assert page.evaluate(MARKED) > 50


def test_hover_names_what_lies_under_the_mouse(opened_map):
    page = opened_map.page
    item = page.evaluate(
        """() => { const app = chengtuApp;
          const place = ({ x, y }) => ON_PAGE(app.map.layerPointToContainerPoint([x, y]));
          const found = app.overlay.items.map((one) => ({ n: one.n, ...place(one) }));
          return found.find(({ n, x, y }) => n > 1 && x > 600 && x < 1200 && y > 150 && y < 700); }""".replace(
            "ON_PAGE", ON_PAGE
        )
    )
    page.mouse.move(item["x"], item["y"])
    page.wait_for_function("() => chengtuApp.tip && !chengtuApp.tip.hidden")
    assert page.locator(".tip").inner_text() == f"公共厕所：{item['n']} 处"


@pytest.mark.wide
def test_deep_zooms_show_every_feature_alone(opened_map):
    page = opened_map.page
    page.evaluate(SHOW, ["pipe_nodes", "street_trees", "manholes"])
    page.evaluate("() => chengtuApp.map.setZoom(18, {animate: false})")
    opened_map.settle()
    numbers = page.evaluate("() => chengtuApp.overlay.items.map((item) => [item.n, item.id !== null])")
    assert numbers
    assert all(number == [1, True] for number in numbers)


def test_opacity_is_that_of_shapes_and_symbols(opened_map):
    drawn = """() => [...document.querySelectorAll('.leaflet-classes-pane canvas')].reduce((sum, canvas) => {
      const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      for (let i = 3; i < d.length; i += 4) sum += d[i];
      return sum; }, 0)"""
    page = opened_map.page
    whole = page.evaluate(drawn)
    page.evaluate(THIN, 0.5)
    opened_map.settle()
    assert page.evaluate(drawn) == pytest.approx(whole / 2, rel=0.1)
    page.evaluate(THIN, 1)


@pytest.mark.wide
def test_what_the_server_did_not_give_is_asked_for_again_when_the_map_moves(opened_map):
    page = opened_map.page
    page.route("**/tiles/WebMercatorQuad/**collections=streets*", lambda route: route.abort())
    page.evaluate(SHOW, ["streets"])
    page.wait_for_selector(".toast")
    opened_map.settle()
    page.unroute("**/tiles/WebMercatorQuad/**collections=streets*")
    opened_map.problems.clear()
    held = (
        "() => chengtuApp.city.inSight(chengtuApp.map).some(({ data }) => (data.get('streets') || []).length)"
    )
    assert not page.evaluate(held)
    page.evaluate("() => chengtuApp.map.panBy([1, 0], {animate: false})")
    page.wait_for_function(held)
    opened_map.settle()


def test_a_districts_name_steps_aside_of_symbols(opened_map):
    def named(*taken: list[int]) -> list[float]:
        ((words, *place),) = opened_map.page.evaluate(NAMED, list(taken))
        assert words == "青鲤区"
        return place

    assert named() == [400, 300]
    assert named([380, 280, 420, 320]) == [400, 258]
    # All around is taken: it lies over least, but it is there.
    assert named([0, 0, 800, 600], [380, 280, 420, 320]) == [400, 258]
