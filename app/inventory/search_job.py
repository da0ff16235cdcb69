"""The search job: what many features are found by is made soon after their first load, not within it.

The load puts its class off and queues the job. Whoever comes first makes the entries and takes the mark away: the
server's worker, a server that starts, the command that searches. Writes to the class in the meantime leave it to them.
"""

from __future__ import annotations

from sqlalchemy import Connection

from app.catalogue.model import Catalogue, FeatureClass
from app.inventory import search_index_store
from app.jobs import store as jobs

#: The kind of job that a worker takes up.
KIND = search_index_store.KIND


def put_off(conn: Connection, cls: FeatureClass) -> None:
    """Let all entries of a class be made by the job; with the caller's transaction."""
    search_index_store.put_off(conn, cls)
    jobs.enqueue_once(conn, KIND, {}, KIND)


def requeue(conn: Connection, catalogue: Catalogue) -> None:
    """Queue the job again where classes wait without one."""
    if any(search_index_store.is_put_off(conn, cls) for cls in catalogue.classes.values()):
        jobs.enqueue_once(conn, KIND, {}, KIND)


def drop_queued(conn: Connection) -> None:
    """Take the job out of the queue: what it was to do is done."""
    jobs.drop_queued(conn, KIND)
