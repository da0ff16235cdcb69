"""What an export writes: layers of typed columns with their geometry, and what is said about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.catalogue.model import FieldType, Title

#: What stands in every export of the sample city.
SAMPLE_NOTICE = "示例数据，非真实 (sample data, not real)"

#: What a format could not hold as it is: sentence → number of values.
Changed: TypeAlias = Mapping[str, int]

#: Names under which the origin of rows stands.
ORIGIN = ("source", "licence", "attribution")


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """One column: its type in the file, its titles and unit; `type` "json" is an object kept as text.

    `labels` are the Chinese names of a choice's values, which sheets for people show in their place.
    """

    name: str
    type: FieldType | str
    title: Title
    unit: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExportLayer:
    """A layer ready to write: n rows, `values` by column, `geometry` (n,) WKB or None in the CRS of its `ExportData`.

    `about` is the source, licence and attribution of its own rows, empty where unknown.
    """

    name: str
    title: Title
    geometry_type: str
    columns: tuple[ExportColumn, ...]
    values: tuple[list[Any], ...]
    geometry: NDArray[np.object_]
    about: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.geometry)


@dataclass(frozen=True, slots=True)
class ExportData:
    """All layers of one export and what is said of them: source, licence, attribution, notice, run.

    `crs` is what the files say of their coordinates: a code, or the name and fingerprint of a city's own system.
    """

    layers: tuple[ExportLayer, ...]
    about: Mapping[str, str] = field(default_factory=dict)
    crs: str = "EPSG:4326"


def with_codes(data: ExportData) -> ExportData:
    """The same without labels: choices stand as the values that are stored."""
    layers = (
        replace(layer, columns=tuple(replace(column, labels={}) for column in layer.columns))
        for layer in data.layers
    )
    return replace(data, layers=tuple(layers))
