"""Small: files under 400 lines, no function over 60, nine in ten under 25."""

from __future__ import annotations

import ast
import statistics

from tests.laws.code import body_lines, functions, modules


def test_files_are_short():
    sizes = {module.name: module.text.count("\n") for module in modules()}
    assert {name: size for name, size in sizes.items() if size > 400} == {}


def test_a_file_says_what_it_is_in_charge_of():
    assert [module.name for module in modules() if not ast.get_docstring(module.tree)] == []


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
        for statement in function.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []
