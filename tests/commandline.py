"""The command line within this process: the same failures and exit codes, without starting Python each time."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Mapping
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


def chengtu(environment: Mapping[str, str], *words: str) -> Done:
    """Run `chengtu WORDS` with these environment variables beside the present ones."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
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
