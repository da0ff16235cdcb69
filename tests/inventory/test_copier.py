"""Chunks are made by one thread while those before are sent by another; what goes wrong is told to who waits for it."""

from __future__ import annotations

import threading

import pytest

from app.inventory.copier import Copier
from app.parallel import cores, share

SECONDS = 10


def test_a_chunk_is_made_while_the_one_before_is_sent(conn):
    made, sent = threading.Event(), []

    def make_second() -> str:
        made.set()
        return "second"

    def send_first(_cursor: object, item: str) -> None:
        sent.append((item, made.wait(SECONDS)))

    with Copier(conn) as copier:
        copier.feed(lambda: "first", send_first)
        copier.feed(make_second, lambda _cursor, item: sent.append((item, True)))
        copier.wait()
    assert sent == [("first", True), ("second", True)]


def test_statements_wait_for_what_is_sent_and_chunks_stay_in_order(conn):
    with Copier(conn) as copier:
        copier.start(lambda cursor: cursor.execute("CREATE TEMP TABLE fed (n integer) ON COMMIT DROP"))
        for number in range(9):
            copier.feed(
                lambda number=number: number,
                lambda cursor, number: cursor.execute("INSERT INTO fed VALUES (%s)", [number]),
            )
        rows = conn.exec_driver_sql("SELECT n FROM fed ORDER BY ctid").scalars().all()
    assert rows == list(range(9))


def test_an_error_of_making_is_raised_and_nothing_is_sent(conn):
    sent = []

    def fail() -> str:
        raise ValueError("no such value")

    with Copier(conn) as copier:
        copier.feed(fail, lambda _cursor, item: sent.append(item))
        with pytest.raises(ValueError, match="no such value"):
            copier.wait()
    assert sent == []


def test_what_is_made_is_not_shared_among_the_cores_once_more(conn):
    names = []
    with Copier(conn) as copier:
        copier.feed(
            lambda: share(lambda _: threading.current_thread().name, range(cores() + 1)),
            lambda _cursor, found: names.extend(found),
        )
        copier.wait()
    assert len(set(names)) == 1
