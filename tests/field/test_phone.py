"""The phone page in Chromium at 360 × 640: what is near, a report with a photo, no signal, a conflict, sunlight."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from app.space.gcj02 import bd09_to_gcj02, gcj02_to_wgs84
from tests.field.conftest import DISTRICT, Field, jpeg, send
from tests.field.test_photos import exif_of_a_phone
from tests.maps.conftest import PHONE, Watched, served, watched_page

#: A text → the place that it names, or null.
READ = (
    "(text) => { const [one] = chengtu.parseCoordinates(text, {lat: 28.7, lng: 115.8}); "
    "return one ? [one.lon, one.lat] : null; }"
)
#: One place as people write it.
SAME = (
    "115.8612, 28.6803", "28.6803 115.8612", "28°40′49.08″N 115°51′40.32″E", "东经115.8612，北纬28.6803",
    "E115.8612 N28.6803", "28.6803N115.8612E",
)  # fmt: skip
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(field: Field) -> Iterator[str]:
    with served(field.settings) as where:
        yield where


@pytest.fixture(scope="module")
def place(field: Field) -> tuple[float, float]:
    """Where a toilet stands."""
    item, _ = field.toilet()
    rows = field.here.get(f"/field/features.json?collection=toilets&area={DISTRICT}").json()["features"]
    lon, lat = next(one["at"] for one in rows if one["id"] == item)
    return lon, lat


@contextmanager
def opened_page(
    browser: Browser, address: str, place: tuple[float, float], path: str = "/field"
) -> Iterator[Watched]:
    where = {"longitude": place[0], "latitude": place[1], "accuracy": 8}
    phone = {
        "viewport": PHONE,
        "has_touch": True,
        "is_mobile": True,
        "permissions": ["geolocation"],
        "geolocation": where,
    }
    with watched_page(browser, **phone) as watched:
        watched.page.goto(f"{address}{path}")
        expect(watched.page.locator(".near-head h2")).to_have_text(re.compile("我|from me"))
        expect(watched.page.locator(".row").first).to_be_visible()
        yield watched


def ready(page: Page) -> None:
    """The service worker is in place."""
    page.wait_for_function("() => window.chengtuField.lasting")


def waiting(page: Page) -> int:
    return int(page.evaluate("() => chengtu.field.keep.queue().then((found) => found.length)"))


def test_it_opens_on_what_is_near_and_asks_no_other_host(browser, address, place):
    with opened_page(browser, address, place) as watched:
        page = watched.page
        metres = page.locator(".row .metres").all_inner_texts()
        near = [float(re.sub(r"[^\d.]", "", text)) * (1000 if "公里" in text else 1) for text in metres]
        assert near == sorted(near)
        assert near[0] < 30
        assert re.fullmatch(r"\d+ (米|公里)", page.inner_text(".leaflet-control-scale"))
        assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
        small = page.evaluate(
            "() => [...document.querySelectorAll('button')].filter((b) => b.offsetParent && "
            "Math.min(b.offsetHeight, b.offsetWidth) < 32).map((b) => b.className + b.textContent)"
        )
        assert small == []
        watched.clean()


def packed_bytes(url: str) -> int:
    """What a browser is sent of an address, packed."""
    asked = urllib.request.Request(url, headers={"Accept-Encoding": "gzip", "Accept": "text/html"})
    with urllib.request.urlopen(asked, timeout=30) as reply:
        return len(reply.read())


@pytest.mark.wide
def test_first_map_weighs_less_than_200_kb_beside_its_tiles(browser, address):
    with watched_page(browser, viewport=PHONE, is_mobile=True, has_touch=True) as watched:
        watched.page.goto(f"{address}/field")
        expect(watched.page.locator(".row").first).to_be_visible()
        watched.page.wait_for_load_state("networkidle")
        asked = {url for url in watched.requests if url.startswith("http")}
    tiles = {url for url in asked if "/tiles/" in url}
    assert tiles
    assert any("/field/app.js" in url for url in asked)
    assert 50_000 < sum(map(packed_bytes, asked - tiles)) < 200_000


def test_a_report_with_a_photo_reaches_the_history(browser, address, place, field, tmp_path):
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(jpeg((1800, 1350), exif_of_a_phone()))
    item, _ = field.toilet()
    with opened_page(browser, address, place) as watched:
        page = watched.page
        page.locator(f"[data-key='toilets:{item}']").click()
        page.get_by_role("button", name="破损").click()
        page.get_by_role("textbox").fill("<img src=x onerror=window.ran=1>")
        page.locator("#photo-file").set_input_files(picture)
        expect(page.locator(".preview img")).to_be_visible()
        page.get_by_role("button", name="发送").click()
        expect(page.locator(f"[data-key='toilets:{item}'] .badge")).to_have_text("破损")
        expect(page.locator(".toast")).to_have_text("已发送。")
        page.locator(f"[data-key='toilets:{item}']").click()
        expect(page.locator(".photos img")).to_be_visible()
        expect(page.locator(".reports")).to_contain_text("<img src=x")
        watched.clean()
    photo = field.here.get(f"/field/toilets/{item}.json").json()["photos"][0]
    assert photo["position"] == pytest.approx([115.86, 28.68])
    assert photo["taken_at"].startswith("2026-05-04T00:30:00")
    assert 640 <= max(photo["width"], photo["height"]) <= 1600


@pytest.mark.wide
def test_an_assessor_scores_what_stands_there_and_reads_it_again(browser, address, place, field):
    with opened_page(browser, address, place) as watched:
        page = watched.page
        page.locator(".row").first.click()
        page.get_by_text("测评", exact=True).click()
        form = page.locator("form.assess")
        form.get_by_role("button", name="提交测评").click()
        expect(form.locator("[role=status]")).to_have_text("请填写得分并选择结论。")
        form.locator("input[name=score]").fill("35")
        form.get_by_role("button", name="有问题").click()
        form.locator("textarea").fill("门坏了 <b>")
        form.get_by_role("button", name="提交测评").click()
        told = page.locator(".assessments .assessed li").first
        expect(told).to_contain_text("35 分 · 有问题")
        expect(told).to_contain_text("门坏了 <b>")
        expect(form).to_have_count(0)
        watched.clean()
    found = field.here.get("/assessments").json()["assessments"]
    assert [(one["score"], one["verdict"], one["note"]) for one in found] == [(35, "fault", "门坏了 <b>")]
    assert found[0]["position"] == pytest.approx(place, abs=1e-6)


def test_without_signal_a_report_waits_and_is_sent_once(browser, address, place, field):
    item, _ = field.toilet()
    with opened_page(browser, address, place) as watched:
        page, sent = watched.page, []
        page.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
        page.context.set_offline(True)
        page.locator(f"[data-key='toilets:{item}']").click()
        page.get_by_role("button", name="停用").click()
        page.get_by_role("button", name="发送").click()
        expect(page.locator(".queue-button")).to_have_text("待发送 1")
        expect(page.locator(f"[data-key='toilets:{item}'] .badge")).to_have_text("停用")
        before = len(field.here.get(f"/field/toilets/{item}.json").json()["reports"])
        page.context.set_offline(False)
        expect(page.locator(".queue-button")).to_be_hidden()
        assert len(field.here.get(f"/field/toilets/{item}.json").json()["reports"]) == before + 1
        assert waiting(page) == 0


@pytest.mark.wide
def test_somebody_else_was_faster_and_both_values_are_shown(browser, address, place, field):
    item, _ = field.toilet()
    with opened_page(browser, address, place) as watched:
        page = watched.page
        page.context.set_offline(True)
        page.locator(f"[data-key='toilets:{item}']").click()
        page.get_by_role("button", name="丢失").click()
        page.get_by_role("button", name="发送").click()
        expect(page.locator(".queue-button")).to_have_text("待发送 1")
        assert (
            send(field.here, item, field.toilet()[1], {"state": "in_service", "note": "已修好"}).status_code
            == 201
        )
        page.context.set_offline(False)
        both = page.locator(".both tbody tr").first
        expect(both).to_contain_text("丢失")
        expect(both).to_contain_text("正常")
        expect(page.locator(".both")).to_contain_text("已修好")
        card = field.here.get(f"/field/toilets/{item}.json").json()
        assert card["state"] == "in_service"
        page.get_by_role("button", name="仍用我的").click()
        expect(page.locator(".queue-button")).to_be_hidden()
        assert field.here.get(f"/field/toilets/{item}.json").json()["state"] == "missing"


@pytest.mark.wide
def test_a_kept_area_opens_without_signal(browser, address, place):
    with opened_page(browser, address, place, f"/field?area={DISTRICT}") as watched:
        page = watched.page
        ready(page)
        page.get_by_role("button", name="更多").click()
        page.get_by_role("button", name="离线保存本区").click()
        expect(page.locator(".sheet [role=status]")).to_contain_text(
            re.compile(r"约 [\d.]+ MB：\d+ 块地图、[\d,]+ 处设施")
        )
        page.get_by_role("button", name="保存到手机").click()
        expect(page.locator(".sheet [role=status]")).to_contain_text("可离线使用", timeout=60_000)
        kept = page.evaluate("() => chengtu.field.keep.features().then((found) => found.length)")
        page.context.set_offline(True)
        page.reload()
        expect(page.locator(".signal")).to_have_text("无信号：显示已保存的数据")
        expect(page.locator(".row").first).to_be_visible()
        assert kept > 100
        painted = page.evaluate(
            "() => [...document.querySelectorAll('.leaflet-tile-pane canvas')].some((node) => new Set(node"
            ".getContext('2d').getImageData(0, 0, node.width, node.height).data.filter((_, i) => i % 401 === 0))"
            ".size > 20)"
        )
        assert painted
        page.context.set_offline(False)


@pytest.mark.wide
def test_coordinates_ask_where_they_come_from(browser, address, place):
    lon, lat = 115.8612, 28.6803
    with opened_page(browser, address, place) as watched:
        page = watched.page
        for source, expected in (
            ("gcj02", gcj02_to_wgs84(np.array([lon]), np.array([lat]))),
            ("bd09", gcj02_to_wgs84(*bd09_to_gcj02(np.array([lon]), np.array([lat])))),
            ("wgs84", (np.array([lon]), np.array([lat]))),
        ):
            found = page.evaluate(
                "([lon, lat, source]) => chengtu.toWgs84(lon, lat, source)", [lon, lat, source]
            )
            assert found == pytest.approx([expected[0][0], expected[1][0]], abs=1e-9)
        for text in SAME:
            told = page.evaluate(READ, text)
            assert told == pytest.approx([lon, lat], abs=1e-6), text
        for text in ("", "here", "115.8612", "200, 300", "1, 2, 3"):
            assert page.evaluate(READ, text) is None
        page.get_by_role("button", name="更多").click()
        page.get_by_role("button", name="输入坐标").click()
        page.get_by_label("坐标", exact=True).fill(f"{lon}, {lat}")
        page.get_by_role("button", name="定位").click()
        # Nothing is chosen for the person: the form waits.
        assert page.locator(".sheet").is_visible()
        page.get_by_label("高德 / 腾讯地图").check()
        page.get_by_role("button", name="定位").click()
        expect(page.locator(".near-head h2")).to_have_text("按所输位置排列")
        watched.clean()


@pytest.mark.wide
def test_in_english_nothing_is_left_in_chinese_but_the_data(browser, address, place):
    with opened_page(browser, address, place, "/field?lang=en") as watched:
        page = watched.page
        names = page.evaluate(
            "() => chengtu.field && [...Object.values(chengtu.field.t)].filter((v) => typeof v === 'string')"
        )
        assert [name for name in names if re.search("[\u4e00-\u9fff]", name)] == ["中文"]
        page.get_by_role("button", name="More").click()
        expect(page.get_by_role("link", name="中文")).to_be_visible()
        page.get_by_role("button", name="High contrast (sunlight)").click()
        expect(page.locator("body")).to_have_class(re.compile("contrast"))
        page.keyboard.press("Tab")
        watched.clean()


@pytest.mark.wide
def test_the_picture_on_the_map_is_not_empty(browser, address, place, tmp_path):
    with opened_page(browser, address, place) as watched:
        watched.page.wait_for_load_state("networkidle")
        shot = tmp_path / "map.png"
        watched.page.locator("#field-map").screenshot(path=shot)
        colours = Image.open(shot).convert("RGB").getcolors(1 << 20)
        assert colours is not None
        assert len(colours) > 100


def test_features_of_no_class_are_not_there(field):
    for name in ("", ",", "nope"):
        assert field.here.get("/field/features.json", params={"collection": name}).status_code == 404
