"""Keeps what is made of a class and some plain values, for as long as the class is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from app.catalogue.model import FeatureClass

T = TypeVar("T")
#: Classes that results are kept for, and results a class: addresses may ask for anything.
CLASSES, RESULTS = 300, 30


def per_class(make: Callable[..., T]) -> Callable[..., T]:
    """`make(cls, *values)` once for each class and values; classes never change once they are loaded."""
    kept: dict[int, tuple[FeatureClass, dict[tuple[object, ...], T]]] = {}

    def found(cls: FeatureClass, *values: object) -> T:
        # The class is kept beside what was made of it, so that its id cannot be given to another one.
        known = kept.get(id(cls))
        if known is None:
            if len(kept) >= CLASSES:
                kept.clear()
            known = kept[id(cls)] = (cls, {})
        results = known[1]
        if values in results:
            return results[values]
        if len(results) >= RESULTS:
            results.clear()
        made = results[values] = make(cls, *values)
        return made

    return found
