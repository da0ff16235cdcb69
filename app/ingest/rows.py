"""Rows of a table layer → a batch: headings matched, values converted, shapes cleaned, each bad row told apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.catalogue.model import FeatureClass, Field
from app.ingest.clean import clean_rows, shape_hint
from app.ingest.components import ID, Learned, Official, looks_official, read_ids
from app.ingest.headings import Meaning, find_id, match_headings
from app.ingest.layer import Layer
from app.ingest.osm_rules import has_chinese
from app.ingest.periods import read_periods
from app.ingest.place import place_layer
from app.ingest.values import BadValue, clean_text, converter, normalise, plain
from app.inventory.batch import Batch, Period, Reject
from app.inventory.periods import overlap

MAX_SHOWN = 100
MADE_KEY = "made from geometry and attributes"


@dataclass(frozen=True, slots=True)
class LayerBatch:
    """A batch with what the report says beside it."""

    batch: Batch
    crs: str
    key: str
    headings: dict[str, str]
    repaired: list[dict[str, Any]]
    warnings: list[dict[str, Any]]
    learned: frozenset[str]
    keyed_by_id: bool


def make_batch(
    layer: Layer,
    cls: FeatureClass,
    *,
    crs: str | None = None,
    key: str | None = None,
    official: Official | None = None,
) -> LayerBatch:
    """The rows of `layer` as rows of `cls`: len(layer.rows) = good + rejected.

    The code of a row is its value under `key`, else under a heading of codes, else its official component id, else
    under an id heading that gives each row its own; else it is made from geometry and attributes (the same row gets the
    same code in every file; the second of two equal rows gets `-2`, in the order of the file). With `official` the ids
    of components are checked and read (see `components.read_ids`).

    Raises:
        BadInput: The CRS is missing or cannot be used, or there is no column `key`.
    """
    mapping = match_headings(layer.columns, cls, key)
    placed, known_crs = place_layer(layer, crs)
    faults = _Faults(layer)
    for i, reason in layer.faults.items():
        faults.add(i, "geometry", None, reason, "Mend the geometry and import again.")
    cleaned = clean_rows(placed, cls, known=set(layer.faults))
    for i, reason in cleaned.reasons.items():
        faults.add(i, "geometry", None, reason, shape_hint(reason))
    columns = _columns(layer, mapping, cls, faults, official)
    _check_order(columns, faults)
    learned = read_ids(columns, cls, cleaned.geometry, official, faults.add)
    extra = _extras(layer, mapping, columns)
    by_id = _id_heading(mapping, columns)
    periods = read_periods(layer, mapping.valid, faults.add)
    codes, key_name = _codes(layer, mapping, by_id, cleaned.geometry, faults, periods)
    kept = [i for i in range(len(layer.rows)) if i not in faults.rejects]
    batch = Batch(
        cls.id,
        [codes[i] for i in kept],
        cleaned.geometry[kept],
        {name: [values[i] for i in kept] for name, values in columns.items()},
        [extra[i] for i in kept],
        faults.ordered(),
        _incomplete(layer, mapping, codes),
        None if periods is None else [periods[i] for i in kept],
    )
    headings = {heading: field.name for heading, field in mapping.fields.items()}
    headings |= {mapping.name: "name_zh or name_en"} if mapping.name else {}
    repaired = [{"class": cls.id, "row": layer.rows[i], **change} for i, change in cleaned.repaired.items()]
    return LayerBatch(
        batch, known_crs, key_name, headings, repaired, _warnings(layer, cls, learned, faults), learned.fields,
        keyed_by_id=by_id is not None,
    )  # fmt: skip


def _warnings(layer: Layer, cls: FeatureClass, learned: Learned, faults: _Faults) -> list[dict[str, Any]]:
    """What is odd about rows that stay."""
    return [
        {"class": cls.id, "row": layer.rows[found.i], "field": found.field, "value": found.value[:MAX_SHOWN],
         "reason": found.reason, "hint": found.hint}
        for found in learned.warnings
        if found.i not in faults.rejects
    ]  # fmt: skip


def _id_heading(mapping: Meaning, columns: Mapping[str, list[Any]]) -> str | None:
    """The heading of official ids where they identify the rows: it is the key, or none is and no two ids are alike."""
    if mapping.key is not None:
        return mapping.key if mapping.key_field is not None and mapping.key_field.name == ID else None
    heading = next((name for name, field in mapping.fields.items() if field.name == ID), None)
    ids = columns.get(ID, [])
    return heading if ids and all(ids) and len(set(ids)) == len(ids) else None


def _incomplete(layer: Layer, mapping: Meaning, codes: list[str]) -> frozenset[str]:
    """Codes of rows that our own export marks as cut off."""
    if mapping.incomplete is None:
        return frozenset()
    marks = layer.columns[mapping.incomplete]
    return frozenset(code for code, mark in zip(codes, marks, strict=True) if mark is True)


class _Faults:
    """The refused rows, one reject each: the first fault leads, further ones are named after it."""

    def __init__(self, layer: Layer) -> None:
        self._rows = layer.rows
        self.rejects: dict[int, Reject] = {}

    def add(self, i: int, field: str | None, value: Any, reason: str, hint: str) -> None:
        shown = None if value is None else str(value)[:MAX_SHOWN]
        first = self.rejects.get(i)
        if first is not None:
            also = f"{first.reason}; also {field}: {reason}" + (f" ({shown})" if shown else "")
            self.rejects[i] = Reject(first.row, first.field, first.value, also, first.hint or hint)
        else:
            self.rejects[i] = Reject(self._rows[i], field, shown, reason, hint)

    def ordered(self) -> list[Reject]:
        return [self.rejects[i] for i in sorted(self.rejects)]


def _columns(
    layer: Layer, mapping: Meaning, cls: FeatureClass, faults: _Faults, official: Official | None
) -> dict[str, list[Any]]:
    columns = {
        field.name: _convert_column(layer.columns[heading], heading, field, faults)
        for heading, field in mapping.fields.items()
    }
    key, also = mapping.key, mapping.key_field
    if (
        key is not None
        and also is not None
        and also.name == ID
        and looks_official(official, layer.columns[key])
    ):
        columns[ID] = _convert_column(layer.columns[key], key, also, faults)
    if mapping.name is not None:
        _place_names(layer.columns[mapping.name], columns)
    for field in cls.fields:
        if field.required:
            _require(field, columns, faults, len(layer.rows))
    return columns


#: Days of a life in their order: a later one may not lie before an earlier one.
LIFE = (("built_on", "renovated_on"), ("built_on", "removed_on"), ("renovated_on", "removed_on"))


def _check_order(columns: Mapping[str, list[Any]], faults: _Faults) -> None:
    """Refuse rows whose dates are out of order."""
    for first, then in LIFE:
        for i, (before, after) in enumerate(zip(columns.get(first, ()), columns.get(then, ()), strict=False)):
            if before is not None and after is not None and after < before and i not in faults.rejects:
                faults.add(i, then, after, f"lies before {first} ({before})", "Mend whichever date is wrong.")


def _convert_column(values: list[Any], heading: str, field: Field, faults: _Faults) -> list[Any]:
    convert = converter(field)
    column: list[Any] = []
    for i, raw in enumerate(values):
        try:
            column.append(convert(raw))
        except BadValue as error:
            faults.add(i, heading, raw, error.reason, error.hint)
            column.append(None)
    return column


def _place_names(values: list[Any], columns: dict[str, list[Any]]) -> None:
    """A name in an unknown language is Chinese only if it has Chinese characters; the file's own columns come first."""
    for i, raw in enumerate(values):
        text = _name(raw)
        if text:
            # A column that no row fills must not appear: it would empty what is stored.
            column = columns.setdefault("name_zh" if has_chinese(text) else "name_en", [None] * len(values))
            column[i] = text if column[i] is None else column[i]


