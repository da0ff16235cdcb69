"""Rows of a survey's point and line tables → nodes and pipes, each row that joins nothing with the reason."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely

from app.ingest.layer import Layer, LayerSource, take
from app.ingest.points import PlaceColumns, draw
from app.ingest.survey_headings import DIAMETERS, FEATURE, FITTING, KIND, first_of
from app.validation.values import EXACT

#: Headings under which the classes of nodes and pipes know what is made here.
CODE, NUMBER, FROM, TO, KIND_OF_PIPE, DIAMETER, WIDTH, HEIGHT = (
    "code", "物探点号", "起始点号", "终止点号", "管线种类", "管径", "断面宽", "断面高",
)  # fmt: skip
_SECTION = re.compile(
    r"\s*(\d+(?:\.\d+)?)\s*(?:mm)?\s*[x×*＊X✕]\s*(\d+(?:\.\d+)?)\s*(?:mm)?\s*", re.IGNORECASE
)
_ROUND = re.compile(r"\s*(?:DN|D|[ΦφøØΦ⌀])\s*(\d+(?:\.\d+)?)\s*(?:mm)?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PointTable:
    """A table of points: the `kind` of pipe that its name says, the heading of its `number`s, where its `place`s stand.

    `end` is the heading of the numbers at the other end where its rows are lines too: a number may stand in several.
    """

    source: LayerSource
    kind: str | None
    number: str
    place: PlaceColumns
    end: str | None


@dataclass(frozen=True, slots=True)
class LineTable:
    """A table of lines: the `kind` of pipe that its name says, the headings of the numbers at `start` and `end`.

    `both`: its rows are points too, so that a stretch may be listed at both of its ends.
    """

    source: LayerSource
    kind: str | None
    start: str
    end: str
    both: bool


@dataclass(frozen=True, slots=True)
class Point:
    """A point as first listed: its table, its row there and its place, None where it cannot be read."""

    table: int
    row: int
    place: tuple[float, float] | None


def _point_number(value: Any) -> str | None:
    """A point's number as text, however a table holds it (12, 12.0, " WS12 ", full width); None where there is none."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, float):
        if not np.isfinite(value):
            return None
        value = int(value) if value.is_integer() and abs(value) < EXACT else value
    return unicodedata.normalize("NFKC", str(value)).strip() or None


class PointIndex:
    """All points of a survey by their numbers, and what is wrong with the numbers of its lines."""

    def __init__(self, points: Sequence[PointTable], lines: Sequence[LineTable]) -> None:
        self._tables = points
        self._points: list[dict[str, Point]] = [{} for _ in points]
        for i, table in enumerate(points):
            self._read(i, table)
        kinds = [table.kind for table in points]
        alike = sum(map(len, self._points)) > len(set().union(*self._points))
        #: Tables that number alike are told apart by their kinds.
        self.prefixed = alike and None not in kinds and len(set(kinds)) == len(kinds)
        self._used: set[tuple[int, str]] = set()
        self._stretches: dict[tuple[str | None, frozenset[str]], tuple[int, int]] = {}
        for i, line in enumerate(lines):
            self._read_lines(i, line)

    def _read(self, number: int, table: PointTable) -> None:
        known = self._points[number]
        for chunk in table.source.chunks():
            drawn = draw(chunk, table.place).geometry
            places = np.column_stack([shapely.get_x(drawn), shapely.get_y(drawn)]).tolist()
            for row, value, (x, y) in zip(chunk.rows, chunk.columns[table.number], places, strict=True):
                name = _point_number(value)
                if name is not None and name not in known:
                    known[name] = Point(number, row, (x, y) if np.isfinite(x) and np.isfinite(y) else None)

    def _read_lines(self, number: int, table: LineTable) -> None:
        for chunk in table.source.chunks():
            kinds = _kinds(chunk, table.kind)
            for row, ends, kind in zip(chunk.rows, _line_ends(chunk, table), kinds, strict=True):
                found = [self.find(name, table.kind or kind) for name in ends if name is not None]
                self._used.update(
                    (p.table, str(n)) for p, n in zip(found, filter(None, ends), strict=True) if p
                )
                if None not in ends:
                    self._stretches.setdefault((kind, frozenset(map(str, ends))), (number, row))

    def find(self, name: str, kind: str | None) -> Point | None:
        """The point of this number: in a table of the same kind of pipe, else in the first that has it."""
        order = sorted(range(len(self._tables)), key=lambda i: self._tables[i].kind != kind)
        return next((self._points[i][name] for i in order if name in self._points[i]), None)

    def lack(self, which: str, name: str) -> str:
        """Why a number, of the start or end of a line, is that of no point."""
        return f"{which} point '{name}' is not in the point table"

    def first_of(self, name: str, table: int) -> Point:
        """Where the number was first listed, among the tables from which it is not told apart."""
        if self.prefixed:
            return self._points[table][name]
        return next(points[name] for points in self._points if name in points)

    def code(self, name: str, table: int) -> str:
        """The code of the node of this number in this table."""
        return f"{self._tables[table].kind}{name}" if self.prefixed else name

    def title(self, table: int) -> str:
        """The name of a table of points."""
        return self._tables[table].source.name

    def listed_before(self, kind: str | None, ends: Sequence[str], table: int, row: int) -> int | None:
        """The row that listed the same stretch, in whichever direction, before this one."""
        first = self._stretches[kind, frozenset(ends)]
        return None if first == (table, row) else first[1]

    def notes(self, table: int) -> tuple[str, ...]:
        """What is to be said of the points of a table."""
        unused = sum((table, name) not in self._used for name in self._points[table])
        said = ("tables number alike: codes begin with the kind of pipe",) if self.prefixed else ()
        return (*said, f"{unused} points are at the end of no line") if unused else said


