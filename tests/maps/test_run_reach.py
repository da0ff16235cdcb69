"""A run's page shows where its facilities are entered and how far one walks from them."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.wide

SHOWN = """() => {
  const count = { entrances: 0, land: 0 };
  chengtuApp.map.eachLayer((layer) => {
    if (layer instanceof L.CircleMarker) count.entrances += 1;
    else if (layer instanceof L.Polygon) count.land += 1;
  });
  return count;
}"""


def test_entrances_and_the_service_area_are_drawn_when_they_are_wanted(desktop, address, town):
    desktop.open(f"{address}/coverage/{town.runs['green-300-500']}/map")
    page = desktop.page
    page.wait_for_selector(".reach input")
    assert page.evaluate(SHOWN) == {"entrances": 0, "land": 0}
    page.get_by_label("出入口").check()
    page.wait_for_function(f"() => ({SHOWN})().entrances > 0")
    told = page.locator(".reach small").first.inner_text()
    assert "实测出入口" in told or "由边界推得" in told
    page.get_by_label("步行服务范围").check()
    page.wait_for_function(f"() => ({SHOWN})().land > 0")
    page.get_by_label("出入口").uncheck()
    page.wait_for_function(f"() => ({SHOWN})().entrances === 0")


def test_entrances_follow_the_tier(desktop, address, town):
    desktop.open(f"{address}/coverage/{town.runs['green-300-500']}/map")
    page = desktop.page
    page.wait_for_selector(".reach input")
    page.get_by_label("出入口").check()
    page.wait_for_function(f"() => ({SHOWN})().entrances > 0")
    before = page.evaluate(SHOWN)["entrances"]
    page.get_by_role("radio", name="500米见园").click()
    page.wait_for_function(
        f"(before) => {{ const n = ({SHOWN})().entrances; return n > 0 && n < before; }}", arg=before
    )
    assert page.get_by_label("出入口").is_checked()
