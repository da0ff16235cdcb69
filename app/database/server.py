"""Connection parameters: of the administrator (migrations only) and of the service's own login."""

from __future__ import annotations

import hashlib
from typing import TypedDict, cast

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from app.database.cluster import DATABASE, SUPERUSER, Status, status
from app.database.passwords import Login, find_login, find_superuser_password, get_login
from app.errors import Away, BadInput, SetupFailed
from app.settings import Settings

#: For every connection: give up on a silent server, and speak one dialect whatever the server's defaults are.
#: (Keepalive and user timeout act on TCP only.)
COMMON: Parameters = {
    "connect_timeout": "4",
    "keepalives_idle": "30",
    "tcp_user_timeout": "10000",
    "application_name": "chengtu",
    "options": "-c TimeZone=UTC -c DateStyle=ISO -c client_min_messages=warning",
}


class Parameters(TypedDict, total=False):
    """libpq parameters, as `psycopg.connect` takes them."""

    host: str
    port: str
    user: str
    password: str
    dbname: str
    connect_timeout: str
    keepalives_idle: str
    tcp_user_timeout: str
    application_name: str
    options: str


def admin_parameters(settings: Settings, database: str | None = None) -> Parameters:
    """How the administrator connects: superuser of the embedded cluster, or DATABASE_URL as it stands.

    `database` names another database of the same server. Raises Unavailable where the embedded one is not running.
    """
    server = _server(settings)
    if settings.database_url is None:
        server |= Parameters(user=SUPERUSER, password=_superuser_password(settings))
    return server | Parameters(dbname=database) if database else server


def login_parameters(settings: Settings) -> Parameters | None:
    """How the service connects; None before the first migration made its login."""
    login = find_login(settings.home_path, _key(settings))
    if login is None:
        return None
    return _server(settings) | Parameters(user=login.user, password=login.password)


def make_login(settings: Settings) -> Login:
    """The service's login for this database and data folder, made and kept at first need."""
    return get_login(settings.home_path, _key(settings))


def database_mark(settings: Settings) -> str:
    """What tells this database from others in names of files of the data folder."""
    return hashlib.sha256(_key(settings).encode()).hexdigest()[:16]


def _superuser_password(settings: Settings) -> str:
    password = find_superuser_password(settings.home_path)
    if password is None:
        raise SetupFailed(
            f"The database's password is missing from {settings.home_path}.",
            "Make a new one: chengtu db stop, then chengtu db start",
        )
    return password


def _server(settings: Settings) -> Parameters:
    if settings.database_url is None:
        return _embedded(status(settings)) | COMMON
    return COMMON | _parse(settings.database_url)


def _embedded(now: Status) -> Parameters:
    if not now.running:
        raise Away("The database is not running.", "Start it: chengtu db start")
    return Parameters(host=str(now.socket_dir), port=str(now.port), dbname=DATABASE)


def _parse(url: str) -> Parameters:
    try:
        # SQLAlchemy's spelling names the driver; libpq's does not.
        values = conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))
    except ProgrammingError as error:
        raise BadInput(
            "DATABASE_URL is not a PostgreSQL address.",
            "Write it as postgresql://user:password@host:5432/database",
        ) from error
    return cast("Parameters", {name: str(value) for name, value in values.items() if value is not None})


def _key(settings: Settings) -> str:
    """What tells this database from others the data folder may have been used with."""
    if settings.database_url is None:
        return "embedded"
    server = _parse(settings.database_url)
    return "|".join(str(server.get(name, "")) for name in ("host", "port", "dbname"))
