"""What leaves as a file leaves with a reason where it may be restricted, and each time is noted."""

from __future__ import annotations

import csv
import io
import json
import threading
from typing import Any

import pytest

from app.access.key_service import make_key
from app.access.principal import Grant
from app.catalogue.public_part import part_of
from app.coverage import service as coverage
from app.coverage.engine import Engine
from app.database.scope import SERVICE, Scope, within
from app.errors import BadInput, Forbidden
from app.ingest.options import ImportOptions
from app.ingest.reading_service import Importing
from app.ingest.service import import_with
from app.jobs.worker import Worker
from app.maps.standalone_service import write_map
from app.settings import ROOT
from app.worker import do_series
from tests.access.writers import written_town
from tests.commandline import chengtu

REASON = "移交燃气公司核对管线"


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue):
    with written_town(cluster_settings, template, catalogue) as served:
        yield served


def exported(town):
    return town.sql(
        "SELECT object, detail->>'form', detail->>'reason' FROM city.audit WHERE event = 'exported' ORDER BY seq"
    )


def test_refused_rows_of_a_class_with_restricted_data_leave_with_a_reason(town, catalogue, tmp_path):
    path = tmp_path / "rows.geojson"
    line = {"type": "LineString", "coordinates": [[115.85, 28.69], [115.851, 28.69]]}
    row = {
        "type": "Feature",
        "geometry": line,
        "properties": {"code": "x", "kind": "gas", "diameter_mm": "dick"},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [row]}), encoding="utf-8")
    with within(Scope("restricted", None, None, who="whole")):
        means = Importing(town.db, part_of(catalogue, "restricted"), "whole")
        told = import_with(means, path, ImportOptions(class_id="pipes", key="code"))
    with town.db.write() as conn:
        conn.exec_driver_sql("UPDATE city.imports SET who = 'whole'")
    address = f"/imports/{told['files'][0]['import']}"
    before = len(exported(town))
    for path in (f"{address}/rejected", f"{address}/rejected?f=xlsx", f"{address}?f=csv"):
        with_it = f"{path}{'&' if '?' in path else '?'}reason={REASON}"
        refused = town.ask("whole", "GET", path)
        assert (refused.status_code, refused.json()["hint"][:7]) == (403, "Say why"), path
        assert len(exported(town)) == before
        assert town.ask("whole", "GET", f"{path}{'&' if '?' in path else '?'}reason=short").status_code == 400
        left = town.ask("whole", "GET", with_it)
        assert left.status_code == 200, (path, left.text)
        before += 1
        assert exported(town)[-1][0].startswith("imports/")
        assert exported(town)[-1][2] == REASON
    page = town.ask("whole", "GET", f"{address}?f=html").text
    assert 'name="reason"' in page


def test_tables_of_a_run_over_restricted_data_leave_with_a_reason(town, catalogue):
    engine = Engine(town.db, catalogue)
    with within(Scope("restricted", None, (), who="whole")):
        held = engine.answer({"op": "coverage", "policy": "facilities-intact"})
    plain = engine.answer({"op": "coverage", "policy": "toilet-300", "mode": "straight"})
    assert held["inputs"]["held"]["level"] == "restricted"
    runs = {
        name: coverage.run(town.db, lambda _, answer=answer: answer, {"policy": answer["policy"]["id"]})[
            "run"
        ]
        for name, answer in (("held", held), ("plain", plain))
    }
    for part in ("areas", "gaps", "difference"):
        path = f"/coverage/{runs['held']}/{part}?f=csv"
        assert town.ask("whole", "GET", path).status_code == 403
        left = town.ask("whole", "GET", f"{path}&reason={REASON}")
        assert left.status_code == 200, left.text
        assert exported(town)[-1] == (runs["held"], "csv", REASON)
        assert town.ask("whole", "GET", f"/coverage/{runs['plain']}/{part}?f=xlsx").status_code == 200
        assert exported(town)[-1] == (runs["plain"], "xlsx", None)
    compared = f"/coverage/compare?a={runs['held']}&b={runs['held']}&f=csv"
    assert town.ask("whole", "GET", compared).status_code == 403
    assert town.ask("whole", "GET", f"{compared}&reason={REASON}").status_code == 200


