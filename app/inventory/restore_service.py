"""Restores what was recorded before: one feature, a class, or all that an import changed. Nothing here commits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection

from app.catalogue.model import Catalogue, FeatureClass
from app.errors import BadInput, Conflict, NotFound
from app.inventory import changes, history, history_store, photo_store, restore_store
from app.inventory.areas import AREA_CLASSES
from app.inventory.areas_job import relocate_changed
from app.inventory.batch import Change
from app.inventory.day_service import settle_due
from app.inventory.search_index_store import index_change
from app.inventory.territory_store import check_own

OnConflict = Literal["refuse", "keep", "restore"]
#: So many conflicts stand in an answer; the number of all of them beside it.
SHOWN_CONFLICTS = 100


@dataclass(frozen=True, slots=True)
class Restored:
    """`change` is the new change's number, None where there was nothing to do; class id → features restored.

    `kept` are the first conflicts that were left as they are: features changed since, with both values; `kept_count`
    is the number of all of them.
    """

    change: int | None
    classes: Mapping[str, int]
    kept: Sequence[Mapping[str, Any]] = ()
    kept_count: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The answer as plain values."""
        return {
            "change": self.change,
            "classes": dict(self.classes),
            "kept": list(self.kept),
            "kept_count": self.kept_count,
        }


def feature_history(conn: Connection, catalogue: Catalogue, class_id: str, item: int | str) -> dict[str, Any]:
    """All that was recorded of a feature, by id (int) or code (text): its versions, and what each change did.

    Raises:
        NotFound: The class does not exist, or nothing was ever recorded of the feature.
    """
    cls = catalogue.get_class(class_id)
    versions = history_store.list_versions(conn, cls, item, extra=not catalogue.open_only)
    numbers = {version.change_id for version in versions}
    numbers |= {version.until_change for version in versions if version.until_change is not None}
    # notes and photos from the street are declared by no class, so a public view has none
    reports = [] if catalogue.open_only else photo_store.list_reports(conn, cls.id, versions[-1].id)
    photos = [] if catalogue.open_only else photo_store.list_photos(conn, cls.id, versions[-1].id)
    known = history_store.get_changes(conn, numbers | photo_store.changes_told(reports, photos))
    if catalogue.open_only:
        # nor are people, their reasons (which hold notes), files, and columns of files that no class declares
        versions = [replace(one, values={**one.values, "extra": None}) for one in versions]
        known = {number: {**one, "who": None, "why": None, "import": None} for number, one in known.items()}
    return {
        "class": cls.id,
        "id": versions[-1].id,
        "code": versions[-1].values["code"],
        "events": history.with_reports(history.events(cls, versions, known), reports, photos, known),
        "versions": [version.as_dict() for version in versions],
    }


def restore_feature(
    conn: Connection, catalogue: Catalogue, class_id: str, item: int | str, to_change: int, change: Change
) -> Restored:
    """Let one feature be again what was believed of it at a change.

    Raises:
        NotFound: The class, feature or change does not exist.
        Conflict: The earlier version does not fit the class any more.
    """
    cls = _lock(conn, catalogue, class_id)
    versions = history_store.list_versions(conn, cls, item)
    _check_change(conn, to_change)
    if all(version.change_id > to_change for version in versions):
        raise NotFound(
            f"Nothing was recorded of this feature until change {to_change}.",
            f"Its first change is {min(version.change_id for version in versions)}.",
        )
    ids = {version.id for version in versions} & set(restore_store.touched_since(conn, cls, to_change))
    check_own(conn, cls, to_change, ids=ids)
    return _restore(conn, catalogue, {cls.id: sorted(ids)}, {cls.id: to_change}, change)


def restore_class(
    conn: Connection, catalogue: Catalogue, class_id: str, to_change: int, change: Change
) -> Restored:
    """Let a class be again what it was at a change: all that was written to it since is withdrawn.

    Raises:
        NotFound: The class or change does not exist.
        Conflict: What it held does not fit the class any more.
        Forbidden: It would bring back features that the caller may not edit.
    """
    cls = _lock(conn, catalogue, class_id)
    _check_change(conn, to_change)
    check_own(conn, cls, to_change)
    ids = restore_store.touched_since(conn, cls, to_change)
    return _restore(conn, catalogue, {cls.id: ids}, {cls.id: to_change}, change)


def undo_import(
    conn: Connection,
    catalogue: Catalogue,
    import_id: UUID,
    change: Change,
    on_conflict: OnConflict = "refuse",
) -> Restored:
    """Take an import back: every feature that it wrote is again what it was before.

    Features that somebody changed since are conflicts: refused with both values, kept as they are, or restored too.

    Raises:
        NotFound: There is no such import.
        Conflict: Features were changed since and `on_conflict` is "refuse", or it was taken back already (exit code
            1); nothing is changed.
        BadInput: The import changed nothing that is left, or a class of it is not served any more.
    """
    told = history_store.get_import(conn, import_id)
    numbers = history_store.changes_of_import(conn, import_id)
    _check_served(catalogue, numbers)
    if not numbers:
        raise BadInput(f"The import of {told['path']} changed nothing.")
    _lock_all(conn, catalogue.stored, numbers)
    for class_id, own in numbers.items():
        check_own(conn, catalogue.stored.classes[class_id], min(own) - 1, own)
    wanted: dict[str, list[int]] = {}
    conflicts: list[dict[str, Any]] = []
    count = 0
    for class_id, own in sorted(numbers.items()):
        cls = catalogue.classes[class_id]
        ids = restore_store.touched_by(conn, cls, own)
        # What was changed since and stands again as the import left it is no conflict.
        later = restore_store.touched_after(conn, cls, ids, own)
        later = restore_store.differing(conn, cls, later, max(own))
        later = restore_store.differing(conn, cls, later, min(own) - 1)
        count += len(later)
        if on_conflict != "restore":
            conflicts += _conflicts(conn, cls, later[: SHOWN_CONFLICTS - len(conflicts)], min(own) - 1)
        kept = set(later) if on_conflict == "keep" else set()
        wanted[class_id] = [one for one in ids if one not in kept]
    if conflicts and on_conflict == "refuse":
        raise _refusal(told, conflicts, count)
    before = {class_id: min(own) - 1 for class_id, own in numbers.items()}
    done = _restore(conn, catalogue, wanted, before, change)
    if done.change is not None:
        history_store.mark_undone(conn, import_id, done.change)
    elif told["undone_by"] is not None:
        raise _undone_already(conn, told)
    left = on_conflict == "keep"
    return Restored(done.change, done.classes, conflicts if left else (), count if left else 0)


