"""Levels of areas: which are asked for, and the parts that land is cut into once so that every level adds up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from app.coverage.lattice import SLIVER_M2
from app.coverage.measure import cut_by_areas
from app.coverage.model import Areas, Ints, Objects
from app.coverage.shapes import collect, solid, union_groups
from app.errors import BadInput, unknown

#: From coarse to fine (design §4, "Areas").
LEVELS = ("city", "district", "subdistrict", "community", "grid")
#: What is reported where no level is asked for: the parts of what the request is about.
CHILD_LEVEL = {None: "district", "city": "district", "district": "subdistrict", "subdistrict": "community",
               "community": "community", "grid": "grid"}  # fmt: skip


def parse_levels(given: Any) -> tuple[str, ...]:
    """`all`, a list or a text with commas → levels, coarsest first; none for what says nothing.

    Raises:
    ------
    BadInput
        A level is unknown.
    """
    if given in (None, "", [], ()):
        return ()
    names = [part.strip() for part in given.split(",")] if isinstance(given, str) else [str(v) for v in given]
    if names == ["all"]:
        return LEVELS
    for name in names:
        if name not in LEVELS:
            error = unknown("level", name, LEVELS)
            raise BadInput(error.message, f"Valid levels: {', '.join(LEVELS)}; or all.")
    return tuple(level for level in LEVELS if level in names)


def levels_below(asked: Sequence[str], level: str | None) -> tuple[str, ...]:
    """The levels to report on for a request about an area of `level` (None: everything): none coarser than that.

    Raises:
    ------
    BadInput
        All levels asked for are coarser.
    """
    if not asked:
        return (CHILD_LEVEL[level],)
    first = 0 if level is None else LEVELS.index(level)
    found = tuple(name for name in LEVELS[first:] if name in asked)
    if not found:
        raise BadInput(
            f"A {level} has no parts of the level {', '.join(asked)}.",
            f"Levels: {', '.join(LEVELS[first:])}.",
        )
    return found


def combine(levels: Sequence[Areas]) -> Areas:
    """Areas of several levels, coarsest first, as one: cut into parts that each lie in at most one area a level.

    Land that a finer level leaves out stays a part of the coarser one, so that each level's sums are exact even where
    borders do not nest.
    """
    filled = [level for level in levels if level.code]
    if len(filled) < 2:
        return filled[0] if filled else Areas([], [], [], np.empty(0, dtype=object))
    parts, held = filled[0].geometry, np.arange(len(filled[0].code))[:, None]
    first = len(filled[0].code)
    for finer in filled[1:]:
        parts, held = _cut_finer(parts, held, finer.geometry, first)
        first += len(finer.code)
    part, column = np.nonzero(held >= 0)
    return Areas(
        [code for level in filled for code in level.code],
        [name for level in filled for name in level.name],
        [name for level in filled for name in level.level],
        parts,
        np.column_stack((part, held[part, column])),
    )


def _cut_finer(parts: Objects, held: Ints, finer: Objects, first: int) -> tuple[Objects, Ints]:
    """Parts (p,) and the area of each level they lie in (p, l), cut by the areas of one more level.

    Those are numbered from `first`; -1 is none.
    """
    pieces = cut_by_areas(finer, parts)
    inside = pieces.area >= 0
    left = _left(parts, pieces.geometry[inside], pieces.area[inside])
    real = np.flatnonzero(shapely.area(left) > SLIVER_M2)
    outside = np.full(held.shape[1], -1)
    above = np.where(inside[:, None], held[np.maximum(pieces.area, 0)], outside)
    labels = np.vstack(
        (
            np.column_stack((above, first + pieces.unit)),
            np.column_stack((held[real], np.full(len(real), -1))),
        )
    )
    return np.concatenate((pieces.geometry, left[real])), labels.astype(np.int64)


def _left(parts: Objects, pieces: Objects, part: Ints) -> Objects:
    """(p,) what the pieces (k,), each inside the part that it names, leave of the parts."""
    result = parts.copy()
    taken, groups = collect(pieces, part)
    if len(taken):
        result[taken] = solid(shapely.difference(parts[taken], union_groups(groups)))
    return result
