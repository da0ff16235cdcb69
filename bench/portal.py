"""The portal on the sample city in a headless browser: first map, bytes before a touch, frames while dragged."""

from __future__ import annotations

from playwright.sync_api import Browser

from app import console
from app.sample.service import load
from bench import browsing
from bench.features_servers import ours
from bench.scratch import scratch
from bench.tools import table

PORTAL = "/map?lang=zh"
DRAWN = "window.chengtuApp && chengtu.settled(window.chengtuApp)"
ZOOMS = (13, 15, 17)


def run(*, peers: bool) -> None:  # noqa: ARG001 - as every benchmark is called
    """Print every figure beside its bar; the renderer that was not chosen is in `renderers`."""
    console.step("the sample city …")
    with scratch() as (settings, catalogue, db):
        load(db, catalogue, "city")
        with ours(settings) as server:
            tell(server.address)


def tell(address: str) -> None:
    """The same for a server that is running."""
    with browsing.browser() as opened:
        with browsing.visit(opened) as found:  # the server builds its tiles
            browsing.first_map_ms(found, address + PORTAL, DRAWN)
        table(
            "The portal on the sample city, 1440 x 900, drawn by the processor, nothing kept",
            _figures(opened, address),
        )


def _figures(opened: Browser, address: str) -> list[tuple[str, str]]:
    with browsing.visit(opened) as found:
        first = browsing.first_map_ms(found, address + PORTAL, DRAWN)
        found.page.wait_for_load_state("networkidle")
        html = found.page.evaluate("() => performance.getEntriesByType('navigation')[0].decodedBodySize")
        rows = [
            ("first map drawn", f"{first:.0f} ms (bar 2,000)"),
            (
                "over the wire before the first touch",
                f"{found.nbytes() / 1000:.0f} kB in {found.count()} (bar 1,500)",
            ),
            ("of it tiles", f"{found.nbytes('/tiles/') / 1000:.0f} kB in {found.count('/tiles/')}"),
            ("HTML", f"{html / 1000:.0f} kB (bar 1,000)"),
        ]
        rows += [_dragged(found, None), *(_dragged(found, zoom) for zoom in ZOOMS)]
        return [*rows, ("errors", "; ".join(found.problems) or "none")]


def _dragged(found: browsing.Visit, zoom: int | None) -> tuple[str, str]:
    if zoom is not None:
        found.page.evaluate(f"() => chengtuApp.map.setZoom({zoom}, {{ animate: false }})")
        found.page.wait_for_function(f"() => {DRAWN}")
    zoom = found.page.evaluate("() => chengtuApp.map.getZoom()")
    frames = browsing.drag(found.page)
    return (
        f"dragged at zoom {zoom}",
        f"{frames.rate:.0f} frames/s (bar 30), slowest 1 % {frames.slow_ms:.0f} ms",
    )
