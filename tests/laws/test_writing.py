"""A write commits before its answer; pages have no inline script; files name no registry and no machine."""

from __future__ import annotations

import ast
import re

import pytest

from app.access import dependencies
from tests.laws.code import APP, ROOT, functions, modules, nodes, tracked_files

# Put together here so that this file does not contain them itself.
HOSTS = [
    "pypi" + r"\.org",
    "python" + r"hosted\.org",
    "registry" + r"\.npmjs",
    "npmjs" + r"\.(com|org)",
    "deb" + r"\.debian",
    "unpkg" + r"\.com",
    "jsdelivr" + r"\.net",
    "cdnjs" + r"\.",
]
PATHS = ["/wo" + "rk/", "/opt/" + "pypi", "/ro" + "ot/", "/home/" + r"\w+/"]
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".in",
    ".yaml",
    ".yml",
    ".json",
    ".sh",
    ".html",
    ".css",
    ".js",
    ".ini",
    ".mako",
    "",
}


def test_a_write_commits_before_its_answer_is_sent():
    (depends,) = dependencies.WriteConn.__metadata__
    assert depends.dependency is dependencies.write_connection
    assert depends.scope == "function"


def test_no_other_dependency_opens_a_transaction():
    for module in modules():
        for function in functions(module) if module.file == "routes" else ():
            if any(isinstance(node, ast.Yield) for node in ast.walk(function)):
                pytest.fail(
                    f"{module.name}.{function.name} yields: transactions are app.access.dependencies' matter"
                )


def test_every_use_of_depends_on_a_transaction_has_the_scope():
    for module in modules():
        for node in nodes(module):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id
            if named == "Depends" and node.args:
                target = ast.unparse(node.args[0])
                scopes = [ast.literal_eval(word.value) for word in node.keywords if word.arg == "scope"]
                assert not target.endswith("_connection") or scopes == ["function"], (
                    f"{module.name}:{node.lineno}"
                )


INLINE = {
    "an inline script": re.compile(
        r"<script(?![^>]*\bsrc=)(?![^>]*application/(ld\+)?json)[^>]*>", re.IGNORECASE
    ),
    "a script with both source and body": re.compile(r"<script[^>]*\bsrc=[^>]*>\s*[^<\s]", re.IGNORECASE),
    "an inline style": re.compile(r"<style|\sstyle\s*=", re.IGNORECASE),
    "an event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
    "a foreign address": re.compile(r"""(src|href)\s*=\s*["'](https?:)?//""", re.IGNORECASE),
}


@pytest.mark.parametrize("path", sorted((APP / "web" / "templates").rglob("*")), ids=lambda path: path.name)
def test_templates_have_no_inline_script_or_style(path):
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        assert [name for name, pattern in INLINE.items() if pattern.search(text)] == []


def test_no_file_names_a_registry_or_this_machine():
    wrong = []
    for path in tracked_files():
        if path.suffix in TEXT and path.name != "LICENSE":
            text = path.read_text(encoding="utf-8", errors="replace")
            wrong += [
                f"{path.relative_to(ROOT)}: {word}" for word in [*HOSTS, *PATHS] if re.search(word, text)
            ]
    assert wrong == []


def test_no_third_party_code_is_committed():
    assert [
        path.name for path in tracked_files() if "vendor" in path.parts or "node_modules" in path.parts
    ] == []


def test_locks_carry_hashes_and_no_addresses():
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-uv.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "--index-url" not in text
        pinned = re.findall(r"^[a-zA-Z0-9_.-]+==", text, re.MULTILINE)
        assert pinned
        assert text.count("--hash=sha256:") >= len(pinned)
