"""Telling GCJ-02 and BD-09 from true lon/lat by what the city knows: its border, its areas, its stored features.

Chinese web maps give coordinates that lie 300-1,500 m beside the truth and say nothing of it. A file of them is told
by rows that fit nowhere as they stand and fit when the offset is taken back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from app.ingest.codes import code_texts
from app.ingest.crs_sample import Sample
from app.ingest.layer import LayerSource
from app.space import gcj02
from app.space.metric import CHINA_LAT, CHINA_LON
from app.space.transform import to_lonlat
from app.validation.frame import Frame, NamedArea
from app.validation.values import normalise

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Change = Callable[[Array, Array], tuple[Array, Array]]
TITLES = {"gcj02": "GCJ-02 (高德, 腾讯)", "bd09": "BD-09 (百度)"}
INVERSES: Mapping[str, Change] = {"gcj02": gcj02.gcj02_to_wgs84, "bd09": gcj02.bd09_to_wgs84}
#: Rows that must be put right by the inverse for a question, for a warning.
STRONG_ROWS, WEAK_ROWS = 8, 3
#: The share of the misplaced rows that the inverse may leave, and of the well placed that it may misplace.
LEFT = 0.1
#: Rows looked at for their area's name and for their code.
MAX_ROWS = 5_000
MAX_BORDERS = 40
#: How near the median displacement from stored places must come to the offset, in metres, and how many rows decide.
NEAR_OFFSET_M, STRONG_CODES = 60.0, 5
METRES_PER_DEGREE = 111_320.0
#: Borders that differ by less than this share of their area are the same; the inverse must leave a third at most.
ALIKE, IMPROVED = 0.003, 0.34
_GCJ = re.compile(r"gcj|火星|高德|gaode|amap", re.IGNORECASE)
_BD = re.compile(r"bd[-_]?(?:09|lon|lng|lat|[xy]\b)|百度|baidu", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What a file of plain lon/lat seems to be: `crs` gcj02 or bd09; `strong` enough to ask, else to warn."""

    crs: str
    strong: bool
    evidence: tuple[str, ...]

    @property
    def title(self) -> str:
        """The name with the maps that use it."""
        return TITLES[self.crs]


@dataclass(frozen=True, slots=True)
class _Sign:
    """One piece of evidence: `rest` is what the inverse leaves wrong, by which GCJ-02 and BD-09 are told apart."""

    text: str
    strong: bool
    rest: float = 0.0


def find_shift(
    source: LayerSource,
    sample: Sample,
    frame: Frame | None,
    key: str | None,
    stored: Callable[[list[str]], Mapping[str, tuple[float, float]]] | None,
) -> Suspicion | None:
    """What speaks for GCJ-02 or BD-09 in a layer of plain lon/lat in China; None where nothing does."""
    lon, lat = float(np.median(sample.x)), float(np.median(sample.y))
    if not (CHINA_LON[0] <= lon <= CHINA_LON[1] and CHINA_LAT[0] <= lat <= CHINA_LAT[1]):
        return None
    known = _known_places(sample, key, stored) if key is not None and stored is not None else None
    named = None if frame is None else _named_rows(sample, frame)
    found = {}
    for crs in INVERSES:
        signs = [sign for sign in _signs(source, sample, frame, crs, named, known) if sign is not None]
        if signs:
            found[crs] = signs
    if not found:
        return None
    crs = max(found, key=lambda name: _weight(found[name]))
    strong = any(sign.strong for sign in found[crs])
    return Suspicion(crs, strong, tuple(sign.text for sign in found[crs]))


def _weight(signs: list[_Sign]) -> tuple[int, int, float]:
    return sum(sign.strong for sign in signs), len(signs), -sum(sign.rest for sign in signs)


def _signs(
    source: LayerSource,
    sample: Sample,
    frame: Frame | None,
    crs: str,
    named: _Named | None,
    known: _Known | None,
) -> Iterator[_Sign | None]:
    yield _by_words(source, crs)
    if known is not None:
        yield _by_codes(known, crs)
    if frame is None:
        return
    lon, lat = INVERSES[crs](sample.x, sample.y)
    yield _put_right(frame.holds(sample.x, sample.y), frame.holds(lon, lat), "rows lie outside the city", crs)
    if named is not None:
        yield _by_areas(named, sample, lon, lat, crs)
        yield _by_borders(named, sample, crs)


def _by_words(source: LayerSource, crs: str) -> _Sign | None:
    """Notes on the columns that the places come from; headings beside shapes may be those of spare columns."""
    pattern = _GCJ if crs == "gcj02" else _BD
    note = next((text for text in source.noted if "headings say" in text and pattern.search(text)), None)
    if note is not None:
        return _Sign(note, strong=True)
    spare = any(text.startswith("places from") for text in source.noted)
    heading = None if spare else next((text for text in source.headings if pattern.match(text)), None)
    return None if heading is None else _Sign(f"there is a column '{heading[:60]}'", strong=False)


def _put_right(before: Flags, after: Flags, what: str, crs: str) -> _Sign | None:
    """Rows that are wrong as they stand and right after the inverse, where hardly any goes the other way."""
    mended, broken = int((~before & after).sum()), int((before & ~after).sum())
    wrong, rest = int((~before).sum()), int((~after).sum())
    if mended < WEAK_ROWS or broken > LEFT * mended or rest > LEFT * wrong:
        return None
    text = f"{wrong:,} of {len(before):,} {what} as they stand, {rest:,} when taken as {crs}"
    return _Sign(text, mended >= STRONG_ROWS, rest / len(before))


