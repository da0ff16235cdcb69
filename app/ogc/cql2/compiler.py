"""A filter's tree → SQL with bound values, by an allow-list of operators: nothing else of it reaches the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from app.errors import BadInput
from app.inventory.query import Condition
from app.ogc.cql2 import arithmetic, arrays, comparison, operand, spatial, temporal, texts
from app.ogc.cql2.operand import Operand, Scope
from app.ogc.cql2.shapes import place_box, place_shape
from app.ogc.cql2.tree import Box, Call, Instant, Interval, Items, Node, Property, Shape, Value
from app.ogc.crs import LONLAT, NamedCrs
from app.ogc.queryables import Queryable, nearest

Build = Callable[[Scope, list[Operand]], Operand]
#: Every operator and function that a filter may call, with the least and the most operands.
OPERATORS: Mapping[str, tuple[Build, int, int]] = {
    **comparison.OPERATORS,
    **texts.OPERATORS,
    **spatial.OPERATORS,
    **temporal.OPERATORS,
    **arithmetic.OPERATORS,
    **arrays.OPERATORS,
}


def compile_filter(
    tree: Node, queryables: Mapping[str, Queryable], filter_crs: NamedCrs = LONLAT
) -> Condition:
    """The condition that a filter means on the rows of a collection.

    `filter_crs` is the system of its coordinates, by default CRS84: longitude, latitude.

    Raises:
        BadInput: A name that is no property or function, values that cannot be compared, a geometry that is none.
    """
    scope = Scope(queryables, filter_crs)
    sql = comparison.predicate(scope, _compile(scope, tree), "A filter")
    return Condition(sql, scope.values, frozenset(scope.columns))


def _compile(scope: Scope, node: Node) -> Operand:
    match node:
        case Value(value=value):
            return operand.literal(value)
        case Property(name=name, quoted=quoted):
            return scope.property(name, quoted=quoted)
        case Instant(value=value):
            return operand.instant(value)
        case Call():
            return _call(scope, node)
        case Items(items=items):
            return Operand("list", literal=[_compile(scope, item) for item in items])
        case Interval(start=start, end=end):
            ends = tuple(None if item is None else _compile(scope, item) for item in (start, end))
            return Operand("interval", literal=ends)
        case Shape():
            return Operand("geometry", literal=place_shape(node, scope.crs))
        case Box():
            return Operand("geometry", literal=place_box(node, scope.crs))
    assert_never(node)


def _call(scope: Scope, node: Call) -> Operand:
    if node.op not in OPERATORS:
        raise nearest("function", node.op, OPERATORS)
    build, least, most = OPERATORS[node.op]
    if not least <= len(node.args) <= most:
        raise BadInput(f"{node.op.upper()} takes {least} operands, not {len(node.args)}.")
    return build(scope, [_compile(scope, item) for item in node.args])
