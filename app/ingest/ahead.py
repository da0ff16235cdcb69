"""Working one step ahead: the next item is made in a thread of its own while the present one is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_END = object()


def ahead(items: Iterable[T]) -> Iterator[T]:
    """The items in order; all of them are made by one and the same thread, at most one before it is asked for.

    Geometries are read and written, and files waited for, without holding the interpreter: both threads really run.
    """
    made = iter(items)
    with ThreadPoolExecutor(1) as thread:
        try:
            coming = thread.submit(next, made, _END)
            while (item := coming.result()) is not _END:
                coming = thread.submit(next, made, _END)
                yield item  # type: ignore[misc]
        finally:
            # What a generator holds open is closed where it was opened.
            close = getattr(made, "close", None)
            if close is not None:
                thread.submit(close).result()
