"""Row-level security: who sees and writes which rows and fields of which class, of searches, runs, photos and jobs."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    # The driver takes each file as one message. How each class is guarded stands in a file of its own, which
    # `python -m app.inventory.guards` writes until this revision is released.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    versions = Path(__file__).parent
    for name in ("0017_row_security.sql", "0017_guards.sql"):
        driver.execute((versions / name).read_text(encoding="utf-8"))
