"""A data folder named by mistake is no empty city, and a server that is refused leaves nothing running."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.database import cluster
from app.database.engine import open_database
from app.errors import SetupFailed
from app.settings import Settings
from tests.commandline import chengtu
from tests.conftest import TEMPORARY, remove_home
from tests.width import few

LOOKING = ["check", "db backup", "db status", "audit verify", "summary", "user list", "key list", "runs", "imports",
           "db restore --drop-old", "export toilets --to t.gpkg", "search 公厕"]  # fmt: skip


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder that is not there yet, which the database's user may enter."""
    base = Path(tempfile.mkdtemp(prefix="chengtu-home-", dir=TEMPORARY))
    base.chmod(0o755)
    yield base / "home"
    remove_home(base / "home")
    shutil.rmtree(base)


@pytest.mark.parametrize("command", few(LOOKING, LOOKING[:5]))
def test_what_only_looks_makes_no_database(command: str, tmp_path: Path):
    named = tmp_path / "typo"
    done = chengtu({"CHENGTU_HOME": str(named)}, *command.split())
    assert done.returncode in {1, 2}
    told = " ".join((done.stdout + done.stderr).split())
    assert f"There is no database in {named}, the data folder that CHENGTU_HOME names." in told
    assert "chengtu db start" in told
    assert not named.exists()


def test_without_the_variable_the_error_says_that_it_is_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHENGTU_HOME")
    with pytest.raises(SetupFailed, match="as long as CHENGTU_HOME is not set"):
        open_database(Settings(DATABASE_URL=None))
    assert not list(tmp_path.iterdir())


@pytest.mark.wide
def test_a_refused_server_stops_the_database_that_it_started(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Nobody is named and other machines would reach it; one that ran before goes on."""
    monkeypatch.delenv("CHENGTU_OPEN")
    settings, given = Settings(home=home, DATABASE_URL=None), {"CHENGTU_HOME": str(home)}
    words = ("serve", "--host", "0.0.0.0", "--port", "18447")
    refused = chengtu(given, *words)
    assert refused.returncode == 2
    assert f"There is no database in {home} yet: one is made." in refused.stderr.replace("\\", "")
    assert not cluster.has_none(settings)
    assert not cluster.status(settings).running
    cluster.ensure_started(settings, make=False)
    assert chengtu(given, *words).returncode == 2
    assert cluster.status(settings).running
