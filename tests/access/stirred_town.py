"""The sample town with owners and a past, and which of its rows a scope lets one see and write, reckoned in Python."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy.exc import DBAPIError

from app.catalogue.model import Catalogue, FeatureClass
from app.database.engine import Database
from app.database.scope import LEVELS, Scope
from app.database.server import admin_parameters
from app.errors import ChengtuError, Forbidden, NotFound
from app.inventory.areas import AREA_CLASSES
from app.settings import Settings
from tests.clones import clone, opened

PARTIES = ("绿城养护", "市政一公司", "O'Brien & Söhne")


@dataclass(frozen=True)
class Row:
    """What decides who sees a row, as it is stored."""

    id: int
    touched: frozenset[str]
    path: tuple[str, ...]
    value: str | None
    owners: frozenset[str]


@dataclass(frozen=True)
class Town:
    """A town with history and owners, and all of its rows: (class, whether of the history) → rows."""

    database: Database
    catalogue: Catalogue
    rows: Mapping[tuple[str, bool], list[Row]]
    codes: tuple[str, ...]

    def sees(self, scope: Scope, key: tuple[str, bool], row: Row) -> bool:
        """Whether a scope lets one see a row: of the past where that is so of the feature as it stands, too."""
        return sees(scope, self.catalogue.classes[key[0]], row) and self._stands(scope, key, row)

    def writes(self, scope: Scope, key: tuple[str, bool], row: Row) -> bool:
        """Whether a scope lets one write a row, likewise."""
        return writes(scope, self.catalogue.classes[key[0]], row) and self._stands(scope, key, row)

    def _stands(self, scope: Scope, key: tuple[str, bool], row: Row) -> bool:
        cls, past = key
        return not past or sees(scope, self.catalogue.classes[cls], self.now[cls][row.id])

    @cached_property
    def now(self) -> Mapping[str, Mapping[int, Row]]:
        """Class → id → the feature as it stands, or stood last."""
        # Rows of the past come oldest first.
        return {
            cls: {row.id: row for row in (*self.rows[cls, True], *rows)}
            for (cls, past), rows in self.rows.items()
            if not past
        }


@contextmanager
def stirred_town(settings: Settings, template: str, catalogue: Catalogue) -> Iterator[Town]:
    """The sample town in a database of its own."""
    with clone(settings, template) as cloned, opened(cloned) as database:
        with psycopg.connect(**admin_parameters(cloned)) as admin:
            for cls in catalogue.classes.values():
                _stir(admin, cls)
            rows = {
                (cls.id, past): _read(admin, cls, past)
                for cls in catalogue.classes.values()
                for past in (False, True)
            }
            codes = admin.execute("SELECT code FROM city.districts ORDER BY code").fetchall()
        yield Town(database, catalogue, rows, tuple(str(code) for (code,) in codes))


@contextmanager
def refused() -> Iterator[None]:
    """What the database does not let through, or does not show, ends in an error of its own kind."""
    with pytest.raises((ChengtuError, DBAPIError, psycopg.Error)) as error:
        yield
    told: BaseException | None = error.value
    kinds = (Forbidden, NotFound, psycopg.errors.InsufficientPrivilege, psycopg.errors.UniqueViolation)
    while told is not None and not isinstance(told, kinds):
        told = told.__cause__ or getattr(told, "orig", None)
    assert told is not None, error.value


def _stir(admin: psycopg.Connection[Any], cls: FeatureClass) -> None:
    """Give some rows an owner, others none of the value that may restrict them; let some have been elsewhere before."""
    table, history = Identifier("city", cls.id), Identifier("city", f"{cls.id}_history")
    for field in cls.owned_by:
        admin.execute(
            SQL("UPDATE {} SET {} = (%s::text[])[1 + mod(id * 7 + {}, 4)]").format(
                table, Identifier(field), len(field)
            ),
            [[*PARTIES, None]],
        )
    for field in cls.restricted_rows:
        if not cls.get_field(field).required:
            admin.execute(
                SQL("UPDATE {} SET {} = NULL WHERE mod(id, 5) = 0").format(table, Identifier(field))
            )
    columns = SQL(", ").join(
        Identifier(name)
        for (name,) in admin.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            [f"city.{cls.id}"],
        )
    )
    # Of each third feature a version of before, which lay where the feature of the next id lies now.
    admin.execute(
        SQL(
            "INSERT INTO {history} ({columns}, until_change) SELECT {columns}, change_id + 1 FROM {table} "
            "WHERE mod(id, 3) = 0"
        ).format(history=history, columns=columns, table=table)
    )
    admin.execute(
        SQL(
            "UPDATE {history} h SET areas_touched = t.areas_touched, area_path = t.area_path FROM {table} t "
            "WHERE t.id = h.id + 1 AND h.until_change IS NOT NULL"
        ).format(history=history, table=table)
    )


def _read(admin: psycopg.Connection[Any], cls: FeatureClass, past: bool) -> list[Row]:
    decides = next(iter(cls.restricted_rows), None)
    owners = SQL(", ").join(map(Identifier, cls.owned_by))
    order = " ORDER BY until_change IS NULL, change_id, upper(valid) NULLS LAST" if past else ""
    query = SQL("SELECT id, areas_touched, area_path, {}, ARRAY[{}]::text[] FROM {}" + order).format(
        SQL("NULL") if decides is None else Identifier(decides),
        owners,
        Identifier("city", f"{cls.id}_history" if past else cls.id),
    )
    return [
        Row(
            item,
            frozenset(touched),
            tuple(path.split("/")) if path else (),
            value,
            frozenset(filter(None, owned)),
        )
        for item, touched, path, value, owned in admin.execute(query).fetchall()
    ]


def open_to(scope: Scope, cls: FeatureClass, row: Row) -> bool:
    """Whether the level and the party let one see a row, wherever it lies."""
    if LEVELS.index(cls.sensitivity) > LEVELS.index(scope.level):
        return False
    for values in cls.restricted_rows.values():
        if scope.level != "restricted" and (row.value is None or row.value in values):
            return False
    return scope.party is None or scope.party in row.owners


def sees(scope: Scope, cls: FeatureClass, row: Row) -> bool:
    return open_to(scope, cls, row) and (scope.areas is None or bool(row.touched & set(scope.areas)))


def writes(scope: Scope, cls: FeatureClass, row: Row) -> bool:
    inside = cls.id not in AREA_CLASSES and bool(set(row.path) & set(scope.edits or ()))
    return open_to(scope, cls, row) and (scope.edits is None or inside)


def drawn(codes: tuple[str, ...], seed: int) -> Scope:
    """A scope of any kind."""
    chance = random.Random(seed)

    def some() -> tuple[str, ...] | None:
        kinds: list[Callable[[], tuple[str, ...] | None]] = [
            lambda: None, lambda: (), lambda: (chance.choice(codes),), lambda: tuple(chance.sample(codes, 3)),
            lambda: ("no such area", chance.choice(codes), "x'); --"),
        ]  # fmt: skip
        return chance.choice(kinds)()

    party = chance.choice((None, None, *PARTIES, "nobody's"))
    return Scope(chance.choice(LEVELS), some(), some(), party, who=f"person {seed}")
