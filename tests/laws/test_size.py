"""Small: files under 400 lines, no function over 60, nine in ten under 25."""

from __future__ import annotations

import ast
import statistics

import pytest

from tests.laws.code import Module, body_lines, functions, modules


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_a_file_is_short_and_says_what_it_is_in_charge_of(module: Module):
    assert module.text.count("\n") <= 400
    assert ast.get_docstring(module.tree), "the module has no docstring"


def test_functions_are_small():
    sizes = {
        f"{module.name}.{function.name}": body_lines(function)
        for module in modules()
        for function in functions(module)
    }
    assert {name: size for name, size in sizes.items() if size > 60} == {}
    assert statistics.quantiles(sizes.values(), n=10)[-1] <= 25
    assert statistics.median(sizes.values()) <= 8


def test_no_import_hides_in_a_function():
    hidden = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for function in functions(module)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []
