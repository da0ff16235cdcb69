"""Counts that a public view does not tell: a few of a class of which some are hidden would point at single ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.catalogue.model import Catalogue, FeatureClass, Lang

#: The least count that is told.
FEW = 5


def hides_few(catalogue: Catalogue, cls: FeatureClass) -> bool:
    """Whether small counts of a class are withheld: in what anybody may see, where the class has restricted rows."""
    return catalogue.open_only and bool(cls.restricted_rows)


def told(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures with a `count` as they may be told: of one to four features none, and `fewer_than` in their place."""
    if not 0 < figures["count"] < FEW:
        return dict(figures)
    return {**dict.fromkeys(figures), "fewer_than": FEW}


def in_words(fewer_than: int, lang: Lang) -> str:
    """What stands where a count is withheld."""
    return f"少于 {fewer_than}" if lang == "zh" else f"fewer than {fewer_than}"
