"""An official id of a new edition beside the one before it: what was stored moves to the former pair. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.catalogue.model import FeatureClass

CURRENT = ("component_code", "code_system")
FORMER = ("former_code", "former_code_system")


def former_fields(cls: FeatureClass, columns: Mapping[str, Sequence[Any]]) -> set[str]:
    """The fields whose stored values `keep_former` asks for: none where the class or the batch has no ids."""
    known = {item.name for item in cls.fields}
    wanted = {*CURRENT, *FORMER}
    return wanted if wanted <= known and columns.keys() >= set(CURRENT) else set()


def keep_former(
    columns: Mapping[str, list[Any]], stored: Mapping[str, Sequence[Any]]
) -> dict[str, list[Any]]:
    """The columns of a batch (n rows) with the ids that it replaces: where a row brings an id of another code system.

    `stored` holds the stored values (n) of the four fields, None where a row is new. A former pair that the row brings
    itself counts; rows whose code system stays keep the former pair that is stored.
    """
    result = dict(columns)
    if not stored.keys() >= {*CURRENT, *FORMER}:
        return result
    code, system = (columns[name] for name in CURRENT)
    old_code, old_system = (stored[name] for name in CURRENT)
    moved = [
        bool(code[i] and old_code[i] and system[i] and old_system[i] and system[i] != old_system[i])
        for i in range(len(code))
    ]
    if not any(moved):
        return result
    given = columns.get(FORMER[0], [None] * len(moved))
    for name, before in zip(FORMER, CURRENT, strict=True):
        own = columns.get(name, stored[name])
        result[name] = [
            stored[before][i] if moved[i] and given[i] is None else own[i] for i in range(len(moved))
        ]
    return result
