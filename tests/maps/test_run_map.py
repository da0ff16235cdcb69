"""The map of a run: its classes, its legend, its address by a few digits, its words in the address."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from app.coverage.classes import class_limits
from app.main import create_app
from tests.width import few

PAGE = r'"(/coverage/[^"]*page.js[^"]*)"'
LINES = (
    "() => [...document.querySelectorAll('.legend ul:first-of-type li small')]"
    ".map((one) => Number(one.textContent))"
)


def test_the_first_digits_of_a_run_open_its_page(town):
    with TestClient(create_app(town.settings)) as client:
        run = town.runs["toilet-300"]
        short, whole = (client.get(f"/coverage/{name}/map").text for name in (run[:8], run))
        assert re.findall(PAGE, short) == re.findall(PAGE, whole) != []
        assert client.get("/coverage/00000000/map").status_code == 404
        assert client.get("/coverage/nonsense/map").status_code == 404
        assert client.get(f"/coverage/{run[:8]}").json()["run"] == run
        other = town.runs["green-300-500"]
        pair = client.get(f"/coverage/compare/map?a={run[:8]}&b={run[:8]}")
        assert pair.status_code == 200
        assert other[:8] not in pair.text


@pytest.mark.wide
def test_areas_are_drawn_in_classes_by_the_method_that_is_named(desktop, address, town):
    run = town.runs["green-300-500"]
    page = desktop.page
    desktop.open(f"{address}/coverage/{run}/map?lang=zh")
    page.wait_for_function("() => document.querySelector('.by-method')?.textContent.startsWith('自然断点')")
    rows = page.evaluate(
        "() => chengtuApp.run.rows"
        ".filter((row) => row.mode === 'walk' && row.tier === 'green' && row.level === 'district')"
        ".map((row) => row.share_of_people)"
    )
    for method, title in (("natural", "自然断点"), ("quantiles", "分位数"), ("equal", "等距")):
        page.locator(".method select").select_option(method)
        page.wait_for_function(
            "(title) => document.querySelector('.by-method').textContent.startsWith(title)", arg=title
        )
        limits = class_limits(rows)[method]
        above = [sum(value <= limit for value in rows) for limit in limits]
        expected = [count - before for count, before in zip(above, [0, *above], strict=False)]
        assert page.evaluate(LINES) == expected[::-1]
        assert f"classes={method}" in page.url
    page.locator(".method select").select_option("fixed")
    page.reload()
    page.wait_for_function("() => document.querySelector('.by-method')?.textContent === '固定分级，5 级'")
    assert page.locator(".method select").input_value() == "fixed"
    assert sum(page.evaluate(LINES)) == len(rows)
    desktop.clean()


@pytest.mark.wide
def test_without_an_engine_shares_stand_in_fixed_classes(desktop, address, town):
    desktop.page.route("**/classes.json*", lambda route: route.abort())
    desktop.page.goto(f"{address}/coverage/{town.runs['green-300-500']}/map?lang=en")
    desktop.page.wait_for_selector(".legend li")
    assert desktop.page.locator(".by-method").first.inner_text() == "Fixed, 5 classes"


@pytest.mark.wide
def test_the_legend_names_all_that_is_on(desktop, address, town):
    page = desktop.page
    desktop.open(f"{address}/coverage/{town.runs['toilet-300']}/map?lang=zh")
    page.wait_for_selector(".reach input")
    for name in ("步行服务范围", "直线达标、步行不达标", "出入口"):
        page.locator(".reach").get_by_label(name).check()
        page.wait_for_function(
            "(name) => document.querySelector('.legend').textContent.includes(name)", arg=name
        )
    told = page.locator(".legend").inner_text()
    assert "公共厕所" in told
    assert re.search(r"缺口（人口）\s+≥", told)
    page.locator(".reach").get_by_label("步行服务范围").uncheck()
    page.wait_for_function("() => !document.querySelector('.legend').textContent.includes('步行服务范围')")
    desktop.clean()


@pytest.mark.parametrize("lang", few(["zh", "en"], ["zh"]))
@pytest.mark.wide
def test_tables_lead_to_files_and_reports(desktop, address, town, lang):
    run = town.runs["green-300-500"]
    page = desktop.page
    desktop.open(f"{address}/coverage/{run}/map?lang={lang}")
    page.wait_for_selector(".files a")
    links = page.locator(".files a, a.row-report, a.way").evaluate_all("(all) => all.map((one) => one.href)")
    assert len(links) == 9
    assert f"{address}/exports/{run}.gpkg" in links
    for link in dict.fromkeys(links):
        assert page.request.get(link).status == 200, link
    assert sum("area=9902" in link for link in links) == 3


@pytest.mark.wide
def test_ways_on_from_a_public_view_are_public_views(desktop, address, town):
    where, page = f"{address}/coverage/{town.runs['green-300-500']}", desktop.page
    desktop.open(f"{where}/map?lang=en&view=public")
    page.wait_for_selector(".files a")
    links = page.locator(".files a, a.row-report, a.way").evaluate_all("(all) => all.map((one) => one.href)")
    assert len(links) == 9
    assert [link for link in links if "view=public" not in link] == []
    report = page.request.get(f"{where}/report?lang=en&view=public").text()
    assert '/map?lang=en&amp;view=public"' in report or '/map?lang=en&view=public"' in report
    assert '<input type="hidden" name="view" value="public">' in report
