"""Turns a batch into the exact columns its table stores, before any lock is taken. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from app.catalogue.model import FeatureClass
from app.errors import BadInput, unknown
from app.inventory.areas import AREA_CLASSES, Areas, Located, locate, locate_areas
from app.inventory.batch import Batch, Period
from app.inventory.copy_binary import (
    NO_TEXTS,
    Cells,
    Values,
    booleans,
    constant,
    days,
    integers,
    lists,
    moments,
    numbers,
    objects,
    ranges,
    texts,
)
from app.inventory.measure import Measures, as_multi, check_shapes, measure
from app.inventory.periods import check_periods
from app.inventory.ragged import Ragged, ragged, wkb_cells
from app.space.metric import MetricCrs


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows ready to be copied: `given` columns come from the source and are compared, `derived` ones are computed.

    Both map column name → n values as COPY takes them (`copy_binary`).
    """

    cls: FeatureClass
    given: Mapping[str, Cells]
    derived: Mapping[str, Cells]
    size: int
    valid: Sequence[Period] | None = None

    @property
    def columns(self) -> dict[str, Cells]:
        """All columns, in the order in which they are copied."""
        return {**self.given, **self.derived}

    def __len__(self) -> int:
        """The number of rows."""
        return self.size

    def take(self, places: Sequence[int]) -> Prepared:
        """The rows at these places."""

        def pick(columns: Mapping[str, Cells]) -> dict[str, Cells]:
            return {name: values.take(places) for name, values in columns.items()}

        valid = None if self.valid is None else [self.valid[place] for place in places]
        return Prepared(self.cls, pick(self.given), pick(self.derived), len(places), valid)


def check_batch(cls: FeatureClass, batch: Batch) -> None:
    """Refuse a batch that no table could take: unequal columns, unknown fields, the same code twice.

    Raises:
        BadInput: With the first such column or code.
        BadGeometry: With the first code whose geometry the class does not hold.
    """
    count = len(batch.codes)
    lengths = {"geometry": len(batch.geometry), "extra": len(batch.extra)}
    if batch.valid is not None:
        lengths["valid"] = len(batch.valid)
    lengths.update({name: len(values) for name, values in batch.columns.items()})
    for name, length in lengths.items():
        if length != count:
            raise BadInput(f"The batch of {cls.id} has {count} codes but {length} values of '{name}'.")
    known = {item.name for item in cls.fields}
    for name in batch.columns:
        if name not in known:
            raise BadInput(str(unknown(f"field of {cls.id}", name, known)))
    if batch.valid is not None:
        check_periods(cls.id, batch.codes, batch.valid)
    elif len(set(batch.codes)) != count:
        seen: set[str] = set()
        twice = next(code for code in batch.codes if code in seen or seen.add(code))  # type: ignore[func-returns-value]
        raise BadInput(
            f"The code '{twice}' stands more than once among the {cls.id}.",
            "Give each object a code of its own, or name another key with --key.",
        )
    check_shapes(cls, batch.codes, batch.geometry)


def prepare(
    cls: FeatureClass, batch: Batch, stored: Mapping[str, Sequence[Any]], areas: Areas, crs: MetricCrs
) -> Prepared:
    """All columns of a checked batch; `stored` holds values (n,) of fields that the batch leaves as they are."""
    flat = ragged(batch.geometry)
    given = given_columns(cls, batch, flat)
    located = find_areas(cls, batch.codes, batch.geometry, areas)
    sizes = measure(cls, as_multi(batch.geometry), {**stored, **batch.columns}, crs, flat)
    return Prepared(cls, given, derived_columns(cls, sizes, located), len(batch.codes), batch.valid)


def find_areas(
    cls: FeatureClass, codes: Sequence[str], shapes: NDArray[np.object_], areas: Areas
) -> Located | None:
    """Where shapes (n,) in lon/lat lie; None where no areas are known."""
    if not len(areas):
        return None
    if cls.id in AREA_CLASSES:
        return locate_areas(areas, codes, shapes)
    return locate(areas, shapes)


def derived_columns(cls: FeatureClass, sizes: Measures, located: Located | None) -> dict[str, Cells]:
    """What is computed of n rows, as COPY takes it."""
    derived = _nowhere() if located is None else located_columns(located)
    derived["min_zoom"] = integers(sizes.min_zoom, 2)
    if cls.geometry == "line":
        derived["length_m"] = numbers(_with_none(sizes.length_m))
    elif cls.geometry != "point":
        derived["area_m2"] = numbers(_with_none(sizes.area_m2))
        derived["size_flag"] = booleans(sizes.size_flag)
    return derived


#: How the values of a field are written, by its type.
_CELLS: Mapping[str, Callable[[Values], Cells]] = {
    "text": texts,
    "choice": texts,
    "integer": integers,
    "number": numbers,
    "boolean": booleans,
    "date": days,
    "datetime": moments,
}


def _nowhere() -> dict[str, Cells]:
    return {
        "area_path": constant(b""),
        "areas_touched": constant(NO_TEXTS),
        "crosses_border": constant(b"\0"),
    }


def given_columns(cls: FeatureClass, batch: Batch, flat: Ragged | None) -> dict[str, Cells]:
    """What a batch says of its rows, as COPY takes it; `flat` are its shapes as arrays, where they can be.

    Raises:
        BadInput: A value is not of its field's type.
    """
    types = {item.name: item.type for item in cls.fields}
    given = {"code": texts(batch.codes)}
    given |= {name: _field(cls, name, types[name], values) for name, values in batch.columns.items()}
    given["geom"] = wkb_cells(as_multi(batch.geometry) if flat is None else batch.geometry, flat)
    given["incomplete"] = _incomplete(batch)
    if batch.valid is not None:
        given["valid"] = ranges(batch.valid)
    if any(row is not None for row in batch.extra):
        given["extra"] = objects([_json(row) for row in batch.extra])
    return given


def _field(cls: FeatureClass, name: str, kind: str, values: Sequence[Any]) -> Cells:
    try:
        return _CELLS[kind](values)
    except BadInput as error:
        raise BadInput(f"{error.message} It stands in '{name}' of {cls.id}.", error.hint) from error


def _incomplete(batch: Batch) -> Cells:
    if not batch.incomplete:
        return constant(b"\0")
    return booleans([code in batch.incomplete for code in batch.codes])


def _json(row: Mapping[str, Any] | None) -> bytes | None:
    return None if not row else orjson.dumps(row, default=str)


def located_columns(located: Located) -> dict[str, Cells]:
    """The area columns as COPY takes them."""
    return {
        "area_path": texts(located.path),
        "areas_touched": lists(located.touched),
        "crosses_border": booleans(located.crosses_border),
    }


def _with_none(values: NDArray[np.float64]) -> NDArray[np.float64] | list[float | None]:
    """Sizes with None where there is none; as they are where all are known."""
    if not np.isnan(values).any():
        return values
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - NaN is not itself
