"""Questions put together: never older than their request, one for many, over a connection that heals."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
import pytest

from app.database import together as module
from app.database.server import admin_parameters
from app.database.together import Term, Together
from app.errors import Unavailable
from app.settings import Settings

T = TypeVar("T")
OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


@pytest.fixture
def admin(settings, database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as connection:
        yield connection


def run(work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives in an event loop of its own, in a thread: the browser of other tests has one in this."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def put(admin: psycopg.Connection, **values: object) -> None:
    for key, value in values.items():
        admin.execute(
            "INSERT INTO city.settings (key, value) VALUES (%s, %s) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [key, str(value)],
        )


def setting(name: str) -> Term:
    return "(SELECT value FROM city.settings WHERE key = %s)", (name,)


def test_an_answer_is_never_older_than_its_request(settings, admin):
    async def ask() -> None:
        together = Together(settings, setting)
        for number in range(20):
            put(admin, a=number, b=-number)
            found = await asyncio.gather(
                together.ask(["a"]), together.ask(["b"]), together.ask(["a", "b", "missing"])
            )
            assert [item["a"] for item in (found[0], found[2])] == [str(number)] * 2
            assert [item["b"] for item in found[1:]] == [str(-number)] * 2
            assert found[2]["missing"] == ""
        await together.close()

    run(ask())


def test_what_comes_during_a_question_is_asked_by_the_next_one(settings, admin):
    """The first question waits for a lock; the value changes before it is let go, only then may the second begin."""
    asked: list[str] = []

    def noted(name: str) -> Term:
        asked.append(name)
        return setting(name)

    async def ask() -> None:
        together = Together(settings, noted)
        put(admin, a=1)
        await together.ask(["a"])
        with psycopg.connect(**admin_parameters(settings)) as writer:
            writer.execute("LOCK city.settings IN ACCESS EXCLUSIVE MODE")
            # Nobody has seen `b` yet, so the table is read.
            first = asyncio.create_task(together.ask(["b"]))
            await asyncio.sleep(0)
            others = [asyncio.create_task(together.ask(["a"])) for _ in range(30)]
            await asyncio.sleep(0.05)
            assert not first.done()
            writer.execute("UPDATE city.settings SET value = '2' WHERE key = 'a'")
            writer.commit()
        await first
        assert {(await item)["a"] for item in others} == {"2"}
        await together.close()

    run(ask())
    assert asked.count("a") <= 2, "thirty who came meanwhile cost one question"


def test_while_nobody_writes_only_that_is_asked(settings, admin):
    asked: list[str] = []

    def noted(name: str) -> Term:
        asked.append(name)
        return setting(name)

    async def ask() -> None:
        together = Together(settings, noted)
        put(admin, a=1)
        for _ in range(10):
            assert (await together.ask(["a"]))["a"] == "1"
        before = len(asked)
        put(admin, other=1)
        assert (await together.ask(["a"]))["a"] == "1"
        # Another database of the same server may have been written to meanwhile.
        assert before < 10
        assert len(asked) == before + 1
        await together.close()

    run(ask())


def test_a_lost_connection_is_made_again_and_every_loop_has_its_own(settings, admin):
    together = Together(settings, setting)

    async def ask(*, lose: bool) -> None:
        put(admin, a=1)
        assert (await together.ask(["a"]))["a"] == "1"
        if lose:
            admin.execute(OTHERS)
            put(admin, a=2)
            assert (await together.ask(["a"]))["a"] == "2"
        await together.close()

    for lose in (True, False, True):
        run(ask(lose=lose))


def test_a_server_that_says_nothing_is_not_waited_for_twice(settings, admin, monkeypatch):
    """Nor by those who come later: they are answered over another connection while the driver still waits."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.4)
    name = "pg_backend_pid()"

    async def ask() -> int:
        together = Together(settings, lambda name: (f"(SELECT {name}::text)", ()))
        silent = int((await together.ask([name]))[name])
        os.kill(silent, signal.SIGSTOP)
        try:
            started = time.monotonic()
            with pytest.raises(Unavailable):
                await together.ask(["1"])
            assert int((await together.ask([name]))[name]) != silent
            assert time.monotonic() - started < 2
        finally:
            os.kill(silent, signal.SIGCONT)
        await asyncio.gather(*together._leaving)
        await together.close()
        return silent

    held = admin.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [run(ask())]).fetchone()
    assert held == (0,)


def test_it_may_only_read(settings, admin):
    async def ask() -> None:
        together = Together(
            settings, lambda name: (f"(SELECT set_config('x.y', 'z', false) FROM {name})", ())
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await together.ask(["pg_authid"])
        await together.close()

    run(ask())


def test_a_database_that_is_away_is_told_to_everybody_who_waits(tmp_path):
    away = Settings(home=tmp_path, DATABASE_URL=None)

    async def ask() -> list[object]:
        together = Together(away, setting)
        found = await asyncio.gather(*(together.ask(["a"]) for _ in range(5)), return_exceptions=True)
        await together.close()
        return list(found)

    assert [type(item) for item in run(ask())] == [Unavailable] * 5
