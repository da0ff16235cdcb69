"""Goes through the layers of a table file, chunk by chunk, within the transaction that writes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from app.catalogue.model import FeatureClass
from app.database.transactions import Connection
from app.ingest import suggestions
from app.ingest.codes import CodeBook
from app.ingest.duplicates import DuplicateFinder, duplicate_warnings
from app.ingest.layer import Layer, whole
from app.ingest.options import ImportOptions
from app.ingest.own_area_service import own_rows
from app.ingest.own_export import Marks
from app.ingest.periods import split_untimed, with_start
from app.ingest.place import PlacedLayer, place_layer
from app.ingest.planning import FilePlan, LayerPlan
from app.ingest.preparing import Prepared
from app.ingest.roundtrip import fill_geometry, reconcile
from app.ingest.rows import LayerBatch, Looked, RowReader
from app.ingest.settle_service import settle_batch
from app.ingest.split_store import remember_parts
from app.ingest.tally import Tally
from app.inventory.batch import Batch, Reject
from app.inventory.difference import remember_codes
from app.parallel import ahead
from app.space.city_systems import CitySystems


def read_batches(
    conn: Connection, plan: FilePlan, options: ImportOptions, systems: CitySystems, tally: Tally
) -> Iterator[Batch]:
    """The batches of a file, those of a class one after another, each chunk read when it is asked for."""
    for class_id in dict.fromkeys(layer.cls.id for layer in plan.layers):
        layers = [layer for layer in plan.layers if layer.cls.id == class_id]
        yield from _ClassReader(conn, layers, options, systems, tally).batches()
    # The report asks for them when the last row is stored: until then the database makes indexes.
    suggestions.begin([layer.suggestions for layer in plan.layers])


@dataclass(frozen=True, slots=True)
class _Ready:
    """A chunk as it stands in the file and prepared; its shapes placed and looked at, unless the database has some."""

    chunk: Layer
    prepared: Prepared
    placed: PlacedLayer | None = None
    looked: Looked | None = None


class _ClassReader:
    """Reads all layers of one class: their codes are held apart, their batches have the same columns."""

    def __init__(
        self,
        conn: Connection,
        layers: Sequence[LayerPlan],
        options: ImportOptions,
        systems: CitySystems,
        tally: Tally,
    ) -> None:
        self._conn, self._layers, self._options, self._systems, self._tally = (
            conn, layers, options, systems, tally,
        )  # fmt: skip
        self._cls: FeatureClass = layers[0].cls
        self._columns = tuple(dict.fromkeys(name for plan in layers for name in plan.rows.columns))
        self._made = CodeBook()
        self._books: tuple[CodeBook, ...] = ()
        self._finder = DuplicateFinder(self._cls)

    def batches(self) -> Iterator[Batch]:
        for plan in self._layers:
            reader = RowReader(plan.rows, plan.official, self._made, self._books)
            chunks = iter([whole(plan.given)]) if plan.rows.whole else plan.given.chunks()
            for ready in ahead(map(partial(self._make_ready, plan, reader), chunks)):
                yield from self._chunk(plan, reader, ready)
            self._books = (*self._books, reader.used)
        self._tally.warnings.extend(duplicate_warnings(self._cls, self._finder.find()))

    def _make_ready(self, plan: LayerPlan, reader: RowReader, chunk: Layer) -> _Ready:
        """What needs neither the database nor the chunks before: done while the chunk before is written."""
        prepared = plan.preparation.apply(chunk)
        if prepared.marks is not None or not prepared.layer.rows:
            return _Ready(chunk, prepared)
        placed = place_layer(prepared.layer, plan.detection, plan.frame, self._systems)
        return _Ready(chunk, prepared, placed, reader.look(prepared.layer, placed))

    def _chunk(self, plan: LayerPlan, reader: RowReader, ready: _Ready) -> Iterator[Batch]:
        chunk, prepared = ready.chunk, ready.prepared
        self._tally.read[self._cls.id] += len(chunk.rows)
        self._tally.skipped[self._cls.id] += prepared.skipped
        layer, marks = prepared.layer, prepared.marks
        if marks is not None:
            if marks.data_version is not None:
                self._tally.data_versions[self._cls.id] = marks.data_version
            layer = fill_geometry(self._conn, self._cls, layer, marks)
        if not layer.rows:
            return
        placed = ready.placed or place_layer(layer, plan.detection, plan.frame, self._systems)
        made = reader.read(layer, placed, ready.looked)
        batch = settle_batch(self._conn, self._cls, made.batch, made.learned, by_id=plan.rows.by_id)
        if self._options.dry_run or self._options.delete_missing:
            remember_codes(self._conn, self._cls, [*made.codes, *made.batch.codes, *batch.codes])
        made = self._own(layer, made, batch)
        self._note(plan, layer, made)
        self._keep(chunk, {layer.rows[i]: reject for i, reject in made.rejected.items()})
        batch, rows = made.batch, made.rows
        if marks is not None:
            batch, rows = self._reconcile(chunk, layer, batch, made, marks)
        if made.told["split_rows"]:
            self._keep_parts(made.rows, rows, batch)
        yield from self._timed(self._filled(batch))

    def _own(self, layer: Layer, made: LayerBatch, settled: Batch) -> LayerBatch:
        """What was read, without the rows that its sender may not write; `settled` is its batch, settled."""
        batch, stay, others = own_rows(self._conn, self._cls, settled, made.rows)
        # Rows are told apart by their position in the chunk, and named by their number in the file.
        refused = {int(one.row): replace(one, row=layer.rows[int(one.row)]) for one in others}
        batch = replace(batch, rejects=[*batch.rejects, *refused.values()])
        rows = [made.rows[k] for k in stay]
        return replace(made, batch=batch, rows=rows, rejected={**made.rejected, **refused})

    def _note(self, plan: LayerPlan, layer: Layer, made: LayerBatch) -> None:
        tally, class_id = self._tally, self._cls.id
        tally.refuse(class_id, made.batch.rejects)
        tally.repaired.extend(made.repaired)
        tally.warnings.extend(made.warnings)
        tally.tell(plan.given.name, made.told)
        # A code made of a refused row is not that of the feature which the row may be.
        keyless = plan.rows.key is None
        tally.codeless[class_id] += sum(keyless or not made.codes[i] for i in made.rejected)
        kinds = made.batch.columns.get("kind")
        self._finder.add([layer.rows[i] for i in made.rows], made.batch.geometry, kinds)

    def _keep_parts(self, made: list[int], rows: list[int], batch: Batch) -> None:
        """Note features that are parts of a row; `made` and `rows` are the rows of all features, of the batch's."""
        times = Counter(made)
        parts = [k for k, i in enumerate(rows) if times[i] > 1]
        numbers = {
            i: self._tally.parts[self._cls.id] + n
            for n, i in enumerate(dict.fromkeys(rows[k] for k in parts))
        }
        remember_parts(
            self._conn, self._cls, [numbers[rows[k]] for k in parts], [batch.codes[k] for k in parts]
        )
        self._tally.parts[self._cls.id] += len(numbers)

    def _reconcile(
        self, chunk: Layer, layer: Layer, batch: Batch, made: LayerBatch, marks: Marks
    ) -> tuple[Batch, list[int]]:
        """Of our own export what was edited, with its rows; those edited here meanwhile are conflicts."""
        rows = [layer.rows[i] for i in made.rows]
        before = len(batch.rejects)
        done = reconcile(self._conn, self._cls, batch, rows, marks.take(made.rows), self._options.on_conflict)
        kept = [made.rows[k] for k in done.kept]
        taken = {layer.rows[i] for i in kept}
        # Of a row that is several features each may be a conflict; the row is counted once.
        found = {reject.row: reject for reject in done.batch.rejects[before:] if reject.row not in taken}
        refused = list(found.values())
        self._tally.unchanged[self._cls.id] += len({layer.rows[i] for i in made.rows} - taken - found.keys())
        self._tally.conflicts.extend(done.conflicts)
        self._tally.ended.setdefault(self._cls.id, []).extend(done.ended)
        self._tally.refuse(self._cls.id, refused)
        self._keep(chunk, {int(reject.row): reject for reject in refused})
        return done.batch, kept

    def _keep(self, chunk: Layer, refused: Mapping[int, Reject]) -> None:
        """Keep refused rows, by their numbers, as they stand in the file."""
        if refused:
            places = {i: refused[row] for i, row in enumerate(chunk.rows) if row in refused}
            self._tally.keep_rows(chunk, self._cls.id, places)

    def _filled(self, batch: Batch) -> Batch:
        """The batch with the columns of all layers of its class."""
        size = len(batch.codes)
        columns = {name: batch.columns.get(name) or [None] * size for name in self._columns}
        return replace(batch, columns={**columns, **batch.columns})

    def _timed(self, batch: Batch) -> list[Batch]:
        since = self._options.valid_from
        return split_untimed(batch if since is None else replace(batch, valid=with_start(batch, since)))
