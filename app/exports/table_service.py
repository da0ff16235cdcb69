"""A class or a part of a run as one Arrow table in memory, for those who go on in Python."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from pyproj import CRS

from app.catalogue.model import Catalogue
from app.database.transactions import Database
from app.exports import arrow, store
from app.exports.placing import make_placing
from app.exports.service import PLAIN, Wishes, read_export
from app.lazy import lazy_module
from app.space.transform import file_crs

pa = lazy_module("pyarrow")

#: A format of one layer that takes any CRS: what can be read is what such a file can hold.
LIKE = "table.parquet"
LONLAT = "EPSG:4326"


def read_table(db: Database, catalogue: Catalogue, name: str, wishes: Wishes = PLAIN, **wished: Any) -> Any:
    """The rows of a class (id) or of a part of a run (UUID) as a `pyarrow.Table`, by id.

    The last column, `geometry`, is WKB by GeoArrow (https://geoarrow.org/extension-types, `geoarrow.wkb`) with its CRS,
    by default EPSG:4326, longitude first; GeoPandas reads it by `GeoDataFrame.from_arrow`. Columns bear their titles;
    what is said of the data (source, licence, day, run) is in the schema's metadata. `wished` are members of `Wishes`.

    Raises:
        BadInput: A part of a run, CRS, time or filter cannot be read.
        NotFound: There is no such class, run or area.
    """
    wishes = replace(wishes, **wished)
    crs = wishes.crs or LONLAT
    placing = make_placing(LIKE, crs, wishes.systems)
    with db.stream() as conn, store.reading(conn, catalogue) as reading:
        data = placing.apply(read_export(reading, name, LIKE, wishes))
        layer = data.layers[0]
        batches = list(layer.read())
    plain = arrow.schema(layer.columns, lambda column: {"title": arrow.shown(column)}, data.about)
    kind = plain.set(len(layer.columns), _geometry(file_crs(crs, wishes.systems)))
    return pa.Table.from_batches(batches, arrow.schema(layer.columns)).cast(kind)


def _geometry(crs: str) -> Any:
    """The column of shapes, whose CRS is told as PROJJSON."""
    about = {"crs": CRS.from_user_input(crs).to_json_dict(), "crs_type": "projjson"}
    metadata = {
        "ARROW:extension:name": "geoarrow.wkb",
        "ARROW:extension:metadata": orjson.dumps(about).decode(),
    }
    return pa.field(arrow.GEOMETRY, pa.binary(), metadata=metadata)