def _check_served(catalogue: Catalogue, class_ids: Iterable[str]) -> None:
    for class_id in class_ids:
        if class_id not in catalogue.classes:
            raise BadInput(
                f"The import wrote to the class '{class_id}', which is not declared any more.",
                "Declare it again, then take the import back.",
            )


def _refusal(told: Mapping[str, Any], conflicts: Sequence[Mapping[str, Any]], count: int) -> Conflict:
    first = conflicts[0]
    return Conflict(
        f"{count} features of the import of {told['path']} were changed since, first {first['class']} "
        f"'{first['code']}'; nothing was changed.",
        "Choose on_conflict (--conflicts): keep leaves these as they are, restore takes them back too.",
        conflicts=list(conflicts),
    )


def _undone_already(conn: Connection, told: Mapping[str, Any]) -> Conflict:
    undo = history_store.get_changes(conn, [told["undone_by"]])[told["undone_by"]]
    error = Conflict(
        f"The import of {told['path']} was already taken back on {undo['at'][:10]} by {undo['who']} "
        f"(change {told['undone_by']}).",
        "Nothing was changed: all that it wrote is what it was before.",
    )
    # Nothing went wrong: what was asked for is so.
    error.exit_code = 1
    return error


def _conflicts(conn: Connection, cls: FeatureClass, ids: Sequence[int], before: int) -> list[dict[str, Any]]:
    """What stands now and what would stand again, of features changed since."""
    if not ids:
        return []
    now = restore_store.shown_versions(conn, cls, ids)
    then = restore_store.shown_versions(conn, cls, ids, before)
    return [_conflict(cls, one, now.get(one), then.get(one)) for one in ids]


def _conflict(
    cls: FeatureClass,
    feature: int,
    now: tuple[str, dict[str, Any]] | None,
    then: tuple[str, dict[str, Any]] | None,
) -> dict[str, Any]:
    current, earlier = (now[1] if now else {}), (then[1] if then else {})
    fields = [
        {"field": name, "now": current.get(name), "before_import": earlier.get(name)}
        for name in dict.fromkeys([*current, *earlier])
        if current.get(name) != earlier.get(name)
    ]
    code = (now or then or ("", {}))[0]
    return {
        "class": cls.id,
        "id": feature,
        "code": code,
        "exists_now": bool(now),
        "existed": bool(then),
        "fields": fields,
    }


def _check_change(conn: Connection, number: int) -> None:
    if not 0 < number < 2**63 or not history_store.get_changes(conn, [number]):
        raise NotFound(f"There is no change {number}.", "`chengtu changes` lists them.")


def _lock(conn: Connection, catalogue: Catalogue, class_id: str) -> FeatureClass:
    cls = catalogue.get_class(class_id)
    _lock_all(conn, catalogue.stored, [class_id])
    return cls


def _lock_all(conn: Connection, catalogue: Catalogue, class_ids: Iterable[str]) -> None:
    chosen = list(class_ids)
    areal = any(class_id in AREA_CLASSES for class_id in chosen)
    changes.lock_classes(conn, catalogue.classes if areal else chosen)
    settle_due(conn, catalogue, chosen)


def _hidden(stored: FeatureClass, seen: FeatureClass) -> list[str]:
    """The fields of a class that who restores does not see."""
    shown = {field.name for field in seen.fields}
    return [field.name for field in stored.fields if field.name not in shown]


def _restore(
    conn: Connection,
    catalogue: Catalogue,
    wanted: Mapping[str, Sequence[int]],
    to_change: Mapping[str, int],
    change: Change,
) -> Restored:
    seen, catalogue = catalogue, catalogue.stored
    # What differs in what is hidden alone is no matter of who restores.
    wanted = {
        class_id: restore_store.differing(conn, seen.classes[class_id], ids, to_change[class_id])
        for class_id, ids in wanted.items()
    }
    filled = {class_id: ids for class_id, ids in wanted.items() if ids}
    if not filled:
        return Restored(None, dict.fromkeys(wanted, 0))
    change_id = changes.draw_change(conn, change, sorted(filled))
    for class_id, ids in filled.items():
        cls = catalogue.classes[class_id]
        hidden = [*_hidden(cls, seen.classes[class_id]), *(("extra",) if seen.open_only else ())]
        restore_store.restore_rows(conn, cls, ids, to_change[class_id], change_id, hidden)
    relocate_changed(conn, catalogue, sorted(filled), change_id)
    for class_id in filled:
        index_change(conn, catalogue.classes[class_id], change_id)
    return Restored(change_id, {class_id: len(wanted[class_id]) for class_id in wanted})
