"""The landing page: coverage first, nothing cut off on a phone, and another day's page says of when coverage is."""

from __future__ import annotations

import pytest


def test_coverage_comes_first_and_fits_a_phone(browser, address):
    with browser.new_context(viewport={"width": 360, "height": 640}) as context:
        page = context.new_page()
        page.goto(f"{address}/overview?lang=en")
        headings = page.locator("h2").all_inner_texts()
        assert headings[0].startswith("Coverage")
        assert headings[1].startswith("What there is")
        table = page.locator(".table").first
        assert table.evaluate("(box) => box.scrollWidth <= box.clientWidth")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        cell = table.locator("td.share").first
        assert cell.evaluate("(td) => getComputedStyle(td, '::before').content") == '"People, straight"'
        assert "as of today" not in headings[0]
        page.goto(f"{address}/overview?lang=en&as_of=2015-12-31")
        assert "as of today, not of 2015-12-31" in page.locator("h2").first.inner_text()


@pytest.mark.wide
def test_the_whole_city_is_offered_as_files_of_the_day_that_is_shown(browser, address):
    with browser.new_context(viewport={"width": 360, "height": 640}) as context:
        page = context.new_page()
        for where, when in (
            ("overview?", ""),
            ("overview?", "&as_of=2020-12-31"),
            ("collections?f=html&", ""),
        ):
            page.goto(f"{address}/{where}lang=en{when}")
            files = page.locator("#take-away [download]").evaluate_all("(all) => all.map((one) => one.href)")
            assert len(files) == 7
            assert all(when.strip("&") in link for link in files)
            for link in [link for link in files if "qgz" in link]:
                assert page.request.get(link).status == 200, link
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
