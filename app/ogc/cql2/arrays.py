"""Array functions (OGC 21-065r2 §7.10): arrays as sets of texts, such as the areas that a feature touches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.errors import BadInput
from app.ogc.cql2.operand import Operand, Scope, expect

#: Function → its SQL on the arrays a and b.
_RELATIONS: Mapping[str, str] = {
    "a_contains": "({a} @> {b})",
    "a_containedby": "({a} <@ {b})",
    "a_overlaps": "({a} && {b})",
    "a_equals": "({a} @> {b} AND {a} <@ {b})",
}


def _relation(name: str, relation: str) -> Callable[[Scope, list[Operand]], Operand]:
    def compile_relation(scope: Scope, args: list[Operand]) -> Operand:
        a, b = (scope.sql(expect(_array(name, item), "array", name.upper())) for item in args)
        return Operand("boolean", relation.format(a=a, b=b))

    return compile_relation


def _array(name: str, item: Operand) -> Operand:
    """A list of the filter, or a single text of it, as an array."""
    if item.kind not in {"list", "text"}:
        return item
    parts = item.literal if item.kind == "list" else [item]
    if any(part.kind != "text" or part.sql for part in parts):
        raise BadInput(f"The array of {name.upper()} holds texts.", "For example: ('W1', 'W2').")
    return Operand("array", literal=[part.literal for part in parts])


#: Functions by name, with the least and the most operands.
OPERATORS: Mapping[str, tuple[Callable[[Scope, list[Operand]], Operand], int, int]] = {
    name: (_relation(name, relation), 2, 2) for name, relation in _RELATIONS.items()
}
