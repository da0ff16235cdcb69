"""The style of a layer as QGIS reads it (QML): the class's symbol, labels, Chinese titles, lists of values. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

from app.catalogue.export_names import SYSTEM_TITLES, heading
from app.catalogue.model import Choice, FeatureClass, Symbol
from app.exports.model import ExportColumn, ExportLayer
from app.web.icons import GRID, icon_path

#: Pixels of a map on a screen as millimetres of QGIS.
MM_PER_PIXEL = 0.26
MARKER_MM, GLYPH_MM = 4.6, 2.9
#: Labels are drawn from this scale on.
LABEL_SCALE = 20_000
#: How gaps and areas of a run are drawn; nothing else tells.
RUN_SYMBOL = Symbol("", "#7a1f5c", "#d9a3c7", 1.5, "area")
#: Columns that the inventory makes itself: shown, not edited.
MADE = tuple(name for name in SYSTEM_TITLES if name not in ("code", "incomplete", "extra"))
_KINDS = {"Point": "marker", "MultiLineString": "line", "MultiPolygon": "fill"}


def make_style(layer: ExportLayer) -> str:
    """The QML of a layer whose shapes are of one kind; the fields are those that its file has."""
    root = Element("qgis", version="3.22.0", labelsEnabled="1" if layer.place("name_zh") is not None else "0")
    kind = _KINDS.get(layer.geometry_type, "fill")
    symbol = layer.cls.symbol if layer.cls else RUN_SYMBOL
    coloured = _coloured(layer.cls)
    if coloured:
        _categorized(root, kind, symbol, coloured)
    else:
        renderer = SubElement(root, "renderer-v2", type="singleSymbol", symbollevels="0", enableorderby="0")
        _symbol(SubElement(renderer, "symbols"), "0", kind, symbol, symbol.color)
    if layer.place("name_zh") is not None:
        _labels(root)
        SubElement(root, "previewExpression").text = 'coalesce("name_zh", "code")'
    _fields(root, layer.columns)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + tostring(root, encoding="unicode")


def _coloured(cls: FeatureClass | None) -> list[Choice]:
    """The choices of the field `kind` that have colours of their own."""
    fields = [field for field in cls.fields if field.name == "kind"] if cls else []
    return [choice for field in fields for choice in field.choices if choice.color]


def _categorized(root: Element, kind: str, symbol: Symbol, choices: list[Choice]) -> None:
    renderer = SubElement(
        root, "renderer-v2", type="categorizedSymbol", attr="kind", symbollevels="0", enableorderby="0"
    )
    categories, symbols = SubElement(renderer, "categories"), SubElement(renderer, "symbols")
    for i, choice in enumerate(choices):
        said = f"{choice.title.zh} {choice.title.en}"
        SubElement(categories, "category", value=choice.value, symbol=str(i), label=said, render="true")
        _symbol(symbols, str(i), kind, symbol, choice.color or symbol.color)
    last = str(len(choices))
    SubElement(categories, "category", value="", symbol=last, label="其他 Others", render="true")
    _symbol(symbols, last, kind, symbol, symbol.color)


def _symbol(parent: Element, name: str, kind: str, symbol: Symbol, color: str) -> None:
    found = SubElement(parent, "symbol", type=kind, name=name, alpha="1", clip_to_extent="1", force_rhr="0")
    width = f"{max(symbol.width, 0.5) * MM_PER_PIXEL:.2f}"
    if kind == "marker":
        shape = symbol.shape if symbol.shape in ("circle", "square", "diamond") else "circle"
        _symbol_layer(found, "SimpleMarker", {
            "name": shape, "color": _rgb(color), "outline_color": "255,255,255,255", "outline_width": "0.3",
            "outline_width_unit": "MM", "size": str(MARKER_MM), "size_unit": "MM",
        })  # fmt: skip
        path = icon_path(symbol.icon) if symbol.icon else None
        if path:
            _symbol_layer(found, "SvgMarker", {
                "name": _drawing(path), "color": "255,255,255,255", "outline_width": "0", "size": str(GLYPH_MM),
                "size_unit": "MM",
            })  # fmt: skip
        elif symbol.glyph:
            _symbol_layer(found, "FontMarker", {
                "chr": symbol.glyph, "color": "255,255,255,255", "font": "Noto Sans CJK SC", "size": str(GLYPH_MM),
                "size_unit": "MM",
            })  # fmt: skip
    elif kind == "line":
        _symbol_layer(found, "SimpleLine", {
            "line_color": _rgb(color), "line_width": width, "line_width_unit": "MM", "capstyle": "round",
            "joinstyle": "round",
        })  # fmt: skip
    else:
        own = color != symbol.color or symbol.fill is None
        _symbol_layer(found, "SimpleFill", {
            "color": _rgb(color if own else str(symbol.fill), 110 if own else 200), "style": "solid",
            "outline_color": _rgb(color), "outline_width": width, "outline_width_unit": "MM",
            "outline_style": "solid", "joinstyle": "round",
        })  # fmt: skip


def _symbol_layer(parent: Element, kind: str, values: Mapping[str, str]) -> None:
    layer = SubElement(parent, "layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"})
    # Versions before 3.22 read `prop`, those after it `Option`.
    options = SubElement(layer, "Option", type="Map")
    for name, value in values.items():
        SubElement(options, "Option", name=name, type="QString", value=value)
    for name, value in values.items():
        SubElement(layer, "prop", k=name, v=value)


def _drawing(path: str) -> str:
    """A pictogram as QGIS takes it from the style itself: it need not have the file."""
    text = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {GRID} {GRID}"><path fill="#fff" d="{path}"/></svg>'
    return f"base64:{b64encode(text.encode()).decode()}"


def _rgb(color: str, alpha: int = 255) -> str:
    """#rrggbb as QGIS writes colours."""
    return ",".join(str(int(color[i : i + 2], 16)) for i in (1, 3, 5)) + f",{alpha}"


