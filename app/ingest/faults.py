"""Why rows of a chunk are refused: one reject a row, however much is wrong with it."""

from __future__ import annotations

from typing import Any

from app.ingest.layer import Layer
from app.inventory.batch import Reject
from app.validation.values import plain, storable, whole_text

MAX_SHOWN = 100


class Faults:
    """The refused rows, one reject each: the first fault leads, further ones are named after it."""

    def __init__(self, layer: Layer) -> None:
        self._rows = layer.rows
        self.rejects: dict[int, Reject] = {}

    def add(self, i: int, field: str | None, value: Any, reason: str, hint: str) -> None:
        """Refuse row `i`, or say one thing more about it."""
        shown = None if value is None else _shown(value)[:MAX_SHOWN]
        first = self.rejects.get(i)
        if first is not None:
            also = f"{first.reason}; also {field}: {reason}" + (f" ({shown})" if shown else "")
            self.rejects[i] = Reject(first.row, first.field, first.value, also, first.hint or hint)
        else:
            self.rejects[i] = Reject(self._rows[i], field, shown, reason, hint)

    def ordered(self) -> list[Reject]:
        """The rejects in the order of the file."""
        return [self.rejects[i] for i in sorted(self.rejects)]


def _shown(value: Any) -> str:
    """A raw value as text that can be stored; str() alone refuses very long numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return whole_text(value)
    return storable(str(plain(value) if isinstance(value, dict | list | tuple) else value))
