"""Rows of a table layer → batches: headings matched, values converted, shapes cleaned, each bad row told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import shapely

from app.catalogue.model import FeatureClass, Field
from app.ingest.codes import CodeBook, code_texts, distinct_codes, make_codes, make_digests
from app.ingest.columns import convert_column
from app.ingest.extras import make_extras
from app.ingest.faults import MAX_SHOWN, Faults
from app.ingest.headings import Meaning
from app.ingest.layer import Layer
from app.ingest.periods import read_periods
from app.ingest.place import PlacedLayer
from app.ingest.row_plan import RowPlan, name_field, name_of
from app.inventory.batch import Batch, Period, Reject
from app.inventory.periods import overlap
from app.validation.clean import CleanRows, clean_rows, part_codes, shape_hint, split_rows
from app.validation.components import ID, Learned, Official, looks_official, read_ids
from app.validation.heights import take_heights
from app.validation.life import find_disorder
from app.validation.values import LOST_DIGITS, LOST_HINT, has_lost_digits

#: Position, field, value, reason, hint.
Odd: TypeAlias = tuple[int, str, str | None, str, str]


@dataclass(frozen=True, slots=True)
class LayerBatch:
    """The batch of one chunk with what the report says beside it.

    `rows` are the positions in the chunk of the batch's features, `codes` those of all its rows, `rejected` the refused
    ones by position; `told` counts what is said once of the whole layer.
    """

    batch: Batch
    rows: list[int]
    codes: list[str]
    rejected: dict[int, Reject]
    repaired: list[dict[str, Any]]
    warnings: list[dict[str, Any]]
    learned: frozenset[str]
    told: Counter[str]


@dataclass(frozen=True, slots=True)
class Looked:
    """The shapes of a chunk fit to store, and what codes are made of where its rows bear none."""

    cleaned: CleanRows
    digests: list[str] | None


class RowReader:
    """Reads the chunks of a layer, in order, as rows of its class."""

    def __init__(
        self,
        plan: RowPlan,
        official: Official | None = None,
        made: CodeBook | None = None,
        others: tuple[CodeBook, ...] = (),
    ) -> None:
        """`made` remembers the codes made in all layers of the class, `others` those read in earlier layers."""
        self.plan = plan
        self.used = CodeBook()
        self._official = official
        self._made = CodeBook() if made is None else made
        self._others = others
        self._lost: set[str] = set()

    def look(self, layer: Layer, placed: PlacedLayer) -> Looked:
        """What is found out of a chunk before those before it are read."""
        cleaned = clean_rows(placed.geometry, self.plan.cls, {*layer.faults, *placed.outside}, layer.geometry)
        digests = make_digests(layer.columns, cleaned.geometry) if self.plan.key is None else None
        return Looked(cleaned, digests)

    def read(self, layer: Layer, placed: PlacedLayer, looked: Looked | None = None) -> LayerBatch:
        """The rows of a chunk whose shapes lie in lon/lat: len(layer.rows) = good + rejected, before rows are split.

        `looked` is what `look` has found out of it.
        """
        plan, cls = self.plan, self.plan.cls
        faults = Faults(layer)
        looked = self.look(layer, placed) if looked is None else looked
        cleaned = looked.cleaned
        _refuse_shapes(layer, placed, cleaned, faults)
        columns, odd = self._columns(layer, faults)
        told = Counter(cleaned.told) + take_heights(layer.geometry, columns, cls)
        _require_all(columns, cls, faults, len(layer.rows))
        _check_order(columns, faults)
        # Our own export says of each row all that is known: an id beside an empty kind fills nothing.
        fill = not plan.own
        learned = read_ids(columns, cls, cleaned.geometry, self._official, faults.add, fill=fill)
        extra = make_extras(layer, plan.meaning, columns, odd)
        periods = read_periods(layer, plan.meaning.valid, faults.add)
        codes = self._codes(layer, looked, faults, periods)
        incomplete = _incomplete(layer, plan.meaning, codes)
        whole = Batch(cls.id, codes, cleaned.geometry, columns, extra, faults.ordered(), incomplete, periods)
        rows = [i for i in range(len(layer.rows)) if i not in faults.rejects]
        whole = whole if len(rows) == len(layer.rows) else take_rows(whole, rows)
        repaired = [
            {"class": cls.id, "row": layer.rows[i], **change} for i, change in cleaned.repaired.items()
        ]
        warnings = _warnings(layer, cls, learned, cleaned, faults, self._find_lost(layer))
        batch, places = _split(whole, cls, told)
        return LayerBatch(
            batch,
            [rows[place] for place in places],
            codes,
            faults.rejects,
            repaired,
            warnings,
            learned.fields,
            told,
        )

    def _find_lost(self, layer: Layer) -> list[Odd]:
        """The first number of each kept column that came with fewer digits than it had."""
        found: list[Odd] = []
        for heading in self.plan.meaning.rest:
            values = layer.columns.get(heading, ())
            if heading in self._lost or float not in set(map(type, values)):
                continue
            i = next((i for i, value in enumerate(values) if has_lost_digits(value)), None)
            if i is not None:
                self._lost.add(heading)
                found.append((i, heading, str(values[i]), LOST_DIGITS, LOST_HINT))
        return found

    def _columns(
        self, layer: Layer, faults: Faults
    ) -> tuple[dict[str, list[Any]], dict[str, Mapping[int, Any]]]:
        """Field → n values, and heading → position → raw value that goes to the extra attributes."""
        plan, meaning = self.plan, self.plan.meaning
        columns: dict[str, list[Any]] = {}
        kept: dict[str, Mapping[int, Any]] = {}
        for heading, field in meaning.fields.items():
            columns[field.name], kept[heading] = _convert(layer, heading, field, meaning, faults)
        key, also = meaning.key, meaning.key_field
        by_key = key is not None and also is not None and also.name == ID
        if by_key and key and also and looks_official(self._official, _values(layer, key)):
            columns[ID], _ = _convert(layer, key, also, meaning, faults)
        if meaning.name is not None:
            for name in plan.names:
                columns.setdefault(name, [None] * len(layer.rows))
            _place_names(_values(layer, meaning.name), columns)
        for name, constant in plan.constants.items():
            column = columns.setdefault(name, [None] * len(layer.rows))
            columns[name] = [constant if value is None else value for value in column]
        return columns, kept

    def _codes(self, layer: Layer, looked: Looked, faults: Faults, periods: list[Period] | None) -> list[str]:
        """Codes (n,), unique among the rows that stay and hold at one time."""
        heading = self.plan.key
        if looked.digests is not None or heading is None:
            return distinct_codes(looked.digests or [], self._made, layer.rows)
        values = _values(layer, heading)
        codes = code_texts(values)
        if float in set(map(type, values)):
            for i, value in enumerate(values):
                if has_lost_digits(value):
                    faults.add(i, heading, value, LOST_DIGITS, LOST_HINT)
        if self.plan.own and not all(codes):
            # A row without a code in our own export is one that was drawn since.
            made = make_codes(layer.columns, looked.cleaned.geometry, self._made, layer.rows)
            codes = [code or new for code, new in zip(codes, made, strict=True)]
        before = self.used.find(codes)
        elsewhere = {i for book in self._others for i in book.find(codes)}
        if all(codes) and not before and not elsewhere and len(set(codes)) == len(codes):
            refused = faults.rejects
            stay = [i for i in range(len(codes)) if i not in refused] if refused else []
            used = (
                ([codes[i] for i in stay], [layer.rows[i] for i in stay]) if refused else (codes, layer.rows)
            )
            self.used.add(*used)
            return codes
        seen: dict[str, list[int]] = {}
        for i, code in enumerate(codes):
            here = next(
                (n for n in seen.get(code, ()) if periods is None or overlap(periods[n], periods[i])), None
            )
            other = before.get(i) if here is None else layer.rows[here]
            if not code:
                hint = "Fill it in, or name another column with --key."
                faults.add(i, heading, None, "the row has no code", hint)
            elif other is not None or i in elsewhere:
                hint = "Give each row its own code, or name another column with --key."
                where = "another layer" if other is None else f"row {other}"
                at = "" if periods is None else " for the same days"
                faults.add(i, heading, code, f"the code is already used in {where}{at}", hint)
            elif i not in faults.rejects:
                seen.setdefault(code, []).append(i)
        stay = [i for places in seen.values() for i in places]
        self.used.add([codes[i] for i in stay], [layer.rows[i] for i in stay])
        return codes


def take_rows(batch: Batch, rows: list[int]) -> Batch:
    """The rows of a batch at these places."""
    return replace(
        batch,
        codes=[batch.codes[i] for i in rows],
        geometry=batch.geometry[rows],
        columns={name: [values[i] for i in rows] for name, values in batch.columns.items()},
        extra=[batch.extra[i] for i in rows],
        valid=None if batch.valid is None else [batch.valid[i] for i in rows],
    )


def _refuse_shapes(layer: Layer, placed: PlacedLayer, cleaned: CleanRows, faults: Faults) -> None:
    for i, reason in layer.faults.items():
        faults.add(i, "geometry", None, reason, "Mend the row and import it again.")
    for i, outside in placed.outside.items():
        faults.add(i, "geometry", _at(layer, i), outside.reason, outside.hint)
    for i, reason in cleaned.reasons.items():
        faults.add(i, "geometry", cleaned.values.get(i), reason, shape_hint(reason))


def _at(layer: Layer, i: int) -> str:
    """Where a shape lies, in the numbers of the file."""
    place = shapely.get_coordinates(layer.geometry[i])[0]
    return f"{place[0]:.10g}, {place[1]:.10g}"


def _values(layer: Layer, heading: str) -> list[Any]:
    """The values of a heading (n,); a chunk may lack one that other chunks have."""
    found = layer.columns.get(heading)
    return [None] * len(layer.rows) if found is None else found


def _convert(
    layer: Layer, heading: str, field: Field, meaning: Meaning, faults: Faults
) -> tuple[list[Any], Mapping[int, Any]]:
    values = _values(layer, heading)
    done = convert_column(values, field, unit=meaning.units.get(heading), rule=meaning.rules.get(heading))
    for i, error in done.faults.items():
        faults.add(i, heading, values[i], error.reason, error.hint)
    return done.values, done.kept


def _place_names(values: Sequence[Any], columns: dict[str, list[Any]]) -> None:
    """A name in an unknown language is Chinese only if it has Chinese characters; the file's own columns come first."""
    for i, raw in enumerate(values):
        text = name_of(raw)
        if text:
            column = columns[name_field(text)]
            column[i] = text if column[i] is None else column[i]


