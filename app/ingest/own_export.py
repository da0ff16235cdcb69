"""Our own exports, edited elsewhere and brought back: known by their marks, their columns named as they were. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.catalogue.export_names import (
    KIND_ENDINGS,
    SHORT_BYTES,
    class_headings,
    class_short_names,
    unquoted,
)
from app.catalogue.model import FeatureClass
from app.errors import BadInput
from app.ingest.layer import MARKS, Layer
from app.validation.values import TRUE_WORDS, normalise

#: Columns that the inventory makes itself: whatever a file says in them is not read.
MADE = frozenset({"id", "length_m", "area_m2", "data_version"})
#: Columns that other programs add to a table by themselves, in normal form.
TOOLS = frozenset(
    {
        "fid",
        "fid1",
        "ogcfid",
        "objectid",
        "objectid1",
        "shapelength",
        "shapelen",
        "shapeleng",
        "shapearea",
        "globalid",
    }
)


@dataclass(frozen=True, slots=True)
class OwnExport:
    """How the columns of a file that we wrote are called.

    `names` heading → our name, `dropped` those not read, `fields` the class's fields among them; `places` of a table
    role (lon and lat, or wkt) → heading, known even where every cell is empty.
    """

    names: Mapping[str, str]
    dropped: tuple[str, ...]
    fields: frozenset[str]
    places: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Marks:
    """What the rows of a chunk (n) say of their origin, and what the file holds.

    `change_ids` (n) the change that wrote the exported version, None where the row has none: it is new.
    `data_version` the change number of the whole file; where its rows do not bear it the highest of theirs.
    `given` the class's fields that the file has as columns, `has_extra` whether it has that of other attributes.
    """

    change_ids: list[int | None]
    data_version: int | None
    given: frozenset[str]
    has_extra: bool

    def take(self, kept: Sequence[int]) -> Marks:
        """The marks of the rows at these positions."""
        return replace(self, change_ids=[self.change_ids[i] for i in kept])


def layer_names(name: str) -> tuple[str, ...]:
    """The names under which a layer's class is looked up: its own, and without the kind that our exports put behind."""
    plain = next((name.removesuffix(end) for end in KIND_ENDINGS if name.lower().endswith(end)), None)
    return (name,) if plain is None else (name, plain)


def find_own(headings: Sequence[str], cls: FeatureClass) -> OwnExport | None:
    """How to read a table whose headings say that we wrote it; None where they do not.

    Known by name, by the headings of our spreadsheets and by the short names of our shapefiles, in any order and case.
    """
    words = _words(cls)
    names: dict[str, str] = {}
    for heading in headings:
        name = words.get(normalise(heading))
        if name is not None and name not in names.values():
            names[heading] = name
    if not set(names.values()) >= MARKS:
        return None
    _check_cut([heading for heading in headings if heading not in names], names.values(), cls)
    dropped = [h for h in headings if names.get(h) in MADE or (h not in names and normalise(h) in TOOLS)]
    fields = {field.name for field in cls.fields} & set(names.values())
    return OwnExport(names, tuple(dropped), frozenset(fields), _places(headings))


def _check_cut(headings: Sequence[str], known: Collection[str], cls: FeatureClass) -> None:
    """Refuse names that a dBase table of another program has cut so that two of our columns look alike.

    Raises:
        BadInput: With the first such heading.
    """
    long = [name for name in class_headings(cls) if len(name) > SHORT_BYTES and name not in known]
    for heading in headings:
        start = re.sub(r"_\d+$", "", heading.casefold())
        if len(heading) == SHORT_BYTES and any(name.startswith(start) for name in long):
            raise BadInput(
                f"The column '{heading}' was cut by a Shapefile: it may be one of several of our columns.",
                "Edit the .shp.zip that this program exports, or a GeoPackage.",
            )


def _cut_words(cls: FeatureClass) -> dict[str, str]:
    """Names as a Shapefile of another program cuts them, where only one of our columns begins so."""
    starts: dict[str, list[str]] = {}
    for name in class_headings(cls):
        starts.setdefault(name[:SHORT_BYTES], []).append(name)
    return {normalise(start): names[0] for start, names in starts.items() if len(names) == 1}


def _places(headings: Sequence[str]) -> dict[str, str]:
    found = {normalise(heading): heading for heading in headings}
    roles = next((roles for roles in (("wkt",), ("lon", "lat")) if found.keys() >= set(roles)), ())
    return {role: found[role] for role in roles}


def _words(cls: FeatureClass) -> dict[str, str]:
    """Every way in which our exports write a column, in normal form → its name; names count before headings."""
    headings, short = class_headings(cls), class_short_names(cls)
    words = {normalise(name): name for name in headings}
    for spellings in (headings, short):
        for name, spelling in spellings.items():
            words.setdefault(normalise(spelling), name)
    for spelling, name in _cut_words(cls).items():
        words.setdefault(spelling, name)
    return words


def restore(layer: Layer, own: OwnExport, *, quoted: bool) -> tuple[Layer, Marks]:
    """A chunk with our own names as headings, without what is made anew, and what its rows say of their origin.

    `quoted`: the file is a table, in which text like a formula bears an apostrophe that is taken off again.
    """
    values = {own.names.get(heading, heading): column for heading, column in layer.columns.items()}
    change_ids = [_number(value) for value in values["change_id"]]
    versions = [number for value in values.get("data_version", ()) if (number := _number(value)) is not None]
    kept = {
        own.names.get(heading, heading): _unquoted(column) if quoted else column
        for heading, column in layer.columns.items()
        if heading not in own.dropped
    }
    if "incomplete" in kept:
        kept["incomplete"] = [_is_true(value) for value in kept["incomplete"]]
    known = [number for number in change_ids if number is not None]
    marks = Marks(change_ids, max(versions or known, default=None), own.fields, "extra" in own.names.values())
    return replace(layer, columns=kept), marks


def _unquoted(column: list[Any]) -> list[Any]:
    return [unquoted(value) if isinstance(value, str) else value for value in column]


def _number(value: Any) -> int | None:
    """A change number, however a table holds it: 42, 42.0, "42"."""
    try:
        return int(float(value)) if not isinstance(value, int) else value
    except (TypeError, ValueError, OverflowError):
        return None


def _is_true(value: Any) -> bool:
    number = _number(value)
    return number == 1 if number is not None else isinstance(value, str) and normalise(value) in TRUE_WORDS
