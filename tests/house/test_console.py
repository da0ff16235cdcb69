"""What a person sees in the terminal: exact JSON, and failures as one sentence with a way out."""

from __future__ import annotations

import errno
import json
import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from app import console
from app.errors import BadInput, NotFound
from app.settings import Settings


def _outcome(capsys: pytest.CaptureFixture[str], fail: Exception | None) -> tuple[int, str, str]:
    def main() -> None:
        if fail is not None:
            raise fail

    with pytest.raises(SystemExit) as left:
        console.run(main)
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


def test_success_exits_0_without_a_word(capsys):
    assert _outcome(capsys, None) == (0, "", "")


def test_a_known_error_is_one_sentence_and_a_hint_with_exit_code_2(capsys):
    code, out, err = _outcome(capsys, NotFound("There is no class named 'toilet'.", "Did you mean toilets?"))
    assert (code, out) == (2, "")
    assert err == "Error: There is no class named 'toilet'.\nHint: Did you mean toilets?\n"


def test_an_unexpected_error_names_a_private_log_and_shows_no_traceback(capsys):
    code, _, err = _outcome(capsys, ValueError("[red]inner detail[/]"))
    assert code == 2
    assert "Traceback" not in err
    assert "inner detail" not in err
    log = Path(re.search(r"(/\S+\.log)", err)[1])
    assert "inner detail" in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o077 == 0
    log.unlink()


def test_debug_shows_the_traceback(capsys, monkeypatch):
    monkeypatch.setenv("CHENGTU_DEBUG", "1")
    _, _, err = _outcome(capsys, BadInput("wrong"))
    assert "Traceback" in err


def test_a_full_disk_is_told_as_such(capsys):
    code, _, err = _outcome(capsys, OSError(errno.ENOSPC, "No space left on device"))
    assert code == 2
    assert "The disk is full" in err


def test_an_interrupt_exits_130(capsys):
    def main() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as left:
        console.run(main)
    assert left.value.code == 130


@pytest.mark.parametrize(
    ("variable", "value"), [("PORT", "http"), ("PORT", "70000"), ("CHENGTU_WORKERS", "0")]
)
def test_a_setting_that_cannot_be_used_is_named_with_its_value(capsys, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as left:
        console.run(Settings)
    err = capsys.readouterr().err
    assert left.value.code == 2
    assert variable in err
    assert value in err


def test_json_is_exact_and_holds_chinese_dates_and_numpy_values(capsys):
    value = {
        "name": "[bold]赣江[/] " + "x" * 300,
        "on": date(2021, 12, 31),
        "n": np.int64(3),
        "a": np.arange(2),
    }
    console.print_json(value)
    out = capsys.readouterr().out
    assert "赣江" in out
    assert json.loads(out) == {"name": value["name"], "on": "2021-12-31", "n": 3, "a": [0, 1]}


def test_json_refuses_numbers_that_json_does_not_have():
    with pytest.raises(ValueError, match="JSON"):
        console.print_json({"share": float("nan")})


def test_data_in_a_table_is_never_markup(capsys):
    console.print_table("Runs", ["name", "n"], [["[red]x[/red]", 1], [None, 2]])
    assert "[red]x[/red]" in capsys.readouterr().out


def test_a_narrow_terminal_keeps_short_columns_whole_and_drops_empty_ones(capsys, monkeypatch):
    monkeypatch.setattr(console, "OUT", Console(width=80, highlight=False))
    headings = ("policy: tier", "measured", "land %", "people %", "served", "people", "target")
    long = "a-policy-with-a-rather-long-name-2025: green-500 *"
    rows = [[long, mode, "98.05", "97.11", "1,234,567", "1,300,000", ""] for mode in ("straight", "walked")]
    console.print_table("Coverage", headings, rows)
    out = capsys.readouterr().out
    assert "target" not in out
    for words in ("measured", "straight", "walked", "1,234,567", "people %"):
        assert words in out
    assert max(map(len, out.splitlines())) <= 80


def test_progress_can_be_told_in_steps(capsys):
    with console.progress("Loading") as report:
        report(1, 2, "[toilets]")
        report(2, 2, "parks")
    assert capsys.readouterr().out == ""
