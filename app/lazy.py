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


class _Part(ModuleType):
    """A module of a package that is not loaded yet: to find it would load the package."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(importlib.import_module(self.__name__), name)
        setattr(self, name, found)
        return found


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
    if package != name and package not in sys.modules and importlib.util.find_spec(package) is not None:
        return _Part(name)
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


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
        # A module that is waiting is loaded by the question for any of its attributes.
        getattr(importlib.import_module(name), "__name__", None)