def _labels(root: Element) -> None:
    labeling = SubElement(root, "labeling", type="simple")
    settings = SubElement(labeling, "settings")
    style = SubElement(settings, "text-style", {
        "fieldName": "name_zh", "isExpression": "0", "fontFamily": "Noto Sans CJK SC", "fontSize": "9",
        "fontSizeUnit": "Point", "textColor": "51,51,51,255", "textOpacity": "1",
    })  # fmt: skip
    SubElement(style, "text-buffer", {
        "bufferDraw": "1", "bufferSize": "0.8", "bufferSizeUnits": "MM", "bufferColor": "255,255,255,255",
        "bufferOpacity": "1",
    })  # fmt: skip
    SubElement(settings, "rendering", {
        "scaleVisibility": "1", "scaleMin": "0", "scaleMax": str(LABEL_SCALE), "drawLabels": "1",
    })  # fmt: skip


def _fields(root: Element, columns: tuple[ExportColumn, ...]) -> None:
    """Titles, lists of values, and what is not to be edited."""
    widgets, aliases = SubElement(root, "fieldConfiguration"), SubElement(root, "aliases")
    editable = SubElement(root, "editable")
    # The key of the rows comes first in a GeoPackage.
    for i, column in enumerate(columns, start=1):
        SubElement(aliases, "alias", field=column.name, index=str(i), name=heading(column.title, column.unit))
        SubElement(editable, "field", name=column.name, editable="0" if column.name in MADE else "1")
        if column.choices:
            _value_map(SubElement(widgets, "field", name=column.name), column)
    SubElement(aliases, "alias", field="fid", index="0", name="")


def _value_map(field: Element, column: ExportColumn) -> None:
    config = SubElement(SubElement(field, "editWidget", type="ValueMap"), "config")
    values = SubElement(SubElement(config, "Option", type="Map"), "Option", name="map", type="List")
    for value, title in column.choices.items():
        entry = SubElement(values, "Option", type="Map")
        SubElement(entry, "Option", name=f"{title.zh} {title.en}", type="QString", value=value)
