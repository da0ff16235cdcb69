"""Loads the sample city into a database that holds no other city."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from app.catalogue.model import Catalogue
from app.database.transactions import Database
from app.errors import Conflict
from app.inventory import areas_job, search_index_store
from app.inventory.service import Change, Counts, ImportSource, write_batches
from app.sample import store
from app.sample.build import SampleCity, build
from app.sample.parameters import check_size
from app.sample.rows import NOTE

#: Called as progress(rows done, rows in all, what is being done).
Progress = Callable[[int, int, str], None]


def load(
    db: Database, catalogue: Catalogue, size: str, progress: Progress | None = None
) -> dict[str, Counts]:
    """Draw the sample of a size and write all of it in one transaction; class id → counts.

    Loading the same size again changes nothing.

    Raises:
    ------
    BadInput
        There is no such size.
    Conflict
        The database holds another city, or the sample of another size.
    """
    check_size(size)
    report = progress or _silent
    with db.read() as conn:
        _check_free(store.find_size(conn), size, holds_city=store.holds_city(conn))
    report(0, 1, "drawing")
    city = build(size, catalogue)
    with db.write() as conn:
        counts = write_batches(conn, catalogue, city.batches, _change(city, size), report)
        store.mark(conn, size, NOTE)
    areas_job.recompute(db, catalogue, report)
    with db.write() as conn:
        search_index_store.analyze(conn)
    return counts


def _silent(_done: int, _total: int, _text: str) -> None:
    """Tell nobody."""


def _check_free(stored: str | None, size: str, *, holds_city: bool) -> None:
    hint = "Set CHENGTU_HOME to another folder: each has a database of its own."
    if stored not in (None, size):
        raise Conflict(f"This database holds the sample '{stored}', not '{size}'.", hint)
    if stored is None and holds_city:
        raise Conflict("This database already holds a city; the sample would be mixed into it.", hint)


def _change(city: SampleCity, size: str) -> Change:
    source = ImportSource(
        path=f"sample:{size}",
        format="sample",
        crs=city.metric_crs,
        source="sample",
        licence="Apache-2.0",
        attribution=NOTE,
        extent=city.extent,
        report=dict(city.facts),
    )
    return Change("sample", f"load the sample {size}", uuid4(), source, city.metric_crs)
