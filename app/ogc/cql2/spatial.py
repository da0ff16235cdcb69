"""Spatial functions: PostGIS's own predicates on the bare column, so that its index answers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import shapely

from app.errors import BadInput
from app.ogc.cql2.operand import Operand, Scope, expect
from app.space.served_crs import DEGREE_DIGITS

#: Function → what PostGIS calls it.
_PREDICATES: Mapping[str, str] = {
    "s_intersects": "ST_Intersects",
    "s_touches": "ST_Touches",
    "s_crosses": "ST_Crosses",
    "s_within": "ST_Within",
    "s_contains": "ST_Contains",
    "s_overlaps": "ST_Overlaps",
}


def _spatial(name: str, predicate: str) -> Callable[[Scope, list[Operand]], Operand]:
    def compile_spatial(scope: Scope, args: list[Operand]) -> Operand:
        for item in args:
            _check(name, predicate, expect(item, "geometry", name.upper()))
        one, other = (scope.sql(item) for item in args)
        return Operand("boolean", f"{predicate}({one}, {other})")

    return compile_spatial


def _check(name: str, predicate: str, item: Operand) -> None:
    """Simple Features (06-103r4 §6.1.15) has these relations for geometries of one dimension."""
    if predicate == "ST_Intersects" or item.literal is None:
        return
    if shapely.get_type_id(item.literal) != shapely.GeometryType.GEOMETRYCOLLECTION:
        return
    raise BadInput(
        f"{name.upper()} has no meaning for a collection of points, lines and areas.",
        "Ask for its parts one by one, or take S_INTERSECTS or S_DISJOINT.",
    )


def _disjoint(scope: Scope, args: list[Operand]) -> Operand:
    found = _spatial("s_disjoint", "ST_Intersects")(scope, args)
    return Operand("boolean", f"(NOT {found.sql})")


def _equals(scope: Scope, args: list[Operand]) -> Operand:
    """To the digits that coordinates are told with: a shape copied from an answer is that of its feature."""
    found = _spatial("s_equals", "ST_Equals")(scope, args)
    written = [item for item in args if item.literal is not None]
    if len(written) != 1:
        return found
    grid = 10.0**-DEGREE_DIGITS
    stored = next(scope.sql(item) for item in args if item.literal is None)
    asked = scope.sql(written[0])
    # The index is asked by the box.
    near = f"{stored} && ST_Expand({asked}, {2 * grid})"
    return Operand(
        "boolean", f"({near} AND ST_Equals(ST_SnapToGrid({stored}, {grid}), ST_SnapToGrid({asked}, {grid})))"
    )


#: Functions by name, with the least and the most operands.
OPERATORS: Mapping[str, tuple[Callable[[Scope, list[Operand]], Operand], int, int]] = {
    **{name: (_spatial(name, predicate), 2, 2) for name, predicate in _PREDICATES.items()},
    "s_disjoint": (_disjoint, 2, 2),
    "s_equals": (_equals, 2, 2),
}
