"""Opening the database: started, migrated, ready. (Only to use it, take `transactions`: Alembic is slow to import.)"""

from __future__ import annotations

import psycopg

from app.database.cluster import ensure_started
from app.database.migrate import migrate
from app.database.revision import check_not_newer, current_revision, head
from app.database.roles import READER
from app.database.server import login_parameters
from app.database.transactions import Connection as Connection
from app.database.transactions import Database as Database
from app.database.transactions import translated as translated
from app.errors import SetupFailed
from app.settings import Settings


def open_database(settings: Settings) -> Database:
    """The database, ready for use: the embedded cluster is started and revisions are run where needed."""
    ensure_started(settings)
    if not _is_current(settings):
        migrate(settings)
    return Database(settings)


def _is_current(settings: Settings) -> bool:
    """Whether the service can log in and finds the newest revision."""
    parameters = login_parameters(settings)
    if parameters is None:
        return False
    try:
        with translated(), psycopg.connect(**parameters) as connection:
            connection.execute(f"SET ROLE {READER}")
            revision = current_revision(connection)
    except SetupFailed:
        return False  # the login is unknown there (a restored server): migrating makes it anew
    check_not_newer(revision)
    return revision == head()
