"""Opening the database: started, migrated, ready. (Only to use it, take `transactions`: Alembic is slow to import.)"""

from __future__ import annotations

import psycopg

from app.database.cluster import ensure_started
from app.database.failures import translated as translated
from app.database.migrate import Then, migrate
from app.database.revision import check_not_newer, current_revision, find_local_mark, head, local_mark
from app.database.roles import READER
from app.database.server import login_parameters
from app.database.transactions import Connection as Connection
from app.database.transactions import Database as Database
from app.errors import SetupFailed
from app.settings import Settings


def open_database(settings: Settings, then: Then | None = None, *, make: bool = False) -> Database:
    """The database, ready for use: the embedded cluster is started and revisions are run where needed.

    With `then` it also grows to the city's own classes (see `migrate`). Only with `make` is a cluster made where the
    data folder has none: a folder that was named by mistake is not to be taken for an empty city.

    Raises:
        SetupFailed: There is no cluster, and `make` is False; or the city's own classes,
            as they are declared now, are not in it, and there is no `then`.
    """
    ensure_started(settings, make=make)
    is_current, has_local = _look(settings)
    if not is_current or not (has_local or then is None):
        migrate(settings, then=then)
        _, has_local = _look(settings)
    if not has_local:
        raise SetupFailed(
            f"The classes and fields declared in {settings.local} are not yet in the database as they stand there.",
            "Bring them in: chengtu db migrate",
        )
    return Database(settings)


def _look(settings: Settings) -> tuple[bool, bool]:
    """Whether the service can log in and finds the newest revision; whether the city's own classes are there."""
    parameters = login_parameters(settings)
    if parameters is None:
        return False, settings.local is None
    try:
        with translated(), psycopg.connect(**parameters) as connection:
            connection.execute(f"SET ROLE {READER}")
            revision = current_revision(connection)
            mark = find_local_mark(connection) if revision == head() else None
    except SetupFailed:
        return False, settings.local is None  # unknown there (a restored server): migrating makes it anew
    check_not_newer(revision)
    return revision == head(), settings.local is None or mark == local_mark(settings)
