"""Our own scripts and styles, and Leaflet's, as one text each: for the server's pages and for single files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from app.errors import SetupFailed

STATIC = Path(__file__).resolve().parent / "static"
PARTS: dict[str, tuple[str, ...]] = {
    "map.js": (
        "vendor/leaflet/leaflet.js",
        "map/base.js",
        "map/data.js",
        "map/tiles.js",
        "map/paint.js",
        "map/overlay.js",
        "map/card.js",
        "map/panel.js",
        "map/map.js",
        "map/run_details.js",
        "map/run_reach.js",
        "map/run.js",
        "map/compare.js",
        "map/tables.js",
    ),
    "map.css": ("vendor/leaflet/leaflet.css", "map/map.css", "map/run.css"),
    "page.css": ("pages/page.css",),
    "features.js": (
        "vendor/leaflet/leaflet.js",
        "map/base.js",
        "map/data.js",
        "map/tiles.js",
        "map/paint.js",
        "pages/features.js",
    ),
    "tiles.js": ("map/base.js", "map/card.js", "tiles/panel.js", "tiles/run.js", "tiles/viewer.js"),
    "tiles.css": ("vendor/maplibre-gl/maplibre-gl.css", "map/map.css", "tiles/viewer.css"),
    "features.css": ("vendor/leaflet/leaflet.css", "pages/features.css"),
}


@dataclass(frozen=True, slots=True)
class Bundle:
    """One text with the hash by which pages name it."""

    name: str
    text: str
    digest: str

    @property
    def media_type(self) -> Literal["text/javascript", "text/css"]:
        """What a browser is told the text is."""
        return "text/javascript" if self.name.endswith(".js") else "text/css"

    @property
    def address(self) -> str:
        """Where a page finds it: the hash makes each version an address of its own."""
        return f"/map/{self.name}?v={self.digest}"


def bundle(name: str) -> Bundle:
    """The bundle of a name of `PARTS`; SetupFailed where the assets were not fetched."""
    paths = [STATIC / part for part in PARTS[name]]
    try:
        return _read(name, tuple((str(path), path.stat().st_mtime_ns) for path in paths))
    except FileNotFoundError as error:
        raise SetupFailed(
            f"The map script '{Path(str(error.filename)).name}' is not there.",
            "Run `python -m app.web.assets` (make run does it).",
        ) from None


@lru_cache(maxsize=16)
def _read(name: str, stamps: tuple[tuple[str, int], ...]) -> Bundle:
    texts = [Path(path).read_text(encoding="utf-8") for path, _ in stamps]
    # no source maps: they would be one more request, and lie beside no file
    text = "\n".join(_without_source_map(part) for part in texts)
    return Bundle(name, text, digest_of(text))


def _without_source_map(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "sourceMappingURL=" not in line) + "\n"


def digest_of(text: str) -> str:
    """16 hex of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
