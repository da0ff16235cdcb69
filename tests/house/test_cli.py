"""The command line as a whole: all commands are told of, and each loads only what it needs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import typer

from app.cli import COMMANDS, app
from app.told import told
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


def test_what_a_command_does_is_read_whole_without_loading_it():
    for name, command in typer.main.get_command(app).commands.items():
        assert told(*COMMANDS[name]) == command.help
    for missing in (("app.cli", "nothing"), ("app.nothing", "run_command")):
        with pytest.raises(LookupError):
            told(*missing)


@pytest.mark.parametrize(("words", "shown"), [("chengtu --help", "compare"), ("chengtu co", "compare")])
def test_what_lists_the_commands_loads_none(words, shown):
    """The help, and the completion that a shell asks for at each press of Tab."""
    code = f"""
import atexit, sys
atexit.register(lambda: print("loaded", *sorted({{"numpy", "sqlalchemy", "app.commands"}} & set(sys.modules))))
sys.argv = {words.split()!r}
from app.cli import main
main()
"""
    asks = (
        {}
        if "--" in words
        else {"_CHENGTU_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "1"}
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=os.environ | asks, capture_output=True, text=True, check=False)
    assert shown in done.stdout
    assert done.stdout.splitlines()[-1] == "loaded", done.stdout + done.stderr


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
