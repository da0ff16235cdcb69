"""`kill -9` of any part under load: nothing that was acknowledged is lost, nothing is there twice, all comes back."""

from __future__ import annotations

import os
import random
import time

import pytest

from app.settings import Settings
from tests.safety.audits import check_house, left_over
from tests.safety.house import (
    KILLS,
    LONG,
    SEED,
    Served,
    backends,
    house,
    kill,
    may_be_huge,
    postmaster,
    serving,
    tell,
    until,
)
from tests.safety.load import loaded

pytestmark = pytest.mark.slow

PARTS = ("web", "engine", "jobs", "guardian", "backend", "postmaster", "server")


def hurt(served: Served, settings: Settings, part: str, dice: random.Random) -> None:
    """Kill a part; the whole server is started again as a service manager does it."""
    match part:
        case "postmaster":
            pid = postmaster(settings)
            assert pid is not None
            kill(pid)
        case "backend":
            kill(dice.choice(backends(settings)))
        case "server":
            kill(served.pid)
            assert served.process is not None
            served.process.wait()
            served.start()
        case _:
            served.kill(part)


@pytest.fixture(scope="module")
def settings():
    with house("parts") as settings:
        yield settings


def test_whatever_is_killed_under_load_nothing_acknowledged_is_lost(settings, tmp_path):
    dice = random.Random(SEED)
    kills = [part for part in PARTS for _ in range(KILLS)]
    dice.shuffle(kills)
    back: dict[str, list[float]] = {part: [] for part in PARTS}
    with serving(settings, tmp_path / "serve.log") as served:
        with loaded(served.port, "parts") as told:
            for part in kills:
                time.sleep(dice.uniform(0.2, 1.5 if LONG else 0.6))
                hurt(served, settings, part, dice)
                # PostgreSQL takes the time it needs; from then on it is ours.
                until(lambda: backends(settings) is not None, "the database takes connections")
                back[part].append(served.wait_ready())
                before = len(told.acked)
                until(lambda before=before: len(told.acked) > before, "something is saved again")  # type: ignore[misc]
        check_house(settings, told)
        assert left_over(settings) == []
        assert "The guardian ended (code -9)" in served.said()
        assert "The database died" in served.said()
        if may_be_huge(os.getpid()):  # the guardian's pages stay shared, what it starts has them as it likes
            guardian, server = served.child("guardian"), postmaster(settings)
            assert guardian is not None
            assert server is not None
            assert (may_be_huge(guardian), may_be_huge(server)) == (False, True)
        figures = {part: f"{max(times):.1f} s of {len(times)}" for part, times in back.items() if times}
        tell(
            f"{len(kills)} kills, {len(told.acked)} acknowledged writes, {told.brought} imports; back after {figures}"
        )
        tell(f"answers: {dict(told.statuses)}")
        assert told.bad == []