def test_a_series_over_restricted_data_leaves_with_a_reason(town, catalogue):
    engine, body = Engine(town.db, catalogue), {"dates": ["2026-01-01"], "mode": "straight"}

    with town.db.write() as conn:
        grants = (Grant("planner"),)
        keys = {
            level: make_key(conn, f"planner {level}", grants, 24, level)[0]
            for level in ("restricted", "internal")
        }

    def post(policy, query, level="restricted", **headers: str) -> Any:
        headers["Authorization"] = f"Bearer {keys[level]}"
        return town.client.post(f"/coverage/series?{query}", json={"policy": policy, **body}, headers=headers)

    def asked(policy, query, level="restricted") -> Any:
        worker = Worker(town.db, {"coverage_series": lambda context: do_series(context, engine)})
        working = threading.Thread(target=worker.run)
        working.start()
        try:
            return post(policy, query, level, prefer="wait=30")
        finally:
            worker.stop()
            working.join(30)

    before = len(exported(town))
    refused = post("facilities-intact", "f=xlsx")
    assert (refused.status_code, refused.json()["hint"][:7]) == (403, "Say why")
    assert len(exported(town)) == before
    assert town.sql("SELECT count(*) FROM city.jobs WHERE kind = 'coverage_series'") == [(0,)]
    left = asked("facilities-intact", f"f=csv&reason={REASON}")
    assert (left.status_code, left.headers["content-type"][:8]) == (200, "text/csv"), left.text
    assert exported(town)[before:] == [("facilities-intact", "csv", REASON)]
    # who sees nothing restricted takes nothing restricted away, and what is made of open data needs no reason
    assert asked("facilities-intact", "f=csv", "internal").status_code == 200
    assert asked("toilet-300", "f=csv").status_code == 200
    assert [one[2] for one in exported(town)[before + 1 :]] == [None, None]


def told(reply):
    assert reply.status_code == 200, reply.text
    return list(csv.DictReader(io.StringIO(reply.text.removeprefix("\ufeff"), newline="")))


def test_assessments_of_what_is_restricted_leave_with_a_reason(town):
    with town.db.write() as conn:
        for class_id, code in (("toilets", "w1"), ("pipes", "gas"), ("gas_devices", "gd1")):
            conn.exec_driver_sql(
                "INSERT INTO city.assessments (class_id, feature_id, change_id, area_path, who, party, score, verdict)"
                f" SELECT '{class_id}', id, change_id, area_path, 'x', 'y', 5, 'fault' FROM city.{class_id}"
                f" WHERE code = '{code}'"
            )
    before = len(exported(town))

    def classes(who, more="") -> tuple[set[str], str | None]:
        reply = town.ask(who, "GET", f"/assessments?f=csv{more}")
        return {row["class"] for row in told(reply)}, reply.headers.get("chengtu-left-out")

    assert classes("whole") == ({"toilets"}, "restricted")
    every = {"toilets", "pipes", "gas_devices"}
    assert classes("whole", f"&reason={REASON}") == (every, None)
    assert classes("everywhere") == ({"toilets"}, None)
    assert exported(town)[before:] == [("assessments", "csv", reason) for reason in (None, REASON, None)]
    assert town.ask("whole", "GET", "/assessments?f=csv&class=gas_devices").status_code == 403
    assert town.ask("whole", "GET", "/assessments?f=csv&reason=short").status_code == 400
    assert len(exported(town)) == before + 3
    # on a screen it needs no reason and is no export
    shown = town.ask("whole", "GET", "/assessments").json()["assessments"]
    assert {one["class"] for one in shown} == every
    assert len(exported(town)) == before + 3


def test_figures_as_tables_hold_what_is_restricted_with_a_reason_alone(town):
    def counted(who, more="") -> dict[str, str]:
        rows = told(town.ask(who, "GET", f"/summary?f=csv&lang=en&class=pipes{more}"))
        if not more:
            assert {row["Notice"][:7] for row in rows} == {"Without"}
        return {row["Value"]: row["Number"] for row in rows if row["Dimension"] == "Kind"}

    before = len(exported(town))
    assert counted("whole") == {"storm": "1", "sewer": "1"}
    assert counted("whole", f"&reason={REASON}") == {"storm": "1", "sewer": "1", "gas": "1"}
    refused = town.ask("whole", "GET", "/summary?f=xlsx&class=gas_devices")
    assert refused.status_code == 403
    for path in ("/summary?f=xlsx", "/completeness?f=csv"):
        assert town.ask("whole", "GET", path).headers["chengtu-left-out"] == "restricted"
        left = town.ask("whole", "GET", f"{path}&reason={REASON}")
        assert (left.status_code, left.headers.get("chengtu-left-out")) == (200, None)
    with_it = town.ask("whole", "GET", f"/completeness?f=csv&reason={REASON}").content
    assert with_it != town.ask("whole", "GET", "/completeness?f=csv").content
    assert town.ask("whole", "GET", "/areas/check?f=csv").status_code == 200
    assert len(exported(town)) == before + 9
    town.ask("whole", "GET", "/summary?f=json")
    assert len(exported(town)) == before + 9


