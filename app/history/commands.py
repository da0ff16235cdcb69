"""The commands `chengtu history|changes|imports|restore|undo`: what was recorded, and bringing it back."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from app import console
from app.catalogue.class_names import find_class
from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.database.engine import Connection, open_database
from app.errors import Conflict
from app.history import import_page
from app.inventory import areas_job, history_store
from app.inventory.batch import Change
from app.inventory.restore_service import (
    Restored,
    feature_history,
    restore_class,
    restore_feature,
    undo_import,
)
from app.settings import Settings
from app.words.sentences import told_report

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
ClassArgument = Annotated[
    str, typer.Argument(help="A class by id or name: toilets, 公厕.", show_default=False)
]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most this many.")]
Why = Annotated[str, typer.Option("--why", help="The reason, kept in the history.")]
SHOWN_WIDTH = 60
#: Characters of an id that the list shows at least, and reasons that one import is told with.
SHORT_ID, SHOWN_REASONS = 8, 20


class OnConflict(StrEnum):
    """What becomes of features that were changed since the import."""

    refuse = "refuse"
    keep = "keep"
    restore = "restore"


def history_command(
    class_id: ClassArgument,
    item: Annotated[str, typer.Argument(help="The feature's code, or #id.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Tell what happened to a feature: who, when, why, before and after."""
    settings = Settings()
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    with open_database(settings) as db, db.read() as conn:
        told = feature_history(conn, catalogue, find_class(catalogue, class_id).id, _item(item))
    if as_json:
        console.print_json(told)
        return
    headings = ("change", "at", "who", "why", "what", "field", "before", "after")
    rows = [row for event in told["events"] for row in _event_rows(event)]
    console.print_table(f"{told['class']} {told['code']} (#{told['id']})", headings, rows)


def _item(text: str) -> int | str:
    return int(text[1:]) if text[:1] == "#" and text[1:].isdecimal() else text


def _event_rows(event: Mapping[str, Any]) -> list[tuple[object, ...]]:
    head = (event["change"], event["at"][:19], event["who"], event["why"], _words(event))
    fields = event["fields"] or [{"field": None, "before": None, "after": None}]
    shown = [(field["field"], _short(field["before"]), _short(field["after"])) for field in fields]
    return [(*(head if place == 0 else (None,) * len(head)), *row) for place, row in enumerate(shown)]


def _words(event: Mapping[str, Any]) -> str:
    start, end = event["valid"] or (None, None)
    period = f" from {start}" if start else ""
    return str(event["action"]).replace("_", " ") + period + (f" until {end}" if end else "")


def _short(value: Any) -> str | None:
    if value is None:
        return None
    text = _place(value) if isinstance(value, Mapping) and "coordinates" in value else str(value)
    return text if len(text) <= SHOWN_WIDTH else text[: SHOWN_WIDTH - 1] + "…"


def _place(geometry: Mapping[str, Any]) -> str:
    """A point by its coordinates, anything else by its kind: a moved point must not look the same."""
    return f"{geometry['coordinates']}" if geometry["type"] == "Point" else str(geometry["type"])


