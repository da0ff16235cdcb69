"""One declaration of the kinds of jobs: the worker has a handler for each, and its counter a place."""

from __future__ import annotations

import pytest

from app import worker
from app.access.permissions import ROUTES
from app.coverage.engine_client import EngineClient
from app.jobs.kinds import KINDS
from app.settings import Settings


@pytest.mark.parametrize("change", [{"another": None}, {"search": ...}])
def test_a_worker_starts_with_what_is_declared_alone(monkeypatch, change):
    worker.make_worker(Settings(), EngineClient(None))
    changed = {kind: needed for kind, needed in {**KINDS, **change}.items() if needed is not ...}
    monkeypatch.setattr(worker, "KINDS", changed)
    with pytest.raises(LookupError, match=next(iter(change))):
        worker.make_worker(Settings(), EngineClient(None))


def test_what_a_job_needs_is_what_its_route_needs():
    queued = {
        "POST /coverage": ("coverage", "scenario"),
        "POST /coverage/series": ("coverage_series",),
        "POST /imports": ("import",),
        "POST /imports/inspect": ("inspect",),
    }
    for route, kinds in queued.items():
        assert {KINDS[kind] for kind in kinds} == {ROUTES[route]}, route
    assert {kind for kinds in queued.values() for kind in kinds} == {kind for kind in KINDS if KINDS[kind]}
