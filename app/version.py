"""The program's version, read from its installed metadata: it stands in pyproject.toml alone."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version


@cache
def version() -> str:
    """The version, for example `0.1.0`; `0+unknown` where the program runs without being installed."""
    try:
        return installed_version("chengtu")
    except PackageNotFoundError:
        return "0+unknown"
