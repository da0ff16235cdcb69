"""The stored areas as plain rows: listed by level, found by code or name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from app.database.scope import SCOPE
from app.errors import Forbidden, unknown
from app.inventory.areas import RANK
from app.inventory.tables import table_name

_AREA_COLUMNS = "code, name_zh, name_en, kind, level, parent, area_path, area_m2"
_GRID_COLUMNS = "code, name_zh, name_en, kind, 'grid', community, area_path, area_m2"
_LIST = (
    f"SELECT {_AREA_COLUMNS} FROM {table_name('districts')} WHERE level IS NOT NULL AND NOT incomplete "
    f"UNION ALL SELECT {_GRID_COLUMNS} FROM {table_name('grid_cells')} WHERE NOT incomplete"
)


def list_areas(conn: Connection, level: str | None = None) -> list[dict[str, Any]]:
    """All whole areas, or those of one level, coarse to fine, then by code.

    Each is a dict of code, name_zh, name_en, kind, level, parent, area_path, area_m2.

    Raises:
        NotFound: There is no such level.
    """
    if level is not None and level not in RANK:
        raise unknown("area level", level, RANK)
    statement = text(f"SELECT * FROM ({_LIST}) a WHERE level = coalesce(:level, level)")
    rows = conn.execute(statement, {"level": level}).mappings()
    return sorted((dict(row) for row in rows), key=lambda row: (RANK[row["level"]], row["code"]))


def get_area(conn: Connection, name: str) -> dict[str, Any]:
    """The area with this code, else with this Chinese or English name; where a name is borne twice, the larger level.

    Raises:
        NotFound: With the nearest names (codes may be hashes that tell a person nothing).
        Forbidden: It holds the areas of the scope that holds, and more: its name is no secret, the rest of it is.
    """
    statement = text(f"SELECT * FROM ({_LIST}) a WHERE :name IN (code, name_zh, name_en)")
    rows = [dict(row) for row in conn.execute(statement, {"name": name}).mappings()]
    if not rows:
        _check_above(conn, name)
        raise unknown("area", name, _names(conn))
    return min(rows, key=lambda row: (row["code"] != name, RANK[row["level"]], row["code"]))


#: Areas that one of some codes lies in, by code or name: who sees a district may know of what city it is.
_ABOVE = text(
    "SELECT code, coalesce(name_zh, name_en, code) FROM city.whole_districts() WHERE :name IN (code, name_zh, name_en) "
    "AND code IN (SELECT unnest(string_to_array(area_path, '/')) FROM ("
    f"SELECT area_path FROM {table_name('districts')} WHERE code = ANY(:areas) UNION ALL "
    f"SELECT area_path FROM {table_name('grid_cells')} WHERE code = ANY(:areas)) own)"
)


def _check_above(conn: Connection, name: str) -> None:
    scope = SCOPE.get()
    if scope is None or scope.areas is None or scope.party is not None:
        return
    row = conn.execute(_ABOVE, {"name": name, "areas": list(scope.areas)}).first()
    if row is not None:
        raise Forbidden(
            f"'{row[1]}' ({row[0]}) holds more than your areas.",
            f"Name one of your own areas, or none: {', '.join(scope.areas)}.",
        )


def _names(conn: Connection) -> list[str]:
    statement = text(f"SELECT unnest(ARRAY[name_zh, name_en]) FROM {table_name('districts')}")
    return sorted({name for name in conn.execute(statement).scalars() if name})
