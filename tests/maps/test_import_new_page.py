"""The page on which a file is brought in, driven as a person does: look, say, try, load, mend, take back."""

from __future__ import annotations

import io
from collections.abc import Iterator

import openpyxl
import pytest

from tests.clones import clone, opened
from tests.importing import own_home, working
from tests.maps.conftest import DESKTOP, PHONE, served, watched_page

NASTY = "<img src=x onerror=window.ran=1>"
MARKS = "<script>window.ran=2</script>'\"&`${window.ran=3}\u202e"
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(cluster_settings, town_template, tmp_path_factory) -> Iterator[str]:
    """A server of the sample town with a worker, over a data folder of its own."""
    with clone(cluster_settings, town_template) as settings, opened(settings):
        own = own_home(settings, tmp_path_factory.mktemp("home"))
        with working(own), served(own) as where:
            yield where


def write(folder, name: str, rows: list[str]):
    path = folder / name
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def open_with(watched, address: str, path, lang: str = "zh") -> None:
    reply = watched.page.goto(f"{address}/imports/new?lang={lang}")
    assert reply is not None
    assert reply.status == 200, reply.text()
    watched.page.set_input_files("#file", path)
    watched.page.wait_for_selector("#step-load")


def press(page, number: int) -> None:
    """Try (0) or load (1), and wait for what comes of it."""
    page.locator("#step-load ~ .buttons button").nth(number).click()
    page.wait_for_selector("#result-title")


@pytest.mark.wide
def test_a_far_row_does_not_make_the_city_a_speck(browser, address, tmp_path):
    rows = [
        "编号,名称,经度,纬度",
        "N1,近一厕,115.861,28.681",
        "N2,近二厕,115.858,28.679",
        "N3,远厕,15.8,28.6",
    ]
    with watched_page(browser, viewport=DESKTOP) as watched:
        open_with(watched, address, write(tmp_path, "far.csv", rows))
        watched.page.select_option("#layer-0-class", "toilets")
        spread = """() => { const at = [...document.querySelectorAll('.import-map path.leaflet-interactive')]
          .map((one) => one.getBoundingClientRect()).filter(({ width }) => width > 0 && width < 20).map(({ x }) => x);
          return at.length > 1 && Math.max(...at) - Math.min(...at) > 40; }"""
        watched.page.wait_for_function(spread)
        watched.clean()


@pytest.mark.wide
def test_from_a_file_to_the_map_and_back(browser, address, tmp_path):
    rows = [
        "资产,名称,经度,纬度,占地,等级",
        "Z1,新一厕,115.8651,28.6832,120,一类",
        "Z2,新二厕,115.8660,28.6855,80,七类",
    ]
    path = write(tmp_path, "table.csv", rows)
    with watched_page(browser, viewport=DESKTOP, accept_downloads=True) as watched:
        page = watched.page
        open_with(watched, address, path)
        # What the file does not say is asked for, and nothing can be loaded until it is said.
        assert page.locator("#step-load ~ .buttons button").nth(1).is_disabled()
        page.select_option("#layer-0-class", "toilets")
        page.wait_for_selector(".import-map path.leaflet-interactive")
        assert "UTF-8" in page.locator(".evidence").inner_text()
        page.select_option("#layer-0-column-0", "key")
        page.wait_for_function("document.getElementById('layer-0-column-0').value === 'key'")
        page.wait_for_selector(".busy", state="detached")
        page.select_option("#layer-0-column-4", "field:floor_area_m2")
        page.wait_for_selector("#layer-0-unit-4")
        press(page, 0)
        assert page.locator("#result-title").inner_text().startswith("试运行结果")
        assert "不在可用的值之内" in page.locator(".report").inner_text()
        press(page, 1)
        assert page.locator("#result-title").inner_text() == "导入完成"
        with page.expect_download() as download:
            page.click("text=下载被拒绝的行")
        sheet = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes())).worksheets[0]
        head, row = list(sheet.iter_rows(values_only=True))
        assert head[-4:] == ("被拒行号", "被拒字段", "拒绝原因", "处理办法")
        assert (row[0], row[-4], row[-2]) == ("Z2", 3, "不在可用的值之内")
        page.click("text=撤回此次导入")
        page.wait_for_selector("dialog[open]")
        with page.expect_navigation():
            page.click("dialog .danger")
        assert "已撤回" in page.locator("h1").inner_text()
        watched.clean()


@pytest.mark.wide
def test_mended_rows_of_the_sheet_are_taken(browser, address, tmp_path):
    """The sheet of refused rows is itself a file that can be brought in."""
    book = openpyxl.Workbook()
    book.active.title = "toilets"
    for row in (
        ("编号", "名称", "经度", "纬度", "被拒行号", "被拒字段", "拒绝原因", "处理办法"),
        ("M1", "修正厕", 115.866, 28.685, 3, "等级", "不在可用的值之内", ""),
    ):
        book.active.append(row)
    path = tmp_path / "toilets.rejected.xlsx"
    book.save(path)
    with watched_page(browser, viewport=DESKTOP) as watched:
        open_with(watched, address, path, "en")
        press(watched.page, 0)
        cells = watched.page.locator(".report tbody tr").first.inner_text().split()
        assert cells[-6:] == ["1", "1", "0", "0", "0", "0"]
        watched.clean()


@pytest.mark.wide
def test_it_works_by_keyboard_on_a_phone_and_runs_nothing_of_the_file(browser, address, tmp_path):
    rows = [f'编号,名称,经度,纬度,"{NASTY}"', f'"{NASTY}","{MARKS.replace(chr(34), chr(34) * 2)}",115.8651,28.6832,x',
            f"H2,乙,{NASTY},28.6,y"]  # fmt: skip
    path = write(tmp_path, f"toilets {NASTY.replace('/', '')}.csv", rows)
    with watched_page(browser, viewport=PHONE, is_mobile=True, has_touch=True) as watched:
        page = watched.page
        open_with(watched, address, path, "en")
        if page.locator("#layer-0-class").input_value() != "toilets":
            page.select_option("#layer-0-class", "toilets")
        page.wait_for_selector(".import-map path.leaflet-interactive")
        page.locator("#step-load ~ .buttons button").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("#result-title")
        assert NASTY in page.locator("#import-app").inner_text()
        width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1]
        # Every control has a name that a screen reader says.
        bare = "e => !(e.labels && e.labels.length) && !e.getAttribute('aria-label')"
        assert not any(
            one.evaluate(bare) for one in page.locator("#import-app select, #import-app input").all()
        )
        watched.clean()
