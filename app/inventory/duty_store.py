"""Who owns, maintains and supervises features, as stored: numbers by home area, and the features that lack somebody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from app.catalogue.model import Catalogue, FeatureClass
from app.inventory.changes import data_version, raw
from app.inventory.conditions import AT_HOME, home_values
from app.inventory.kept import once
from app.inventory.tables import quoted, table_name

#: What a feature must have for somebody to answer for it (plans §1.4, item G五①), field by field.
DUTIES = ("owner", "maintainer", "department")
RESPONSIBILITY = "responsibility_areas"
#: Kind of responsibility area → the classes of whose features its holder takes care.
CARED_FOR: Mapping[str, frozenset[str]] = {
    "cleaning": frozenset({"toilets", "waste_bins", "waste_kiosks", "alleys", "transfer_stations"}),
    "greenery": frozenset(
        {"green_spaces", "greenways", "greenway_nodes", "green_facilities", "street_trees", "flower_beds"}
        | {"planting_sections", "parks", "park_gates"}
    ),
    "municipal": frozenset(
        {"streets", "alleys", "bridges", "tunnels", "manholes", "pipes", "pipe_nodes", "street_furniture"}
        | {"public_signs", "traffic_facilities", "pumping_stations", "overhead_lines", "utility_poles"}
    ),
    "lighting": frozenset({"street_lights"}),
}
#: (number, without owner, maintainer, department, without one of them at least, without a keeper)
Lacks = tuple[int, int, int, int, int, int]
NO_LACKS: Lacks = (0, 0, 0, 0, 0, 0)


def lacks_by_path(
    conn: Connection, catalogue: Catalogue, cls: FeatureClass, version: int, duty_version: int
) -> dict[str, Lacks]:
    """Home path → how many features are there and lack whom; kept until the class or the responsibilities change.

    `version` is the class's data version, `duty_version` that of the responsibility areas.
    """
    return once(conn, ("lacks", cls.id, version, duty_version), lambda: _read(conn, catalogue, cls))


def read_duty_version(conn: Connection, catalogue: Catalogue) -> int:
    """The data version of the responsibility areas; 0 where there is no such class."""
    return data_version(conn, RESPONSIBILITY) if RESPONSIBILITY in catalogue.classes else 0


def _read(conn: Connection, catalogue: Catalogue, cls: FeatureClass) -> dict[str, Lacks]:
    lacks, values = _lacks(conn, catalogue, cls)
    keeper = "nullif(btrim(keeper), '') IS NULL" if _has(cls, "keeper") else "FALSE"
    numbers = ", ".join(f"count(*) FILTER (WHERE no_{name})" for name in DUTIES)
    either = " OR ".join(f"no_{name}" for name in DUTIES)
    told = ", ".join(f"{lacks[name]} AS no_{name}" for name in DUTIES)
    # OFFSET 0 keeps the conditions where they are: each is asked once a row, not once for every count.
    rows = f"SELECT area_path, {told}, {keeper} AS no_keeper FROM {table_name(cls)} v OFFSET 0"
    query = (
        f"SELECT area_path, count(*), {numbers}, count(*) FILTER (WHERE {either}), "
        f"count(*) FILTER (WHERE no_keeper) FROM ({rows}) v GROUP BY area_path"
    )
    return {row[0]: row[1:] for row in raw(conn).execute(query.encode(), values)}


def list_lacking(
    conn: Connection,
    catalogue: Catalogue,
    cls: FeatureClass,
    path: str | None,
    missing: str | None,
    after: int,
    limit: int,
) -> list[dict[str, Any]]:
    """The features that lack somebody (`missing` names whom, None: anybody), by id from `after` on, within a path.

    Each is a dict of id, code, name_zh, name_en, area_path and `missing`, the names of the empty fields.
    """
    lacks, values = _lacks(conn, catalogue, cls)
    chosen = list(lacks.values()) if missing is None else [lacks[missing]]
    where = [f"({' OR '.join(chosen)})", "id > %(after)s"]
    if path is not None:
        where.append(AT_HOME)
        values |= home_values(path)
    query = (
        f"SELECT id, code, name_zh, name_en, area_path, {', '.join(lacks.values())} FROM {table_name(cls)} v "
        f"WHERE {' AND '.join(where)} ORDER BY id LIMIT %(limit)s"
    )
    rows = raw(conn).execute(query.encode(), values | {"after": after, "limit": limit}).fetchall()
    names = ("id", "code", "name_zh", "name_en", "area_path")
    return [
        dict(zip(names, row[:5], strict=True))
        | {"missing": [name for name, lack in zip(lacks, row[5:], strict=True) if lack]}
        for row in rows
    ]


def _has(cls: FeatureClass, name: str) -> bool:
    return any(item.name == name for item in cls.fields)


def _lacks(
    conn: Connection, catalogue: Catalogue, cls: FeatureClass
) -> tuple[dict[str, str], dict[str, Any]]:
    """Duty → the condition under which a row `v` lacks it, with its values.

    A feature wholly inside a responsibility area that takes care of its class has that area's owner, maintainer and
    department.
    """
    kinds = sorted(kind for kind, classes in CARED_FOR.items() if cls.id in classes)
    conditions = {name: _is_blank(cls, name, "v") for name in DUTIES}
    if kinds and RESPONSIBILITY in catalogue.classes and _any_duty(conn, kinds):
        duties = catalogue.classes[RESPONSIBILITY]
        conditions = {
            name: f"({blank} AND NOT EXISTS (SELECT FROM {table_name(duties)} r WHERE r.kind = ANY(%(kinds)s) "
            f"AND NOT ({_is_blank(duties, name, 'r')}) AND ST_Covers(r.geom, v.geom)))"
            for name, blank in conditions.items()
        }
    return conditions, {"kinds": kinds}


def _is_blank(cls: FeatureClass, name: str, alias: str) -> str:
    return f"nullif(btrim({alias}.{quoted(name)}), '') IS NULL" if _has(cls, name) else "TRUE"


def _any_duty(conn: Connection, kinds: list[str]) -> bool:
    query = f"SELECT EXISTS (SELECT FROM {table_name(RESPONSIBILITY)} WHERE kind = ANY(%(kinds)s))"
    row = raw(conn).execute(query.encode(), {"kinds": kinds}).fetchone()
    return bool(row and row[0])
