"""A public view counts what is public: restricted rows change no figure of it, and a few beside them are not told."""

from __future__ import annotations

import json

import pytest
import shapely

from app.inventory.service import write_batches
from tests.access.writers import written_town
from tests.inventory.town import CHANGE, LAT, LON, batch, place
from tests.tiles.tiled import decoded, tile_at

COUNTED = ("/summary?f=json", "/completeness?f=json", "/summary?f=json&area=W", "/completeness?f=json&area=W")


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue):
    with written_town(cluster_settings, template, catalogue) as served:
        yield served


@pytest.fixture(scope="module")
def kinds(catalogue):
    found = {}
    for cls in ("monitoring_points", "utility_poles"):
        one = catalogue.get_class(cls)
        hidden = one.restricted_rows["kind"]
        values = [choice.value for choice in one.get_field("kind").choices]
        found[cls] = (
            next(value for value in values if value not in hidden),
            min(value for value in hidden if value),
        )
    return found


def put(town, catalogue, cls, kind, count, prefix):
    shapes = {f"{prefix}{cls}x{n}": place(-1 - n / 50, 1 + n / 50) for n in range(count)}
    with town.db.write() as conn:
        write_batches(conn, catalogue, [batch(cls, shapes, {"kind": [kind] * count})], CHANGE)


def public(town, path):
    reply = town.ask("everywhere", "GET", f"{path}{'&' if '?' in path else '?'}view=public")
    assert reply.status_code == 200, (path, reply.text)
    return reply


def told(town, classes):
    """What a public view tells of figures, extents, tiles, search."""
    tile = tile_at(9, LON, LAT)
    found = {path: public(town, path).json() for path in COUNTED}
    for cls in classes:
        collection = public(town, f"/collections/{cls}").json()
        found[f"extent {cls}"] = collection.get("extent")
        page = public(town, f"/collections/{cls}/items?limit=1").json()
        found[f"items {cls}"] = {
            name: page.get(name) for name in ("numberMatched", "numberReturned", "features")
        }
        found[f"search {cls}"] = public(town, f"/search?q={cls}x&limit=50").json()["results"]
        drawn = public(town, f"/collections/{cls}/tiles/WebMercatorQuad/{tile.z}/{tile.row}/{tile.col}")
        found[f"tile {cls}"] = repr(decoded(drawn.content)) if drawn.content else None
    return json.loads(json.dumps(found, default=str))


def test_restricted_rows_change_nothing_that_the_public_is_told(town, catalogue, kinds):
    for cls, (open_kind, _) in kinds.items():
        put(town, catalogue, cls, open_kind, 7, "o")
    before = told(town, kinds)
    for cls, (_, hidden) in kinds.items():
        put(town, catalogue, cls, hidden, 3, "r")
    put(town, catalogue, "gas_devices", "shut_off", 2, "r")
    after = told(town, kinds)
    for name, value in before.items():
        assert after[name] == value, name
    assert before["items monitoring_points"]["numberMatched"] == 7


@pytest.mark.parametrize("path", COUNTED)
def test_a_few_beside_restricted_rows_are_not_told(town, catalogue, path):
    one = catalogue.get_class("overhead_lines")
    kind = next(c.value for c in one.get_field("kind").choices if c.value not in one.restricted_rows["kind"])
    lines = {
        f"few{n}": shapely.LineString([(LON - 0.01, LAT + 0.01), (LON - 0.012 - n / 1000, LAT + 0.01)])
        for n in range(3)
    }
    with town.db.write() as conn:
        write_batches(conn, catalogue, [batch("overhead_lines", lines, {"kind": [kind] * 3})], CHANGE)
    rows = {row["id"]: row for row in public(town, path).json()["classes"]}
    few = rows["overhead_lines"]
    assert (few["count"], few["fewer_than"]) == (None, 5)
    by = next(value for name, value in few.items() if name.startswith("by_"))
    assert all(row.get("fewer_than") == 5 for row in by if row.get("count") != 0)
    assert rows["toilets"]["count"] in {2, 4}
    page = town.ask("everywhere", "GET", f"{path.replace('f=json', 'f=html&lang=en')}&view=public")
    assert "fewer than 5" in page.text
    table = town.ask("everywhere", "GET", f"{path.replace('f=json', 'f=csv')}&view=public")
    assert table.status_code == 200
    whole = {row["id"]: row for row in town.ask("everywhere", "GET", path).json()["classes"]}
    assert whole["overhead_lines"]["count"] == 3
