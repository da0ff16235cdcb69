"""How the features of classes are drawn: layers of a MapLibre style (version 8) from the catalogue's symbols. Pure.

Zooms are MapLibre's: the world is 512 · 2^zoom pixels wide, so that they are those of the tiles drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from app.catalogue.model import FeatureClass, Lang
from app.maps.layers import DENSE, OUTLINES, is_pointed

StyleLayer = dict[str, Any]
Expression = Any
#: CSS families; the first word that is a weight decides it where text is drawn without a glyph server.
REGULAR = ["Noto Sans CJK SC Regular", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei"]
BOLD = ["Noto Sans CJK SC Bold", *REGULAR[1:]]
INK, PAPER = "#16242c", "#ffffff"
HALO = "rgba(255,255,255,0.88)"
#: The source of the tiles themselves, that of the ground.
SOURCE, GROUND = "city", "background"
#: Symbols are dots until this zoom, names stand from this zoom on.
GLYPHS_FROM, NAMES_FROM, POINT_NAMES_FROM, CASING_FROM = 13, 12, 15, 14
#: Above this luminance dark letters read better than white ones (WCAG 2.1, 1.4.3).
_DARK_ON = 0.34
#: Pixels to the right and down by which clusters stand aside: in the middle, and at the corners of a hexagon.
ASIDE = ((0, 0), (16, 0), (8, 14), (-8, 14), (-16, 0), (-8, -14), (8, -14))
#: Letters of a name that are written on the map.
LONGEST_NAME = 24
_IS_CLUSTER: Expression = ["has", "point_count"]
_NO_CLUSTER: Expression = ["!", _IS_CLUSTER]


def of_shape(shape: str) -> Expression:
    """A filter for features of this shape, single or in several parts, that are no clusters.

    In the words of MapLibre's first filters, for those are the ones that QGIS understands.
    """
    return ["all", ["==", "$type", shape], ["!has", "point_count"]]


def class_layers(
    cls: FeatureClass, lang: Lang, *, shown: bool = True, named: bool = True, count: int = 0, place: int = 0
) -> dict[str, list[StyleLayer]]:
    """The layers of one class by their place from bottom to top: `areas`, `lines`, `names`, `points`, `clusters`.

    `named` is whether their names are written; `count` is how many features it holds: of very many, symbols are small.
    Clusters of classes with another `place` among those drawn stand a little aside, or they would hide each other.
    """
    made = {
        "areas": [*_areas(cls)],
        "lines": [*_lines(cls)],
        "names": [*_names(cls, lang)] if named else [],
        "points": [*_points(cls, dense=count > DENSE)],
        "clusters": [*_clusters(cls, lang, ASIDE[place % len(ASIDE)])],
    }
    for layers in made.values():
        for layer in layers:
            layer["source"], layer["source-layer"] = SOURCE, cls.id
            if not shown:
                layer.setdefault("layout", {})["visibility"] = "none"
    return made


def colour(cls: FeatureClass) -> Expression:
    """The colour of a feature: that of its kind where kinds have some, else the symbol's."""
    found = kind_colours(cls)
    return _by_kind(found, cls.symbol.color) if found else cls.symbol.color


def kind_colours(cls: FeatureClass) -> dict[str, str]:
    """Kind → colour, of the kinds that have one."""
    choices = next((item.choices for item in cls.fields if item.name == "kind"), ())
    return {choice.value: choice.color for choice in choices if choice.color is not None}


