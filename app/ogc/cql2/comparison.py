"""Comparisons: two values of one kind, brought to one SQL type; texts in the order of their code points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from app.errors import BadInput
from app.ogc.cql2 import operand
from app.ogc.cql2.literals import read_instant
from app.ogc.cql2.operand import Operand, Scope, mismatch

ORDERS = ("<", ">", "<=", ">=")
EQUALS = ("=", "<>")
NUMBERS = frozenset({"integer", "number"})
TIMES = frozenset({"date", "datetime"})
#: By code points: the order of the standard's Annex A, the same on every server.
BY_CODE = 'COLLATE "C"'
_NULL_HINT = "Write IS NULL or IS NOT NULL."


def compare(op: str) -> Callable[[Scope, list[Operand]], Operand]:
    """What compiles a comparison by one of `=`, `<>`, `<`, `>`, `<=`, `>=`."""

    def compile_comparison(scope: Scope, args: list[Operand]) -> Operand:
        left, right = alike(scope, args)
        collation = _collation(args) if op in ORDERS else ""
        return Operand("boolean", f"({left}{collation} {op} {right}{collation})")

    return compile_comparison


def _collation(args: list[Operand]) -> str:
    """What stands behind texts that are put in order; a text beside times is one of them."""
    return f" {BY_CODE}" if {item.kind for item in args} == {"text"} else ""


def alike(scope: Scope, args: list[Operand]) -> list[str]:
    """Operands as SQL of one type; raises BadInput where they have none in common."""
    given = [_dated(item, args) for item in args]
    kinds = {item.kind for item in given}
    if "null" in kinds:
        raise BadInput("Nothing is equal to NULL, nor less or more.", _NULL_HINT)
    if len(kinds) == 1 and kinds <= {"text", "boolean", *NUMBERS, *TIMES}:
        return [scope.sql(item) for item in given]
    if kinds <= NUMBERS:
        return [_as_number(scope, item, given) for item in given]
    if kinds <= TIMES:
        return [as_day(scope, item) for item in given]
    other = next((item for item in given if item.kind != given[0].kind), given[-1])
    raise mismatch(given[0], other)


def _dated(item: Operand, args: list[Operand]) -> Operand:
    """A text of the filter beside times as the time that it writes."""
    if item.sql or item.kind != "text" or not any(other.kind in TIMES for other in args):
        return item
    return operand.instant(read_instant(item.literal).value)


def _as_number(scope: Scope, item: Operand, args: list[Operand]) -> str:
    """A number beside others: whole ones stay exact beside fractions that the filter writes."""
    if (
        item.kind == "number"
        and not item.sql
        and any(other.kind == "integer" and other.sql for other in args)
    ):
        return scope.bind(Decimal(repr(item.literal)), "numeric")
    if item.kind == "integer" and any(other.kind == "number" and other.sql for other in args):
        return f"{scope.sql(item)}::float8" if item.sql else scope.bind(item.literal, "float8")
    return scope.sql(item)


def as_day(scope: Scope, item: Operand) -> str:
    """A time as its day, in UTC as all timestamps of the standard are."""
    if item.kind == "date":
        return scope.sql(item)
    return f"({scope.sql(item)} AT TIME ZONE 'UTC')::date"


def between(scope: Scope, args: list[Operand]) -> Operand:
    """`value BETWEEN low AND high`, both ends in it."""
    value, low, high = alike(scope, args)
    collation = _collation(args)
    return Operand("boolean", f"({value}{collation} BETWEEN {low} AND {high})")


def is_in(scope: Scope, args: list[Operand]) -> Operand:
    """`value IN (…)`."""
    value, choices = args
    if choices.kind != "list" or not choices.literal:
        raise BadInput(
            "IN needs at least one value in parentheses.", "For example: kind IN ('public', 'mobile')."
        )
    first, *rest = alike(scope, [value, *choices.literal])
    return Operand("boolean", f"({first} IN ({', '.join(rest)}))")


def is_null(scope: Scope, args: list[Operand]) -> Operand:
    """`value IS NULL`."""
    if args[0].kind in {"interval", "list"}:
        raise BadInput("IS NULL asks of one value.", "For example: built_on IS NULL.")
    if args[0].kind == "null":
        return Operand("boolean", "TRUE")
    return Operand("boolean", f"({scope.sql(args[0])} IS NULL)")


def logical(op: str) -> Callable[[Scope, list[Operand]], Operand]:
    """What compiles AND or OR."""

    def compile_logical(scope: Scope, args: list[Operand]) -> Operand:
        parts = [predicate(scope, item, op.upper()) for item in args]
        return Operand("boolean", f"({f' {op.upper()} '.join(parts)})")

    return compile_logical


def negate(scope: Scope, args: list[Operand]) -> Operand:
    """NOT, with SQL's third value: what is unknown stays so."""
    return Operand("boolean", f"(NOT {predicate(scope, args[0], 'NOT')})")


def predicate(scope: Scope, item: Operand, of: str) -> str:
    """An operand that must be true or false, as SQL."""
    return scope.sql(operand.expect(item, "boolean", of))


def like(scope: Scope, args: list[Operand]) -> Operand:
    r"""`text LIKE pattern`: `%` any text, `_` one character, `\` before either of them itself."""
    text, pattern = (operand.expect(item, "text", "LIKE") for item in args)
    if not isinstance(pattern.literal, str):
        raise BadInput(
            "The pattern of LIKE is a text of the filter itself.", r"Write it in single quotes: 'B%'."
        )
    escapes = len(pattern.literal) - len(pattern.literal.rstrip("\\"))
    if escapes % 2:
        raise BadInput("The pattern of LIKE ends with a single backslash.", r"Write \\ for a backslash.")
    return Operand("boolean", f"({scope.sql(text)} LIKE {scope.sql(pattern)})")


#: Operators by name, with the least and the most operands.
OPERATORS: Mapping[str, tuple[Callable[[Scope, list[Operand]], Operand], int, int]] = {
    **{op: (compare(op), 2, 2) for op in (*EQUALS, *ORDERS)},
    "between": (between, 3, 3),
    "in": (is_in, 2, 2),
    "isnull": (is_null, 1, 1),
    "like": (like, 2, 2),
    "and": (logical("and"), 2, 2_000),
    "or": (logical("or"), 2, 2_000),
    "not": (negate, 1, 1),
}
