"""How a coverage run is drawn: areas by share served, gaps by people, as the run's own page has them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.tiles.style import HALO, INK, PAPER, REGULAR, SOURCE, Expression, StyleLayer, by_zoom

#: Share served from which on an area has the colour, and five colours of gaps: told apart with any colour vision.
SHARES = ((0.0, "#e3efbf"), (0.4, "#a9dcb0"), (0.6, "#62c0bf"), (0.75, "#2f8fc0"), (0.9, "#154f90"))
GAPS = ("#fee0b0", "#fdb366", "#ee7d22", "#b9480a", "#74290a")
_POINTS: Expression = ["in", ["geometry-type"], ["literal", ["Point", "MultiPoint"]]]
NO_FIGURE, EDGE, GAP_EDGE, DIFFERENCE = "#d9d9d9", "#5a6b78", "#7a2d05", "#7b3294"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a run: its mode and tier, with a title; `shown` that a map opens with it.

    `by` is the column that areas are coloured by, `steps` from which value on they have which colour; `breaks` are
    the limits between the colours of gaps in people, fewer than four where few people are in gaps.
    """

    mode: str
    tier: str
    title: str
    shown: bool
    by: str
    steps: Sequence[tuple[float, str]]
    breaks: Sequence[float]

    @property
    def id(self) -> str:
        """A name for layers of the figure."""
        return f"{self.mode}-{self.tier}"


def run_layers(figures: Sequence[Figure], level: str, *, named: bool) -> list[StyleLayer]:
    """The layers of a run: for each figure its areas of one `level` and its gaps; units and differences stay off.

    `named` is whether the names of the areas are written.
    """
    units = [layer for figure in figures for layer in _units(figure)]
    found = [layer for figure in figures for layer in _areas(figure, level)]
    found += [layer for layer in units if layer["type"] == "fill"]
    found += [layer for figure in figures for layer in _gaps(figure)]
    found += _differences(figures)
    found += [layer for layer in units if layer["type"] == "circle"]
    return [*found, _names(figures, level)] if named else found


def value_steps(values: Sequence[float]) -> list[tuple[float, str]]:
    """Colours of values that are no shares: their fifths, with limits of two digits."""
    ordered = sorted(values)
    limits = (
        [float(f"{ordered[int(q * (len(ordered) - 1))]:.2g}") for q in (0.2, 0.4, 0.6, 0.8)]
        if ordered
        else []
    )
    kept = [limit for limit in dict.fromkeys(limits) if limit > 0]
    colours = [colour for _, colour in SHARES]
    places = [round(n * (len(colours) - 1) / max(1, len(kept))) for n in range(len(kept) + 1)]
    return [(limit, colours[place]) for limit, place in zip((0.0, *kept), places, strict=True)]


def gap_breaks(quantiles: Sequence[float]) -> list[float]:
    """Limits between the colours of gaps: quantiles of people, rounded to 1, 2 or 5 times a power of ten."""
    return sorted({_rounded(value) for value in quantiles if value > 0})


def _rounded(value: float) -> float:
    power = 10.0 ** (len(str(int(value))) - 1)
    return min((power * times for times in (1, 2, 5, 10)), key=lambda found: abs(found - value))


def step(value: Expression, steps: Sequence[tuple[float, str]], first: str) -> Expression:
    """The colour of a number: `first` below the first of the steps, then that of the last step reached."""
    pairs = [part for pair in steps for part in pair]
    return ["step", value, first, *pairs] if pairs else first


def _layer(figure: Figure, kind: str, source: str, **said: Any) -> StyleLayer:
    layer: StyleLayer = {
        "id": f"{source}-{figure.id}-{kind}",
        "type": kind,
        "source": SOURCE,
        "source-layer": source,
    }
    return {**layer, **said, "layout": {"visibility": "visible" if figure.shown else "none"}}


def _of(figure: Figure, **also: str) -> Expression:
    pairs: Mapping[str, str] = {"mode": figure.mode, "tier": figure.tier, **also}
    return ["all", *(["==", ["get", name], value] for name, value in pairs.items())]


def _areas(figure: Figure, level: str) -> list[StyleLayer]:
    of, value = _of(figure, level=level), ["get", figure.by]
    coloured = step(["to-number", value, 0], figure.steps[1:], figure.steps[0][1])
    fill = {"fill-color": ["case", ["has", figure.by], coloured, NO_FIGURE],
            "fill-opacity": by_zoom((12, 0.62), (14, 0.28))}  # fmt: skip
    return [
        _layer(figure, "fill", "coverage_areas", filter=of, paint=fill),
        _layer(figure, "line", "coverage_areas", filter=of, paint={"line-color": EDGE, "line-width": 1.1}),
    ]


