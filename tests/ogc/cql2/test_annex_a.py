"""All predicates of CQL2's Annex A (OGC 21-065r2), as text and as JSON, against OGC's own data."""

from __future__ import annotations

import json

import cql2
import pytest
from fastapi.testclient import TestClient

from app.main import create_app

COUNT = 351


@pytest.fixture(scope="module")
def annex_a(data_dir):
    """Layer, predicate, count; with the counts of `errata` where the printed ones do not fit the data."""
    found = json.loads((data_dir / "ogc" / "cql2_ats.json").read_text("utf-8"))
    rows = [row[1:4] for row in [*found["cases"], *found["logical"]]]
    assert len(rows) == COUNT
    return [(layer, text, found["errata"].get(text, count)) for layer, text, count in rows]


@pytest.fixture(scope="module")
def matched(layers):
    """What finds the number of features that match a filter over HTTP."""
    with TestClient(create_app(layers.settings)) as client:

        def ask(layer: str, text: str, lang: str) -> int:
            asked = {"filter": text, "filter-lang": lang, "limit": 1, "properties": "code"}
            reply = client.get(f"/collections/{layer}/items", params=asked)
            assert reply.status_code == 200, (text, reply.text)
            return reply.json()["numberMatched"]

        yield ask


def _as_json(text: str) -> str:
    return json.dumps(cql2.Expr(text).to_json())


@pytest.mark.parametrize("lang", ["cql2-text", "cql2-json"])
def test_every_predicate_of_annex_a_has_the_count_of_the_standard(layers, annex_a, lang):
    found = []
    with layers.database.read() as conn:
        for layer, text, _ in annex_a:
            given = _as_json(text) if lang == "cql2-json" else text
            found.append((layer, text, len(layers.ids(conn, layer, given, lang))))
    assert found == annex_a


def test_http_gives_the_same_counts(matched, annex_a):
    some = annex_a[::13]
    assert [(layer, text, matched(layer, text, "cql2-text")) for layer, text, _ in some] == some
    assert [(layer, text, matched(layer, _as_json(text), "cql2-json")) for layer, text, _ in some] == some
