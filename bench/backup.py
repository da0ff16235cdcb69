"""Backup and way back of 1,270,000 features: seconds of each part, with every row, right and audit entry compared."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sqlalchemy import text

from app import console
from app.access import audit_service
from app.backup import restore_service, service
from app.backup.restore_service import Asked
from app.catalogue.model import Catalogue
from app.database.engine import Database
from app.search.service import ensure_entries
from app.settings import Settings
from bench.features_data import COPIES, SEEDS, fill
from bench.scratch import scratch
from bench.tools import table

BAR_S = 180
MIB = 1024**2


def run(*, peers: bool) -> None:
    """Print what backup, verification and restoring take; there is no peer but pg_dump, which is the first part."""
    del peers
    with (
        scratch() as (settings, catalogue, db),
        tempfile.TemporaryDirectory(prefix="chengtu-bench-") as folder,
    ):
        console.step(f"{sum(COPIES.values()) * SEEDS:,} features, each found by its name …")
        _fill(settings, catalogue, db)
        db.dispose()
        made = service.backup(settings, f"{folder}/", keep=None, verify=True, tell=console.step)
        done = restore_service.restore(
            settings, Asked(Path(made.file), end=True, drop_old=True), then=lambda _: None, tell=console.step
        )
        whole = audit_service.verify(db)
        parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in made.seconds.items())
        taken = sum(made.seconds.values())
        rows = [
            ("backup, restored and compared", f"{taken:6.1f} s (bar: ≤ {BAR_S}); {parts}"),
            ("restore, compared", f"{done.seconds:6.1f} s (bar: ≤ {BAR_S})"),
            ("the file", f"{made.bytes / MIB:6.0f} MiB, {made.rows:,} rows in {made.tables} tables"),
            ("the audit record afterwards", "whole" if whole.whole else f"BROKEN: {whole.reason}"),
        ]
        table("Backup and way back", rows)


def _fill(settings: Settings, catalogue: Catalogue, db: Database) -> None:
    fill(settings, catalogue, db)
    with db.write() as conn:
        # Copies were made beside the service: let it find them.
        for class_id in COPIES:
            conn.execute(
                text("UPDATE city.settings SET value = '' WHERE key = :key"), {"key": f"search.{class_id}"}
            )
    ensure_entries(db, catalogue)