def changes_command(
    class_id: Annotated[str | None, typer.Option("--class", help="Changes of this class only.")] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List the changes of the record, newest first."""
    settings = Settings()
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    chosen = None if class_id is None else find_class(catalogue, class_id).id
    with open_database(settings) as db, db.read() as conn:
        found = history_store.list_changes(conn, chosen, limit=limit)
    if as_json:
        console.print_json({"changes": found})
        return
    rows = (
        (one["change"], one["at"][:19], one["who"], one["why"], _short(", ".join(one["classes"])))
        for one in found
    )
    console.print_table("Changes", ("change", "at", "who", "why", "classes"), rows)


def imports_command(
    import_id: Annotated[
        str | None, typer.Argument(help="One import with its report: its id, or the first digits of it.")
    ] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List the files that were imported, newest first, or tell of one."""
    settings = Settings()
    with open_database(settings) as db, db.read() as conn:
        if import_id is not None:
            one = history_store.get_import(conn, history_store.find_import(conn, import_id))
            _tell_import(one, as_json)
            return
        found = history_store.list_imports(conn, limit)
    if as_json:
        console.print_json({"imports": found})
        return
    digits = _telling_digits([one["id"] for one in found])
    rows = (
        (
            one["id"][:digits],
            _state(one),
            one["change"],
            one["at"][:19],
            one["who"],
            import_page.file_name(one["path"]),
            _short(", ".join(one["classes"])),
        )
        for one in found
    )
    console.print_table("Imports", ("import", "state", "change", "at", "who", "file", "classes"), rows)


def _telling_digits(ids: Sequence[str]) -> int:
    """How many characters of the ids tell them apart, SHORT_ID at least."""
    for digits in range(SHORT_ID, 36):
        if len({one[:digits] for one in ids}) == len(ids):
            return digits
    return 36


def _state(one: Mapping[str, Any]) -> str:
    return str(one["state"]) if one["undone_by"] is None else "taken back"


def _tell_import(one: Mapping[str, Any], as_json: bool) -> None:
    """One import: what it was of, its counts, and its refused rows by their reasons."""
    report = one["report"] or {}
    if as_json:
        console.print_json({**one, "report": told_report(report, http=False) if report else None})
        return
    names = (
        "id",
        "path",
        "format",
        "at",
        "who",
        "change",
        "undone_by",
        "crs",
        "source",
        "licence",
        "attribution",
    )
    facts = [("state", _state(one)), *((name, one[name]) for name in names if one[name] is not None)]
    console.print_table(import_page.file_name(one["path"]), ("", "import"), facts)
    if one["error"]:
        console.warning(f"{one['error']['message']} {one['error'].get('hint') or ''}")
    counts = ("read", "loaded", "unchanged", "rejected", "skipped")
    rows = [
        (class_id, *(found.get(name, 0) for name in counts))
        for class_id, found in report.get("classes", {}).items()
    ]
    if rows:
        console.print_table("Counts", ("class", *counts), rows)
    for name, title in (("rejects", "Rejected"), ("warnings", "Loaded, but look at them")):
        groups = Counter(
            tuple(item.get(part) for part in ("class", "field", "reason", "hint"))
            for item in report.get(name, ())
        )
        if groups:
            shown = [(count, *group) for group, count in groups.most_common(SHOWN_REASONS)]
            console.print_table(title, ("rows", "class", "field", "reason", "hint"), shown)


def restore_command(
    class_id: ClassArgument,
    to_change: Annotated[int, typer.Option("--to", help="Number of the change after which it was right.")],
    item: Annotated[str | None, typer.Option("--item", help="Only this feature: its code, or #id.")] = None,
    why: Why = "restore",
    as_json: AsJson = False,
) -> None:
    """Bring a class, or one feature of it, back to what was known at a change."""

    def restore(conn: Connection, catalogue: Catalogue, change: Change) -> Restored:
        chosen = find_class(catalogue, class_id).id
        if item is None:
            return restore_class(conn, catalogue, chosen, to_change, change)
        return restore_feature(conn, catalogue, chosen, _item(item), to_change, change)

    _write(restore, why, as_json)


def undo_command(
    import_id: Annotated[
        str, typer.Argument(help="Id of the import, or the first digits of it; `chengtu imports` lists them.")
    ],
    on_conflict: Annotated[
        OnConflict, typer.Option("--conflicts", help="What becomes of features that were changed since.")
    ] = OnConflict.refuse,
    why: Why = "import taken back",
    as_json: AsJson = False,
) -> None:
    """Take an import back: all that it wrote is again what it was before."""

    def undo(conn: Connection, catalogue: Catalogue, change: Change) -> Restored:
        wanted = history_store.find_import(conn, import_id)
        return undo_import(conn, catalogue, wanted, change, on_conflict.value)

    try:
        _write(undo, why, as_json)
    except Conflict as error:
        if "conflicts" in error.members:
            _show_conflicts(error)
        raise


def _write(work: Callable[[Connection, Catalogue, Change], Restored], why: str, as_json: bool) -> None:
    settings = Settings()
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    with open_database(settings) as db:
        with db.write(timeout_s=0) as conn:
            done = work(conn, catalogue, Change(getpass.getuser(), why))
        areas_job.recompute(db, catalogue)
    if as_json:
        console.print_json(done.as_dict())
        return
    if done.change is None:
        console.step("There was nothing to bring back.")
        return
    told = ", ".join(f"{count:,} {name}" for name, count in done.classes.items())
    console.success(f"Brought back {told} (change {done.change}).")
    if done.kept_count:
        console.step(f"{done.kept_count:,} features changed since were left as they are.")


def _show_conflicts(error: Conflict) -> None:
    rows = [
        (
            one["class"],
            one["code"],
            field["field"],
            _short(field["now"]) or "none",
            _short(field["before_import"]) or "none",
        )
        for one in error.members.get("conflicts", [])
        for field in one["fields"]
    ]
    console.print_table("Changed since", ("class", "code", "field", "now", "before the import"), rows)
