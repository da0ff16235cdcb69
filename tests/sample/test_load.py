"""The sample in a database: loaded once, marked as a sample, its figures recomputed from what is stored."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from uuid import uuid4

import numpy as np
import pytest
import shapely

from app.catalogue.model import Catalogue
from app.database.engine import Connection, Database
from app.errors import Conflict
from app.inventory.batch import Batch, Change
from app.inventory.changes import find_setting
from app.inventory.service import write_batches
from app.inventory.summary import summary
from app.inventory.times import Times
from app.sample import store
from app.sample.build import PARAMETERS, build
from app.sample.check import Figure, check
from app.sample.figures import COMPUTE
from app.sample.parameters import read_parameters
from app.sample.service import load
from app.settings import ROOT
from tests.sample.days import AFTER, BEFORE


def test_the_town_is_loaded_marked_and_right(database: Database, catalogue: Catalogue):
    counts = load(database, catalogue, "town")
    assert all(count.new == count.read > 0 for count in counts.values())
    with database.read() as conn:
        assert find_setting(conn, "sample") == "示例数据，非真实 / Sample data, not real"
        assert find_setting(conn, "metric_crs") == "EPSG:4548"
        figures = check(conn, catalogue)
    assert [figure for figure in figures if not figure.ok] == []
    assert len(figures) > 15

    again = load(database, catalogue, "town")
    assert {count.unchanged == count.read for count in again.values()} == {True}
    with pytest.raises(Conflict, match="sample 'town'"):
        load(database, catalogue, "city")


def test_the_sample_is_not_mixed_into_another_city(database: Database, catalogue: Catalogue):
    place = np.array([shapely.Point(24.94, 60.17)], dtype=object)
    with database.write() as conn:
        write_batches(
            conn, catalogue, [Batch("toilets", ["n1"], place, {}, [None])], Change("test", "another city")
        )
    with pytest.raises(Conflict, match="already holds a city"):
        load(database, catalogue, "town")


def test_a_database_without_a_sample_has_nothing_to_check(read_conn: Connection, catalogue: Catalogue):
    with pytest.raises(Conflict, match="no sample"):
        check(read_conn, catalogue)


@pytest.mark.wide
def test_a_figure_that_is_off_is_told(conn: Connection, catalogue: Catalogue):
    city = build("town", catalogue)
    write_batches(conn, catalogue, city.batches, Change("test", "town", uuid4(), metric_crs=city.metric_crs))
    store.mark(conn, "town", "sample")
    assert off(check(conn, catalogue)) == set()

    toilets = next(batch for batch in city.batches if batch.class_id == "toilets")
    place = toilets.geometry[:1]
    later = Batch("toilets", ["TL-X"], place, {}, [None], valid=[(date(2021, 5, 1), None)])
    write_batches(conn, catalogue, [later], Change("test", "one more in the year"))
    assert off(check(conn, catalogue)) == {(AFTER, "toilets"), (AFTER, "toilets_new")}

    always = Batch("toilets", ["TL-Y"], place, {}, [None])
    write_batches(conn, catalogue, [always], Change("test", "one that was there all the time"))
    assert off(check(conn, catalogue)) == {(BEFORE, "toilets"), (AFTER, "toilets"), (AFTER, "toilets_new")}


def off(figures: list[Figure]) -> set[tuple[date, str]]:
    return {(figure.as_of, figure.item) for figure in figures if not figure.ok}


@pytest.mark.wide
def test_either_date_is_read_from_the_database(conn: Connection, catalogue: Catalogue):
    city = build("town", catalogue)
    write_batches(conn, catalogue, city.batches, Change("test", "town", uuid4(), metric_crs=city.metric_crs))
    figures = {
        day: {row["id"]: row for row in summary(conn, catalogue, times=Times(as_of=day))["classes"]}
        for day in (BEFORE, AFTER)
    }
    assert [figures[day]["toilets"]["count"] for day in (BEFORE, AFTER)] == [21, 24]
    assert round(figures[BEFORE]["greenways"]["length_km"], 1) == 6.0
    assert figures[AFTER]["greenways"]["length_km"] > 6.6
    gained = figures[AFTER]["parks"]["area_m2"] - figures[BEFORE]["parks"]["area_m2"]
    assert gained > 9_000
    for class_id in ("streets", "buildings", "street_lights"):
        assert figures[BEFORE][class_id]["count"] == figures[AFTER][class_id]["count"] > 0


@pytest.mark.wide
def test_the_commands_print_json_and_say_by_exit_code_whether_all_is_right(environment: dict[str, str]):
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from app.sample.commands import sample; sample()", *words]
        return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True)

    loaded = run("load", "--size", "town", "--json")
    assert loaded.returncode == 0, loaded.stderr
    # 24 of them, two of which were otherwise before the year's works.
    assert json.loads(loaded.stdout)["classes"]["toilets"]["loaded"] == 26
    checked = run("check", "--json")
    assert checked.returncode == 0, checked.stdout
    assert {figure["ok"] for figure in json.loads(checked.stdout)} == {True}


def test_every_figure_of_the_plan_can_be_computed():
    asked = {figure.id for size in ("town", "city") for figure in read_parameters(PARAMETERS, size).figures}
    assert asked == set(COMPUTE)
    assert len(COMPUTE) == 48
