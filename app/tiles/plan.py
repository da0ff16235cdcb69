"""What an address asks of tiles, checked and ready to be built: see `layers`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from app.access.names import unknown_parameter
from app.catalogue.model import Catalogue
from app.coverage.service import no_run
from app.database.transactions import Connection
from app.errors import BadInput, ChengtuError, unknown
from app.inventory import store as inventory
from app.inventory.changes import data_versions
from app.inventory.query import FeatureQuery
from app.ogc import store as run_rows
from app.ogc.items_service import filter_names, items_query
from app.ogc.run_collections import RUN_COLLECTIONS
from app.tiles.asked import TilesAsked
from app.tiles.layers import Layer, Plan
from app.tiles.store import run_exists

__all__ = ["Layer", "Plan", "plan_of"]

#: Filters on fields that choose among runs: collections of classes in the same tile are drawn whole.
RUN_FILTERS = ("run", "policy")
#: The names of parameters, for hints.
PARAMETERS = frozenset(
    {
        "filter",
        "filter-lang",
        "filter-crs",
        "datetime",
        "subset",
        "as_of",
        "known_at",
        "area",
        "properties",
        "v",
        "view",
        "f",
        "lang",
    }
)


def collection_names(catalogue: Catalogue) -> list[str]:
    """The ids of all collections that have tiles."""
    return [*catalogue.classes, *RUN_COLLECTIONS]


def plan_of(
    conn: Connection, catalogue: Catalogue, collections: Sequence[str] | None, asked: TilesAsked
) -> Plan:
    """The layers that an address asks for, in the order of `collections`.

    None: every class of the catalogue, but those that lack a field by which the address chooses.

    Raises:
        NotFound: There is no such collection, area or run.
        BadInput: A parameter that cannot be read, or that a collection does not know.
    """
    _check_run_filters(collections or (), asked)
    if collections is None:
        every = _plan(_fitting(conn, catalogue, asked))
        # What nobody ever wrote to has no layer; but its first feature changes the tile, so its version counts.
        numbers = data_versions(conn, every.classes)
        written = tuple(layer for layer, number in zip(every.layers, numbers, strict=True) if number)
        return replace(every, layers=written, by_area=asked.area is not None, open_only=catalogue.open_only)
    known = collection_names(catalogue)
    for name in collections:
        if name not in known:
            raise unknown("collection", name, known)
    plan = _plan([_told_layer(conn, catalogue, name, asked) for name in dict.fromkeys(collections)])
    return replace(plan, by_area=asked.area is not None, open_only=catalogue.open_only)


def _told_layer(conn: Connection, catalogue: Catalogue, collection: str, asked: TilesAsked) -> Layer:
    """The layer; what cannot be asked of it is told with its name, for other collections may know it."""
    try:
        return _layer(conn, catalogue, collection, asked)
    except BadInput as error:
        error.members.setdefault("collection", collection)
        raise


def _check_run_filters(collections: Sequence[str], asked: TilesAsked) -> None:
    """Refuse a choice among runs where no collection of runs is asked for: it would choose nothing."""
    for name in asked.names:
        if name in RUN_FILTERS and not set(RUN_COLLECTIONS).intersection(collections):
            raise BadInput(
                f"'{name}' chooses among coverage runs, and no collection of them is asked for.",
                f"Leave it out, or ask for one of: {', '.join(RUN_COLLECTIONS)}.",
            )


def _plan(layers: Sequence[Layer]) -> Plan:
    classes = tuple(layer.cls for layer in layers if layer.cls is not None)
    return Plan(tuple(layers), classes, any(layer.cls is None for layer in layers))


def _fitting(conn: Connection, catalogue: Catalogue, asked: TilesAsked) -> list[Layer]:
    """The layers of the classes that know all that the address asks; raises what the first says where none does."""
    found: list[Layer] = []
    first: ChengtuError | None = None
    for cls in catalogue.classes.values():
        try:
            found.append(_layer(conn, catalogue, cls.id, asked))
        except BadInput as error:
            first = first or error
    if first is not None and not found:
        raise first
    return found


def _layer(conn: Connection, catalogue: Catalogue, collection: str, asked: TilesAsked) -> Layer:
    runs = collection in RUN_COLLECTIONS
    names = [name for name in asked.names if runs or name not in RUN_FILTERS]
    valid = filter_names(catalogue, collection)
    for name in names:
        if name not in valid:
            raise unknown_parameter(name, {*valid, *PARAMETERS})
    query = items_query(
        conn, catalogue, collection, asked.features(without=() if runs else RUN_FILTERS), version=""
    )
    return _run_layer(conn, query) if runs else _class_layer(conn, catalogue, query)


def _class_layer(conn: Connection, catalogue: Catalogue, query: FeatureQuery) -> Layer:
    cls = catalogue.get_class(query.class_id)
    query, rows, _ = inventory.selected(conn, catalogue, query)
    chosen = None if query.properties is None else tuple(query.properties)
    whole = query.times.now and rows.where == "TRUE"
    values = {} if whole else rows.values
    return Layer(cls.id, cls, rows.source, rows.where, values, chosen, current=query.times.now)


def _run_layer(conn: Connection, query: FeatureQuery) -> Layer:
    collection = query.class_id
    for run in query.where.get("run", []):
        if not run_exists(conn, uuid.UUID(run)):
            raise no_run(run)
    runs = [str(uuid.UUID(run)) for run in query.where.get("run", [])]
    # As the database writes them, since they are compared as text; and as themselves, for the index.
    query = replace(query, where={**query.where, **({"run": runs} if runs else {})})
    rows = run_rows.run_rows(collection, query)
    where = f"{rows.where} AND run = ANY(%(runs)s::uuid[])" if runs else rows.where
    chosen = None if query.properties is None else tuple(query.properties)
    return Layer(
        collection, None, rows.source, where, {**rows.values, "runs": runs} if runs else rows.values, chosen
    )