def _kinds(layer: Layer, kind: str | None) -> list[str | None]:
    heading = first_of(layer.columns, KIND)
    if heading is None:
        return [kind] * len(layer.rows)
    return [None if value is None else str(value) for value in layer.columns[heading]]


def _line_ends(layer: Layer, table: LineTable) -> list[tuple[str | None, str | None]]:
    """The numbers at start and end of each row; a point that several rows follow may be named in the first alone."""
    starts = [_point_number(value) for value in layer.columns.get(table.start, [None] * len(layer.rows))]
    if table.both:
        starts = _filled_down(starts)
    ends = [_point_number(value) for value in layer.columns.get(table.end, [None] * len(layer.rows))]
    return list(zip(starts, ends, strict=True))


def line_numbers(table: LineTable) -> set[str]:
    """All numbers at the ends of a table's lines, also with the kind of their pipe before them."""
    names: set[str] = set()
    for chunk in table.source.chunks():
        for pair, kind in zip(_line_ends(chunk, table), _kinds(chunk, table.kind), strict=True):
            names.update(text for name in pair if name for text in (name, f"{kind}{name}"))
    return names


def _filled_down(names: list[str | None]) -> list[str | None]:
    filled: list[str | None] = []
    for name in names:
        filled.append(name or (filled[-1] if filled else None))
    return filled


def draw_nodes(chunk: Layer, table: PointTable, number: int, index: PointIndex) -> Layer:
    """The rows of a point table as nodes."""
    names = [_point_number(value) for value in chunk.columns[table.number]]
    if table.end is not None:
        # Of a table that lists a point once for each line, its first row is the point.
        ends = chunk.columns.get(table.end, [None] * len(names))
        kept = [
            i
            for i, name in enumerate(names)
            if (ends[i] is None if name is None else index.first_of(name, number).row == chunk.rows[i])
        ]
        chunk, names = take(chunk, kept), [names[i] for i in kept]
    layer = draw(chunk, table.place)
    faults = dict(layer.faults)
    for i, name in enumerate(names):
        if name is None:
            faults.setdefault(i, f"{table.number} is empty: the point has no number")
            continue
        first = index.first_of(name, number)
        if (first.table, first.row) != (number, layer.rows[i]):
            faults.setdefault(
                i, f"point '{name}' is already in row {first.row} of '{index.title(first.table)}'"
            )
    codes = [None if name is None else index.code(name, number) for name in names]
    columns = {heading: values for heading, values in layer.columns.items() if heading != table.number}
    columns = {CODE: codes, NUMBER: list(names), **_with_kind(columns, table.kind, len(names))}
    geometry = layer.geometry.copy()
    geometry[list(faults)] = None
    return replace(layer, geometry=geometry, columns=_with_feature(columns), faults=faults)


def _with_kind(columns: dict[str, list[Any]], kind: str | None, count: int) -> dict[str, list[Any]]:
    """With the kind of pipe that the table's name says, where no column does."""
    return columns if kind is None or first_of(columns, KIND) else {**columns, KIND_OF_PIPE: [kind] * count}


