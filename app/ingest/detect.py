"""In which CRS a layer's coordinates are: named by the user or the file, or found, with the evidence; never guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.errors import BadInput
from app.ingest.crs_candidates import (
    CHINA_NORTH,
    OLD_DATUMS_LOOK_ALIKE,
    Candidate,
    candidates_for,
    confirmed,
    could_be_web_mercator,
    hint_of,
    looks_swapped,
    zone_of_prefix,
)
from app.ingest.crs_sample import Sample, take_sample
from app.ingest.file_crs import NO_CRS, FileCrs, crs_of_file
from app.ingest.layer import LayerSource
from app.ingest.shifted import find_shift
from app.space.city_systems import NO_SYSTEMS, CitySystems
from app.space.metric import CHINA_LAT, CHINA_LON
from app.space.transform import LONLAT, area_of_use, check_crs, crs_label, spoken_crs, to_lonlat_xy
from app.validation.frame import Frame

Array = NDArray[np.float64]
#: A file without a CRS is taken as lon/lat only if it spans no more than a province does.
MAX_SPAN_DEG = 20.0
#: What longitudes and latitudes can be, as a box has them.
LIMIT = np.array([180.0, 90.0, 180.0, 90.0])
#: Codes of plain lon/lat, under which a file may hold GCJ-02 or BD-09 without saying so.
PLAIN = frozenset({LONLAT, "EPSG:4490", "EPSG:4979", "EPSG:4480"})
#: Shares of rows that settle which axis comes first.
MOST, FEW = 0.95, 0.05
How = Literal["named by you", "named by the file", "found"]
Stored = Callable[[list[str]], Mapping[str, tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class Detection:
    """The CRS of a layer: `label` may be shown, `crs` never (it can hold a city's parameters).

    `how` it is known, `evidence` and `warnings` a sentence each, `candidates` those that were weighed; `swapped`: north
    stands before east in the file.
    """

    crs: str = field(repr=False)
    label: str
    how: How
    evidence: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    swapped: bool = False

    def as_dict(self) -> dict[str, Any]:
        """What the report says of it."""
        return {
            "crs": self.label,
            "how": self.how,
            "swapped": self.swapped,
            "evidence": list(self.evidence),
            "warnings": list(self.warnings),
            "candidates": [
                {"crs": item.crs, "swapped": item.swapped, "share": item.share} for item in self.candidates
            ],
        }


def detect(
    source: LayerSource,
    crs: str | None,
    frame: Frame | None,
    systems: CitySystems = NO_SYSTEMS,
    *,
    key: str | None = None,
    stored: Stored | None = None,
) -> Detection:
    """The CRS of a layer: that given by the user (`crs`), else the file's own, else found from the coordinates.

    `frame` is the city, None where its borders are not stored. `key` is the heading of codes and `stored` gives the
    lon/lat of features that are stored under codes: rows that stand a GCJ-02 offset beside themselves give a file away.

    Raises:
    ------
    BadInput
        No CRS is known and none can be found, the CRS cannot be used, most coordinates cannot be in it, or a file of
        plain lon/lat looks like GCJ-02 or BD-09: the hint lists what it may be.
    """
    sample = take_sample(source)
    if crs is not None:
        check_crs(crs, systems)
        named = Detection(spoken_crs(crs), crs_label(crs, systems), "named by you", ())
        return named if sample is None else _check_axes(source.name, sample, named, frame, systems)
    own = NO_CRS if source.crs is None else crs_of_file(source.crs, systems)
    if own.crs is not None:
        check_crs(own.crs, systems)
        found = Detection(own.crs, crs_label(own.crs, systems), "named by the file", own.evidence)
        found = found if sample is None else _check_axes(source.name, sample, found, frame, systems)
    else:
        found = _find(source.name, sample, frame, own)
    if sample is not None and found.label in PLAIN and not found.swapped:
        found = _ask_about_shift(source, sample, found, frame, key, stored)
    return found


def _check_axes(
    name: str, sample: Sample, found: Detection, frame: Frame | None, systems: CitySystems
) -> Detection:
    """Whether the coordinates can be in the CRS that is named, as they stand or with north first."""
    if found.label in PLAIN:
        if _in_range(sample.boxes):
            return found
        who = "the file says" if found.how == "named by the file" else "you named"
        raise BadInput(
            f"Most coordinates of '{name}' are no longitudes and latitudes ({sample.example}), though {who} "
            f"{found.label}.",
            hint_of(sample.x, sample.y, candidates_for(sample.x, sample.y, frame)),
        )
    if not looks_swapped(float(np.median(sample.x)), float(np.median(sample.y))):
        return found
    as_is = _fit(sample.x, sample.y, found.crs, frame, systems)
    turned = _fit(sample.y, sample.x, found.crs, frame, systems)
    if turned < MOST or as_is > FEW:
        return found
    where = "the city" if frame is not None else "the area of this CRS"
    told = f"north stands before east ({sample.example}): so {turned:.0%} lie in {where}, else {as_is:.0%}"
    return replace(found, swapped=True, evidence=(*found.evidence, told))


def _fit(x: Array, y: Array, crs: str, frame: Frame | None, systems: CitySystems) -> float:
    """The share of places that lie in the city, else where the CRS is used (a city's own: in China)."""
    lon, lat = to_lonlat_xy(x, y, crs, systems)
    if frame is not None:
        return frame.share(lon, lat)
    west, south, east, north = area_of_use(crs, systems) or (
        CHINA_LON[0],
        CHINA_LAT[0],
        CHINA_LON[1],
        CHINA_LAT[1],
    )
    inside = (lon >= west - 2) & (lon <= east + 2) & (lat >= south - 2) & (lat <= north + 2)
    return float(inside.mean())


def _find(name: str, sample: Sample | None, frame: Frame | None, own: FileCrs) -> Detection:
    if sample is None:
        return Detection(LONLAT, LONLAT, "found", (*own.evidence, "no row has a place"))
    x, y = sample.x, sample.y
    if _plausible(sample, frame):
        told = (
            f"no CRS is named, and all coordinates are plausible longitudes and latitudes ({sample.example})"
        )
        if frame is not None:
            told += f"; {frame.share(x, y):.0%} lie in the city"
        return Detection(LONLAT, LONLAT, "found", (*own.evidence, told))
    candidates = candidates_for(x, y, frame)
    chosen, why = _by_prefix(x, y, candidates, frame)
    if chosen is None:
        chosen = confirmed(candidates)
        why = "only so the rows lie in the city"
    if chosen is None:
        raise BadInput(
            f"'{name}' names no CRS, and none is guessed ({sample.example}).", hint_of(x, y, candidates)
        )
    order = (f"north stands before east ({sample.example})",) if chosen.swapped else ()
    return Detection(
        chosen.crs, chosen.crs, "found", (*own.evidence, f"no CRS is named; {why}: {chosen.label}", *order),
        candidates=tuple(candidates), swapped=chosen.swapped,
    )  # fmt: skip


def _by_prefix(
    x: Array, y: Array, candidates: list[Candidate], frame: Frame | None
) -> tuple[Candidate | None, str]:
    """The CGCS2000 zone that eastings of 8 digits name, where nothing else looks like them."""
    swapped = looks_swapped(float(np.median(x)), float(np.median(y)))
    east, north = (y, x) if swapped else (x, y)
    zones = {zone_of_prefix(value) for value in east.tolist()}
    zone = zones.pop() if len(zones) == 1 else None
    middle = float(np.median(north))
    if zone is None or could_be_web_mercator(float(np.median(east))) or not _of_china(middle, frame):
        return None, ""
    code, number, width = zone
    why = (
        f"all eastings have 8 digits and begin with {number}, which is {width}-degree zone {number} of CGCS2000 "
        f"({OLD_DATUMS_LOOK_ALIKE}: ask the surveyor where that matters)"
    )
    return next((item for item in candidates if item.crs == code), Candidate(code, swapped)), why


def _of_china(north: float, frame: Frame | None) -> bool:
    if not CHINA_NORTH[0] <= north < CHINA_NORTH[1]:
        return False
    return frame is None or (
        CHINA_LON[0] <= frame.centre[0] <= CHINA_LON[1] and CHINA_LAT[0] <= frame.centre[1] <= CHINA_LAT[1]
    )


def _plausible(sample: Sample, frame: Frame | None) -> bool:
    """Longitudes and latitudes: by the city where it is known, else within the span of a province, none at 0, 0."""
    if not _in_range(sample.boxes):
        return False
    if frame is not None and frame.share(sample.x, sample.y) >= 0.5:
        return True
    # Rows that are no longitudes and latitudes are refused as rows; they say nothing of the others.
    boxes = sample.boxes[(np.abs(sample.boxes) <= LIMIT).all(axis=1)]
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    if sample.bounds is not None and (np.abs(sample.bounds) <= LIMIT).all():
        low, high = np.minimum(low, sample.bounds[:2]), np.maximum(high, sample.bounds[2:])
    at_origin = bool((np.abs(boxes) < 1.0).all(axis=1).any())
    return bool((high - low <= MAX_SPAN_DEG).all()) and not at_origin


def _in_range(boxes: Array) -> bool:
    """At least half of the rows lie within ±180° and ±90°."""
    return bool((np.abs(boxes) <= LIMIT).all(axis=1).mean() >= 0.5)


def _ask_about_shift(
    source: LayerSource,
    sample: Sample,
    found: Detection,
    frame: Frame | None,
    key: str | None,
    stored: Stored | None,
) -> Detection:
    suspicion = find_shift(source, sample, frame, key, stored)
    if suspicion is None:
        return found
    if suspicion.strong:
        raise BadInput(
            f"'{source.name}' looks like {suspicion.title}, though nothing says so: {'; '.join(suspicion.evidence)}.",
            f"Say what it is: --crs {suspicion.crs} (it is changed exactly), or --crs {found.label} (taken as it "
            "stands).",
        )
    told = (
        f"it may be {suspicion.title}: {'; '.join(suspicion.evidence)}; --crs {suspicion.crs} says that it is"
    )
    return replace(found, warnings=(*found.warnings, told))
