"""Assessments by third parties; what is asked of the whole city so that writing within a part of it can be told."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    # Frozen text; the driver takes the whole file as one message.
    driver = op.get_bind().connection.driver_connection
    driver.execute("SET LOCAL ROLE chengtu_owner")
    driver.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
