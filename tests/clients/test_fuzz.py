"""Requests made from the API definition: no failure, no answer that the definition does not declare, no leak."""

from __future__ import annotations

import os

import pytest

from app.main import create_app
from bench.fuzz import NearEngine, fuzz
from tests.conftest import opened

pytestmark = pytest.mark.slow

#: Requests to each operation; `make soak` sends more, `python -m bench fuzz` 20,000 in all.
EXAMPLES = int(os.environ.get("CHENGTU_SOAK_EXAMPLES", "2"))


@pytest.mark.filterwarnings("ignore")
def test_no_request_made_from_the_definition_fails_or_is_answered_otherwise(town_settings, catalogue):
    with opened(town_settings) as database:
        found = fuzz(create_app(town_settings, NearEngine(database, catalogue)), EXAMPLES)
    assert found.faults == {}
    assert found.cases > 100
