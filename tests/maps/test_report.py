"""The printed report of a run: one page, the run's own figures, its worst gaps; whatever the names are."""

from __future__ import annotations

import re

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from app.coverage.engine import Engine
from app.coverage.service import run
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from tests.clones import clone, opened
from tests.maps.conftest import served
from tests.maps.hostile import HOSTILE

CHINESE = ["", "区县", "街道", "社区", "小区", "人口", "最近设施", "距离"]


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


@pytest.mark.parametrize(
    "asked", ["lang=zh", "lang=en&area=990203&tier=park", "lang=zh&area=990202&mode=straight"]
)
def test_a_report_is_one_sheet(desktop, address, town, asked):
    page = desktop.page
    page.goto(f"{address}/coverage/{town.runs['green-300-500']}/report?{asked}")
    assert pages_of(page.pdf(prefer_css_page_size=True, print_background=True)) == 1
    sheet, foot = page.locator(".sheet").bounding_box(), page.locator("footer").bounding_box()
    assert foot["y"] + foot["height"] <= sheet["y"] + sheet["height"]
    assert page.locator(".map > svg").bounding_box()["height"] > 250
    desktop.clean()


def test_a_districts_report_tells_the_runs_figures_and_its_worst_gaps(desktop, address, town):
    made = town.runs["green-300-500"]
    page = desktop.page
    page.goto(f"{address}/coverage/{made}/report?lang=zh&area=990203&tier=park&mode=walk")
    with town.database.read() as conn:
        share = conn.execute(
            text(
                "SELECT share_of_people FROM city.coverage_areas"
                " WHERE run = :run AND code = '990203' AND mode = 'walk' AND tier = 'park'"
            ),
            {"run": made},
        ).scalar_one()
        worst = conn.execute(
            text(
                "SELECT round(people), nearest_m FROM city.coverage_gaps WHERE run = :run AND mode = 'walk'"
                " AND tier = 'park' AND area_path LIKE '%990203%' ORDER BY people DESC, area_m2 DESC, id LIMIT 10"
            ),
            {"run": made},
        ).all()
    assert f"{share * 100:.2f} %" in page.locator(".figure").nth(1).inner_text()
    assert [cell.strip() for cell in page.locator("thead th").all_inner_texts()] == CHINESE
    people = page.locator("tbody td:nth-child(6)").all_inner_texts()
    assert [int(cell.replace(",", "")) for cell in people] == [int(row[0]) for row in worst]
    assert len(worst) > 3
    first = page.locator("tbody tr").first.locator("td").all_inner_texts()
    assert first[1] == "望舒县"
    assert first[4].endswith(
        ("苑", "园", "区", "村", "庭", "家")
    )  # estates have names, their parcels have not
    told = page.locator(".sheet").inner_text()
    assert "内部使用" in told
    assert "数据版本" in told
    assert "南昌市城市管理工作要点" in told


def test_amounts_and_facilities_are_in_the_language_of_the_report(desktop, address, town):
    page, made = desktop.page, town.runs["toilet-300"]
    page.goto(f"{address}/coverage/{made}/report?lang=en")
    named = page.locator("tbody td:nth-child(7)").all_inner_texts()
    assert len(named) == 10
    assert all(re.fullmatch(r"[A-Za-z ]+ Toilet", name) for name in named)
    walked = next(
        row
        for row in page.request.get(f"{address}/coverage/{made}?f=json").json()["results"]
        if row["mode"] == "walk"
    )
    assert page.locator(".pair small").all_inner_texts()[2:] == [
        f"{walked['people_served']:,.0f} / {walked['people']:,.0f} people",
        f"{walked['land_served_m2'] / 1e4:.2f} / {walked['land_m2'] / 1e4:.2f} ha",
    ]
    page.goto(f"{address}/coverage/{made}/report?lang=zh")
    assert page.locator(".pair small").all_inner_texts()[2:] == [
        f"{walked['people_served'] / 1e4:.1f} / {walked['people'] / 1e4:.1f} 万人",
        f"{walked['land_served_m2'] / 1e4:.2f} / {walked['land_m2'] / 1e4:.2f} 公顷",
    ]


def test_maps_of_a_run_name_facilities_in_their_language(desktop, address, town):
    made, get = town.runs["toilet-300"], desktop.page.request.get
    tier = get(f"{address}/coverage/{made}?f=json").json()["results"][0]["tier"]
    for lang, form in (("en", r"[A-Za-z ]+ Toilet"), ("zh", r"[\u4e00-\u9fff]+")):
        drawn = get(f"{address}/coverage/{made}/map/gaps/walk/{tier}.json?lang={lang}").json()
        planned = get(f"{address}/map/planner/runs/{made}/gaps/walk/{tier}.json?lang={lang}").json()
        named = [row[5]["nearest_name"] for row in drawn["shapes"]["own"]["rows"]]
        listed = [one["properties"]["nearest_name"] for one in planned["features"]]
        assert named
        assert sorted(named) == sorted(listed)
        assert all(re.fullmatch(form, name) for name in named), lang


