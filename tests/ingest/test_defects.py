"""Twenty-five kinds of defect, a thousand rows each, in one file: the good rows are in, each bad one is listed."""

from __future__ import annotations

import json
from collections import Counter

import shapely
from sqlalchemy import text

from tests.importing import import_path

ROUNDS = 1_000
WEST, SOUTH = 115.80, 28.60


def polygon(*rings):
    return {"type": "Polygon", "coordinates": [list(ring) for ring in rings]}


def square(i):
    """The i-th of a lattice of squares that do not touch."""
    x, y = WEST + i % 100 * 0.001, SOUTH + i // 100 * 0.001
    return [[x, y], [x + 5e-4, y], [x + 5e-4, y + 5e-4], [x, y + 5e-4], [x, y]]


NAN, INF = float("nan"), float("inf")
#: Kind → geometry made of a good ring, and what the reason says.
SHAPES = {
    "null": (lambda _: None, "no geometry"),
    "empty": (lambda _: polygon(), "geometry"),
    "empty multi": (lambda _: {"type": "MultiPolygon", "coordinates": []}, "geometry"),
    "NaN": (lambda ring: polygon([[NAN, 28], *ring[1:]]), "not a number"),
    "infinite": (lambda ring: polygon([*ring[:2], [INF, 28], *ring[3:]]), "not"),
    "word": (lambda ring: polygon([*ring[:2], ["x", 28], *ring[3:]]), "not a number"),
    "none": (lambda ring: polygon([*ring[:2], [None, 28], *ring[3:]]), "not a number"),
    "beyond the pole": (lambda ring: polygon([*ring[:2], [115.8, 91], *ring[3:]]), "longitudes and latitudes"),
    "beyond 180": (lambda ring: polygon([*ring[:2], [181, 28], *ring[3:]]), "longitudes and latitudes"),
    "huge": (lambda ring: polygon([*ring[:2], [1e308, 28], *ring[3:]]), "longitudes and latitudes"),
    "not closed": (lambda ring: polygon(ring[:-1]), "not closed"),
    "three positions": (lambda ring: polygon([ring[0], ring[1], ring[0]]), "no area"),
    "no area": (lambda ring: polygon([ring[0], ring[1], ring[1], ring[0]]), "no area"),
    "one place": (lambda ring: polygon([ring[0]] * 5), "no area"),
    "point": (lambda ring: {"type": "Point", "coordinates": ring[0]}, "is a point"),
    "line": (lambda ring: {"type": "LineString", "coordinates": ring[:3]}, "is a line"),
    "closed line": (lambda ring: {"type": "LineString", "coordinates": ring}, "is a closed line"),
    "collection": (
        lambda ring: {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": ring[0]}]},
        "collection of points",
    ),
    "unknown type": (lambda ring: {"type": "Circle", "coordinates": ring}, "no known type"),
    "no coordinates": (lambda _: {"type": "Polygon"}, "no coordinates"),
    "too deep": (lambda ring: {"type": "Polygon", "coordinates": [[ring]]}, "fewer than 4 positions"),
}  # fmt: skip
#: Kind → properties, and what the reason says.
VALUES = {
    "number": ({"registered_area_m2": "many"}, "many"),
    "choice": ({"kind": "palace of dreams"}, ""),
    "no code": ({"code": None}, "the row has no code"),
    "same code": ({"code": "good-0"}, "the code is already used"),
}


def lines():
    """(line of the file, kind or None for a good row)."""
    number = 0
    for i in range(ROUNDS):
        yield feature(polygon(square(i)), code=f"good-{i}"), None
        for kind, (make, _) in SHAPES.items():
            number += 1
            yield feature(make(square(i)), code=f"bad-{number}"), kind
        for kind, (given, _) in VALUES.items():
            number += 1
            yield feature(polygon(square(i)), **{"code": f"bad-{number}", **given}), kind


def feature(geometry, **properties):
    return json.dumps({"type": "Feature", "geometry": geometry, "properties": properties})


def test_good_rows_are_in_and_each_bad_row_is_listed_with_its_reason(database, catalogue, tmp_path):
    rows = list(lines())
    path = tmp_path / "parks.geojsonl"
    path.write_text("\n".join(line for line, _ in rows) + "\n", encoding="utf-8")
    (report,) = import_path(database, catalogue, path, class_id="parks", key="code")["files"]
    counts = report["classes"]["parks"]
    assert (counts["read"], counts["loaded"], counts["rejected"]) == (len(rows), ROUNDS, len(rows) - ROUNDS)
    reasons = {reject["row"]: reject for reject in report["rejects"]}
    assert set(reasons) == {number for number, (_, kind) in enumerate(rows, start=1) if kind is not None}
    words = {kind: said for kind, (_, said) in [*SHAPES.items(), *VALUES.items()]}
    wrong = Counter(
        (kind, reasons[number]["reason"])
        for number, (_, kind) in enumerate(rows, start=1)
        if kind is not None and words[kind] not in f"{reasons[number]['reason']} {reasons[number]['value']}"
    )
    assert wrong == {}
    assert all(reject["field"] and reject["hint"] for reject in report["rejects"])
    with database.read() as conn:
        stored = conn.execute(text("SELECT code, ST_AsBinary(geom) FROM city.parks")).all()
    assert {code for code, _ in stored} == {f"good-{i}" for i in range(ROUNDS)}
    assert shapely.is_valid(shapely.from_wkb([bytes(shape) for _, shape in stored])).all()
