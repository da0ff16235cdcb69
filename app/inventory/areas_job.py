"""The areas job: where features lie, found anew class by class after areas have changed.

A write that changes areas marks every class whose rows it did not locate itself, and queues the job, in its own
transaction. Rows written after it are located by the new areas already. Whoever takes up the job (the server's worker,
or the command that wrote) does each marked class under that class's lock and takes the mark away with it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from sqlalchemy import Connection, text

from app.catalogue.model import Catalogue, FeatureClass
from app.database.scope import as_service
from app.database.transactions import Database
from app.inventory import area_store, changes
from app.inventory.areas import AREA_CLASSES, Areas, check_no_circle
from app.inventory.batch import Change
from app.inventory.tables import SCHEMA
from app.jobs import store as jobs

#: The kind of job that a worker takes up.
KIND = "areas"
PREFIX = "areas_pending."
#: Called before each class: (classes done, classes in all, class id). May raise to stop between two classes.
Progress = Callable[[int, int, str], None]


def mark_pending(
    conn: Connection, catalogue: Catalogue, change_id: int, who: str, skip: Collection[str] = ()
) -> None:
    """Mark all classes but those in `skip` as located by old areas, and queue the job; with the caller's transaction.

    The areas themselves, few and asked for first, are never left so: the caller has located them.
    """
    for class_id in sorted(set(catalogue.classes) - set(skip) - set(AREA_CLASSES)):
        changes.set_setting(conn, PREFIX + class_id, str(change_id))
    jobs.enqueue_once(conn, KIND, {}, who)


def requeue(conn: Connection) -> None:
    """Queue the job again where marks wait without one."""
    if list_pending(conn):
        jobs.enqueue_once(conn, KIND, {}, KIND)


def list_pending(conn: Connection) -> list[str]:
    """Ids of the classes that are still located by old areas."""
    query = text(f"SELECT key FROM {SCHEMA}.settings WHERE starts_with(key, :prefix) ORDER BY key")
    found = conn.execute(query, {"prefix": PREFIX}).scalars()
    return [str(key).removeprefix(PREFIX) for key in found]


def relocate_areas(conn: Connection, catalogue: Catalogue, areas: Areas, change_id: int) -> None:
    """Locate the areas themselves, under their locks, as part of the write that changed them."""
    for class_id in AREA_CLASSES:
        if any(area_store.relocate(conn, catalogue.classes[class_id], areas)):
            changes.mark_relocated(conn, class_id, change_id)


def relocate_changed(
    conn: Connection, catalogue: Catalogue, class_ids: Iterable[str], change_id: int
) -> None:
    """Locate what a change wrote as it was once recorded, under the locks of its classes.

    Where that changes areas, these at once, and everything else by the job.
    """
    chosen = list(class_ids)
    areas = area_store.read_areas(conn)
    if set(chosen) & set(AREA_CLASSES):
        check_no_circle(areas)
        relocate_areas(conn, catalogue, areas, change_id)
        mark_pending(conn, catalogue, change_id, KIND)
    for class_id in set(chosen) - set(AREA_CLASSES):
        area_store.relocate(conn, catalogue.classes[class_id], areas, change_id)


def recompute(db: Database, catalogue: Catalogue, progress: Progress | None = None) -> dict[str, int]:
    """Locate every marked class, each in a transaction of its own; class id → rows that lay elsewhere before.

    Stopped half-way (`progress` raised, or the process died), the classes left keep their marks.
    """
    moved: dict[str, int] = {}
    with as_service(), db.read() as conn:
        left = list_pending(conn)
    for done, class_id in enumerate(left):
        if progress is not None:
            progress(done, len(left), class_id)
        with as_service(), db.write(timeout_s=0) as conn:
            moved[class_id] = _recompute_class(conn, catalogue, class_id)
    if left:
        with as_service(), db.write() as conn:
            _drop_job(conn)
    return moved


def recompute_within(conn: Connection, catalogue: Catalogue) -> dict[str, int]:
    """The same within the caller's transaction, all classes at once."""
    moved = {class_id: _recompute_class(conn, catalogue, class_id) for class_id in list_pending(conn)}
    _drop_job(conn)
    return moved


def _drop_job(conn: Connection) -> None:
    """Where the command that wrote has done the work itself, nothing is left to queue for."""
    if not list_pending(conn):
        jobs.drop_queued(conn, KIND)


def _recompute_class(conn: Connection, catalogue: Catalogue, class_id: str) -> int:
    cls = catalogue.classes.get(class_id)
    if cls is None:  # a city's own class, declared no longer
        _unmark(conn, class_id, None)
        return 0
    changes.lock_classes(conn, [class_id])
    mark = changes.find_setting(conn, PREFIX + class_id)
    if mark is None:  # somebody else has done it
        return 0
    current, others = area_store.relocate(conn, cls, area_store.known_areas(conn))
    if current or others:
        _mark_moved(conn, cls)
    _unmark(conn, class_id, mark)
    return len(current) + others


def _mark_moved(conn: Connection, cls: FeatureClass) -> None:
    # A number of its own: the class may have been written to since the areas changed.
    change = Change(KIND, "areas changed: features located anew")
    changes.mark_relocated(conn, cls.id, changes.draw_change(conn, change, [cls.id]))


def _unmark(conn: Connection, class_id: str, mark: str | None) -> None:
    """Take the mark away, unless areas have changed once more since it was read."""
    query = text(f"DELETE FROM {SCHEMA}.settings WHERE key = :key AND value = coalesce(:mark, value)")
    conn.execute(query, {"key": PREFIX + class_id, "mark": mark})
