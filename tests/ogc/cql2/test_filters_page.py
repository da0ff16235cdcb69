"""`docs/filters.md`: every example runs, every operator has one, and both languages say the same."""

from __future__ import annotations

import json
import re

import cql2
import pytest

from app.ogc.cql2.compiler import OPERATORS
from app.ogc.cql2.parse import parse
from app.ogc.cql2.tree import Call, Node, children
from tests.laws.code import ROOT
from tests.laws.pages import check_in_step

ENGLISH = (ROOT / "docs" / "filters.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "docs" / "filters.zh.md").read_text(encoding="utf-8")


def _examples(text: str) -> list[str]:
    """The last cells of the tables of two columns."""
    return re.findall(r"^\| [^|]+ \| `([^|]+)` \|$", text, re.MULTILINE)


def _json(text: str) -> list[str]:
    return re.findall(r"```json\n(.*?)```", text, re.DOTALL)


def _called(tree: Node) -> set[str]:
    own = {tree.op} if isinstance(tree, Call) else set()
    return own.union(*map(_called, children(tree)))


def test_both_languages_are_in_step():
    check_in_step(ENGLISH, CHINESE)
    assert _examples(ENGLISH) == _examples(CHINESE)
    assert _json(ENGLISH) == _json(CHINESE)


def test_every_operator_has_an_example():
    called = set().union(*(_called(parse(text)) for text in _examples(ENGLISH)))
    assert called == set(OPERATORS)


def test_every_example_runs(town):
    with town.database.read() as conn:
        for text in _examples(ENGLISH):
            town.ids(conn, "toilets", text)
        (text,) = _json(ENGLISH)
        town.ids(conn, "toilets", text, "cql2-json")


@pytest.mark.parametrize("text", _examples(ENGLISH))
def test_the_reference_parser_reads_the_examples_the_same(text):
    assert parse(text) == parse(json.dumps(cql2.Expr(text).to_json()), "cql2-json")
