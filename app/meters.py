"""Counters and gauges of all processes of a server, in memory that they share; written as Prometheus reads it.

Every series is declared before the server forks, with all values that its labels may take: so there are as many as were
declared, whatever clients send. Each process writes to a place of its own, nobody waits for a lock of another process,
and whoever is asked adds up all places. What a process counted outlives it: its successor goes on in the same place.
"""

from __future__ import annotations

import math
import mmap
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Values = tuple[str, ...]
#: Numbers of one process, and processes of one server (64 web workers, engine, jobs, supervisor).
CELLS, PLACES = 16_384, 72
#: Upper limits of a histogram of seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
#: Series of a counter that are told even where nothing was counted: so it is seen when they begin to.
FEW = 64
#: What stands for a value that was not declared.
OTHER = "other"
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Board:
    """The numbers of one server: rows of cells, one row a process."""

    def __init__(self) -> None:
        self._cells = memoryview(mmap.mmap(-1, CELLS * PLACES * 8)).cast("d")
        self._used = 0
        self._names: dict[int, str] = {}
        self._base = 0
        self._entered = False
        self.lock = threading.Lock()
        self.families: dict[str, Family] = {}
        self._gauges: list[int] = []
        self._pid = self.take(1)

    def take(self, cells: int) -> int:
        """Cells for a series; only before processes are forked."""
        if self._entered:
            raise RuntimeError("Series are declared before the server forks.")
        if self._used + cells > CELLS:
            raise RuntimeError("There are more series than the board has room for.")
        first, self._used = self._used, self._used + cells
        return first

    def note_gauge(self, cell: int) -> None:
        """Say that a cell holds what is now: it ends with its process."""
        self._gauges.append(cell)

    def name(self, place: int, process: str) -> None:
        """Say which process writes to a place; before it is forked."""
        self._names[place] = process

    def enter(self, place: int) -> None:
        """Write to this place from now on, in a process that was just forked."""
        self.lock = threading.Lock()
        self._base, self._entered = place * CELLS, True
        for cell in self._gauges:
            self._cells[self._base + cell] = 0.0
        self._cells[self._base + self._pid] = os.getpid()

    def add(self, cell: int, by: float) -> None:
        """Count in this process's place; any thread may."""
        with self.lock:
            self._cells[self._base + cell] += by

    def set(self, cell: int, value: float) -> None:
        """Say what is now, in this process's place."""
        self._cells[self._base + cell] = value

    def sum(self, cell: int, process: str | None = None) -> float:
        """What all processes counted, or those of one name."""
        if not self._names:
            return self._cells[self._base + cell]
        return math.fsum(
            self._cells[place * CELLS + cell]
            for place, name in self._names.items()
            if process is None or name == process
        )

    @property
    def processes(self) -> list[str]:
        """The names of the processes, each once."""
        return list(dict.fromkeys(self._names.values()))

    def pids(self) -> Iterator[tuple[str, int]]:
        """Each process with its id, as far as it was started."""
        for place, name in self._names.items():
            pid = int(self._cells[place * CELLS + self._pid])
            if pid:
                yield name, pid


#: That of this server; in a command or a test that of the process alone.
BOARD = Board()


