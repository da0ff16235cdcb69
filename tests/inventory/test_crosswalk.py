"""A new edition's id takes the place of the old one, which stays beside it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.inventory.crosswalk import former_fields, keep_former
from app.inventory.service import write_batches
from tests.inventory.town import CHANGE, batch, place

OLD, NEW = "3601020101000001", "36010201001000001"
FIELDS = ("component_code", "code_system", "former_code", "former_code_system")


def _columns(*rows: tuple[str | None, ...]) -> dict[str, list[str | None]]:
    return {name: list(values) for name, values in zip(FIELDS, zip(*rows, strict=True), strict=False)}


STORED = _columns(
    (OLD, "cjt214_2007", None, None),
    (OLD, "cjt214_2007", "A-1", "own"),
    (NEW, "gbt47678_2026", OLD, "cjt214_2007"),
    (None, None, None, None),
)


def test_only_rows_of_another_code_system_move_their_id():
    given = _columns(*[(NEW, "gbt47678_2026")] * 4)
    kept = keep_former(given, STORED)
    assert kept["former_code"] == [OLD, OLD, OLD, None]
    assert kept["former_code_system"] == ["cjt214_2007", "cjt214_2007", "cjt214_2007", None]
    assert kept["component_code"] == given["component_code"]
    assert "former_code" not in given


def test_a_former_id_that_the_row_brings_counts():
    given = _columns(*[(NEW, "gbt47678_2026", "B-2", "own")] * 4)
    assert keep_former(given, STORED) == given


def test_nothing_is_added_where_no_code_system_changes():
    given = _columns(*[(OLD, "cjt214_2007")] * 2)
    stored = {name: values[:2] for name, values in STORED.items()}
    assert keep_former(given, stored) == given
    assert keep_former(given, {}) == given


def test_only_classes_and_batches_with_ids_ask_for_what_is_stored(catalogue):
    toilets, parks = catalogue.get_class("toilets"), catalogue.get_class("parks")
    assert former_fields(toilets, dict.fromkeys(FIELDS[:2], ())) == set(FIELDS)
    assert former_fields(toilets, {"component_code": ()}) == set()
    assert former_fields(parks, dict.fromkeys(FIELDS[:2], ())) == set()


@pytest.fixture
def write(conn, catalogue):
    def write(*rows: tuple[str | None, ...], start: int = 0) -> None:
        shapes = {f"t{start + i}": place(i / 10, 0) for i in range(len(rows))}
        write_batches(conn, catalogue, [batch("toilets", shapes, _columns(*rows))], CHANGE)

    return write


def test_a_write_keeps_the_old_pair_beside_the_new(conn, write):
    query = text(f"SELECT {', '.join(FIELDS)} FROM city.toilets ORDER BY code")
    write((OLD, "cjt214_2007"), (None, None))
    write((NEW, "gbt47678_2026"), (NEW[:-1] + "2", "gbt47678_2026"), (NEW[:-1] + "3", "gbt47678_2026"))
    expected = [
        (NEW, "gbt47678_2026", OLD, "cjt214_2007"),
        (NEW[:-1] + "2", "gbt47678_2026", None, None),
        (NEW[:-1] + "3", "gbt47678_2026", None, None),
    ]
    assert [tuple(row) for row in conn.execute(query)] == expected
    write((NEW, "gbt47678_2026"))
    assert tuple(conn.execute(query).first()) == expected[0]
