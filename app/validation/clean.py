"""Cleaning the shapes of one class, with what the report says about each: refused why, repaired by how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from app.catalogue.model import FeatureClass
from app.space.validity import Cleaned, clean

#: One shape with more vertices than this is refused: the database could be kept busy by it for hours.
MAX_VERTICES = 1_000_000
#: One part with more is named in the report and stored whole. Cutting it up would make a multipolygon whose parts
#: share edges, which is invalid and has another perimeter; thinning it out would change what was surveyed.
MANY_VERTICES = 10_000
#: A repair that changes the area by a larger share is also a warning: more than a slip of the pen was mended.
MAX_CHANGE = 0.05
#: Vertices up to which a refused shape is shown as text.
MAX_SHOWN_VERTICES = 8
#: Sizes in a report need no city's CRS: they are measured on the ellipsoid (WGS84).
GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True)
class CleanRows:
    """What became of n shapes; the keys of all mappings are positions.

    `geometry` (n,) storable shapes or None (a row of several places that the class splits is a multipoint still, see
    `split_rows`); `reasons` why refused; `values` what the report shows of a refused shape; `repaired` what was wrong,
    where, and the areas before and after (m²); `warned` what to look at though it loads; `told` what `shape_notes` says
    of the layer, to be added up over its chunks.
    """

    geometry: NDArray[np.object_]
    reasons: dict[int, str]
    values: dict[int, str]
    repaired: dict[int, dict[str, Any]]
    warned: dict[int, str]
    told: Counter[str]


def clean_rows(
    geometry: NDArray[np.object_],
    cls: FeatureClass,
    known: set[int] | None = None,
    read: NDArray[np.object_] | None = None,
) -> CleanRows:
    """Shapes (n,) in lon/lat → shapes that `cls` stores. Positions in `known` are refused already and stay None.

    `read` (n,) are the shapes as the file has them, in its own CRS: those that the report shows.
    """
    known = known or set()
    huge = np.flatnonzero(shapely.get_num_coordinates(geometry) > MAX_VERTICES)
    reasons = {int(i): f"the shape has more than {MAX_VERTICES} vertices" for i in huge}
    given = geometry.copy()
    given[huge] = None
    result = clean(given, cls.geometry, cls.accept, split=splits(cls))
    reasons |= {i: reason for i, reason in result.refused.items() if i not in known and i not in reasons}
    shown = geometry if read is None else read
    repaired = _repaired(given, result)
    warned = dict(result.warned)
    for i, text in [*_changed(repaired), *_large_parts(result.geometry)]:
        warned[i] = f"{warned[i]}; {text}" if i in warned else text
    return CleanRows(
        result.geometry, reasons, {i: show_shape(shown[i]) for i in reasons if shown[i] is not None}, repaired,
        {i: warned[i] for i in sorted(warned) if i not in reasons}, Counter(result.told),
    )  # fmt: skip


def splits(cls: FeatureClass) -> bool:
    """Whether a row of several places becomes several rows of the class."""
    return cls.parts == "split" and cls.geometry in ("point", "mixed")


@dataclass(frozen=True, slots=True)
class Split:
    """Rows after splitting: `geometry` (m,), `index` (m,) the row each comes from, `part` (m,) its number, 0 whole."""

    geometry: NDArray[np.object_]
    index: NDArray[np.intp]
    part: NDArray[np.intp]

    @property
    def told(self) -> Counter[str]:
        """The rows that were split and the features they became."""
        return Counter(split_rows=int((self.part == 1).sum()), split_features=int((self.part > 0).sum()))


def split_rows(geometry: NDArray[np.object_], cls: FeatureClass) -> Split | None:
    """Cleaned shapes (n,) → one row a part where the class splits, in the order of the file; None: there is nothing.

    The same file gives the same parts in the same order each time, so codes made of them stay.
    """
    if cls.parts != "split":
        return None
    several = _to_split(geometry, cls)
    counts = np.ones(len(geometry), dtype=np.intp)
    counts[several] = shapely.get_num_geometries(geometry[several])
    several = several[counts[several] > 1]
    if not len(several):
        return None
    index = np.repeat(np.arange(len(geometry)), counts)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    whole = counts[index] == 1
    shapes = geometry[index].copy()
    shapes[~whole] = _parts_of(geometry[several])
    return Split(shapes, index, np.where(whole, 0, np.arange(len(index)) - first + 1))


def _to_split(geometry: NDArray[np.object_], cls: FeatureClass) -> NDArray[np.intp]:
    several = shapely.GeometryType.MULTIPOINT if splits(cls) else _MULTI[cls.geometry]
    return np.flatnonzero(shapely.get_type_id(geometry) == several)


def _parts_of(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    # A class of lines or polygons stores multi-part shapes, so its single parts are wrapped again.
    parts = shapely.get_parts(shapes)
    kind = shapely.get_type_id(parts[0])
    if kind == shapely.GeometryType.POINT:
        return np.asarray(parts, dtype=object)
    wrap = shapely.multilinestrings if kind == shapely.GeometryType.LINESTRING else shapely.multipolygons
    return np.asarray(wrap(parts, indices=np.arange(len(parts))), dtype=object)


_MULTI = {"line": shapely.GeometryType.MULTILINESTRING, "polygon": shapely.GeometryType.MULTIPOLYGON}


def part_codes(codes: Sequence[str], split: Split) -> list[str]:
    """Codes (m,) of split rows: `<code>-1`, `<code>-2` … where a row became several."""
    return [
        f"{codes[i]}-{part}" if part else codes[i]
        for i, part in zip(split.index.tolist(), split.part.tolist(), strict=True)
    ]


def shape_notes(told: Mapping[str, int], cls: FeatureClass) -> list[str]:
    """What was done to the shapes of a layer, one sentence each; `told` is the sum over its chunks."""
    name = cls.title.en.lower()
    features = told.get("split_features", 0)
    dropped = (
        "they are 0, a column says the height, or the shape has several parts"
        if cls.z
        else f"{name} keep none"
    )
    said = {
        "collection": "{} geometry collections held one kind of shape that the class can use; it was taken.",
        "closed_line": "{} closed lines were taken as areas.",
        "split_rows": f"{{}} rows of several places became {features} {name}, coded <code>-1, <code>-2 ….",
        "z_taken": f"Z values were taken for {' and '.join(cls.z)} in {{}} rows.",
        "z_dropped": f"Z values of {{}} rows were dropped: {dropped}.",
        "z_strange": f"Z values of {{}} rows were dropped: no height in metres lies outside {LOWEST:g} to {HIGHEST:g}.",
        "m_dropped": "M values of {} rows were dropped: no class keeps measures.",
    }
    return [text.format(told[key]) for key, text in said.items() if told.get(key)]


#: Heights of the ground on Earth, in metres, with room for what is built into and on it.
LOWEST, HIGHEST = -1_000.0, 10_000.0


def shape_hint(reason: str) -> str:
    """What to do about a shape refused for `reason`."""
    for start, hint in _HINTS.items():
        if reason.startswith(start):
            return hint
    return "Mend the geometry and import the row again."


_HINTS = {
    "no geometry": "Give the row a geometry and import it again.",
    "empty geometry": "Give the row a geometry and import it again.",
    "coordinates are not": "Check the coordinates, their order (east first) and the CRS.",
    "the geometry is a closed line": "Save it as a polygon, or name a class of lines with --class.",
    "the geometry is a": "Draw it as the class asks, or name another class with --class.",
    "a multipoint": "Split it into one row a place.",
    "the polygon encloses": "Draw its outline anew; it is a line or a single place.",
    "the line has no": "Draw it anew; all its vertices are one place.",
    "the shape has more": "Simplify it, or cut it into several rows.",
}


def show_shape(shape: shapely.Geometry) -> str:
    """A refused shape as the report shows it: as WKT where it is short, else its kind, size and first vertex."""
    count = int(shapely.get_num_coordinates(shape))
    if count <= MAX_SHOWN_VERTICES:
        return str(shapely.to_wkt(shape, rounding_precision=7, trim=True))
    x, y = shapely.get_coordinates(shape)[0]
    kind = shapely.GeometryType(int(shapely.get_type_id(shape))).name.lower()
    return f"{kind} of {count} vertices from {x:.7g} {y:.7g}"


def _repaired(given: NDArray[np.object_], result: Cleaned) -> dict[int, dict[str, Any]]:
    return {
        i: {
            "reason": repair.reason,
            "at": None if repair.at is None else [round(number, 7) for number in repair.at],
            "area_before_m2": _area_m2(given[i]),
            "area_after_m2": _area_m2(result.geometry[i]),
        }
        for i, repair in result.repaired.items()
    }


def _changed(repaired: Mapping[int, Mapping[str, Any]]) -> Iterator[tuple[int, str]]:
    for i, change in repaired.items():
        before, after = change["area_before_m2"], change["area_after_m2"]
        if after and abs(after - before) > MAX_CHANGE * max(before, after):
            yield i, f"the repair ({change['reason']}) changed its area from {before:,.1f} to {after:,.1f} m²"


def _large_parts(shapes: NDArray[np.object_]) -> Iterator[tuple[int, str]]:
    for i in np.flatnonzero(shapely.get_num_coordinates(shapes) > MANY_VERTICES).tolist():
        most = int(shapely.get_num_coordinates(shapely.get_parts(shapes[i])).max())
        if most > MANY_VERTICES:
            yield i, f"one part has {most:,} vertices (more than {MANY_VERTICES:,}): analyses of it are slow"


def _area_m2(geometry: Any) -> float:
    area, _ = GEOD.geometry_area_perimeter(shapely.force_2d(geometry))
    return round(abs(float(area)), 1)
