"""The pages of getting in, in a browser without scripts, at the width of a phone and of a desk."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from app.settings import Settings
from app.web import assets
from tests.access.entrance import PASSWORD, Door, door
from tests.width import few

pytestmark = pytest.mark.browser
WIDTHS = {"phone": 390, "desk": 1280}


@pytest.fixture(scope="module")
def served(cluster_settings: Settings, town_template: str) -> Iterator[tuple[Door, str]]:
    assets.fetch()
    more = {
        "oidc_issuer": "https://login.example.org",
        "oidc_client_id": "chengtu",
        "oidc_title": "政务统一认证",
    }
    with (
        door(cluster_settings, town_template, **more) as made,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        server = uvicorn.Server(uvicorn.Config(made.app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield made, f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.force_exit = server.should_exit = True
        thread.join()


def check(page: Page, name: str) -> None:
    """Nothing is wider than the window. `CHENGTU_SHOTS` names a folder for pictures."""
    if folder := os.environ.get("CHENGTU_SHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": WIDTHS[request.param], "height": 800}, java_script_enabled=False, bypass_csp=True
    )
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("page", "width", "lang"),
    few(
        [(one, one, lang) for one in sorted(WIDTHS) for lang in ("zh", "en")],
        [("phone", "phone", "en")],
    ),
    indirect=["page"],
)
def test_people_are_let_in_by_forms_alone(page: Page, served: tuple[Door, str], width: str, lang: str):
    _, address = served
    name = f"sun-{width}-{lang}"
    page.goto(f"{address}/users?lang={lang}")
    assert "/login" in page.url
    page.goto(f"{page.url}&lang={lang}")
    page.fill("[name=name]", "zhou")
    page.fill("[name=password]", "wrong")
    page.click("button[type=submit]")
    page.wait_for_selector("[role=alert]")
    check(page, f"login-{width}-{lang}")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/users?**")
    form = page.locator("form[action^='/users?']")
    form.locator("[name=name]").fill(name)
    form.locator("[name=role]").select_option("editor")
    form.locator("[name=area]").select_option("990201")
    form.locator("button").click()
    password = page.locator("code.secret").inner_text()
    keys = page.locator("form[action^='/users/keys?']")
    keys.locator("[name=name]").fill("feed")
    keys.locator("button").click()
    assert page.locator("code.secret").inner_text().startswith("ck_")
    page.locator("section.person summary").first.click()
    check(page, f"users-{width}-{lang}")
    page.goto(f"{address}/me?f=html&lang={lang}")
    page.click("form[action='/logout'] button")
    assert page.url.endswith("/login")

    page.goto(f"{address}/login?lang={lang}")
    page.fill("[name=name]", name)
    page.fill("[name=password]", password)
    page.click("button[type=submit]")
    page.goto(f"{address}/me?f=html&lang={lang}")
    check(page, f"once-{width}-{lang}")
    page.fill("[name=old]", password)
    page.fill("[name=new]", "fünf Worte sind genug")
    page.fill("[name=again]", "fünf Worte sind genug")
    page.click("form[action^='/me/password'] button")
    page.wait_for_selector("[role=status]")
    page.goto(f"{address}/me?f=html&lang={lang}")
    check(page, f"me-{width}-{lang}")
    page.goto(f"{address}/collections?f=html&lang={lang}")
    assert page.locator("h1").count() == 1


@pytest.mark.wide
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_everybody_can_use_them(browser: Browser, served: tuple[Door, str], lang: str):
    _, address = served
    context = browser.new_context(bypass_csp=True)
    context.set_default_timeout(15_000)
    try:
        page = context.new_page()
        page.goto(f"{address}/login?lang={lang}")
        pages = [page.url, f"{address}/users?f=html&lang={lang}", f"{address}/me?f=html&lang={lang}"]
        for path in pages:
            page.goto(path)
            if path == pages[1]:
                page.locator("section.person summary").first.click()
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            if path == pages[0]:
                page.fill("[name=name]", "zhou")
                page.fill("[name=password]", PASSWORD)
                page.click("button[type=submit]")
                page.wait_for_load_state()
    finally:
        context.close()
