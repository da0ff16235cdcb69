"""Points of a survey that are stored already: a table of its lines that comes alone is drawn between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from app.ingest.layer import Layer, LayerSource
from app.ingest.rejects import WKT, is_mended, unmend
from app.ingest.survey import PIPES, find_lines, make_source
from app.ingest.survey_rows import CODE, LineTable, Point, PointIndex, draw_pipes, line_numbers

#: Stored points are in longitudes and latitudes (WGS84 and CGCS2000 are the same to a centimetre in Chengtu's tables).
STORED_CRS = "EPSG:4326"
NOTE = "its points are not in the file: they were looked up among the stored pipe nodes by their numbers"


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A stored pipe node: its code, its number in the survey where it has one, its place (lon, lat)."""

    code: str
    number: str | None
    place: tuple[float, float]


Find = Callable[[Sequence[str]], Sequence[StoredPoint]]


class StoredIndex(PointIndex):
    """Stored points by their codes and numbers."""

    def __init__(self, lines: Sequence[LineTable], stored: Sequence[StoredPoint]) -> None:
        self._stored = stored
        self._by_name: dict[str, dict[int, None]] = {}
        for i, point in enumerate(stored):
            for name in {point.code, point.number} - {None}:
                self._by_name.setdefault(str(name), {})[i] = None
        super().__init__((), lines)

    def find(self, name: str, kind: str | None) -> Point | None:
        """The one point of this number: of several the one whose code is the number with or without the kind before.

        Where two are so, they are of two surveys.
        """
        found = {**self._by_name.get(name, {}), **self._by_name.get(f"{kind}{name}", {})}
        exact = [i for i in found if self._stored[i].code in (f"{kind}{name}", name)]
        likely = exact or list(found)
        return Point(likely[0], 0, self._stored[likely[0]].place) if len(likely) == 1 else None

    def code(self, name: str, table: int) -> str:  # noqa: ARG002 - as of all points
        """The code of the point that was found."""
        return self._stored[table].code

    def lack(self, which: str, name: str) -> str:
        """Why no point was found, or not one alone."""
        found = len(self._by_name.get(name, ()))
        if found:
            return f"{which} point '{name}' may be any of {found} stored pipe nodes of this number"
        return f"{which} point '{name}' is no number of a stored pipe node"


def join_stored(sources: Sequence[LayerSource], find: Find) -> list[LayerSource] | None:
    """The layers with tables of lines drawn between stored points, in `STORED_CRS`; None where there are none such.

    Only where the file has no points, and at least one of the numbers is stored. Refused rows that were mended are
    drawn anew, whatever shape and code they had.
    """
    plain = {id(source): _unmended(source) if is_mended(source.headings) else source for source in sources}
    tables = {key: table for key, source in plain.items() for table in find_lines([source])}
    if not tables:
        return None
    lines = list(tables.values())
    stored = find(sorted(set().union(*map(line_numbers, lines))))
    if not stored:
        return None
    index = StoredIndex(lines, stored)
    numbers = {key: i for i, key in enumerate(tables)}
    return [
        _drawn(tables[id(source)], numbers[id(source)], index) if id(source) in tables else source
        for source in sources
    ]


def _drawn(table: LineTable, number: int, index: StoredIndex) -> LayerSource:
    notes = (f"lines of the survey table '{table.source.name}'", *table.source.notes, NOTE)
    return make_source(PIPES, table.source, partial(_pipes, table, number, index), notes)


def _pipes(table: LineTable, number: int, index: StoredIndex) -> Iterator[Layer]:
    return (
        replace(draw_pipes(chunk, table, number, index), crs=STORED_CRS) for chunk in table.source.chunks()
    )


def _unmended(source: LayerSource) -> LayerSource:
    """Refused rows without what was added to them, and without the code and shape that their mended numbers give."""

    def chunks() -> Iterator[Layer]:
        for chunk in source.chunks():
            plain = unmend(chunk, guarded=True)
            kept = {name: values for name, values in plain.columns.items() if name not in (CODE, WKT)}
            yield replace(plain, columns=kept)

    first = next(chunks())
    return replace(source, headings=tuple(first.columns), chunks=chunks)
