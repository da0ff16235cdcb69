"""The page of what proves what is true: its tests, benchmarks and variables exist, both languages say the same."""

from __future__ import annotations

import re

import pytest

from bench.__main__ import BENCHES, BY_NAME
from tests.laws.code import ROOT

PAGES = {lang: (ROOT / "docs" / f"security{lang}.md").read_text(encoding="utf-8") for lang in ("", ".zh")}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
_VARIABLE = re.compile(r"CHENGTU_SOAK_[A-Z_]+")


def _commands(text: str) -> list[str]:
    return [found for found in re.findall(r"`([^`]+)`", text) if "pytest " in found or "-m bench" in found]


def test_both_languages_name_the_same_proofs():
    english, chinese = (_commands(text) for text in PAGES.values())
    assert english == chinese
    assert len(english) > 30
    rows = [len(re.findall(r"^\|", text, re.MULTILINE)) for text in PAGES.values()]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("command", sorted(set(_commands(PAGES[""]))))
def test_what_is_named_is_there(command):
    words = command.split()
    if "bench" in words:
        assert words[words.index("bench") + 1] in BENCHES | BY_NAME
    for path in [word for word in words if word.startswith("tests/")]:
        assert (ROOT / path).exists(), path
    for variable in _VARIABLE.findall(command):
        assert any(
            variable in file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py")
        )


def test_every_long_form_is_run_by_make_soak():
    used = {
        name
        for room in ("access", "clients", "exports", "ingest", "ogc", "validation")
        for file in (ROOT / "tests" / room).rglob("*.py")
        for name in _VARIABLE.findall(file.read_text(encoding="utf-8"))
    }
    assert len(used) > 5
    assert used - set(_VARIABLE.findall(MAKEFILE)) == set()
    for text in PAGES.values():
        named = set(_VARIABLE.findall(text))
        assert len(named) > 5
        assert named <= used
