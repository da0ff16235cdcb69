"""Numbers whose heading names no unit: what their sizes say of it, and what the report says is assumed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.catalogue.model import Field
from app.ingest.headings import Meaning, stated_unit
from app.ingest.layer import LayerSource
from app.validation.units import AREA, DIMENSIONS, LENGTH, VOLUME, Unit, find_unit
from app.validation.values import PLAIN_DIGITS, normalise

#: Pipes and shafts measure at least so many millimetres, and some of a network at least the second.
LEAST_MM, SOME_MM = 15.0, 100.0
#: In metres they measure from the first to the second.
LEAST_M, MOST_M = 0.01, 6.0
#: Sizes in millimetres by their name (GB/T 1047).
NOMINAL = frozenset(map(normalise, ("DN", "公称直径", "公称通径", "nominal diameter")))
_MEASURES = tuple(DIMENSIONS.index(units) for units in (LENGTH, AREA, VOLUME))
METRE = Unit("m", DIMENSIONS.index(LENGTH), 1.0)
SAY_SO = "if that is wrong, name the unit in the heading or in a mapping (unit: …)"


@dataclass(frozen=True, slots=True)
class Assumed:
    """`units` heading → the unit that the sizes of its numbers allow alone; `notes` what is assumed and why."""

    units: Mapping[str, Unit]
    notes: tuple[str, ...]


def assume_units(source: LayerSource, meaning: Meaning) -> Assumed:
    """The units of measured columns whose headings name none.

    Sizes of pipes and shafts (fields in mm) are told from metres by their values: all at least 15 and some 100 or more
    are mm, all from 0.01 to 6 are m. All other numbers are taken to be in the unit of their field, which is noted. What
    a mapping says of a column is never overruled, nor nominal sizes (DN), which are in mm.
    """
    bare = {heading: field for heading, field in meaning.fields.items() if _is_bare(heading, field)}
    sized = [heading for heading, field in bare.items() if field.unit == "mm"]
    units: dict[str, Unit] = {}
    notes: list[str] = []
    for heading, seen in _look(source, sized).items():
        if normalise(heading) in NOMINAL and not seen.metres:
            continue
        unit, note = _judge(heading, seen, settled=heading in meaning.rules or normalise(heading) in NOMINAL)
        units |= {heading: METRE} if unit is METRE else {}
        notes += [note] if note else []
    rest = [heading for heading in bare if heading not in sized and normalise(heading) not in NOMINAL]
    return Assumed(units, (*notes, *_plain_note(rest, bare)))


def _is_bare(heading: str, field: Field) -> bool:
    target = find_unit(field.unit) if field.unit and field.type in {"number", "integer"} else None
    measured = target is not None and target.dimension in _MEASURES
    return measured and stated_unit(heading, field) is None


@dataclass(slots=True)
class _Sizes:
    """The smallest and largest of the numbers above zero, and whether all of them could be metres."""

    low: float = math.inf
    high: float = 0.0

    def add(self, values: Iterable[Any]) -> None:
        for number in _numbers(values):
            self.low, self.high = min(self.low, number), max(self.high, number)

    @property
    def metres(self) -> bool:
        return self.low >= LEAST_M and 0 < self.high <= MOST_M


def _look(source: LayerSource, headings: list[str]) -> dict[str, _Sizes]:
    """The sizes in the first chunk; where they look like metres those of all."""
    seen = {heading: _Sizes() for heading in headings}
    chunks = source.columns_of(headings) if headings else iter(())
    for chunk in itertools.islice(chunks, 1):
        _add(seen, chunk, headings)
    likely = [heading for heading, sizes in seen.items() if sizes.metres]
    for chunk in chunks if likely else ():
        _add(seen, chunk, likely)
    return seen


def _add(seen: Mapping[str, _Sizes], chunk: Mapping[str, list[Any]], headings: Collection[str]) -> None:
    for heading in headings:
        seen[heading].add(chunk[heading])


def _numbers(values: Iterable[Any]) -> Iterator[float]:
    for value in values:
        number = _number(value) if isinstance(value, str) else value
        if isinstance(number, int | float) and not isinstance(number, bool) and 0 < number < math.inf:
            yield float(number)


def _number(text: str) -> float | None:
    try:
        return float(text) if text and PLAIN_DIGITS.issuperset(text) else None
    except ValueError:
        return None


def _judge(heading: str, seen: _Sizes, *, settled: bool) -> tuple[Unit | None, str]:
    told = f"'{heading}' names no unit"
    if not seen.high:
        return None, ""
    values = f"its values ({seen.low:g} to {seen.high:g})"
    if seen.low >= LEAST_MM and seen.high >= SOME_MM:
        return None, f"{told}: taken as mm, as {values} are sizes in mm and not in m"
    if seen.metres and not settled:
        return (
            METRE,
            f"{told}: taken as m and changed to mm, as {values} are sizes in m and not in mm; {SAY_SO}",
        )
    return None, f"{told}: assumed to be mm, though {values} do not tell; {SAY_SO}"


def _plain_note(headings: list[str], fields: Mapping[str, Field]) -> tuple[str, ...]:
    if not headings:
        return ()
    told = ", ".join(f"'{heading}' in {fields[heading].unit}" for heading in headings)
    return (f"no unit is named, so that of the field is assumed: {told}; {SAY_SO}",)
