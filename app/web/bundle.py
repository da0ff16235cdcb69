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
        "vendor/protomaps-leaflet/LICENSE",
        "vendor/protomaps-leaflet/protomaps-leaflet.js",
        "map/base.js",
        "map/marks.js",
        "map/gcj02.js",
        "map/state.js",
        "map/data.js",
        "map/tiles.js",
        "map/paint.js",
        "map/vector.js",
        "map/file.js",
        "map/symbols.js",
        "map/overlay.js",
        "map/names.js",
        "map/layers.js",
        "map/card.js",
        "map/assessed.js",
        "map/card_more.js",
        "map/panel.js",
        "map/basemaps.js",
        "map/tabs.js",
        "map/coordinates.js",
        "map/search.js",
        "map/measure.js",
        "map/print.js",
        "map/portal.js",
        "map/planner.js",
        "map/coverage_form.js",
        "map/coverage_result.js",
        "map/coverage.js",
        "map/reach.js",
        "map/scenario_result.js",
        "map/scenario_guard.js",
        "map/scenario.js",
        "map/side_maps.js",
        "map/side.js",
        "map/map.js",
        "map/run_legend.js",
        "map/run_details.js",
        "map/run_reach.js",
        "map/run.js",
        "map/compare.js",
        "map/tables.js",
    ),
    "map.css": (
        "vendor/leaflet/leaflet.css",
        "map/map.css",
        "map/marks.css",
        "map/portal.css",
        "map/run.css",
        "map/planner.css",
    ),
    "report.css": ("report/report.css",),
    "report.js": ("report/report.js",),
    "page.css": ("pages/page.css",),
    "features.js": (
        "vendor/leaflet/leaflet.js",
        "vendor/protomaps-leaflet/LICENSE",
        "vendor/protomaps-leaflet/protomaps-leaflet.js",
        "map/base.js",
        "map/paint.js",
        "map/vector.js",
        "map/layers.js",
        "pages/features.js",
    ),
    "tiles.js": (
        "map/base.js",
        "map/marks.js",
        "map/symbols.js",
        "map/card.js",
        "tiles/panel.js",
        "tiles/run.js",
        "tiles/pictograms.js",
        "tiles/viewer.js",
    ),
    "tiles.css": ("vendor/maplibre-gl/maplibre-gl.css", "map/map.css", "map/marks.css", "tiles/viewer.css"),
    "import.js": (
        "vendor/leaflet/leaflet.js",
        "map/base.js",
        "pages/import_texts.js",
        "pages/import_map.js",
        "pages/import_layer.js",
        "pages/import_report.js",
        "pages/import.js",
    ),
    "import.css": ("vendor/leaflet/leaflet.css", "pages/import.css"),
    "collections.js": ("pages/collections.js",),
    "undo.js": ("map/base.js", "pages/undo.js"),
    "field.js": (
        "vendor/leaflet/leaflet.js",
        "map/base.js",
        "map/gcj02.js",
        "map/coordinates.js",
        "map/assessed.js",
        "field/words.js",
        "field/mvt.js",
        "field/ground.js",
        "field/keep.js",
        "field/photo.js",
        "field/list.js",
        "field/assess.js",
        "field/card.js",
        "field/tools.js",
        "field/field.js",
    ),
    "field.css": ("vendor/leaflet/leaflet.css", "field/field.css"),
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


def names_of(kind: Literal["js", "css"]) -> str:
    """A pattern of the names of all bundles of a kind, without their ending."""
    return f"^({'|'.join(name.rpartition('.')[0] for name in PARTS if name.endswith(f'.{kind}'))})$"


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
    parts = zip((Path(path).name for path, _ in stamps), texts, strict=True)
    text = "\n".join(
        _as_comment(part) if name == "LICENSE" else _without_source_map(part) for name, part in parts
    )
    return Bundle(name, text, digest_of(text))


def _as_comment(licence: str) -> str:
    """A licence that wants to stand in every copy, where the library's own file does not hold it."""
    return "/*\n" + licence.replace("*/", "* /") + "*/\n"


def _without_source_map(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "sourceMappingURL=" not in line) + "\n"


def digest_of(text: str) -> str:
    """16 hex of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
