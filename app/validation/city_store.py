"""The SQL of what a row is checked against: the ground of the city, its areas by name, its division codes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely
from sqlalchemy import Connection, text

from app.catalogue.model import FeatureClass
from app.inventory.changes import METRIC_CRS, find_setting
from app.inventory.tables import table_name
from app.validation.divisions import Divisions, make_divisions
from app.validation.frame import Frame, NamedArea, make_frame, make_surroundings


def read_divisions(conn: Connection) -> Divisions:
    """All whole districts and cities with their division codes; a district's own code counts where it has no other."""
    query = text(
        "SELECT coalesce(division_code, code), ST_AsBinary(shape) FROM city.whole_districts()"
        " WHERE level IN ('city', 'district')"
    )
    rows = conn.execute(query).all()
    return make_divisions([row[0] for row in rows], list(shapely.from_wkb([row[1] for row in rows])))


def read_surroundings(conn: Connection, classes: Iterable[FeatureClass]) -> Frame | None:
    """What lies around the city's data, of one feature of each class; None where nothing is stored.

    For a city without borders: see `make_surroundings`.
    """
    metric = find_setting(conn, METRIC_CRS)
    if metric is None:
        return None
    one = " UNION ALL ".join(f"(SELECT geom FROM {table_name(cls)} LIMIT 1)" for cls in classes)
    rows = conn.execute(
        text(f"SELECT ST_AsBinary(ST_Envelope(geom)) FROM ({one}) one WHERE geom IS NOT NULL")
    )
    return make_surroundings(shapely.from_wkb(np.array(rows.scalars().all(), dtype=object)), metric)


def read_frame(conn: Connection) -> Frame | None:
    """The city as the frame of what is stored, whoever asks: its whole areas; None where none is stored whole."""
    metric = find_setting(conn, METRIC_CRS)
    if metric is None:
        return None
    query = text(
        "SELECT code, division_code, name_zh, name_en, level, ST_AsBinary(shape) FROM city.whole_districts()"
    )
    rows = conn.execute(query).all()
    shapes = shapely.from_wkb([row[5] for row in rows])
    areas = [
        NamedArea(tuple(filter(None, row[:4])), row[4], shape)
        for row, shape in zip(rows, shapes, strict=True)
    ]
    return make_frame(areas, metric)
