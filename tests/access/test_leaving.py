"""What leaves as a file leaves with a reason where it may be restricted, and each time is noted."""

from __future__ import annotations

import json

import pytest

from app.catalogue.public_part import part_of
from app.coverage import service as coverage
from app.coverage.engine import Engine
from app.database.scope import SERVICE, Scope, within
from app.errors import BadInput, Forbidden
from app.ingest.options import ImportOptions
from app.ingest.reading_service import Importing
from app.ingest.service import import_with
from app.maps.standalone_service import write_map
from tests.access.writers import written_town

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
