"""psql on the service's database: for whoever looks after the machine, who need not find socket, user and password."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import NoReturn

from psycopg import pq

from app.database.binaries import find_binaries
from app.database.server import Parameters, admin_parameters
from app.errors import ChengtuError, SetupFailed
from app.settings import Settings


def open_psql(settings: Settings, database: str | None, words: Sequence[str]) -> NoReturn:
    """Become psql, as the administrator, on `database` (None: the service's own), with these words of psql's.

    Raises:
        SetupFailed: There is no psql on this machine.
        Unavailable: The embedded database does not run.
    """
    program = _find_psql(settings)
    environment = {**os.environ, **as_environment(admin_parameters(settings, database))}
    os.execve(program, [program, *words], environment)  # noqa: S606 - psql it is to be, with the words of who asks


def as_environment(parameters: Parameters) -> dict[str, str]:
    """Parameters of a connection as the variables that libpq reads: unlike words, others do not see them."""
    variables: Mapping[bytes, bytes] = {
        option.keyword: option.envvar for option in pq.Conninfo.get_defaults() if option.envvar
    }
    return {
        variables[name.encode()].decode(): str(value)
        for name, value in parameters.items()
        if name.encode() in variables
    }


def _find_psql(settings: Settings) -> str:
    if settings.database_url is None:
        return find_binaries().program("psql")
    found = shutil.which("psql")
    if found is not None:
        return found
    try:
        return find_binaries().program("psql")
    except ChengtuError as error:
        raise SetupFailed(
            "psql is not installed on this machine.", "Install it: apt install postgresql-client"
        ) from error
