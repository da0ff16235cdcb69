"""Where one feature lies, for the card that is opened by its id: a place on it and its extent."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, FromClause, func, select

_ENDS = {"west": func.ST_XMin, "south": func.ST_YMin, "east": func.ST_XMax, "north": func.ST_YMax}


def feature_place(conn: Connection, table: FromClause, feature_id: int) -> dict[str, Any]:
    """`at` [lat, lon] on a row's geometry; `bounds` [[south, west], [north, east]] where it is no point."""
    geom, middle = table.c.geom, func.ST_PointOnSurface(table.c.geom)
    columns = [end(geom).label(name) for name, end in _ENDS.items()]
    columns += [func.ST_X(middle).label("lon"), func.ST_Y(middle).label("lat")]
    row = conn.execute(select(*columns).where(table.c.id == feature_id)).one()
    view: dict[str, Any] = {"at": [row.lat, row.lon]}
    if (row.west, row.south) != (row.east, row.north):
        view["bounds"] = [[row.south, row.west], [row.north, row.east]]
    return view
