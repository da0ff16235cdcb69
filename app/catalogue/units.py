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
    "m³/h": "_m3_h",
    "L": "_l",
    "mg/L": "_mg_l",
    "t": "_t",
    "t/d": "_t_d",
    "kN": "_kn",
    "W": "_w",
    "kW": "_kw",
    "kVA": "_kva",
    "kV": "_kv",
    "K": "_k",
    "kPa": "_kpa",
    "MPa": "_mpa",
    "km/h": "_km_h",
    "min": "_min",
    "CNY": "_cny",
    "%": "_pct",
}
COUNTED = ("people", "households", "pieces", "years")
UNITS = (*UNIT_SUFFIXES, *COUNTED)
