"""Coverage of another day and of what was known: a street along y = 0, parcels beside it, a toilet built in 2021."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
import shapely

from app.coverage import loader, service
from app.coverage.cache import ArrayCache, Stamp
from app.coverage.engine import Engine
from app.errors import BadInput, Conflict, NotFound
from app.inventory.batch import Change
from app.inventory.changes import get_metric_crs, raw
from app.inventory.service import delete_features
from app.inventory.times import Times
from tests.coverage.test_loading import by_mode, drawn, write

BUILT = date(2021, 6, 1)
BEFORE, AFTER = "2020-12-31", "2021-12-31"


@pytest.fixture
def town(database, catalogue):
    """Parcel a with 100 people and a toilet since ever, parcel b with 300 whose toilet is of 2021."""
    street = shapely.MultiLineString([[(-500, 0), (2500, 0)]])
    toilets = drawn("toilets", {"old": shapely.Point(50, 5), "new": shapely.Point(1650, 5)})
    write(
        database,
        catalogue,
        drawn("streets", {"s": street}, {"kind": ["residential"], "walk": ["public"]}),
        replace(toilets, valid=[(None, None), (BUILT, None)]),
        drawn(
            "residential_areas",
            {"a": shapely.box(0, -110, 100, -10), "b": shapely.box(1600, -110, 1700, -10)},
            {"kind": ["land", "land"], "people": [100, 300]},
        ),
    )
    return database


def ask(engine, as_of=None, **more):
    return engine.answer({"op": "coverage", "policy": "toilet-300", "as_of": as_of, **more})


def served(answer):
    return {mode: (row["facilities"], row["people_served"]) for mode, row in by_mode(answer).items()}


def test_the_day_decides_which_toilets_serve(town, catalogue):
    engine = Engine(town, catalogue)
    for day, figures in ((BEFORE, (1, 100)), (AFTER, (2, 400)), (None, (2, 400)), (BEFORE, (1, 100))):
        answer = ask(engine, day)
        assert served(answer) == {"straight": figures, "walk": figures}
        assert answer["inputs"]["as_of"] == day
        assert answer["inputs"]["known_at"] is None


def test_the_day_before_it_opened_and_the_day_itself(town, catalogue):
    engine = Engine(town, catalogue)
    assert served(ask(engine, "2021-05-31"))["walk"] == (1, 100)
    assert served(ask(engine, "2021-06-01"))["walk"] == (2, 400)


def test_streets_and_areas_are_those_of_the_day(town, catalogue):
    link = drawn("streets", {"s": shapely.MultiLineString([[(-500, 0), (300, 0)]])},
                 {"kind": ["residential"], "walk": ["public"]})  # fmt: skip
    write(town, catalogue, replace(link, valid=[(date(2022, 1, 1), None)]))
    box = shapely.box(-600, -600, 600, 600)
    area = drawn("districts", {"d": box}, {"level": ["district"], "name_zh": ["新区"]})
    write(town, catalogue, replace(area, valid=[(date(2022, 1, 1), None)]))
    engine = Engine(town, catalogue)
    after, now = ask(engine, AFTER), ask(engine)
    assert served(after)["walk"] == (2, 400)
    assert served(now)["walk"] == (2, 100)
    assert served(now)["straight"] == (2, 400)
    assert (after["areas"], {row["code"] for row in now["areas"]}) == ([], {"d"})
    with pytest.raises(NotFound, match="no area 'd' on 2021-12-31"):
        ask(engine, AFTER, area="d")


def test_a_built_up_area_of_a_later_year_frames_nothing_yet(town, catalogue):
    days = {"old": date(2015, 12, 31), "new": date(2021, 12, 31)}
    shapes = {"old": shapely.box(-50, -200, 250, 200), "new": shapely.box(-600, -600, 2600, 600)}
    write(town, catalogue, drawn("built_up_areas", shapes, {"as_of": list(days.values())}))
    engine = Engine(town, catalogue)
    used = {
        day: engine.answer({"op": "coverage", "policy": "cn_city_check_2021", "as_of": day})["inputs"]
        for day in ("2014-01-01", BEFORE, AFTER)
    }
    found = [used[day]["built_up_area_as_of"] for day in used]
    assert found == [None, "2015-12-31", "2021-12-31"]
    assert not used["2014-01-01"]["built_up_area_used"]


def test_reach_is_that_of_the_day(town, catalogue):
    engine = Engine(town, catalogue)
    place = {"op": "reach", "lon": 115.8704, "lat": 28.6766}

    def toilet(day) -> str:
        answer = engine.answer({**place, "as_of": day})
        assert answer["as_of"] == day
        return next(p for p in answer["policies"] if p["id"] == "toilet-300")["tiers"][0]["walk"]["code"]

    assert (toilet(BEFORE), toilet(AFTER), toilet(None)) == ("old", "new", "new")


def test_a_run_is_computed_again_from_what_it_read(town, catalogue):
    engine = Engine(town, catalogue)
    first = service.run(town, engine.answer, {"policy": "toilet-300", "parameters": {"speed_m_s": 1.0}})
    with town.write() as conn:
        delete_features(conn, catalogue, "toilets", ["new"], Change("test", "never was"))
        request = service.rerun_request(conn, catalogue, first["run"])
    assert served(ask(engine))["walk"] == (1, 100)
    again = service.run(town, engine.answer, request)
    assert again["results"] == first["results"]
    assert again["inputs"]["versions"] == first["inputs"]["versions"]
    assert again["inputs"]["parameters"] == first["inputs"]["parameters"]
    with town.read() as conn:
        once_more = service.rerun_request(conn, catalogue, again["run"])
    assert service.run(town, engine.answer, once_more)["results"] == first["results"]


def test_known_at_reads_what_was_known(town, catalogue):
    engine = Engine(town, catalogue)
    known = ask(engine)["inputs"]["versions"]["toilets"]
    with town.write() as conn:
        delete_features(conn, catalogue, "toilets", ["old", "new"], Change("test", "never were"))
    kept = len(engine.cache)
    then = ask(engine, AFTER, known_at=known)
    assert served(then)["straight"] == (2, 400)
    assert then["inputs"]["known_at"] == known
    assert len(engine.cache) == kept
    assert by_mode(ask(engine, AFTER))["straight"]["facilities"] == 0


def test_a_run_of_another_day_is_not_the_newest(town, catalogue):
    engine = Engine(town, catalogue)
    now = service.run(town, engine.answer, {"policy": "toilet-300"})["run"]
    then = service.run(town, engine.answer, {"policy": "toilet-300", "as_of": BEFORE})["run"]
    with town.read() as conn:
        assert [run["run"] for run in service.list_runs(conn, catalogue, newest_only=True)] == [now]
        assert [run["run"] for run in service.list_runs(conn, catalogue)] == [then, now]
        assert service.get_run(conn, then)["inputs"]["as_of"] == BEFORE


def test_a_policy_that_changed_is_computed_as_the_run_recorded_it(town, catalogue):
    first = service.run(town, Engine(town, catalogue).answer, {"policy": "toilet-300"})
    old = catalogue.get_policy("toilet-300")
    tier = replace(old.tiers[0], supplies=tuple(replace(s, radius_m=20.0) for s in old.tiers[0].supplies))
    policy = replace(old, text=old.text.replace("300", "20"), version="later", tiers=(tier,))
    changed = replace(catalogue, policies={**catalogue.policies, "toilet-300": policy})
    engine = Engine(town, changed)
    assert service.run(town, engine.answer, {"policy": "toilet-300"})["results"] != first["results"]
    with town.read() as conn:
        request = service.rerun_request(conn, changed, first["run"])
    again = service.run(town, engine.answer, request)
    assert again["results"] == first["results"]
    assert again["policy"] == first["policy"]


def test_a_recorded_policy_that_cannot_be_read_is_a_conflict(town, catalogue):
    run = service.run(town, Engine(town, catalogue).answer, {"policy": "toilet-300"})["run"]
    with town.write() as conn:
        raw(conn).execute("UPDATE city.coverage_runs SET policy_text = 'id: toilet-300' WHERE id = %s", [run])
    with town.read() as conn, pytest.raises(Conflict, match="can no longer be read"):
        service.rerun_request(conn, catalogue, run)


@pytest.mark.parametrize(
    ("given", "word"), [({"as_of": "2021-13-01"}, "is not a date"), ({"known_at": "soon"}, "known_at")]
)
def test_bad_times_are_one_sentence(town, catalogue, given, word):
    with pytest.raises(BadInput, match=word):
        ask(Engine(town, catalogue), **given)


def test_two_days_are_kept_beside_now():
    cache = ArrayCache()
    days = [None, date(2019, 1, 1), date(2020, 1, 1), date(2021, 1, 1)]
    for day in days[:3]:
        cache.get(("rows", Stamp("parks", 1, day)), lambda day=day: str(day))
    cache.get(("rows", Stamp("parks", 1, days[1])), lambda: "anew")
    cache.get(("rows", Stamp("parks", 1, days[3])), lambda: "last")
    kept = {
        day: cache.get(("rows", Stamp("parks", 1, day)), lambda: "anew") for day in (None, days[1], days[3])
    }
    assert kept == {None: "None", days[1]: "2019-01-01", days[3]: "last"}
    assert cache.get(("rows", Stamp("parks", 1, days[2])), lambda: "anew") == "anew"
    assert len(cache) == 3


def test_land_and_streets_stand_from_the_day_they_were_built_until_removed(town, catalogue):
    estates = drawn(
        "residential_areas",
        {"new": shapely.box(150, -110, 250, -10), "gone": shapely.box(250, -40, 290, -10)},
        {
            "kind": ["land", "land"],
            "people": [50, 20],
            "built_on": [BUILT, None],
            "removed_on": [None, BUILT],
        },
    )
    link = drawn(
        "streets",
        {
            "s": shapely.MultiLineString([[(-500, 0), (300, 0)]]),
            "t": shapely.MultiLineString([[(1500, 0), (2500, 0)]]),
        },
        {"kind": ["residential"] * 2, "walk": ["public"] * 2, "built_on": [None, BUILT]},
    )
    write(town, catalogue, estates, link)
    engine = Engine(town, catalogue)
    before, after, now = (by_mode(ask(engine, day)) for day in (BEFORE, AFTER, None))
    assert [rows["walk"]["people"] for rows in (before, after, now)] == [420, 450, 450]
    assert [rows["straight"]["people_served"] for rows in (before, after, now)] == [120, 450, 450]
    assert [rows["walk"]["people_served"] for rows in (before, after, now)] == [120, 450, 450]
    assert now["walk"]["land_m2"] == before["walk"]["land_m2"] + 10_000 - 1_200
    assert ask(engine)["inputs"]["network"]["edges"] > ask(engine, BEFORE)["inputs"]["network"]["edges"]


def test_what_is_built_tomorrow_counts_tomorrow_without_a_new_version(town, catalogue, monkeypatch):
    estate = {"c": shapely.box(150, -110, 250, -10)}
    columns = {"kind": ["land"], "people": [50], "built_on": [date(2030, 5, 2)]}
    write(town, catalogue, drawn("residential_areas", estate, columns))
    engine = Engine(town, catalogue)
    counted = {}
    for day in ("2030-05-01", "2030-05-02", "2030-05-03"):
        monkeypatch.setattr(loader, "today", lambda day=day: date.fromisoformat(day))
        counted[day] = by_mode(ask(engine))["straight"]["people"]
    assert counted == {"2030-05-01": 400, "2030-05-02": 450, "2030-05-03": 450}


def test_a_scenario_reads_the_days_of_what_it_changes(town, catalogue):
    write(town, catalogue, drawn("residential_areas", {"c": shapely.box(150, -110, 250, -10)},
                                 {"kind": ["land"], "people": [50], "built_on": [date(2999, 1, 1)]}))  # fmt: skip
    opened = {
        "do": "change",
        "class": "residential_areas",
        "code": "c",
        "properties": {"built_on": "2020-01-01"},
    }
    answer = Engine(town, catalogue).answer(
        {"op": "scenario", "policy": "toilet-300", "scenario": {"patches": [opened]}}
    )
    people = {side: {row["people"] for row in answer[side]["results"]} for side in ("before", "after")}
    assert people == {"before": {400}, "after": {450}}


def test_days_between_which_no_street_changed_share_one_network(town, catalogue):
    link = drawn("streets", {"s": shapely.MultiLineString([[(-500, 0), (300, 0)]])},
                 {"kind": ["residential"], "walk": ["public"]})  # fmt: skip
    write(town, catalogue, replace(link, valid=[(date(2022, 1, 1), None)]))
    cache = ArrayCache()
    made = []
    for day in ("2021-05-30", "2021-12-31", "2022-01-01", "2022-06-01"):
        with town.read() as conn:
            times = Times(as_of=date.fromisoformat(day))
            made.append(loader.Loader(conn, catalogue, get_metric_crs(conn), cache, times, {}).streets())
    assert made[0] is made[1]
    assert made[2] is made[3]
    assert made[0].network.length_m > made[2].network.length_m
