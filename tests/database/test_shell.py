"""`chengtu db shell` is psql on the service's database, or on another one of its server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from app.database.shell import as_environment
from app.settings import ROOT, Settings


def chengtu(environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, which becomes psql."""
    command = [sys.executable, "-m", "app.cli", *words]
    return subprocess.run(command, env=environment, cwd=ROOT, text=True, capture_output=True, check=False)


def test_psql_is_opened_on_the_database_as_its_administrator(environment):
    done = chengtu(environment, "db", "shell", "-AtXc", "SELECT count(*) FROM city.toilets")
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
    other = chengtu(
        environment, "db", "shell", "--database", "postgres", "-AtXc", "SELECT current_database()"
    )
    assert other.stdout == "postgres\n"
    wrong = chengtu(environment, "db", "shell", "-XAtc", "SELECT nothing")
    assert wrong.returncode == 1
    assert "nothing" in wrong.stderr


def test_of_the_embedded_database_too(cluster_settings: Settings, environment):
    own = {**environment, "CHENGTU_HOME": str(cluster_settings.home_path)}
    own.pop("DATABASE_URL")
    done = chengtu(
        own,
        "db",
        "shell",
        "--database",
        "postgres",
        "-AtXc",
        "SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
    )
    assert (done.returncode, done.stdout) == (0, "t\n"), done.stderr


def test_the_password_is_no_word_that_others_see():
    told = as_environment(
        {"host": "h", "port": 5, "user": "u", "password": "p", "dbname": "d", "sslmode": "require"}
    )
    assert told == {
        "PGHOST": "h",
        "PGPORT": "5",
        "PGUSER": "u",
        "PGPASSWORD": "p",
        "PGDATABASE": "d",
        "PGSSLMODE": "require",
    }
