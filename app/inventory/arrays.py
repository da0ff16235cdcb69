"""A class as arrays in the city's metric CRS: what analysis asks the inventory for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from app.catalogue.model import Catalogue, FeatureClass
from app.errors import BadInput, unknown
from app.inventory.changes import data_version, raw
from app.inventory.conditions import field_conditions
from app.inventory.query import checked_where, field_names
from app.inventory.stored_shapes import metric_shapes
from app.inventory.tables import SCHEMA, quoted, table_name
from app.inventory.times import NOW, Times, versions
from app.space.metric import MetricCrs

#: The sides of a declared extent are cut to this many degrees before they are projected, since they bend.
FRAME_STEP = 0.05
#: The days of its life that a feature bears itself: from the one on it stands, on the other it is gone.
LIFE = ("built_on", "removed_on")
STANDS = {
    "built_on": "(built_on IS NULL OR built_on <= %(standing_on)s)",
    "removed_on": "(removed_on IS NULL OR removed_on > %(standing_on)s)",
}


@dataclass(frozen=True, slots=True)
class FeatureArrays:
    """n features in order of id, at the class's data version `change_id`.

    `id` (n,) int; `code` n texts; `geometry` (n,) shapely shapes in metres, of the stored (multi) type; `columns` maps
    field → (n,) objects, None where unknown; `area_path` n texts; `frame` the shape in metres within which the class is
    known, None where no import of it declared an extent.
    """

    id: NDArray[np.int64]
    code: list[str]
    geometry: NDArray[np.object_]
    columns: dict[str, NDArray[np.object_]]
    area_path: list[str]
    change_id: int
    frame: Any | None

    def __len__(self) -> int:
        """The number of features."""
        return len(self.id)


def read_arrays(
    conn: Connection,
    catalogue: Catalogue,
    class_id: str,
    fields: Sequence[str] = (),
    where: Mapping[str, Sequence[Any]] | None = None,
    crs: MetricCrs | None = None,
    times: Times = NOW,
    *,
    incomplete: bool = False,
    standing_on: date | None = None,
) -> FeatureArrays:
    """Features of a class whose fields have allowed values (None = unknown); shapes in `crs`, by default in lon/lat.

    `times` says which version of each feature is read; rows known not to be whole are left out unless `incomplete`, and
    with `standing_on` those that were not built by that day, or were removed by then.
    `fields` may also name derived columns such as `area_m2`.

    Raises:
        NotFound, BadInput: The class is unknown; a field is.
    """
    cls = catalogue.get_class(class_id)
    _check_fields(cls, fields)
    # Asked before the rows: read in a later snapshot the number could promise more than they hold.
    version = data_version(conn, cls)
    rows = _read(conn, cls, fields, where or {}, times, incomplete=incomplete, standing_on=standing_on)
    frame = read_frame(conn, cls, times)
    return _arrays(rows, fields, version, frame, crs)


def _check_fields(cls: FeatureClass, fields: Sequence[str]) -> None:
    valid = [*field_names(cls), "areas_touched", "import_id", "valid"]
    for name in fields:
        if name not in valid:
            error = unknown(f"field of {cls.id}", name, valid)
            raise BadInput(error.message, error.hint)


def _read(
    conn: Connection,
    cls: FeatureClass,
    fields: Sequence[str],
    where: Mapping[str, Sequence[Any]],
    times: Times,
    *,
    incomplete: bool,
    standing_on: date | None,
) -> list[tuple[Any, ...]]:
    parts, values = field_conditions(checked_where(cls, where))
    if not incomplete:
        parts.append("NOT incomplete")
    names = ["id", "code", "geom", "area_path", *fields]
    life = [] if standing_on is None else _life(cls)
    parts += [STANDS[name] for name in life]
    source = versions(cls, {*names, *where, *life, "incomplete"}, times)
    shown = ", ".join(quoted(name) for name in names)
    query = f"SELECT {shown} FROM {source} v WHERE {' AND '.join(parts) or 'TRUE'} ORDER BY id"
    values |= {**times.values, "standing_on": standing_on}
    return raw(conn).cursor(binary=True).execute(query.encode(), values).fetchall()


def _life(cls: FeatureClass) -> list[str]:
    known = field_names(cls)
    return [name for name in LIFE if name in known]


def last_turn(conn: Connection, cls: FeatureClass, day: date, *, current: bool = True) -> date | None:
    """The newest day until `day` on which a feature was built, removed or counted, None where none was.

    What stands and is known of is the same on all days from that one to the next. `current` asks the rows of now;
    otherwise every version that is believed, whose own days then count as well.
    """
    names = [quoted(name) for name in (*LIFE, "as_of") if name in field_names(cls)]
    source = table_name(cls)
    if not current:
        columns = ", ".join(["valid", *names])
        history = table_name(cls, history=True)
        source = (
            f"(SELECT {columns} FROM {source} UNION ALL "
            f"SELECT {columns} FROM {history} WHERE until_change IS NULL) versions"
        )
        names += ["lower(valid)", "upper(valid)"]
    if not names:
        return None
    newest = ", ".join(f"max({name}) FILTER (WHERE {name} <= %(day)s)" for name in names)
    row = raw(conn).execute(f"SELECT greatest({newest}) FROM {source}".encode(), {"day": day}).fetchone()
    return None if row is None else row[0]


def _arrays(
    rows: list[tuple[Any, ...]],
    fields: Sequence[str],
    version: int,
    frame: Any | None,
    crs: MetricCrs | None,
) -> FeatureArrays:
    # Column by column: `zip(*rows)` would take every row as an argument of one call, which costs ten times as much.
    ids, codes, ewkb, paths, *values = [[row[k] for row in rows] for k in range(4 + len(fields))]
    columns = {name: _objects(column) for name, column in zip(fields, values, strict=True)}
    if crs is None:
        shapes = np.asarray(shapely.from_wkb(_objects(ewkb)), dtype=object)
    else:
        shapes = metric_shapes(ewkb, crs)
        frame = None if frame is None else crs.to_metric(np.array([frame], dtype=object))[0]
    return FeatureArrays(np.array(ids, dtype=np.int64), codes, shapes, columns, paths, version, frame)


def _objects(values: list[Any]) -> NDArray[np.object_]:
    """Values (n,) as they are: lists among them stay lists."""
    return np.array([*values, None], dtype=object)[:-1]


def count_imports(conn: Connection) -> int:
    """How many files have been imported or taken back: frames of data hold until there is another."""
    statement = text(f"SELECT count(*) + count(undone_by) FROM {SCHEMA}.imports WHERE state = 'done'")
    return int(conn.execute(statement).scalar_one())


def read_frame(conn: Connection, cls: FeatureClass, times: Times = NOW) -> Any | None:
    """The shape in lon/lat within which a class is known, None where no import of it declared an extent.

    It joins the declared extents of the class's imports (of those known of at `times.known_at`) and the bounding box
    of the rows of each import that declared none.
    """
    extents = conn.execute(
        text(
            f"SELECT ST_AsBinary(extent) FROM {SCHEMA}.imports "
            "WHERE classes @> ARRAY[:class_id]::text[] AND extent IS NOT NULL "
            "AND (CAST(:known_at AS bigint) IS NULL OR change_id <= :known_at) "
            "AND (undone_by IS NULL OR undone_by > CAST(:known_at AS bigint))"
        ),
        {"class_id": cls.id, "known_at": times.known_at},
    ).scalars()
    boxes = [bytes(extent) for extent in extents]
    if not boxes:
        return None
    rest = conn.execute(
        text(
            f"SELECT ST_AsBinary(ST_Envelope(ST_Extent(c.geom)::geometry)) FROM {table_name(cls)} c "
            f"LEFT JOIN {SCHEMA}.imports i ON i.id = c.import_id WHERE i.extent IS NULL GROUP BY c.import_id"
        )
    ).scalars()
    shapes = shapely.from_wkb([*boxes, *(bytes(box) for box in rest if box is not None)])
    return shapely.segmentize(shapely.union_all(shapes), FRAME_STEP)
