"""A new day: versions that end or begin with it change places between a class's table and its history."""

from __future__ import annotations

from sqlalchemy import Connection

from app.catalogue.model import Catalogue, FeatureClass
from app.database.transactions import Database
from app.inventory import changes
from app.inventory.batch import Change
from app.inventory.periods import today
from app.inventory.rewrite import settle
from app.inventory.search_index_store import index_ids

#: The setting that holds the last day on which all classes were brought up to date.
DAY = "day"
_CHANGE = Change("calendar", "a day passed: versions ended and began")


def turn_day(db: Database, catalogue: Catalogue) -> dict[str, int]:
    """Bring every class up to today, if that has not been done yet; class id → features that moved.

    What is believed stays the same, so no version is made; the class's data version follows, since reads differ.
    """
    with db.read() as conn:
        if changes.find_setting(conn, DAY) == today().isoformat():
            return {}
    moved = {}
    for class_id, cls in sorted(catalogue.classes.items()):
        with db.write(timeout_s=0) as conn:
            moved[class_id] = _turn(conn, cls)
    with db.write() as conn:
        changes.set_setting(conn, DAY, today().isoformat())
    return {class_id: count for class_id, count in moved.items() if count}


def _turn(conn: Connection, cls: FeatureClass) -> int:
    changes.lock_classes(conn, [cls.id])
    with changes.raw(conn).cursor() as cursor:
        moved = settle(cursor, cls)
    if moved:
        changes.mark_relocated(conn, cls.id, changes.draw_change(conn, _CHANGE, [cls.id]))
        index_ids(conn, cls, sorted(moved))
    return len(moved)
