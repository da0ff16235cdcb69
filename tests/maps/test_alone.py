"""The browser of the tests reaches nothing but loopback's first address, and what a page asks of others is noted."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Error

from tests.maps.conftest import tab

pytestmark = pytest.mark.browser


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A server that answers, at another address of this machine: without the guard a page would get its text."""
    with http.server.ThreadingHTTPServer(("127.0.0.2", 0), http.server.SimpleHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.2:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["example.org", "localhost", "127.0.0.2"])
def test_no_other_host_is_found(desktop, elsewhere, name):
    asked = elsewhere.replace("127.0.0.2", name)
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        desktop.page.goto(asked)
    assert desktop.foreign == [asked]


@pytest.mark.wide
def test_what_a_page_asks_of_others_is_noted_and_is_not_clean(desktop, address, elsewhere):
    desktop.page.goto(f"{address}/overview")
    desktop.clean()
    # The pages' policy forbids them to ask others; a page of nobody's has none.
    desktop.page.goto("about:blank")
    failed = desktop.page.evaluate(
        "(url) => fetch(url, {mode: 'no-cors'}).then(() => 'came', (error) => error.name)", elsewhere
    )
    assert failed == "TypeError"
    assert desktop.foreign == [elsewhere]
    with pytest.raises(AssertionError):
        desktop.clean()


@pytest.mark.wide
def test_pages_of_two_tests_share_no_memory_but_files(desk, address):
    """The shared context: what a page keeps is gone for the next one, what it fetched is not."""
    for _ in range(2):
        with tab(desk) as watched:
            page = watched.page
            watched.open(f"{address}/map")
            assert page.evaluate("() => [document.cookie, localStorage.length]") == ["", 0]
            page.evaluate("() => { document.cookie = 'a=b'; localStorage.setItem('a', 'b'); }")
            moved = page.evaluate(
                "() => performance.getEntriesByType('resource').filter((one) => one.transferSize > 0).length"
            )
    assert moved == 0
