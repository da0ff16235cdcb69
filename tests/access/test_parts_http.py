"""Of each class of which something is hidden, each read of a lower level: no failure, no hidden field or value."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from app.access.key_service import make_key
from app.access.principal import Grant
from app.catalogue.loader import load_catalogue
from app.catalogue.public_part import part_of
from app.main import create_app
from app.settings import ROOT
from tests.clones import clone, opened
from tests.width import few, thin

CATALOGUE = load_catalogue(ROOT / "geodata")
#: Classes of which an internal reader does not see all, and two of which the public does not.
PARTLY = [
    cls.id
    for cls in CATALOGUE.classes.values()
    if part_of(CATALOGUE, "internal").classes.get(cls.id) is not cls
]
PUBLIC = [*PARTLY, "alleys", "grid_cells"]
READS = (
    "/collections/{cls}", "/collections/{cls}/items?limit=3", "/collections/{cls}/items?limit=3&f=csv",
    "/collections/{cls}/items?limit=2&f=html", "/collections/{cls}/items?limit=2&sortby=-code",
    "/collections/{cls}/items?limit=2&datetime=2015-01-01", "/collections/{cls}/items?limit=2&as_of=2015-01-01",
    "/collections/{cls}/queryables", "/collections/{cls}/schema", "/collections/{cls}/tiles", "/map/{cls}",
    "/map/{cls}?as_of=2015-01-01", "/exports/{cls}.csv", "/exports/{cls}.gpkg",
    "/collections/{cls}/tiles/WebMercatorQuad/13/3412/6731",
)  # fmt: skip
WHOLE = (
    "/collections", "/collections?f=html", "/?f=html", "/?f=html&as_of=2015-01-01", "/overview", "/summary",
    "/summary?f=html", "/summary?f=csv", "/summary?as_of=2015-01-01", "/search?q=路", "/search?q=路&f=html",
    "/tiles/WebMercatorQuad/13/3412/6731", "/background/tiles/WebMercatorQuad/13/3412/6731", "/coverage",
    "/completeness", "/completeness?f=html", "/areas/check", "/exports/city.gpkg", "/exports/city.qgz", "/field",
    "/policies",
)  # fmt: skip
#: Where fields and values are named one by one, between quotation marks.
TELLING = ("/queryables", "/schema", "/items?limit=3")


@pytest.fixture(scope="module")
def town(cluster_settings, town_template):
    with clone(cluster_settings, town_template) as settings:
        with opened(settings) as db, db.write() as conn:
            keys = {
                level: make_key(conn, level, [Grant("viewer", None)], 1, level=level)[0]
                for level in ("internal", "restricted")
            }
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            yield client, keys


def ask(town, level, path):
    client, keys = town
    view = f"{'&' if '?' in path else '?'}view=public" if level == "public" else ""
    return client.get(path + view, headers={"Authorization": f"Bearer {keys.get(level, keys['internal'])}"})


@pytest.mark.parametrize("level", ["public", "internal"])
@pytest.mark.parametrize("cls", thin(PUBLIC, 2))
def test_a_class_is_read_without_what_is_hidden_of_it(town, level, cls):
    part = part_of(CATALOGUE, level).classes.get(cls)
    hidden = hidden_words(CATALOGUE.classes[cls], part)
    for read in READS:
        reply = ask(town, level, read.format(cls=cls))
        if part is None:
            assert reply.status_code == 404, read
            continue
        assert reply.status_code in {200, 204}, (read, reply.text[:300])
        if read.endswith(TELLING):
            assert {word for word in hidden if f'"{word}"' in reply.text} == set(), read
    if part is not None:
        # Who may see all of it is told of just that.
        schema = ask(town, "restricted", f"/collections/{cls}/schema").text
        assert {word for word in hidden if f'"{word}"' in schema} == hidden
        head = ask(town, level, f"/exports/{cls}.csv").text.splitlines()[0].split(",")
        assert {item.name for item in CATALOGUE.classes[cls].fields} & set(head) == {
            item.name for item in part.fields
        }


def hidden_words(cls, part):
    """Names of fields and of values that the part does not have."""
    if part is None:
        return set()
    shown = {item.name: {choice.value for choice in item.choices} for item in part.fields}
    words = {item.name for item in cls.fields if item.name not in shown}
    values = {choice.value for item in cls.fields if item.name in shown for choice in item.choices
              if choice.value not in shown[item.name]}  # fmt: skip
    # A value of the same name in another field is no hidden one.
    return words | {value for value in values if not any(value in known for known in shown.values())}


@pytest.mark.parametrize("level", few(["public", "internal"], ["public"]))
@pytest.mark.parametrize("path", WHOLE)
def test_the_whole_city_is_read(town, level, path):
    reply = ask(town, level, path)
    assert reply.status_code in {200, 204}, reply.text[:300]
    assert "gas_devices" not in reply.text


def test_a_hidden_value_cannot_be_asked_for(town):
    for level in ("public", "internal"):
        for query in ("kind=camera", "filter=kind='camera'"):
            reply = ask(town, level, f"/collections/monitoring_points/items?{query}&limit=1")
            assert reply.status_code == 400 or reply.json()["features"] == []
        assert ask(town, level, "/collections/bridges/items?clearance_m=4").status_code == 400
        assert ask(town, level, "/collections/bridges/items?filter=clearance_m>4").status_code == 400
        assert ask(town, level, "/collections/bridges/items?sortby=clearance_m").status_code == 400


def test_small_counts_of_classes_with_hidden_rows_are_not_told_in_a_public_view(town):
    told = {item["id"]: item for item in ask(town, "public", "/summary").json()["classes"]}
    known = {item["id"]: item for item in ask(town, "internal", "/summary").json()["classes"]}
    few = 0
    for cls in CATALOGUE.classes.values():
        for one, other in zip(cells(told.get(cls.id)), cells(known.get(cls.id)), strict=False):
            if cls.restricted_rows and cls.sensitivity == "public" and 0 < other["count"] < 5:
                few += 1
                assert one["count"] is None
                assert one["fewer_than"] == 5
                assert one.get("length_km") is None
            elif cls.sensitivity == "public":
                assert one["count"] == other["count"]
    assert few
    page = ask(town, "public", "/summary?f=html&lang=zh").text
    assert "少于 5" in page
    assert "fewer than 5" in ask(town, "public", "/summary?f=html&lang=en").text
    assert ",<5," in ask(town, "public", "/summary?f=csv").text


def cells(item):
    """Every figure of a class: the total, then those of each breakdown."""
    if item is None:
        return []
    return [item, *(row for name in item if name.startswith("by_") for row in item[name])]
