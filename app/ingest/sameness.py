"""Whether what a file brings back is what was exported, as exactly as its format can hold it. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.catalogue.export_names import CELL_CHARACTERS, as_gbk, as_xml, cut_bytes
from app.catalogue.model import FieldType
from app.inventory.measure import as_multi
from app.validation.values import clean_text

#: Degrees (1 cm): the grid of a FileGDB, the digits of WKT and a change to another CRS and back stay below.
SAME_DEGREES = 1e-7
#: From so many vertices a tree finds the nearest ones faster than trying all (Hausdorff distance).
MANY_VERTICES = 500
#: Relative and absolute difference of numbers: dBase tables of other programs have eleven decimals.
SAME_NUMBER = 1e-9
SAME_MOMENT, WHOLE_MOMENT = timedelta(milliseconds=1), timedelta(seconds=1)
Same = NDArray[np.bool_]


def same_values(kind: FieldType, given: Sequence[Any], base: Sequence[Any]) -> Same:
    """Whether values (n) of a field, converted to its type, are those exported (n)."""
    equal = _EQUAL.get(kind, _equal)
    pairs = zip(given, base, strict=True)
    return np.fromiter((a == b or equal(a, b) for a, b in pairs), bool, len(given))


def same_objects(given: Sequence[dict[str, Any] | None], base: Sequence[dict[str, Any] | None]) -> Same:
    """Whether other attributes (n objects) are those exported; one that no cell held stands as a piece of text."""
    pairs = zip(given, base, strict=True)
    return np.fromiter(
        ((a or None) == (b or None) or _cut_object(a, b) or _alike(a, b) for a, b in pairs), bool, len(given)
    )


def same_shapes(given: NDArray[np.object_], base: NDArray[np.object_]) -> Same:
    """Whether shapes (n,) in lon/lat are those exported (n,).

    The direction of lines counts; the first vertex and direction of rings and the order of polygons do not, nor
    do heights, which no shape keeps here.
    """
    one, other = as_multi(given), as_multi(base)
    same: Same = np.asarray(shapely.equals_exact(one, other, SAME_DEGREES), dtype=bool)
    rings = _where(~same & (shapely.get_dimensions(other) == 2))
    if rings.size:
        same[rings] = _same_polygons(one[rings], other[rings])
    return same


def _same_polygons(one: NDArray[np.object_], other: NDArray[np.object_]) -> Same:
    """Normal forms alike, or as many vertices and none of them farther from the other shape than the tolerance."""
    same: Same = np.asarray(
        shapely.equals_exact(shapely.normalize(one), shapely.normalize(other), SAME_DEGREES), dtype=bool
    )
    counts = shapely.get_num_coordinates(one) == shapely.get_num_coordinates(other)
    near = SAME_DEGREES * math.sqrt(2)
    left = ~same & counts & _boxes_alike(one, other)
    many = shapely.get_num_coordinates(one) > MANY_VERTICES
    few = _where(left & ~many)
    same[few] = shapely.hausdorff_distance(one[few], other[few]) <= near
    for i in _where(left & many).tolist():
        same[i] = _all_near(one[i], other[i], near) and _all_near(other[i], one[i], near)
    return same


def _all_near(shape: shapely.Geometry, other: shapely.Geometry, distance: float) -> bool:
    """Whether each vertex of a shape has one of the other near it."""
    vertices = np.asarray(shapely.points(shapely.get_coordinates(shape)))
    tree = shapely.STRtree(np.asarray(shapely.points(shapely.get_coordinates(other))))
    found = tree.query_nearest(vertices, max_distance=distance, all_matches=False)
    return bool(np.unique(found[0]).size == vertices.size)


def _boxes_alike(one: NDArray[np.object_], other: NDArray[np.object_]) -> Same:
    apart = np.abs(shapely.bounds(one) - shapely.bounds(other)).max(axis=1)
    return np.asarray(apart <= SAME_DEGREES, dtype=bool)


def _where(mask: NDArray[Any]) -> NDArray[np.intp]:
    return np.flatnonzero(np.asarray(mask, dtype=bool))


def _equal(_given: Any, _base: Any) -> bool:
    return False


def _equal_numbers(given: Any, base: Any) -> bool:
    if given is None or base is None:
        return False
    return math.isclose(given, base, rel_tol=SAME_NUMBER, abs_tol=SAME_NUMBER)


def _equal_texts(given: Any, base: Any) -> bool:
    """Alike without blanks at the ends and whatever ends its lines, or as a format writes what it cannot hold."""
    one = _text(given)
    return one == _text(base) or (one != "" and base is not None and one in map(_text, _written(str(base))))


def _written(text: str) -> Iterator[str]:
    """The forms that formats give to texts that are too long for them, or have characters that they lack."""
    gbk = as_gbk(text)
    yield from (cut_bytes(text), text[:CELL_CHARACTERS], gbk, cut_bytes(gbk, encoding="GBK"))


def _text(value: Any) -> str:
    return "" if value is None else clean_text(as_xml(str(value).replace("\r\n", "\n").replace("\r", "\n")))


def _equal_dates(given: Any, base: Any) -> bool:
    return _day(given) == _day(base)


def _day(value: Any) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def _equal_moments(given: Any, base: Any) -> bool:
    """Alike to the millisecond, which is what most formats keep, or cut to the second, as a FileGDB has it."""
    if given is None or base is None:
        return False
    return bool(abs(given - base) < (SAME_MOMENT if given.microsecond else WHOLE_MOMENT))


def _alike(given: Any, base: Any) -> bool:
    """Whether all texts within two values are alike, and everything else equal."""
    if isinstance(given, dict) and isinstance(base, dict):
        named = {_text(name): value for name, value in base.items()}
        return len(given) == len(base) and all(
            _text(name) in named and _alike(value, named[_text(name)]) for name, value in given.items()
        )
    if isinstance(given, list) and isinstance(base, list):
        return len(given) == len(base) and all(map(_alike, given, base))
    texts = isinstance(given, str) and isinstance(base, str)
    return bool(given == base) or (texts and _equal_texts(given, base))


def _cut_object(given: dict[str, Any] | None, base: dict[str, Any] | None) -> bool:
    if not base or (given and list(given) != ["extra"]):
        return False
    length = len(json.dumps(base, ensure_ascii=False))
    return length > CELL_CHARACTERS and (not given or len(str(given["extra"])) >= CELL_CHARACTERS - 1)


_EQUAL: dict[str, Callable[[Any, Any], bool]] = {
    "number": _equal_numbers,
    "text": _equal_texts,
    "choice": _equal_texts,
    "date": _equal_dates,
    "datetime": _equal_moments,
}
