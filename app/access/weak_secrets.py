"""A server does not start with a secret that anybody would try first: none, a default, or the name of its user.

`chengtu run` and `chengtu serve` ask it before anything else, whether the database is there or not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from app.database.server import admin_parameters
from app.errors import SetupFailed
from app.secret_files import told_secrets
from app.settings import Settings

#: Shorter ones are tried through in no time.
SHORTEST = 8
#: What examples, images and installers set, lower case.
DEFAULTS = frozenset(
    {
        "admin", "administrator", "changeit", "changeme", "change-me", "change_me", "chengtu", "default", "docker",
        "example", "gis", "guest", "letmein", "mysecretpassword", "pass", "passw0rd", "password", "password1",
        "password123", "postgis", "postgres", "postgresql", "qwerty", "replaceme", "root", "secret", "supersecret",
        "test", "topsecret", "12345678", "123456789", "1234567890", "11111111", "88888888", "00000000",
    }
)  # fmt: skip


def check_secrets(settings: Settings) -> None:
    """Raise SetupFailed where a secret is empty, a default, or too short to be one."""
    for variable, secret, names in _told(settings):
        why = weakness(secret, names)
        if why:
            raise SetupFailed(
                f"The secret in {variable} is {why}: whoever reaches it would try that first.",
                "Make another one: openssl rand -hex 24, set it where it is asked for, then here "
                f"(or in a file that {variable}_FILE names).",
            )


def weakness(secret: str, names: tuple[str, ...] = ()) -> str | None:
    """What is wrong with a secret, in words; None where nothing is. `names` are those that stand beside it."""
    plain = secret.strip().casefold()
    if not plain:
        return "empty"
    if plain in DEFAULTS or len(set(plain)) == 1:
        return "a default"
    if plain in {name.casefold() for name in names}:
        return "the name that stands beside it"
    return f"shorter than {SHORTEST} characters" if len(plain) < SHORTEST else None


def _told(settings: Settings) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Variable, secret and the names beside it, of every secret that opens something."""
    for variable, secret in told_secrets(settings):
        if variable == "DATABASE_URL":
            yield from _of_database(settings, secret)
        elif variable == "CHENGTU_OIDC_CLIENT_SECRET":
            yield variable, secret, (settings.oidc_client_id or "",)


def _of_database(settings: Settings, url: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The password of DATABASE_URL, where it holds one: a server may also know the user by socket or certificate."""
    given = admin_parameters(settings)
    names = (given.get("user", ""), given.get("dbname", ""))
    if "password" in given:
        yield "DATABASE_URL", given["password"], names
    elif "://" in url and urlsplit(url).password is not None:
        yield "DATABASE_URL", "", names
    elif "PGPASSWORD" in os.environ:
        yield "PGPASSWORD", os.environ["PGPASSWORD"], names
