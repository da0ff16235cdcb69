"""Folium pages that need no other host and no inline script: our own Figure, Map and layers.

A page's script is written apart from its HTML (`script_text`), so that the page is allowed to run scripts of its own
server only. Text of the data reaches a script as JSON and nothing else, never as a template: branca parses the text of
its elements as Jinja templates, so every element here is `Raw`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import folium
from branca.element import Element
from branca.element import Figure as BrancaFigure
from folium.template import Template
from jinja2 import Environment
from markupsafe import Markup

from app.web.templates import open_notice

_JSON_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_JSON_TABLE = str.maketrans(_JSON_ESCAPES)


def script_json(value: object) -> str:
    """`value` as JSON that may stand in a script, in a file or inside HTML: no `<`, `>`, `&` or line separators."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_JSON_TABLE)


class Raw(Element):
    """Finished text in a page: rendered as it is, never as a template."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, **_: Any) -> str:
        """The text."""
        return self.text


class Piece(folium.MacroElement):
    """A Folium element with a fixed id, whose macros' text goes into the page as it is."""

    def __init__(self, name: str, element_id: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name, self._id = name, element_id

    def render(self, **kwargs: Any) -> str:
        """Hand this element's script to the page, then its children's; gives no text of its own."""
        macros = self._template.module.__dict__
        if "script" in macros:
            text = Raw(str(macros["script"](self, kwargs)).strip())
            cast("BrancaFigure", self.get_root()).script.add_child(text, name=self.get_name())
        for child in self._children.values():
            child.render(**kwargs)
        return ""


class Map(Piece, folium.Map):
    """The Folium map of a page: Leaflet and our own script, without Folium's default scripts, styles and fonts."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        const {{ this.get_name() }} = chengtu.map("{{ this.get_name() }}", {{ this.page_json }});
        {% endmacro %}
        """
    )

    def __init__(self, page: Mapping[str, Any]) -> None:
        folium.Map.__init__(self, tiles=None)
        self._name, self._id = "map", "main"
        self.page_json = script_json(page)


class Layer(Piece):
    """One layer of the map; `kind` names the function of our script that draws it, `options` are its JSON."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        chengtu.{{ this.kind }}({{ this._parent.get_name() }}, {{ this.options_json }});
        {% endmacro %}
        """
    )

    def __init__(self, kind: str, options: Mapping[str, Any]) -> None:
        super().__init__("layer", f"{kind}_{options['id']}")
        self.kind = kind
        self.options_json = script_json(options)


class Start(Piece):
    """The last line of a page's script: builds the panels once every layer is there."""

    _template = Template(
        "{% macro script(this, kwargs) %}chengtu.start({{ this._parent.get_name() }});{% endmacro %}"
    )

    def __init__(self) -> None:
        super().__init__("start", "main")


#: The browser's tab; inside the page, so that a single file asks for nothing.
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32'"
    " rx='7' fill='%230d6e83'/%3E%3Cpath d='M7 22l6-11 5 7 3-4 4 8z' fill='%23fff'/%3E%3C/svg%3E"
)

# Autoescape is on: title and language are text. Script and data come in as Markup, escaped by `script_json` before.
_PAGE = Environment(autoescape=True).from_string(
    """<!DOCTYPE html>
<html lang="{{ lang }}">
<head>
<meta charset="utf-8">
{% if csp %}<meta http-equiv="Content-Security-Policy" content="{{ csp }}">
{% endif %}<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="referrer" content="same-origin">
<link rel="icon" href="{{ icon }}">
<title>{{ title }}</title>
{{ head }}
</head>
<body class="map-page">
{% if notice %}<p class="open-bar" role="note">{{ notice }}</p>
{% endif %}{{ body }}
{{ scripts }}
</body>
</html>
"""
)


class Figure(BrancaFigure):
    """The page around a map: renders to HTML whose scripts and styles are references, or all inside one file."""

    def __init__(self, title: str, lang: str, page: Mapping[str, Any]) -> None:
        super().__init__(title=title)
        self.lang = lang
        self.map = Map(page)
        self.add_child(self.map)

    def add_layers(self, kind: str, layers: Sequence[Mapping[str, Any]]) -> None:
        """Add one `Layer` of `kind` for each of the option sets."""
        for options in layers:
            self.map.add_child(Layer(kind, options))

    def script_text(self) -> str:
        """The page's own script: the map, its layers, the start. The same page gives the same text."""
        self.map.add_child(Start())
        self.map.render()
        return f'"use strict";\n{self.script.render()}\n'

    def page_html(self, styles: Sequence[str], scripts: Sequence[str]) -> str:
        """HTML that refers to `styles` and `scripts` (addresses on our own server)."""
        head = Markup("\n").join(Markup('<link rel="stylesheet" href="{}">').format(href) for href in styles)
        tail = Markup("\n").join(Markup('<script src="{}"></script>').format(href) for href in scripts)
        return self._render(head, tail, None, open_notice("zh" if self.lang == "zh" else "en"))

    def file_html(self, style: str, scripts: Sequence[str], data: Mapping[str, str], csp: str) -> str:
        """One file with everything inside: `data` are JSON texts by element id, already safe in HTML."""
        blocks = [_tag("script", text, type="application/json", id=key) for key, text in data.items()]
        code = [_tag("script", text) for text in scripts]
        return self._render(_tag("style", style), Markup("\n").join([*blocks, *code]), csp)

    def _render(self, head: Markup, scripts: Markup, csp: str | None, notice: str | None = None) -> str:
        return _PAGE.render(
            lang="zh-CN" if self.lang == "zh" else "en",
            title=self.title,
            body=Markup('<div class="folium-map" id="{}"></div>').format(self.map.get_name()),
            icon=ICON,
            head=head,
            scripts=scripts,
            csp=csp,
            notice=notice,
        )


def _tag(name: str, text: str, **attributes: str) -> Markup:
    """An element around our own script, style or `script_json` text, which must stand in it unescaped."""
    inside = Markup("").join(Markup(' {}="{}"').format(key, value) for key, value in attributes.items())
    return Markup("<{0}{1}>{2}</{0}>").format(name, inside, Markup(text))  # noqa: S704 - never text of the data
