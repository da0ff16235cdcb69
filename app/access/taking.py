"""What a route reads that shows figures or lets them leave as a file: a file holds what its reason lets out, noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query

from app.access.dependencies import CatalogueDep, DatabaseDep, ReadTurn
from app.access.reasons import LONGEST, REASON_ABOUT, leave, note_export
from app.catalogue.model import Catalogue
from app.database.transactions import Connection

#: Forms that a browser saves.
FILES = frozenset({"csv", "xlsx"})
#: The header that tells of a file which does not hold what is restricted.
LEFT_OUT = "Chengtu-Left-Out"


@dataclass(frozen=True, slots=True)
class Seen:
    """A snapshot, the part of the catalogue that it is told by, and the headers of the answer made of it."""

    conn: Connection
    catalogue: Catalogue
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Taking:
    """Who reads, and why they take it away: what such a route asks for beside its own parameters."""

    db: DatabaseDep
    catalogue: CatalogueDep
    _turn: ReadTurn
    reason: Annotated[str | None, Query(max_length=LONGEST, description=f"Of files: {REASON_ABOUT}")] = None

    @contextmanager
    def reading(
        self, what: str, form: str, classes: Sequence[str] | None = None, **detail: Any
    ) -> Iterator[Seen]:
        """Read what may be shown or, in a file, may leave: of these classes (None: all), for the reason that is given.

        That a file leaves is noted when the block has made it.

        Raises:
            BadInput: The reason is too short.
            Forbidden: One of the classes is restricted as a whole, and no reason is given.
        """
        if form not in FILES:
            with self.db.read() as conn:
                yield Seen(conn, self.catalogue, {})
            return
        leaving = leave(self.catalogue, None if classes is None else list(classes), self.reason)
        with leaving.reading(), self.db.read() as conn:
            yield Seen(conn, leaving.catalogue, {LEFT_OUT: "restricted"} if leaving.left_out else {})
        note_export(self.db, what, form, leaving, **detail)


TakingDep = Annotated[Taking, Depends()]
