"""Edits in one's own area and of one's own party: told before the database refuses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Catalogue, FeatureClass
from app.database.scope import Scope
from app.database.transactions import Connection
from app.errors import Forbidden
from app.inventory.areas import AREA_CLASSES
from app.inventory.row_store import StoredRow
from app.inventory.territory import find_outside, hiding_field, holds_home, owner_field, writing_scope
from app.ogc.edit_values import Fault, shown

#: Codes of areas that a hint names.
MAX_NAMED = 8


def check_class(catalogue: Catalogue, seen: FeatureClass) -> FeatureClass:
    """A class as it is stored; raises Forbidden where the scope that holds may write nothing of it."""
    scope, cls = writing_scope(), catalogue.stored.classes[seen.id]
    if scope is None:
        return cls
    if cls.id in AREA_CLASSES and scope.edits is not None:
        raise Forbidden(
            "Areas are edited only by who may edit the whole city.",
            "Their borders decide who may see and edit what.",
        )
    if scope.party is not None and not cls.owned_by:
        raise Forbidden(
            f"{cls.id} do not say whose they are, so that contractors do not edit them.",
            "Ask the office that keeps them.",
        )
    return cls


def check_home(cls: FeatureClass, row: StoredRow) -> None:
    """Refuse to change a stored feature that is at home elsewhere; raises Forbidden."""
    scope = writing_scope()
    if scope is not None and not holds_home(scope, cls, row.shown.get("area_path")):
        raise _outside(scope, "The feature is at home outside the areas in which you edit.")


def check_homes(
    conn: Connection, cls: FeatureClass, codes: Sequence[str], shapes: Sequence[shapely.Geometry]
) -> None:
    """Refuse shapes in lon/lat that would be at home elsewhere; raises Forbidden."""
    scope = writing_scope()
    if scope is None or scope.edits is None:
        return
    drawn = np.empty(len(shapes), dtype=object)
    drawn[:] = shapes
    outside = find_outside(conn, scope, cls, codes, drawn)
    if outside and len(codes) > 1:
        raise _outside(
            scope, f"Feature {outside[0] + 1} of the body would lie outside the areas in which you edit."
        )
    if outside:
        raise _outside(scope, "The feature would lie outside the areas in which you edit.")


def _outside(scope: Scope, message: str) -> Forbidden:
    own = scope.edits or ()
    names = ", ".join(own[:MAX_NAMED]) + (" …" if len(own) > MAX_NAMED else "")
    return Forbidden(message, f"Yours: {names}." if own else "Ask for the role editor in its area.")


def find_hiding(cls: FeatureClass, values: Mapping[str, Any]) -> list[Fault]:
    """What is wrong with values by which the feature would be hidden from who writes it."""
    scope = writing_scope()
    name = None if scope is None else hiding_field(scope, cls, values)
    if name is None:
        return []
    title = cls.get_field(name).title
    return [Fault(name, None, "a value is required", f"Fill in {title.en} ({title.zh}).")]


def new_owners(cls: FeatureClass, values: Mapping[str, Any]) -> dict[str, Any]:
    """The owner that a new feature gets: that of the contractor who makes it; raises Forbidden for another's."""
    scope = writing_scope()
    name = owner_field(cls)
    if scope is None or scope.party is None or name is None:
        return {}
    _check_owners(scope, cls, {one: (values.get(one), (None, scope.party)) for one in cls.owned_by})
    return {} if scope.party in {values.get(one) for one in cls.owned_by} else {name: scope.party}


def kept_owners(
    cls: FeatureClass, said: Mapping[str, Any], sent: Mapping[str, Any], row: StoredRow
) -> dict[str, Any]:
    """What is said of a stored feature, where a contractor leaves out whose it is; raises Forbidden for another's."""
    scope = writing_scope()
    if scope is None or scope.party is None:
        return dict(said)
    told = {one: (sent[one], (row.fields.get(one),)) for one in cls.owned_by if one in sent}
    _check_owners(scope, cls, told)
    return {name: value for name, value in said.items() if name not in cls.owned_by}


def _check_owners(scope: Scope, cls: FeatureClass, told: Mapping[str, tuple[Any, tuple[Any, ...]]]) -> None:
    wrong = [name for name, (value, taken) in told.items() if value not in taken]
    if wrong:
        value = shown(told[wrong[0]][0])
        raise Forbidden(
            f"A contractor does not say whose a feature is: {wrong[0]} cannot become '{value}'.",
            f"Leave out {', '.join(cls.owned_by)}: what you make is {scope.party}'s.",
        )
