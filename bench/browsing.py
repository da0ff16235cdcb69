"""A headless browser for benchmarks of pages: bytes over the wire, time to the first map, frames while dragged."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
#: Drawn by the processor; WebGL too, where a page needs it.
PLAIN = ("--no-sandbox", "--disable-gpu")
WEBGL = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 640}
#: Drags of the map, each of so many steps of (x, y) pixels.
DRAGS, STEPS, STEP = 3, 50, (10, 6)
FRAMES = """() => {
  window.benchFrames = [];
  const next = (at) => { window.benchFrames.push(at); window.benchNext = requestAnimationFrame(next); };
  window.benchNext = requestAnimationFrame(next);
}"""


@contextmanager
def browser(arguments: Sequence[str] = PLAIN) -> Iterator[Browser]:
    """Chromium without a window, everything drawn by the processor."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(arguments))
        try:
            yield started
        finally:
            started.close()


@dataclass
class Visit:
    """An open page, with what came over the wire until now and everything that went wrong."""

    page: Page
    cdp: CDPSession
    sizes: dict[str, int] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def nbytes(self, part: str = "") -> int:
        """Bytes of the answers whose address holds `part`, heads included, as they came over the wire."""
        return sum(size for key, size in self.sizes.items() if part in self.addresses.get(key, ""))

    def count(self, part: str = "") -> int:
        """Answers whose address holds `part`."""
        return sum(part in self.addresses.get(key, "") for key in self.sizes)


@contextmanager
def visit(opened: Browser, *, phone: bool = False, slower: float = 1) -> Iterator[Visit]:
    """A new visitor without anything kept; `slower` is how many times slower the processor runs."""
    size = PHONE if phone else DESKTOP
    context = opened.new_context(viewport=size, locale="zh-CN", has_touch=phone)  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    try:
        yield _watched(context, slower)
    finally:
        context.close()


def _watched(context: BrowserContext, slower: float) -> Visit:
    page = context.new_page()
    found = Visit(page, context.new_cdp_session(page))
    page.on("pageerror", lambda error: found.problems.append(str(error)))
    page.on("console", lambda said: found.problems.append(said.text) if said.type == "error" else None)
    found.cdp.on("Network.responseReceived", lambda e: _note(found.addresses, e, e["response"]["url"]))
    found.cdp.on("Network.loadingFinished", lambda e: _note(found.sizes, e, int(e["encodedDataLength"])))
    found.cdp.send("Network.enable")
    if slower != 1:
        found.cdp.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    return found


def _note(into: dict[str, Any], event: dict[str, Any], value: Any) -> None:
    into[event["requestId"]] = value


def first_map_ms(found: Visit, address: str, ready: str) -> float:
    """Milliseconds from the request of the page until `ready` (an expression) holds, seen from within the page."""
    found.page.add_init_script(
        f"{{const look = () => {{ if (({ready})) window.benchFirst = performance.now(); "
        "else requestAnimationFrame(look); }; look(); }"
    )
    found.page.goto(address)
    found.page.wait_for_function("() => window.benchFirst")
    return float(found.page.evaluate("() => window.benchFirst"))


@dataclass(frozen=True)
class Frames:
    """Frames a second while the map was dragged, and how long the slowest of a hundred frames took."""

    rate: float
    slow_ms: float


def drag(page: Page) -> Frames:
    """Drag the map to and fro by the mouse; the page draws as it can."""
    size = page.viewport_size or DESKTOP
    page.evaluate(FRAMES)
    began = time.perf_counter()
    x, y = size["width"] * 0.8, size["height"] * 0.7
    for _ in range(DRAGS):
        page.mouse.move(x, y)
        page.mouse.down()
        for step in range(STEPS):
            page.mouse.move(x - step * STEP[0], y - step * STEP[1])
        page.mouse.up()
    took = time.perf_counter() - began
    at = page.evaluate("() => { cancelAnimationFrame(window.benchNext); return window.benchFrames; }")
    gaps = sorted(b - a for a, b in itertools.pairwise(at))
    return Frames(len(at) / took, gaps[int(len(gaps) * 0.99)] if gaps else float("inf"))
