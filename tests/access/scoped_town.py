"""A drawn town of canaries: in each area, class and level features whose every text, code and place is like no other.

Who may see a row is worked out here in Python from what was drawn, not asked of the database.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import shapely
from fastapi.testclient import TestClient

from app.access import people_store
from app.access.key_service import make_key
from app.access.principal import Grant
from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.coverage import edition_service as editions
from app.coverage import service as coverage
from app.coverage.engine import Engine
from app.database.migrate import migrate
from app.database.scope import LEVELS, Level
from app.database.transactions import Database
from app.inventory.batch import Batch
from app.inventory.local_growth import LocalGrowth
from app.inventory.service import write_batches
from app.inventory.tables import table_name
from app.main import create_app
from app.search.service import ensure_entries
from app.settings import Settings
from tests.access.own_classes import write_own
from tests.clones import clone, opened
from tests.inventory.town import BOXES, CHANGE, LAT, LON, batch, districts, grid, place

QUARTERS = ("W1", "W2", "E1", "E2")
CONTRACTOR = "城市照明养护公司"
#: A policy of the city's own over internal data.
CLOSED = """\
id: sewer-near
title: {zh: 近, en: Near}
supplies: [{class: manholes, where: {kind: [sewer]}, radius_m: 100}]
"""
#: Class → the values of its kind with the level of such a row: fields and rows as the catalogue declares them.
KINDS: Mapping[str, Mapping[str, Level]] = {
    "toilets": {"public": "public"},
    "parks": {"comprehensive": "public"},
    "streets": {"residential": "public"},
    "manholes": {"sewer": "internal", "police": "restricted"},
    "monitoring_points": {"flood": "public", "camera": "restricted"},
    "gas_devices": {"shut_off": "restricted"},
    "responsibility_areas": {"cleaning": "public"},
    "bee_hotels": {"common": "internal", "rare": "restricted"},
}
#: Class → its field of text that is restricted, also those of the city's own.
SECRETS = {"toilets": "x_cleaner", "responsibility_areas": "telephone", "bee_hotels": "telephone"}
#: Where on the map a class's canaries stand, in hundredths of a degree from the quarter's corner.
_SHAPES = {"parks": "polygon", "streets": "line", "responsibility_areas": "polygon"}


@dataclass(frozen=True)
class User:
    """Who asks: up to which level, in which areas (None: all), of which contractor."""

    level: Level
    areas: tuple[str, ...] | None
    party: str | None = None

    @property
    def quarters(self) -> frozenset[str]:
        """The quarters of the town that the areas hold."""
        if self.areas is None:
            return frozenset(QUARTERS)
        return frozenset(quarter for quarter in QUARTERS for area in self.areas if quarter.startswith(area))


@dataclass(frozen=True)
class Canary:
    """A text or place that must be told to nobody but who may see it; `code` is the feature's.

    What is past is told to who sees the quarter in which the feature `stands` now, besides.
    """

    text: str
    cls: str
    code: str
    level: Level
    quarters: frozenset[str]
    owner: str | None
    now: bool = True
    stands: str | None = None

    def is_for(self, user: User) -> bool:
        """Whether a user may see it."""
        known = LEVELS.index(self.level) <= LEVELS.index(user.level)
        stands = self.stands is None or self.stands in user.quarters
        return known and stands and bool(self.quarters & user.quarters) and user.party in {None, self.owner}


@dataclass
class Drawing:
    """What is drawn: the canaries and the batches that hold them."""

    canaries: list[Canary] = field(default_factory=list)
    batches: list[list[Batch]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def word(self) -> str:
        """A text like no other: no part of it stands in another one."""
        return f"qx{next(self._numbers):03d}vz"

    def row(self, cls: str, kind: str, level: Level, quarters: tuple[str, ...], owner: str | None) -> Any:
        """A feature's code, shape and columns; its texts are on record as canaries."""
        number = next(self._numbers)
        code, names = f"{self.word()}", [self.word(), self.word()]
        shape, spot = _shape(cls, quarters, number)
        telling = [*names, code, *([spot] if spot else [])]
        self.canaries += [Canary(text, cls, code, level, frozenset(quarters), owner) for text in telling]
        columns = {"kind": kind, "name_zh": names[0], "name_en": names[1], "owner": owner}
        secret = self.word()
        self.canaries.append(Canary(secret, cls, code, max(level, "internal", key=LEVELS.index),
                                    frozenset(quarters), owner))  # fmt: skip
        if cls in SECRETS:
            hidden = columns[SECRETS[cls]] = self.word()
            self.canaries.append(Canary(hidden, cls, code, "restricted", frozenset(quarters), owner))
        return code, shape, columns, {"secret": secret}

    def add(self, *rows: tuple[str, tuple[Any, ...]]) -> None:
        """Draw rows of classes, in one change."""
        found: list[Batch] = []
        for cls in dict.fromkeys(cls for cls, _ in rows):
            own = [row for name, row in rows if name == cls]
            columns = {name: [row[2].get(name) for row in own] for name in own[0][2]}
            found.append(batch(cls, {row[0]: row[1] for row in own}, columns, [dict(row[3]) for row in own]))
        self.batches.append(found)


