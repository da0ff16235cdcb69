"""Runs the revisions on the connection that `app.database.migrate` gives, inside its transaction, as the owner."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table_schema="city", transactional_ddl=True)
with context.begin_transaction():
    connection.exec_driver_sql("SET LOCAL ROLE chengtu_owner")
    context.run_migrations()
