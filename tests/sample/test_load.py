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
from app.sample import store
from app.sample.build import build
from app.sample.check import COMPUTE, Figure, check
from app.sample.service import load
from app.settings import ROOT


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


def test_a_figure_that_is_off_is_told(conn: Connection, catalogue: Catalogue):
    city = build("town", catalogue)
    write_batches(conn, catalogue, city.batches, Change("test", "town", uuid4(), metric_crs=city.metric_crs))
    store.mark(conn, "town", "sample")
    assert off(check(conn, catalogue)) == set()

    toilets = next(batch for batch in city.batches if batch.class_id == "toilets")
    built = [day.replace(year=2019) if day.year == 2021 else day for day in toilets.columns["built_on"]]
    changed = Batch("toilets", toilets.codes, toilets.geometry, {"built_on": built}, toilets.extra)
    more = Batch("toilets", ["TL-X"], toilets.geometry[:1], {"built_on": [date(2021, 5, 1)]}, [None])
    write_batches(conn, catalogue, [changed, more], Change("test", "an edit"))
    assert off(check(conn, catalogue)) == {"toilets", "toilets_new"}


def off(figures: list[Figure]) -> set[str]:
    return {figure.item for figure in figures if not figure.ok}


def test_the_commands_print_json_and_say_by_exit_code_whether_all_is_right(environment: dict[str, str]):
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from app.sample.commands import sample; sample()", *words]
        return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True)

    loaded = run("load", "--size", "town", "--json")
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout)["classes"]["toilets"]["loaded"] == 24
    checked = run("check", "--json")
    assert checked.returncode == 0, checked.stdout
    assert {figure["ok"] for figure in json.loads(checked.stdout)} == {True}


def test_every_figure_of_the_plan_can_be_computed():
    assert len(COMPUTE) == 24