def _name(raw: Any) -> str:
    return clean_text(str(raw)) if isinstance(raw, str | int) else ""


def _require(field: Field, columns: dict[str, list[Any]], faults: _Faults, count: int) -> None:
    default = field.default
    column = columns.setdefault(field.name, [None] * count)
    for i in range(count):
        if column[i] is None:
            column[i] = default
            if default is None and i not in faults.rejects:
                faults.add(
                    i,
                    field.name,
                    None,
                    "a value is required",
                    f"Fill in {field.title.en} ({field.title.zh}).",
                )


def _extras(layer: Layer, mapping: Meaning, columns: dict[str, list[Any]]) -> list[dict[str, Any] | None]:
    """What no field took, by heading; our own export's `extra` column is laid open again."""
    rest = [(heading, layer.columns[heading]) for heading in mapping.rest]
    kept = layer.columns.get(mapping.extra) if mapping.extra is not None else None
    extras: list[dict[str, Any] | None] = []
    for i in range(len(layer.rows)):
        extra = _unpack(kept[i]) if kept is not None else {}
        for heading, values in rest:
            value = plain(values[i])
            if value is not None:
                extra[clean_text(heading)] = value
        if mapping.name is not None and (name := _name(layer.columns[mapping.name][i])):
            placed = (columns[field][i] for field in ("name_zh", "name_en") if field in columns)
            extra |= {} if name in placed else {mapping.name: name}
        extras.append(extra or None)
    return extras


