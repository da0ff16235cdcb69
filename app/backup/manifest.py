"""What a backup says of itself: what it was made of, and what must be found again in every copy. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from app.errors import UnreadableFile

#: The form of the file; a newer one is refused by an older program.
FORM = 1
#: Differences that an error names at most.
NAMED = 3


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds: per table its rows and their checksum, per sequence where it stands, what else it has.

    Sequences belong to no snapshot: they are read before the dump, and a copy stands there or further on.
    A checksum is a sum over the rows, each by the first half of the MD5 of its text: the order of rows does not count.
    `catalog` are the lines that tell owners, rights, policies, functions, triggers, indexes and constraints.
    """

    tables: Mapping[str, tuple[int, str]]
    sequences: Mapping[str, tuple[int, bool]]
    catalog: Sequence[str]

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(rows for rows, _ in self.tables.values())


@dataclass(frozen=True, slots=True)
class Place:
    """Where it comes from: the database, its server, what is set for the database as a whole and how large it is."""

    database: str
    mark: str
    server: int
    postgis: str
    encoding: str
    collate: str
    ctype: str
    settings: Sequence[str]
    open_to_all: bool
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A backup in its own words; `files` are the members of the archive with their bytes and SHA-256.

    `audit` holds the newest entry (`seq`, `hash`), whether the record was whole, and the heads and prunings that were
    kept outside the database. `versions` are the data versions of the classes.
    """

    made_at: str
    program: str
    revision: str
    place: Place
    tables: Mapping[str, tuple[int, str]]
    sequences: Mapping[str, tuple[int, bool]]
    versions: Mapping[str, int]
    audit: Mapping[str, Any]
    files: Mapping[str, tuple[int, str]]
    form: int = FORM

    def text(self) -> str:
        """It as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(rows for rows, _ in self.tables.values())


def read_manifest(text: str) -> Manifest:
    """The manifest of its JSON; UnreadableFile for what is none, or is of a later form."""
    try:
        found = json.loads(text)
        if found["form"] > FORM:
            raise UnreadableFile(
                "The backup was made by a newer program.",
                "Restore it with the version that made it, or a newer one.",
            )
        found["place"] = Place(**found["place"])
        for name in ("tables", "sequences", "files"):
            found[name] = {key: (value[0], value[1]) for key, value in found[name].items()}
        return Manifest(**{item.name: found[item.name] for item in fields(Manifest)})
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UnreadableFile("The backup does not say what it holds.", "Take another one.") from error


def differences(given: Contents, found: Contents) -> list[str]:
    """What differs between what was backed up and a copy of it, in words; nothing where they are equal."""
    return [
        *_of_tables(given.tables, found.tables),
        *(
            f"the sequence {name} stands before {last}"
            for name, (last, called) in sorted(given.sequences.items())
            if found.sequences.get(name, (0, False)) < (last, called)
        ),
        *(f"lacking: {line}" for line in sorted(set(given.catalog) - set(found.catalog))),
        *(f"not in the backup: {line}" for line in sorted(set(found.catalog) - set(given.catalog))),
    ]


def _of_tables(given: Mapping[str, tuple[int, str]], found: Mapping[str, tuple[int, str]]) -> Iterator[str]:
    for name in sorted(given.keys() | found.keys()):
        one, other = given.get(name), found.get(name)
        if one is None or other is None:
            yield f"the table {name} is {'not in the backup' if one is None else 'lacking'}"
        elif one[0] != other[0]:
            yield f"{name} has {other[0]:,} rows instead of {one[0]:,}"
        elif one[1] != other[1]:
            yield f"the rows of {name} are others"


def in_short(found: Sequence[str]) -> str:
    """The first differences as one text, and how many more there are."""
    more = len(found) - NAMED
    return "; ".join(found[:NAMED]) + (f"; and {more} more" if more > 0 else "")
