"""The style of a layer as QGIS reads it (QML): the class's symbol, labels, Chinese titles, lists of values. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement, tostring

from app.catalogue.model import Choice, FeatureClass, Lang, Symbol, Title
from app.exports.model import ExportLayer
from app.exports.qgis_form import PLAIN, Form, add_form, words
from app.web.icons import GRID, icon_path

#: Pixels of a map on a screen as millimetres of QGIS.
MM_PER_PIXEL = 0.26
MARKER_MM, GLYPH_MM = 4.6, 2.9
#: Share of its size that a marker has, by the scale: whole to 1:20,000, a third from 1:100,000 on.
SHRINKING = "coalesce(scale_linear(@map_scale, 20000, 100000, 1, 0.3), 1)"
#: Labels are drawn from this scale on.
LABEL_SCALE = 20_000
#: How gaps and areas of a run are drawn; nothing else tells.
RUN_SYMBOL = Symbol("", "#7a1f5c", "#d9a3c7", 1.5, "area")
#: The filling of areas that hide nothing.
OUTLINE = "none"
#: What stands for values without a colour of their own.
OTHERS = Title("其他", "Others")
#: QgsPalLayerSettings::Placement: around a point, over the middle of an area, along a line.
_PLACEMENTS = {"marker": "0", "fill": "1", "line": "2"}
_KINDS = {"Point": "marker", "MultiLineString": "line", "MultiPolygon": "fill"}


def make_style(layer: ExportLayer) -> str:
    """The QML of a layer whose shapes are of one kind; the fields are those that its file has."""
    root = Element("qgis", version="3.22.0", labelsEnabled=labelled(layer))
    add_style(root, layer)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + tostring(root, encoding="unicode")


def labelled(layer: ExportLayer) -> str:
    """Whether names are drawn, as QGIS writes it."""
    return "1" if layer.place("name_zh") is not None else "0"


def add_style(root: Element, layer: ExportLayer, form: Form = PLAIN, *, outlined: bool = False) -> None:
    """How a layer of one kind of shapes is drawn and its attributes are shown, as members of `root`.

    Areas that are `outlined` hide nothing below them.
    """
    kind = _KINDS.get(layer.geometry_type, "fill")
    symbol = layer.cls.symbol if layer.cls else RUN_SYMBOL
    if outlined:
        symbol = replace(symbol, fill=OUTLINE)
    found = coloured(layer.cls)
    if found:
        _categorized(root, kind, symbol, found, form.lang)
    else:
        renderer = SubElement(root, "renderer-v2", type="singleSymbol", symbollevels="0", enableorderby="0")
        add_symbol(SubElement(renderer, "symbols"), "0", kind, symbol, symbol.color)
    if layer.place("name_zh") is not None:
        said = _named(form.lang) if form.lang == "en" else "name_zh"
        add_labels(root, said, kind, 0 if outlined else LABEL_SCALE)
        SubElement(root, "previewExpression").text = f'coalesce({_named(form.lang)}, "code")'
    add_form(root, layer, form)


def _named(lang: Lang | None) -> str:
    """The name of a feature as an expression; the Chinese one where it has no other."""
    return 'coalesce("name_en", "name_zh")' if lang == "en" else '"name_zh"'


def coloured(cls: FeatureClass | None) -> list[Choice]:
    """The choices of the field `kind` that have colours of their own."""
    fields = [field for field in cls.fields if field.name == "kind"] if cls else []
    return [choice for field in fields for choice in field.choices if choice.color]


def _categorized(root: Element, kind: str, symbol: Symbol, choices: list[Choice], lang: Lang | None) -> None:
    renderer = SubElement(
        root, "renderer-v2", type="categorizedSymbol", attr="kind", symbollevels="0", enableorderby="0"
    )
    categories, symbols = SubElement(renderer, "categories"), SubElement(renderer, "symbols")
    for i, choice in enumerate(choices):
        said = words(choice.title, lang)
        SubElement(categories, "category", value=choice.value, symbol=str(i), label=said, render="true")
        add_symbol(symbols, str(i), kind, symbol, choice.color or symbol.color)
    last = str(len(choices))
    SubElement(categories, "category", value="", symbol=last, label=words(OTHERS, lang), render="true")
    add_symbol(symbols, last, kind, symbol, symbol.color)


def add_symbol(parent: Element, name: str, kind: str, symbol: Symbol, color: str) -> None:
    """A symbol of a `kind` of shapes (marker, line, fill) in the colour of a class or of one of its choices."""
    found = SubElement(parent, "symbol", type=kind, name=name, alpha="1", clip_to_extent="1", force_rhr="0")
    width = f"{max(symbol.width, 0.5) * MM_PER_PIXEL:.2f}"
    if kind == "marker":
        shape = symbol.shape if symbol.shape in ("circle", "square", "diamond") else "circle"
        _marker(found, "SimpleMarker", MARKER_MM, {
            "name": shape, "color": _rgb(color), "outline_color": "255,255,255,255", "outline_width": "0.3",
            "outline_width_unit": "MM",
        })  # fmt: skip
        path = icon_path(symbol.icon) if symbol.icon else None
        if path:
            _marker(found, "SvgMarker", GLYPH_MM, {
                "name": _drawing(path), "color": "255,255,255,255", "outline_width": "0",
            })  # fmt: skip
        elif symbol.glyph:
            _marker(found, "FontMarker", GLYPH_MM, {
                "chr": symbol.glyph, "color": "255,255,255,255", "font": "Noto Sans CJK SC",
            })  # fmt: skip
    elif kind == "line":
        _symbol_layer(found, "SimpleLine", {
            "line_color": _rgb(color), "line_width": width, "line_width_unit": "MM", "capstyle": "round",
            "joinstyle": "round",
        })  # fmt: skip
    else:
        own = color != symbol.color or symbol.fill in (None, OUTLINE)
        _symbol_layer(found, "SimpleFill", {
            "color": _rgb(color if own else str(symbol.fill), 110 if own else 200),
            "style": "no" if symbol.fill == OUTLINE else "solid",
            "outline_color": _rgb(color), "outline_width": width, "outline_width_unit": "MM",
            "outline_style": "solid", "joinstyle": "round",
        })  # fmt: skip


def _marker(parent: Element, kind: str, size: float, values: Mapping[str, str]) -> None:
    """A layer of a marker `size` mm wide; symbols of a whole city are smaller, or they would hide it."""
    _symbol_layer(parent, kind, {**values, "size": str(size), "size_unit": "MM"})
    properties = SubElement(SubElement(parent[-1], "data_defined_properties"), "Option", type="Map")
    SubElement(properties, "Option", name="name", type="QString", value="")
    found = SubElement(
        SubElement(properties, "Option", name="properties", type="Map"), "Option", name="size", type="Map"
    )
    SubElement(found, "Option", name="active", type="bool", value="true")
    SubElement(found, "Option", name="expression", type="QString", value=f"{size} * {SHRINKING}")
    SubElement(found, "Option", name="type", type="int", value="3")
    SubElement(properties, "Option", name="type", type="QString", value="collection")


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


def add_labels(root: Element, said: str, kind: str, least: int = 0) -> None:
    """Names of a `kind` of shapes: a column, or an expression, from the scale of the denominator `least` on."""
    add_label(SubElement(root, "labeling", type="simple"), said, kind, least)


def add_label(parent: Element, said: str, kind: str, least: int = 0) -> None:
    """The settings of labels: beside points, along lines, in the middle of areas."""
    settings = SubElement(parent, "settings")
    style = SubElement(settings, "text-style", {
        "fieldName": said, "isExpression": str(int(not said.isidentifier())), "fontFamily": "Noto Sans CJK SC",
        "fontSize": "9", "fontSizeUnit": "Point", "textColor": "51,51,51,255", "textOpacity": "1",
    })  # fmt: skip
    SubElement(style, "text-buffer", {
        "bufferDraw": "1", "bufferSize": "0.8", "bufferSizeUnits": "MM", "bufferColor": "255,255,255,255",
        "bufferOpacity": "1",
    })  # fmt: skip
    SubElement(settings, "placement", placement=_PLACEMENTS[kind], quadOffset="4")
    # Names of points stand in areas: were these obstacles, a district would leave its whole ground without names.
    SubElement(settings, "rendering", {
        "scaleVisibility": str(int(least > 0)), "scaleMin": "0", "scaleMax": str(least), "drawLabels": "1",
        "obstacle": str(int(kind == "marker")),
    })  # fmt: skip
