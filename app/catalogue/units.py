"""The units that a field may have, and how a field's name bears its unit."""

from __future__ import annotations

from collections.abc import Mapping

# A number's name bears its unit, so that no reader of a column has to guess it.
UNIT_SUFFIXES: Mapping[str, str] = {
    "mm": "_mm",
    "cm": "_cm",
    "m": "_m",
    "km": "_km",
    "m²": "_m2",
    "m³": "_m3",
    "m³/d": "_m3_d",
    "t": "_t",
    "t/d": "_t_d",
    "kN": "_kn",
    "W": "_w",
    "kV": "_kv",
    "K": "_k",
    "kPa": "_kpa",
    "MPa": "_mpa",
    "km/h": "_km_h",
    "min": "_min",
    "%": "_pct",
}
COUNTED = ("people", "households", "pieces", "years")
UNITS = (*UNIT_SUFFIXES, *COUNTED)
