"""The width of the suite: `make test` is its short form, `make wide` what that leaves out.

Left out are cases of a kind beside some that differ, and long ways through the house whose rooms other tests try.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import Any

import pytest

#: Whether every case is run.
EVERY = "CHENGTU_SOAK" in os.environ
WIDE = pytest.mark.wide


def few(cases: Iterable[Any], kept: Collection[Any]) -> list[Any]:
    """All cases for `parametrize`, of which those that are not `kept` are left to `make wide`.

    Raises:
        ValueError: One to be kept is none of the cases.
    """
    cases = list(cases)
    if unknown := [case for case in kept if case not in cases]:
        raise ValueError(f"No cases: {unknown}")
    return [case if case in kept else pytest.param(*_values(case), marks=WIDE) for case in cases]


def thin(cases: Iterable[Any], each: int = 3) -> list[Any]:
    """All cases for `parametrize`, of which `make test` runs each third (or so): those between are alike."""
    cases = list(cases)
    return few(cases, cases[::each])


def _values(case: Any) -> tuple[Any, ...]:
    return case if isinstance(case, tuple) else (case,)


def leave_wide(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked `wide`, unless that or every case is asked for, or a folder, file or test by name."""
    if EVERY or "wide" in config.option.markexpr or _is_part(config):
        return
    left = [item for item in items if item.get_closest_marker("wide") is not None]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item.get_closest_marker("wide") is None]


def _is_part(config: pytest.Config) -> bool:
    """Whether folders, files or tests are named: not the whole suite, which xdist's workers are given by name."""
    whole = {config.rootpath, *(config.rootpath / folder for folder in config.getini("testpaths"))}
    return any((config.invocation_params.dir / asked).resolve() not in whole for asked in config.args)
