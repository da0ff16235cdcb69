"""The command line within this process: the same failures and exit codes, without starting Python each time."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from unittest.mock import patch

from app import console
from app.cli import app


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended and what it printed."""

    returncode: int
    stdout: str
    stderr: str


@contextlib.contextmanager
def _logs_as_before() -> Iterator[None]:
    """What a server's command sets up for its whole process (`logs.install`) ends with the command here."""
    root, hook = logging.getLogger(), threading.excepthook
    handlers, level = root.handlers[:], root.level
    quiet = logging.getLogger("uvicorn.access").disabled
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        threading.excepthook = hook
        logging.getLogger("uvicorn.access").disabled = quiet
        logging.captureWarnings(capture=False)


def chengtu(environment: Mapping[str, str], *words: str) -> Done:
    """Run `chengtu WORDS` with these environment variables beside the present ones."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        _logs_as_before(),
        patch.dict(os.environ, environment),
        patch.object(sys, "argv", ["chengtu", *words]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            console.run(app)
        except SystemExit as ended:
            code = ended.code
    return Done(code if isinstance(code, int) else int(code is not None), out.getvalue(), err.getvalue())