def test_what_a_run_does_not_have_is_refused(town, address, desktop):
    made, get = town.runs["toilet-300"], desktop.page.request.get
    assert get(f"{address}/coverage/{made}/report?area=nowhere").status == 404
    assert get(f"{address}/coverage/{made}/report?tier=nothing").status == 404
    assert get(f"{address}/coverage/{made}/report?mode=count").status == 400
    assert get(f"{address}/coverage/{made[:8]}/report").status == 200


def hostile_town() -> list[Batch]:
    """Parcels with hostile names, some near a toilet and most far from it, in a district that has no name."""
    spots = [(115.86 + 0.004 * i, 28.68) for i in range(len(HOSTILE))]
    parcels = [shapely.box(x, y, x + 0.001, y + 0.001) for x, y in spots]
    codes = [f"{i}{name[:60]}" for i, name in enumerate(HOSTILE)]
    none = [None] * len(HOSTILE)
    people = [float(100 + i) for i in range(len(HOSTILE))]
    texts = {"name_zh": HOSTILE, "kind": ["land"] * len(HOSTILE), "people": people}
    return [
        Batch("residential_areas", codes, np.array(parcels, dtype=object), texts, none),
        Batch("toilets", codes[:1], np.array([shapely.Point(115.86, 28.6795)], dtype=object),
              {"name_zh": [HOSTILE[3]]}, [None]),
        Batch(
            "districts", ["D1", HOSTILE[0]],
            np.array([shapely.box(x, 28.67, x + 0.03, 28.69) for x in (115.85, 115.88)], dtype=object),
            {"name_zh": [None, HOSTILE[8]], "level": ["district", "district"]}, [None, None],
        ),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def hostile(cluster_settings, template, catalogue):
    with clone(cluster_settings, template) as cloned, opened(cloned) as database:
        with database.write() as conn:
            write_batches(conn, catalogue, hostile_town(), Change(who=HOSTILE[0], why=HOSTILE[1]))
        engine = Engine(database, catalogue)
        made = run(database, engine.answer, {"policy": "toilet-300", "mode": "straight", "name": HOSTILE[3]})
        near = {"policy": "toilet-300", "mode": "straight", "parameters": {"radius_m": 9_000}}
        whole = run(database, engine.answer, near)
        with served(cloned, engine) as where:
            yield where, made["run"], whole["run"]


def test_hostile_names_are_text_in_reports(desktop, hostile):
    where, made, _ = hostile
    page = desktop.page
    for asked in ("lang=zh", "lang=en&area=D1"):
        page.goto(f"{where}/coverage/{made}/report?{asked}")
        assert pages_of(page.pdf(prefer_css_page_size=True)) == 1
        desktop.clean()
    told = " ".join(page.locator("td").all_inner_texts())
    assert HOSTILE[1] in told
    assert page.locator(".sheet img, .sheet script, .sheet b[onmouseover]").count() == 0


def test_a_district_without_a_name_is_called_by_its_code(desktop, hostile):
    where, made, _ = hostile
    desktop.page.goto(f"{where}/coverage/{made}/report?area=D1&lang=zh")
    assert desktop.page.locator("h1").inner_text() == "D1覆盖评估报告"
    assert desktop.page.locator("tbody td:nth-child(2)").first.inner_text() == "D1"


@pytest.mark.wide
def test_a_run_without_gaps_says_so(desktop, hostile):
    where, _, whole = hostile
    page = desktop.page
    page.goto(f"{where}/coverage/{whole}/report?lang=zh")
    assert "没有缺口" in page.locator(".gaps").inner_text()
    desktop.open(f"{where}/coverage/{whole}/map?lang=zh")
    page.wait_for_selector(".table-box td")
    assert "没有缺口" in page.locator(".run-body").inner_text()
    desktop.clean()


@pytest.mark.wide
def test_hostile_names_are_text_on_the_runs_map(desktop, hostile):
    where, made, _ = hostile
    page = desktop.page
    desktop.open(f"{where}/coverage/{made}/map?lang=zh")
    page.wait_for_selector(".gap")
    assert page.locator(".gap").count() >= 7
    page.locator(".gap").first.click()
    desktop.settle()
    box = page.locator(".folium-map").bounding_box()
    page.mouse.click(box["x"] + 920, box["y"] + box["height"] / 2)
    page.wait_for_selector(".card dd")
    page.get_by_label("出入口").check()
    page.wait_for_function("() => chengtuApp.run.reach.get('entrances').layer")
    page.evaluate(
        "() => chengtuApp.map.eachLayer((one) => {"
        " if (one instanceof L.CircleMarker && one.getTooltip()) one.openTooltip(); })"
    )
    assert page.locator(".folium-map img, .folium-map b[onmouseover], .folium-map [onload]").count() == 0
    desktop.clean()
