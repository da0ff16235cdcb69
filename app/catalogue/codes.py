"""Reads geodata/codes/: official codes by standard and edition, and what the kinds of one became in the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast, get_args

from app.catalogue.model import (
    CodeItem,
    CodePair,
    CodePurpose,
    CodeSystem,
    Crosswalk,
    FeatureClass,
    Field,
)
from app.catalogue.source import Entry, read_source

#: What a declaration may name where no code system is declared.
NO_CODES: Mapping[str, CodeSystem] = {}

PURPOSES: tuple[str, ...] = get_args(CodePurpose)
CONFIDENCE = ("V", "S", "M")
MATCHES = ("same", "renamed", "rescoped", "split", "none")
SURENESS = ("sure", "likely", "unsure")
FACTS = ("number", "color", "major", "group", "scores", "confidence", "length", "need", "field")
#: Parts of a component id; all component systems have them, and `area` comes first.
COMPONENT_PARTS = ("area", "major", "minor", "serial")
MAX_DIGITS = 20
_REQUIRED = ("id", "purpose", "title", "standard", "edition", "source", "confidence", "layout")
_OPTIONAL = (
    "in_force_from", "in_force_until", "replaces", "replaced_by", "complete", "local_from", "note", "tables",
)  # fmt: skip


def load_codes(folder: Path) -> tuple[dict[str, CodeSystem], tuple[Crosswalk, ...]]:
    """Every code system of `folder` by its id, and every crosswalk (files `crosswalk_….yaml`).

    A folder that is absent or empty holds none. Raises errors.BadDeclaration.
    """
    files = sorted(folder.glob("*.yaml"))
    own = [path for path in files if not path.stem.startswith("crosswalk_")]
    entries = {path.stem: read_source(path) for path in own}
    systems = {system_id: read_system(entry, system_id) for system_id, entry in entries.items()}
    for entry in entries.values():
        _check_editions(entry, systems)
    walks = [read_source(path) for path in files if path not in own]
    return systems, tuple(read_crosswalk(entry, systems) for entry in walks)


def read_system(entry: Entry, system_id: str) -> CodeSystem:
    """The code system declared in `entry`; `system_id` is the name of its file. Raises BadDeclaration."""
    found = entry.record(_REQUIRED, _OPTIONAL)
    if found["id"].name() != system_id:
        raise found["id"].fail(
            f"'{found['id'].value}' differs from the file's name", f"Write id: {system_id}."
        )
    layout = _read_layout(found)
    tables = _read_tables(found["tables"]) if "tables" in found else {}
    _check_kinds(found, layout, tables)
    first, last = _date(found, "in_force_from"), _date(found, "in_force_until")
    if first and last and last <= first:
        raise found["in_force_until"].fail("lies before 'in_force_from'")
    return CodeSystem(
        id=system_id,
        purpose=cast(CodePurpose, found["purpose"].choice(PURPOSES)),
        title=found["title"].title(),
        standard=found["standard"].text(),
        edition=found["edition"].text(),
        source=found["source"].text(),
        confidence=cast(Any, found["confidence"].choice(CONFIDENCE)),
        layout=layout,
        tables=tables,
        in_force_from=first,
        in_force_until=last,
        replaces=_text(found, "replaces") or None,
        replaced_by=_text(found, "replaced_by") or None,
        complete=found["complete"].flag() if "complete" in found else True,
        local_from=_read_local(found, layout),
        note=_text(found, "note"),
    )


def _text(found: Mapping[str, Entry], key: str) -> str:
    return found[key].text() if key in found else ""


def _date(found: Mapping[str, Entry], key: str) -> date | None:
    if key not in found:
        return None
    try:
        return date.fromisoformat(found[key].text())
    except ValueError as error:
        raise found[key].fail(f"'{found[key].value}' is not a date", "Write it as 2026-07-01.") from error


def _read_layout(found: Mapping[str, Entry]) -> dict[str, int]:
    layout = {part: item.integer(1, MAX_DIGITS) for part, item in found["layout"].members()}
    if found["purpose"].value == "components" and tuple(layout) != COMPONENT_PARTS:
        raise found["layout"].fail(
            f"has the parts {', '.join(layout)}", f"A component id has {', '.join(COMPONENT_PARTS)}."
        )
    return layout


def _read_local(found: Mapping[str, Entry], layout: Mapping[str, int]) -> dict[str, int]:
    if "local_from" not in found:
        return {}
    parts = found["local_from"].members()
    return {item.one_of(part, layout, "part"): item.integer(1, 10 ** layout[part]) for part, item in parts}


def _read_tables(entry: Entry) -> dict[str, dict[str, CodeItem]]:
    return {name: {code: _read_item(code, item) for code, item in table.members()}
            for name, table in entry.members()}  # fmt: skip


def _read_item(code: str, entry: Entry) -> CodeItem:
    """A name alone, or a mapping of `zh` and facts."""
    if not isinstance(entry.value, dict):
        return CodeItem(code, entry.text())
    found = entry.record(("zh",), FACTS)
    facts = {key: item.value for key, item in found.items() if key != "zh"}
    if "color" in found:
        facts["color"] = found["color"].color()
    return CodeItem(code, found["zh"].text(), facts)


def _check_kinds(
    found: Mapping[str, Entry], layout: Mapping[str, int], tables: Mapping[str, Mapping[str, CodeItem]]
) -> None:
    """Every kind has the digits of its major and minor, and its major is in the list."""
    majors = tables.get("major", {})
    digits = layout.get("major", 0) + layout.get("minor", 0)
    for code in tables.get("kind", {}):
        at = found["tables"].child("kind", None).child(code, None)
        if len(code) != digits or not code.isdecimal():
            raise at.fail(f"'{code}' is no kind of {digits} digits", "A kind is its major and its minor.")
        at.one_of(code[: layout["major"]], majors, "major")


def _check_editions(entry: Entry, systems: Mapping[str, CodeSystem]) -> None:
    for key, item in entry.members():
        if key in ("replaces", "replaced_by"):
            item.choice(systems)


def read_crosswalk(entry: Entry, systems: Mapping[str, CodeSystem]) -> Crosswalk:
    """The crosswalk declared in `entry`, every code of which exists. Raises BadDeclaration."""
    found = entry.record(("from", "to", "source", "pairs"))
    old, new = (systems[found[key].choice(systems)] for key in ("from", "to"))
    pairs = [_read_pair(code, item, old, new) for code, item in found["pairs"].members()]
    return Crosswalk(old.id, new.id, found["source"].text(), {pair.old: pair for pair in pairs})


def _read_pair(code: str, entry: Entry, old: CodeSystem, new: CodeSystem) -> CodePair:
    entry.one_of(code, old.kinds, f"kind of {old.id}")
    found = entry.record(("to", "match", "confidence"))
    codes = tuple(item.one_of(item.value, new.kinds, f"kind of {new.id}") for item in found["to"].items())
    match = found["match"].choice(MATCHES)
    if len(codes) != {"none": 0, "split": max(2, len(codes))}.get(match, 1):
        raise found["match"].fail(f"'{match}' does not fit {len(codes)} codes")
    return CodePair(code, codes, cast(Any, match), cast(Any, found["confidence"].choice(SURENESS)))


def read_codes(entry: Entry, systems: Mapping[str, CodeSystem]) -> dict[str, tuple[str, ...]]:
    """Official codes by system: `{system: "code"}` or a list; each is a kind or `table/code`, and exists."""
    codes: dict[str, tuple[str, ...]] = {}
    for name, item in entry.members():
        system = systems[item.one_of(name, systems, "code system")]
        values = item.items() if isinstance(item.value, list) else [item]
        codes[name] = tuple(_read_code(value, system) for value in values)
    return codes


def _read_code(entry: Entry, system: CodeSystem) -> str:
    table, _, code = entry.text().rpartition("/")
    entry.one_of(table or "kind", system.tables, f"table of {system.id}")
    entry.one_of(code, system.tables[table or "kind"], f"code of {system.id}")
    return entry.text()


def check_components(
    at: Entry,
    fields: Iterable[Field],
    components: Mapping[str, tuple[str, ...]],
    systems: Mapping[str, CodeSystem],
) -> None:
    """The component kinds that choices of a class name are among its own, each named by one field.

    `at` is the place of the class's fields. Raises BadDeclaration.
    """
    taken: dict[tuple[str, str], str] = {}
    named = [(field, choice) for field in fields for choice in field.choices if choice.codes]
    for field, choice in named:
        place = (
            at.child(field.name, None).child("choices", None).child(choice.value, None).child("codes", None)
        )
        for system, codes in choice.codes.items():
            for code in codes if systems[system].purpose == "components" else ():
                here = place.child(system, None)
                here.one_of(code, components.get(system, ()), "component of this class")
                other = taken.setdefault((system, code), field.name)
                if other != field.name:
                    raise here.fail(f"the code {code} stands in the field {other} too")


def check_homes(classes: Iterable[FeatureClass], source_of: Callable[[str], Entry]) -> None:
    """Each component kind is at home in one class only; `source_of` finds declarations. Raises BadDeclaration."""
    taken: dict[tuple[str, str], FeatureClass] = {}
    for cls in classes:
        for key in ((system, code) for system, codes in cls.components.items() for code in codes):
            other = taken.setdefault(key, cls)
            if other is not cls:
                # The city's own class gives way, whichever of the two took the code first.
                late, first = (other, cls) if other.schema == "local" else (cls, other)
                raise (
                    source_of(late.id)
                    .nearest("components", key[0])
                    .fail(
                        f"the code {key[1]} is at home in {first.id}",
                        "A kind of component leads to one class only.",
                    )
                )
