"""Figures: deterministic, without inline script, and deaf to whatever the data says."""

from __future__ import annotations

import json
import re

from app.maps.figure import Figure, script_json

HOSTILE = [
    "</script><script>window.ran=1</script>",
    "${window.ran=1}",
    "`;window.ran=1;`",
    "{{ 7 * 7 }}",
    "{% raw %}{{ cycler.__init__ }}{% endraw %}",
    "\\`;window.ran=1//",
    "\u2028window.ran=1\u2029",
    "<img src=x onerror=window.ran=1>",
    "'\"&amp;&lt;",
]


def a_figure() -> Figure:
    figure = Figure("<b>title</b>", "zh", {"title": HOSTILE})
    figure.add_layers("layer", [{"id": f"c{i}", "title": text} for i, text in enumerate(HOSTILE)])
    return figure


def test_the_same_page_gives_the_same_script():
    assert a_figure().script_text() == a_figure().script_text()


def test_data_reaches_the_script_as_json_and_unchanged():
    script = a_figure().script_text()
    titles = [
        json.loads(found)["title"] for found in re.findall(r"chengtu\.layer\(map_main, (.*)\);", script)
    ]
    assert titles == HOSTILE


def test_nothing_in_json_can_end_a_script_or_a_line():
    text = script_json(HOSTILE)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == HOSTILE


def test_a_page_refers_to_its_scripts_and_holds_none():
    figure = a_figure()
    figure.script_text()
    html = figure.page_html(["/map/map.css?v=1"], ["/map/map.js?v=2", '/x.js?"><script>'])
    assert re.findall(r"<script[^>]*>([^<]*)</script>", html) == ["", ""]
    assert "<style" not in html
    assert not re.search(r"\s(on\w+|style)=", html)
    assert "&lt;b&gt;title&lt;/b&gt;" in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")


def test_a_files_data_cannot_end_its_element():
    figure = a_figure()
    figure.script_text()
    html = figure.file_html("", ["1"], {"data-x": script_json(HOSTILE)}, "default-src 'none'")
    inside = re.search(r'<script type="application/json" id="data-x">(.*?)</script>', html, re.DOTALL)
    assert inside is not None
    assert json.loads(inside[1]) == HOSTILE
