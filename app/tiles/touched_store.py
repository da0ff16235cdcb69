"""Reads where classes have changed, and keeps it for all tiles of a worker; workers agree from which version on."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import psycopg

from app.catalogue.model import FeatureClass
from app.database.locks import exclusive
from app.database.transactions import Connection
from app.errors import Unavailable
from app.inventory.changes import find_relocated, raw
from app.inventory.tables import table_name
from app.tiles.matrix import Tile
from app.tiles.touched import Changed, Touched
from app.tiles.version_store import MOMENT, read_versions

log = logging.getLogger("chengtu.tiles")

#: Rows of a class that may have changed; of more, as an import brings them, all its tiles are made anew.
MOST = 10_000
#: How long the file of a city's floors may be held by another worker, seconds.
PATIENCE_S = 5.0
_VERSION = re.compile(r"[0-9]{1,18}(@[0-9.]+)?")

_SINCE = """
SELECT id::text || '@' || {moment}, ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom), min_zoom FROM (
  SELECT change_id AS change, geom, min_zoom FROM {current} WHERE change_id > $1 UNION ALL
  SELECT until_change, geom, min_zoom FROM {history} WHERE until_change > $1) r
JOIN city.changes c ON c.id = r.change ORDER BY id LIMIT {most}"""


class TouchedClasses:
    """What has changed of each class, brought up to the versions that requests ask for.

    `file` keeps the versions from which on each class is told (None: nowhere), so that all workers, and those after a
    restart, give the same tile the same name; one that is lost or of another city costs tiles that are built again.
    """

    def __init__(self, classes: Mapping[str, FeatureClass], file: Path | None) -> None:
        self._classes = classes
        self._file = file
        self._known: dict[str, Touched] = {}
        self._lock = Lock()

    def not_at(self, names: Sequence[str], versions: Sequence[str]) -> list[str]:
        """The classes whose changes are known up to other versions than these."""
        known = self._known
        return [
            name
            for name, version in zip(names, versions, strict=True)
            if (found := known.get(name)) is None or found.version != version
        ]

    def versions_at(self, names: Iterable[str], tile: Tile) -> tuple[str, ...]:
        """Of each class the newest version that may have changed the tile; all of them are known."""
        return tuple(self._known[name].version_at(tile) for name in names)

    def bring(self, conn: Connection, names: Sequence[str]) -> None:
        """Read what has changed of classes up to this snapshot, in which every row is seen."""
        with self._lock:
            now = dict(zip(names, read_versions(conn, self._classes, names), strict=True))
            new = [name for name in names if not self._follow(conn, name, now[name])]
            if new:
                floors = self._agree(conn, {name: now[name] for name in new})
                for name in new:
                    self._begin(conn, name, floors[name], now[name])

    def _follow(self, conn: Connection, name: str, version: str) -> bool:
        """Whether a class is known up to the version now: from what was known before and what changed since."""
        known = self._known.get(name)
        if known is None or known.version == version:
            return known is not None
        since = number(known.version)
        more = None if number(version) < since else _read(conn, self._classes[name], since)
        if more is None or len(more.names) + len(known.changed.names) > MOST:
            return False
        self._known[name] = known.until(version, more)
        return True

    def _begin(self, conn: Connection, name: str, floor: str, version: str) -> None:
        cls = self._classes[name]
        begun = Touched(floor, floor, max(rule.zoom for rule in cls.zooms))
        more = _read(conn, cls, number(floor)) if floor != version else None
        if floor != version and more is None:
            begun = Touched(version, version, begun.last_zoom)
        self._known[name] = begun if more is None else begun.until(version, more)

    def _agree(self, conn: Connection, now: Mapping[str, str]) -> Mapping[str, str]:
        """The version from which on each class is told: the one on file where that can be done, else now's."""
        if self._file is None:
            return now
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with exclusive(self._file.with_suffix(".lock"), PATIENCE_S):
                kept = _load(self._file)
                usable = _usable(conn, self._classes, {name: kept[name] for name in now if name in kept})
                agreed = {name: usable.get(name, version) for name, version in now.items()}
                if any(kept.get(name) != floor for name, floor in agreed.items()):
                    part = self._file.with_suffix(".part")
                    part.write_text(json.dumps({**kept, **agreed}), encoding="utf-8")
                    part.replace(self._file)
                return agreed
        except (OSError, Unavailable) as error:
            log.warning("What tiles are named by cannot be kept (%s); other workers build their own.", error)
            return now


def number(version: str) -> int:
    """The change that a version names; 0 where nothing was ever written."""
    return int(version.partition("@")[0] or 0)


def _load(file: Path) -> dict[str, str]:
    with suppress(OSError, ValueError):
        told: Any = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(told, dict):
            return {name: str(floor) for name, floor in told.items() if _VERSION.fullmatch(str(floor))}
    return {}


def _usable(
    conn: Connection, classes: Mapping[str, FeatureClass], floors: Mapping[str, str]
) -> dict[str, str]:
    """Those that name a change of this city after which few rows of their class have changed."""
    moments = raw(conn).execute(
        f"SELECT id, id::text || '@' || {MOMENT} FROM city.changes WHERE id = ANY(%s)".encode(),
        [sorted({number(floor) for floor in floors.values()})],
    )
    known = dict(moments.fetchall())
    return {
        name: floor
        for name, floor in floors.items()
        if known.get(number(floor), "0") == floor and _read(conn, classes[name], number(floor)) is not None
    }


def _read(conn: Connection, cls: FeatureClass, since: int) -> Changed | None:
    """The rows that came or went after a change; None where they are too many, or the record does not tell of all."""
    if find_relocated(conn, cls) > since:
        return None
    query = _SINCE.format(
        moment=MOMENT, current=table_name(cls), history=table_name(cls, history=True), most=MOST + 1
    )
    cursor = psycopg.RawCursor(raw(conn))
    rows = cursor.execute(query.encode(), [since], prepare=True, binary=True).fetchall()
    if len(rows) > MOST:
        return None
    names, *numbers = zip(*rows, strict=True) if rows else [()] * 6
    return Changed(
        names, np.array(numbers[:4], dtype=np.float64).reshape(4, -1), np.array(numbers[4], dtype=np.int64)
    )
