"""The first load of a class: into a table beside the empty one, indexed when it is whole, that then takes its place.

Chunks are copied while the next ones are made. Readers see the empty class until the commit, and wait only for that. A
class that cannot be replaced (it has rules of its own, somebody else wrote to it, readers hold it) gets the rows by the
way of all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import sql
from psycopg.errors import UniqueViolation

from app.catalogue.model import FeatureClass
from app.inventory import search_index_store, search_job, staging
from app.inventory.areas import Areas, Located
from app.inventory.batch import Batch
from app.inventory.changes import raw, writes_all
from app.inventory.copier import Copier, Spool
from app.inventory.copy_binary import Cells, Rows, encoded, integers
from app.inventory.guards import closed_rows
from app.inventory.measure import Measures, measure
from app.inventory.prepare import derived_columns, find_areas, given_columns
from app.inventory.ragged import ragged, wkb_cells
from app.inventory.rewrite import Cursor, names, temporary
from app.inventory.search_entries import Found, code_columns, entry_columns
from app.inventory.search_fields import search_fields
from app.lazy import lazy_module
from app.space.metric import MetricCrs

pa = lazy_module("pyarrow")

#: From so many features with a name on, the search job makes what they are found by.
MANY_NAMED = 10_000


@dataclass(frozen=True, slots=True)
class Written:
    """What all rows of a load bear: the change and the import that wrote them."""

    change_id: int
    import_id: UUID | None


class FirstLoad:
    """An empty class that is being loaded, chunk by chunk; made by `begin`."""

    def __init__(
        self, copier: Copier, cls: FeatureClass, loading: str, last_id: int, written: Written
    ) -> None:
        self.cls = cls
        self.written = written
        self.rows = 0
        self.areas: Areas | None = None
        self._copier = copier
        self._loading = loading
        self._last_id = last_id
        self._given: dict[str, None] = {}
        self._named = _NamedRows(copier.file())
        self._entries, self._codes = Spool(copier.file()), Spool(copier.file())

    def add(self, batch: Batch, areas: Areas, crs: MetricCrs) -> None:
        """Begin to measure, locate and copy a checked chunk."""
        first = self._last_id + self.rows + 1
        ids = np.arange(first, first + len(batch.codes))
        self._copier.feed(lambda: self._make(batch, ids, areas, crs), self._send)
        self.rows += len(ids)
        self.areas = areas

    def _make(self, batch: Batch, ids: NDArray[np.int64], areas: Areas, crs: MetricCrs) -> Rows:
        flat = ragged(batch.geometry)
        sizes = measure(self.cls, batch.geometry, batch.columns, crs, flat)
        located = find_areas(self.cls, batch.codes, batch.geometry, areas)
        given = given_columns(self.cls, batch, flat)
        # What is one value for all rows here is what the table has by itself: no areas, nothing incomplete.
        kept = {**given, **derived_columns(self.cls, sizes, located)}
        columns = {
            "id": integers(ids),
            **staging.written_by(self.written.change_id, self.written.import_id),
            **{name: values for name, values in kept.items() if values.same is None},
        }
        self._given |= dict.fromkeys(given)
        if not self._is_later:
            self._named.add(self.cls, batch, ids, sizes, located)
        return encoded(columns)

    def _send(self, cursor: Cursor, rows: Rows) -> None:
        staging.send(cursor, sql.Identifier(self.cls.schema, self._loading), rows)

    def seal(self) -> None:
        """Build the indexes, and meanwhile what features are found by.

        Raises:
            BadInput: A code stands more than once.
        """
        self._copier.start(lambda cursor: cursor.execute(self._call("load_index")))
        fields = search_fields(self.cls)
        for rows in () if self._is_later else self._named:
            entries, codes = entry_columns(self.cls, fields, rows), code_columns(self.cls, fields, rows)
            self._entries.add(entries, len(entries.get("id", ())))
            self._codes.add(codes, len(codes.get("id", ())))
        try:
            self._copier.wait()
        except UniqueViolation as error:
            found = re.search(r"\(code\)=\((.*)\)", error.diag.message_detail or "")
            raise staging.doubled(self.cls, found[1] if found else "?") from error

    def finish(self) -> bool:
        """Take the class's place, under its lock; False where that cannot be, and then nothing was done."""
        last = sql.Literal(self._last_id + self.rows)
        row = raw(self._copier.conn).execute(self._call("load_finish", last)).fetchone()
        return bool(row and row[0])

    def index(self) -> None:
        """Keep what its features are found by, or leave that to the job; under the lock of the empty class."""
        if self._is_later:
            search_job.put_off(self._copier.conn, self.cls)
            return
        search_index_store.index_first(self._copier.conn, self.cls, self._entries, self._codes)

    def forget(self) -> None:
        """Let what the features are found by be made anew: they will bear other ids."""
        if not self._is_later:
            search_index_store.mark_stale(self._copier.conn, self.cls)

    @property
    def _is_later(self) -> bool:
        """Whether so many features are found by a text that the load does not wait for what they are found by."""
        return self._named.rows > MANY_NAMED

    def hand_over(self) -> list[str]:
        """Stage the rows as those of any other batch, for the class is not empty any more; the given columns."""
        conn, given = self._copier.conn, list(self._given)
        staging.make_staging(conn, self.cls)
        move = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ORDER BY id").format(
            temporary("staging", self.cls),
            names(given),
            names(given),
            sql.Identifier(self.cls.schema, self._loading),
        )
        raw(conn).execute(move)
        raw(conn).execute(self._call("load_drop"))
        return given

    def _call(self, function: str, *more: sql.Composable) -> sql.Composed:
        values = [sql.Literal(text) for text in (self.cls.schema, self.cls.id, self._loading)]
        return sql.SQL("SELECT city.{}({})").format(
            sql.Identifier(function), sql.SQL(", ").join([*values, *more])
        )


