"""SQL conditions on a class's rows and the values bound in them, by name as psycopg takes them.

Names come from the catalogue; every value is bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.catalogue.model import FeatureClass
from app.inventory.boxes import box_conditions
from app.inventory.query import FeatureQuery
from app.inventory.tables import INDEXED_ZOOMS, quoted

Values = dict[str, Any]
#: Rows at home in the area whose path is bound by `home_values`.
AT_HOME = "(area_path = %(path)s OR (area_path ~>=~ %(path_from)s AND area_path ~<~ %(path_to)s))"


def home_values(path: str) -> Values:
    """The values of AT_HOME: '0' follows '/' in byte order, so all that begins with "path/" lies between the two."""
    return {"path": path, "path_from": f"{path}/", "path_to": f"{path}0"}


def field_conditions(where: Mapping[str, Sequence[Any]]) -> tuple[list[str], Values]:
    """For checked field → allowed values; None among them means unknown."""
    parts: list[str] = []
    values: Values = {}
    for place, (name, allowed) in enumerate(where.items()):
        known = [value for value in allowed if value is not None]
        either = [f"{quoted(name)} IS NULL"] if len(known) < len(allowed) else []
        if known or not either:
            either.append(f"{quoted(name)} = ANY(%(value{place})s)")
            values[f"value{place}"] = known
        parts.append(f"({' OR '.join(either)})")
    return parts, values


def query_condition(
    cls: FeatureClass, query: FeatureQuery, path: str | None, *, rough: bool = False
) -> tuple[str, Values]:
    """For a checked query; `path` is that of its area. `rough` where only the planner reads it."""
    parts, values = field_conditions(query.where)
    if query.bbox is not None:
        found, bound = box_conditions(
            query.bbox, query.bbox_srid, points=cls.geometry == "point", rough=rough
        )
        parts.append(found)
        values.update(bound)
    if query.ids is not None:
        parts.append("id = ANY(%(ids)s::bigint[])")
        values["ids"] = list(query.ids)
    if query.condition is not None:
        parts.append(f"({query.condition.sql})")
        values.update(query.condition.values)
    if path is not None:
        parts.append(AT_HOME)
        values.update(home_values(path))
    if query.zoom is not None:
        parts.append(_zoom_condition(query.zoom))
        values["zoom"] = query.zoom
    values.update(query.times.values)
    return " AND ".join(parts) or "TRUE", values


def _zoom_condition(zoom: int) -> str:
    """Rows drawn at a zoom; the constant beside it is the one that a partial index was made with."""
    indexed = next((limit for limit in INDEXED_ZOOMS if zoom <= limit), None)
    return "min_zoom <= %(zoom)s" if indexed is None else f"min_zoom <= {indexed} AND min_zoom <= %(zoom)s"
