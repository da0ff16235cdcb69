"""The SQL of the run collections: a page of areas, gaps or units as GeoJSON text written by the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import text

from app.catalogue.model import FeatureClass
from app.coverage.store import (
    AREA_COLUMNS,
    DIFFERENCE_COLUMNS,
    GAP_COLUMNS,
    OF_NOW,
    TYPES,
    UNIT_COLUMNS,
    run_table,
)
from app.database.scope import SCOPE
from app.database.transactions import Connection
from app.errors import BadInput, unknown
from app.inventory.boxes import LONLAT, box_conditions
from app.inventory.changes import raw
from app.inventory.feature_text import Shown, feature_text, geometry_text
from app.inventory.ordering import Kind, SortKey
from app.inventory.pages import Rows
from app.inventory.query import Condition, FeatureQuery, checked_page
from app.inventory.store import FeaturePage, rows_page
from app.inventory.tables import quoted, table_name

#: Collection → the columns that its features show beside `run` and `policy`; all but the geometry are filters too.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "coverage_areas": AREA_COLUMNS,
    "coverage_gaps": tuple(name for name in GAP_COLUMNS if name != "geom"),
    "coverage_units": tuple(name for name in UNIT_COLUMNS if name != "geom"),
    "coverage_differences": tuple(name for name in DIFFERENCE_COLUMNS if name != "geom"),
}
_NEWEST = (
    f"(SELECT DISTINCT ON (policy_id) id FROM city.coverage_runs WHERE {OF_NOW}"
    " ORDER BY policy_id, created_at DESC)"
)


def time_extent(conn: Connection, cls: FeatureClass) -> tuple[date | None, date | None]:
    """First and last day of a class by all that is believed; none where a version is open at that end."""
    current, history = table_name(cls), table_name(cls, history=True)
    row = conn.execute(
        text(
            "SELECT CASE WHEN NOT bool_or(lower_inf(valid)) THEN min(lower(valid)) END, "
            "CASE WHEN NOT bool_or(upper_inf(valid)) THEN max(upper(valid)) - 1 END FROM ("
            f"SELECT valid FROM {current} UNION ALL SELECT valid FROM {history} WHERE until_change IS NULL) v"
        )
    ).one()
    return row[0], row[1]


def checked_run(collection: str, query: FeatureQuery) -> FeatureQuery:
    """The query with its values checked; raises BadInput for a name, number or page that cannot be used."""
    for name in query.properties or ():
        if name not in run_names(collection):
            error = unknown(f"property of {collection}", name, run_names(collection))
            raise BadInput(error.message, error.hint)
    return checked_page(query, run_keys(collection, query.sortby))


def run_page(conn: Connection, collection: str, query: FeatureQuery) -> FeaturePage:
    """A page of one of `COLUMNS`, of a checked query; without a `run` among `where` the newest run of each policy.

    `where` maps `run` (UUIDs), `policy` or a column to allowed values, compared as text.
    """
    scope = SCOPE.get()
    rows, feature = run_rows(collection, query), run_feature(collection, query)
    return rows_page(conn, rows, feature, query, estimated=scope is None or scope.everywhere)


def run_names(collection: str) -> list[str]:
    """The properties that features of a run collection show; each can be sorted by."""
    return ["run", "policy", *COLUMNS[collection]]


def run_rows(collection: str, query: FeatureQuery) -> Rows:
    """The rows that a query asks for."""
    where, values = _where(collection, query)
    return Rows(_source(collection), where, values, run_keys(collection, query.sortby))


def _source(collection: str) -> str:
    rows = run_table(collection)
    return f"(SELECT t.*, r.policy_id AS policy FROM {rows} t JOIN city.coverage_runs r ON r.id = t.run)"


def run_item(
    conn: Connection,
    collection: str,
    item: int,
    *,
    srid: int = LONLAT,
    north_first: bool = False,
    open_only: bool = False,
) -> tuple[str, str] | None:
    """One feature of any run as GeoJSON text and its run, None where there is none; its system as in `FeatureQuery`."""
    shown = without_features(collection, None) if open_only else None
    feature = run_feature(collection, FeatureQuery(collection, srid=srid, north_first=north_first))
    statement = f"SELECT {feature}, left(run::text, 8) FROM {_source(collection)} v WHERE id = %(item)s"
    statement += f" AND {shown.sql}" if shown else ""
    row = raw(conn).execute(statement.encode(), {"item": item}).fetchone() if item < 2**63 else None
    return None if row is None else (str(row[0]), str(row[1]))


def run_keys(collection: str, sortby: Sequence[tuple[str, bool]]) -> tuple[SortKey, ...]:
    """The keys of an order; raises BadInput, with the names that can be, for one that cannot be sorted by."""
    valid = ["id", *run_names(collection)]
    for name, _ in sortby:
        if name not in valid:
            raise BadInput(
                f"{collection} cannot be sorted by '{name}'.", f"Sort by one of: {', '.join(valid)}."
            )
    return tuple(SortKey(name, _column(name), kind_of_run(name), down) for name, down in sortby)


def _column(name: str) -> str:
    return "run::text" if name == "run" else quoted(name)


def kind_of_run(name: str) -> Kind:
    """The type of a run collection's column."""
    if name == "id":
        return "integer"
    kinds: Mapping[str, Kind] = {"float8": "number", "int4": "integer", "bool": "boolean"}
    return kinds.get(TYPES.get(name, ""), "text")


