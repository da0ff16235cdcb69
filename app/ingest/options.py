"""What an importer may say of a file: the same on the command line, over HTTP and in a saved mapping."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

OnConflict = Literal["refuse", "file", "stored"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose data a file holds, as its importer says: source, licence and the words that users must show."""

    source: str | None = None
    licence: str | None = None
    attribution: str | None = None


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is to be read and written; what is left out is found in the file, or asked for.

    `class_id` the class of the rows, `layer` one layer of several, `crs` and `encoding` those of the file, `key` the
    heading of the codes, `code_system` the edition of official component ids in rows that name none, `valid_from` the
    day from which on things are as the file tells, `where` an expression that chooses rows. `strict` loads all rows
    or none; else the good ones are loaded. `delete_missing` also says that stored features which the file no longer
    has are gone. `allow_outside` takes rows that lie outside the city. `on_conflict`: rows of our own export that
    were changed here and in the file are refused, or one of the two counts.
    """

    class_id: str | None = None
    layer: str | None = None
    crs: str | None = None
    encoding: str | None = None
    key: str | None = None
    code_system: str | None = None
    valid_from: date | None = None
    origin: Origin = Origin()
    where: str | None = None
    dry_run: bool = False
    strict: bool = False
    delete_missing: bool = False
    allow_outside: bool = False
    on_conflict: OnConflict = "refuse"
