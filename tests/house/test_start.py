"""What `chengtu run` prepares: a city where there is none, a run of every policy where there is no current one."""

from __future__ import annotations

import pytest

from app.coverage.commands import run_policies
from app.inventory.batch import Change
from app.inventory.service import delete_features
from app.start import current_runs, load_sample_if_empty, others_connected, outdated_policies

pytestmark = pytest.mark.slow


def test_a_second_start_loads_and_computes_nothing_and_a_change_only_what_it_touches(database, catalogue):
    assert load_sample_if_empty(database, catalogue, "town")
    assert not load_sample_if_empty(database, catalogue, "town")
    assert outdated_policies(database, catalogue) == list(catalogue.default_policies())

    run_policies(database, catalogue, list(catalogue.default_policies()), {"mode": "both"}, save=True)
    assert outdated_policies(database, catalogue) == []
    assert {run["policy"]["id"] for run in current_runs(database, catalogue)} == set(
        catalogue.default_policies()
    )

    with database.write() as conn:
        code = conn.exec_driver_sql("SELECT code FROM city.toilets ORDER BY id LIMIT 1").scalar_one()
        delete_features(conn, catalogue, "toilets", [code], Change(who="test", why="one toilet less"))
    touched = {name for name in catalogue.default_policies() if name.startswith("toilet")}
    assert set(outdated_policies(database, catalogue)) == touched


def test_a_run_in_one_mode_does_not_stand_for_both(town_database, catalogue):
    run_policies(town_database, catalogue, ["toilet-300"], {"mode": "straight"})
    assert "toilet-300" in outdated_policies(town_database, catalogue)


def test_another_client_is_seen(database, settings):
    with database.read():
        assert others_connected(database)
