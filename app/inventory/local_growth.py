"""Brings the city's own classes and fields into the database: DDL that adds, in the migration's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from app.catalogue.loader import load_catalogue
from app.catalogue.local import PREFIX, SENSITIVITY, list_local, place_of
from app.catalogue.model import Catalogue, FeatureClass
from app.database.revision import set_local_mark
from app.inventory.growth import Growth, Live, Narrowing, compare
from app.inventory.schema_store import read_tables
from app.inventory.tables import SCHEMA, SYSTEM_COLUMNS, quoted, table_name
from app.settings import Settings

LOCAL_SCHEMA = "local"


class LocalGrowth:
    """What `app.database.migrate` does after the last revision, for the folder of CHENGTU_LOCAL.

    Called with the migration's connection, as the owner. Afterwards `changed` names the files whose tables grew and
    `left` says, a sentence each, what stays in the database without being declared any more.

    Raises:
        BadDeclaration: A file contradicts itself or a built-in class (at once, before anything is done); or it takes
            away what may be stored: the error names file, line, key and what the database has.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Read before anything is done, where the city has declarations that may be wrong.
        self._catalogue = None if settings.local is None else _load(settings)
        self.changed: list[str] = []
        self.left: list[str] = []

    def __call__(self, connection: psycopg.Connection[Any]) -> None:
        """Compare and grow."""
        live = read_tables(connection, [SCHEMA, LOCAL_SCHEMA])
        catalogue = self._catalogue or _load(self._settings)
        self.changed, self.left = [], list(_left(live, catalogue))
        for cls in _own(catalogue, self._guarded_here(connection)):
            growth = compare(_tables_of(live, cls), Catalogue({cls.id: cls}, {}))
            self._refuse_narrowing(connection, cls, growth)
            if growth.statements:
                self._run(connection, cls, growth)
        if self._settings.local is not None:
            set_local_mark(connection, self._settings)

    def _guarded_here(self, connection: psycopg.Connection[Any]) -> set[str]:
        """The built-in classes of which the city says who may see them, or said so before."""
        folder = self._settings.local_path
        now = [] if folder is None else [path.stem for path in list_local(folder, SENSITIVITY)]
        before = connection.execute(
            "SELECT DISTINCT split_part(split_part(file, '/', 2), '.', 1) FROM city.local_ddl "
            "WHERE starts_with(file, %s)",
            [f"{SENSITIVITY}/"],
        )
        return {*now, *(str(name) for (name,) in before)}

    def _run(self, connection: psycopg.Connection[Any], cls: FeatureClass, growth: Growth) -> None:
        for statement in growth.statements:
            connection.execute(statement)  # rendered from the catalogue, names quoted
        file = file_of(cls)
        connection.execute(
            "INSERT INTO city.local_ddl (file, statements) VALUES (%s, %s)",
            [file, ";\n".join(growth.statements) + ";\n"],
        )
        self.changed.append(file)

    def _refuse_narrowing(
        self, connection: psycopg.Connection[Any], cls: FeatureClass, growth: Growth
    ) -> None:
        if not growth.narrowings:
            return
        first: Narrowing = growth.narrowings[0]
        folder = self._settings.local_path
        assert folder is not None, "only what is declared there can narrow"
        row = connection.execute(
            SQL("SELECT count(*) FROM {}").format(Identifier(cls.schema, cls.id))
        ).fetchone()
        count = row[0] if row else 0
        raise place_of(folder, cls, first.field, first.key).fail(
            f"the database cannot be narrowed: {first.reason}; {count} features of {cls.id} are stored",
            "Declarations may only add. Take it back, or declare a new field or class beside the old one.",
        )


def _load(settings: Settings) -> Catalogue:
    return load_catalogue(settings.geodata, settings.local_path)


def file_of(cls: FeatureClass) -> str:
    """The file of the city's folder that declares the class, adds fields to it or says who may see it."""
    if cls.schema == LOCAL_SCHEMA:
        return f"classes/{cls.id}.yaml"
    return f"fields/{cls.id}.yaml" if _has_own_fields(cls) else f"{SENSITIVITY}/{cls.id}.yaml"


def _has_own_fields(cls: FeatureClass) -> bool:
    return any(item.name.startswith(PREFIX) for item in cls.fields)


def _own(catalogue: Catalogue, guarded_here: set[str]) -> list[FeatureClass]:
    """The classes that the city declares, adds fields to or guards itself, in the order of their files."""
    own = (
        cls
        for cls in catalogue.classes.values()
        if cls.schema == LOCAL_SCHEMA or _has_own_fields(cls) or cls.id in guarded_here
    )
    return sorted(own, key=file_of)


def _tables_of(live: Live, cls: FeatureClass) -> Live:
    keys = [(cls.schema, cls.id), (cls.schema, f"{cls.id}_history")]
    return {key: live[key] for key in keys if key in live}


def _left(live: Live, catalogue: Catalogue) -> Iterator[str]:
    """A sentence for each class and field that is stored and no longer declared."""
    for (schema, name), table in live.items():
        if name.endswith("_history") and (schema, name.removesuffix("_history")) in live:
            continue
        cls = catalogue.classes.get(name)
        if cls is None or cls.schema != schema:
            if schema == LOCAL_SCHEMA:
                yield f"The class '{name}' is no longer declared: its data stays in {schema}.{quoted(name)} unserved."
            continue
        declared = {item.name for item in cls.fields}
        own = [column for column in table.columns if column not in declared and _is_own(schema, column)]
        for column in own:
            yield f"The field '{column}' is no longer declared: its data stays in {table_name(cls)} unserved."


def _is_own(schema: str, column: str) -> bool:
    return column.startswith(PREFIX) if schema == SCHEMA else column not in SYSTEM_COLUMNS
