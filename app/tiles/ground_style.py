"""How the ground is drawn by MapLibre: the colours and widths of the Folium pages (`app/web/static/map/paint.js`).

MapLibre's zooms are one less than Leaflet's, which those pages count in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.catalogue.model import Lang
from app.tiles.style import BOLD, REGULAR

#: A layer of a MapLibre style.
StyleLayer = dict[str, Any]

PAPER = "#f4f1ea"
WATER, WATER_EDGE = "#b9d9ec", "#a3cbe2"
GREEN, PARK, GREEN_EDGE = "#dfebd5", "#cbe3bd", "#bdd6ae"
HOMES = "#f0ebe3"
BUILDING, BUILDING_EDGE = "#e4ddd2", "#d5ccbe"
BORDER, FINE_BORDER = "#9a86ad", "#b9abc6"
BRIDGE_EDGE = "#a9a398"


@dataclass(frozen=True, slots=True)
class Street:
    """How a kind of street is drawn: the wider ones lie on top; `width` in pixels at zoom 15.

    `edge` is the colour of its casing, seen from zoom `edged` on; `dashes` in widths of the line.
    """

    width: float
    fill: str
    edge: str | None = None
    edged: int = 0
    dashes: tuple[float, float] | None = None


STREETS: Mapping[str, Street] = {
    "steps": Street(2.4, "#cdbfab", dashes=(0.7, 0.7)),
    "path": Street(1.3, "#d9cdbb", dashes=(3, 2.3)),
    "footway": Street(1.4, "#d9cdbb", dashes=(2.2, 1.8)),
    "cycleway": Street(1.5, "#b7c4dd", dashes=(3.4, 1.7)),
    "track": Street(1.6, "#d8cfbd", dashes=(3.8, 1.9)),
    "service": Street(3.4, "#ffffff", "#dfdbd3", 14),
    "pedestrian": Street(5, "#faf6fc", "#d9d2de", 14),
    "living_street": Street(6, "#ffffff", "#dbd6cd", 13),
    "residential": Street(6, "#ffffff", "#dbd6cd", 13),
    "tertiary": Street(8, "#ffffff", "#d6d1c7", 12),
    "secondary": Street(9.5, "#ffffff", "#d3cdc2", 11),
    "primary": Street(11, "#fdedc4", "#dcc693", 11),
    "trunk": Street(12, "#fadfa6", "#dfbc74", 11),
    "expressway": Street(13, "#f7cf8d", "#dba95a", 10),
}
#: Streets of a kind that nobody has said are drawn like these.
UNKNOWN = "service"
_PAVED = tuple(kind for kind, street in STREETS.items() if street.edge)
#: Streets grow by so much a zoom, from a hair on.
_GROWTH, _HAIR = 2**0.62, 0.6
_STOPS = (8, 10, 12, 14, 16, 20)


def ground_layers(source: str, lang: Lang) -> list[StyleLayer]:
    """The layers of a style that draw the tiles of the source `source`, in the order in which they are painted.

    `lang` chooses the names.
    """
    return [
        {"id": "ground", "type": "background", "paint": {"background-color": PAPER}},
        *({**layer, "source": source} for layer in (*_areas(), *_streets(), *_borders(), *_labels(lang))),
    ]


def _areas() -> list[StyleLayer]:
    return [
        _fill("residential", HOMES),
        _fill("green", GREEN),
        _edge("green", GREEN_EDGE, 14),
        _fill("parks", PARK),
        _edge("parks", GREEN_EDGE, 13),
        _fill("water", WATER),
        _edge("water", WATER_EDGE, 13),
        _fill("buildings", BUILDING),
        _edge("buildings", BUILDING_EDGE, 15),
    ]


def _fill(layer: str, colour: str) -> StyleLayer:
    return {
        "id": f"ground-{layer}",
        "type": "fill",
        "source-layer": layer,
        # The edges of two tiles meet without a seam.
        "paint": {"fill-color": colour, "fill-antialias": False}
        if layer == "water"
        else {"fill-color": colour},
    }


def _edge(layer: str, colour: str, zoom: int) -> StyleLayer:
    return {
        "id": f"ground-{layer}-edge",
        "type": "line",
        "source-layer": layer,
        "minzoom": zoom,
        "paint": {"line-color": colour, "line-width": 0.8},
    }


def _streets() -> list[StyleLayer]:
    """Every street below the bridges, casings below fillings, the wider kinds above the narrow ones."""
    bridge, tunnel = (["==", ["get", name], True] for name in ("bridge", "tunnel"))
    open_air = ["all", *(["!=", ["get", name], True] for name in ("bridge", "tunnel"))]
    return [
        *_paved("ground-tunnels", tunnel, opacity=0.55),
        *(_dashed(kind) for kind, street in STREETS.items() if street.dashes),
        *_paved("ground-streets", open_air),
        *_paved("ground-bridges", bridge, edge=BRIDGE_EDGE),
    ]


def _dashed(kind: str) -> StyleLayer:
    street = STREETS[kind]
    return {
        "id": f"ground-{kind}",
        "type": "line",
        "source-layer": "streets",
        "minzoom": 13,
        "filter": ["==", ["get", "kind"], kind],
        "paint": {
            "line-color": street.fill,
            "line-width": _growing([(zoom, _width(street, zoom)) for zoom in _STOPS]),
            "line-dasharray": list(street.dashes or ()),
        },
    }


def _paved(
    name: str, chosen: Sequence[Any], *, edge: str | None = None, opacity: float = 1
) -> list[StyleLayer]:
    """Casings and fillings of the paved streets that a filter chooses; `edge` is that of all casings, from 13 on."""
    dashed = [kind for kind, street in STREETS.items() if street.dashes]
    drawn: StyleLayer = {
        "type": "line",
        "source-layer": "streets",
        "filter": ["all", list(chosen), _among("kind", dashed, inside=False)],
    }
    layout = {
        "line-join": "round",
        "line-sort-key": _by_kind({kind: place for place, kind in enumerate(STREETS)}),
    }
    casings = [(zoom, _casings(zoom, 2.6 if edge else 1.6)) for zoom in _STOPS]
    fillings = [(zoom, _by_kind({kind: _width(STREETS[kind], zoom) for kind in _PAVED})) for zoom in _STOPS]
    casing = {
        **drawn,
        "id": f"{name}-edge",
        "minzoom": 13 if edge else min(STREETS[kind].edged for kind in _PAVED),
        "layout": {**layout, "line-cap": "butt" if edge else "round"},
        "paint": {
            "line-color": edge or _by_kind({kind: STREETS[kind].edge for kind in _PAVED}),
            "line-width": _growing(casings),
        },
    }
    filling = {
        **drawn,
        "id": name,
        "layout": {**layout, "line-cap": "round"},
        "paint": {
            "line-color": _by_kind({kind: STREETS[kind].fill for kind in _PAVED}),
            "line-width": _growing(fillings),
        },
    }
    for layer in (casing, filling):
        if opacity < 1:
            layer["paint"]["line-opacity"] = opacity
    return [casing, filling]


def _casings(zoom: int, wider: float) -> list[Any]:
    """Widths of casings; a kind that has none yet keeps its casing below its filling."""
    widths = {}
    for kind in _PAVED:
        street = STREETS[kind]
        widths[kind] = round(_width(street, zoom) + (wider if zoom >= street.edged else 0), 2)
    return _by_kind(widths)


def _among(name: str, values: Sequence[str], *, inside: bool = True) -> list[Any]:
    """Whether an attribute is one of the values, in words that QGIS understands too."""
    return ["match", ["get", name], list(values), inside, not inside]


def _width(street: Street, zoom: float) -> float:
    return round(max(_HAIR, street.width * float(_GROWTH ** (zoom - 15))), 2)


def _growing(stops: Sequence[tuple[int, Any]]) -> list[Any]:
    """Widths by zoom; between two zooms they grow as streets do."""
    return [
        "interpolate",
        ["exponential", round(_GROWTH, 4)],
        ["zoom"],
        *(part for stop in stops for part in stop),
    ]


def _by_kind(values: Mapping[str, Any]) -> list[Any]:
    """The value of a street's kind; kinds alike are written together."""
    other = values[UNKNOWN]
    kinds: dict[Any, list[str]] = {}
    for kind, value in values.items():
        if value != other:
            kinds.setdefault(value, []).append(kind)
    pairs = [part for value, names in kinds.items() for part in (names, value)]
    return ["match", ["get", "kind"], *pairs, other]


