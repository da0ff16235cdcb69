"""Compares the tables of a database with those the catalogue asks for: what to add, and what may not be taken away.

Pure: `schema_store` reads the tables, whoever calls runs the statements. Rules are told apart by their names, which
bear the rule's checksum (`tables`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CheckConstraint, Column, Table

from app.catalogue.model import Catalogue, FeatureClass, Field
from app.inventory import clauses, ddl
from app.inventory.guards import Guard, guard_of, guard_statement
from app.inventory.tables import project, quoted

_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_BOUND = re.compile(r"(>=|<=|<|>)\s*\(?'?(-?Infinity|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b")
_CHECKSUM = len("_01234567")


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """A column as the database has it: type as `format_type` writes it."""

    type: str
    nullable: bool
    comment: str | None


@dataclass(frozen=True, slots=True)
class LiveTable:
    """A table as the database has it: `checks` is name → (definition, columns), `keys` and `indexes` name → columns.

    `guard` is how its class is guarded, None where it is not.
    """

    schema: str
    name: str
    comment: str | None
    guard: Guard | None
    columns: Mapping[str, LiveColumn]
    checks: Mapping[str, tuple[str, frozenset[str]]]
    keys: Mapping[str, tuple[str, ...]]
    indexes: Mapping[str, tuple[str, ...]]


#: (schema, table) → the table.
Live = Mapping[tuple[str, str], LiveTable]


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What stored rows might not survive: class, field (None: the class itself), key of the declaration, reason."""

    class_id: str
    field: str | None
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Growth:
    """The difference: statements that only add, what would take away, and what the catalogue no longer names.

    `left` holds (schema, table, column or None) of tables and columns that stay in the database without being served.
    """

    statements: tuple[str, ...]
    narrowings: tuple[Narrowing, ...]
    left: tuple[tuple[str, str, str | None], ...]


def compare(live: Live, catalogue: Catalogue) -> Growth:
    """What the tables in `live` lack beside those of the catalogue; statements in an order that is always the same."""
    tables = project(catalogue)
    statements: list[str] = []
    narrowings: list[Narrowing] = []
    wanted: set[tuple[str, str]] = set()
    left: list[tuple[str, str, str | None]] = []
    for class_id in sorted(tables.current):
        cls = catalogue.classes[class_id]
        unguarded = False
        for table in (tables.current[class_id], tables.history[class_id]):
            wanted.add(_key(table))
            found = live.get(_key(table))
            if found is None:
                statements += ddl.table_statements(table)
                unguarded = True
                continue
            difference = _Difference(cls, table, found)
            statements += difference.statements()
            # Columns are granted one by one where some are hidden: a new one is granted to nobody.
            unguarded |= bool(difference.new) or found.guard != guard_of(cls)
            narrowings += difference.narrowings()
            left += [(found.schema, found.name, name) for name in difference.left]
        if unguarded:
            statements.append(guard_statement(cls))
    left += [(*key, None) for key in sorted(live) if key not in wanted]
    # A class's two tables tell the same story.
    return Growth(tuple(statements), tuple(dict.fromkeys(narrowings)), tuple(left))


def _key(table: Table) -> tuple[str, str]:
    return str(table.schema), table.name


def _key_name(table: Table) -> str:
    return str(table.primary_key.name)


