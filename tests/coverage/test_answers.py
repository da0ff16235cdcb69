"""Answers of runs over HTTP and on the command line: levels, tables, patches, differences, comparisons, series."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
import shapely
from fastapi.testclient import TestClient

from app.coverage import answer_service, service
from app.coverage.commands import print_runs
from app.coverage.engine import Engine
from app.coverage.run_words import labels_of_two
from app.coverage.series import days_of, parse_span
from app.coverage.stages import Report, stage, watched
from app.coverage.tables import Sheet, to_csv
from app.errors import BadInput, NotFound
from app.inventory.batch import Batch
from app.jobs.context import JobCancelled
from app.jobs.worker import Worker
from app.main import create_app
from app.worker import do_coverage, do_series
from tests.clones import clone, opened
from tests.commandline import chengtu
from tests.coverage.test_loading import drawn, write

JSON = {"accept": "application/json"}
BUILT = date(2021, 6, 1)
WHOLE = shapely.box(-500, -500, 2500, 500)
WEST, EAST = shapely.box(-500, -500, 1000, 500), shapely.box(1000, -500, 2500, 500)


def _batches() -> tuple[Batch, ...]:
    """A street along y = 0; parcels a and b in W, c in E; toilets at a and (since 2021) at c; b is behind a wall."""
    points = {"old": shapely.Point(50, 5), "new": shapely.Point(1650, 5)}
    lines = [[(-500, 0), (2500, 0)], [(200, 155), (200, 400), (900, 400), (900, 0)]]
    parcels = {"a": (0, -110, 100, -10), "b": (180, 100, 230, 150), "c": (1600, -110, 1700, -10)}
    names = {"C": "城", "W": "=西区", "E": "东区", "W1": "西街道", "E1": "东街道"}
    districts = {
        "name_zh": list(names.values()),
        "level": ["city", "district", "district", "subdistrict", "subdistrict"],
        "parent": [None, "C", "C", "W", "E"],
    }
    streets = {"kind": ["residential"] * 2, "walk": ["public"] * 2}
    land = {"kind": ["land"] * 3, "people": [100, 40, 300]}
    return (
        drawn("streets", {f"s{i}": shapely.LineString(line) for i, line in enumerate(lines)}, streets),
        drawn("districts", dict(zip(names, (WHOLE, WEST, EAST, WEST, EAST), strict=True)), districts),
        replace(drawn("toilets", points, {"name_zh": ["东厕", "西厕"]}), valid=[(None, None), (BUILT, None)]),
        drawn("residential_areas", {code: shapely.box(*box) for code, box in parcels.items()}, land),
    )


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue):
    with clone(cluster_settings, template) as settings, opened(settings) as db:
        write(db, catalogue, *_batches())
        engine = Engine(db, catalogue)
        with TestClient(create_app(settings, engine=engine), raise_server_exceptions=False) as client:
            yield client, db, engine, settings


@pytest.fixture(scope="module")
def runs(town):
    """The run of 2020 and that of today."""
    _, db, engine, _ = town
    asked = {"policy": "toilet-300", "levels": ["all"]}
    return [service.run(db, engine.answer, asked | {"as_of": day}) for day in ("2020-12-31", None)]


def table(reply):
    assert reply.headers["content-type"].startswith("text/csv")
    assert reply.content.startswith("\ufeff".encode())
    return list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))


def test_every_level_has_its_figures(runs):
    rows = {(row["level"], row["code"]): row for row in runs[1]["areas"] if row["mode"] == "straight"}
    assert set(rows) == {
        ("city", "C"),
        ("district", "W"),
        ("district", "E"),
        ("subdistrict", "W1"),
        ("subdistrict", "E1"),
    }
    assert rows["city", "C"]["people"] == 440
    assert rows["district", "W"]["people"] == rows["subdistrict", "W1"]["people"] == 140
    assert rows["city", "C"]["land_served_m2"] == pytest.approx(
        rows["district", "W"]["land_served_m2"] + rows["district", "E"]["land_served_m2"], abs=0.2
    )
    assert (rows["city", "C"]["facilities"], rows["subdistrict", "E1"]["facilities"]) == (2, 1)
    assert rows["district", "E"]["value"] == rows["district", "E"]["share_of_land"]


def test_details_are_kept_with_the_run(town, runs):
    client, *_ = town
    body = client.get(f"/coverage/{runs[1]['run']}", headers=JSON).json()
    for name in ("histogram", "equity", "difference"):
        assert body[name] == runs[1][name]
        assert body[name]
    listed = client.get("/coverage").json()["runs"]
    assert not {"areas", "histogram"} & set(listed[0])


def test_difference_tells_what_only_a_walk_shows(town, runs):
    """Parcel b lies 190 m from the toilet in a straight line, and 1,700 m on foot."""
    client, *_ = town
    sums = runs[1]["difference"][0]
    assert (sums["people"], [cause["cause"] for cause in sums["causes"]]) == (40, ["barrier"])
    (part,) = client.get(f"/coverage/{runs[1]['run']}/difference").json()["features"]
    told = part["properties"]
    assert (told["code"], told["cause"], told["nearest_code"], told["people"]) == ("b", "barrier", "old", 40)
    assert told["detour"] == pytest.approx(told["walk_m"] / told["straight_m"], abs=0.01)
    assert told["detour"] > 3
    assert shapely.geometry.shape(part["geometry"]).is_valid
    (row,) = table(client.get(f"/coverage/{runs[1]['run']}/difference?f=csv&lang=zh"))
    assert (row["小区编码"], row["可能原因"][:2], row["最近设施"]) == ("b", "绕行", "东厕")
    assert (row["区县"], row["街道"]) == ("'=西区", "西街道")


def test_tables_open_in_a_spreadsheet(town, runs):
    client, *_ = town
    rows = table(client.get(f"/coverage/{runs[1]['run']}/areas?f=csv&lang=zh&mode=straight"))
    assert [row["层级"] for row in rows] == ["市", "区县", "区县", "街道", "街道"]
    assert rows[1]["名称"] == "'=西区"  # no formula runs
    assert float(rows[2]["用地覆盖率(%)"]) == pytest.approx(100)
    # Plans count people by 万 and land by hectares; exact to the person.
    assert float(rows[0]["人口(万人)"]) * 10_000 == pytest.approx(440)
    assert float(rows[0]["用地面积(公顷)"]) > 0
    gaps = table(client.get(f"/coverage/{runs[0]['run']}/gaps?f=csv&lang=en&mode=walk"))
    assert [(row["Rank"], row["Estate (code)"], row["People"], row["Nearest facility"]) for row in gaps] == [
        ("1", "c", "300", "东厕"), ("2", "b", "40", "东厕"),
    ]  # fmt: skip
    assert 1_600 < float(gaps[0]["Distance (m)"]) < 1_700


def test_gaps_are_put_together_in_patches(town, runs):
    client, *_ = town
    body = client.get(f"/coverage/{runs[0]['run']}/gaps?merged=true&mode=walk").json()
    assert [(one["properties"]["people"], one["properties"]["gaps"]) for one in body["features"]] == [
        (300, 1),
        (40, 1),
    ]
    one = client.get(f"/coverage/{runs[0]['run']}/gaps?merged=true&mode=walk&within_m=500").json()
    assert one["numberMatched"] == 2  # 1.4 km apart
    assert body["features"][0]["properties"]["hectares"] == pytest.approx(1.0)
    assert client.get(f"/coverage/{runs[0]['run']}/gaps?merged=true&tier=x").status_code == 400


def test_two_runs_side_by_side(town, runs):
    client, *_ = town
    a, b = (run["run"] for run in runs)
    body = client.get(f"/coverage/compare?a={a}&b={b}", headers=JSON).json()
    whole = next(row for row in body["rows"] if row["level"] is None and row["mode"] == "walk")
    assert (whole["people_served_a"], whole["people_served_b"], whole["people_served_change"]) == (
        100,
        400,
        300,
    )
    east = next(row for row in body["rows"] if row["code"] == "E" and row["mode"] == "walk")
    assert (east["share_of_land_a"], east["share_of_land_b"], east["share_of_land_change"]) == (0, 1, 1)
    assert body["differs"] == ["as_of"]
    land = client.get(f"/coverage/compare/land?a={a}&b={b}&mode=walk").json()
    assert land["totals"]["gained"] == {"parts": 1, "people": 300, "land_m2": pytest.approx(10_000, abs=1)}
    assert land["totals"]["lost"]["parts"] == 0
    back = client.get(f"/coverage/compare/land?a={b}&b={a}&mode=walk").json()
    assert back["totals"]["lost"] == land["totals"]["gained"]
    rows = table(client.get(f"/coverage/compare?a={a}&b={b}&f=csv&lang=zh"))
    assert {row["人口覆盖率变化(百分点)"] for row in rows if row["编码"] == "E"} == {"100.0"}
    assert {(row["层级"], row["编码"]) for row in rows if row["名称"] == "全部"} == {("整体", "all")}
    assert all(row["层级"] and row["编码"] and row["名称"] for row in rows)


def test_the_page_of_two_runs(town, runs):
    client, *_ = town
    asked = "&".join(f"{name}={run['run']}" for name, run in zip("ab", runs, strict=True))
    html = {"accept": "text/html"}
    sent = client.get(f"/coverage/compare?{asked}", headers=html, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, f"/coverage/compare/map?{asked}")
    page = client.get(f"/coverage/compare/map?{asked}&lang=en")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    script = client.get(f"/coverage/compare/map/page.js?{asked}&lang=en")
    assert "chengtu.compare(" in script.text
    land = client.get(f"/coverage/compare/map/land/walk/toilet.json?{asked}").json()
    (row,) = land["shapes"]["own"]["rows"]
    assert (row[5]["change"], row[5]["people"]) == ("gained", 300)
    units = shapely.geometry.shape(row[4]).bounds
    assert min(units) >= 0
    assert max(units) <= land["square"][3]


def test_runs_that_share_nothing_are_not_compared(town, runs):
    client, db, engine, _ = town
    other = service.run(db, engine.answer, {"policy": "park-500", "mode": "straight"})["run"]
    reply = client.get(f"/coverage/compare?a={runs[0]['run']}&b={other}", headers=JSON)
    assert (reply.status_code, reply.json()["code"]) == (409, "conflict")
    assert client.get(f"/coverage/compare?a={runs[0]['run']}&b=x").status_code == 404


def test_runs_of_another_hour_are_told_apart(town, runs):
    client, db, engine, _ = town
    asked = {"policy": "toilet-300", "levels": ["all"], "parameters": {"free_only": True}}
    other = service.run(db, engine.answer, asked)["run"]
    body = client.get(f"/coverage/compare?a={runs[1]['run']}&b={other}", headers=JSON).json()
    assert body["differs"] == ["parameters"]
    page = client.get(f"/coverage/compare/map/page.js?a={runs[1]['run']}&b={other}&lang=en")
    assert "Free of charge: yes" in page.text
    day = body["a"]["created_at"][:10]
    assert labels_of_two(body["a"], body["b"], "zh") == (
        day,
        f"{body['b']['created_at'][:10]} · 只计免费：是",
    )
    alike = labels_of_two(body["a"], {**body["a"], "created_at": f"{day}T01:02:03Z"}, "en")
    assert alike[1] == f"{day} 01:02:03 UTC"


@pytest.mark.parametrize("path", ["gaps?tier=%00", "areas?tier=%00", "difference?tier=%00"])
def test_a_name_that_no_text_can_be_is_refused(town, runs, path):
    client, *_ = town
    reply = client.get(f"/coverage/{runs[0]['run']}/{path}", headers=JSON)
    assert reply.status_code == 400
    assert "NUL" in reply.json()["detail"]


def test_compare_on_the_command_line(town, runs, tmp_path):
    *_, settings = town
    environment = {"DATABASE_URL": settings.database_url, "CHENGTU_HOME": str(settings.home_path)}
    file = tmp_path / "c.csv"
    done = chengtu(environment, "compare", *(run["run"][:8] for run in runs), "--csv", str(file))
    assert done.returncode == 0, done.stderr
    assert "+100.00" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert file.read_text(encoding="utf-8").startswith("\ufeff")


@pytest.mark.parametrize("given", ["aa", "abcdef99"])
def test_who_lists_runs_is_told_as_one_asked(town, given):
    """The command line names a command, HTTP a path."""
    client, *_, settings = town
    environment = {"DATABASE_URL": settings.database_url, "CHENGTU_HOME": str(settings.home_path)}
    done = chengtu(environment, "compare", given, given)
    assert "`chengtu runs` lists them" in " ".join(done.stderr.split())
    reply = client.get(f"/coverage/compare?a={given}&b={given}", headers=JSON)
    assert "chengtu runs" not in reply.text


def test_a_series_follows_the_city(town):
    _, _, engine, _ = town
    found = answer_service.series(
        engine.answer,
        {"policy": "toilet-300", "mode": "walk"},
        days_of("2019", "2022", today=date(2022, 6, 1)),
    )
    assert [(row["as_of"], row["people_served"], row["facilities"]) for row in found["rows"]] == [
        ("2019-12-31", 100, 1), ("2020-12-31", 100, 1), ("2021-12-31", 400, 2),
    ]  # fmt: skip
    assert found["days"] == ["2019-12-31", "2020-12-31", "2021-12-31"]


def test_a_series_over_http_and_as_a_table(town):
    client, db, engine, _ = town
    body = {"policy": "toilet-300", "mode": "straight", "dates": ["2020", "2021-12"], "levels": ["district"]}
    job = client.post("/coverage/series", json=body, headers={"prefer": "wait=0"})
    assert job.status_code == 202
    Worker(db, {"coverage_series": lambda context: do_series(context, engine)}).run_one()
    done = client.get(job.headers["location"]).json()
    assert (done["state"], done["progress"]) == ("done", 1)
    rows = done["result"]["rows"]
    assert [(row["as_of"], row["code"], row["share_of_land"]) for row in rows if row["code"] == "E"] == [
        ("2020-12-31", "E", 0), ("2021-12-31", "E", 1),
    ]  # fmt: skip
    text = to_csv(answer_service.series_table(done["result"], "zh"), "zh")
    assert text.splitlines()[0].startswith("\ufeff数据时点,")


@pytest.mark.parametrize(
    "body",
    [
        {"policy": "toilet-300"},
        {"policy": "toilet-300", "from": "2020", "to": "2010"},
        {"policy": "toilet-300", "from": "2020-13", "to": "2021"},
        {"policy": "toilet-300", "from": "1800", "to": "2021", "step": "month"},
        {"policy": "toilet-300", "dates": ["2020"], "levels": ["street"]},
    ],
)
def test_a_series_without_days_is_refused(town, body):
    client, *_ = town
    reply = client.post("/coverage/series", json=body)
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"


def test_days_of_a_series():
    today = date(2026, 3, 15)
    ends = [day.isoformat() for day in days_of("2024-01-31", "2026-12-31", "quarter", today=today)]
    assert ends == ["2024-01-31", "2024-04-30", "2024-07-31", "2024-10-31", "2025-01-31", "2025-04-30", "2025-07-31",
                    "2025-10-31", "2026-01-31"]  # fmt: skip
    assert days_of("2023", "2026", today=today) == [
        date(2023, 12, 31),
        date(2024, 12, 31),
        date(2025, 12, 31),
    ]
    assert days_of(None, None, listed=["2030", "2029"], today=today) == [today]
    assert parse_span("2015..2025") == ("2015", "2025")
    with pytest.raises(BadInput, match="span"):
        parse_span("2015-2025")


def test_a_job_tells_its_stages_and_ends_when_cancelled(town):
    """The job is cancelled while its second class is read: nothing more is computed, no run is saved."""
    client, db, engine, _ = town
    fresh = Engine(db, engine.catalogue)
    job = client.post("/coverage", json={"policy": "park-500"}, headers={"prefer": "wait=0"}).headers[
        "location"
    ]
    seen = []

    def followed(request: dict[str, Any], report: Report) -> dict[str, Any]:
        def heard(share: float, message: str) -> None:
            seen.append((share, message))
            report(share, message)
            if len(seen) == 2:
                client.delete(job)
                raise JobCancelled

        return fresh.answer(request, heard)

    before = len(client.get("/coverage").json()["runs"])
    Worker(db, {"coverage": lambda context: do_coverage(context, SimpleNamespace(answer=followed))}).run_one()
    ended = client.get(job).json()
    assert ended["state"] == "cancelled"
    assert ended["message"].startswith("reading ")
    assert 0 < ended["progress"] < 0.5
    assert len(seen) == 2
    assert len(client.get("/coverage").json()["runs"]) == before


def test_stages_never_go_back_and_end_the_work():
    heard = []
    with watched(lambda share, message: heard.append((round(share, 3), message))):
        for share in (None, None, 0.5, 0.2, None):
            stage("x", share)
    assert [share for share, _ in heard] == [0.12, 0.226, 0.5, 0.5, 0.56]
    stage("nobody listens")


def test_cells_that_look_like_formulas_are_disarmed():
    rows = [{"name": "@cmd", "people": -3, "share_of_land": None, "met": False}]
    text = to_csv(Sheet(("name", "people", "share_of_land", "met"), rows), "zh")
    assert text.splitlines()[1] == "'@cmd,-3,,未达标"


def test_a_list_of_gaps_names_the_areas_the_people_and_the_nearest_facility(town, runs):
    client, *_ = town
    where = f"/coverage/{runs[0]['run']}/gaps?mode=walk&lang=zh"
    rows = table(client.get(f"{where}&f=csv"))
    assert list(rows[0])[:9] == [
        "序号",
        "区县",
        "街道",
        "社区",
        "小区",
        "人口",
        "最近设施",
        "距离(米)",
        "面积(公顷)",
    ]
    reply = client.get(f"{where}&f=xlsx")
    assert reply.headers["content-disposition"] == 'attachment; filename="gaps.xlsx"'
    sheet = openpyxl.load_workbook(io.BytesIO(reply.content)).worksheets[0]
    head, *cells = list(sheet.iter_rows(values_only=True))
    assert list(head) == list(rows[0])
    assert [(row[0], row[5], row[6]) for row in cells] == [(1, 300, "东厕"), (2, 40, "东厕")]
    # Text is text: what a spreadsheet would run stands as it is.
    assert {cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row} <= {"s", "n"}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"area": "E"}, "Only the area: 东区"),
        ({"parameters": {"radius_m": 900}}, "Radius: 900 m"),
        ({"parameters": {"step_free": True}}, "Step-free: yes"),
        ({"as_of": "2020-12-31"}, "As of: 2020-12-31"),
        ({"mode": "straight", "name": "half"}, "Name: half"),
        (
            {"scenario": {"name": "less", "patches": [{"do": "remove", "class": "toilets", "code": "old"}]}},
            "less",
        ),
    ],
)
def test_only_the_city_s_own_figures_stand_for_it_and_others_say_what_they_are(town, asked, told):
    client, db, engine, _ = town
    own = service.run(db, engine.answer, {"policy": "toilet-300"})["run"]
    other = service.run(db, engine.answer, {"policy": "toilet-300", **asked})["run"]
    with db.read() as conn:
        newest = service.list_runs(conn, engine.catalogue, "toilet-300", newest_only=True)
    assert [run["run"] for run in newest] == [own]
    landing = client.get("/overview").text
    assert re.findall(r"/coverage/([0-9a-f-]{36})/map", landing) == [own]
    assert told in client.get(f"/coverage/{other}/map/page.js?lang=en").text
    assert told not in client.get(f"/coverage/{own}/map/page.js?lang=en").text
    rows = table(client.get(f"/coverage/{other}/areas?f=csv&lang=en"))
    assert rows
    assert all(told in row["Computed under"] for row in rows)


def test_a_run_is_named_by_the_first_digits_of_its_id(town, runs, capsys):
    _, db, engine, _ = town
    run = runs[0]["run"]
    with db.read() as conn:
        for given in (run, run[:8], run[:13].upper()):
            assert service.find_class_or_run(conn, engine.catalogue, given) == run
        assert service.find_class_or_run(conn, engine.catalogue, "公厕") == "toilets"
        with pytest.raises(NotFound, match="no run"):
            service.find_class_or_run(conn, engine.catalogue, "0" * 32)
        with pytest.raises(BadInput, match="not the id of a run"):
            service.find_run_id(conn, run[:3])
    print_runs([{**runs[0], "inputs": {**runs[0]["inputs"], "levels": []}}])
    assert run[:8] in capsys.readouterr().out