@dataclass(frozen=True, slots=True)
class _Named:
    """Rows (positions in the sample) that name a stored area under `heading`."""

    heading: str
    rows: list[int]
    areas: list[NamedArea]


def _named_rows(sample: Sample, frame: Frame) -> _Named | None:
    """The column whose values name areas of the city: the one that tells most of them apart."""
    best: _Named | None = None
    for heading, values in sample.chunk.columns.items():
        found = _read_areas(sample, values, frame)
        if found is None:
            continue
        rows, areas = found
        if best is None or len(set(map(id, areas))) > len(set(map(id, best.areas))):
            best = _Named(heading, rows, areas)
    return best


def _read_areas(
    sample: Sample, values: list[object], frame: Frame
) -> tuple[list[int], list[NamedArea]] | None:
    rows, areas, filled = [], [], 0
    for row, i in enumerate(sample.index[:MAX_ROWS].tolist()):
        value = values[i]
        if not isinstance(value, str | int) or value == "":
            continue
        filled += 1
        area = frame.areas.get(normalise(str(value)))
        if area is not None:
            rows.append(row)
            areas.append(area)
        elif filled == 50 and not rows:
            return None
    return (rows, areas) if rows and len(rows) * 2 >= filled else None


def _by_areas(named: _Named, sample: Sample, lon: Array, lat: Array, crs: str) -> _Sign | None:
    if (shapely.get_dimensions(sample.chunk.geometry[sample.index[:MAX_ROWS]]) == 2).all():
        return None  # Areas themselves: their borders say more than their middle.
    rows = np.array(named.rows)
    shapes = np.array([area.shape for area in named.areas], dtype=object)
    for area in {id(area): area for area in named.areas}.values():
        shapely.prepare(area.shape)
    before = shapely.contains_xy(shapes, sample.x[rows], sample.y[rows])
    after = shapely.contains_xy(shapes, lon[rows], lat[rows])
    return _put_right(before, after, f"rows lie outside the area that '{named.heading}' names", crs)


def _by_borders(named: _Named, sample: Sample, crs: str) -> _Sign | None:
    """Polygons that are stored areas themselves: how much of both the two do not share."""
    shapes = shapely.make_valid(sample.chunk.geometry[sample.index[np.array(named.rows[:MAX_BORDERS])]])
    areal = shapely.get_dimensions(shapes) == 2
    own, mine = (
        shapes[areal],
        np.array([area.shape for area in named.areas[:MAX_BORDERS]], dtype=object)[areal],
    )
    if not len(own):
        return None
    before, after = _unlike(own, mine), _unlike(to_lonlat(own, crs), mine)
    # A park that names its district is no border of it.
    borders = before < 0.5
    better = borders & (before > ALIKE) & (after < IMPROVED * before)
    if not better.any() or (borders & (after > before)).any():
        return None
    text = (
        f"{int(better.sum())} borders differ from the stored ones of the same name by {before[better].mean():.1%} of "
        f"their area as they stand, by {after[better].mean():.1%} when taken as {crs}"
    )
    return _Sign(text, strong=True, rest=float(after[better].mean()))


def _unlike(own: NDArray[np.object_], mine: NDArray[np.object_]) -> Array:
    both = shapely.area(shapely.union(own, mine))
    return np.asarray(shapely.area(shapely.symmetric_difference(own, mine)) / both)


@dataclass(frozen=True, slots=True)
class _Known:
    """Places (n,) of rows in the file and of the same codes as stored."""

    lon: Array
    lat: Array
    stored_lon: Array
    stored_lat: Array


def _known_places(
    sample: Sample, key: str, stored: Callable[[list[str]], Mapping[str, tuple[float, float]]]
) -> _Known | None:
    values = sample.chunk.columns.get(key)
    if values is None:
        return None
    codes = code_texts([values[i] for i in sample.index[:MAX_ROWS].tolist()])
    places = stored(codes)
    rows = [row for row, code in enumerate(codes) if code in places]
    if not rows:
        return None
    there = np.array([places[codes[row]] for row in rows])
    here = shapely.get_coordinates(shapely.centroid(sample.chunk.geometry[sample.index[rows]]))
    return _Known(here[:, 0], here[:, 1], there[:, 0], there[:, 1]) if len(here) == len(there) else None


def _by_codes(known: _Known, crs: str) -> _Sign | None:
    """The rows stand beside their stored places by just the offset."""
    lon, lat = INVERSES[crs](known.lon, known.lat)
    moved = _metres(known.lon - known.stored_lon, known.lat - known.stored_lat, known.stored_lat)
    rest = _metres(lon - known.stored_lon, lat - known.stored_lat, known.stored_lat)
    if rest > NEAR_OFFSET_M or moved < 2 * NEAR_OFFSET_M:
        return None
    text = (
        f"{len(lon):,} rows whose code is stored lie {moved:.0f} m beside their stored place, {rest:.0f} m when taken "
        f"as {crs}"
    )
    return _Sign(text, len(lon) >= STRONG_CODES, rest / moved)


def _metres(d_lon: Array, d_lat: Array, lat: Array) -> float:
    """The length of the median displacement."""
    east = float(np.median(d_lon * np.cos(np.radians(lat)))) * METRES_PER_DEGREE
    return float(np.hypot(east, float(np.median(d_lat)) * METRES_PER_DEGREE))
