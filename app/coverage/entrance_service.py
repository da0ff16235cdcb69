"""What the engine is asked for the entrances or the service area of a saved run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.catalogue.model import Catalogue
from app.coverage.edition_service import with_editions
from app.coverage.service import rerun_request
from app.database.transactions import Connection
from app.inventory.changes import data_versions


def request_of_run(conn: Connection, catalogue: Catalogue, run_id: str) -> dict[str, Any]:
    """The request that reads what a run read.

    Of a run made today from rows that still stand it is the plain request for now, whose arrays the engine holds.

    Raises:
    ------
    NotFound, Conflict
        There is no such run; its policy has another text now.
    """
    request = rerun_request(conn, with_editions(conn, catalogue), run_id)
    versions = request["versions"]
    today = datetime.now().astimezone().date().isoformat()
    unchanged = data_versions(conn, list(versions)) == list(versions.values())
    if unchanged and request["as_of"] == today:
        return {**request, "as_of": None, "known_at": None, "versions": {}}
    return request
