"""How QGIS draws the results of a coverage run: areas by the share served, gaps by their people. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement

from app.catalogue.model import Symbol
from app.exports.model import ExportLayer
from app.exports.qgis_form import Form, add_form
from app.exports.qgis_style import RUN_SYMBOL, add_labels, add_symbol
from app.tiles.run_style import DIFFERENCE, EDGE, GAP_EDGE, GAPS, SHARES

#: People in a gap from which on it has the next colour.
GAP_STEPS = (0.0, 10.0, 100.0, 500.0, 2_000.0)
#: The column of figures that are no shares, such as so many a square kilometre.
VALUE = "value"
_MOST = 1e15


def add_figure(root: Element, figure: str, form: Form, layer: ExportLayer) -> None:
    """The renderer, labels and attributes of a layer of a run whose `figure` is the column that it is coloured by."""
    if figure == "people":
        _graduated(root, figure, list(zip(GAP_STEPS, GAPS, strict=True)), GAP_EDGE, "{:,.0f}")
    elif figure.startswith("share"):
        _graduated(root, figure, list(SHARES), EDGE, "{:.0%}")
        add_labels(root, _said(f"round(\"{figure}\" * 100, 1) || ' %'"), "fill")
    else:
        renderer = SubElement(root, "renderer-v2", type="singleSymbol", symbollevels="0", enableorderby="0")
        drawn = replace(RUN_SYMBOL, color=DIFFERENCE, fill=DIFFERENCE) if figure == "detour" else RUN_SYMBOL
        add_symbol(SubElement(renderer, "symbols"), "0", "fill", drawn, drawn.color)
    if figure == VALUE:
        share = f"round(\"{VALUE}\" * 100, 1) || ' %'"
        said = f'CASE WHEN "unit" = \'share\' THEN {share} ELSE to_string(round("{VALUE}", 2)) END'
        add_labels(root, _said(said), "fill")
    add_form(root, layer, form)


def _said(amount: str) -> str:
    """The name of an area and a figure of it, a dash where there is none, as an expression."""
    return f"coalesce(\"name\", '') || '\\n' || coalesce({amount}, '–')"


def named(figure: str) -> str:
    """Whether areas are labelled that are coloured by a column, as QGIS writes it."""
    return "1" if figure.startswith("share") or figure == VALUE else "0"


def _graduated(root: Element, column: str, steps: Sequence[tuple[float, str]], edge: str, shown: str) -> None:
    """Classes of a number: each from its own step to the next, the last without an end."""
    renderer = SubElement(root, "renderer-v2", {
        "type": "graduatedSymbol", "attr": column, "graduatedMethod": "GraduatedColor", "symbollevels": "0",
        "enableorderby": "0",
    })  # fmt: skip
    ranges, symbols = SubElement(renderer, "ranges"), SubElement(renderer, "symbols")
    ends = [*(low for low, _ in steps[1:]), _MOST]
    for i, ((low, color), high) in enumerate(zip(steps, ends, strict=True)):
        label = f"≥ {shown.format(low)}" if high == _MOST else f"{shown.format(low)} – {shown.format(high)}"
        SubElement(
            ranges, "range", lower=f"{low:g}", upper=f"{high:g}", symbol=str(i), label=label, render="true"
        )
        symbol = Symbol("", edge, color, 1.0, "area")
        add_symbol(symbols, str(i), "fill", symbol, edge)
