"""A scenario's patches on rows as analysis reads them: what is gone, what is new, what stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import shapely

from app.coverage.model import Bools, Objects
from app.coverage.scenario import Patch
from app.coverage.supply import DATES
from app.errors import BadInput, NotFound, unknown
from app.inventory.arrays import FeatureArrays

#: What a patch of a state of life means.
STATES = {"close": "out_of_use", "open": "in_service"}


@dataclass(frozen=True, slots=True)
class Row:
    """One feature of a class: `shape` in metres, `values` by field; `whole` False where it was cut off by the data."""

    id: int
    code: str
    shape: shapely.Geometry
    values: Mapping[str, Any]
    path: str


#: Features that are not as they are stored, by class and code; None where they are gone.
Patched = Mapping[str, Mapping[str, Row | None]]


def patched_row(
    patch: Patch, stored: Row | None, shape: shapely.Geometry | None, new_id: int, path: str | None
) -> Row | None:
    """The feature after a patch: `stored` is what it was before, `shape` the patch's in metres, `path` of the areas
    it is at home in (both None where it stays as it is).

    Raises:
    ------
    BadInput
        What is to be added exists already, or the other way round.
    """
    if patch.do == "add":
        if stored is not None:
            raise BadInput(
                f"{patch.cls} has a feature '{stored.code}' already.", "Leave the code out, or change it."
            )
        assert shape is not None, "an added feature has a shape"
        code = patch.code or f"new-{new_id}"
        return Row(new_id, code, shape, {**patch.properties, "code": code}, path or "")
    if stored is None:
        raise NotFound(
            f"There is no feature '{patch.code}' of {patch.cls}.", "Patches before it may have removed it."
        )
    if patch.do == "remove":
        return None
    state = {"state": STATES[patch.do]} if patch.do in STATES else {}
    values = {**stored.values, **patch.properties, **state}
    return replace(
        stored,
        values=values,
        shape=stored.shape if shape is None else shape,
        path=stored.path if path is None else path,
    )


def stored_row(rows: FeatureArrays, code: str, class_id: str, codes: Sequence[str]) -> Row:
    """The feature of this code among `rows`, or NotFound with the nearest of all `codes`."""
    if code not in rows.code:
        raise unknown(f"feature of {class_id}", code, codes)
    at = rows.code.index(code)
    values = {name: column[at] for name, column in rows.columns.items()}
    return Row(int(rows.id[at]), code, rows.geometry[at], {**values, "code": code}, rows.area_path[at])


def patch_rows(
    rows: FeatureArrays,
    patched: Mapping[str, Row | None],
    fields: Sequence[str],
    where: Mapping[str, Sequence[Any]],
    day: date | None = None,
) -> FeatureArrays:
    """The rows that match `where` (field → allowed values, None = unknown), after the patches, in order of id.

    Of the patched ones those that stand on the day (None: all).
    """
    stay = np.array([code not in patched for code in rows.code], dtype=bool)
    new = [row for row in patched.values() if row is not None and matches(row, where) and stands(row, day)]
    kept = choose(rows, stay)
    if not new:
        return kept
    shapes = np.empty(len(new), dtype=object)
    shapes[:] = [row.shape for row in new]
    ids = np.concatenate((kept.id, np.array([row.id for row in new], dtype=np.int64)))
    order = np.argsort(ids, kind="stable")
    codes, paths = [*kept.code, *(row.code for row in new)], [*kept.area_path, *(row.path for row in new)]
    columns = {name: np.concatenate((kept.columns[name], _column(new, name)))[order] for name in fields}
    return replace(
        rows,
        id=ids[order],
        code=[codes[i] for i in order.tolist()],
        geometry=np.concatenate((kept.geometry, shapes))[order],
        columns=columns,
        area_path=[paths[i] for i in order.tolist()],
    )


def matches(row: Row, where: Mapping[str, Sequence[Any]]) -> bool:
    """Whether every field has one of its allowed values."""
    return all(row.values.get(name) in allowed for name, allowed in where.items())


def stands(row: Row, day: date | None) -> bool:
    """Whether a feature is built by the day and not removed by then; without a day all do."""
    built, removed = (row.values.get(name) for name in DATES)
    return day is None or ((built is None or built <= day) and (removed is None or removed > day))


def _column(rows: Sequence[Row], name: str) -> Objects:
    measured = {"area_m2": shapely.area, "length_m": shapely.length}.get(name)
    column = np.empty(len(rows), dtype=object)
    column[:] = [row.values.get(name) if measured is None else float(measured(row.shape)) for row in rows]
    return column


def choose(rows: FeatureArrays, which: Bools) -> FeatureArrays:
    """The rows of a mask."""
    at = np.flatnonzero(which)
    return replace(
        rows,
        id=rows.id[at],
        code=[rows.code[i] for i in at.tolist()],
        geometry=rows.geometry[at],
        columns={name: column[at] for name, column in rows.columns.items()},
        area_path=[rows.area_path[i] for i in at.tolist()],
    )
