"""Every infrastructure class: a table of current rows and one of all other versions."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Frozen text, made once by `python -m app.inventory.ddl`: a past revision must not follow the catalogue.
    # The driver takes the whole file as one message; through SQLAlchemy a % would be a placeholder.
    driver = op.get_bind().connection.driver_connection
    driver.execute("SET LOCAL ROLE chengtu_owner")
    driver.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