def _unpack(raw: Any) -> dict[str, Any]:
    if isinstance(raw, dict):
        return {str(name): plain(value) for name, value in raw.items()}
    try:
        found = json.loads(raw) if isinstance(raw, str) else None
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    value = plain(raw)
    return {} if value is None else {"extra": value}


def _codes(
    layer: Layer,
    mapping: Meaning,
    by_id: str | None,
    geometry: NDArray[np.object_],
    faults: _Faults,
    periods: list[Period] | None,
) -> tuple[list[str], str]:
    """Codes (n,), unique among the rows that stay and hold at one time, and the heading they came from."""
    heading = mapping.key or by_id or _unique_id(layer)
    if heading is None:
        return _made_codes(layer, geometry), MADE_KEY
    codes = [_code(value) for value in layer.columns[heading]]
    seen: dict[str, list[int]] = {}
    for i, code in enumerate(codes):
        other = next(
            (n for n in seen.get(code, ()) if periods is None or overlap(periods[n], periods[i])), None
        )
        if not code:
            faults.add(
                i, heading, None, "the row has no code", "Fill it in, or name another column with --key."
            )
        elif other is not None:
            hint = "Give each row its own code, or name another column with --key."
            at = "" if periods is None else " for the same days"
            faults.add(i, heading, code, f"the code is already used in row {layer.rows[other]}{at}", hint)
        elif i not in faults.rejects:
            seen.setdefault(code, []).append(i)
    return codes, heading


def _code(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    found = plain(value)
    return "" if found is None else clean_text(str(found))


def _unique_id(layer: Layer) -> str | None:
    heading = find_id(layer.columns)
    if heading is None:
        return None
    codes = [_code(value) for value in layer.columns[heading]]
    return heading if all(codes) and len(set(codes)) == len(codes) else None


def _made_codes(layer: Layer, geometry: NDArray[np.object_]) -> list[str]:
    wkb = shapely.to_wkb(shapely.set_precision(geometry, 1e-7, mode="pointwise"), byte_order=1)
    seen: dict[str, int] = {}
    codes = []
    for i, shape in enumerate(wkb):
        attributes = {normalise(heading): plain(values[i]) for heading, values in layer.columns.items()}
        code = _digest(shape, attributes)
        seen[code] = seen.get(code, 0) + 1
        codes.append(code if seen[code] == 1 else f"{code}-{seen[code]}")
    return codes


def _digest(shape: bytes | None, attributes: Mapping[str, Any]) -> str:
    text = json.dumps(attributes, sort_keys=True, ensure_ascii=False, default=str)
    return "h" + hashlib.sha256((shape or b"") + text.encode("utf-8", "replace")).hexdigest()[:16]
