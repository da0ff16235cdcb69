"""Styles: what the catalogue declares is what is drawn; sources, languages and the ground; hostile credits."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from app.inventory.batch import Change, ImportSource
from app.inventory.service import write_batches
from app.tiles.run_style import gap_breaks, value_steps
from app.tiles.style import class_layers, ink_on, kind_colours
from tests.inventory.town import batch, square
from tests.ogc.conftest import Api
from tests.ogc.edits import served_town

SET = "/tiles/WebMercatorQuad"
HOSTILE = "<img src=x onerror=alert(1)>"


def style(api: Api, path: str = f"/collections/toilets{SET}", **query: Any) -> dict[str, Any]:
    found = api.get(path, f="style", **query)
    assert found.headers["content-type"] == "application/vnd.mapbox.style+json"
    return found.json()


def by_id(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    layers = {layer["id"]: layer for layer in document["layers"]}
    assert len(layers) == len(document["layers"])
    return layers


def test_symbols_are_those_of_the_catalogue(api: Api, catalogue):
    symbol = catalogue.classes["toilets"].symbol
    layers = by_id(style(api))
    assert layers["toilets-point"]["paint"]["circle-color"] == symbol.color
    assert layers["toilets-glyph"]["layout"]["text-field"] == symbol.glyph
    assert layers["toilets-glyph"]["paint"]["text-color"] == ink_on(symbol.color)
    assert layers["toilets-cluster"]["filter"] == ["has", "point_count"]
    assert "point_count" in str(layers["toilets-count"]["layout"]["text-field"])
    park = by_id(style(api, f"/collections/parks{SET}"))
    assert park["parks-fill"]["paint"]["fill-color"] == catalogue.classes["parks"].symbol.fill


def test_every_kind_with_a_colour_is_drawn_in_it(catalogue):
    coloured = [cls for cls in catalogue.classes.values() if kind_colours(cls)]
    assert coloured
    for cls in coloured:
        (line,) = (layer for layer in class_layers(cls, "zh")["lines"] if layer["id"].endswith("-line"))
        said = line["paint"]["line-color"]
        pairs = dict(zip(said[2:-1:2], said[3:-1:2], strict=True))
        assert pairs == kind_colours(cls)
        assert said[-1] == cls.symbol.color


def test_every_class_has_layers_of_its_own_source_layer(catalogue):
    for cls in catalogue.classes.values():
        found = [layer for place in class_layers(cls, "en").values() for layer in place]
        assert {layer["source-layer"] for layer in found} == {cls.id}
        assert {f"{cls.id}-cluster", f"{cls.id}-count"} <= {layer["id"] for layer in found}


def test_clusters_of_classes_do_not_hide_each_other(api: Api):
    layers = by_id(style(api, SET, collections="toilets,parks,streets"))
    places = [
        layers[f"{name}-cluster"]["paint"].get("circle-translate") for name in ("toilets", "parks", "streets")
    ]
    assert places == [None, [16, 0], [8, 14]]
    assert layers["parks-count"]["paint"]["text-translate"] == [16, 0]


def test_names_are_in_the_language_of_the_style(api: Api):
    for lang, order in (("zh", ["name_zh", "name_en"]), ("en", ["name_en", "name_zh"])):
        text = str(by_id(style(api, lang=lang))["toilets-name"]["layout"]["text-field"])
        assert text.index(order[0]) < text.index(order[1])


def test_the_ground_lies_below_unless_it_is_left_out(api: Api):
    whole = style(api)
    assert whole["sources"].keys() == {"city", "background"}
    assert whole["sources"]["background"]["tiles"][0].startswith("http://testserver/background/tiles/")
    sources = [layer.get("source") for layer in whole["layers"]]
    assert sources.index("background") < sources.index("city")
    alone = style(api, background="false")
    assert alone["sources"].keys() == {"city"}
    assert {layer.get("source") for layer in alone["layers"]} == {None, "city"}
    assert "background=" not in alone["sources"]["city"]["tiles"][0]


def test_the_source_carries_the_request_on(api: Api):
    source = style(api, kind="public", datetime="2024-01-01")["sources"]["city"]
    assert source["tiles"][0].endswith("{z}/{y}/{x}?kind=public&datetime=2024-01-01")
    assert source["maxzoom"] >= 16


def test_layers_asked_for_by_name_are_on_and_of_the_city_a_few(api: Api):
    named = style(api, SET, collections="streets,monuments", background="false")
    assert all(layer.get("layout", {}).get("visibility", "visible") == "visible" for layer in named["layers"])
    city = by_id(style(api, SET))
    assert "visibility" not in city["parks-fill"].get("layout", {})
    assert city["streets-line"]["layout"]["visibility"] == "none"


def test_it_asks_nothing_of_another_server(api: Api):
    found = style(api, SET)
    assert not {"glyphs", "sprite"} & found.keys()
    for source in found["sources"].values():
        assert all(address.startswith("http://testserver/") for address in source["tiles"])


def test_credits_are_written_as_text_of_html(cluster_settings, template, catalogue):
    with served_town(cluster_settings, template, catalogue) as (client, _, db):
        change = Change("test", "drawn", uuid4(), ImportSource("p.gpkg", "gpkg", attribution=HOSTILE))
        with db.write() as conn:
            write_batches(conn, catalogue, [batch("parks", {"P": square(0, 0, 0.2)}, {})], change)
        source = client.get(f"/collections/parks{SET}?f=style").json()["sources"]["city"]
        told = client.get(f"/collections/parks{SET}?f=tilejson").json()
        assert source["attribution"] == told["attribution"] == "&lt;img src=x onerror=alert(1)&gt;"


def test_letters_read_on_their_colour():
    assert [ink_on(colour) for colour in ("#ffffff", "#fee0b0", "#0072b2", "#000000")] == [
        "#16242c",
        "#16242c",
        "#ffffff",
        "#ffffff",
    ]


@pytest.mark.parametrize(
    ("values", "limits"),
    [([], [0.0]), ([1.0] * 9, [0.0, 1.0]), ([0.0, 1.23, 2.34, 3.45, 4.56, 5.67], [0.0, 1.2, 2.3, 3.5, 4.6])],
)
def test_values_are_coloured_by_fifths(values: list[float], limits: list[float]):
    found = value_steps(values)
    assert [limit for limit, _ in found] == limits
    assert len({colour for _, colour in found}) == len(found)


def test_limits_of_gaps_are_round():
    assert gap_breaks([0, 430, 860, 1900]) == [500, 1000, 2000]
    assert gap_breaks([7, 7, 8, 90]) == [5, 10, 100]
