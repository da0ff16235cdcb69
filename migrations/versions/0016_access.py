"""People, parties, grants and sessions: who may do what, where."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    # Frozen text; the driver takes the whole file as one message.
    driver = op.get_bind().connection.driver_connection
    driver.execute("SET LOCAL ROLE chengtu_owner")
    driver.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
