"""The planner's tabs in a browser: coverage with parameters of one's own, reach, scenarios, two maps side by side."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from app.catalogue.parameters import PARAMETERS
from app.coverage.engine import Engine
from app.coverage.service import run
from app.database.engine import Database
from app.jobs.worker import Worker
from app.maps import planner_parameters
from app.maps.planner_service import options
from app.worker import do_coverage, do_scenario
from tests import width
from tests.clones import clone, opened
from tests.maps.conftest import ON_PAGE, PHONE, served, watched_page

HERE = "#15/28.68000/115.86000&toilets"
LON, LAT = 115.86, 28.68


@dataclass(frozen=True)
class Planned:
    address: str
    database: Database
    toilets: str
    former: str


@pytest.fixture(scope="module")
def planned(cluster_settings, town_template, catalogue):
    """A served town of its own with runs of two days, and a worker for what takes longer."""
    with clone(cluster_settings, town_template) as settings, opened(settings) as database:
        engine = Engine(database, catalogue)

        def saved(**request) -> str:
            return run(database, engine.answer, {"policy": "toilet-300", "mode": "both", **request})["run"]

        former, now = saved(as_of="2015-12-31"), saved()
        own = Database(settings)
        handlers = {"coverage": do_coverage, "scenario": do_scenario}
        worker = Worker(own, {kind: lambda job, do=do: do(job, engine) for kind, do in handlers.items()})
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            with served(settings, engine) as address:
                yield Planned(address, database, now, former)
        finally:
            worker.stop()
            thread.join(10)
            own.dispose()


@pytest.fixture(scope="module")
def window(browser):
    """One window for all tests of this file."""
    moving = {"reduced_motion": "no-preference", "permissions": ["clipboard-read", "clipboard-write"]}
    with watched_page(browser, **moving) as watched:
        watched.page.set_default_timeout(30_000)
        yield watched
        watched.clean()


def show(watched, planned, view, lang="zh"):
    watched.page.goto("about:blank")
    watched.page.goto(f"{planned.address}/map?lang={lang}{HERE}&{view}")
    return watched.page


def value(page, name):
    return page.evaluate("name => chengtu.state.get(name)", name)


def drawn(page, name):
    """How many shapes a tool has drawn under a name."""
    return page.evaluate(
        """name => {
          const layer = (chengtuApp.drawn || new Map()).get(name);
          return layer ? layer.getLayers().length : 0;
        }""",
        name,
    )


def test_a_form_offers_what_means_something_to_a_policy(read_conn, catalogue):
    found = {one["id"]: one for one in options(read_conn, catalogue, "en")["policies"]}
    names = {policy: [field["name"] for field in one["parameters"]] for policy, one in found.items()}
    assert {"speed_m_s", "radius_m", "target", "exclude"} <= set(names["toilet-300"])
    assert "min_area_m2" not in names["toilet-300"], "toilets are points"
    assert "min_area_m2" in names["green-300-500"]
    assert "speed_m_s" not in names["green-ratio"], "nothing is walked"
    assert {name for fields in names.values() for name in fields} <= set(PARAMETERS)
    radius = next(field for field in found["green-300-500"]["parameters"] if field["name"] == "radius_m")
    assert {tier["id"]: tier["own"] for tier in radius["tiers"]} == {"green": [300.0], "park": [500.0]}
    choices = [value for item in PARAMETERS.values() for value in item.choices]
    assert set(choices) <= set(planner_parameters.CHOICES)
    assert {item.unit for item in PARAMETERS.values()} - {""} <= set(planner_parameters.UNITS)


@pytest.mark.wide
def test_the_newest_result_is_shown_at_once_and_a_gap_is_flown_to(window, planned):
    page = show(window, planned, "tab=coverage&policy=toilet-300")
    page.locator(".result .figures").wait_for()
    assert value(page, "run") == planned.toilets
    told = page.request.get(f"{planned.address}/coverage/{planned.toilets}?f=json").json()
    walked = next(row for row in told["results"] if row["mode"] == "walk")
    expect(page.locator(".result .figure.on strong").first).to_have_text(
        f"{walked['share_of_people']:.2%}".replace("%", " %")
    )
    assert page.locator(".table-box tbody tr").count() == 3
    gaps = page.request.get(f"{planned.address}/coverage/{planned.toilets}/gaps?mode=walk").json()["features"]
    assert drawn(page, "coverage/gaps") == len(gaps)
    assert drawn(page, "coverage/areas") == 3
    first = page.locator(".gaps .gap").first
    assert f"{round(gaps[0]['properties']['people']):,} 人" in first.inner_text()
    first.click()
    page.wait_for_function("zoom => chengtuApp.map.getZoom() > zoom", arg=15)
    lon, lat = gaps[0]["geometry"]["coordinates"][0][0][0]
    assert page.evaluate("([lat, lng]) => chengtuApp.map.getBounds().contains([lat, lng])", [lat, lon])


@pytest.mark.wide
def test_changed_parameters_are_computed_and_saved_as_the_citys_edition(window, planned):
    page = show(window, planned, "tab=coverage&policy=toilet-300")
    page.locator(".result .figures").wait_for()
    before = float(page.locator(".result .figure.on strong").first.inner_text().split()[0])
    page.locator(".conditions-box > summary").click()
    page.locator(".parameters > summary").click()
    radius = page.get_by_label("服务半径（米）")
    assert radius.get_attribute("placeholder") == "300"
    radius.fill("99999")
    radius.press("Tab")
    assert not radius.evaluate("node => node.validity.valid")
    radius.fill("500")
    radius.press("Tab")
    assert json.loads(value(page, "params")) == {"radius_m": {"toilet": 500}}
    page.locator(".result .note.warn").wait_for()
    page.locator("[data-do=compute]").click()
    page.wait_for_function("run => chengtu.state.get('run') !== run", arg=planned.toilets)
    page.locator(".result .note.warn").wait_for(state="detached")
    expect(page.locator(".result .figure.on strong").first).not_to_have_text(f"{before:.2f} %")
    wider = page.request.get(f"{planned.address}/coverage/{value(page, 'run')}?f=json").json()
    assert wider["inputs"]["asked"] == {"radius_m": {"toilet": 500.0}}
    page.locator(".edition-box > summary").click()
    page.get_by_label("编号").fill("toilet-city")
    page.get_by_label("理由").fill("测试")
    page.locator(".edition button[type=submit]").click()
    page.wait_for_function("() => chengtu.state.get('policy') === 'toilet-city'")
    kept = page.request.get(f"{planned.address}/policies/toilet-city").json()
    assert kept["tiers"][0]["supplies"][0]["radius_m"] == 500
    assert kept["versions"][0]["why"] == "测试"
    page.locator(".policy-card .chip", has_text="本市第 1 版").wait_for()


@pytest.mark.wide
def test_an_address_brings_the_same_result_back_in_the_other_language(window, planned):
    page = show(window, planned, f"tab=coverage&run={planned.former}&mode=straight&by=land", lang="en")
    page.locator(".result .figures").wait_for()
    assert "2015-12-31" in page.locator(".result").inner_text()
    assert page.locator(".figure.on h3").inner_text() == "Straight"
    assert value(page, "day") == "2015-12-31"


@pytest.mark.wide
def test_what_the_engine_refuses_is_a_sentence_in_the_readers_language(window, planned):
    asked = quote(json.dumps({"exclude": ["attached", "mobile", "social", "counted", "uncounted"]}))
    page = show(window, planned, f"tab=coverage&policy=toilet-300&params={asked}")
    page.locator("[data-do=compute]").click()
    text = page.locator(".work .note.warn").inner_text()
    assert "没有可计入的设施" in text
    assert window.problems, "the refused request is noted by the browser"
    window.problems.clear()


@pytest.mark.wide
def test_reach_tells_every_policy_and_draws_the_way(window, planned):
    page = show(window, planned, "tab=reach")
    page.locator(".pane-reach [aria-pressed=true]").wait_for()
    box = page.evaluate(
        f"(at) => {{ const p = {ON_PAGE}(chengtuApp.map.latLngToContainerPoint(at)); return [p.x, p.y]; }}",
        [28.68, 115.86],
    )
    page.mouse.click(*box)
    page.locator(".reach-card").first.wait_for()
    lat, lon = value(page, "at").split(",")
    told = page.request.get(f"{planned.address}/reach?lon={lon}&lat={lat}").json()
    tiers = [tier for policy in told["policies"] for tier in policy["tiers"]]
    assert page.locator(".reach-card").count() == len(tiers)
    met = sum(1 for tier in tiers if tier["walk"]["met"])
    judged = sum(1 for tier in tiers if tier["walk"]["met"] is not None)
    assert page.locator(".big").inner_text() == f"{judged} 项中 {met} 项步行达标"
    assert drawn(page, "reach/ways") > 3
    page.locator(".reach-card").nth(2).click()
    assert page.locator(".reach-card").nth(2).get_attribute("aria-pressed") == "true"
    page.get_by_label("步行速度").select_option("0.8")
    page.wait_for_function("() => chengtuApp.reach.found && chengtu.state.get('speed') === '0.8'")
    assert page.locator(".card").count() == 0, "a click of the tool opens no card"


def guarded(page, planned):
    """How many sites to rebuild at are listed, and whether the best is as the server tells it."""
    page.locator(".patches li", has_text="TL-000007").get_by_role("button", name="就近重建").click()
    page.locator(".guard .site").first.wait_for()
    body = {"policy": "toilet-300", "mode": "both", "remove": {"class": "toilets", "code": "TL-000007"}}
    told = page.request.post(
        f"{planned.address}/scenarios/guard", data=body, headers={"Prefer": "wait=30"}
    ).json()
    best = (told["sites"] if told["restored_by_one"] or not told["plan"] else told["plan"])[0]
    listed = page.locator(".guard .site").count()
    same = f"距原址 {best['distance_m']:.0f} 米" in page.locator(".guard .site").first.inner_text()
    return [listed, same]


def test_a_scenario_adds_moves_and_removes_by_click_and_lives_in_the_address(window, planned):
    page = show(window, planned, "tab=scenario&splan=toilet-300")
    tool = page.locator(".scenario-tools [data-tool=add]")
    tool.wait_for()
    tool.click()
    page.locator(".guide .quiet").first.click()
    page.locator("button.figure").first.wait_for()
    body = {"policy": "toilet-300", "scenario": {"patches": json.loads(value(page, "scenario"))}}
    told = page.request.post(f"{planned.address}/coverage", data=body, headers={"Prefer": "wait=30"}).json()
    walked = next(row for row in told["change"]["results"] if row["mode"] == "walk")
    assert f"受益 {walked['people_gaining']:,} 人" in page.locator("button.figure.on").inner_text()
    toilets = page.request.get(f"{planned.address}/collections/toilets/items?limit=100").json()["features"]
    one, other = (
        next(item for item in toilets if item["properties"]["code"] == code)
        for code in ("TL-000007", "TL-000012")
    )
    for which, name in ((one, "remove"), (other, "move")):
        lon, lat = which["geometry"]["coordinates"]
        page.locator(f".scenario-tools [data-tool={name}]").click()
        page.evaluate("([lat, lng]) => chengtuApp.plan.click({latlng: L.latLng(lat, lng)})", [lat, lon])
        if name == "move":
            page.locator(".guide", has_text="再点击新的位置").wait_for()
            page.evaluate(
                "([lat, lng]) => chengtuApp.plan.click({latlng: L.latLng(lat, lng)})", [lat, lon + 0.001]
            )
        page.locator(f".patches .patch-{name}").wait_for()
    page.locator(".result .losses").first.wait_for()
    assert guarded(page, planned) == [drawn(page, "scenario/sites"), True]
    patches = json.loads(value(page, "scenario"))
    assert [patch["do"] for patch in patches] == ["add", "remove", "move"]
    assert [patch.get("code") for patch in patches] == [None, "TL-000007", "TL-000012"]
    link = page.evaluate("location.href")
    page.goto("about:blank")
    page.goto(link)
    page.locator(".patches li").nth(2).wait_for()
    page.locator("button.figure.on").wait_for()
    assert drawn(page, "scenario/losses") > 0
    page.locator(".pane-scenario .edition-box > summary").click()
    page.get_by_label("情景名称").fill("三处改动")
    page.locator(".pane-scenario .edition button[type=submit]").click()
    page.locator(".edition a", has_text="打开结果页").wait_for()
    run_id = page.locator(".edition a").first.get_attribute("href").split("/")[2]
    saved = page.request.get(f"{planned.address}/coverage/{run_id}?f=json").json()
    assert (saved["name"], len(saved["inputs"]["scenario"]["patches"])) == ("三处改动", 3)


@pytest.mark.wide
def test_two_dates_are_two_maps_that_move_together(window, planned):
    page = show(window, planned, "tab=side&cmp=dates&da=2015-12-31&look=side")
    page.locator(".side-title").nth(1).wait_for()
    assert page.locator(".side-title").all_inner_texts() == ["2015-12-31", "现状"]
    row = page.locator(".pane-side tbody tr", has_text="公共厕所")
    assert row.locator("td").all_inner_texts()[1:] == ["21", "24", "+3"]
    page.evaluate("() => chengtuApp.sides.apps[1].map.setView([28.683, 115.862], 16, {animate: false})")
    centres = page.evaluate(
        "() => chengtuApp.sides.apps.map(({map}) => [map.getCenter().lat, map.getCenter().lng, map.getZoom()])"
    )
    assert centres[0] == pytest.approx(centres[1], abs=2e-5)
    assert page.evaluate("() => chengtuApp.map.getZoom()") == 16
    page.locator(".sides-end").click()
    assert page.locator(".sides").count() == 0


@pytest.mark.wide
def test_two_runs_are_swiped_by_keyboard_and_their_figures_subtracted(window, planned):
    page = show(window, planned, f"tab=side&cmp=runs&a={planned.former}&b={planned.toilets}&look=swipe")
    page.locator(".compare-whole").wait_for()
    shares = [
        next(
            row
            for row in page.request.get(f"{planned.address}/coverage/{one}?f=json").json()["results"]
            if row["mode"] == "walk"
        )["share_of_people"]
        for one in (planned.former, planned.toilets)
    ]
    assert f"{(shares[1] - shares[0]) * 100:+.2f}" in page.locator(".compare-whole .chip").inner_text()
    grip = page.locator(".edge-grip")
    grip.focus()
    before = int(grip.get_attribute("aria-valuenow"))
    grip.press("ArrowRight")
    assert int(grip.get_attribute("aria-valuenow")) > before
    page.locator("[data-tab=layers]").click()
    page.locator(".sides").wait_for(state="detached")


WIDE = """() => [...document.querySelectorAll('.pane *')]
  .filter((node) => node.offsetParent && !node.closest('.table-box')
    && node.getBoundingClientRect().right > innerWidth + 1)
  .map((node) => node.outerHTML.slice(0, 90))"""
UNNAMED = """() => [...document.querySelectorAll('.pane button, .pane input, .pane select')]
  .filter((node) => !(node.getAttribute('aria-label') || node.textContent.trim() || (node.labels || []).length))
  .map((node) => node.outerHTML.slice(0, 90))"""
#: What the program itself says: names of facilities and documents are as they are.
SAID = """() => [...document.querySelectorAll('.pane label, .pane button.quiet, .pane button.primary, .pane summary, '
  + '.pane legend, .pane h2, .pane h3, .pane h4, .pane th, .pane .chip, .pane p.muted, .pane small, .pane .segments')]
  .filter((node) => !node.closest('[dir=auto]') && !node.querySelector('[dir=auto]')).map((node) => node.textContent)"""
TABS = (
    ("coverage", ".result .figures"),
    ("reach", ".reach-card"),
    ("scenario", ".scenario-tools button"),
    ("side", ".pane-side .primary"),
)


@pytest.mark.parametrize("lang", width.few(["zh", "en"], ["en"]))
@pytest.mark.wide
def test_the_tabs_fit_a_phone_name_their_controls_and_speak_one_language(browser, planned, lang):
    with watched_page(browser, viewport=PHONE, has_touch=True, is_mobile=True) as phone:
        phone.page.set_default_timeout(30_000)
        for tab, ready in TABS:
            page = show(phone, planned, f"tab={tab}&policy=toilet-300&at={LAT},{LON}", lang)
            page.locator(ready).first.wait_for()
            assert page.evaluate(WIDE) == []
            assert page.evaluate(UNNAMED) == []
            said = [text for text in page.evaluate(SAID) if text.strip()]
            assert said
            other = re.compile(r"[a-z]{4,}" if lang == "zh" else r"[\u4e00-\u9fff]")
            known = re.compile(r"GB[ \d.-]+[^·]*|南昌[^·]*|20\d\d年[^·]*|绿道[^·]*|第[^·]*|《[^·]*")
            assert [text for text in said if other.search(known.sub("", text))] == []
        phone.clean()


PAYLOAD = "`${window.ran=1}</option><img src=x onerror=window.ran=1>'\"&\u202e"


@pytest.mark.wide
def test_names_of_policies_and_runs_are_shown_as_text(window, planned):
    request = window.page.request
    edition = {"id": "hostile", "title": {"zh": PAYLOAD, "en": PAYLOAD}, "based_on": "toilet-300"}
    reply = request.post(f"{planned.address}/policies", data={**edition, "parameters": {"radius_m": 250}})
    assert reply.status == 201
    asked = {"policy": "hostile", "name": f"2 {PAYLOAD}"}
    reply = request.post(f"{planned.address}/coverage", data=asked, headers={"Prefer": "wait=60"})
    assert reply.status == 201
    page = show(window, planned, "tab=coverage&policy=hostile")
    page.locator(".result .figures").wait_for()
    shown = page.evaluate(
        "() => [...document.querySelectorAll('.pane select option')].map((node) => node.textContent)"
    )
    assert PAYLOAD in shown
    assert sum(PAYLOAD in text for text in shown) > 1, "the run bears its name"
    page = show(window, planned, f"tab=side&cmp=runs&a={planned.toilets}&b={reply.json()['run']}")
    page.locator(".side-title-b").wait_for()
    assert PAYLOAD in page.locator(".side-title-b").text_content()
    assert page.evaluate("() => window.ran") is None


@pytest.mark.wide
def test_an_empty_city_says_so_in_every_tab(window, settings, catalogue):
    with opened(settings) as database, served(settings, Engine(database, catalogue)) as address:
        page = show(window, Planned(address, database, "", ""), "tab=coverage")
        page.locator(".saved .note", has_text="还没有这样的结果").wait_for()
        page.locator("[data-tab=reach]").click()
        page.get_by_text("用地图中心").click()
        page.locator(".pane-reach .note.warn", has_text="还没有数据").wait_for()
        page.locator("[data-tab=side]").click()
        page.locator(".pane-side .note", has_text="还没有保存的结果").wait_for()
        window.problems.clear()
