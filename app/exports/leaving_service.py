"""Exports as commands and notebooks ask for them: what is restricted only with a reason, each noted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.access.reasons import Leaving, check_reason, leave, leave_run, note_export
from app.catalogue.model import Catalogue
from app.coverage.service import get_run
from app.database.transactions import Database
from app.exports.project_service import ProjectWishes, write_project
from app.exports.service import PLAIN, WHOLE_CITY, Report, Wishes, export


def leaving_of(db: Database, catalogue: Catalogue, name: str, reason: str | None) -> Leaving:
    """What may leave under a name: of a class (id), a run (UUID) or the whole city.

    Raises:
        BadInput: The reason is too short.
        Forbidden: What is asked for is restricted as a whole, and no reason is given.
    """
    if name == WHOLE_CITY:
        return leave(catalogue, None, reason)
    if name in catalogue.classes:
        return leave(catalogue, [name], reason)
    with db.read() as conn:
        held = get_run(conn, name, areas=False)["inputs"].get("held") or {}
    return leave_run(catalogue, reason, held=held.get("level") == "restricted")


def export_noted(
    db: Database,
    catalogue: Catalogue,
    name: str,
    to: Path,
    wishes: Wishes = PLAIN,
    reason: str | None = None,
    report: Report | None = None,
) -> dict[str, Any]:
    """`export` of what may leave for a reason, noted; the result names what was `left_out` for want of one.

    Raises as `export` and `leaving_of`.
    """
    leaving = leaving_of(db, catalogue, name, reason)
    with leaving.reading():
        result = export(db, leaving.catalogue, name, to, wishes, report)
    rows = sum(result["layers"].values())
    note_export(db, name, to.suffix.removeprefix("."), leaving, rows=rows, **wishes.chosen)
    left_out = {key: list(parts) for key, parts in leaving.left_out.items()}
    return {**result, **({"left_out": left_out} if left_out else {})}


def project_noted(
    db: Database,
    catalogue: Catalogue,
    to: Path,
    wishes: ProjectWishes,
    reason: str | None = None,
    report: Report | None = None,
) -> dict[str, Any]:
    """`write_project` of what may leave for a reason, noted; the result names what was `left_out` for want of one.

    A project that reads from the server holds no feature, so nothing has to be left out of it.

    Raises as `write_project` and `leaving_of`.
    """
    if wishes.connect == "server":
        leaving = Leaving(catalogue, check_reason(reason), {}, {})
    else:
        leaving = leaving_of(db, catalogue, WHOLE_CITY, reason)
    with leaving.reading():
        result = write_project(db, leaving.catalogue, to, wishes, report)
    rows = sum(result["layers"].values()) if wishes.connect == "files" else None
    note_export(db, WHOLE_CITY, "qgz", leaving, connect=wishes.connect, rows=rows)
    left_out = {key: list(parts) for key, parts in leaving.left_out.items()}
    return {**result, **({"left_out": left_out} if left_out else {})}
