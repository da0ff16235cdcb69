"""How sensitive rows and fields of a class are, as the database keeps and enforces it (`city.guards`, revision 0017).

`python -m app.inventory.guards` writes the guards of all classes into the file of revision 0017, until it is released;
later ones come by `make revision`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue, FeatureClass, Sensitivity
from app.database.revision import FOLDER
from app.settings import Settings

FILE = FOLDER / "versions" / "0017_guards.sql"
MARK = "-- How each class is guarded, from the catalogue: python -m app.inventory.guards\n"
#: Columns of every class that hold what its file said besides the declared fields: nobody knows how sensitive it is.
INTERNAL_COLUMNS = ("extra",)


@dataclass(frozen=True, slots=True)
class Guard:
    """A row of `city.guards`: rows whose `row_field` has one of `row_values`, or no value, are restricted."""

    level: Sensitivity
    row_field: str | None
    row_values: tuple[str, ...]
    internal_fields: tuple[str, ...]
    restricted_fields: tuple[str, ...]
    owner_fields: tuple[str, ...]


def guard_of(cls: FeatureClass) -> Guard:
    """What the catalogue declares."""
    by_level = {
        level: sorted(item.name for item in cls.fields if item.sensitivity == level)
        for level in ("internal", "restricted")
    }
    row_field = next(iter(cls.restricted_rows), None)
    return Guard(
        level=cls.sensitivity,
        row_field=row_field,
        row_values=() if row_field is None else tuple(sorted(cls.restricted_rows[row_field])),
        internal_fields=tuple(sorted([*by_level["internal"], *INTERNAL_COLUMNS])),
        restricted_fields=tuple(by_level["restricted"]),
        owner_fields=tuple(sorted(cls.owned_by)),
    )


def closed_rows(cls: FeatureClass, columns: Mapping[str, Sequence[object]], count: int) -> list[bool]:
    """Of each of `count` rows whether a value makes it restricted, as the database decides it: no value does."""
    field = next(iter(cls.restricted_rows), None)
    if field is None:
        return [False] * count
    values = cls.restricted_rows[field]
    return [value is None or value in values for value in columns.get(field, [None] * count)]


def guard_statement(cls: FeatureClass) -> str:
    """The statement that has the database guard a class as it is declared; its two tables are there."""
    guard = guard_of(cls)
    row_field = "NULL" if guard.row_field is None else _literal(guard.row_field)
    lists = (guard.row_values, guard.internal_fields, guard.restricted_fields, guard.owner_fields)
    rest = ", ".join(_array(values) for values in lists[1:])
    return (
        f"SELECT city.guard({_literal(cls.schema)}, {_literal(cls.id)}, {_literal(guard.level)}, {row_field}, "
        f"{_array(lists[0])}, {rest})"
    )


def statements(catalogue: Catalogue) -> Iterator[str]:
    """The guards of all classes of a catalogue."""
    for class_id in sorted(catalogue.classes):
        yield guard_statement(catalogue.classes[class_id])


def _array(values: Iterable[str]) -> str:
    items = ", ".join(_literal(value) for value in values)
    return f"ARRAY[{items}]::text[]" if items else "'{}'"


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def main() -> None:
    """Write the file of revision 0017."""
    catalogue = load_catalogue(Settings().geodata)
    FILE.write_text(MARK + "".join(f"{one};\n" for one in statements(catalogue)), encoding="utf-8")
    sys.stdout.write(
        f"{FILE.parent.parent.name}/{FILE.parent.name}/{FILE.name}: {len(catalogue.classes)} classes.\n"
    )


if __name__ == "__main__":
    main()
