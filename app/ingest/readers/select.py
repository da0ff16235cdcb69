"""Which layers of a file are read: all, or the one that was asked for; and chunks of what is read whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.errors import UnreadableFile
from app.ingest.files import SourceFile
from app.ingest.layer import CHUNK_ROWS, Ask


class NoSuchLayerError(UnreadableFile):
    """The file has no layer of the name that was asked for."""


def chosen(file: SourceFile, ask: Ask, names: Sequence[str]) -> list[int]:
    """The positions in `names` of the layers to read.

    Raises:
        NoSuchLayerError: The layer asked for is not among them; the hint lists those that are.
    """
    if ask.layer is None:
        return list(range(len(names)))
    found = [i for i, name in enumerate(names) if name == ask.layer]
    if not found:
        listed = ", ".join(f"'{name}'" for name in names[:20]) or "none"
        raise NoSuchLayerError(f"'{file.name}' has no layer '{ask.layer}'.", f"Its layers: {listed}.")
    return found


def distinct(names: Sequence[str]) -> list[str]:
    """The names with `_2`, `_3` … behind those that came before, so that each is one of its own."""
    taken, given = set(names), []
    seen: set[str] = set()
    for name in names:
        new, number = name, 2
        while new in seen or (new != name and new in taken):
            new, number = f"{name}_{number}", number + 1
        seen.add(new)
        given.append(new)
    return given


def spans(count: int) -> Iterator[tuple[int, int]]:
    """Start and end of each chunk of `count` rows; one empty chunk where there are none."""
    for start in range(0, max(count, 1), CHUNK_ROWS):
        yield start, min(start + CHUNK_ROWS, count)
