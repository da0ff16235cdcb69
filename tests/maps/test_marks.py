"""Approval number or internal mark stand on every page; another host's basemap only where settings tell it in full."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from app.main import create_app
from app.maps.marks import CONTENT_SECURITY_POLICY, TIANDITU
from app.maps.standalone_service import write_map
from app.settings import Settings
from app.space.gcj02 import wgs84_to_gcj02
from tests.clones import opened
from tests.maps.conftest import ON_PAGE, served

TOKEN = "0123456789abcdef0123456789abcdef"
NUMBER = "赣S(2026)012号"
REASON = "局域网内的测试底图"
OTHER = {
    "basemap_url": "http://tiles.example.org/{z}/{x}/{y}.png",
    "basemap_reason": REASON,
    "basemap_attribution": "© Example",
    "basemap_title": "示例底图",
}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def images(policy: str) -> str:
    return next(part.strip() for part in policy.split(";") if part.strip().startswith("img-src"))


@pytest.mark.wide
def test_by_default_maps_are_internal_and_ask_nobody(town, address, desktop):
    for path in (
        f"/coverage/{town.runs['toilet-300']}/map?lang=zh",
        "/map/parks?lang=zh",
        "/?f=html&lang=zh",
    ):
        answer = desktop.page.goto(f"{address}{path}")
        desktop.page.wait_for_selector(".approval")
        assert desktop.page.locator(".approval").inner_text() == "内部使用"
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert desktop.page.locator(".basemaps").count() == 0
    scale, mark = (desktop.page.locator(name).bounding_box() for name in (".scale", ".approval"))
    assert mark["y"] > 800
    assert scale["x"] < mark["x"] < 720
    assert desktop.foreign == []


@pytest.fixture(scope="module")
def marked(town):
    given = {"map_approval": NUMBER, "tianditu_token": TOKEN, "tianditu_approval": "GS(2024)0000号", **OTHER}
    return Settings.model_validate({**town.settings.model_dump(by_alias=False), **given}, by_name=True)


def test_with_a_number_and_a_token_pages_say_so_and_allow_exactly_these_hosts(marked, town):
    with TestClient(create_app(marked)) as client:
        run = town.runs["toilet-300"]
        for path in (f"/coverage/{run}/map", "/map/parks", "/map", f"/coverage/compare/map?a={run}&b={run}"):
            page = client.get(
                path, params={"lang": "zh"} if "?" not in path else None, headers={"accept-language": "zh"}
            )
            assert page.status_code == 200
            allowed = images(page.headers["content-security-policy"])
            assert allowed == f"img-src 'self' data: blob: {TIANDITU} http://tiles.example.org"
            assert TOKEN not in page.text
        script = client.get(
            re.search(r'src="(/map/parks/page[^"]*)"', client.get("/map/parks").text)[1].replace("&amp;", "&")
        )
        assert f"审图号：{NUMBER}" in script.text
        assert "GS(2024)0000号" in script.text
        report = client.get(f"/coverage/{run}/report?lang=en")
        assert f"Map approval no.: {NUMBER}" in report.text
        assert TOKEN not in report.text


def test_a_file_bears_the_number_and_never_the_token(marked, catalogue, tmp_path):
    path = tmp_path / "parks.html"
    with opened(marked) as database:
        write_map(database, catalogue, "parks", path)
    text = path.read_text(encoding="utf-8")
    assert NUMBER in text
    assert TOKEN not in text
    assert TIANDITU not in text
    assert "example.org" not in text
    assert TOKEN not in repr(marked)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tianditu_token": TOKEN}, "CHENGTU_TIANDITU_APPROVAL"),
        ({"basemap_url": OTHER["basemap_url"]}, "CHENGTU_BASEMAP_REASON"),
        ({**OTHER, "basemap_url": "https://webrd01.is.autonavi.com/t?x={x}&y={y}&z={z}"}, "GCJ-02"),
        ({**OTHER, "basemap_url": "https://maponline0.bdimg.com/t?x={x}&y={y}&z={z}"}, "BD-09"),
        ({**OTHER, "basemap_url": "https://{s}.tile.example.org/{z}/{x}/{y}.png"}, "one host"),
        ({**OTHER, "basemap_url": "https://example.org/{z}/{x}.png"}, "{y}"),
        ({**OTHER, "basemap_url": "https://example.org; script-src */{z}/{x}/{y}"}, "one host"),
        ({**OTHER, "basemap_url": "javascript:alert({x}{y}{z})"}, "http"),
    ],
)
def test_a_basemap_that_is_not_told_in_full_or_would_lie_elsewhere_is_refused(given, said):
    with pytest.raises(ValidationError, match=re.escape(said)):
        Settings.model_validate(given, by_name=True)


def fulfilled(watched, asked):
    def answer(route) -> None:
        asked.append(route.request.url)
        route.fulfill(body=PIXEL, content_type="image/png", headers={"Access-Control-Allow-Origin": "*"})

    watched.page.route("http://tiles.example.org/**", answer)


@pytest.mark.wide
def test_a_basemap_is_asked_for_only_once_it_is_switched_on(town, marked, desktop, catalogue):
    asked: list[str] = []
    fulfilled(desktop, asked)
    run = town.runs["toilet-300"]
    with served(marked) as where:
        page = desktop.page
        desktop.page.goto(f"{where}/coverage/{run}/map?lang=zh")
        page.wait_for_selector(".basemaps input")
        assert desktop.foreign == []
        page.get_by_label("示例底图").check()
        page.wait_for_function(
            "() => document.querySelectorAll('.leaflet-basemap-pane .leaflet-tile-loaded').length > 3"
        )
        assert asked
        assert all(url.startswith("http://tiles.example.org/") for url in desktop.foreign)
        assert "© Example" in page.locator(".sources").inner_text()
        assert REASON in page.locator(".basemaps").inner_text()
        assert "base=other" in page.url
        page.get_by_label("本市底图").check()
        assert page.locator(".leaflet-basemap-pane img").count() == 0
        assert "© Example" not in page.locator(".sources").inner_text()


#: The world pixel of a basemap's tiles that is drawn at the middle of the window, and the place shown there.
MIDDLE = """() => {
  const map = chengtuApp.map, middle = map.getSize().divideBy(2), { x, y } = ON_PAGE(middle);
  const at = map.containerPointToLatLng(middle);
  for (const image of document.querySelectorAll('.leaflet-basemap-pane img')) {
    const box = image.getBoundingClientRect();
    if (x < box.left || x >= box.right || y < box.top || y >= box.bottom) continue;
    const [, z, column, row] = /(\\d+)\\/(\\d+)\\/(\\d+)\\.png/.exec(image.src).map(Number);
    return { z, x: column * 256 + x - box.left, y: row * 256 + y - box.top, lat: at.lat, lng: at.lng };
  }
  return null;
}""".replace("ON_PAGE", ON_PAGE)


@pytest.mark.wide
def test_tiles_in_gcj02_are_moved_to_where_they_belong(town, marked, desktop):
    fulfilled(desktop, [])
    shifted = marked.model_copy(update={"basemap_crs": "gcj02"})
    with served(shifted) as where:
        page = desktop.page
        page.goto(
            f"{where}/coverage/{town.runs['toilet-300']}/map?lang=zh#16/28.685/115.87&&base=other",
            wait_until="commit",
        )
        page.wait_for_selector(".basemaps input")
        assert "GCJ-02" in page.locator(".basemaps").inner_text()
        assert "GCJ-02" in page.locator(".sources").inner_text()
        page.wait_for_function(f"() => ({MIDDLE})() !== null")
        found = page.evaluate(MIDDLE)
    lon, lat = (
        float(value[0]) for value in wgs84_to_gcj02(np.array([found["lng"]]), np.array([found["lat"]]))
    )
    size = 256 * 2 ** found["z"]
    x = (lon / 360 + 0.5) * size
    y = (0.5 - np.log(np.tan(np.pi / 4 + np.radians(lat) / 2)) / (2 * np.pi)) * size
    assert abs(x - found["x"]) < 1.5
    assert abs(y - found["y"]) < 1.5
