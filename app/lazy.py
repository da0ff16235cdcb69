"""Libraries that are slow to start and seldom needed: loaded when first used, not when the program starts."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class _LeftOut:
    """Says of packages that they are not installed."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def find_spec(self, name: str, *_: object) -> None:
        if name in self._names:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)


def leave_out(*names: str) -> None:
    """Let this process go on as if packages were not installed: other libraries load them wherever they are."""
    sys.meta_path.insert(0, _LeftOut(frozenset(names)))


class _Later(ModuleType):
    """Stands for a module that is loaded at the first question for one of its attributes.

    The import system does so, and lets other threads wait until it is done: `importlib.util.LazyLoader` shows them half
    a module (until Python 3.11.9). Nothing is kept here, so that what is put in an attribute's place is found.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


def lazy_module(name: str) -> ModuleType:
    """The module `name`, whose code runs at the first use of one of its attributes.

    Raises:
    ------
    ModuleNotFoundError
        It, or the package that it is a part of, is not installed.
    """
    if name in sys.modules:
        return sys.modules[name]
    package, _, _ = name.partition(".")
    if package not in sys.modules and importlib.util.find_spec(package) is None:
        raise ModuleNotFoundError(f"No module named '{package}'", name=package)
    return _Later(name)


@contextmanager
def loading(*names: str) -> Iterator[None]:
    """Load modules while the block waits for something else and uses none of them; they are loaded when it ends.

    What a module raises is raised again where it is first used.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="loading") as thread:
        thread.submit(_load, names)
        yield


def _load(names: tuple[str, ...]) -> None:
    for name in names:
        importlib.import_module(name)
