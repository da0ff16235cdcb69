"""`kill -9` at any moment of an import: the class is as it was or as it should be, never between, and goes on."""

from __future__ import annotations

import multiprocessing
import random
import time

import pytest
from sqlalchemy import text

from app.ingest.files import recognise
from app.ingest.layer import Ask
from app.ingest.options import ImportOptions
from app.ingest.sandbox import Limits, open_layers
from tests.importing import import_path, write_points
from tests.ingest import killable_import

ROWS = 1500
KILLS = 2
#: Words that an import says before it is killed: started, reading, writing, the class.
STEPS = range(1, 4)


#: Mode → rows stored before, rows of the file, whether what the file lacks is deleted.
MODES = {
    "new": (range(0), range(ROWS), False),
    "append": (range(ROWS), range(ROWS, 2 * ROWS), False),
    "update": (range(ROWS), range(ROWS), False),
    "replace": (range(ROWS), range(ROWS // 2, ROWS + ROWS // 2), True),
}


@pytest.fixture(scope="module")
def processes():
    """Starts processes that have the program loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.ingest.killable_import"])
    return context


@pytest.fixture
def killed_at(processes):
    def killed_at(settings, path, options, step, wait) -> list[str]:
        """Kill an import `wait` seconds after it has said `step` words, or that it is done; what it said."""
        ours, theirs = processes.Pipe(duplex=False)
        process = processes.Process(target=killable_import.run, args=(settings, path, options, theirs))
        process.start()
        theirs.close()
        said: list[str] = []
        while len(said) <= step and said[-1:] != ["done"] and ours.poll(60):
            said.append(ours.recv())
        time.sleep(wait)
        process.kill()
        process.join(10)
        assert process.exitcode in (-9, 0)
        return said

    return killed_at


@pytest.fixture
def stored(database):
    def stored() -> dict[str, str]:
        with database.read() as conn:
            rows = conn.execute(text("SELECT code, name_zh FROM city.toilets")).all()
        found = dict(map(tuple, rows))
        assert len(found) == len(rows)
        return found

    return stored


@pytest.fixture
def idle(database):
    """Waits until no import writes any more: a killed one's transaction ends when the server sees that it is gone."""
    query = text(
        "SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation"
        " WHERE relname = 'toilets' AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()"
    )

    def idle() -> None:
        deadline = time.monotonic() + 30
        while True:
            with database.read() as conn:
                if conn.execute(query).scalar_one() == 0:
                    return
            assert time.monotonic() < deadline
            time.sleep(0.02)

    return idle


def names(rows: range, word: str) -> dict[str, str]:
    return {f"c{i}": f"{word}{i}" for i in rows}


@pytest.mark.wide
@pytest.mark.parametrize("mode", MODES)
def test_a_killed_import_leaves_all_or_nothing(
    settings, database, catalogue, killed_at, stored, idle, tmp_path, mode
):
    old, new, delete = MODES[mode]
    path = tmp_path / "toilets.geojson"
    if old:
        import_path(database, catalogue, write_points(path, old, "旧"), who="test")
    before = stored()
    after = {**({} if delete else before), **names(new, "新")}
    assert before == names(old, "旧")
    write_points(path, new, "新")
    options = ImportOptions(class_id="toilets", delete_missing=delete)
    dice = random.Random(mode)
    for step in dice.sample(STEPS, KILLS):
        said = killed_at(settings, path, options, step, dice.uniform(0, 0.2))
        idle()
        found = stored()
        assert found in (before, after), f"killed after {said}"
        # Where it was through already, the next one finds what it wants.
        before = found
    import_path(database, catalogue, path, class_id="toilets", delete_missing=delete, who="test")
    assert stored() == after
    with open_layers(recognise(path), Ask(), None, Limits.of(settings)):
        assert len(list((settings.home_path / "spool").glob("read-*/"))) == 1
