"""From the catalogue to what a page is told of each layer: title, symbol, fields, colours, where its data lies."""

from __future__ import annotations

from typing import Any

from app.catalogue.model import FeatureClass, Field, Lang
from app.inventory.version_marks import version_mark
from app.maps.store import Amount
from app.web import amounts
from app.web.icons import icon_path

#: Classes with more rows than this are drawn as dots, not as lettered symbols.
DENSE = 5_000
#: Layers of the whole-city map that are on from the start, as far as they hold anything.
ON_AT_START = ("toilets", "parks")
#: Areas drawn as outlines: filled they would hide what lies below.
OUTLINES = frozenset({"districts", "grid_cells", "built_up_areas"})
#: Least zoom of the deepest tiles that are asked for: those hold every feature, and deeper views are drawn from them.
DEEPEST = 16
#: A tile of zoom z covers 512 pixels of a map whose world is 256 · 2^zoom wide: it is drawn at Leaflet's zoom z + 1.
ZOOM_STEP = 1
#: Where the tiles of several classes lie; the page fills in which, with the marks of their versions.
TILES = "/tiles/WebMercatorQuad/{z}/{y}/{x}?collections={ids}&v={marks}"


def office_of(cls: FeatureClass, lang: Lang) -> str:
    """The office that keeps the class, in one language (`zh / en` in the declaration)."""
    return cls.office_in(lang)


def is_pointed(cls: FeatureClass) -> bool:
    """Whether the class is drawn as symbols (its areas too, at their middle)."""
    return cls.geometry == "point" or (
        cls.geometry != "line" and cls.symbol.shape in {"circle", "square", "diamond"}
    )


def has_shapes(cls: FeatureClass) -> bool:
    """Whether the class has lines or areas to draw."""
    return cls.geometry != "point"


def field_view(field: Field, lang: Lang) -> dict[str, Any]:
    """A field as the feature card needs it."""
    view: dict[str, Any] = {"name": field.name, "title": field.title.in_(lang), "type": field.type}
    if field.unit and (lang, field.unit) != ("en", "pieces"):
        view["unit"] = amounts.unit_title(field.unit, lang)
    if field.choices:
        view["choices"] = {choice.value: choice.title.in_(lang) for choice in field.choices}
    return view


def fields_view(cls: FeatureClass, lang: Lang) -> list[dict[str, Any]]:
    """All fields that a reader may see, in the order of the declaration."""
    return [field_view(field, lang) for field in cls.fields]


def layer_view(
    cls: FeatureClass, amount: Amount, version: int, lang: Lang, *, on: bool, when: str = ""
) -> dict[str, Any]:
    """The options of one class's layer; `when` are the times it shows as the end of its addresses."""
    view: dict[str, Any] = {
        "id": cls.id,
        "title": cls.title.in_(lang),
        "office": office_of(cls, lang),
        "geometry": cls.geometry,
        "order": cls.order,
        "symbol": _symbol(cls),
        "count": amount.count,
        "counts": {zoom + ZOOM_STEP: count for zoom, count in amount.by_zoom.items()},
        "pointed": is_pointed(cls),
        "dense": amount.count > DENSE,
        "outline": cls.id in OUTLINES,
        "deepest": max(DEEPEST, *(rule.zoom for rule in cls.zooms)),
        "on": on,
        "tiles": f"{TILES}{when}",
        "mark": version_mark(cls.id, version),
        "feature": f"/map/{cls.id}/features/{{id}}.json?lang={lang}{when}",
    }
    if amount.length_m is not None:
        view["length_m"] = round(amount.length_m)
    return view | _kinds(cls, amount, lang)


def _symbol(cls: FeatureClass) -> dict[str, Any]:
    symbol = cls.symbol
    return {
        "glyph": symbol.glyph,
        "color": symbol.color,
        "fill": symbol.fill,
        "width": symbol.width,
        "shape": symbol.shape,
        "icon": icon_path(symbol.icon) if symbol.icon else None,
    }


def _kinds(cls: FeatureClass, amount: Amount, lang: Lang) -> dict[str, Any]:
    choices = next((field.choices for field in cls.fields if field.name == "kind"), ())
    colors = {choice.value: choice.color for choice in choices if choice.color is not None}
    if not colors:
        return {}
    titles = {choice.value: choice.title.in_(lang) for choice in choices}
    present = [kind for kind in colors if kind in amount.kinds]
    return {"colors": colors, "kinds": {kind: titles.get(kind, kind) for kind in present}, "present": present}
