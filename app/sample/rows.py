"""Rows of a class while the sample is written up: columns in metres, turned into a batch in lon/lat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.catalogue.model import Catalogue, FeatureClass
from app.errors import BadDeclaration
from app.inventory.batch import Batch, Period
from app.sample.draw import Ints, Shapes
from app.sample.parameters import Parameters
from app.space.metric import MetricCrs

NOTE = "示例数据，非真实 / Sample data, not real"
#: Decimals of degrees that are kept: a tenth of a millimetre, the same on every machine.
DECIMALS = 9


@dataclass
class Rows:
    """n rows: metric shapes, codes, and columns; a column is one value for all, an array or a list of n.

    `valid` (n) says from which day on and until before which day each row holds; without it all hold since ever.
    """

    class_id: str
    shapes: Shapes
    codes: list[str]
    columns: dict[str, Any] = field(default_factory=dict)
    valid: list[Period] | None = None

    def batch(self, catalogue: Catalogue, crs: MetricCrs) -> Batch:
        """The batch in lon/lat; raises BadDeclaration where a column or choice is not the catalogue's."""
        cls = catalogue.get_class(self.class_id)
        n = len(self.codes)
        columns = {name: as_list(values, n) for name, values in self.columns.items()}
        for name, values in columns.items():
            _check(cls, name, values)
        return Batch(
            self.class_id, self.codes, _lonlat(self.shapes, crs), columns, [None] * n, valid=self.valid
        )


def _lonlat(shapes: Shapes, crs: MetricCrs) -> Shapes:
    moved = crs.to_lonlat(np.asarray(shapes, dtype=object))
    rounded = np.round(shapely.get_coordinates(moved), DECIMALS)
    return np.asarray(shapely.set_coordinates(moved, rounded), dtype=object)


def as_list(values: Any, n: int) -> list[Any]:
    """A column as a list of n values."""
    if isinstance(values, np.ndarray):
        return list(values.tolist())
    if isinstance(values, list):
        return values
    return [values] * n


def _check(cls: FeatureClass, name: str, values: list[Any]) -> None:
    try:
        declared = cls.get_field(name)
    except KeyError:
        raise BadDeclaration(
            f"The sample fills '{name}', which {cls.id} does not have.", "Add it or drop it."
        ) from None
    if declared.choices:
        wrong = {value for value in values if value is not None} - {
            choice.value for choice in declared.choices
        }
        if wrong:
            raise BadDeclaration(f"The sample writes {sorted(wrong)} to {cls.id}.{name}.", "Use its choices.")


def codes(prefix: str, count: int) -> list[str]:
    """`count` codes: prefix, hyphen and a number of six digits."""
    return [f"{prefix}-{k:06d}" for k in range(1, count + 1)]


def days(year: Ints, random: np.random.Generator) -> list[date | None]:
    """A day in each year, None where the year is 0."""
    first = (np.asarray(year) - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    found: list[date | None] = (first + random.integers(0, 365, len(year))).tolist()
    return [day if y else None for day, y in zip(found, year, strict=True)]


def renovation_days(year: Ints, parameters: Parameters) -> list[date | None]:
    """On which day of its year each estate was renovated, the same in every register that says so."""
    return days(year, parameters.rng("renovation days"))


def pick(
    options: Sequence[str], shares: Sequence[float], count: int, random: np.random.Generator
) -> list[str]:
    """`count` of the options, drawn by their shares."""
    drawn: NDArray[np.int64] = random.choice(len(options), count, p=np.asarray(shares) / sum(shares))
    return [options[k] for k in drawn]


def component_codes(area: list[str], kind: str | list[str]) -> list[str]:
    """16-digit component ids (CJ/T 214-2007): area code, major and minor code, serial within both."""
    kinds = [kind] * len(area) if isinstance(kind, str) else kind
    seen: dict[str, int] = {}
    result = []
    for prefix in (a + k for a, k in zip(area, kinds, strict=True)):
        seen[prefix] = seen.get(prefix, 0) + 1
        result.append(f"{prefix}{seen[prefix]:06d}")
    return result
