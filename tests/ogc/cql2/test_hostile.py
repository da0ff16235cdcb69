"""Filters that mean harm: each is refused with a sentence or answered, quickly; nothing of it becomes SQL."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

import psycopg
import pytest
from fastapi.testclient import TestClient

from app.database.errors import translate
from app.errors import BadInput
from app.inventory.changes import raw
from app.inventory.tables import table_name
from app.main import create_app
from app.ogc.cql2.compiler import OPERATORS, compile_filter
from app.ogc.cql2.parse import parse
from app.ogc.queryables import queryables_of
from tests.ogc.cql2 import hostile

COUNT = 2_000
#: `make soak` takes three.
SEEDS = range(1, 1 + int(os.environ.get("CHENGTU_SOAK_SEEDS", "1")))
#: Seconds of this process: for a filter that is refused, and for one that is answered.
REFUSED, ANSWERED = 0.05, 0.1
#: All that a compiled filter is made of beside quoted columns and placeholders.
VOCABULARY = set(
    """
    and or not is null in between like true case when then else end select from as offset collate at time zone interval
    date timestamp timestamptz float8 bigint numeric text boolean bytea a b n c s nfd nfc g
    st_intersects st_equals st_touches st_crosses st_within st_contains st_overlaps st_geomfromwkb
    lower upper translate replace normalize regexp_replace coalesce nullif trunc power valid
    """.split()
)
_QUOTED = re.compile(r"'(?:''|[^'])*'|\"[^\"]*\"|%\(c_\d+\)s")
_WORD = re.compile(r"[A-Za-z_]\w*")


@pytest.fixture(scope="module")
def queryables(town):
    return queryables_of(town.catalogue, "plots")


def _refusal(town, conn, queryables, lang: str, text: str) -> Exception | None:
    """The error that a filter meets, None where it is answered."""
    try:
        condition = compile_filter(parse(text, lang), queryables)
    except BadInput as error:
        return error
    _check_words(condition.sql)
    table = table_name(town.catalogue.get_class("plots"))
    try:
        with raw(conn).transaction():
            raw(conn).execute(f"SELECT id FROM {table} WHERE {condition.sql}".encode(), condition.values)
    except psycopg.Error as error:
        return translate(error)
    return None


def _is_slow(town, conn, queryables, lang: str, text: str) -> bool:
    """Whether a filter takes so long each time that it is asked: a machine that does other things is slow once."""
    for _ in range(2):
        start = time.thread_time()
        error = _refusal(town, conn, queryables, lang, text)
        if time.thread_time() - start <= (ANSWERED if error is None else REFUSED):
            return False
    return True


def _check_words(sql: str) -> None:
    """Nothing that the filter wrote stands in the SQL itself."""
    assert {word.lower() for word in _WORD.findall(_QUOTED.sub(" ", sql))} <= VOCABULARY
    assert "%" not in re.sub(r"%\(c_\d+\)s", "", sql)


@pytest.mark.parametrize("seed", SEEDS)
def test_hostile_filters_are_refused_or_answered_quickly(town, queryables, seed):
    answered, slow = 0, []
    with town.database.read() as conn:
        for lang, text in hostile.drawn(seed=seed, count=COUNT):
            start = time.thread_time()
            error = _refusal(town, conn, queryables, lang, text)
            spent = time.thread_time() - start
            assert error is None or isinstance(error, BadInput), (text, error)
            assert error is None or (error.message and len(error.message) < 300)
            answered += error is None
            if spent > (ANSWERED if error is None else REFUSED) and _is_slow(
                town, conn, queryables, lang, text
            ):
                slow.append((round(spent, 3), text[:200]))
    assert slow == []
    assert 20 < answered < COUNT / 2


def test_no_function_of_the_database_can_be_called(town, queryables):
    with town.database.read() as conn:
        names = [row[0] for row in raw(conn).execute("SELECT DISTINCT proname FROM pg_proc ORDER BY 1")]
    assert len(names) > 3_000
    callable_ = []
    for place, name in enumerate(sorted(set(names) - set(OPERATORS))):
        spellings = [f"{name}(geom) = 1", f'"{name}"(label) = 1', f"{name}() IS NULL"]
        for text in spellings if place % 20 == 0 else spellings[:1]:
            try:
                compile_filter(parse(text), queryables)
                callable_.append(name)
            except BadInput:
                pass
    assert callable_ == []


BOMBS = {
    "parentheses": "(" * 60 + "stalls=" + ")" * 60,
    "parentheses left open": "(" * 63,
    "lists": "stalls IN (" * 40 + ")" * 40,
    "too many parentheses": "(" * 5000,
    "nots": "NOT " * 1500 + "open",
    "signs": "- " * 2000 + "stalls = 1",
    "a chain": "1+" * 3000 + "1 = stalls",
    "powers": "stalls = " + "9^" * 60 + "9^",
    "ors": "stalls=1 OR " * 3000 + "stalls=1",
    "functions": "casei(" * 500 + "label" + ")" * 500,
    "collections": "S_INTERSECTS(geom, " + "GEOMETRYCOLLECTION(" * 60,
    "vertices": "S_INTERSECTS(geom, MULTIPOINT(" + "1 2," * 1500 + "1 2))",
    "quotes": "label = '" + "''" * 3000,
    "a long name": "x" * 8000 + " = 1",
    "digits": "stalls = " + "9" * 8000,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_at_once(queryables, text):
    with pytest.raises(BadInput) as caught:
        compile_filter(parse(text), queryables)
    assert caught.value.hint
    assert _least_s(lambda: compile_filter(parse(text), queryables)) < REFUSED


def _least_s(refused: Callable[[], object]) -> float:
    """Seconds of the processor that a refusal takes at least: others who work on it at the same time add to them."""
    least = float("inf")
    for _ in range(3):
        start = time.thread_time()
        with pytest.raises(BadInput):
            refused()
        least = min(least, time.thread_time() - start)
    return least


JSON_BOMBS = {
    "arrays": "[" * 4000,
    "closed arrays": "[" * 2000 + "]" * 2000,
    "nots": '{"op":"not","args":[' * 200 + "true" + "]}" * 200,
    "many": '{"op":"or","args":[' + ",".join(["true"] * 1400) + "," + "[]," * 300 + "true]}",
}


@pytest.mark.parametrize("text", JSON_BOMBS.values(), ids=JSON_BOMBS)
def test_a_bomb_in_json_is_refused_at_once(queryables, text):
    assert _least_s(lambda: compile_filter(parse(text, "cql2-json"), queryables)) < REFUSED


def test_arithmetic_that_doubles_stays_small(queryables):
    text = "stalls = " + "(" * 25 + "seats" + " % 7)" * 25
    assert len(compile_filter(parse(text), queryables).sql) < 10_000


def test_http_answers_hostile_filters_with_200_or_a_problem(town):
    with TestClient(create_app(town.settings), raise_server_exceptions=False) as client:
        for lang, text in hostile.drawn(seed=9, count=60):
            asked = {"filter": text, "filter-lang": lang, "limit": 1}
            reply = client.get("/collections/plots/items", params=asked)
            assert reply.status_code in {200, 400}, (text, reply.text)
            if reply.status_code == 400:
                assert reply.headers["content-type"].startswith("application/problem+json")
                assert not re.search(
                    r"select|psycopg|Traceback|local\.", reply.json()["detail"], re.IGNORECASE
                )
