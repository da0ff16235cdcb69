"""What readings keep: once for each version, of each question the last versions alone, and never another's answer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait

from app.inventory import kept
from app.inventory.kept import once


def made_by(made: list[object], value: object):
    def make() -> object:
        made.append(value)
        return value

    return make


def test_a_question_is_answered_once_a_version(database):
    made: list[object] = []
    with database.read() as conn:
        for version in (1, 1, 2, 2, 1):
            assert once(conn, ("size", "toilets", version), made_by(made, version)) == version
    assert made == [1, 2]


def test_of_many_versions_the_last_ones_are_kept_and_other_questions_stay(database):
    made: list[object] = []
    with database.read() as conn:
        once(conn, ("size", "parks", 1), made_by(made, "parks"))
        for version in range(1, 50):
            once(conn, ("size", ("toilets", version), (version, None)), made_by(made, version))
        once(conn, ("size", "parks", 1), made_by(made, "again"))
        once(conn, ("size", ("toilets", 49), (49, None)), made_by(made, "again"))
        assert "again" not in made
        once(conn, ("size", ("toilets", 1), (1, None)), made_by(made, "first"))
        assert made[-1] == "first"
        held = [len(results) for results in kept._kept[conn.engine].values()]
    assert max(held) <= kept.VERSIONS


def test_of_many_who_ask_at_once_one_makes_it(database):
    """The others would take its time from it; what fails is tried by the next."""
    made, at_work, go_on = [], threading.Barrier(2), threading.Event()

    def fail_first() -> str:
        made.append(threading.get_ident())
        if len(made) == 1:
            at_work.wait(10)
            go_on.wait(10)
            raise KeyError
        return "made"

    def ask() -> str:
        with database.read() as conn:
            return once(conn, ("herd", 1), fail_first)

    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(ask)
        at_work.wait(10)
        others = [pool.submit(ask) for _ in range(4)]
        assert wait(others, 0.2).done == set()
        go_on.set()
        assert [other.result() for other in others] == ["made"] * 4
        assert isinstance(first.exception(), KeyError)
    assert len(made) == 2


def test_truth_values_tell_questions_apart(database):
    with database.read() as conn:
        found = [once(conn, ("size", "t", 1, few), lambda few=few: few) for few in (True, False, True)]
    assert found == [True, False, True]
