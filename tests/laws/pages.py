"""Pages that are done exactly as written: their blocks of shell step by step, and two languages that say the same."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
from typer.testing import CliRunner

from app.cli import app

#: A command with the lines of its here-document, or a line.
STEP = re.compile(r"^[^\n]*<<'(\w+)'\n.*?^\1$|^[^\n]+$", re.DOTALL | re.MULTILINE)


def blocks(text: str) -> list[str]:
    """The blocks of shell commands."""
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def steps(text: str) -> list[str]:
    """The steps of all blocks, in order."""
    return [step[0] for block in blocks(text) for step in STEP.finditer(block)]


def check_in_step(english: str, chinese: str) -> None:
    """The same commands, headings, list items and rows of tables in both languages."""
    assert blocks(english) == blocks(chinese)
    for pattern in (r"^#+ ", r"^- ", r"^\d+\. ", r"^\| "):
        assert len(re.findall(pattern, english, re.MULTILINE)) == len(
            re.findall(pattern, chinese, re.MULTILINE)
        ), pattern


def take(step: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Do one step and give what it printed: our own commands in this process, which saves their start."""
    if step.startswith("export "):
        name, _, value = step.removeprefix("export ").partition("=")
        monkeypatch.setenv(name, value)
        return ""
    if step.startswith(".venv/bin/chengtu "):
        done = CliRunner().invoke(app, shlex.split(step)[1:])
        assert done.exit_code == 0, f"{step}\n{done.output}\n{done.exception!r}"
        return done.output
    subprocess.run(["bash", "-euo", "pipefail", "-c", step], check=True)
    return ""
