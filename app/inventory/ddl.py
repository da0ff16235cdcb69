"""Renders the projected tables as DDL text, the same text for the same catalogue.

So the first revision of classes was frozen. A released revision never changes again: later classes and fields get
revisions of their own (`revise`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from sqlalchemy import Dialect, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, SetColumnComment, SetTableComment

from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.inventory.guards import guard_statement
from app.inventory.tables import SCHEMA, project
from app.settings import Settings

#: A writer that loads many rows has the planner told at once, of the columns that statements choose rows by.
#: Only the owner of a table may do so.
_ANALYZE = f"""CREATE OR REPLACE FUNCTION {SCHEMA}.analyze_class(schema text, class_id text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF schema NOT IN ('{SCHEMA}', 'local') THEN
        RAISE invalid_schema_name;
    END IF;
    EXECUTE format('ANALYZE %I.%I (id, code, geom, area_path, min_zoom, change_id)', schema, class_id);
    EXECUTE format('ANALYZE %I.%I (id, code, geom, valid, change_id, until_change)', schema, class_id || '_history');
END $$;

REVOKE ALL ON FUNCTION {SCHEMA}.analyze_class(text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION {SCHEMA}.analyze_class(text, text) TO chengtu_rw"""


def render(catalogue: Catalogue) -> str:
    """The DDL of every class table and its history, with indexes, comments, guards; one statement a paragraph."""
    return "".join(f"{_tidy(statement)};\n\n" for statement in statements(catalogue))


def _tidy(statement: str) -> str:
    return "\n".join(line.rstrip().replace("\t", "    ") for line in statement.splitlines())


def statements(catalogue: Catalogue) -> Iterator[str]:
    """The same, statement by statement, without semicolons."""
    tables = project(catalogue)
    yield _ANALYZE
    for class_id in sorted(tables.current):
        for table in (tables.current[class_id], tables.history[class_id]):
            yield from table_statements(table)
        # Who reads and writes which rows and fields: granted, and held to it by policies.
        yield guard_statement(catalogue.classes[class_id])


def table_statements(table: Table) -> Iterator[str]:
    """A table with its indexes and comments."""
    dialect = _dialect()
    yield str(CreateTable(table).compile(dialect=dialect)).strip()
    for index in sorted(table.indexes, key=lambda item: str(item.name)):
        yield str(CreateIndex(index).compile(dialect=dialect)).strip()
    yield str(SetTableComment(table).compile(dialect=dialect)).strip()
    for column in table.columns:
        if column.comment:
            yield str(SetColumnComment(column).compile(dialect=dialect)).strip()


def _dialect() -> Dialect:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    # The text runs without parameters, so a percent sign in a comment stays single.
    dialect.identifier_preparer._double_percents = False  # noqa: SLF001
    return dialect


if __name__ == "__main__":
    sys.stdout.write(render(load_catalogue(Settings().geodata)))
