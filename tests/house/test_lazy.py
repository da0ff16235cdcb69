"""Libraries are loaded when they are first used; those that nothing here needs are left out."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import cli, console
from app.lazy import lazy_module, leave_out


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


def test_threads_that_ask_a_module_at_once_all_find_it_whole(tmp_path, monkeypatch):
    """A web worker's first edits come at the same time; half a module let some of them fail."""
    (tmp_path / "slow_to_load.py").write_text("import time\ntime.sleep(0.3)\nlast = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = lazy_module("slow_to_load")
    assert "slow_to_load" not in sys.modules
    together = threading.Barrier(8)

    def ask(_: int) -> object:
        together.wait()
        return module.last

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [1] * 8
    monkeypatch.delitem(sys.modules, "slow_to_load")


def test_what_is_not_installed_is_told_at_once():
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        lazy_module("no_such_package.part")
