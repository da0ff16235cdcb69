"""The error tree: what can go wrong for a user, with a code, a status and a way out.

ChengtuError                 code, message, hint, HTTP status, exit code
├── NotFound        404      a name that does not exist; the hint lists the nearest valid ones
├── BadInput        400      a request, file or declaration that cannot be used as it is
│   ├── BadDeclaration       a class, policy or setting file that cannot start the program
│   ├── UnreadableFile       a file that cannot be opened or holds nothing usable
│   ├── BadGeometry          coordinates that cannot be stored or used
│   ├── TooLarge    413      a request body over the limit
│   └── WrongMedia  415      a request body of a type that is not taken here
├── KeyRequired     401      from another machine: no key, or one that is not known, expired or revoked
├── LoginRequired   401      nobody is logged in, or the session has ended
├── LoginFailed     401      name or password are wrong, or the provider's answer does not hold
├── Forbidden       403      what the caller's roles, areas or key do not allow
├── NotAllowed      405      a method that the resource does not take
├── Conflict        409      the stored state forbids the change
│   ├── PreconditionFailed 412   the caller's version is not the current one
│   └── PreconditionRequired 428 the caller must name the version that it means to change
├── TooMany         429      too many tries or requests; `Retry-After` says how long to wait
├── Unavailable     503      database, engine or another part is busy or down; retry later
│   ├── Away                 it is gone for the moment and comes back by itself
│   │   └── InDoubt          it went while it was saving: nobody knows yet whether it did
│   └── NoSpace     507      the disk is full
└── SetupFailed     500      the machine lacks something; the hint says what to install or free
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


class ChengtuError(Exception):
    """A failure told to the user in one sentence, with a hint that says what to do."""

    code = "error"
    status = 500
    exit_code = 2

    def __init__(self, message: str, hint: str | None = None, **members: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint is not None:
            self.add_note(hint)  # tracebacks tell it too: in a notebook they are all that is seen
        #: More that the problem document tells, such as the conflicts found.
        self.members = members
        #: Headers that belong to the answer, such as `Allow`.
        self.headers: dict[str, str] = {}


class NotFound(ChengtuError):
    code = "not-found"
    status = 404


class BadInput(ChengtuError):
    code = "bad-input"
    status = 400


class BadDeclaration(BadInput):
    code = "bad-declaration"


class UnreadableFile(BadInput):
    code = "unreadable-file"


class BadGeometry(BadInput):
    code = "bad-geometry"


class TooLarge(BadInput):
    code = "too-large"
    status = 413


class WrongMedia(BadInput):
    code = "unsupported-media-type"
    status = 415


class KeyRequired(ChengtuError):
    code = "key-required"
    status = 401


class LoginRequired(ChengtuError):
    code = "login-required"
    status = 401


class LoginFailed(ChengtuError):
    code = "login-failed"
    status = 401


class Forbidden(ChengtuError):
    code = "forbidden"
    status = 403


class NotAllowed(ChengtuError):
    code = "method-not-allowed"
    status = 405


class Conflict(ChengtuError):
    code = "conflict"
    status = 409


class PreconditionFailed(Conflict):
    code = "precondition-failed"
    status = 412


class PreconditionRequired(Conflict):
    code = "precondition-required"
    status = 428


class TooMany(ChengtuError):
    code = "too-many-requests"
    status = 429

    def __init__(self, message: str, hint: str | None = None, *, wait_s: float = 1, **members: Any) -> None:
        super().__init__(message, hint, **members)
        self.headers["Retry-After"] = str(max(1, math.ceil(wait_s)))


class Unavailable(ChengtuError):
    code = "unavailable"
    status = 503


class Away(Unavailable):
    code = "away"


class InDoubt(Away):
    code = "in-doubt"


class NoSpace(Unavailable):
    code = "no-space"
    status = 507


class SetupFailed(ChengtuError):
    code = "setup-failed"
    status = 500


#: A path of a machine, which whoever runs it is told at the terminal and in the log, and no caller.
_MACHINE_PATH = re.compile(r"(?<![\w/.:])(?:/[^\s/'\",;]+){2,}")
#: Names a hint lists at most.
SHOWN_NAMES = 12


def unknown(kind: str, name: str, valid: Iterable[str]) -> NotFound:
    """The error for a name that does not exist, hinting at the nearest valid names."""
    names = sorted(valid)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}?" if near else f"Valid names: {_short_list(names)}."
    return NotFound(f"There is no {kind} named '{name}'.", hint)


def _short_list(names: list[str]) -> str:
    """The first names; where they are too many to be read, how many more there are and where to find them."""
    shown = ", ".join(names[:SHOWN_NAMES]) or "none"
    more = len(names) - SHOWN_NAMES
    return (
        f"{shown} … and {more} more: /docs and docs/reference.md say where to list them"
        if more > 0
        else shown
    )


def outside(error: ChengtuError) -> ChengtuError:
    """What callers hear of it: of what the machine lacks nothing that names its folders."""
    told = f"{error.message} {error.hint or ''}"
    if not isinstance(error, SetupFailed) or _MACHINE_PATH.search(told) is None:
        return error
    return SetupFailed(
        "The server's machine lacks something.",
        "Tell whoever runs it: the server's log has the details under this request's id.",
    )


def error_to_plain(error: ChengtuError) -> dict[str, Any]:
    """An error as plain values, for another process or the record."""
    return {"code": error.code, "status": error.status, "message": error.message, "hint": error.hint}


def error_from_plain(plain: Mapping[str, Any]) -> ChengtuError:
    """The error that `error_to_plain` wrote, of its own type again where the code names one."""
    kinds = {kind.code: kind for kind in _error_kinds(ChengtuError)}
    error = kinds.get(plain["code"], ChengtuError)(plain["message"], plain.get("hint"))
    error.code, error.status = plain["code"], plain.get("status", error.status)
    return error


def _error_kinds(kind: type[ChengtuError]) -> Iterator[type[ChengtuError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _error_kinds(below)