def begin(copier: Copier, cls: FeatureClass, written: Written) -> FirstLoad | None:
    """The load of a class; None where it holds anything, or could not be replaced by a copy of its table.

    Only who writes to the whole city may replace a table.
    """
    copier.wait()
    if not writes_all(copier.conn):
        return None
    query = "SELECT loading, last_id FROM city.load_begin(%s, %s)"
    row = raw(copier.conn).execute(query, [cls.schema, cls.id]).fetchone()
    return None if row is None else FirstLoad(copier, cls, row[0], row[1], written)


class _NamedRows:
    """Rows that may be found by a text, kept until there is time to make entries of them."""

    def __init__(self, file: IO[bytes]) -> None:
        self.rows = 0
        self._file = file
        self._ends = [0]

    def add(
        self,
        cls: FeatureClass,
        batch: Batch,
        ids: NDArray[np.int64],
        sizes: Measures,
        located: Located | None,
    ) -> None:
        """Keep those rows of a chunk that have a text."""
        fields = search_fields(cls)
        searched = {
            name: batch.columns[name] for name in (*fields.worded, *fields.codes) if name in batch.columns
        }
        places = [place for place, row in enumerate(zip(*searched.values(), strict=True)) if any(row)]
        if not places:
            return
        self.rows += len(places)
        shapes = _inside(batch.geometry[places])
        closed = closed_rows(cls, batch.columns, len(ids))
        columns = {
            "id": ids[places],
            "path": [""] * len(places) if located is None else [located.path[place] for place in places],
            "touched": [()] * len(places)
            if located is None
            else [located.touched[place] for place in places],
            "closed": [closed[place] for place in places],
            "size": _powers(cls, sizes)[places],
            "place": wkb_cells(shapes, ragged(shapes)).uneven,
            **{f"_{name}": [values[place] for place in places] for name, values in searched.items()},
        }
        kept = pa.table(columns)
        with pa.ipc.new_stream(pa.PythonFile(self._file, "w"), kept.schema) as stream:
            stream.write_table(kept)
        self._ends.append(self._file.tell())

    def __iter__(self) -> Iterator[Found]:
        """All rows kept, in the order in which they came; once."""
        for start, end in zip(self._ends[:-1], self._ends[1:], strict=True):
            self._file.seek(start)
            kept = pa.ipc.open_stream(self._file.read(end - start)).read_all()
            columns: dict[str, Sequence[Any]] = {
                name: kept[name].to_pylist() for name in kept.column_names if name != "place"
            }
            fields = {name[1:]: values for name, values in columns.items() if name.startswith("_")}
            places = Cells(uneven=kept["place"].combine_chunks())
            yield Found(
                ids=columns["id"],
                area_paths=columns["path"],
                touched=columns["touched"],
                closed=columns["closed"],
                sizes=columns["size"],
                places=places,
                fields=fields,
            )
        self._file.truncate(0)


def _inside(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """A point of each shape, as PostGIS chooses it."""
    return shapes if (shapely.get_type_id(shapes) == 0).all() else shapely.point_on_surface(shapes)


def _powers(cls: FeatureClass, sizes: Measures) -> NDArray[np.int64]:
    """The power of ten of each feature's m² or m, 0 for points, at most 9."""
    size = sizes.length_m if cls.geometry == "line" else sizes.area_m2
    return np.minimum(np.floor(np.log10(np.fmax(size, 1.0))), 9).astype(np.int64)