def _gaps(figure: Figure) -> list[StyleLayer]:
    steps = list(zip(figure.breaks, GAPS[1:], strict=False))
    fill = {"fill-color": step(["to-number", ["get", "people"], 0], steps, GAPS[0]),
            "fill-opacity": by_zoom((13, 0.85), (15, 0.55))}  # fmt: skip
    line = {"line-color": GAP_EDGE, "line-width": 0.7}
    return [
        _layer(figure, "fill", "coverage_gaps", filter=_of(figure), paint=fill),
        _layer(figure, "line", "coverage_gaps", filter=_of(figure), minzoom=12, paint=line),
    ]


def _units(figure: Figure) -> list[StyleLayer]:
    """Each unit of demand by the share of it that is served: for a closer look, so switched off."""
    served = step(["to-number", ["get", "served_share"], 0], SHARES[1:], SHARES[0][1])
    hidden = Figure(figure.mode, figure.tier, figure.title, False, figure.by, figure.steps, figure.breaks)
    fill = {"fill-color": served, "fill-opacity": 0.75, "fill-outline-color": EDGE}
    dots = {"circle-color": served, "circle-radius": by_zoom((10, 1.5), (16, 5)), "circle-stroke-color": PAPER,
            "circle-stroke-width": 0.6}  # fmt: skip
    return [
        _layer(hidden, "fill", "coverage_units", filter=[*_of(figure), ["!", _POINTS]], paint=fill),
        _layer(hidden, "circle", "coverage_units", filter=[*_of(figure), _POINTS], paint=dots),
    ]


def _differences(figures: Sequence[Figure]) -> list[StyleLayer]:
    """What a straight line serves and a walk does not, by tier; switched off."""
    found = []
    for tier in dict.fromkeys(figure.tier for figure in figures):
        paint = {"fill-color": DIFFERENCE, "fill-opacity": 0.55, "fill-outline-color": INK}
        layer = {"id": f"coverage_differences-{tier}-fill", "type": "fill", "source": SOURCE, "paint": paint}
        chosen = {"source-layer": "coverage_differences", "filter": ["==", ["get", "tier"], tier]}
        found.append({**layer, **chosen, "layout": {"visibility": "none"}})
    return found


def _names(figures: Sequence[Figure], level: str) -> StyleLayer:
    """The names of areas: runs keep one name, whatever the language."""
    figure = next(item for item in figures if item.shown)
    layer = _layer(figure, "symbol", "coverage_areas", filter=_of(figure, level=level))
    layer["layout"] |= {
        "text-field": ["coalesce", ["get", "name"], ""],
        "text-font": REGULAR,
        "text-size": 13,
    }
    layer["paint"] = {"text-color": INK, "text-halo-color": HALO, "text-halo-width": 1.4}
    return layer


def collection_layers(collection: str) -> dict[str, list[StyleLayer]]:
    """A collection of runs by itself, whatever its modes and tiers: the places of its layers as in `class_layers`."""
    share, people = ["to-number", ["get", "served_share"], 0], ["to-number", ["get", "people"], 0]
    colours: Mapping[str, Expression] = {
        "coverage_areas": step(["to-number", ["coalesce", ["get", "share_of_people"], ["get", "share_of_land"]], 0],
                               SHARES[1:], SHARES[0][1]),
        "coverage_gaps": step(people, tuple(zip((10, 100, 500, 2000), GAPS[1:], strict=True)), GAPS[0]),
        "coverage_units": step(share, SHARES[1:], SHARES[0][1]),
    }  # fmt: skip
    named = {"source": SOURCE, "source-layer": collection}
    paint = {
        "fill-color": colours.get(collection, DIFFERENCE),
        "fill-opacity": 0.6,
        "fill-outline-color": EDGE,
    }
    fill = {"id": f"{collection}-fill", "type": "fill", **named, "paint": paint}
    dots = {"id": f"{collection}-point", "type": "circle", **named, "filter": _POINTS,
            "paint": {"circle-color": colours.get(collection, DIFFERENCE), "circle-radius": 3}}  # fmt: skip
    return {"areas": [fill], "lines": [], "names": [], "points": [dots], "clusters": []}
