"""Rows of a table become rows of a class: headings, values, codes, places; each bad row is told apart."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from app.errors import BadInput
from app.ingest.codes import MADE_KEY
from app.ingest.headings import choose_class, match_headings
from app.ingest.layer import Layer
from tests.importing import make_batch

PLACE = (115.858, 28.683)


def layer(columns=None, geometry=None, crs="EPSG:4326", name="file"):
    columns = columns or {}
    count = len(next(iter(columns.values()))) if columns else len(geometry)
    shapes = geometry or [shapely.Point(PLACE[0] + i / 1000, PLACE[1]) for i in range(count)]
    array = np.empty(count, dtype=object)
    array[:] = shapes
    return Layer(name, list(range(1, count + 1)), array, columns, crs)


@pytest.fixture
def toilets(catalogue):
    return catalogue.get_class("toilets")


def test_headings_in_both_languages_and_what_is_left(toilets):
    given = {
        "编码": ["A1", "A2"],
        "名称": ["东湖公厕", None],
        "蹲位数": ["5", 6],
        "Kind": ["公共", "mobile"],
        "Remarks2": ["x", None],
    }
    field = next(f for f in toilets.fields if f.name == "stalls")
    given[field.title.zh] = given.pop("蹲位数")
    kind = next(f for f in toilets.fields if f.name == "kind")
    given["Kind"] = [kind.choices[0].title.zh, kind.choices[1].title.en]
    made = make_batch(layer(given), toilets)
    assert made.batch.codes == ["A1", "A2"]
    assert made.batch.columns["stalls"] == [5, 6]
    assert made.batch.columns["name_zh"] == ["东湖公厕", None]
    assert made.batch.columns["kind"] == [kind.choices[0].value, kind.choices[1].value]
    assert made.batch.extra == [{"Remarks2": "x"}, None]
    assert (made.key, made.batch.rejects) == ("编码", [])


def test_a_name_goes_where_its_language_belongs(toilets):
    batch = make_batch(layer({"name": ["滕王阁公厕", "Läntinen", None, "トイレ"]}), toilets).batch
    assert batch.columns["name_zh"] == ["滕王阁公厕", None, None, None]
    assert batch.columns["name_en"] == [None, "Läntinen", None, "トイレ"]


def test_a_name_that_finds_its_column_taken_is_kept(toilets):
    batch = make_batch(layer({"name": ["Keski", "Etelä"], "name_en": ["Centre", None]}), toilets).batch
    assert batch.columns["name_en"] == ["Centre", "Etelä"]
    assert batch.extra == [{"name": "Keski"}, None]


def test_wrong_values_reject_their_row_with_all_faults(toilets):
    made = make_batch(
        layer({"code": ["a", "b", "c"], "stalls": [3, "many", "x"], "kind": [None, None, "floating"]}),
        toilets,
    )
    first, second = made.batch.rejects
    assert made.batch.codes == ["a"]
    assert (first.row, first.field, first.value, first.reason) == (
        2,
        "stalls",
        "many",
        "a number is expected",
    )
    assert second.reason == "a number is expected; also kind: not one of the valid values (floating)"
    assert made.batch.read == 3


def test_codes_are_given_once(toilets):
    batch = make_batch(layer({"code": ["a", "a", None, 7.0, "7"]}), toilets).batch
    assert batch.codes == ["a", "7"]
    assert [(r.row, r.reason) for r in batch.rejects] == [
        (2, "the code is already used in row 1"),
        (3, "the row has no code"),
        (5, "the code is already used in row 4"),
    ]


def test_an_id_is_the_code_only_where_each_row_has_its_own(toilets):
    assert make_batch(layer({"id": [4, 5]}), toilets).batch.codes == ["4", "5"]
    assert make_batch(layer({"id": [4, 4]}), toilets).key == MADE_KEY
    assert make_batch(layer({"id": [4, None]}), toilets).key == MADE_KEY


def test_the_key_that_is_asked_for_counts(toilets):
    made = make_batch(layer({"code": ["a", "b"], "asset no": [11, 12]}), toilets, key="Asset_No")
    assert made.batch.codes == ["11", "12"]
    assert made.batch.extra == [{"code": "a"}, {"code": "b"}]
    with pytest.raises(BadInput, match="no column 'nummer'") as caught:
        make_batch(layer({"code": ["a"]}), toilets, key="nummer")
    assert caught.value.hint == "Columns: code."


def test_made_codes_are_the_same_in_every_order(toilets):
    points = [shapely.Point(115, 28), shapely.Point(116, 28), shapely.Point(116, 28)]
    first = make_batch(layer({"x": ["p", "q", "q"]}, points), toilets).batch.codes
    second = make_batch(layer({"x": ["q", "q", "p"]}, points[::-1]), toilets).batch.codes
    assert first[2] == f"{first[1]}-2"
    assert sorted(first) == sorted(second)


def test_places_come_from_the_named_crs(toilets):
    # Control point of the city: (115.858, 28.683) is E 388382.945 N 3174669.149 in the zone of 117° E.
    for crs, x, y in (("EPSG:4548", 388382.945, 3174669.149), ("EPSG:4527", 39388382.945, 3174669.149)):
        batch = make_batch(layer(geometry=[shapely.Point(x, y)], crs=crs), toilets).batch
        assert batch.geometry[0].x == pytest.approx(PLACE[0], abs=2e-8)
        assert batch.geometry[0].y == pytest.approx(PLACE[1], abs=2e-8)


def test_gcj02_is_taken_back(toilets):
    batch = make_batch(layer(geometry=[shapely.Point(115.862901, 28.679670)]), toilets, crs="gcj02").batch
    assert batch.geometry[0].x == pytest.approx(PLACE[0], abs=1e-6)
    assert batch.geometry[0].y == pytest.approx(PLACE[1], abs=1e-6)


@pytest.mark.parametrize(
    ("x", "y", "candidate"),
    [
        (388382.9, 3174669.1, "EPSG:4534"),
        (3174669.1, 388382.9, "swapped"),
        (12897000.0, 3330000.0, "EPSG:3857"),
        (0.2, 0.3, "EPSG:4326"),
    ],
)
def test_without_a_crs_nothing_is_guessed(toilets, x, y, candidate):
    with pytest.raises(BadInput, match="names no CRS") as caught:
        make_batch(layer(geometry=[shapely.Point(x, y)], crs=None), toilets)
    assert candidate in (caught.value.hint or "")


def test_without_a_crs_a_citys_degrees_are_degrees(toilets):
    made = make_batch(layer({"code": ["a", "b"]}, crs=None), toilets)
    assert (made.crs, len(made.batch.codes)) == ("EPSG:4326", 2)


def test_an_unshifted_datum_is_refused(toilets):
    with pytest.raises(BadInput, match="Beijing"):
        make_batch(layer(geometry=[shapely.Point(388382, 3174669)], crs="EPSG:2436"), toilets)


def test_shapes_are_repaired_or_refused(catalogue):
    bowtie = shapely.Polygon([(25, 60), (25.01, 60.01), (25.01, 60), (25, 60.01)])
    spike = shapely.Polygon([(25, 60), (25.01, 60), (25, 60)])
    good = shapely.box(25, 60, 25.01, 60.01)
    shapes = [
        bowtie,
        spike,
        good,
        shapely.Point(25, 60),
        None,
        shapely.Polygon(),
        shapely.LineString([(25, 60), (26, 60)]),
    ]
    made = make_batch(layer(geometry=shapes), catalogue.get_class("parks"))
    assert [r.row for r in made.batch.rejects] == [2, 4, 5, 6, 7]
    assert [item["row"] for item in made.repaired] == [1]
    # The two triangles of the bowtie are half of the box.
    assert made.repaired[0]["area_after_m2"] == pytest.approx(_area_m2(good) / 2, rel=1e-3)
    assert {shape.geom_type for shape in made.batch.geometry} == {"Polygon", "MultiPolygon"}
    assert shapely.is_valid(made.batch.geometry).all()


def _area_m2(box) -> float:
    forward = Transformer.from_crs(4326, "+proj=laea +lat_0=60 +lon_0=25", always_xy=True)
    return shapely.transform(box, forward.transform, interleaved=False).area


def test_an_area_may_stand_for_a_place(toilets):
    box = shapely.box(25, 60, 25.01, 60.01)
    batch = make_batch(layer(geometry=[box]), toilets).batch
    assert batch.geometry[0].geom_type == "Point"
    assert box.contains(batch.geometry[0])


def test_a_shape_that_would_keep_the_database_busy_is_refused(catalogue):
    angle = np.linspace(0, 2 * np.pi, 1_000_002)
    ring = shapely.Polygon(np.column_stack([25 + np.cos(angle) / 100, 60 + np.sin(angle) / 100]))
    batch = make_batch(
        layer(geometry=[ring, shapely.box(25, 60, 26, 61)]), catalogue.get_class("parks")
    ).batch
    assert [r.reason for r in batch.rejects] == ["the shape has more than 1000000 vertices"]


def test_a_required_field_has_a_default_or_rejects(catalogue):
    box = shapely.box(25, 60, 26, 61)
    batch = make_batch(
        layer({"name": ["Etelä", "Pohjoinen"]}, [box, box]), catalogue.get_class("districts")
    ).batch
    assert batch.columns["level"] == ["district", "district"]


def test_our_own_export_is_known_by_its_headings(toilets):
    own = {
        "id": [1], "code": ["n1"], "name_en": ["A"], "area_path": ["x"], "change_id": [4], "length_m": [2.0],
        "incomplete": [True], "extra": ['{"wheelchair": "yes"}'],
    }  # fmt: skip
    batch = make_batch(layer(own), toilets).batch
    assert batch.extra == [{"wheelchair": "yes"}]
    assert batch.incomplete == {"n1"}
    assert "id" not in (batch.extra[0] or {})


def test_a_fields_own_name_counts_before_an_alias(toilets):
    kind = next(f for f in toilets.fields if f.name == "kind")
    meaning = match_headings([*kind.aliases, "kind"], toilets)
    assert meaning.fields["kind"].name == "kind"
    assert set(kind.aliases) <= {*meaning.rest, *meaning.fields}


def test_a_class_is_known_by_id_title_and_alias(catalogue):
    for word in ("toilets", "TOILETS", "公共厕所", catalogue.get_class("toilets").title.en):
        found = choose_class(catalogue, word, ())
        assert found is not None
        assert found.id == "toilets"
    assert choose_class(catalogue, None, ["nothing", "Parks"]) is catalogue.get_class("parks")
    assert choose_class(catalogue, None, ["nothing"]) is None
