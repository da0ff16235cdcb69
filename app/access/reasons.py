"""What is restricted leaves the house only with a reason, which the audit record keeps; without one it is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from app.catalogue.model import Catalogue
from app.catalogue.public_part import part_of
from app.catalogue.restricted import restricted_in
from app.database.audit import Event, note
from app.database.scope import SCOPE, SERVICE, as_service, within
from app.database.transactions import Database
from app.errors import BadInput, Forbidden

SHORTEST, LONGEST = 10, 500
REASON_ABOUT = (
    f"Why restricted data leaves, {SHORTEST} characters or more; the audit record keeps it. Without a reason "
    "restricted rows and fields are left out, and a restricted class is refused."
)
#: How rows of runs that were computed from restricted data are called.
HELD = "held"
HINT = f"Say why, in {SHORTEST} characters or more: reason=… (command line: --reason); the audit record keeps it."


@dataclass(frozen=True, slots=True)
class Leaving:
    """What leaves: of this catalogue, for this reason; `left_out` is what is restricted and stays (class → what)."""

    catalogue: Catalogue
    reason: str | None
    restricted: Mapping[str, tuple[str, ...]]
    left_out: Mapping[str, tuple[str, ...]]

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let the block read no more than may leave: the database shows it nothing else."""
        scope = SCOPE.get()
        if not self.left_out:
            yield
            return
        with within(replace(SERVICE if scope is None else scope, level="internal")):
            yield


def check_reason(reason: str | None) -> str | None:
    """The reason without blanks around it, None where none was given; raises BadInput for one that is too short."""
    given = " ".join((reason or "").replace("\0", "").split())
    if given and not SHORTEST <= len(given) <= LONGEST:
        raise BadInput(f"A reason has {SHORTEST} to {LONGEST} characters.", HINT)
    return given or None


def leave(catalogue: Catalogue, classes: list[str] | None, reason: str | None) -> Leaving:
    """What of these classes (None: all) may leave for this reason.

    A catalogue of one who sees nothing restricted has nothing to be left out.

    Raises:
        BadInput: The reason is too short.
        Forbidden: One of the classes is restricted as a whole, was asked for by name, and no reason is given.
    """
    given = check_reason(reason)
    held = {**restricted_in(catalogue, classes), **_runs_among(catalogue, classes)}
    if given is not None or not held:
        return Leaving(catalogue, given, held, {})
    whole = [name for name, told in held.items() if told == ("*",)]
    if classes is not None and whole:
        raise Forbidden(f"'{whole[0]}' is restricted: it leaves only with a reason.", HINT)
    return Leaving(part_of(catalogue, "internal"), None, {}, held)


def _runs_among(catalogue: Catalogue, classes: list[str] | None) -> Mapping[str, tuple[str, ...]]:
    """Of collections that are no classes: they hold rows of runs, some computed from restricted data."""
    if classes is None or catalogue.level != "restricted":
        return {}
    return {name: (HELD,) for name in classes if name not in catalogue.classes}


def leave_run(catalogue: Catalogue, reason: str | None, *, held: bool) -> Leaving:
    """The same of a run; one that was computed from restricted data leaves with a reason alone."""
    given = check_reason(reason)
    if held and given is None:
        raise Forbidden("This run was computed from restricted data: it leaves only with a reason.", HINT)
    return Leaving(catalogue, given, {"run": ("*",)} if held else {}, {})


def leave_whole(catalogue: Catalogue, classes: list[str] | None, reason: str | None) -> Leaving:
    """The same of what leaves as it is or not at all, such as the rows of a file; `classes` None: of any.

    Raises:
        BadInput: The reason is too short.
        Forbidden: It may hold what is restricted, and no reason is given.
    """
    given = check_reason(reason)
    held = restricted_in(catalogue, classes)
    if held and given is None:
        raise Forbidden("This file may hold restricted data: it leaves only with a reason.", HINT)
    return Leaving(catalogue, given, held, {})


def note_export(db: Database, what: str, form: str, leaving: Leaving, **detail: Any) -> None:
    """Note that something leaves as a file: before it does."""
    told = {name: ", ".join(parts) for name, parts in leaving.restricted.items()}
    with as_service(), db.write(timeout_s=10) as conn:
        note(
            conn, Event.EXPORTED, what,
            form=form, reason=leaving.reason, restricted=told or None,
            **{name: value for name, value in detail.items() if value not in (None, False)},
        )  # fmt: skip
