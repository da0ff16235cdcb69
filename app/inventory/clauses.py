"""Renders parts of a projected table as SQL text: a column, a rule, an index, a comment."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, Column, Dialect, Index, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateColumn, CreateIndex, SetColumnComment, SetTableComment
from sqlalchemy.sql import ClauseElement


def rendered(element: ClauseElement) -> str:
    """The element as PostgreSQL reads it, without a semicolon."""
    return str(element.compile(dialect=_dialect())).strip()


def _dialect() -> Dialect:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    # The text runs without parameters, so a percent sign in a comment stays single.
    dialect.identifier_preparer._double_percents = False  # noqa: SLF001
    return dialect


def column_definition(column: Column[Any]) -> str:
    """Name, type, default and NOT NULL of a column, as `ADD COLUMN` takes them."""
    return rendered(CreateColumn(column))


def type_text(column: Column[Any]) -> str:
    """A column's type as PostgreSQL's `format_type` writes it."""
    return column.type.compile(dialect=_dialect()).lower().replace(", ", ",")


def rule_text(rule: CheckConstraint) -> str:
    """The condition of a check."""
    return rendered(rule.sqltext)


def index_statement(index: Index) -> str:
    """The statement that makes an index."""
    return rendered(CreateIndex(index))


def table_comment(table: Table) -> str:
    """The statement that gives a table its comment."""
    return rendered(SetTableComment(table))


def column_comment(column: Column[Any]) -> str:
    """The statement that gives a column its comment."""
    return rendered(SetColumnComment(column))


def literal(value: str | float | bool | date) -> str:
    """A declared value as SQL."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"
