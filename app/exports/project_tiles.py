"""How QGIS draws the tiles of the server: classes by their symbols, clusters as discs, the ground as our maps. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement

from app.catalogue.model import FeatureClass, Symbol
from app.exports.project import OUTLINED, TileLayer
from app.exports.qgis_form import text_literal
from app.exports.qgis_style import OUTLINE, add_label, add_symbol, coloured
from app.tiles import ground_style as ground

#: Geometry of QGIS's styles of tiles, by kind of symbol (QgsWkbTypes::GeometryType).
_KINDS = {"marker": "0", "line": "1", "fill": "2"}
_OF_CLASS = {"point": ("marker",), "line": ("line",), "polygon": ("fill",), "mixed": ("fill", "marker")}
#: Expressions: what stands for several features, and a feature itself.
_CLUSTER, _ONE = '"point_count" IS NOT NULL', '"point_count" IS NULL'
#: Layers of the ground that are areas, with their colours, from the bottom up.
_GROUND = (
    ("residential", ground.HOMES), ("green", ground.GREEN), ("parks", ground.PARK), ("water", ground.WATER),
    ("buildings", ground.BUILDING),
)  # fmt: skip
#: Pixels of a street in the middle of the scales at which it is drawn.
_STREET_SHARE = 0.45


def add_tile_styles(renderer: Element, tiles: TileLayer) -> None:
    """The styles of a layer of tiles, from the bottom of the drawing up."""
    styles = SubElement(renderer, "styles")
    if tiles.ground:
        _ground(styles)
        return
    ranks = {"polygon": 0, "mixed": 1, "line": 2, "point": 3}
    for cls in sorted(tiles.classes, key=lambda cls: (ranks[cls.geometry], -cls.order)):
        drawn = replace(cls.symbol, fill=OUTLINE) if cls.id in OUTLINED else cls.symbol
        for kind in _OF_CLASS[cls.geometry]:
            for expression, color in _colours(cls):
                _style(styles, cls.id, kind, drawn, color, expression)
        _style(styles, cls.id, "marker", Symbol("", cls.symbol.color), cls.symbol.color, _CLUSTER)


def add_tile_labels(parent: Element, tiles: TileLayer) -> None:
    """How many features each cluster stands for."""
    styles = SubElement(SubElement(parent, "labeling", type="basic"), "styles")
    for cls in tiles.classes:
        found = SubElement(styles, "style", {
            "name": cls.id, "layer": cls.id, "geometry": "0", "expression": _CLUSTER, "enabled": "1",
            "min-zoom": "-1", "max-zoom": "-1",
        })  # fmt: skip
        add_label(found, '"point_count"', "fill")


def _colours(cls: FeatureClass) -> Iterator[tuple[str, str]]:
    """Expressions that choose features of a class, each with its colour."""
    yield (_ONE, cls.symbol.color)
    for choice in coloured(cls):
        yield f'{_ONE} AND "kind" = {text_literal(choice.value)}', choice.color or cls.symbol.color


def _ground(styles: Element) -> None:
    for name, color in _GROUND:
        _style(styles, name, "fill", Symbol("", color, color, 0.0, "area"), color, "")
    for kind, street in ground.STREETS.items():
        width = round(street.width * _STREET_SHARE, 2)
        symbol = Symbol("", street.edge or street.fill, width=width + 1, shape="line")
        _style(styles, "streets", "line", symbol, symbol.color, f"\"kind\" = '{kind}'")
    for kind, street in ground.STREETS.items():
        symbol = Symbol("", street.fill, width=street.width * _STREET_SHARE, shape="line")
        _style(styles, "streets", "line", symbol, symbol.color, f"\"kind\" = '{kind}'")
    _style(styles, "borders", "line", Symbol("", ground.BORDER, width=1.6, shape="line"), ground.BORDER, "")


def _style(parent: Element, layer: str, kind: str, symbol: Symbol, color: str, expression: str) -> None:
    found = SubElement(parent, "style", {
        "name": f"{layer} {expression}".strip(), "layer": layer, "geometry": _KINDS[kind], "expression": expression,
        "enabled": "1", "min-zoom": "-1", "max-zoom": "-1",
    })  # fmt: skip
    add_symbol(SubElement(found, "symbols"), "0", kind, symbol, color)
