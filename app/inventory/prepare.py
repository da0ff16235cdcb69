"""Turns a batch into the exact columns its table stores, before any lock is taken. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from app.catalogue.model import FeatureClass
from app.errors import BadInput, unknown
from app.inventory.areas import AREA_CLASSES, Areas, Located, locate, locate_areas
from app.inventory.batch import Batch, Period
from app.inventory.copy_text import Texts, constant, taken, texts
from app.inventory.measure import Measures, as_multi, check_shapes, measure
from app.inventory.periods import check_periods, range_literal
from app.inventory.ragged import Ragged, hex_wkb, ragged
from app.space.metric import MetricCrs


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows ready to be copied: `given` columns come from the source and are compared, `derived` ones are computed.

    Both map column name → n values as COPY takes them (`copy_text`).
    """

    cls: FeatureClass
    given: Mapping[str, Texts]
    derived: Mapping[str, Texts]
    size: int
    valid: Sequence[Period] | None = None

    @property
    def columns(self) -> dict[str, Texts]:
        """All columns, in the order in which they are copied."""
        return {**self.given, **self.derived}

    def __len__(self) -> int:
        """The number of rows."""
        return self.size

    def take(self, places: Sequence[int]) -> Prepared:
        """The rows at these places."""

        def pick(columns: Mapping[str, Texts]) -> dict[str, Texts]:
            return {name: taken(values, places) for name, values in columns.items()}

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
    given = given_columns(batch, flat)
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


def derived_columns(cls: FeatureClass, sizes: Measures, located: Located | None) -> dict[str, Texts]:
    """What is computed of n rows, as COPY takes it."""
    derived = _nowhere() if located is None else located_columns(located)
    derived["min_zoom"] = texts(sizes.min_zoom)
    if cls.geometry == "line":
        derived["length_m"] = texts(sizes.length_m)
    elif cls.geometry != "point":
        derived["area_m2"] = texts(_with_none(sizes.area_m2) if cls.geometry == "mixed" else sizes.area_m2)
        derived["size_flag"] = texts(sizes.size_flag)
    return derived


def _nowhere() -> dict[str, Texts]:
    return {"area_path": constant(""), "areas_touched": constant("{}"), "crosses_border": constant("false")}


def given_columns(batch: Batch, flat: Ragged | None) -> dict[str, Texts]:
    """What a batch says of its rows, as COPY takes it; `flat` are its shapes as arrays, where they can be."""
    given = {"code": texts(batch.codes)}
    given |= {name: texts(values) for name, values in batch.columns.items()}
    given["geom"] = hex_wkb(as_multi(batch.geometry) if flat is None else batch.geometry, flat)
    given["incomplete"] = _incomplete(batch)
    if batch.valid is not None:
        given["valid"] = texts([range_literal(period) for period in batch.valid])
    if any(row is not None for row in batch.extra):
        given["extra"] = texts([_json(row) for row in batch.extra])
    return given


def _incomplete(batch: Batch) -> Texts:
    if not batch.incomplete:
        return constant("false")
    return texts([code in batch.incomplete for code in batch.codes])


def _json(row: Mapping[str, Any] | None) -> str | None:
    return None if not row else orjson.dumps(row, default=str).decode()


def located_columns(located: Located) -> dict[str, Texts]:
    """The area columns as COPY takes them."""
    literals = {codes: _array_literal(codes) for codes in set(located.touched)}
    return {
        "area_path": texts(located.path),
        "areas_touched": texts([literals[codes] for codes in located.touched]),
        "crosses_border": texts(located.crosses_border),
    }


def _array_literal(codes: Sequence[str]) -> str:
    escaped = (code.replace("\\", "\\\\").replace('"', '\\"') for code in codes)
    return "{" + ",".join(f'"{code}"' for code in escaped) + "}"


def _with_none(values: NDArray[np.float64]) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - NaN is not itself
