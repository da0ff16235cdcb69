"""Libraries that nothing here needs are left out, so that others do not load them."""

from __future__ import annotations

import sys

import pytest

from app import cli, console
from app.lazy import leave_out


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))


def test_what_is_left_out_is_not_installed(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    leave_out("colorsys")
    with pytest.raises(ModuleNotFoundError, match="colorsys"):
        __import__("colorsys")
    __import__("bisect")


def test_the_command_line_does_without_pandas(monkeypatch):
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    found = []

    def run(_: object) -> None:
        with pytest.raises(ModuleNotFoundError):
            __import__("pandas")
        found.append("run")

    monkeypatch.setattr(console, "run", run)
    cli.main()
    assert found == ["run"]
