"""Tables of a SQLite file written as its pages, a whole batch of rows at a time instead of row by row. Pure.

The pages are those of https://www.sqlite.org/fileformat2.html §1.6: trees whose leaves hold the rows in the order of
their ids, and pages for the rest of rows that are longer than a leaf.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from app.exports.sqlite_records import Column, cells, varints
from app.inventory.copy_binary import Offsets, binary, joined
from app.lazy import lazy_module

pa = lazy_module("pyarrow")
pc = lazy_module("pyarrow.compute")

PAGE = 4096
#: The page whose bytes SQLite locks: it is left out (§1.3.2).
LOCK_PAGE = 2**30 // PAGE + 1
_LEAF, _INTERIOR = 13, 5
_LEAF_HEAD, _INTERIOR_HEAD = 8, 12
#: Of a longer record at least so much stays in the leaf; the rest goes to pages of its own, each naming the next.
_LONGEST, _LEAST, _REST = PAGE - 35, (PAGE - 12) * 32 // 255 - 23, PAGE - 4
#: Pages below an interior one: two bytes of a pointer, four of a number, at most nine of an id each.
_CHILDREN = (PAGE - _INTERIOR_HEAD) // 15


class PageFile:
    """A SQLite file that nobody has open, whose empty tables are filled; it is right again once it is closed.

    Raises:
        OSError: It cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb+")
        head = self._file.read(100)
        # Some builds of SQLite keep bytes of each page for themselves, or pages that tell where others belong.
        if int.from_bytes(head[16:18]) != PAGE or head[20] or any(head[52:56]):
            raise OSError(f"{path.name} has no plain pages of {PAGE} bytes")
        self._changes, self._last = int.from_bytes(head[24:28]), int.from_bytes(head[28:32])

    def __enter__(self) -> Self:
        """The file."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Say how many pages there are now, unless the writing failed."""
        with self._file:
            if error is None:
                changes = (self._changes + 1).to_bytes(4)
                self._put(24, changes + self._last.to_bytes(4))
                self._put(92, changes)

    def _put(self, place: int, data: Any) -> None:
        self._file.seek(place)
        self._file.write(data)

    def write(self, page: int, data: bytes) -> None:
        """Write a page in the place of one that is there."""
        self._put((page - 1) * PAGE, data)

    def next_pages(self, count: int) -> Offsets:
        """The numbers that the next pages will have (count,)."""
        numbers = self._last + 1 + np.arange(count, dtype=np.int64)
        if self._last < LOCK_PAGE:
            numbers[numbers >= LOCK_PAGE] += 1
        return numbers

    def append(self, data: Any) -> Offsets:
        """Write whole pages behind all others; their numbers."""
        whole = memoryview(data)
        numbers = self.next_pages(len(whole) // PAGE)
        before = int(np.count_nonzero(numbers < LOCK_PAGE))
        for first, part in ((0, whole[: before * PAGE]), (before, whole[before * PAGE :])):
            if len(part):
                self._put((int(numbers[first]) - 1) * PAGE, part)
        if len(numbers):
            self._last = int(numbers[-1])
        return numbers


class TableWriter:
    """Fills the table whose tree begins at page `root` (`rootpage` in `sqlite_schema`), batch by batch."""

    def __init__(self, file: PageFile, root: int) -> None:
        self._file, self._root = file, root
        self._cells: Any = None
        self._ids = np.zeros(0, dtype=np.int64)
        self._numbers: list[Offsets] = []
        self._lasts: list[Offsets] = []
        self._newest = -1

    def add(self, ids: Offsets, columns: Sequence[Column]) -> None:
        """Rows by their ids (n,), which rise from batch to batch, and their columns in the order of the table.

        Raises:
            OSError: The ids do not rise, or the file cannot be written.
        """
        if not len(ids):
            return
        if ids[0] <= self._newest or (np.diff(ids) <= 0).any():
            raise OSError("the rows do not come in the order of their ids")
        self._newest = int(ids[-1])
        made = self._shortened(*cells(ids, columns))
        if self._cells is not None:
            made, ids = pa.concat_arrays([self._cells, made]), np.concatenate([self._ids, ids])
        starts = _starts(made)
        # The last leaf may have room for rows to come.
        self._cells, self._ids = made.slice(starts[-1]), ids[starts[-1] :]
        if len(starts) > 1:
            self._numbers.append(self._file.append(_leaves(made, starts)))
            self._lasts.append(ids[np.asarray(starts[1:]) - 1])

    def finish(self) -> None:
        """Write what is left, and the pages above the leaves."""
        if self._cells is None:
            return
        last = bytes(_leaves(self._cells, [0, len(self._cells)]))
        if not self._numbers:
            self._file.write(self._root, last)
            return
        numbers = np.concatenate([*self._numbers, self._file.append(last)])
        lasts = np.concatenate([*self._lasts, self._ids[-1:]])
        while len(numbers) > _CHILDREN:
            parts = np.array_split(np.arange(len(numbers)), -(-len(numbers) // _CHILDREN))
            pages = b"".join(_interior(numbers[part], lasts[part]) for part in parts)
            numbers, lasts = self._file.append(pages), lasts[[part[-1] for part in parts]]
        self._file.write(self._root, _interior(numbers, lasts))

    def _shortened(self, made: Any, before: Offsets) -> Any:
        """The cells with the ends of long ones put into pages of their own; `before` (n,) bytes are no record."""
        sizes = np.asarray(pc.binary_length(made), dtype=np.int64) - before
        long = np.flatnonzero(sizes > _LONGEST)
        if not len(long):
            return made
        cut = [self._cut(made[i].as_py(), int(before[i])) for i in long.tolist()]
        order = np.arange(len(made))
        order[long] = len(made) + np.arange(len(long))
        return pa.concat_arrays([made, pa.array(cut, pa.large_binary())]).take(pa.array(order))

    def _cut(self, cell: bytes, before: int) -> bytes:
        """What of a cell stays in its leaf, with the number of the page where it goes on."""
        size = len(cell) - before
        kept = _LEAST + (size - _LEAST) % _REST
        end = before + (kept if kept <= _LONGEST else _LEAST)
        pieces = [cell[place : place + _REST] for place in range(end, len(cell), _REST)]
        numbers = [*self._file.next_pages(len(pieces)).tolist(), 0]
        self._file.append(
            b"".join(
                following.to_bytes(4) + piece.ljust(_REST, b"\0")
                for following, piece in zip(numbers[1:], pieces, strict=True)
            )
        )
        return cell[:end] + int(numbers[0]).to_bytes(4)


def _starts(made: Any) -> list[int]:
    """The first cell of each leaf, where these are filled one after the other."""
    sizes = np.asarray(pc.binary_length(made), dtype=np.int64) + 2
    ends = np.cumsum(sizes).tolist()
    found, before = [0], 0
    while before + PAGE - _LEAF_HEAD < ends[-1]:
        place = bisect_right(ends, before + PAGE - _LEAF_HEAD)
        found.append(place)
        before = ends[place - 1]
    return found


def _leaves(made: Any, starts: Sequence[int]) -> memoryview:
    """The leaves that hold the cells from each of `starts` to the next, one page after the other (§1.6)."""
    first = np.asarray(starts, dtype=np.int64)
    made = made.slice(0, int(first[-1]))
    count = np.diff(first)
    sizes = np.asarray(pc.binary_length(made), dtype=np.int64)
    ends = np.cumsum(sizes)
    before = np.concatenate([[0], ends])[first]
    # A page begins with its head and the places of its cells; these stand together at its end.
    heads = PAGE - np.diff(before)
    at = np.cumsum(heads) - heads
    of_cell = np.repeat(np.arange(len(count)), count)
    content = ends - sizes - before[:-1][of_cell] + heads[of_cell]
    data = np.zeros(int(heads.sum()), dtype=np.uint8)
    head = np.zeros(len(count), dtype=_HEAD)
    head["kind"], head["cells"], head["content"] = _LEAF, count, heads
    data[at[:, np.newaxis] + np.arange(_LEAF_HEAD)] = head.view(np.uint8).reshape(-1, _LEAF_HEAD)
    pointers = at[of_cell] + _LEAF_HEAD + 2 * (np.arange(len(made)) - first[:-1][of_cell])
    data[pointers[:, np.newaxis] + np.arange(2)] = content.astype(">u2").view(np.uint8).reshape(-1, 2)
    bounds = np.concatenate([[0], np.cumsum(heads)])
    places = np.repeat(bounds[1:], count)
    places = np.concatenate([places, bounds[-1:]])
    places[first[:-1]] = bounds[:-1]
    _, _, whole = joined([binary(places, data), made]).buffers()
    return memoryview(whole)[: PAGE * len(count)]


#: Kind, first free block, cells, where their content begins, free bytes between them.
_HEAD = np.dtype([("kind", "u1"), ("free", ">u2"), ("cells", ">u2"), ("content", ">u2"), ("gaps", "u1")])


def _interior(numbers: Offsets, lasts: Offsets) -> bytes:
    """A page above others: the number of each and the last id in it, of the last one the number alone."""
    data, kept = varints(lasts[:-1])
    found = [
        struct.pack(">I", number) + key[held].tobytes()
        for number, key, held in zip(numbers[:-1].tolist(), data, kept, strict=True)
    ]
    end = PAGE - sum(map(len, found))
    places = end + np.cumsum([0, *map(len, found)])[:-1]
    head = struct.pack(">BHHHBI", _INTERIOR, 0, len(found), end, 0, int(numbers[-1]))
    return (head + places.astype(">u2").tobytes()).ljust(end, b"\0") + b"".join(found)
