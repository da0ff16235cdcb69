"""The pages of imports in a real browser: on a phone nothing is cut off, and no name in a file is run."""

from __future__ import annotations

import pytest

from tests.clones import clone, opened
from tests.importing import import_path
from tests.maps.conftest import PHONE, served, watched_page

NASTY = "<img src=x onerror=window.ran=1>"


@pytest.fixture(scope="module")
def hostile(cluster_settings, template, catalogue, tmp_path_factory):
    """An import of a file with markup in its name, headings, cells and origin; the addresses of its pages."""
    path = tmp_path_factory.mktemp("hostile") / f"toilets {NASTY.replace('/', '')}.csv"
    head = f'code,name,lon,lat,"{NASTY}","<script>window.ran=1</script>"\n'
    rows = f'a,甲,115.8,28.6,x,y\nb,乙,"{NASTY}",28.6,x,y\n"{NASTY}",丙,999,28.6,x,y\n'
    path.write_text(head + rows, encoding="utf-8")
    with clone(cluster_settings, template) as settings, opened(settings) as database:
        report = import_path(database, catalogue, path, class_id="toilets", who=NASTY)["files"][0]
        with served(settings) as address:
            yield [f"{address}/imports?f=html", f"{address}/imports/{report['import']}?f=html"]


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_pages_of_imports_run_nothing_and_fit_a_phone(browser, hostile, lang):
    with watched_page(browser, viewport=PHONE, is_mobile=True) as watched:
        for address in hostile:
            watched.page.goto(f"{address}&lang={lang}")
            watched.page.wait_for_load_state("networkidle")
            assert NASTY in watched.page.locator("main").inner_text()
            width = watched.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
            assert width[0] <= width[1]
            watched.clean()
            boxes = "e => e.scrollWidth <= e.clientWidth + 1"
            assert all(box.evaluate(boxes) for box in watched.page.locator(".table").all())
        assert watched.page.locator(".reasons li").count() >= 2
