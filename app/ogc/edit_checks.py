"""A row as it would be after an edit, checked as a whole: dates in order, official ids, heights. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import FeatureClass
from app.errors import BadInput
from app.ogc.edit_values import Fault, shown
from app.validation.components import FORMER_ID, FORMER_SYSTEM, ID, SYSTEM, Official, read_ids
from app.validation.heights import take_heights
from app.validation.life import LIFE, find_disorder

#: Fields that the checks of official ids read.
IDS = frozenset({ID, SYSTEM, FORMER_ID, FORMER_SYSTEM})
DATES = frozenset(name for pair in LIFE for name in pair)
#: Faults that a problem lists.
MAX_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Checked:
    """`learned` are values that an official id told, `warned` what to look at though it is stored."""

    faults: tuple[Fault, ...]
    learned: Mapping[str, Any]
    warned: tuple[Fault, ...]


def check_row(
    cls: FeatureClass, values: Mapping[str, Any], shape: shapely.Geometry, official: Official
) -> Checked:
    """The whole row as it would be: `values` of all fields, `shape` in lon/lat."""
    columns = {name: [value] for name, value in values.items()}
    faults = [
        Fault(found.field, found.value.isoformat(), found.reason, found.hint)
        for _, found in find_disorder(columns)
    ]

    def tell(_row: int, field: str, value: Any, reason: str, hint: str) -> None:
        faults.append(Fault(field, shown(value), reason, _over_http(hint)))

    before = dict(values)
    learned = read_ids(columns, cls, np.array([shape], dtype=object), official, tell)
    new = {name: column[0] for name, column in columns.items() if column[0] != before.get(name)}
    warned = tuple(
        Fault(item.field, item.value, item.reason, _over_http(item.hint)) for item in learned.warnings
    )
    return Checked(tuple(faults), new, warned)


def _over_http(hint: str) -> str:
    """Hints of an import speak of its options; what stands beside a feature are its properties."""
    return hint.replace("Name it with --code-system or in a column code_system.", "Fill in code_system.")


def heights_of(cls: FeatureClass, raw: shapely.Geometry, values: Mapping[str, Any]) -> dict[str, Any]:
    """The heights that the Z of a shape tells of fields of `cls` that are empty in `values`: field → metres."""
    columns = {name: [values.get(name)] for name in cls.z}
    take_heights(np.array([raw], dtype=object), columns, cls)
    return {name: columns[name][0] for name in cls.z if columns[name][0] != values.get(name)}


def refuse(faults: Iterable[Fault], place: int | None = None) -> BadInput:
    """The error that tells all faults of a feature; `place` is its number among several, from 1."""
    found = [fault.as_dict() for fault in faults]
    if place is not None:
        found = [{"feature": place, **fault} for fault in found]
    first = found[0]
    more = f" {len(found) - 1} more faults stand in 'errors'." if len(found) > 1 else ""
    return BadInput(
        f"{first['field']} cannot be stored: {first['reason']}.{more}",
        first["hint"] or None,
        errors=found[:MAX_FAULTS],
    )
