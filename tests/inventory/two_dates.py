"""Five drawn toilets with two times: what was there at the end of 2020 and of 2021, and an import that was taken back.

code      until 2021-01-01   2021-01-01 … 2021-03-01   2021-03-01 …   2021-06-01 …
old       there              -                         -              -
kept      there              there                     there          there
rebuilt   4 stalls (2015 on) 4 stalls                  8 stalls       8 stalls
late, later                                                           there, from change `imported` to `removed`
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

from app.catalogue.model import Catalogue
from app.database.engine import Database, open_database
from app.inventory.service import data_version, delete_features, write_batches
from app.settings import Settings
from tests.clones import clone
from tests.inventory.town import CHANGE, batch, districts, place

START, REBUILT, LATE = date(2015, 5, 1), date(2021, 3, 1), date(2021, 6, 1)
ROWS = [
    ("old", 2, (None, date(2021, 1, 1))),
    ("kept", 3, (None, None)),
    ("rebuilt", 4, (START, REBUILT)),
    ("rebuilt", 8, (REBUILT, None)),
]
#: What is there at each date; `imported` as it was known before the import was taken back.
AT_2020 = {"old": 2, "kept": 3, "rebuilt": 4}
AT_2021 = {"kept": 3, "rebuilt": 8}
IMPORTED = {**AT_2021, "late": 5, "later": 6}


@dataclass(frozen=True)
class TwoDates:
    """The database, and the changes of the first load, of the import and of its removal."""

    settings: Settings
    database: Database
    first: int
    imported: int
    removed: int


@contextmanager
def two_dates(cluster_settings: Settings, template: str, catalogue: Catalogue) -> Iterator[TwoDates]:
    """A database of its own that holds them."""
    with clone(cluster_settings, template) as settings:
        database = open_database(settings)
        changes = [write(database, catalogue, step) for step in (_first, _import, _remove)]
        yield TwoDates(settings, database, *changes)
        database.dispose()


def write(database: Database, catalogue: Catalogue, step) -> int:
    with database.write() as conn:
        step(conn, catalogue)
        return data_version(conn, "toilets")


def toilets(rows):
    shapes = {str(n): place(0.1 * n, 0.1 * n) for n in range(len(rows))}
    made = batch("toilets", shapes, {"stalls": [row[1] for row in rows]})
    return replace(made, codes=[row[0] for row in rows], valid=[row[2] for row in rows])


def _first(conn, catalogue) -> None:
    write_batches(conn, catalogue, [districts(), toilets(ROWS)], CHANGE)


def _import(conn, catalogue) -> None:
    rows = [("late", 5, (LATE, None)), ("later", 6, (LATE, None))]
    write_batches(conn, catalogue, [toilets(rows)], CHANGE)


def _remove(conn, catalogue) -> None:
    delete_features(conn, catalogue, "toilets", ["late", "later"], CHANGE)


#: Parameters that name no time that can be read: each is a 400 with one sentence, wherever times are taken.
HOSTILE = [
    "as_of=2021-13-01", "as_of=2021-02-29", "as_of=yesterday", "as_of=10000-01-01", "as_of=-0001-01-01",
    "as_of=0000-01-01", "as_of=2021", "as_of=2021-12-31T00:00:00Z", "as_of=20211231T", "as_of=%00", "as_of=infinity",
    "as_of=%27;DROP%20TABLE%20city.toilets", "as_of=2020-12-31/2021-12-31", "as_of=now",
    "as_of=2020-12-31&as_of=2021-12-31", "as_of=" + "1" * 200,
    "known_at=-1", "known_at=0", "known_at=999999999", "known_at=9223372036854775807", "known_at=99999999999999999999",
    "known_at=1.5", "known_at=1e3", "known_at=0x10", "known_at=x", "known_at=%20", "known_at=%00",
    "known_at=2999-01-01",
    "known_at=1066-10-14T09:00Z", "known_at=0001-01-01T00:00%2B14:00", "known_at=9999-12-31T23:59-14:00",
    "known_at=10000-01-01", "known_at=2021-02-30", "known_at=%E2%91%A3", "known_at=1%20OR%201=1",
]  # fmt: skip
