"""`docs/what-the-numbers-mean.md`: every number is worked out by hand here, and page, drawings and code agree."""

from __future__ import annotations

import ast
import math
import operator
import re

import pytest

from app.coverage.figures.pages import FOLDER, PAGES, examples, written
from tests.laws.pages import check_in_step

TEXT = {language: page.read_text(encoding="utf-8") for language, page in PAGES.items()}
SIGNS = {"×": "*", "÷": "/", "−": "-", "²": "**2", "√": "sqrt", "π": "pi"}
NAMES = {"pi": math.pi, "sqrt": math.sqrt, "sin": math.sin, "asin": math.asin}
DOES = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}  # fmt: skip


@pytest.fixture(scope="module")
def drawn():
    return examples()


def by_hand(formula: str) -> float:
    """Plain arithmetic as the page writes it → its value, worked out apart from the library."""
    for sign, word in SIGNS.items():
        formula = formula.replace(sign, word)
    return value(ast.parse(formula.replace("**2", " ** 2"), mode="eval").body)


def value(node: ast.expr) -> float:
    if isinstance(node, ast.BinOp):
        return DOES[type(node.op)](value(node.left), value(node.right))
    if isinstance(node, ast.Call):
        return NAMES[node.func.id](*map(value, node.args))
    return NAMES[node.id] if isinstance(node, ast.Name) else float(node.value)


def test_both_languages_are_in_step():
    check_in_step(TEXT["en"], TEXT["zh"])


@pytest.mark.parametrize("language", PAGES)
def test_page_drawings_and_code_are_one(drawn, language):
    text = TEXT[language]
    assert set(re.findall(r"<!-- example: (\w+) -->", text)) == set(drawn)
    assert written(text, language, drawn) == text, "run: make docs"
    for name, example in drawn.items():
        assert (FOLDER / "figures" / f"{name}.svg").read_text(encoding="utf-8") == example.svg, (
            "run: make docs"
        )
    assert {path.stem for path in (FOLDER / "figures").glob("*.svg")} == set(drawn)


def test_every_number_is_what_one_works_out_by_hand(drawn):
    numbers = [number for example in drawn.values() for number in example.numbers]
    assert len(numbers) > 40
    for number in numbers:
        assert number.value == pytest.approx(by_hand(number.formula), rel=number.tolerance, abs=1e-9), number
        assert number.tolerance <= 5e-4


def test_the_arithmetic_of_the_page_is_read_as_it_is_written():
    assert by_hand("(100 + 50) ÷ 3 − 2 × 5²") == 0
    assert by_hand("√(3² + 4²) × π ÷ 5") == pytest.approx(math.pi)
    assert by_hand("asin(1 ÷ 2) − sin(π ÷ 6)") == pytest.approx(math.pi / 6 - 0.5)


def test_drawings_are_small_and_ask_for_nothing(drawn):
    for example in drawn.values():
        assert len(example.svg) < 20_000
        assert re.findall(r"https?://[^\"]+", example.svg) == ["http://www.w3.org/2000/svg"]
        assert "<script" not in example.svg
