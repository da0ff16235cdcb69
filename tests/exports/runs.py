"""Runs of coverage stored as the service stores them, without a computation."""

from __future__ import annotations

import json
from uuid import uuid4

from sqlalchemy import text

from app.database.transactions import Connection

_INSERT = text(
    "INSERT INTO city.coverage_runs (id, policy_id, policy_version, policy_text, modes, inputs, results, areas)"
    " VALUES (:run, 'toilet-300', '1', '', '{straight}', CAST(:inputs AS jsonb), '[]', '[]')"
)


def store_run(conn: Connection) -> str:
    """A run without rows; its UUID."""
    run = str(uuid4())
    inputs = json.dumps({"policy": {"id": "toilet-300", "version": "1"}})
    conn.execute(_INSERT, {"run": run, "inputs": inputs})
    return run
