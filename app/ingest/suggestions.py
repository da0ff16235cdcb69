"""What the headings of a layer that no field took may mean, found out while the database is at work."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock, Thread
from typing import Any

from app.catalogue.model import FeatureClass
from app.ingest.headings import Meaning
from app.ingest.likeness import suggest_fields


class Suggestions:
    """Those of one layer; the first to be asked for takes half a second, in which it is learnt how Chinese is read."""

    def __init__(self, meaning: Meaning, cls: FeatureClass, layer: str) -> None:
        self._asked = (meaning, cls, layer)
        self._lock = Lock()
        self._found: list[dict[str, Any]] | None = None

    def find(self) -> list[dict[str, Any]]:
        """As `likeness.suggest_fields` gives them."""
        with self._lock:
            if self._found is None:
                self._found = suggest_fields(*self._asked)
            return self._found


def begin(wanted: Sequence[Suggestions]) -> None:
    """Find those of some layers by a thread of its own."""
    Thread(target=lambda: [layer.find() for layer in wanted], name="suggestions", daemon=True).start()
