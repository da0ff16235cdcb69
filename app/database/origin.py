"""Where a transaction that writes comes from: who, how they came, from which address; the audit record keeps it."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from functools import cache
from typing import Literal

#: How somebody came: over HTTP as who the gate knows, by a command of the machine itself, by a job that was asked for,
#: or nobody at all: the service on its own behalf.
Kind = Literal["user", "key", "open", "nobody", "command", "job", "service"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Who does what is done here; `who` counts where the transaction's scope names nobody."""

    kind: Kind
    address: str | None = None
    who: str = ""

    def setting(self) -> str:
        """The statement that tells it to the database within a transaction, behind a semicolon."""
        return ";SET LOCAL chengtu.origin='" + json.dumps(asdict(self)).replace("'", "''") + "'"


#: The origin of the request, job or command that runs.
ORIGIN: ContextVar[Origin | None] = ContextVar("chengtu_origin", default=None)
SERVICE = Origin("service")


@contextmanager
def originating(origin: Origin) -> Iterator[None]:
    """Let what the block writes come from there."""
    token = ORIGIN.set(origin)
    try:
        yield
    finally:
        ORIGIN.reset(token)


@cache
def machine() -> Origin:
    """A command of the machine itself, by the user who gave it."""
    try:
        return Origin("command", who=getpass.getuser())
    except (KeyError, OSError):  # an account without a name, as containers have
        return Origin("command", who="command")
