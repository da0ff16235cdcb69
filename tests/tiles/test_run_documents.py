"""The documents on a run's tiles: its layers, its style by figures, its page; and a run that is gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient

from app.coverage.engine import Engine
from app.coverage.service import run
from app.database.engine import open_database
from app.inventory.service import write_batches
from app.main import create_app
from app.ogc.run_collections import RUN_COLLECTIONS
from app.tiles.run_style import GAPS, SHARES
from tests.clones import clone
from tests.inventory.town import CHANGE, LAT, LON, batch, districts, square

SET = "/tiles/WebMercatorQuad"


@pytest.fixture(scope="module")
def served(cluster_settings, template, catalogue, fetched_assets) -> Iterator[tuple[TestClient, str]]:
    """A town of homes near and far from its only toilet, with a run of what is near."""
    with clone(cluster_settings, template) as settings:
        db = open_database(settings)
        homes = {f"H{n}": square(0.2 + 0.5 * n, 0.2, 0.1) for n in range(3)}
        rows = [
            districts(),
            batch("residential_areas", homes, {"people": [900, 500, 70], "kind": ["estate"] * 3}),
            batch("toilets", {"T": shapely.Point(LON + 0.002, LAT + 0.002)}, {}),
        ]
        with db.write() as conn:
            write_batches(conn, catalogue, rows, CHANGE)
        found = run(db, Engine(db, catalogue).answer, {"policy": "toilet-300", "mode": "straight"})
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            yield client, f"/coverage/{found['run']}"
        db.dispose()


def document(served: tuple[TestClient, str], path: str = SET, **query: Any) -> Any:
    client, start = served
    reply = client.get(start + path, params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_its_layers_are_the_collections_of_runs(served):
    found = document(served)
    assert [layer["id"] for layer in found["layers"]] == list(RUN_COLLECTIONS)
    assert "share_of_people" in found["layers"][0]["propertiesSchema"]["properties"]
    assert document(served, "/tiles")["tilesets"][0]["title"] == found["title"]
    assert document(served, f="tilejson")["tiles"][0].endswith(f"{served[1]}{SET}/{{z}}/{{y}}/{{x}}")


def test_its_style_draws_areas_by_share_and_gaps_by_people(served):
    layers = {layer["id"]: layer for layer in document(served, f="style")["layers"]}
    (areas,) = (
        layer
        for name, layer in layers.items()
        if name.startswith("coverage_areas-straight-") and layer["type"] == "fill"
    )
    assert [colour for _, colour in SHARES] == [
        part for part in areas["paint"]["fill-color"][2] if str(part)[0] == "#"
    ]
    (gaps,) = (
        layer
        for name, layer in layers.items()
        if name.startswith("coverage_gaps-straight-") and layer["type"] == "fill"
    )
    assert GAPS[0] in str(gaps["paint"]["fill-color"])
    assert areas["filter"][1] == ["==", ["get", "mode"], "straight"]
    hidden = [layer for layer in layers.values() if layer.get("source-layer") == "coverage_units"]
    assert hidden
    assert {layer["layout"]["visibility"] for layer in hidden} == {"none"}


def test_its_page_is_told_of_its_figures(served):
    client, start = served
    page = client.get(start + SET, params={"f": "html", "lang": "en"})
    assert '"figures":[{"id":"straight-' in page.text
    assert '"chosen":[]' in page.text
    assert page.headers["content-language"] == "en"


def test_a_run_that_is_gone_is_no_run(served):
    client, _ = served
    for run_id in ("00000000-0000-4000-8000-000000000000", "none"):
        for form in ("json", "style", "tilejson", "html"):
            assert client.get(f"/coverage/{run_id}{SET}", params={"f": form}).status_code == 404
