"""`chengtu audit`, and exports on the command line: who, whether whole, and why."""

from __future__ import annotations

import getpass
import json

import pytest

from app.access import audit_service
from app.access.audit_heads import heads_path
from app.access.audit_store import Wanted
from app.catalogue.restricted import restricted_of
from app.database.audit import note
from tests.access.test_audit import as_superuser
from tests.commandline import chengtu


def test_the_command_line_verifies_lists_and_refuses_to_prune_early(database, environment):
    with database.write() as conn:
        note(conn, "exported", "toilets", reason="手工")
    done = chengtu(environment, "audit", "verify", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["entries"] == 1
    assert heads_path(database.settings).exists()
    listed = json.loads(chengtu(environment, "audit", "list", "--json").stdout)["entries"]
    assert (listed[0]["who"], listed[0]["kind"]) == (getpass.getuser(), "command")
    head = json.loads(chengtu(environment, "audit", "head", "--json").stdout)
    assert (head["seq"], head["hash"]) == (1, listed[0]["hash"])
    refused = chengtu(environment, "audit", "prune", "--days", "179")
    assert refused.returncode == 2
    assert "at least 180 days" in refused.stderr
    as_superuser(database.settings, "UPDATE city.audit SET who = 'somebody'")
    broken = chengtu(environment, "audit", "verify")
    assert broken.returncode == 1
    assert "broken at entry 1" in broken.stdout


@pytest.mark.wide
def test_the_command_line_exports_what_is_restricted_for_a_reason_alone(
    town_database, catalogue, tmp_path, environment
):
    url = town_database.settings.database_url
    assert url is not None
    environment = {**environment, "DATABASE_URL": url}
    cls = next(cls.id for cls in catalogue.classes.values() if restricted_of(cls) == ("*",))
    path = str(tmp_path / "x.csv")
    refused = chengtu(environment, "export", cls, "--to", path)
    assert refused.returncode == 2
    assert "--reason" in refused.stderr
    done = chengtu(environment, "export", cls, "--to", path, "--reason", "移交燃气公司核对管线")
    assert done.returncode == 0, done.stderr
    told = audit_service.entries(town_database, Wanted(event="exported"), 10)["entries"]
    assert [(one["object"], one["detail"]["reason"]) for one in told] == [(cls, "移交燃气公司核对管线")]
    part = chengtu(environment, "export", "pipes", "--to", path, "--json")
    assert part.returncode == 0, part.stderr
    assert "pipes" in json.loads(part.stdout)["left_out"]
