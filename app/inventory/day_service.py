"""A new day: versions that end or begin with it change places between a class's table and its history."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from sqlalchemy import Connection

from app.catalogue.model import Catalogue, FeatureClass
from app.database.transactions import Database
from app.errors import Conflict
from app.inventory import areas_job, changes
from app.inventory.area_store import read_areas
from app.inventory.areas import AREA_CLASSES
from app.inventory.batch import Change
from app.inventory.periods import today
from app.inventory.rewrite import settle
from app.inventory.search_index_store import index_ids

log = logging.getLogger("chengtu.inventory")

#: The setting that holds the last day on which all classes were brought up to date.
DAY = "day"
_CHANGE = Change("calendar", "a day passed: versions ended and began")


def turn_day(db: Database, catalogue: Catalogue) -> dict[str, int]:
    """Bring every class up to today, if that has not been done yet; class id → features that moved.

    What is believed stays the same, so no version is made; the class's data version follows, since reads differ. A
    class that cannot be brought up to today does not keep the others from it.
    """
    with db.read() as conn:
        if changes.find_setting(conn, DAY) == today().isoformat():
            return {}
    moved, failed = {}, False
    for class_id, cls in sorted(catalogue.classes.items()):
        try:
            with db.write(timeout_s=0) as conn:
                changes.lock_classes(conn, AREA_CLASSES if class_id in AREA_CLASSES else [class_id])
                moved[class_id] = settle_class(conn, catalogue, cls)
        except Conflict as error:
            log.warning("The versions of %s could not be brought up to today: %s", class_id, error.message)
            failed = True
    if not failed:
        with db.write() as conn:
            changes.set_setting(conn, DAY, today().isoformat())
    return {class_id: count for class_id, count in moved.items() if count}


def settle_due(conn: Connection, catalogue: Catalogue, class_ids: Iterable[str]) -> None:
    """The same for some classes, before a write to them: it must not mend a version that ended last night.

    The caller holds their locks, and those of all classes of areas where one of them is written.
    """
    if changes.find_setting(conn, DAY) != today().isoformat():
        for class_id in sorted(set(class_ids)):
            settle_class(conn, catalogue, catalogue.classes[class_id])


def settle_class(conn: Connection, catalogue: Catalogue, cls: FeatureClass) -> int:
    """Bring one class, whose lock is held, up to today; the number of features that moved."""
    with changes.raw(conn).cursor() as cursor:
        moved = settle(cursor, cls, today())
    if moved:
        change_id = changes.draw_change(conn, _CHANGE, [cls.id])
        changes.mark_relocated(conn, cls.id, change_id)
        index_ids(conn, cls, moved)
        if cls.id in AREA_CLASSES:
            areas_job.relocate_areas(conn, catalogue, read_areas(conn), change_id)
            areas_job.mark_pending(conn, catalogue, change_id, _CHANGE.who)
    return len(moved)
