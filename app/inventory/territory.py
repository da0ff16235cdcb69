"""Where and whose somebody may write: what the database holds writers to, found out before so that it can be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.database.scope import SCOPE, Scope
from app.inventory.area_store import known_areas
from app.inventory.areas import AREA_CLASSES
from app.inventory.prepare import find_areas


def writing_scope() -> Scope | None:
    """The scope that holds, where it keeps anything from being written; None where everything may be."""
    scope = SCOPE.get()
    return None if scope is None or (scope.whole and scope.edits is None) else scope


def holds_home(scope: Scope, cls: FeatureClass, area_path: str | None) -> bool:
    """Whether features of a class at home in an area (path of codes) may be written.

    Areas themselves are written by who may edit the whole city: their borders decide who may see and edit what.
    """
    if scope.edits is None:
        return True
    return cls.id not in AREA_CLASSES and not set(scope.edits).isdisjoint((area_path or "").split("/"))


def find_outside(
    conn: Connection, scope: Scope, cls: FeatureClass, codes: Sequence[str], shapes: NDArray[np.object_]
) -> list[int]:
    """The places of those shapes (n,) in lon/lat that would be at home where the scope may not write."""
    if scope.edits is None:
        return []
    if cls.id in AREA_CLASSES:
        return list(range(len(codes)))
    located = find_areas(cls, codes, shapes, known_areas(conn))
    paths = [""] * len(codes) if located is None else located.path
    return [place for place, path in enumerate(paths) if not holds_home(scope, cls, path)]


def hiding_field(scope: Scope, cls: FeatureClass, values: Mapping[str, Any]) -> str | None:
    """The field by which a row with these values would be hidden from who writes it, None where it would be seen.

    A field that `values` lack stays as it is. `cls` is the class as it is stored, with the values that hide rows.
    """
    if scope.level == "restricted":
        return None
    for name, hidden in cls.restricted_rows.items():
        if name in values and (values[name] is None or values[name] in hidden):
            return name
    return None


def owner_field(cls: FeatureClass) -> str | None:
    """The field in which a contractor that makes a feature is named: who looks after it, else who owns it."""
    return "maintainer" if "maintainer" in cls.owned_by else next(iter(cls.owned_by), None)
