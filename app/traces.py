"""Which request is being served, and by which process: what log lines, replies and the database's own lists bear."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: What may be taken over as an id from a trusted proxy: nothing that could end a line or a statement.
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: Names in PostgreSQL's `pg_stat_activity` have so many bytes at most.
NAME_BYTES = 63
#: The id of the request or of the job that runs; threads that work for it see the same one.
REQUEST_ID: ContextVar[str] = ContextVar("chengtu_request_id", default="")


class _Process:
    """What this process is: `web`, `engine`, `jobs`, `serve`, else `command`."""

    name = "command"


def set_process(name: str) -> None:
    """Say what this process is, once at its start."""
    _Process.name = name


def process_name() -> str:
    """What this process is."""
    return _Process.name


def new_id() -> str:
    """An id of a request: 64 random bits."""
    return secrets.token_hex(8)


def is_id(text: str) -> bool:
    """Whether an id that somebody else gave can be taken over."""
    return _ID.fullmatch(text) is not None


@contextmanager
def tracing(request_id: str) -> Iterator[None]:
    """Let the block be work for a request; what is no id is none."""
    token = REQUEST_ID.set(request_id if is_id(request_id) else "")
    try:
        yield
    finally:
        REQUEST_ID.reset(token)


def application_name() -> str:
    """What a connection is called at the database while nobody is served by it."""
    return f"chengtu {_Process.name}"


def trace_setting() -> str:
    """The statement that names the request to the database within a transaction, behind a semicolon; "" for none."""
    found = REQUEST_ID.get()
    return f";SET LOCAL application_name='{f'{application_name()} {found}'[:NAME_BYTES]}'" if found else ""
