"""Arithmetic: in double precision; what has no result, such as a division by nought, is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.errors import BadInput
from app.ogc.cql2.comparison import NUMBERS
from app.ogc.cql2.operand import Operand, Scope

#: What needs its operands more than once names them n.a and n.b: written out, nested ones would double at every level.
_ONCE = "(SELECT {result} FROM (SELECT {{a}} AS a, {{b}} AS b OFFSET 0) n)"
_REMAINDER = "n.a - n.b * trunc(n.a / nullif(n.b, 0))"
#: Nought to a negative power, and a root of a negative number, are no numbers.
_POWER = "CASE WHEN n.a = 0 AND n.b < 0 OR n.a < 0 AND n.b <> trunc(n.b) THEN NULL ELSE power(n.a, n.b) END"
#: Operator → its SQL on the double numbers a and b.
_OPERATIONS: Mapping[str, str] = {
    "+": "({a} + {b})",
    "-": "({a} - {b})",
    "*": "({a} * {b})",
    "/": "({a} / nullif({b}, 0))",
    "div": "trunc({a} / nullif({b}, 0))",
    "%": _ONCE.format(result=_REMAINDER),
    "^": _ONCE.format(result=_POWER),
}


def _arithmetic(name: str, operation: str) -> Callable[[Scope, list[Operand]], Operand]:
    def compile_arithmetic(scope: Scope, args: list[Operand]) -> Operand:
        for item in args:
            if item.kind not in NUMBERS:
                raise BadInput(
                    f"'{name}' takes numbers, and {item.shown} is none.", "Texts and times are compared only."
                )
        a, b = (f"{scope.sql(item)}::float8" if item.sql else scope.sql(item, "number") for item in args)
        return Operand("number", operation.format(a=a, b=b))

    return compile_arithmetic


#: Operators by name, with the least and the most operands.
OPERATORS: Mapping[str, tuple[Callable[[Scope, list[Operand]], Operand], int, int]] = {
    name: (_arithmetic(name, operation), 2, 2) for name, operation in _OPERATIONS.items()
}
