"""The areas as stored: read for locating features, as they will be after a write; and features located anew."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from app.catalogue.model import Catalogue
from app.inventory.area_rows import get_area, list_areas
from app.inventory.areas import AREA_CLASSES, RANK, Areas, Located, locate, locate_areas, make_areas
from app.inventory.batch import Batch
from app.inventory.changes import mark_relocated, raw, table_name
from app.inventory.measure import as_multi
from app.inventory.prepare import located_columns
from app.inventory.staging import update_columns

__all__ = ["get_area", "list_areas", "read_areas", "relocate", "with_batches"]

_LEVEL = {"districts": "level", "grid_cells": "'grid'"}
_PARENT = {"districts": "parent", "grid_cells": "community"}


def read_areas(conn: Connection) -> Areas:
    """All whole areas of both classes, shapes in lon/lat."""
    rows = [row for class_id in AREA_CLASSES for row in _read_class(conn, class_id)]
    return _areas(rows)


def _read_class(conn: Connection, class_id: str) -> list[tuple[str, str, str | None, Any]]:
    query = (
        f"SELECT code, {_LEVEL[class_id]}, {_PARENT[class_id]}, geom FROM {table_name(class_id)} "
        f"WHERE NOT incomplete AND {_LEVEL[class_id]} IS NOT NULL"
    )
    rows = raw(conn).cursor(binary=True).execute(query.encode()).fetchall()
    shapes = shapely.from_wkb([row[3] for row in rows])
    return [(row[0], row[1], row[2], shape) for row, shape in zip(rows, shapes, strict=True)]


def _areas(rows: Iterable[tuple[str, str, str | None, Any]]) -> Areas:
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return make_areas(*columns)


def with_batches(areas: Areas, batches: Sequence[Batch]) -> Areas:
    """The areas as they will be once the batches are written; a code in a batch takes the place of the stored one."""
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
    return _areas(rows.values())


def _put(rows: dict[str, tuple[str, str, str | None, Any]], batch: Batch) -> None:
    grid = batch.class_id == "grid_cells"
    given_levels = batch.columns.get("level")
    given_parents = batch.columns.get(_PARENT[batch.class_id])
    shapes = as_multi(batch.geometry)
    for place, code in enumerate(batch.codes):
        before = rows.pop(code, None)
        _, level, parent, _ = before or (code, "grid" if grid else "", None, None)
        level = given_levels[place] if given_levels else level
        parent = given_parents[place] if given_parents else parent
        if level in RANK and code not in batch.incomplete:
            rows[code] = (code, level, parent, shapes[place])


def relocate(
    conn: Connection, catalogue: Catalogue, areas: Areas, change_id: int, skip: Collection[str] = ()
) -> dict[str, int]:
    """Give every feature the areas that it now lies in; class id → rows that lay elsewhere before.

    Areas are derived, so no new version of a feature is made; the class's data version follows the change. The caller
    holds the locks of all classes; classes in `skip` are known to be right.
    """
    moved = {}
    for class_id in sorted(set(catalogue.classes) - set(skip)):
        moved[class_id] = _relocate_class(conn, class_id, areas)
        if moved[class_id]:
            mark_relocated(conn, class_id, change_id)
    return moved


def _relocate_class(conn: Connection, class_id: str, areas: Areas) -> int:
    query = f"SELECT id, code, area_path, areas_touched, crosses_border, geom FROM {table_name(class_id)} ORDER BY id"
    rows = raw(conn).cursor(binary=True).execute(query.encode()).fetchall()
    if not rows:
        return 0
    shapes = shapely.from_wkb([row[5] for row in rows])
    located = _locate(class_id, areas, [row[1] for row in rows], shapes)
    places = [
        place
        for place, row in enumerate(rows)
        if row[2] != located.path[place]
        or tuple(row[3]) != located.touched[place]
        or row[4] != located.crosses_border[place]
    ]
    if places:
        columns = located_columns(_take(located, places))
        update_columns(conn, class_id, {"id": [rows[place][0] for place in places], **columns})
    return len(places)


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
