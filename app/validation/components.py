"""Official ids of city components in a table: which edition they are of, whether they can be, what kind they name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.catalogue.code_rules import (
    OWN,
    ComponentId,
    candidates,
    check_area,
    component_systems,
    find_home,
    find_pair,
    kind_words,
    parse_component,
)
from app.catalogue.model import Catalogue, CodeItem, FeatureClass
from app.errors import BadInput
from app.validation.divisions import Divisions, codes_near

ID, SYSTEM = "component_code", "code_system"
FORMER_ID, FORMER_SYSTEM = "former_code", "former_code_system"
Fault = Callable[[int, str, Any, str, str], None]


@dataclass(frozen=True, slots=True)
class Official:
    """What an import knows of official ids: the catalogue, the code system that the importer states, the districts."""

    catalogue: Catalogue
    system: str | None = None
    divisions: Divisions | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """Something odd about row `i` that does not hinder its loading."""

    i: int
    field: str
    value: str
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Learned:
    """What the ids told: `warnings`, and the `fields` that they filled though the file has no such column."""

    warnings: list[Warned]
    fields: frozenset[str]


def looks_official(official: Official | None, values: Sequence[Any]) -> bool:
    """Whether a column that serves as key holds official ids: its system is stated, or one has the length of an id."""
    if official is None:
        return False
    lengths = {system.length for system in component_systems(official.catalogue.codes).values()}
    texts = (str(value).strip() for value in values if value is not None)
    return official.system is not None or any(len(text) in lengths and text.isdecimal() for text in texts)


def read_ids(
    columns: dict[str, list[Any]],
    cls: FeatureClass,
    shapes: NDArray[np.object_],
    official: Official | None,
    fault: Fault,
    *,
    fill: bool = True,
) -> Learned:
    """Check the ids in `columns` and, with `fill`, take from them the kind where a row lacks it; state the code system.

    `shapes` (n,) in lon/lat, None among them, tell in which district a row lies.

    `columns` gets `code_system` where the importer stated it, and the field that tells kinds apart. `fault(row, field,
    value, reason, hint)` is told of ids without a code system, that cannot be of theirs or are of another district.
    """
    ids = columns.get(ID)
    if official is None or ids is None or not any(ids) or SYSTEM not in {item.name for item in cls.fields}:
        return Learned([], frozenset())
    given = columns.get(SYSTEM, [None] * len(ids))
    systems = [said or (official.system if code else None) for said, code in zip(given, ids, strict=True)]
    if any(systems):
        columns[SYSTEM] = systems
    near = (
        codes_near(official.divisions, shapes) if official.divisions is not None else [frozenset()] * len(ids)
    )
    found = {}
    for i, (code, system) in enumerate(zip(ids, systems, strict=True)):
        if code:
            found[i] = _parse(i, code, system, near[i], official, fault)
    before = frozenset(columns)
    kinds = _Kinds(cls, official.catalogue, fill=fill)
    warnings = [
        warned
        for i, known in found.items()
        if known is not None and known.kind is not None
        for warned in kinds.compare(i, known.kind, columns)
    ]
    return Learned(warnings, frozenset(columns) - before)


def _parse(
    i: int, code: str, system: str | None, near: frozenset[str], official: Official, fault: Fault
) -> ComponentId | None:
    systems = official.catalogue.codes
    if system is None:
        fault(i, ID, code, "the code system is not stated", ask_system(official, code))
        return None
    if system == OWN:
        return None
    try:
        found = parse_component(systems, system, code)
        check_area(code, found, near)
    except BadInput as error:
        fault(i, ID, code, error.message.rstrip("."), error.hint or "")
        return None
    return found


def ask_system(official: Official, code: str) -> str:
    """The hint for an id whose edition nobody stated: how to state it, and which editions it could be of."""
    systems = official.catalogue.codes
    could = [f"{name} ({systems[name].standard})" for name in candidates(systems, code)]
    which = f"This id could be of {' or '.join(could)}" if could else "This id is of none that is known"
    return (
        f"Name it with --code-system or in a column code_system. {which}; {OWN} is the city's own numbering."
    )


class _Kinds:
    """The kinds that ids name, beside what the rows and the class say."""

    def __init__(self, cls: FeatureClass, catalogue: Catalogue, *, fill: bool = True) -> None:
        self._cls, self._catalogue, self._filling = cls, catalogue, fill
        self._words: dict[str, dict[str, tuple[str, str]]] = {}
        self._homes: dict[tuple[str, str], str] = {}

    def compare(self, i: int, kind: CodeItem, columns: dict[str, list[Any]]) -> list[Warned]:
        """Fill the kind that the id names where the row has none; say where the two, or the class, contradict."""
        system = columns[SYSTEM][i]
        warnings = []
        home = self._home(system, kind.code)
        if home != self._cls.id:
            reason = f"the id is one of {home}: {kind.code} {kind.name}"
            warnings.append(Warned(i, ID, columns[ID][i], reason, f"Import such rows with --class {home}."))
        warnings += self._fill(i, kind, self._words_of(system), columns)
        return warnings + _compare_former(i, kind.code, columns, self._catalogue)

    def _fill(
        self, i: int, kind: CodeItem, words: Mapping[str, tuple[str, str]], columns: dict[str, list[Any]]
    ) -> list[Warned]:
        if kind.code not in words:
            return []
        name, value = words[kind.code]
        if not self._filling and (name not in columns or columns[name][i] is None):
            return []
        if name not in columns:
            columns[name] = [None] * len(columns[ID])
        column = columns[name]
        if column[i] is None:
            column[i] = value
        # A value without a code of its own is the city's finer word, no contradiction.
        elif column[i] != value and (name, column[i]) in words.values():
            reason = f"the id says {value} ({kind.code} {kind.name}), the row {column[i]}; the row counts"
            return [Warned(i, name, str(column[i]), reason, "Correct the id or the kind.")]
        return []

    def _words_of(self, system: str) -> dict[str, tuple[str, str]]:
        if system not in self._words:
            self._words[system] = kind_words(self._cls, system)
        return self._words[system]

    def _home(self, system: str, kind: str) -> str:
        key = system, kind
        if key not in self._homes:
            home = find_home(self._catalogue.classes.values(), system, kind)
            self._homes[key] = home.id if home is not None else self._cls.id
        return self._homes[key]


def _compare_former(
    i: int, kind: str, columns: Mapping[str, Sequence[Any]], catalogue: Catalogue
) -> list[Warned]:
    """A former id in the same row must name a kind that became this one."""
    old, old_system = (columns[name][i] if name in columns else None for name in (FORMER_ID, FORMER_SYSTEM))
    new_system = columns[SYSTEM][i]
    if not old or not old_system or old_system == OWN:
        return []
    try:
        former = parse_component(catalogue.codes, old_system, old)
    except BadInput as error:
        return [Warned(i, FORMER_ID, old, error.message.rstrip("."), error.hint or "")]
    pair = find_pair(catalogue.crosswalks, old_system, new_system, former.major + former.minor)
    if pair is None or kind in pair.new or pair.confidence != "sure":
        return []
    reason = f"the former id is of the kind {pair.old}, which became {', '.join(pair.new)}, not {kind}"
    return [Warned(i, FORMER_ID, old, reason, "Check which of the two ids is right.")]
