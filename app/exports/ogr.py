"""Writing layers through GDAL, batch by batch: zipped Shapefiles and FileGDBs; each row is counted on its way."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.exports import arrow
from app.exports.model import Batches, ExportColumn, ExportLayer
from app.lazy import lazy_module

#: It loads GDAL, and pandas where that is installed: a second that most commands do not need.
pyogrio = lazy_module("pyogrio")
pa = lazy_module("pyarrow")

Metadata = Callable[[ExportColumn], Mapping[str, str]]


class _Passing:
    """The batches of a layer on their way to GDAL, which would tell of a failure in words of its own."""

    def __init__(self, layer: ExportLayer, kind: Any) -> None:
        self.count = 0
        self.failure: BaseException | None = None
        self.kind, self._layer = kind, layer

    def batches(self) -> Batches:
        try:
            for batch in self._layer.read():
                self.count += len(batch)
                yield pa.RecordBatch.from_arrays(
                    [column.cast(field.type) for column, field in zip(batch.columns, self.kind, strict=True)],
                    schema=self.kind,
                )
        except BaseException as error:
            self.failure = error
            raise


def write_layer(
    path: Path,
    driver: str,
    layer: ExportLayer,
    crs: str,
    *,
    kind: Any,
    names: Mapping[str, str] | None = None,
    **options: Any,
) -> None:
    """Write one layer with the Arrow schema `kind`, its columns called by `names`.

    Raises:
        OSError: The layer cannot be written whole.
    """  # fmt: skip
    fields = [field.with_name((names or {}).get(field.name, field.name)) for field in kind]
    passing = _Passing(layer, pa.schema(fields, kind.metadata))
    try:
        with warnings.catch_warnings():
            # What GDAL warns of (dates as moments, no CRS) is known and told by us.
            warnings.simplefilter("ignore")
            reader = pa.RecordBatchReader.from_batches(passing.kind, passing.batches())
            pyogrio.raw.write_arrow(
                reader, str(path), layer=layer.name, driver=driver, geometry_name=arrow.GEOMETRY,
                geometry_type=layer.geometry_type, crs=crs, **options,
            )  # fmt: skip
            count = pyogrio.read_info(str(path), layer=layer.name, force_feature_count=True)["features"]
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        RuntimeError,
        pa.ArrowException,
    ) as error:
        raise (passing.failure or OSError(str(error))) from error
    if not count == passing.count == len(layer):
        raise OSError(f"only {count} of {len(layer)} rows of {layer.name} were written")


def arrow_title(layer: ExportLayer) -> str:
    """Both titles of a layer."""
    return f"{layer.title.zh} {layer.title.en}"
