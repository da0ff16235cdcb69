"""Which properties of a collection a tile holds at a zoom, and how they are written. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from app.catalogue.model import FeatureClass
from app.inventory.ordering import Kind
from app.inventory.per_class import per_class
from app.inventory.query import column_sql, kind_of
from app.inventory.tables import quoted
from app.ogc.store import kind_of_run, run_names

#: From this zoom on a tile holds every open field; below it what drawing, labelling and ranking need.
FULL_FROM = 14
#: Fields that styles read, beside those that a class's own zoom rules ask.
STYLED = frozenset({"name_zh", "name_en", "kind", "level", "tunnel", "bridge"})
#: Kinds of values that a tile holds as they are (MVT 2.1 §4.4); all others become texts.
_PLAIN = frozenset({"integer", "number", "boolean"})


@per_class
def class_attributes(cls: FeatureClass, z: int) -> tuple[str, ...]:
    """The properties of a class at zoom `z` unless an address chooses them."""
    asked = {name for rule in cls.zooms for name in rule.where}
    fields = [item.name for item in cls.fields if z >= FULL_FROM or item.name in STYLED | asked]
    return ("code", *fields, *size_column(cls), "min_zoom")


def run_attributes(collection: str) -> tuple[str, ...]:
    """The properties of a collection of runs, at every zoom."""
    return tuple(run_names(collection))


def size_column(cls: FeatureClass) -> tuple[str, ...]:
    """The column by which features of a class are ranked, largest first; none for points."""
    return {"line": ("length_m",), "polygon": ("area_m2",), "mixed": ("area_m2",)}.get(cls.geometry, ())


def class_columns(cls: FeatureClass, names: Iterable[str]) -> list[str]:
    """Properties of a class as a select list."""
    return [_column(name, column_sql(name), kind_of(cls, name)) for name in names]


def run_columns(names: Iterable[str]) -> list[str]:
    """Properties of a collection of runs as a select list."""
    return [_column(name, quoted(name), kind_of_run(name)) for name in names]


def _column(name: str, sql: str, kind: Kind) -> str:
    return f"{sql if kind in _PLAIN | {'text', 'choice'} and name != 'run' else f'{sql}::text'} AS {quoted(name)}"
