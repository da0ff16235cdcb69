"""Row-level security costs less: settings are read within the query, values compared one by one."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute("SET LOCAL ROLE chengtu_owner")
    driver.execute((Path(__file__).parent / "0021_cheaper_scope.sql").read_text(encoding="utf-8"))