def ink_on(background: str) -> str:
    """Dark or white, whichever reads better on a colour `#rrggbb`."""
    parts = (int(background[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > _DARK_ON else PAPER


def by_zoom(*stops: tuple[float, float]) -> Expression:
    """A number that grows evenly between zooms."""
    return ["interpolate", ["linear"], ["zoom"], *(value for stop in stops for value in stop)]


def name_in(lang: Lang) -> Expression:
    """A feature's name in a language, else in the other."""
    first, second = ("name_zh", "name_en") if lang == "zh" else ("name_en", "name_zh")
    return ["slice", ["coalesce", ["get", first], ["get", second], ""], 0, LONGEST_NAME]


def short_number(lang: Lang, name: str = "point_count") -> Expression:
    """A count in few letters: 812, 1.2万, 25k."""
    value: Expression = ["get", name]
    if lang == "zh":
        many = ["concat", ["to-string", ["/", ["round", ["/", value, 1000]], 10]], "万"]
        return ["case", ["<", value, 10_000], ["to-string", value], many]
    many = ["concat", ["to-string", ["round", ["/", value, 1000]]], "k"]
    return ["case", ["<", value, 10_000], ["to-string", value], many]


def _by_kind(choices: dict[str, str], otherwise: str) -> Expression:
    pairs = (part for pair in choices.items() for part in pair)
    return ["match", ["get", "kind"], *pairs, otherwise]


def _ink(cls: FeatureClass) -> Expression:
    """The colour of what is written on `colour`."""
    inks = {kind: ink_on(value) for kind, value in kind_colours(cls).items()}
    return _by_kind(inks, ink_on(cls.symbol.color)) if inks else ink_on(cls.symbol.color)


def _areas(cls: FeatureClass) -> Iterator[StyleLayer]:
    if cls.geometry not in {"polygon", "mixed"}:
        return
    outlined = cls.id in OUTLINES
    filled = of_shape("Polygon")
    if not outlined:
        paint = {"fill-color": cls.symbol.fill or colour(cls), "fill-opacity": 0.4}
        yield {"id": f"{cls.id}-fill", "type": "fill", "filter": filled, "paint": paint}
    width = by_zoom((9, 0.4), (13, 1), (17, 2)) if not outlined else 2
    paint = {"line-color": colour(cls), "line-width": width, "line-opacity": 0.9}
    yield {
        "id": f"{cls.id}-outline",
        "type": "line",
        "filter": filled,
        "layout": {"line-join": "round"},
        "paint": paint,
    }


def _lines(cls: FeatureClass) -> Iterator[StyleLayer]:
    if cls.geometry not in {"line", "mixed"}:
        return
    shape, width = of_shape("LineString"), cls.symbol.width
    joined = {"line-join": "round", "line-cap": "round"}
    widths = [(8, 0.5), (14, 1), (16, 1.3), (18, 1.6)]
    cased = by_zoom(*((zoom, width * times + 2) for zoom, times in widths))
    casing = {"line-color": PAPER, "line-opacity": 0.75, "line-width": cased}
    yield {
        "id": f"{cls.id}-casing",
        "type": "line",
        "minzoom": CASING_FROM,
        "filter": shape,
        "layout": {**joined},
        "paint": casing,
    }
    own = {
        "line-color": colour(cls),
        "line-width": by_zoom(*((zoom, width * times) for zoom, times in widths)),
    }
    yield {"id": f"{cls.id}-line", "type": "line", "filter": shape, "layout": {**joined}, "paint": own}


def _points(cls: FeatureClass, *, dense: bool) -> Iterator[StyleLayer]:
    if cls.geometry in {"point", "mixed"}:
        radius = (
            by_zoom((10, 2), (14, 3), (16, 5), (18, 9))
            if dense
            else by_zoom((10, 3), (12, 5), (14, 9), (16, 11))
        )
        paint = {"circle-radius": radius, "circle-color": colour(cls), "circle-stroke-color": PAPER,
                 "circle-stroke-width": by_zoom((12, 0.6), (15, 1.5))}  # fmt: skip
        yield {"id": f"{cls.id}-point", "type": "circle", "filter": of_shape("Point"), "paint": paint}
        yield _glyph(cls, of_shape("Point"), _ink(cls), 17 if dense else GLYPHS_FROM, f"{cls.id}-glyph")
    if cls.geometry in {"polygon", "mixed"} and is_pointed(cls):
        # An area is marked in its middle; its letter stands in its own colour, for nothing lies under it.
        layer = _glyph(cls, of_shape("Polygon"), colour(cls), GLYPHS_FROM, f"{cls.id}-area-glyph")
        layer["paint"] |= {"text-halo-color": PAPER, "text-halo-width": 1.6}
        yield layer


def _glyph(cls: FeatureClass, shape: Expression, ink: Expression, minzoom: int, name: str) -> StyleLayer:
    layout = {"text-field": cls.symbol.glyph, "text-font": BOLD, "text-size": by_zoom((13, 9), (16, 13), (18, 15)),
              "text-padding": 0, "symbol-sort-key": ["id"]}  # fmt: skip
    return {
        "id": name,
        "type": "symbol",
        "minzoom": minzoom,
        "filter": shape,
        "layout": layout,
        "paint": {"text-color": ink},
    }


def _clusters(cls: FeatureClass, lang: Lang, aside: tuple[int, int]) -> Iterator[StyleLayer]:
    count = ["get", "point_count"]
    radius = ["interpolate", ["linear"], ["log10", ["max", count, 1]], 0, 6, 1, 9, 2, 13, 3, 17, 5, 25]
    paint: dict[str, Any] = {"circle-radius": radius, "circle-color": colour(cls), "circle-opacity": 0.92,
             "circle-stroke-color": PAPER, "circle-stroke-width": 1.5}  # fmt: skip
    yield {"id": f"{cls.id}-cluster", "type": "circle", "filter": [*_IS_CLUSTER], "paint": paint}
    size = ["interpolate", ["linear"], ["log10", ["max", count, 1]], 0, 9, 1, 11, 2, 12, 5, 13]
    layout = {"text-field": ["case", ["==", count, 1], cls.symbol.glyph, short_number(lang)], "text-font": BOLD,
              "text-size": size, "text-padding": 0}  # fmt: skip
    written: dict[str, Any] = {"text-color": _ink(cls)}
    if any(aside):
        paint["circle-translate"] = written["text-translate"] = list(aside)
    yield {
        "id": f"{cls.id}-count",
        "type": "symbol",
        "filter": [*_IS_CLUSTER],
        "layout": layout,
        "paint": written,
    }


def _names(cls: FeatureClass, lang: Lang) -> Iterator[StyleLayer]:
    if not any(item.name in {"name_zh", "name_en"} for item in cls.fields):
        return
    layout: dict[str, Any] = {
        "text-field": name_in(lang),
        "text-font": REGULAR,
        "text-size": 12,
        "text-max-width": 9,
    }
    minzoom = NAMES_FROM
    if cls.geometry == "line":
        layout |= {"symbol-placement": "line", "symbol-spacing": 400, "text-max-width": 40}
    elif cls.geometry == "polygon" and not is_pointed(cls):
        # An area has a name in each tile that it is cut by: what stands near its like is left out.
        layout["text-padding"] = 40
    else:
        minzoom = POINT_NAMES_FROM
        layout |= {
            "text-variable-anchor": ["top", "bottom", "left", "right"],
            "text-radial-offset": 1.15,
            "text-optional": True,
        }
    paint = {"text-color": INK, "text-halo-color": HALO, "text-halo-width": 1.4}
    yield {
        "id": f"{cls.id}-name",
        "type": "symbol",
        "minzoom": minzoom,
        "filter": _NO_CLUSTER,
        "layout": layout,
        "paint": paint,
    }


def stacked(found: Iterable[dict[str, list[StyleLayer]]]) -> list[StyleLayer]:
    """The layers of several classes, those of each place over all of the place below it."""
    groups = list(found)
    places = ("areas", "lines", "names", "points", "clusters")
    return [layer for place in places for group in groups for layer in group[place]]
