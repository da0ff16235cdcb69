"""Rows read are rows loaded, unchanged, rejected or skipped, whatever a file holds."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.database.transactions import Database
from tests.clones import clone, opened
from tests.importing import import_path

LON, LAT = 115.86, 28.68


@pytest.fixture(scope="module")
def db(cluster_settings, template) -> Iterator[Database]:
    with clone(cluster_settings, template) as settings, opened(settings) as database:
        yield database


def place(n: int) -> list[float]:
    return [round(LON + n % 90 / 1000, 6), round(LAT + n // 90 / 1000, 6)]


def write(path: Path, rows: list[tuple[Any, ...]]) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "note": f"n{code}", "valid_from": since},
            "geometry": shape,
        }
        for code, shape, *times in rows
        for since in times or [None]
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def several(*numbers: int) -> dict[str, Any]:
    return {"type": "MultiPoint", "coordinates": [place(n) for n in numbers]}


def counts(db, catalogue, path: Path, **given: Any) -> dict[str, Any]:
    (report,) = import_path(db, catalogue, path, class_id="street_trees", allow_outside=True, **given)[
        "files"
    ]
    found = report["classes"]["street_trees"]
    assert found["read"] == sum(found[name] for name in ("loaded", "unchanged", "rejected", "skipped")), found
    assert found["loaded"] == found["new"] + found["changed"], found
    return found


def stored(db) -> int:
    with db.read() as conn:
        (count,) = db.raw(conn).execute("SELECT count(*) FROM city.street_trees").fetchone() or (0,)
    return int(count)


def test_a_row_of_several_places_is_one_row(database, catalogue, tmp_path):
    first = write(tmp_path / "a.geojson", [("a", several(1, 2, 3)), ("b", several(4)), ("c", several(5, 6))])
    found = counts(database, catalogue, first)
    assert (found["read"], found["new"], found["features"], found["split"]) == (3, 3, 6, 2)
    again = counts(database, catalogue, first)
    assert (again["unchanged"], again["loaded"], again["features"], again["split"]) == (3, 0, 0, 2)
    moved = write(
        tmp_path / "b.geojson", [("a", several(1, 2, 9)), ("d", several(7, 8)), ("c", several(5, 6))]
    )
    found = counts(database, catalogue, moved)
    assert (found["new"], found["changed"], found["unchanged"], found["features"]) == (1, 1, 1, 3)
    longer = write(tmp_path / "c.geojson", [("a", several(1, 2, 9, 10))])
    found = counts(database, catalogue, longer)
    assert (found["new"], found["changed"], found["features"]) == (0, 1, 1)
    assert stored(database) == 9


def mess(random_: random.Random, size: int) -> list[tuple[Any, ...]]:
    """Rows of which each may lack its code or shape, share a code, or stand for several places."""
    point = {"type": "Point", "coordinates": place(random_.randrange(900))}
    shapes = [
        point, None, several(), several(*(random_.randrange(900) for _ in range(3))), several(7, 7),
        {"type": "Point", "coordinates": [999, 99]}, {"type": "Polygon", "coordinates": []},
        {"type": "LineString", "coordinates": [place(1), place(2)]},
    ]  # fmt: skip
    return [
        (
            random_.choice([None, f"k{random_.randrange(size)}", f"u{i}"]),
            random_.choice(shapes),
            random_.choice([None, None, "2020-01-01", "2021-05-01"]),
        )
        for i in range(size)
    ]


@pytest.mark.parametrize("seed", range(6))
def test_every_row_of_a_messy_file_is_counted_once(db, catalogue, tmp_path, seed):
    random_ = random.Random(seed)
    rows = mess(random_, 40)
    path = write(tmp_path / "messy.geojson", rows)
    before = stored(db)
    found = counts(db, catalogue, path, where="note <> 'nu3'" if seed % 2 else None)
    assert found["read"] == len(rows)
    assert found["new"] <= stored(db) - before <= found.get("features", found["loaded"])
    kept = [row for row in rows if random_.random() < 0.8]
    again = counts(db, catalogue, write(path, [*kept, ("new", several(1, 2))]))
    assert again["read"] == len(kept) + 1
