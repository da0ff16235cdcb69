"""Collections as OGC API documents: plain values, no SQL and no HTTP."""

from __future__ import annotations

from typing import Any

from app.catalogue.model import FeatureClass, Lang
from app.ogc.links import Links
from app.ogc.run_collections import RunCollection

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
Box = tuple[float, float, float, float]

LANDING_TITLE = {"zh": "城图", "en": "Chengtu"}
LANDING_DESCRIPTION = {
    "zh": "一座城市的全部室外设施，以及谁能走到它们。",
    "en": "Everything a city owns outdoors, and who can reach it.",
}


def landing(links: Links, lang: Lang) -> dict[str, Any]:
    """The landing page (OGC API Features Part 1, §7.2)."""
    return {"title": LANDING_TITLE[lang], "description": LANDING_DESCRIPTION[lang], "links": links.landing()}


def class_collection(cls: FeatureClass, links: Links, lang: Lang, box: Box | None) -> dict[str, Any]:
    """A class as a collection; `box` west, south, east, north of its features, None where it holds none."""
    return {
        "id": cls.id,
        "title": cls.title.in_(lang),
        "description": cls.description.in_(lang),
        "itemType": "feature",
        "crs": [CRS84],
        "storageCrs": CRS84,
        "geometryType": cls.geometry,
        **_extent(box),
        "links": links.collection(cls.id, has_map=True),
    }


def run_collection(found: RunCollection, links: Links, lang: Lang) -> dict[str, Any]:
    """A collection of coverage runs' areas, gaps or units."""
    return {
        "id": found.id,
        "title": found.title.in_(lang),
        "description": found.description.in_(lang),
        "itemType": "feature",
        "crs": [CRS84],
        "storageCrs": CRS84,
        "geometryType": found.geometry,
        "links": links.collection(found.id, has_map=False),
    }


def _extent(box: Box | None) -> dict[str, Any]:
    if box is None:
        return {}
    return {"extent": {"spatial": {"bbox": [list(box)], "crs": CRS84}}}