class _Difference:
    """One table of the catalogue beside the same table of the database."""

    def __init__(self, cls: FeatureClass, table: Table, live: LiveTable) -> None:
        self.cls, self.table, self.live = cls, table, live
        self.fields = {item.name: item for item in cls.fields}
        self.new = [column for column in table.columns if column.name not in live.columns]
        self.known = [column for column in table.columns if column.name in live.columns]
        self.left = sorted(set(live.columns) - {column.name for column in table.columns})
        checks = {str(rule.name): rule for rule in table.constraints if isinstance(rule, CheckConstraint)}
        self.added = [checks[name] for name in checks if name not in live.checks]
        # The rule of a column that stays behind stays with it.
        self.dropped = sorted(
            name
            for name, (_, columns) in live.checks.items()
            if name not in checks and not columns & set(self.left)
        )

    def statements(self) -> Iterator[str]:
        """The statements that bring the table to what is declared, narrowings left out."""
        clauses = list(self._clauses())
        if clauses:
            yield f"ALTER TABLE {self._name}\n    " + ",\n    ".join(clauses)
        for column in self.new:
            if self._filling(column) is not None:
                yield f"ALTER TABLE {self._name} ALTER COLUMN {quoted(column.name)} DROP DEFAULT"
        yield from self._index_statements()
        yield from self._comments()

    @property
    def _name(self) -> str:
        return f"{self.table.schema}.{quoted(self.table.name)}"

    def _clauses(self) -> Iterator[str]:
        for name in self.dropped:
            yield f"DROP CONSTRAINT {quoted(name)}"
        for column in self.new:
            yield f"ADD COLUMN {clauses.column_definition(column)}{self._filling(column) or ''}"
        stored, wanted = self._keys()
        if set(stored) < set(wanted):
            yield f"DROP CONSTRAINT {quoted(_key_name(self.table))}"
            columns = ", ".join(quoted(name) for name in wanted)
            yield f"ADD CONSTRAINT {quoted(_key_name(self.table))} PRIMARY KEY ({columns})"
        # What is no longer demanded, or no longer served, may be unknown from now on.
        optional = [column.name for column in self.known if column.nullable] + self.left
        for name in optional:
            if not self.live.columns[name].nullable:
                yield f"ALTER COLUMN {quoted(name)} DROP NOT NULL"
        for rule in self.added:
            yield f"ADD CONSTRAINT {quoted(str(rule.name))} CHECK ({clauses.rule_text(rule)})"

    def _filling(self, column: Column[Any]) -> str | None:
        """What stored rows get in a new column that may not be unknown; None where there is nothing to give."""
        field = self.fields.get(column.name)
        if field is None or column.nullable or field.default is None:
            return None
        return f" DEFAULT {clauses.literal(field.default)}"

    def _index_statements(self) -> Iterator[str]:
        declared = {str(index.name): index for index in self.table.indexes}
        same = {
            name
            for name, index in declared.items()
            if self.live.indexes.get(name) == tuple(index.columns.keys())
        }
        for name in sorted(self.live.indexes.keys() - same):
            if name.startswith("ix_"):
                yield f"DROP INDEX {self.table.schema}.{quoted(name)}"
        for name in sorted(declared.keys() - same):
            yield clauses.index_statement(declared[name])

    def _comments(self) -> Iterator[str]:
        if self.table.comment != self.live.comment:
            yield clauses.table_comment(self.table)
        for column in self.table.columns:
            known = self.live.columns.get(column.name)
            if column.comment != (known.comment if known else None):
                yield clauses.column_comment(column)

    def narrowings(self) -> Iterator[Narrowing]:
        """What the declaration asks for that stored rows might not fit."""
        yield from self._narrowed_types()
        yield from self._demanded()
        yield from self._narrowed_rules()
        stored, wanted = self._keys()
        if not set(stored) <= set(wanted):
            yield Narrowing(
                self.cls.id, None, "id", f"rows of {self.table.name} are told apart by {', '.join(stored)}"
            )

    def _keys(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The columns of the primary key, as they are and as they are wanted."""
        return self.live.keys.get(_key_name(self.table), ()), tuple(self.table.primary_key.columns.keys())

    def _narrowed_types(self) -> Iterator[Narrowing]:
        for column in self.known:
            stored, wanted = self.live.columns[column.name].type, clauses.type_text(column)
            if stored.lower() != wanted:
                what = "geometry" if column.name == "geom" else "type"
                yield self._narrowing(
                    column.name, what, f"the database stores {stored}, the declaration needs {wanted}"
                )

    def _demanded(self) -> Iterator[Narrowing]:
        for column in self.known:
            if self.live.columns[column.name].nullable and not column.nullable:
                yield self._narrowing(
                    column.name, "required", "rows may be stored without it, and a required field has no gaps"
                )
        for column in self.new:
            if not column.nullable and column.name in self.fields and self._filling(column) is None:
                yield self._narrowing(
                    column.name, "required", "stored rows have no value for it, and it declares no default"
                )

    def _narrowed_rules(self) -> Iterator[Narrowing]:
        fresh = {column.name for column in self.new}
        for rule in self.added:
            stem = str(rule.name)[:-_CHECKSUM]
            what = stem.removeprefix(f"ck_{self.cls.id}_")
            if what in fresh:
                continue
            before = [name for name in self.dropped if name[:-_CHECKSUM] == stem]
            stored = self.live.checks[before[0]][0] if len(before) == 1 else ""
            reason = narrowed(stored, clauses.rule_text(rule))
            if reason:
                yield self._narrowing(what, _rule_key(self.fields.get(what)), reason)

    def _narrowing(self, column: str, key: str, reason: str) -> Narrowing:
        if column in self.fields:
            return Narrowing(self.cls.id, column, key, reason)
        return Narrowing(self.cls.id, None, key, reason)


def _rule_key(field: Field | None) -> str:
    if field is None:
        return "geometry"
    return "choices" if field.choices else "minimum"


def narrowed(stored: str, wanted: str) -> str | None:
    """Why a value that fits the rule `stored` may not fit the rule `wanted`; None where every one does.

    Both are SQL over one column: a list of texts, or bounds of a number. A form it does not know counts as narrower.
    """
    if not stored:
        return "values are stored without such a rule"
    old, new = _QUOTED.sub("", stored), _QUOTED.sub("", wanted)
    if _BOUND.search(old) or _BOUND.search(new):
        return _narrowed_bounds(_bounds(old), _bounds(new))
    if " IN (" not in new:
        return f"the stored rule is {stored}"
    had = [text.replace("''", "'") for text in _LITERAL.findall(old)]
    has = {text.replace("''", "'") for text in _LITERAL.findall(new)}
    lost = [value for value in had if value not in has]
    if lost:
        return f"the database allows {', '.join(had)}; the declaration no longer has {', '.join(lost)}"
    return None


def _bounds(rule: str) -> tuple[float, float]:
    low, high = -math.inf, math.inf
    for operator, number in _BOUND.findall(rule):
        if operator.startswith(">"):
            low = float(number)
        else:
            high = float(number)
    return low, high


def _narrowed_bounds(stored: tuple[float, float], wanted: tuple[float, float]) -> str | None:
    if wanted[0] > stored[0]:
        return f"the database allows values from {stored[0]:g}, the declaration only from {wanted[0]:g}"
    if wanted[1] < stored[1]:
        return f"the database allows values up to {stored[1]:g}, the declaration only up to {wanted[1]:g}"
    return None