def _borders() -> list[StyleLayer]:
    main = ("city", "district")
    return [
        _border("ground-borders-fine", _among("level", main, inside=False), FINE_BORDER, 1, 0.5, (4, 3))
        | {"minzoom": 12},
        _border("ground-borders", _among("level", main), BORDER, 1.6, 0.75, (5, 2, 1.25, 2)),
    ]


def _border(
    name: str, chosen: list[Any], colour: str, width: float, opacity: float, dashes: Sequence[float]
) -> StyleLayer:
    return {
        "id": name,
        "type": "line",
        "source-layer": "borders",
        "filter": chosen,
        "layout": {"line-join": "round"},
        "paint": {
            "line-color": colour,
            "line-width": width,
            "line-opacity": opacity,
            "line-dasharray": list(dashes),
        },
    }


@dataclass(frozen=True, slots=True)
class Names:
    """How names of a group are written: size in pixels, colour, the zooms from which on and before which.

    From the rank `small` on they wait for the zoom `late`: names of areas a few pixels wide would only clutter.
    """

    group: str
    size: float
    colour: str
    first: int
    last: int = 24
    small: int | None = None
    late: int = 24
    bold: bool = False


#: Later ones are placed first, and lie above: where two names would meet, the earlier one gives way.
NAMES = (
    Names("community", 12, "#8a7f98", 15),
    Names("estate", 12, "#8a7358", 15),
    Names("park", 12, "#3d7a45", 13, small=17, late=14),
    Names("subdistrict", 13, "#75668a", 12, 15),
    Names("water", 13, "#3f7fb0", 10, small=13, late=13),
    Names("district", 16, "#6a5383", 7, 13, bold=True),
)
#: Zoom → kinds of streets whose names are written from it on: those that are then wide enough.
STREET_NAMES = {
    15: ("service",),
    14: ("residential", "living_street", "pedestrian"),
    13: ("tertiary", "secondary", "primary", "trunk", "expressway"),
}


