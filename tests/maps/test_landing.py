"""The landing page: coverage first, nothing cut off on a phone, and another day's page says of when coverage is."""

from __future__ import annotations


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
