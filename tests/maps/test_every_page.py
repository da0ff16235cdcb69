"""Every page in a browser, on a wall screen and on a phone: nothing fails, nothing leaves, anybody can use it.

The rules of use are those of WCAG 2.1 A and AA as axe-core checks them: names of controls, contrast, order of headings.
"""

from __future__ import annotations

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser

from tests.maps.conftest import DESKTOP, PHONE, Town, Watched, watched_page
from tests.width import few

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
PAGES = (
    "/",
    "/map/toilets",
    "/overview",
    "/collections",
    "/collections/toilets",
    "/collections/toilets/items",
    "/collections/toilets/items/1",
    "/collections/toilets/items/1/history",
    "/collections/toilets/schema",
    "/collections/toilets/queryables",
    "/conformance",
    "/summary",
    "/completeness",
    "/areas/check",
    "/search?q=a",
    "/changes",
    "/imports",
    "/imports/new",
    "/policies",
    "/policies/green-300-500",
    "/coverage",
    "/coverage/{run}",
    "/coverage/{run}/map",
    "/coverage/{run}/report",
    "/tiles",
    "/collections/toilets/tiles",
    "/docs",
    "/field",
    "/nowhere",
)
BROKEN = """async (rules) => (await axe.run(rules)).violations
  .flatMap((one) => one.nodes.slice(0, 3).map((node) => `${one.id}: ${node.html.slice(0, 160)}`))"""
#: Pages whose elements a library draws.
OTHERS = {"/docs"}
EXPECTED = {"/nowhere": 404}
# zh on the wall screen, en on the phone: each page in both languages and both sizes would take twice as long
SCREENS = {
    "wall": {"viewport": DESKTOP, "locale": "zh-CN", "reduced_motion": "no-preference"},
    "phone": {"viewport": PHONE, "locale": "en-GB", "has_touch": True, "is_mobile": True},
}


def address_of(page: str, run: str, lang: str) -> str:
    path = page.replace("{run}", run)
    return f"{path}{'&' if '?' in path else '?'}lang={lang}"


#: Pages that `make test` looks at on a wall screen as well: the one most people have there, and one that is printed.
LAID_OUT = ("/", "/coverage/{run}/report")
#: Pages that are laid out as others are, or have tests of their own.
ALIKE = {
    "/collections",
    "/docs",
    "/areas/check",
    "/field",
    "/collections/toilets",
    "/collections/toilets/items/1/history",
    "/collections/toilets/schema",
    "/collections/toilets/queryables",
    "/conformance",
    "/search?q=a",
    "/changes",
    "/policies/green-300-500",
    "/collections/toilets/tiles",
    "/tiles",
    "/imports",
    "/coverage",
    "/policies",
    "/completeness",
}
CASES = few(
    [(screen, page) for screen in SCREENS for page in PAGES],
    [*(("phone", page) for page in PAGES if page not in ALIKE), *(("wall", page) for page in LAID_OUT)],
)


@pytest.fixture(scope="module")
def screen(request, browser: Browser):
    """One context a screen: later pages find the scripts that earlier ones loaded, as a person's would."""
    with watched_page(browser, **SCREENS[request.param]) as watched:
        watched.lang = SCREENS[request.param]["locale"][:2]
        yield watched


def broken_rules(watched: Watched) -> list[str]:
    """What axe finds: read into a document once, and asked for its findings alone, not for all that it looked at."""
    if not watched.page.evaluate("() => Boolean(window.axe && axe.run)"):
        watched.page.evaluate(AXE_SCRIPT)
    return watched.page.evaluate(BROKEN, RULES)


@pytest.mark.parametrize(("screen", "page"), CASES, indirect=["screen"])
def test_page(screen: Watched, address: str, town: Town, page: str) -> None:
    screen.problems.clear()
    answer = screen.page.goto(address + address_of(page, town.runs["green-300-500"], screen.lang))
    screen.page.wait_for_load_state("networkidle")
    assert answer is not None
    assert answer.status == EXPECTED.get(page, 200)
    assert answer.headers["content-type"].startswith("text/html")
    assert screen.page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[screen.lang]
    width, shown = screen.page.evaluate(
        "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert width <= shown, "the page is wider than the screen"
    if page not in OTHERS:
        assert broken_rules(screen) == []
    if page not in EXPECTED:
        assert screen.problems == []
    assert screen.foreign == []
