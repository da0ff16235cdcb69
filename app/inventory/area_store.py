"""The areas as stored: read for locating features, as they will be after a write; and features located anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.inventory.area_rows import get_area, list_areas
from app.inventory.areas import (
    AREA_CLASSES,
    RANK,
    Areas,
    Located,
    check_no_circle,
    locate,
    locate_areas,
    make_areas,
)
from app.inventory.batch import Batch
from app.inventory.changes import data_versions, raw
from app.inventory.copy_binary import Cells, integers, ranges
from app.inventory.kept import latest
from app.inventory.measure import as_multi
from app.inventory.periods import holds, today
from app.inventory.prepare import located_columns
from app.inventory.search_index_store import index_ids
from app.inventory.staging import update_columns
from app.inventory.tables import table_name

__all__ = ["get_area", "known_areas", "list_areas", "read_areas", "relocate", "with_batches"]

_PARENT = {"districts": "parent", "grid_cells": "community"}


def read_areas(conn: Connection) -> Areas:
    """All whole areas of both classes, shapes in lon/lat; the same for whoever asks: by them features are located."""
    rows = [row for class_id in AREA_CLASSES for row in _read_class(conn, class_id)]
    return _areas(rows)


def known_areas(conn: Connection) -> Areas:
    """The same, read once for each version of them: an edit of one feature would read thousands of shapes.

    Not for a transaction that is itself writing areas: under one change they may stand in several ways.
    """
    return latest(conn, "areas", data_versions(conn, AREA_CLASSES), lambda: read_areas(conn))


def _read_class(conn: Connection, class_id: str) -> list[tuple[str, str, str | None, Any]]:
    query = "SELECT code, level, parent, shape FROM city.whole_areas(%s)"
    rows = raw(conn).cursor(binary=True).execute(query, [class_id]).fetchall()
    shapes = shapely.from_wkb([row[3] for row in rows])
    return [(row[0], row[1], row[2], shape) for row, shape in zip(rows, shapes, strict=True)]


def _areas(rows: Iterable[tuple[str, str, str | None, Any]]) -> Areas:
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return make_areas(*columns)


def with_batches(areas: Areas, batches: Sequence[Batch]) -> Areas:
    """The areas as they will be once the batches are written; a code in a batch takes the place of the stored one.

    Raises:
        BadInput: An area would contain itself.
    """
    if not any(batch.class_id in AREA_CLASSES for batch in batches):
        return areas
    levels = list(RANK)
    rows = {
        code: (code, levels[rank], parent, shape)
        for code, rank, parent, shape in zip(
            areas.codes, areas.rank.tolist(), areas.parent, areas.shapes, strict=True
        )
    }
    for batch in batches:
        if batch.class_id in AREA_CLASSES:
            _put(rows, batch)
    found = _areas(rows.values())
    check_no_circle(found)
    return found


def _put(rows: dict[str, tuple[str, str, str | None, Any]], batch: Batch) -> None:
    grid = batch.class_id == "grid_cells"
    given_levels = batch.columns.get("level")
    given_parents = batch.columns.get(_PARENT[batch.class_id])
    shapes = as_multi(batch.geometry)
    for place, code in enumerate(batch.codes):
        if batch.valid is not None and not holds(batch.valid[place], today()):
            continue
        before = rows.pop(code, None)
        _, level, parent, _ = before or (code, "grid" if grid else "", None, None)
        level = given_levels[place] if given_levels else level
        parent = given_parents[place] if given_parents else parent
        if level in RANK and code not in batch.incomplete:
            rows[code] = (code, level, parent, shapes[place])


def relocate(
    conn: Connection, cls: FeatureClass, areas: Areas, written_by: int | None = None
) -> tuple[list[int], int]:
    """Give the features of a class the areas that they now lie in, current rows and those believed of other days.

    All of them, or those that the change `written_by` wrote. Ids of the current rows that lay elsewhere before, and the
    number of the others. Areas are derived, so no new version of a feature is made; the caller holds the class's lock
    and marks its new data version.
    """
    current = _relocate_table(conn, cls, areas, written_by, history=False)
    if current:
        index_ids(conn, cls, current)
    return current, len(_relocate_table(conn, cls, areas, written_by, history=True))


#: What tells a row apart, in the class's table and in its history.
_KEYS = {False: ("id",), True: ("id", "change_id", "valid")}
_BELIEVED = {False: "TRUE", True: "until_change IS NULL"}


def _relocate_table(
    conn: Connection, cls: FeatureClass, areas: Areas, written_by: int | None, *, history: bool
) -> list[int]:
    key = _KEYS[history]
    query = (
        f"SELECT code, area_path, areas_touched, crosses_border, geom, {', '.join(key)} "
        f"FROM {table_name(cls, history=history)} WHERE {_BELIEVED[history]} "
        "AND change_id = coalesce(%(change)s::bigint, change_id) ORDER BY id"
    )
    rows = raw(conn).cursor(binary=True).execute(query.encode(), {"change": written_by}).fetchall()
    if not rows:
        return []
    located = _locate(cls.id, areas, [row[0] for row in rows], shapely.from_wkb([row[4] for row in rows]))
    places = [
        place
        for place, row in enumerate(rows)
        if row[1] != located.path[place]
        or tuple(row[2]) != located.touched[place]
        or row[3] != located.crosses_border[place]
    ]
    if places:
        keys = {name: _cells(name, [rows[place][5 + at] for place in places]) for at, name in enumerate(key)}
        columns = keys | located_columns(_take(located, places))
        update_columns(conn, cls, columns, key, history=history)
    return [int(rows[place][5]) for place in places]


def _cells(key: str, values: Sequence[Any]) -> Cells:
    if key == "valid":
        return ranges([(period.lower, period.upper) for period in values])
    return integers(values)


def _locate(class_id: str, areas: Areas, codes: Sequence[str], shapes: NDArray[np.object_]) -> Located:
    if class_id in AREA_CLASSES:
        return locate_areas(areas, codes, shapes)
    return locate(areas, shapes)


def _take(located: Located, places: list[int]) -> Located:
    return Located(
        [located.path[place] for place in places],
        [located.touched[place] for place in places],
        located.crosses_border[places],
    )
