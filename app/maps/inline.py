"""Maps that stand inside another page, such as a notebook, as one text that asks no other machine for anything."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from branca.element import Element

from app.web.bundle import STATIC

LEAFLET = STATIC / "vendor" / "leaflet"
#: As on our own pages: white ground, Leaflet named without a picture.
STYLE = ".leaflet-container { background: #fff } .leaflet-attribution-flag { display: none !important }"


@dataclass(frozen=True, slots=True)
class InlineMap:
    """A map as the text of an HTML page; a notebook shows it as the last line of a cell, `height` pixels high."""

    text: str
    height: int = 520

    def _repr_html_(self) -> str:
        frame = f'style="width: 100%; height: {self.height}px; border: 1px solid #ccc"'
        return f'<iframe {frame} srcdoc="{html.escape(self.text)}"></iframe>'

    def save(self, path: str | Path) -> Path:
        """Write it to a file that opens in any browser."""
        Path(path).write_text(self.text, encoding="utf-8")
        return Path(path)


def with_own_leaflet(page: Any) -> InlineMap:
    """A `folium.Map` with the Leaflet of this machine inside, in place of the links to others that Folium writes.

    Markers with pictures are none of Leaflet's own text: points are drawn as circles (`folium.CircleMarker`).
    """
    script = (LEAFLET / "leaflet.js").read_text(encoding="utf-8")
    style = (LEAFLET / "leaflet.css").read_text(encoding="utf-8")
    page.default_js, page.default_css = [], []
    root = page.get_root()
    root.header.add_child(Element(f"<style>{style}{STYLE}</style>"), name="own-style")
    root.header.add_child(Element("<script>{% raw %}" + script + "{% endraw %}</script>"), name="own-script")
    return InlineMap(root.render())