def _require_all(columns: dict[str, list[Any]], cls: FeatureClass, faults: Faults, count: int) -> None:
    for field in cls.fields:
        if not field.required:
            continue
        column = columns.setdefault(field.name, [None] * count)
        for i in (i for i, value in enumerate(column) if value is None):
            column[i] = field.default
            if field.default is None and i not in faults.rejects:
                hint = f"Fill in {field.title.en} ({field.title.zh})."
                faults.add(i, field.name, None, "a value is required", hint)


def _check_order(columns: Mapping[str, list[Any]], faults: Faults) -> None:
    for i, fault in find_disorder(columns):
        if i not in faults.rejects:
            faults.add(i, fault.field, fault.value, fault.reason, fault.hint)


def _incomplete(layer: Layer, meaning: Meaning, codes: list[str]) -> frozenset[str]:
    """Codes of rows that our own export marks as cut off."""
    if meaning.incomplete is None:
        return frozenset()
    marks = _values(layer, meaning.incomplete)
    return frozenset(
        code for code, mark in zip(codes, marks, strict=True) if mark in {True, "true", "True", "TRUE"}
    )


def _warnings(
    layer: Layer,
    cls: FeatureClass,
    learned: Learned,
    cleaned: CleanRows,
    faults: Faults,
    lost: list[Odd],
) -> list[dict[str, Any]]:
    """What is odd about rows that stay; `lost` tells of whole columns, by one of their rows."""
    odd: list[Odd] = [
        (found.i, found.field, found.value[:MAX_SHOWN], found.reason, found.hint)
        for found in learned.warnings
    ]
    odd += lost
    odd += [(i, "geometry", None, text, shape_hint(text)) for i, text in cleaned.warned.items()]
    return [
        {
            "class": cls.id,
            "row": layer.rows[i],
            "field": field,
            "value": value,
            "reason": reason,
            "hint": hint,
        }
        for i, field, value, reason, hint in odd
        if i not in faults.rejects or reason == LOST_DIGITS
    ]


def _split(batch: Batch, cls: FeatureClass, told: Counter[str]) -> tuple[Batch, list[int]]:
    """Rows of several places as one row a place, where the class says so, and the row that each was a part of."""
    split = split_rows(batch.geometry, cls)
    if split is None:
        return batch, list(range(len(batch.codes)))
    told.update(split.told)
    index = split.index.tolist()
    parts = Batch(
        batch.class_id,
        part_codes(batch.codes, split),
        split.geometry,
        {name: [values[i] for i in index] for name, values in batch.columns.items()},
        [batch.extra[i] for i in index],
        batch.rejects,
        batch.incomplete,
        None if batch.valid is None else [batch.valid[i] for i in index],
    )
    return parts, index
