"""Two maintained renderers of vector tiles for Leaflet on the same tiles: protomaps-leaflet, which the pages use, and
maplibre-gl-leaflet over MapLibre GL. Bytes, time to the first map, frames while it is dragged, what a phone must do.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, Route

from app import console
from app.maps.marks import CONTENT_SECURITY_POLICY
from app.sample.service import load
from app.web.assets import VENDOR
from app.web.bundle import STATIC
from bench import browsing
from bench.features_servers import ours
from bench.scratch import scratch
from bench.tools import table

BINDING = "@maplibre/maplibre-gl-leaflet@0.1.4"
PLACE = "[28.678, 115.863]"
CITY = "collections=toilets,parks"
MAPLIBRE = f"""
maplibregl.setWorkerUrl('/bench/maplibre-gl-csp-worker.js');
const map = L.map('map', {{ attributionControl: false }}).setView({PLACE}, 12);
fetch('/tiles/WebMercatorQuad?f=style&{CITY}').then((reply) => reply.json()).then((style) => {{
  const layer = L.maplibreGL({{ style }}).addTo(map);
  layer.getMaplibreMap().once('idle', () => {{ window.benchDrawn = true; }});
}});
"""
PROTOMAPS = f"""
const app = {{ map: L.map('map', {{ attributionControl: false }}), layers: [], extra: [], chosen: null }};
app.shownLayers = () => app.layers.filter((layer) => layer.on);
for (const [pane, z] of [['ground', 200], ['classes', 350]]) app.map.createPane(pane).style.zIndex = z;
app.map.setView({PLACE}, 12);
chengtu.show = (app, layer, on) => {{ layer.on = on; chengtu.refresh(app, on); }};
app.overlay = new chengtu.Overlay(app).addTo(app.map);
chengtu.background(app, {{ tiles: '/background/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}', deepest: 15 }});
const tiles = '/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?collections={{ids}}', deepest = 16, on = true;
const point = {{ glyph: '厕', color: '#0072b2', shape: 'square', width: 2 }};
const area = {{ glyph: '园', color: '#117733', shape: 'area', width: 2 }};
chengtu.layer(app, {{ id: 'parks', geometry: 'polygon', symbol: area, tiles, deepest, on }});
chengtu.layer(app, {{ id: 'toilets', geometry: 'point', symbol: point, pointed: true, tiles, deepest, on }});
const look = () => {{ if (chengtu.settled(app)) window.benchDrawn = true; else requestAnimationFrame(look); }};
setTimeout(look, 0);
"""
OWN = ("base", "paint", "vector", "overlay", "names", "symbols", "layers")


@dataclass(frozen=True)
class Renderer:
    """A renderer: what its browser is started with, and the files of its page by their name in the page's address."""

    name: str
    arguments: tuple[str, ...]
    library: tuple[str, ...]
    files: Mapping[str, bytes]

    @property
    def packed(self) -> int:
        """Bytes of its library as the server packs them, its worker's too."""
        return sum(len(gzip.compress(self.files[name], 1)) for name in self.library)


def run(*, peers: bool) -> None:
    """Print the two side by side, in turns on the same server."""
    console.step("the sample city …")
    with scratch() as (settings, catalogue, db), tempfile.TemporaryDirectory() as folder:
        load(db, catalogue, "city")
        renderers = [_protomaps(), *([_maplibre(Path(folder))] if peers else [])]
        with ours(settings) as server:
            for renderer in renderers:
                with browsing.browser(renderer.arguments) as opened:
                    table(renderer.name, _figures(opened, server.address, renderer))


def _figures(opened: Browser, address: str, renderer: Renderer) -> list[tuple[str, str]]:
    rows = [("library, gzip", f"{renderer.packed / 1000:.0f} kB (Leaflet not counted)")]
    for title, phone, slower in (
        ("1440 x 900", False, 1.0),
        ("360 x 640, processor 4 times slower", True, 4.0),
    ):
        for again in range(2):  # the server builds its tiles for the first
            with browsing.visit(opened, phone=phone, slower=slower) as found:
                _serve(found.page, renderer)
                first = browsing.first_map_ms(found, f"{address}/bench/page.html", "window.benchDrawn")
                if again:
                    tiles = found.nbytes("WebMercatorQuad")
                    frames = browsing.drag(found.page)
                    rows += [
                        (f"{title}: first map", f"{first:.0f} ms, tiles {tiles / 1000:.0f} kB"),
                        (
                            f"{title}: dragged",
                            f"{frames.rate:.0f} frames/s, slowest 1 % {frames.slow_ms:.0f} ms",
                        ),
                        (f"{title}: errors", "; ".join(found.problems) or "none under our policy"),
                    ]
    return rows


def _serve(page: Page, renderer: Renderer) -> None:
    """The renderer's page beside the server's own, under the policy of our pages."""

    def answer(route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[-1].split("?")[0]
        kind = {"html": "text/html", "css": "text/css", "js": "text/javascript"}[name.rsplit(".", 1)[-1]]
        headers = {"Content-Type": kind, "Content-Security-Policy": CONTENT_SECURITY_POLICY}
        route.fulfill(body=renderer.files[name], headers=headers)

    page.context.route("**/bench/*", answer)


def _protomaps() -> Renderer:
    library = VENDOR / "protomaps-leaflet" / "protomaps-leaflet.js"
    own = [STATIC / "map" / f"{name}.js" for name in OWN if (STATIC / "map" / f"{name}.js").exists()]
    return _renderer("protomaps-leaflet 5.1.0 with our painters", browsing.PLAIN, [library], own, PROTOMAPS)


def _maplibre(folder: Path) -> Renderer:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("maplibre-gl-leaflet is fetched by npm, which is not installed: apt-get install npm")
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", BINDING]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    vendor = VENDOR / "maplibre-gl"
    library = [
        vendor / "maplibre-gl-csp.js",
        vendor / "maplibre-gl-csp-worker.js",
        vendor / "maplibre-gl.css",
        folder / "node_modules" / "@maplibre" / "maplibre-gl-leaflet" / "leaflet-maplibre-gl.js",
    ]
    return _renderer(
        "maplibre-gl-leaflet 0.1.4 over MapLibre GL 5.24.1", browsing.WEBGL, library, [], MAPLIBRE
    )


def _renderer(
    name: str, arguments: tuple[str, ...], library: Iterable[Path], own: Iterable[Path], script: str
) -> Renderer:
    leaflet = [VENDOR / "leaflet" / "leaflet.js", VENDOR / "leaflet" / "leaflet.css"]
    paths = [*leaflet, *library, *own]
    scripts = [path.name for path in paths if path.suffix == ".js" and "worker" not in path.name]
    styles = [path.name for path in paths if path.suffix == ".css"]
    links = "".join(f'<link rel="stylesheet" href="/bench/{name}">' for name in (*styles, "page.css"))
    tags = "".join(f'<script src="/bench/{name}"></script>' for name in (*scripts, "page.js"))
    head = f'<!DOCTYPE html><html lang="zh-CN"><meta charset="utf-8">{links}'
    html = f'{head}<body><div id="map"></div>{tags}</body></html>'
    texts = {"page.html": html, "page.js": script, "page.css": "html,body,#map{height:100%;margin:0}"}
    files = {path.name: path.read_bytes() for path in paths} | {
        key: text.encode() for key, text in texts.items()
    }
    return Renderer(name, arguments, tuple(path.name for path in library), files)
