"""What an export writes: layers of typed columns whose rows are read batch by batch, and what is said about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from app.catalogue.model import FeatureClass, FieldType, Title

#: What stands in every export of the sample city.
SAMPLE_NOTICE = "示例数据，非真实 (sample data, not real)"

#: What a format could not hold as it is: sentence → number of values.
Changed: TypeAlias = Mapping[str, int]

#: Encodings that a dBase table of ours may have, by the name that its .cpg says.
SHAPEFILE_ENCODINGS = ("UTF-8", "GBK")

#: Names under which the origin of rows stands.
ORIGIN = ("source", "licence", "attribution")

#: Arrow record batches: the columns of a layer in order, then the shapes as WKB.
Batches: TypeAlias = Iterator[Any]


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """One column: its type in the file, its titles and unit; `type` "json" is an object kept as text.

    `labels` are the Chinese names of a choice's values, which sheets for people show in their place; `choices` the
    titles of the values that the column may hold, empty where any may stand there.
    """

    name: str
    type: FieldType | str
    title: Title
    unit: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Title] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, slots=True)
class ExportLayer:
    """A layer ready to write: `read` begins to read its rows anew, in one order, in the CRS of its `ExportData`.

    `kinds` counts its rows by kind of geometry (polygon, line, point; none where a row has no place). `measure` tells
    of each column of integers the largest amount, of each column of text the most bytes; it is asked by formats whose
    columns have a width. `extent` is the box of all shapes, None where it is not known. `cls` is the class that it
    holds, None for runs. `about` is the source, licence and attribution of its own rows, empty where unknown.
    """

    name: str
    title: Title
    geometry_type: str
    columns: tuple[ExportColumn, ...]
    kinds: Mapping[str, int]
    read: Callable[[], Batches]
    measure: Callable[[], Mapping[str, int]]
    extent: Callable[[], Sequence[float] | None]
    cls: FeatureClass | None = None
    about: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """The number of rows."""
        return sum(self.kinds.values())

    def place(self, name: str) -> int | None:
        """The position of a column, None where there is none of the name."""
        return next((i for i, column in enumerate(self.columns) if column.name == name), None)


@dataclass(frozen=True, slots=True)
class ExportData:
    """All layers of one export and what is said of them: source, licence, attribution, notice, run.

    `crs` is what the files say of their coordinates: a code, or the name and fingerprint of a city's own system.
    `encoding` is that of texts in formats that may be written in several.
    """

    layers: tuple[ExportLayer, ...]
    about: Mapping[str, str] = field(default_factory=dict)
    crs: str = "EPSG:4326"
    encoding: str = "UTF-8"


def with_codes(data: ExportData) -> ExportData:
    """The same without labels: choices stand as the values that are stored."""
    layers = (
        replace(layer, columns=tuple(replace(column, labels={}) for column in layer.columns))
        for layer in data.layers
    )
    return replace(data, layers=tuple(layers))


def watched(data: ExportData, report: Callable[[int, int, str], None]) -> ExportData:
    """The same, telling as it is read how many rows of all were given so far, and of which layer."""
    total = sum(len(layer) for layer in data.layers)
    given: dict[str, int] = {}

    def reader(layer: ExportLayer) -> Callable[[], Batches]:
        def read() -> Batches:
            for batch in layer.read():
                yield batch
                given[layer.name] = min(given.get(layer.name, 0) + len(batch), len(layer))
                report(sum(given.values()), total, layer.name)

        return read

    return replace(data, layers=tuple(replace(layer, read=reader(layer)) for layer in data.layers))
