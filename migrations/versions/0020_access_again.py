"""What a review of access found: runs by the level of what they read, a feature's past as its present, stable owners."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute("SET LOCAL ROLE chengtu_owner")
    driver.execute((Path(__file__).parent / "0020_access_again.sql").read_text(encoding="utf-8"))
