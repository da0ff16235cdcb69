"""Requests made from the API definition, by each role and nobody: nothing fails, undeclared or leaking."""

from __future__ import annotations

import pytest

from app.access.permissions import ROUTES
from app.main import create_app
from bench.fuzz import Fuzzed, NearEngine
from bench.fuzz_askers import ASKERS, OPEN, name_people
from tests.clones import opened
from tests.width import few

pytestmark = pytest.mark.slow

#: Requests to each operation by whoever asks next; `python -m bench fuzz` sends 20,000 in all.
EXAMPLES = 2


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("who", few(["while it is open", "once people are named"], ["once people are named"]))
def test_no_request_made_from_the_definition_fails_or_is_answered_otherwise(own_town, catalogue, who):
    askers = (OPEN,) if who == "while it is open" else tuple(ASKERS)
    with opened(own_town) as database:
        if askers != (OPEN,):
            name_people(database)
        found = Fuzzed(create_app(own_town, NearEngine(database, catalogue)), database, askers).fuzz(EXAMPLES)
    assert found.faults == {}
    assert found.cases > 200
    assert set(found.statuses) == {asker.name for asker in askers}


@pytest.mark.filterwarnings("ignore")
def test_a_failure_that_is_not_declared_would_be_found(shared_database, monkeypatch):
    def fail() -> int:
        raise ValueError("no answer")

    monkeypatch.setattr("app.access.gate.ROUTES", {**ROUTES, "GET /failing": "open"})
    app = create_app(shared_database.settings)
    app.add_api_route("/failing", fail)
    found = Fuzzed(app, shared_database, (OPEN,)).fuzz(1, "GET /failing")
    assert found.cases == 1
    assert any("500" in fault for fault in found.faults)
