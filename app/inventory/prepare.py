"""Turns a batch into the exact columns its table stores, before any lock is taken. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from app.catalogue.model import FeatureClass
from app.errors import BadInput, unknown
from app.inventory.areas import AREA_CLASSES, Areas, Located, locate, locate_areas
from app.inventory.batch import Batch, Period
from app.inventory.measure import as_multi, check_shapes, measure
from app.inventory.periods import check_periods, range_literal
from app.space.metric import MetricCrs


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows ready to be copied: `given` columns come from the source and are compared, `derived` ones are computed.

    Both map column name → n values as COPY takes them: geometry as hex WKB, arrays as their literal, JSON as text.
    """

    cls: FeatureClass
    given: Mapping[str, Sequence[Any]]
    derived: Mapping[str, Sequence[Any]]
    valid: Sequence[Period] | None = None

    @property
    def timed(self) -> bool:
        """Whether the rows speak of time in the world."""
        return self.valid is not None

    @property
    def columns(self) -> dict[str, Sequence[Any]]:
        """All columns, in the order in which they are copied."""
        return {**self.given, **self.derived}

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.given["code"])

    def take(self, places: Sequence[int]) -> Prepared:
        """The rows at these places."""

        def pick(columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
            return {name: [values[place] for place in places] for name, values in columns.items()}

        valid = None if self.valid is None else [self.valid[place] for place in places]
        return Prepared(self.cls, pick(self.given), pick(self.derived), valid)


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
    shapes = as_multi(batch.geometry)
    measures = measure(cls, shapes, {**stored, **batch.columns}, crs)
    derived: dict[str, Sequence[Any]] = located_columns(_locate(cls, batch, areas, shapes))
    derived["min_zoom"] = measures.min_zoom.tolist()
    if cls.geometry == "line":
        derived["length_m"] = measures.length_m.tolist()
    elif cls.geometry != "point":
        derived["area_m2"] = _with_none(measures.area_m2)
        derived["size_flag"] = measures.size_flag.tolist()
    return Prepared(cls, _given(batch, shapes), derived, batch.valid)


def _locate(cls: FeatureClass, batch: Batch, areas: Areas, shapes: NDArray[np.object_]) -> Located:
    if cls.id not in AREA_CLASSES:
        return locate(areas, shapes)
    return locate_areas(areas, batch.codes, shapes)


def _given(batch: Batch, shapes: NDArray[np.object_]) -> dict[str, Sequence[Any]]:
    given: dict[str, Sequence[Any]] = {"code": batch.codes, **batch.columns, "geom": hex_wkb(shapes)}
    given["incomplete"] = [code in batch.incomplete for code in batch.codes]
    if batch.valid is not None:
        given["valid"] = [range_literal(period) for period in batch.valid]
    if any(batch.extra):
        given["extra"] = [None if not row else orjson.dumps(row, default=str).decode() for row in batch.extra]
    return given


def hex_wkb(shapes: NDArray[np.object_]) -> list[str]:
    """Shapes (n,) in lon/lat as the text that PostGIS reads fastest; the column gives them its SRID."""
    texts: list[str] = shapely.to_wkb(shapes, hex=True).tolist()
    return texts


def located_columns(located: Located) -> dict[str, Sequence[Any]]:
    """The area columns as COPY takes them."""
    literals = {codes: _array_literal(codes) for codes in set(located.touched)}
    return {
        "area_path": located.path,
        "areas_touched": [literals[codes] for codes in located.touched],
        "crosses_border": located.crosses_border.tolist(),
    }


def _array_literal(codes: Sequence[str]) -> str:
    escaped = (code.replace("\\", "\\\\").replace('"', '\\"') for code in codes)
    return "{" + ",".join(f'"{code}"' for code in escaped) + "}"


def _with_none(values: NDArray[np.float64]) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - NaN is not itself
