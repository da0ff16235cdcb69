"""What holds for all rows of a layer: which heading is which field, what identifies a row, what must be read whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.catalogue.model import FeatureClass
from app.ingest.bare_units import Assumed, assume_units
from app.ingest.codes import MADE_KEY, CodeBook, code_texts
from app.ingest.headings import Meaning, find_id, match_headings
from app.ingest.layer import LayerSource
from app.ingest.mapping import LayerMapping, constant_values
from app.ingest.osm_rules import has_chinese
from app.validation.components import ID, Official, looks_official
from app.validation.values import clean_text


@dataclass(frozen=True, slots=True)
class RowPlan:
    """What holds for all rows of a layer, decided before the first is read.

    `key` is the heading of the codes, None where they are made; `by_id` says that it holds official ids. `names` are
    the fields that the heading of names fills in at least one row, `constants` values by field for rows that lack them.
    `whole` layers are read in one piece: their rows are compared with each other by their days or official ids. `own`
    is an export of ours. `numbered`: the key was taken only since it numbers the rows. `assumed` is what the report
    says of numbers whose headings name no unit.
    """

    cls: FeatureClass
    meaning: Meaning
    key: str | None
    by_id: bool
    names: tuple[str, ...]
    whole: bool
    constants: Mapping[str, Any] = field(default_factory=dict)
    own: bool = False
    numbered: bool = False
    assumed: tuple[str, ...] = ()

    @property
    def headings(self) -> dict[str, str]:
        """Heading → field, as the report shows it."""
        shown = {heading: item.name for heading, item in self.meaning.fields.items()}
        return shown | ({self.meaning.name: "name_zh or name_en"} if self.meaning.name else {})

    @property
    def columns(self) -> tuple[str, ...]:
        """The fields that every batch of the layer has."""
        required = (item.name for item in self.cls.fields if item.required)
        return (
            *(item.name for item in self.meaning.fields.values()),
            *self.names,
            *self.constants,
            *required,
        )

    @property
    def shown_key(self) -> str:
        """What identifies the rows, as the report shows it."""
        return self.key or MADE_KEY


def plan_rows(
    source: LayerSource,
    cls: FeatureClass,
    key: str | None = None,
    official: Official | None = None,
    mapping: LayerMapping | None = None,
    *,
    own: bool = False,
) -> RowPlan:
    """How the rows of `source` are read as rows of `cls`.

    The code of a row is its value under `key`, else under a heading of codes, else its official component id, else
    under an id heading that gives each row its own; else it is made from geometry and attributes.

    Raises:
        BadInput: There is no column `key`, or the mapping names one that is not there.
    """
    meaning = match_headings(source.headings, cls, key, mapping)
    keyed = meaning.key is not None and meaning.key_field is not None and meaning.key_field.name == ID
    id_heading = next((name for name, item in meaning.fields.items() if item.name == ID), None)
    number = find_id(source.headings) if meaning.key is None else None
    wanted = {meaning.key if keyed else None, id_heading, number, meaning.name, *meaning.valid} - {None}
    seen = _look(source, sorted(name for name in wanted if name is not None), meaning.name)
    chosen, by_id = meaning.key, keyed
    if chosen is None and id_heading is not None and seen[id_heading].unique:
        chosen, by_id = id_heading, True
    numbered = chosen is None and number is not None and seen[number].unique
    chosen = number if numbered else chosen
    is_official = id_heading is not None or (
        keyed and meaning.key is not None and looks_official(official, sorted(seen[meaning.key].samples))
    )
    timed = any(name is not None and seen[name].filled for name in meaning.valid)
    names = () if meaning.name is None else seen[meaning.name].languages
    constants = {} if mapping is None else constant_values(mapping, cls)
    assumed = Assumed({}, ()) if own else assume_units(source, meaning)
    meaning = replace(meaning, units={**meaning.units, **assumed.units})
    whole = timed or is_official
    return RowPlan(cls, meaning, chosen, by_id, names, whole, constants, own, numbered, assumed.notes)


@dataclass(slots=True)
class _Seen:
    """What a column holds over all rows: something, a code of its own in each, names in which languages.

    `samples` has one text of digits of each length: enough to tell whether any is as long as an official id.
    """

    filled: bool = False
    unique: bool = True
    samples: frozenset[str] = frozenset()
    languages: tuple[str, ...] = ()


def _look(source: LayerSource, headings: list[str], name: str | None) -> dict[str, _Seen]:
    seen = {heading: _Seen() for heading in headings}
    books = {heading: CodeBook() for heading in headings}
    for values in source.columns_of(headings) if headings else ():
        for heading, column in values.items():
            _look_at(seen[heading], column, books[heading], is_name=heading == name)
    return seen


def _look_at(seen: _Seen, column: list[Any], book: CodeBook, *, is_name: bool) -> None:
    codes = code_texts(column)
    seen.filled = seen.filled or any(codes)
    lengths = {len(text): text for text in codes if text.isdecimal()}
    known = {len(text) for text in seen.samples}
    seen.samples |= frozenset(text for length, text in lengths.items() if length not in known)
    if seen.unique:
        seen.unique = all(codes) and len(set(codes)) == len(codes) and not book.find(codes)
        book.add(codes, range(len(codes)))
    if is_name:
        found = {name_field(text) for text in map(name_of, column) if text}
        seen.languages = tuple(sorted({*seen.languages, *found}))


def name_field(text: str) -> str:
    """The field that a name in an unknown language goes to."""
    return "name_zh" if has_chinese(text) else "name_en"


def name_of(raw: Any) -> str:
    """A raw value as a name, empty where it is none."""
    return clean_text(str(raw)) if isinstance(raw, str | int) else ""
