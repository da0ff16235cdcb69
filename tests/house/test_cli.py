"""The command line as a whole: all commands are told of, and each loads only what it needs."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from app.cli import COMMANDS, app
from tests.commandline import chengtu


def test_the_help_tells_of_every_command_in_order():
    shown = chengtu({"COLUMNS": "200"}, "--help").stdout
    root = typer.main.get_command(app)
    lines = [line.strip("│ ").split(maxsplit=1) for line in shown.splitlines() if line.startswith("│")]
    told = {words[0]: words[1] for words in lines if len(words) == 2 and words[0] in COMMANDS}
    assert list(told) == list(COMMANDS)
    for name, command in root.commands.items():
        assert command.name == name
        first = command.help.split("\n\n")[0].split()
        assert told[name].split()[:5] == first[:5]


def test_what_is_no_command_is_told_with_what_is_like_it():
    done = chengtu({}, "imprt")
    assert done.returncode == 2
    assert "No such command 'imprt'" in done.stderr
    assert "'import'" in done.stderr


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("app.cli", "numpy sqlalchemy psycopg shapely scipy fastapi alembic"),
        # The reading process is started when the first of these is loaded, the second while it reads.
        ("app.ingest.commands", "sqlalchemy psycopg shapely pyproj scipy fastapi alembic"),
        ("app.ingest.command_service", "scipy fastapi alembic pandas"),
    ],
)
def test_a_command_starts_without_what_it_does_not_need(module, unwanted):
    code = (
        f"import sys, {module} as m; m.__doc__; print(*sorted(set({unwanted.split()!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