def test_pages_ask_for_the_reason_where_something_of_them_is_restricted(town):
    for path in ("/summary?f=html", "/completeness?f=html", "/collections/pipes?f=html"):
        page = town.ask("whole", "GET", path).text
        assert page.count('name="reason"') == 1, path
        assert 'name="f" value="csv"' in page
        assert 'name="reason"' not in town.ask("west", "GET", path).text
    assert 'name="reason"' not in town.ask("whole", "GET", "/summary?f=html&class=toilets").text
    page = town.ask("whole", "GET", "/summary?f=html&class=pipes&area_level=community").text
    assert '<input type="hidden" name="class" value="pipes">' in page
    assert '<input type="hidden" name="area_level" value="community">' in page


@pytest.mark.wide
def test_a_map_as_a_file_holds_restricted_data_with_a_reason_alone(town, catalogue, tmp_path):
    path = tmp_path / "map.html"
    with within(SERVICE):
        write_map(town.db, catalogue, "pipes", path)
        assert '"gas"' not in path.read_text(encoding="utf-8")
        assert exported(town)[-1] == ("pipes", "html", None)
        with pytest.raises(Forbidden, match="only with a reason"):
            write_map(town.db, catalogue, "gas_devices", path)
        with pytest.raises(BadInput, match="A reason has"):
            write_map(town.db, catalogue, "gas_devices", path, reason="darum")
        write_map(town.db, catalogue, "gas_devices", path, reason=REASON)
        assert "gd1" in path.read_text(encoding="utf-8")
        assert exported(town)[-1] == ("gas_devices", "html", REASON)
        write_map(town.db, catalogue, "pipes", path, reason=REASON)
        assert '"gas"' in path.read_text(encoding="utf-8")


@pytest.mark.wide
def test_files_of_the_command_line_hold_what_is_restricted_with_a_reason_alone(town, catalogue, tmp_path):
    """Who sits at the machine sees everything, and says why it leaves all the same."""
    settings = town.db.settings
    given = {
        "CHENGTU_HOME": str(settings.home_path), "DATABASE_URL": settings.database_url, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    path = tmp_path / "told.csv"
    for words in (("summary",), ("completeness",)):
        done = chengtu(given, *words, "--to", str(path))
        assert done.returncode == 0, done.stderr
        assert "--reason" in done.stderr
        without = path.read_bytes()
        assert exported(town)[-1] == (words[0], "csv", None)
        done = chengtu(given, *words, "--to", str(path), "--reason", REASON)
        assert (done.returncode, "--reason" in done.stderr) == (0, False)
        assert path.read_bytes() != without
        assert exported(town)[-1] == (words[0], "csv", REASON)
    before = len(exported(town))
    assert chengtu(given, "summary").returncode == 0
    assert chengtu(given, "summary", "--to", str(path), "--class", "gas_devices").returncode != 0
    engine = Engine(town.db, catalogue)
    with within(Scope("restricted", None, (), who="whole")):
        held = engine.answer({"op": "coverage", "policy": "facilities-intact"})
    run = coverage.run(town.db, lambda _: held, {"policy": "facilities-intact"})["run"]
    refused = tmp_path / "refused.csv"
    done = chengtu(given, "compare", run, run, "--csv", str(refused))
    assert done.returncode != 0
    assert "only with a reason" in done.stderr
    assert not refused.exists()
    assert len(exported(town)) == before
    done = chengtu(given, "compare", run, run, "--csv", str(refused), "--reason", REASON)
    assert done.returncode == 0, done.stderr
    assert refused.read_text(encoding="utf-8")
    assert exported(town)[-1] == (f"{run} {run}", "csv", REASON)
