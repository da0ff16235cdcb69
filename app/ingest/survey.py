"""Pipe surveys (CJJ 61): a table of points and one of lines, joined by the numbers of the points to nodes and pipes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from app.ingest.headings import OWN_MARKS
from app.ingest.layer import Extent, Layer, LayerSource, Totals
from app.ingest.points import PlaceColumns, find_places
from app.ingest.spool import finite_bounds, join_extents
from app.ingest.survey_headings import END, POINT, START, first_of, kind_in
from app.ingest.survey_rows import LineTable, PointIndex, PointTable, draw_nodes, draw_pipes
from app.validation.values import normalise

#: The classes that nodes and pipes go to.
NODES, PIPES = "pipe_nodes", "pipes"


@dataclass(frozen=True, slots=True)
class SurveyTables:
    """The tables of a survey: those of points and those of lines, which may be one and the same."""

    points: tuple[PointTable, ...]
    lines: tuple[LineTable, ...]


def find_tables(sources: Sequence[LayerSource]) -> SurveyTables | None:
    """The tables of points and of lines among the layers of a file; None where there are not both.

    A point table has a heading of point numbers and columns of places, a line table headings of the numbers at its
    start and end. A table with all of these is both.
    """
    points: list[PointTable] = []
    lines: list[LineTable] = []
    for source in sources:
        if source.spatial or source.skipped is not None or source.empty or _is_own(source):
            continue
        number, end = first_of(source.headings, POINT), first_of(source.headings, END)
        start = first_of(source.headings, START) or number
        place = _place(source) if number is not None else None
        kind = kind_in(source.name)
        if end is not None and start is not None:
            lines.append(LineTable(source, kind, start, end, both=place is not None))
        if number is not None and place is not None:
            points.append(PointTable(source, kind, number, place, end))
    return SurveyTables(tuple(points), tuple(lines)) if points and lines else None


def find_lines(sources: Sequence[LayerSource]) -> list[LineTable]:
    """The tables of lines that say nowhere where they run but by the numbers of points."""
    found = []
    for source in sources:
        if source.spatial or source.skipped is not None or source.empty or _is_own(source):
            continue
        start, end = first_of(source.headings, START), first_of(source.headings, END)
        if start is not None and end is not None and _place(source) is None:
            found.append(LineTable(source, kind_in(source.name), start, end, both=False))
    return found


def _is_own(source: LayerSource) -> bool:
    return {normalise(heading) for heading in source.headings}.issuperset(OWN_MARKS)


def _place(source: LayerSource) -> PlaceColumns | None:
    """Where the points lie; where size does not tell the axes apart, X is north, as surveys of pipes write it."""
    first = next(iter(source.chunks()))
    place = find_places(source.headings, first.columns)
    if place is None or place.sure:
        return place
    north, east = place.columns
    note = f"places from the columns {north}, {east}: {north} is taken as north, as CJJ 61 has it"
    return replace(place, columns=(east, north), notes=(note,))


def join_tables(sources: Sequence[LayerSource], tables: SurveyTables) -> list[LayerSource]:
    """The layers with those of the survey made into nodes and pipes (layers `pipe_nodes` and `pipes`), one a table.

    Nodes bear their number as `code`, with the kind of their table before it where tables number alike. A pipe runs
    straight between its points, bears their codes as 起始点号 and 终止点号 and both as its own `code`. A row is a fault
    where its number is missing, stands twice or is not in the point tables, where it joins a point with itself or with
    another at the same place, and where the same stretch was listed before.
    """
    index = PointIndex(tables.points, tables.lines)
    taken = {id(point.source) for point in tables.points} | {id(line.source) for line in tables.lines}
    made = [source for source in sources if id(source) not in taken]
    for i, point in enumerate(tables.points):
        notes = (*_said("points", point.source), *point.place.notes, *index.notes(i))
        made.append(make_source(NODES, point.source, partial(_nodes, point, i, index), notes))
    for i, line in enumerate(tables.lines):
        notes = _said("lines", line.source)
        made.append(make_source(PIPES, line.source, partial(_pipes, line, i, index), notes))
    return made


def _said(what: str, source: LayerSource) -> tuple[str, ...]:
    return (f"{what} of the survey table '{source.name}'", *source.notes)


def _nodes(table: PointTable, number: int, index: PointIndex) -> Iterator[Layer]:
    return (draw_nodes(chunk, table, number, index) for chunk in table.source.chunks())


def _pipes(table: LineTable, number: int, index: PointIndex) -> Iterator[Layer]:
    return (draw_pipes(chunk, table, number, index) for chunk in table.source.chunks())


def make_source(
    name: str, given: LayerSource, chunks: Callable[[], Iterator[Layer]], notes: tuple[str, ...]
) -> LayerSource:
    """A layer whose rows are made anew at each going through."""
    headings: dict[str, None] = {}
    bounds: Extent | None = None
    crs, count = given.crs, 0
    for layer in chunks():
        headings |= dict.fromkeys(layer.columns)
        bounds = join_extents(bounds, finite_bounds(layer.geometry))
        crs, count = crs or layer.crs, count + len(layer.rows)

    def named() -> Iterator[Layer]:
        return (replace(layer, name=name, crs=crs) for layer in chunks() if layer.rows)

    totals = Totals(count, tuple(dict.fromkeys(notes)), bounds)
    return LayerSource(
        name,
        tuple(headings),
        crs,
        None,
        None,
        given.encoding,
        True,
        totals.notes,
        not count,
        named,
        lambda: totals,
    )