def _corner(quarter: str) -> tuple[float, float]:
    west, south, _, _ = BOXES[quarter].bounds
    return west, south


def _shape(cls: str, quarters: tuple[str, ...], number: int) -> tuple[Any, str]:
    """A shape in the quarters, and how the place of a point begins in any form of five decimals or more, else ""."""
    x, y = _corner(quarters[0])
    # rounded to five, six or seven decimals it begins alike
    lon, lat = round(x + 0.002 + number * 2.7e-5, 5) + 1.3e-6, round(y + 0.002 + number * 2.3e-5, 5) + 1.7e-6
    if _SHAPES.get(cls, "point") == "point":
        return shapely.Point(round(lon, 7), round(lat, 7)), f"{lon:.5f} {lat:.5f}"
    if len(quarters) > 1:
        lon = LON - 0.001
    if _SHAPES[cls] == "line":
        return shapely.LineString([(lon, lat), (lon + 0.002, lat)]), ""
    return shapely.box(lon, lat, lon + 0.002, lat + 0.0003), ""


def draw() -> Drawing:
    """Canaries of each class and level in each quarter, some across a border, one that was elsewhere before."""
    drawing = Drawing()
    rows = []
    for cls, kinds in KINDS.items():
        for (kind, level), quarter in itertools.product(kinds.items(), QUARTERS):
            owners = (None, CONTRACTOR) if quarter in {"W1", "E2"} else (None,)
            rows += [(cls, drawing.row(cls, kind, level, (quarter,), owner)) for owner in owners]
        if cls in _SHAPES:
            kind, level = next(iter(kinds.items()))
            rows.append((cls, drawing.row(cls, kind, level, ("W1", "E1"), None)))
    drawing.add(*rows)
    _move(drawing, rows)
    return drawing


def _move(drawing: Drawing, rows: list[tuple[str, Any]]) -> None:
    """A toilet of E1 moves to W2 under other names: what it was is told to who sees both, its code in the west."""
    moved = next(row for cls, row in rows if cls == "toilets" and _is_in(drawing, row[0], "E1"))
    code = moved[0]
    # What the move does not tell anew stays with the feature.
    kept = moved[2][SECRETS["toilets"]]
    drawing.canaries = [one for one in drawing.canaries if one.text != kept]
    drawing.canaries.append(Canary(kept, "toilets", code, "restricted", frozenset(("W2",)), None))
    for canary in [one for one in drawing.canaries if one.code == code and one.text not in {code, kept}]:
        drawing.canaries.remove(canary)
        drawing.canaries.append(
            Canary(canary.text, "toilets", code, canary.level, frozenset(("E1",)), None, False, "W2")
        )
    own = next(one for one in drawing.canaries if one.text == code)
    drawing.canaries.remove(own)
    drawing.canaries.append(Canary(code, "toilets", code, "public", frozenset(("W2",)), None, now=False))
    names = [drawing.word(), drawing.word()]
    drawing.canaries += [
        Canary(name, "toilets", code, "public", frozenset(("W2",)), None) for name in (*names,)
    ]
    columns = {"kind": "public", "name_zh": names[0], "name_en": names[1]}
    drawing.add(("toilets", (code, place(-1.0, -1.0), columns, {})))


def _is_in(drawing: Drawing, code: str, quarter: str) -> bool:
    return any(one.code == code and one.quarters == {quarter} for one in drawing.canaries)


