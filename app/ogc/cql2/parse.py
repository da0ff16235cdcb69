"""A filter's text → its tree, in either language, kept small at every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.errors import BadInput
from app.ogc.cql2.gate import check_length, check_tree
from app.ogc.cql2.json_form import read_json
from app.ogc.cql2.text_form import read_text
from app.ogc.cql2.tree import Node

TEXT, JSON = "cql2-text", "cql2-json"
#: What `filter-lang` may say.
LANGUAGES: Mapping[str, Callable[[str], Node]] = {TEXT: read_text, JSON: read_json}


def parse(text: str, lang: str | None = None) -> Node:
    """The tree of a filter in `cql2-text` (the default) or `cql2-json` (OGC 21-065r2).

    Raises:
        BadInput: The language is not known, the filter is too large or cannot be read; the hint says what to write.
    """
    if lang is not None and lang not in LANGUAGES:
        raise BadInput(f"There is no filter language '{lang[:40]}'.", f"Known are: {', '.join(LANGUAGES)}.")
    check_length(text)
    tree = LANGUAGES[lang or TEXT](text)
    check_tree(tree)
    return tree
