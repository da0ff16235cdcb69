"""Whether the service's login may do no more than it needs: row-level security binds no superuser and no owner."""

from __future__ import annotations

from sqlalchemy import Connection, text

from app.errors import SetupFailed

_MAY = text(
    "SELECT r.rolsuper OR r.rolbypassrls OR r.rolcreaterole AS mighty, "
    "EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname IN ('city', 'local') AND pg_has_role(r.oid, c.relowner, 'MEMBER')) AS owns "
    "FROM pg_roles r WHERE r.rolname = session_user"
)


def check_own_login(conn: Connection) -> None:
    """Raise SetupFailed where the service logged in as a superuser, past row-level security or as the tables' owner."""
    found = conn.execute(_MAY).one()
    if found.mighty or found.owns:
        how = "an administrator of the database server" if found.mighty else "the owner of the tables"
        raise SetupFailed(
            f"The service would log in as {how}, whom no rule of access binds.",
            "Take the rights away that its login was given: it needs none but those that chengtu db migrate grants.",
        )
