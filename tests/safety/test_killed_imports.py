"""`kill -9` of `chengtu import` or of its reading child (S24): the old rows or the new ones, never between."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from app.database.server import admin_parameters
from app.settings import ROOT, Settings
from tests.clones import clone, opened
from tests.importing import import_path, write_points
from tests.safety.audits import names_of
from tests.safety.house import (
    CHENGTU,
    KILLS,
    SEED,
    asking,
    children_of,
    command_of,
    environment,
    kill,
    tell,
    until,
)
from tests.width import few

pytestmark = pytest.mark.slow

ROWS = 1500
#: Of so many kills one meets an import that has written nothing yet.
ENOUGH = 10
#: Mode → rows stored before, rows of the file, whether what the file lacks is deleted.
MODES = {
    "new": (range(0), range(ROWS), False),
    "append": (range(ROWS), range(ROWS, 2 * ROWS), False),
    "update": (range(ROWS), range(ROWS), False),
    "replace": (range(ROWS), range(ROWS // 2, ROWS + ROWS // 2), True),
}


def names(rows: range, word: str) -> dict[str, str]:
    return {f"c{i}": f"{word}{i}" for i in rows}


def quiet(settings: Settings) -> None:
    """Wait until a killed import's session is gone: its transaction ends when the server sees that nobody is there."""
    query = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND state LIKE '%transaction%'"
    )
    with asking(settings) as admin:
        until(lambda: admin.execute(query.encode()).fetchone() is None, "no session is left in a transaction")


def reader_of(pid: int) -> int | None:
    """The process that reads the file for the import."""
    return next((child for child in children_of(pid) if "python" in command_of(child)), None)


def begun(settings: Settings, path: Path, *, delete: bool) -> subprocess.Popen[bytes]:
    """An import of the file whose reading child runs, or which is through already."""
    command = [*CHENGTU, "import", str(path), "--class", "toilets"]
    process = subprocess.Popen(
        command + ["--delete-missing", "--yes"] * delete,
        env=environment(settings), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    until(lambda: reader_of(process.pid) or process.poll() is not None, "it reads")
    return process


@pytest.mark.parametrize("mode", few(MODES, ["replace"]))
def test_s24_an_import_that_is_killed_is_done_or_was_never_begun(
    cluster_settings, template, catalogue, tmp_path, mode
):
    """Each kill meets the class as it was: what is there already could neither be lost nor come twice."""
    old, new, delete = MODES[mode]
    path, dice, told = tmp_path / "toilets.geojson", random.Random(f"{mode}{SEED}"), []
    before, wanted = names(old, "旧"), {**({} if delete else names(old, "旧")), **names(new, "新")}
    with clone(cluster_settings, template) as origin:
        if old:
            with opened(origin) as database:
                import_path(database, catalogue, write_points(path, old, "旧"))
        write_points(path, new, "新")
        source = admin_parameters(origin)["dbname"]
        with clone(cluster_settings, source) as settings:
            process, started = begun(settings, path, delete=delete), time.monotonic()
            process.communicate(timeout=120)
            assert process.returncode == 0
            takes_s = time.monotonic() - started
            assert names_of(settings, "toilets") == wanted
        for number in range(KILLS):
            with clone(cluster_settings, source) as settings:
                process = begun(settings, path, delete=delete)
                time.sleep(dice.uniform(0, takes_s))
                # The child reads, the parent writes: by turns, so that each is met in each mode in the long run.
                victim = reader_of(process.pid) if (number + len(mode)) % 2 else process.pid
                kill(victim or process.pid)
                _, said = process.communicate(timeout=120)
                assert process.returncode in {-9, 0, 2}, said
                assert b"Traceback" not in said
                quiet(settings)
                found = names_of(settings, "toilets")
                assert found in (before, wanted), f"half an import: {len(found)} rows"
                told.append("whole" if found == wanted else "as before")
                with opened(settings) as database:
                    import_path(database, catalogue, path, class_id="toilets", delete_missing=delete)
                assert names_of(settings, "toilets") == wanted
                assert tables(settings) == []
                assert readers_left(path) == []
    tell(f"{mode}: {KILLS} kills within {takes_s:.1f} s: {Counter(told)}")
    assert KILLS < ENOUGH or "as before" in told, "no import was met while it ran"


def tables(settings: Settings) -> list[str]:
    """Tables of loads that came to no end."""
    with asking(settings) as admin:
        rows = admin.execute(b"SELECT relname FROM pg_class WHERE relname LIKE '%\\_load\\_%'").fetchall()
    return [str(row[0]) for row in rows]


def readers_left(path: Path) -> list[int]:
    """Processes that still read the file of an import that is gone."""
    left = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(path).encode() in (entry / "cmdline").read_bytes():
                left.append(int(entry.name))
        except OSError:
            continue
    return left
