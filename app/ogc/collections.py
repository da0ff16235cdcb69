"""Collections as OGC API documents: plain values, no SQL and no HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.catalogue.model import FeatureClass, Lang
from app.ogc.crs import CRS84
from app.ogc.links import Links
from app.ogc.run_collections import RunCollection

GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
Box = tuple[float, float, float, float]

LANDING_TITLE = {"zh": "城图", "en": "Chengtu"}
LANDING_DESCRIPTION = {
    "zh": "一座城市的全部室外设施，以及谁能走到它们。",
    "en": "Everything a city owns outdoors, and who can reach it.",
}


def landing(links: Links, lang: Lang) -> dict[str, Any]:
    """The landing page (OGC API Features Part 1, §7.2)."""
    return {"title": LANDING_TITLE[lang], "description": LANDING_DESCRIPTION[lang], "links": links.landing()}


@dataclass(frozen=True, slots=True)
class Extent:
    """Where and when the features of a collection are: `box` west, south, east, north, None where it holds none.

    `start` and `end` are the first and last day that any of them names; no end while one of them is still so.
    """

    box: Box | None
    start: date | None = None
    end: date | None = None


def class_collection(
    cls: FeatureClass,
    links: Links,
    lang: Lang,
    extent: Extent,
    licences: Mapping[str, str],
    crs: Sequence[str],
) -> dict[str, Any]:
    """A class as a collection; `licences` are those of its data, name → address, `crs` the systems offered."""
    return {
        "id": cls.id,
        "title": cls.title.in_(lang),
        "description": cls.description.in_(lang),
        "itemType": "feature",
        "crs": list(crs),
        "storageCrs": CRS84,
        "geometryType": cls.geometry,
        **_extent(extent),
        "links": links.collection(cls.id, has_map=True, licences=licences),
    }


def run_collection(found: RunCollection, links: Links, lang: Lang, crs: Sequence[str]) -> dict[str, Any]:
    """A collection of coverage runs' areas, gaps or units; `crs` are the systems offered."""
    return {
        "id": found.id,
        "title": found.title.in_(lang),
        "description": found.description.in_(lang),
        "itemType": "feature",
        "crs": list(crs),
        "storageCrs": CRS84,
        "geometryType": found.geometry,
        "links": links.collection(found.id, has_map=False),
    }


def _extent(extent: Extent) -> dict[str, Any]:
    """17-069r4 §7.14: boxes and intervals, null where an interval is open."""
    if extent.box is None:
        return {}
    interval = [None if day is None else day.isoformat() for day in (extent.start, extent.end)]
    return {
        "extent": {
            "spatial": {"bbox": [list(extent.box)], "crs": CRS84},
            "temporal": {"interval": [interval], "trs": GREGORIAN},
        }
    }