def run_feature(collection: str, query: FeatureQuery) -> str:
    """One feature's text as an expression over a row."""
    names = [name for name in run_names(collection) if query.properties is None or name in query.properties]
    shape = geometry_text(query.srid, north_first=query.north_first) if query.geometry else "'null'"
    return feature_text([Shown(name, quoted(name), kind_of_run(name)) for name in names], shape)


def _where(collection: str, query: FeatureQuery) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {}
    named = "run" in query.where or (query.condition is not None and "run" in query.condition.columns)
    conditions = [] if named else [f"run IN {_NEWEST}"]
    for name, allowed in query.where.items():
        assert name in run_names(collection)
        conditions.append(f"{quoted(name)}::text = ANY(%(is_{name})s)")
        values[f"is_{name}"] = list(allowed)
    if query.ids is not None:
        conditions.append("id = ANY(%(ids)s::bigint[])")
        values["ids"] = list(query.ids)
    if query.bbox is not None:
        found, bound = box_conditions(query.bbox, query.bbox_srid, points=False)
        conditions.append(found)
        values |= bound
    if query.condition is not None:
        conditions.append(f"({query.condition.sql})")
        values |= query.condition.values
    return " AND ".join(conditions) or "TRUE", values


#: Units that are features of a class themselves, whose class may not be public: no public view has them.
NO_FEATURES: Mapping[str, Condition] = {
    "coverage_units": Condition("kind <> 'feature'", {}, frozenset({"kind"}))
}


def without_features(collection: str, condition: Condition | None) -> Condition | None:
    """A filter on rows of runs that leaves out what no public view has, too."""
    hidden = NO_FEATURES.get(collection)
    if hidden is None or condition is None:
        return condition or hidden
    return Condition(
        f"({condition.sql}) AND {hidden.sql}", condition.values, condition.columns | hidden.columns
    )


#: What `runs_version` reads.
RUNS_VERSION = (
    "SELECT left(id::text, 8) || '.' || (SELECT count(*) FROM city.coverage_runs) "
    "FROM city.coverage_runs ORDER BY created_at DESC, id LIMIT 1"
)


def runs_version(conn: Connection) -> str:
    """What the run collections' data version is: the newest run and how many there are, empty where there is none.

    Old runs are dropped, and of two that are saved at once the older may come to be seen after the newer.
    """
    found = conn.execute(text(RUNS_VERSION)).scalar()
    return str(found or "")