@dataclass(frozen=True)
class Town:
    """The served town: its client, its canaries, each user's key, and the runs."""

    client: TestClient
    db: Database
    catalogue: Catalogue
    canaries: tuple[Canary, ...]
    keys: Mapping[User, str]
    runs: tuple[str, ...]
    closed_run: str
    ids: Mapping[str, tuple[str, int]]

    def get(self, user: User, path: str, **headers: str) -> Any:
        """What a user is answered."""
        return self.client.get(path, headers={"Authorization": f"Bearer {self.keys[user]}", **headers})

    def hidden(self, user: User, *, but: str = "") -> list[Canary]:
        """The canaries that a user must not be told, except texts that stand in `but`, which was asked."""
        return [one for one in self.canaries if not one.is_for(user) and one.text not in but]

    def codes(self, user: User, cls: str) -> set[str]:
        """The codes of the features of a class that a user sees now."""
        return {one.code for one in self.canaries if one.cls == cls and one.now and one.is_for(user)}


#: Who is let in, and sees what anybody may know.
ANYBODY = User("public", None)
#: Levels, areas and parties of those who ask.
USERS = [
    *(
        User(level, areas)
        for level in ("internal", "restricted")
        for areas in (None, ("W",), ("E",), ("W1",), ("E2",), ("W1", "E2"))
    ),
    *(
        User(level, areas, CONTRACTOR)
        for level, areas in (("internal", None), ("internal", ("W",)), ("restricted", ("E",)))
    ),
]  # fmt: skip


@contextmanager
def served_town(cluster: Settings, template: str) -> Iterator[Town]:
    """The drawn town behind the web application, with classes of its own, a key for each of `USERS` and two runs."""
    drawing = draw()
    with (
        clone(cluster, template) as cloned,
        _declared(cloned) as (settings, catalogue),
        opened(settings) as db,
    ):
        _write(db, catalogue, drawing)
        engine = Engine(db, catalogue)
        runs = [
            coverage.run(db, engine.answer, {"policy": "toilet-300", "mode": "straight", "area": area})["run"]
            for area in (None, "W")
        ]
        with db.write() as conn:
            editions.save(conn, catalogue, CLOSED, "test", None)
        closed = coverage.run(
            db, engine.answer, {"policy": "sewer-near", "mode": "straight", "area": "W", "name": "sewers"}
        )["run"]
        with db.write() as conn:
            people_store.make_party(conn, CONTRACTOR, "contractor")
            keys = {
                user: make_key(
                    conn,
                    f"user {number}",
                    [Grant(role, area) for role in ("viewer", "planner") for area in user.areas or (None,)],
                    24,
                    user.level,
                    user.party,
                )[0]
                for number, user in enumerate((*USERS, ANYBODY))
            }
        with db.read() as conn:
            ids = _ids(conn, catalogue, drawing)
        # How long an answer takes on a busy machine is not the point here.
        patient = settings.model_copy(update={"request_seconds": 300})
        with TestClient(create_app(patient, engine=engine), raise_server_exceptions=False) as client:
            yield Town(client, db, catalogue, tuple(drawing.canaries), keys, tuple(runs), closed, ids)


@contextmanager
def _declared(settings: Settings) -> Iterator[tuple[Settings, Catalogue]]:
    """The settings with the city's own classes and fields, which the database holds, and the whole catalogue."""
    with tempfile.TemporaryDirectory(prefix="chengtu-tests-own-") as folder:
        told = settings.model_copy(update={"local": write_own(Path(folder))})
        migrate(told, then=LocalGrowth(told))
        yield told, load_catalogue(told.geodata, told.local_path)


def _write(db: Database, catalogue: Catalogue, drawing: Drawing) -> None:
    homes = {f"home{quarter}": BOXES[quarter].buffer(-0.004) for quarter in QUARTERS}
    land = batch("residential_areas", homes, {"kind": ["land"] * 4, "people": [400, 300, 200, 100]})
    with db.write() as conn:
        write_batches(conn, catalogue, [districts()], CHANGE)
        write_batches(conn, catalogue, [grid()], CHANGE)
        write_batches(conn, catalogue, [land], CHANGE)
    for batches in drawing.batches:
        with db.write() as conn:
            write_batches(conn, catalogue, batches, CHANGE)
    ensure_entries(db, catalogue)


def _ids(conn: Any, catalogue: Catalogue, drawing: Drawing) -> dict[str, tuple[str, int]]:
    """Code → class and id."""
    found = {}
    for cls in KINDS:
        table = table_name(catalogue.get_class(cls))
        for code, number in Database.raw(conn).execute(f"SELECT code, id FROM {table}".encode()).fetchall():
            found[code] = (cls, number)
    assert {one.code for one in drawing.canaries} == set(found)
    return found


__all__ = [
    "ANYBODY",
    "CONTRACTOR",
    "KINDS",
    "LAT",
    "LON",
    "QUARTERS",
    "USERS",
    "Canary",
    "Town",
    "User",
    "served_town",
]