def _labels(lang: Lang) -> list[StyleLayer]:
    text = ["get", f"name_{lang}"]
    return [
        *(_street_names(kinds, zoom, text) for zoom, kinds in STREET_NAMES.items()),
        *(layer for names in NAMES for layer in _names(names, text)),
    ]


def _street_names(kinds: Sequence[str], zoom: int, text: list[Any]) -> StyleLayer:
    return {
        "id": f"ground-street-names-{zoom}",
        "type": "symbol",
        "source-layer": "streets",
        "minzoom": zoom,
        "filter": _among("kind", kinds),
        "layout": {
            "symbol-placement": "line",
            "symbol-spacing": 340,
            "text-field": text,
            "text-font": REGULAR,
            "text-size": ["interpolate", ["linear"], ["zoom"], 13, 11.5, 16, 12.5],
            "text-max-angle": 30,
            "text-padding": 6,
        },
        "paint": {
            "text-color": "#57534b",
            "text-halo-color": "rgba(255,255,255,0.92)",
            "text-halo-width": 1.6,
        },
    }


def _names(names: Names, text: list[Any]) -> list[StyleLayer]:
    own = ["==", ["get", "group"], names.group]
    if names.small is None:
        return [_named(names, text, own)]
    small = ["all", own, [">=", ["get", "rank"], names.small]]
    large = ["all", own, ["<", ["get", "rank"], names.small]]
    late = {"id": f"ground-names-{names.group}-small", "minzoom": names.late}
    return [_named(names, text, small) | late, _named(names, text, large)]


def _named(names: Names, text: list[Any], chosen: list[Any]) -> StyleLayer:
    return {
        "id": f"ground-names-{names.group}",
        "type": "symbol",
        "source-layer": "labels",
        "minzoom": names.first,
        "maxzoom": names.last,
        "filter": chosen,
        "layout": {
            "text-field": text,
            "text-font": BOLD if names.bold else REGULAR,
            "text-size": names.size,
            "text-max-width": 9,
            "text-padding": 6,
            "symbol-sort-key": ["get", "rank"],
        },
        "paint": {
            "text-color": names.colour,
            "text-halo-color": "rgba(255,255,255,0.88)",
            "text-halo-width": 1.6,
        },
    }