@dataclass(slots=True)
class Family:
    """A metric: its name, what it says, its labels, and the first cell of each series."""

    name: str
    help: str
    kind: Kind
    labels: Sequence[str] = ()
    board: Board = field(default_factory=lambda: BOARD)
    #: Whether it is told for each kind of process.
    by_process: bool = False
    series: dict[Values, int] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Cells of a series: of a histogram its buckets, all, and the sum."""
        return len(BUCKETS) + 2 if self.kind == "histogram" else 1

    def declare(self, values: Values) -> None:
        """A series; one that is declared again stays what it is."""
        if values not in self.series:
            self.series[values] = cell = self.board.take(self.width)
            if self.kind == "gauge":
                self.board.note_gauge(cell)

    def cell(self, values: Values) -> int:
        """The cell of a series; what was not declared counts as other."""
        found = self.series.get(values)
        return self.series[(OTHER,) * len(values)] if found is None else found

    def add(self, *values: str, by: float = 1.0) -> None:
        """Count one more."""
        self.board.add(self.cell(values), by)

    def set(self, *values: str, to: float) -> None:
        """Say what is now."""
        self.board.set(self.cell(values), to)

    def observe(self, *values: str, seconds: float) -> None:
        """Count one that took so long."""
        first = self.cell(values)
        number = next((n for n, most in enumerate(BUCKETS) if seconds <= most), len(BUCKETS))
        self.board.add(first + number, 1.0)
        self.board.add(first + len(BUCKETS) + 1, seconds)

    def value(self, *values: str) -> float:
        """What is told of a series."""
        return self.board.sum(self.cell(values))


def counter(name: str, told: str, **labels: Iterable[str]) -> Family:
    """A metric that only grows, with all values of its labels."""
    return _made(Family(name, told, "counter", tuple(labels)), labels)


def gauge(name: str, told: str, *, by_process: bool = False, **labels: Iterable[str]) -> Family:
    """A metric of what is now; with `by_process` told for each kind of process, else added up."""
    return _made(Family(name, told, "gauge", tuple(labels), by_process=by_process), labels)


def histogram(name: str, told: str, **labels: Iterable[str]) -> Family:
    """A metric of how long things took."""
    return _made(Family(name, told, "histogram", tuple(labels)), labels)


def _made(family: Family, labels: Mapping[str, Iterable[str]]) -> Family:
    BOARD.families[family.name] = family
    for values in product(*labels.values()):
        family.declare(values)
    if labels:
        family.declare((OTHER,) * len(labels))
    return family


def exposition(board: Board = BOARD) -> Iterator[str]:
    """All that was counted, as lines; of a counter with many series those in which nothing was counted are left out."""
    for family in board.families.values():
        lines = list(_lines(family))
        if lines:
            yield from head(family.name, family.help, family.kind)
            yield from lines


def head(name: str, told: str, kind: Kind) -> Iterator[str]:
    """The two lines before the values of a metric."""
    yield f"# HELP {name} {told}"
    yield f"# TYPE {name} {kind}"


def sample(name: str, labels: Mapping[str, str], value: float) -> str:
    """A line with one value."""
    told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    number = f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else repr(value)
    return f"{name}{{{told}}} {number}" if told else f"{name} {number}"


def resident_bytes(board: Board = BOARD) -> dict[str, int]:
    """Memory of each kind of process."""
    found: dict[str, int] = {}
    for name, pid in board.pids():
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        except (OSError, ValueError, IndexError):
            continue
        found[name] = found.get(name, 0) + pages * mmap.PAGESIZE
    return found


def _lines(family: Family) -> Iterator[str]:
    for values, cell in family.series.items():
        if OTHER in values and family.kind != "histogram" and not family.board.sum(cell):
            continue
        labels = dict(zip(family.labels, values, strict=True))
        if family.kind == "histogram":
            yield from _histogram(family, labels, cell)
        elif family.by_process and family.board.processes:
            for process in family.board.processes:
                yield sample(family.name, {"process": process, **labels}, family.board.sum(cell, process))
        else:
            value = family.board.sum(cell)
            if value or family.kind == "gauge" or len(family.series) <= FEW:
                yield sample(family.name, labels, value)


def _histogram(family: Family, labels: Mapping[str, str], first: int) -> Iterator[str]:
    counts = [family.board.sum(first + number) for number in range(len(BUCKETS) + 1)]
    if not any(counts):
        return
    below = 0.0
    for most, count in zip((*(f"{limit:g}" for limit in BUCKETS), "+Inf"), counts, strict=True):
        below += count
        yield sample(f"{family.name}_bucket", {**labels, "le": most}, below)
    yield sample(f"{family.name}_sum", labels, family.board.sum(first + len(BUCKETS) + 1))
    yield sample(f"{family.name}_count", labels, below)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
