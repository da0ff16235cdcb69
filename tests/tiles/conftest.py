"""The drawn city of the OGC suites, for the documents on its tiles; the pages' scripts in place."""

from __future__ import annotations

import pytest

from app.web import assets
from tests.ogc.conftest import Api, api

__all__ = ["Api", "api"]


@pytest.fixture(scope="session")
def fetched_assets() -> None:
    """MapLibre is in place, as `make run` leaves it."""
    assets.fetch()
