"""A writing transaction on a drawn town, rolled back after the test."""

from __future__ import annotations

import pytest

from app.inventory.service import write_batches
from tests.inventory.town import CHANGE, districts


@pytest.fixture
def town(conn, catalogue):
    """The town's districts, written."""
    write_batches(conn, catalogue, [districts()], CHANGE)
    return conn
