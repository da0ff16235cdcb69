"""Typed pieces of SQL: what a node of a filter becomes, and the values that are bound for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import shapely

from app.errors import BadInput
from app.ogc.crs import NamedCrs
from app.ogc.queryables import Kind, Queryable, find_queryable

#: The kinds of a queryable, and what only a filter writes.
OperandKind = Kind | Literal["interval", "list", "null"]
#: PostgreSQL's type of a bound value.
_CASTS: Mapping[str, str] = {
    "text": "text", "integer": "bigint", "number": "float8", "boolean": "boolean", "date": "date",
    "datetime": "timestamptz", "array": "text[]",
}  # fmt: skip
#: A whole number beyond it is no bigint.
_BIGINT = 2**63


@dataclass(frozen=True, slots=True)
class Operand:
    """A typed expression: `sql` over the row, or `literal` as the filter wrote it, bound when its type is known.

    Both stand where a text of the filter was folded: the pattern of LIKE is looked at before it is bound. The
    literal of an interval is its two ends (None: open), that of a list its operands, of a geometry the shape in
    lon/lat. `bound` is the SQL of an instant as an end of an interval, `name` that of a property.
    """

    kind: OperandKind
    sql: str = ""
    literal: Any = None
    bound: str | None = None
    name: str | None = None

    @property
    def shown(self) -> str:
        """What a message calls it."""
        if self.name is not None:
            return f"'{self.name}'"
        return (
            f"{self.literal!r}"[:60] if isinstance(self.literal, str | int | float) else f"this {self.kind}"
        )


@dataclass(slots=True)
class Scope:
    """What a filter is compiled in: the queryables and its CRS; what it has bound and read so far."""

    queryables: Mapping[str, Queryable]
    crs: NamedCrs
    values: dict[str, Any] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)

    def bind(self, value: Any, cast: str) -> str:
        """The placeholder of a value, with its type."""
        name = f"c_{len(self.values)}"
        self.values[name] = value
        return f"%({name})s::{cast}"

    def property(self, name: str, *, quoted: bool = False) -> Operand:
        """The operand of a queryable; raises BadInput for a name that is none."""
        found = find_queryable(self.queryables, name, quoted=quoted)
        self.columns |= found.columns
        return Operand(found.type, found.expression, bound=found.bound, name=found.name)

    def sql(self, operand: Operand, kind: OperandKind | None = None) -> str:
        """An operand as SQL, a literal bound as a value of `kind` (its own by default)."""
        if operand.sql:
            return operand.sql
        if operand.kind == "geometry":
            return f"ST_GeomFromWKB({self.bind(shapely.to_wkb(operand.literal), 'bytea')}, 4326)"
        return self.bind(operand.literal, _CASTS[kind or operand.kind])


def literal(value: str | bool | float | None) -> Operand:
    """The operand of a value that the filter writes."""
    if value is None:
        return Operand("null")
    if isinstance(value, bool):
        return Operand("boolean", literal=value)
    if isinstance(value, str):
        return Operand("text", literal=value)
    return number(value)


def number(value: float) -> Operand:
    """A number; a whole one that fits is an integer."""
    try:
        as_float = float(value)
    except OverflowError:
        as_float = float("inf")
    if not math.isfinite(as_float):
        raise BadInput("A number of the filter is too large.", "The largest is about 1.8e308.")
    if as_float.is_integer() and -_BIGINT <= int(value) < _BIGINT:
        return Operand("integer", literal=int(value))
    return Operand("number", literal=as_float)


def instant(value: date | datetime) -> Operand:
    """A day or a moment."""
    return Operand("datetime" if isinstance(value, datetime) else "date", literal=value)


def expect(operand: Operand, kind: OperandKind, of: str) -> Operand:
    """The operand if it is of `kind`; raises BadInput that names the function."""
    if operand.kind != kind:
        raise BadInput(f"{of} takes {_A[kind]}, and {operand.shown} is {_A[operand.kind]}.", _HINTS.get(kind))
    return operand


_A: Mapping[str, str] = {
    "text": "a text", "integer": "a number", "number": "a number", "boolean": "true or false", "date": "a date",
    "datetime": "a timestamp", "geometry": "a geometry", "array": "an array", "interval": "an interval",
    "list": "a list", "null": "NULL",
}  # fmt: skip
_HINTS: Mapping[str, str] = {
    "boolean": "Compare it with something, for example stalls > 4.",
    "geometry": "Write geom, a WKT geometry or BBOX(west,south,east,north).",
    "array": "Write areas_touched, or values in parentheses: ('W1','W2').",
    "text": "Write a text in single quotes.",
}


def mismatch(one: Operand, other: Operand) -> BadInput:
    """The error for operands that cannot be compared."""
    return BadInput(
        f"{one.shown} is {_A[one.kind]}, {other.shown} {_A[other.kind]}: they cannot be compared.",
        "Texts stand in single quotes, days as DATE('2021-12-31'), moments as TIMESTAMP('2021-12-31T10:00:00Z').",
    )
