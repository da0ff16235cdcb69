"""Where features lie: the home area, every area touched, and whether a district border is crossed. Pure, on arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from app.catalogue.model import AREA_LEVELS
from app.errors import BadInput

#: Classes whose rows are areas; the second holds only the grid level.
AREA_CLASSES = ("districts", "grid_cells")
RANK: Mapping[str, int] = {level: rank for rank, level in enumerate(AREA_LEVELS)}
DISTRICT_RANK = RANK["district"]


@dataclass(frozen=True, slots=True)
class Areas:
    """All areas: `codes` (n,), `rank` (n,) of the level (0 city … 4 grid), `parent` codes or '', shapes in lon/lat."""

    codes: NDArray[np.object_]
    rank: NDArray[np.int64]
    parent: NDArray[np.object_]
    shapes: NDArray[np.object_]

    def __len__(self) -> int:
        """The number of areas."""
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class Located:
    """For n features: `path` home area codes joined by '/', city first; `touched` all areas, coarse to fine."""

    path: list[str]
    touched: list[tuple[str, ...]]
    crosses_border: NDArray[np.bool_]


def make_areas(
    codes: Sequence[str], levels: Sequence[str], parents: Sequence[str | None], shapes: Sequence[object]
) -> Areas:
    """Areas in a fixed order (level, then code), whatever order they came in."""
    rank = np.array([RANK[level] for level in levels], dtype=np.int64)
    names = np.array([*codes, None], dtype=object)[:-1]
    order = np.lexsort((names.astype(str), rank)) if len(rank) else np.zeros(0, dtype=np.int64)
    known = np.array([*(parent or "" for parent in parents), None], dtype=object)[:-1]
    geometry = np.array([*shapes, None], dtype=object)[:-1]
    return Areas(names[order], rank[order], known[order], geometry[order])


def check_no_circle(areas: Areas) -> None:
    """Refuse areas whose declared parents lead back to themselves.

    Raises:
        BadInput: The sentence names the chain.
    """
    above = {code: parent for code, parent in zip(areas.codes, areas.parent, strict=True) if parent}
    safe: set[str] = set()
    for start in above:
        chain: dict[str, None] = {}
        code: str | None = start
        while code is not None and code not in safe:
            if code in chain:
                raise _circle([*chain][[*chain].index(code) :])
            chain[code] = None
            code = above.get(code)
        safe.update(chain)


def _circle(codes: list[str]) -> BadInput:
    return BadInput(
        f"The area '{codes[0]}' would contain itself: {' is in '.join([*codes, codes[0]])}.",
        "Correct the area above (parent) of one of them; nothing was changed.",
    )


def same_areas(one: Areas, other: Areas) -> bool:
    """Whether both hold the same areas with the same shapes, vertex by vertex."""
    return (
        len(one) == len(other)
        and bool((one.codes == other.codes).all())
        and bool((one.rank == other.rank).all())
        and bool((one.parent == other.parent).all())
        and bool(shapely.equals_exact(one.shapes, other.shapes).all())
    )


def locate(areas: Areas, shapes: NDArray[np.object_]) -> Located:
    """Home, touched areas and border crossing of shapes (n,) in lon/lat.

    The home is the smallest area holding the point itself, the middle of a line or a point on the surface. On a shared
    border, and where areas of one level overlap, the finer home's declared parent wins, then the smaller area.
    """
    anchors = _anchors(shapes)
    # The areas are few and large, the features many and small: areas are prepared and asked against a tree of features.
    at, inside = shapely.STRtree(anchors).query(areas.shapes, predicate="intersects")
    homes = _homes(areas, at, inside, len(shapes))
    points = shapely.get_type_id(shapes) == 0
    if points.all():
        return Located(_paths(areas, homes), _touched(areas, at, inside, len(shapes)), ~points)
    tree = shapely.STRtree(shapes)
    at, inside = tree.query(areas.shapes, predicate="intersects")
    touched = _touched(areas, at, inside, len(shapes))
    return Located(_paths(areas, homes), touched, _crossing(areas, tree, at, inside, len(shapes)))


def locate_areas(areas: Areas, codes: Sequence[str], shapes: NDArray[np.object_]) -> Located:
    """The same for rows that are areas themselves: coarser levels hold them, and the path ends with their own code.

    Rows whose code is not among `areas` (incomplete ones) are at home where `locate` finds them.
    """
    row = {code: place for place, code in enumerate(areas.codes)}
    own = np.array([row.get(code, -1) for code in codes], dtype=np.int64)
    known = own >= 0
    own_rank = (
        np.where(known, areas.rank[own], len(AREA_LEVELS)) if len(areas) else own + len(AREA_LEVELS) + 1
    )
    at, inside = shapely.STRtree(_anchors(shapes)).query(areas.shapes, predicate="intersects")
    coarser = areas.rank[at] < own_rank[inside]
    parents = np.array([areas.parent[place] if place >= 0 else "" for place in own], dtype=object)
    homes = _homes(areas, at[coarser], inside[coarser], len(shapes), parents)
    homes[np.flatnonzero(known), own_rank[known]] = own[known]
    paths = _paths(areas, homes)
    touched = [tuple(path.split("/")) if path else () for path in paths]
    return Located(paths, touched, np.zeros(len(shapes), dtype=bool))


def _anchors(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    lines = np.isin(shapely.get_type_id(shapes), [1, 2, 5])
    anchors: NDArray[np.object_] = np.array(shapes, dtype=object)
    anchors[lines] = shapely.line_interpolate_point(shapes[lines], 0.5, normalized=True)
    areal = np.isin(shapely.get_type_id(shapes), [3, 6])
    anchors[areal] = shapely.point_on_surface(shapes[areal])
    return anchors


def _homes(
    areas: Areas,
    at: NDArray[np.int64],
    inside: NDArray[np.int64],
    count: int,
    parents: NDArray[np.object_] | None = None,
) -> NDArray[np.int64]:
    """(n, levels) row of the home area at each level, -1 where none, from pairs (area `at`, feature `inside`)."""
    homes = np.full((count, len(AREA_LEVELS)), -1, dtype=np.int64)
    size = shapely.area(areas.shapes)
    wanted = np.full(count, "", dtype=object) if parents is None else parents.copy()
    for rank in reversed(range(len(AREA_LEVELS))):
        here = areas.rank[at] == rank
        area, feature = at[here], inside[here]
        stranger = areas.codes[area] != wanted[feature]
        order = np.lexsort((area, size[area], stranger, feature))
        found, first = np.unique(feature[order], return_index=True)
        homes[found, rank] = area[order][first]
        declared = areas.parent[homes[found, rank]]
        wanted[found[declared != ""]] = declared[declared != ""]
    return homes


def _paths(areas: Areas, homes: NDArray[np.int64]) -> list[str]:
    _, first, back = np.unique(_row_keys(homes, len(areas) + 1), return_index=True, return_inverse=True)
    paths = ["/".join(areas.codes[row[row >= 0]]) for row in homes[first]]
    return [paths[place] for place in back.ravel().tolist()]


def _row_keys(homes: NDArray[np.int64], base: int) -> NDArray[np.int64]:
    """(n,) one number for each row, the same for equal rows: numbers are sorted many times faster than rows."""
    keys = np.zeros(len(homes), dtype=np.int64)
    for column in homes.T:
        # As small as they can be before each step, so that they never run over.
        keys = np.unique(keys * base + column + 1, return_inverse=True)[1].ravel()
    return keys


def _touched(
    areas: Areas, at: NDArray[np.int64], inside: NDArray[np.int64], count: int
) -> list[tuple[str, ...]]:
    # Areas are in order of level and code, so sorted rows are sorted areas.
    order = np.lexsort((at, inside))
    ends = np.searchsorted(inside[order], np.arange(count + 1))
    rows, seen = at[order], {}
    result: list[tuple[str, ...]] = []
    for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        key = rows[start:end].tobytes()
        if key not in seen:
            seen[key] = tuple(areas.codes[rows[start:end]])
        result.append(seen[key])
    return result


def _crossing(
    areas: Areas, tree: shapely.STRtree, at: NDArray[np.int64], inside: NDArray[np.int64], count: int
) -> NDArray[np.bool_]:
    """True where a feature is in a district without being wholly within one."""
    crossing = np.zeros(count, dtype=bool)
    crossing[inside[areas.rank[at] == DISTRICT_RANK]] = True
    _, whole = tree.query(areas.shapes[areas.rank == DISTRICT_RANK], predicate="covers")
    crossing[whole] = False
    return crossing
