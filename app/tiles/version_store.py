"""The data versions that decide a tile's bytes: in a transaction, or asked together for many requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from app.catalogue.model import Catalogue, FeatureClass
from app.database.together import Term, Together, select
from app.database.transactions import Connection, Database
from app.inventory.changes import version_term
from app.ogc.store import RUNS_VERSION
from app.settings import Settings

#: The name of the runs beside the ids of classes.
RUNS = "*runs"
#: When a change was made, as its name bears it.
MOMENT = "extract(epoch FROM at)::text"
_MOMENT = f"SELECT {MOMENT} FROM city.changes WHERE id = v"

Versions = tuple[str, ...]


def read_versions(conn: Connection, classes: Mapping[str, FeatureClass], names: Sequence[str]) -> Versions:
    """The version of each class, and of the runs where they are named, in this transaction's snapshot.

    A version bears the moment of its change: after a restore the same number may come to name another one.
    """
    if not names:
        return ()
    terms, values = select(_term(classes, name) for name in names)
    # Planning it for all classes takes much longer than running it.
    row = Database.raw(conn).execute(f"SELECT {terms}".encode(), values, prepare=True).fetchone()
    return tuple(str(value or "") for value in row or ())


def versions_together(settings: Settings, catalogue: Catalogue) -> Together:
    """The same outside a transaction, for many requests at once."""
    return Together(settings, partial(_term, catalogue.classes))


def _term(classes: Mapping[str, FeatureClass], name: str) -> Term:
    if name == RUNS:
        return f"({RUNS_VERSION})", ()
    # OFFSET 0: what `v` is found once, not in every place where it stands.
    found = f"(SELECT {version_term(classes[name])} AS v OFFSET 0) t"
    return f"(SELECT v::text || coalesce('@' || ({_MOMENT}), '') FROM {found})", ()
