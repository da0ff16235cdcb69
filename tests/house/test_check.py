"""`chengtu check` says what is there and what is missing, with the way out."""

from __future__ import annotations

import json

from tests.commandline import chengtu


def test_all_is_well_on_a_migrated_database(database, environment):
    done = chengtu(environment, "check", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"]) == (0, True), done.stderr
    assert [item["check"] for item in told["checks"]] == [
        "declarations", "coordinate systems", "database", "reading files", "basemap",
    ]  # fmt: skip


def test_what_is_missing_has_a_hint_and_an_exit_code(environment, tmp_path):
    secret = tmp_path / "crs.yaml"
    secret.write_text("systems: {}\n")
    secret.chmod(0o644)
    away = {
        **environment,
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "CHENGTU_CRS_FILE": str(secret),
    }
    done = chengtu(away, "check", "--json")
    told = {item["check"]: item for item in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert told["declarations"]["ok"]
    assert "chmod" in told["coordinate systems"]["hint"]
    assert not told["database"]["ok"]


def test_an_index_that_rights_would_slow_is_told(database, environment):
    with database.write() as conn:
        may = conn.exec_driver_sql("SELECT rolsuper FROM pg_roles WHERE rolname = session_user").scalar_one()
    assert may is False
    done = chengtu(environment, "check")
    assert "slow its indexes" in done.stderr