def _with_feature(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """A point is a feature or a fitting, each in a column of its own: what it is is put into the first."""
    feature, fitting = first_of(columns, FEATURE), first_of(columns, FITTING)
    if fitting is None:
        return columns
    features = columns.get(feature or "", [None] * len(columns[fitting]))
    both = [b or a for a, b in zip(features, columns[fitting], strict=True)]
    return {**columns, feature or FEATURE[0]: both}


def draw_pipes(chunk: Layer, table: LineTable, number: int, index: PointIndex) -> Layer:
    """The rows of a line table as pipes, straight between their points."""
    if table.both:
        filled = [start for start, _ in _line_ends(chunk, table)]
        chunk = replace(chunk, columns={**chunk.columns, table.start: filled})
        chunk = take(chunk, _listed_first(chunk, table, number, index))
    ends = _line_ends(chunk, table)
    kinds = _kinds(chunk, table.kind)
    found = [
        [None if name is None else index.find(name, table.kind or kind) for name in pair]
        for pair, kind in zip(ends, kinds, strict=True)
    ]
    faults = dict(chunk.faults)
    for i, (pair, points) in enumerate(zip(ends, found, strict=True)):
        why = _why_none(pair, points, index)
        if why is not None:
            faults.setdefault(i, why)
    for i, before in enumerate(_before(chunk, table, number, index)):
        if before is not None:
            faults.setdefault(
                i, f"the stretch from '{ends[i][0]}' to '{ends[i][1]}' is already in row {before}"
            )
    good = [i for i in range(len(ends)) if i not in faults]
    geometry = np.full(len(ends), None, dtype=object)
    if good:
        places = [[p.place for p in found[i] if p is not None] for i in good]
        geometry[good] = shapely.linestrings(np.array(places, dtype=np.float64))
    codes = [
        [
            None if p is None or name is None else index.code(name, p.table)
            for name, p in zip(pair, points, strict=True)
        ]
        for pair, points in zip(ends, found, strict=True)
    ]
    return replace(
        chunk,
        geometry=geometry,
        columns=_pipe_columns(chunk, table, ends, codes),
        faults=faults,
        spatial=True,
    )


def _before(chunk: Layer, table: LineTable, number: int, index: PointIndex) -> list[int | None]:
    """For each row that which listed the same stretch before it."""
    rows = zip(chunk.rows, _line_ends(chunk, table), _kinds(chunk, table.kind), strict=True)
    return [
        index.listed_before(kind, (start, end), number, row)
        if start is not None and end is not None
        else None
        for row, (start, end), kind in rows
    ]


def _listed_first(chunk: Layer, table: LineTable, number: int, index: PointIndex) -> list[int]:
    """Of a table that lists each stretch at both of its points, the rows that do so first."""
    before = _before(chunk, table, number, index)
    return [i for i, (_, end) in enumerate(_line_ends(chunk, table)) if end is not None and before[i] is None]


def _why_none(pair: Sequence[str | None], points: Sequence[Point | None], index: PointIndex) -> str | None:
    """Why there is no pipe between two points, None where there is one."""
    for which, name, point in zip(("start", "end"), pair, points, strict=True):
        if name is None:
            return f"the number of the {which} point is empty"
        if point is None:
            return index.lack(which, name)
        if point.place is None:
            return f"{which} point '{name}' has no place (row {point.row} of '{index.title(point.table)}')"
    first, last = points
    if first == last:
        return f"start and end are the same point '{pair[0]}'"
    if first and last and first.place == last.place:
        return f"the points '{pair[0]}' and '{pair[1]}' lie at the same place"
    return None


def _pipe_columns(
    chunk: Layer,
    table: LineTable,
    ends: Sequence[Sequence[str | None]],
    codes: Sequence[Sequence[str | None]],
) -> dict[str, list[Any]]:
    kept = {
        heading: values
        for heading, values in chunk.columns.items()
        if heading not in (table.start, table.end)
    }
    starts = [code or name for (code, _), (name, _) in zip(codes, ends, strict=True)]
    stops = [code or name for (_, code), (_, name) in zip(codes, ends, strict=True)]
    made = [f"{start}-{stop}" if start and stop else None for start, stop in zip(starts, stops, strict=True)]
    return _sections({CODE: made, FROM: starts, TO: stops, **_with_kind(kept, table.kind, len(ends))})


def _sections(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Diameters (DN300, Φ300 and 300 are alike) under one heading, sections such as 400×600 as width and height."""
    heading = first_of(columns, DIAMETERS)
    if heading is None or {WIDTH, HEIGHT} & columns.keys():
        return columns
    cells = columns[heading]
    found = [_SECTION.fullmatch(cell) if isinstance(cell, str) else None for cell in cells]
    round_ = [_ROUND.fullmatch(cell) if isinstance(cell, str) else None for cell in cells]
    rest = [None if m else r[1] if r else cell for m, r, cell in zip(found, round_, cells, strict=True)]
    kept = {DIAMETER if name == heading else name: values for name, values in columns.items()} | {
        DIAMETER: rest
    }
    if not any(found):
        return kept
    return {**kept, WIDTH: [m and m[1] for m in found], HEIGHT: [m and m[2] for m in found]}
