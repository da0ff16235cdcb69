"""Reports over HTTP and on the command line, over the sample town: one set of figures in every form and language."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

import openpyxl
import pytest
from fastapi.testclient import TestClient

from app.database.engine import open_database
from app.inventory.area_rows import list_areas
from app.inventory.summary import summary
from app.main import create_app
from tests.clones import clone
from tests.commandline import chengtu

#: Nobody is named here, so all is seen: files hold what is restricted with a reason alone.
REASON = "handed over for the yearly survey"
NOTICE = "示例数据，非真实"
BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Accept-Language": "zh-CN,zh;q=0.9"}


@pytest.fixture(scope="module")
def settings(cluster_settings, town_template):
    with clone(cluster_settings, town_template) as cloned:
        yield cloned


@pytest.fixture(scope="module")
def database(settings):
    found = open_database(settings)
    yield found
    found.dispose()


@pytest.fixture(scope="module")
def client(settings, database) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as made:
        yield made


@pytest.fixture
def district(database):
    with database.read() as conn:
        return list_areas(conn, "district")[0]


def command(settings, *words):
    return chengtu({"DATABASE_URL": settings.database_url, "CHENGTU_HOME": str(settings.home_path)}, *words)


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_each_form_is_declared(client):
    declared = client.get("/api").json()["paths"]
    for path in ("/summary", "/completeness", "/areas/check", "/imports", "/assessments"):
        content = declared[path]["get"]["responses"]["200"]["content"]
        forms = next(one for one in declared[path]["get"]["parameters"] if one["name"] == "f")["schema"]
        offered = next(one["enum"] for one in (forms, *forms.get("anyOf", ())) if "enum" in one)
        answered = {client.get(path, params={"f": form}).headers["content-type"] for form in offered}
        assert {one.partition(";")[0] for one in answered} == set(content), path
    for path in ("/imports/{import_id}", "/imports/{import_id}/rejected", "/completeness/{collection}"):
        assert declared[path]["get"]["responses"]["200"]["content"], path


def test_json_has_the_figures_the_sources_and_the_notice(client, database, catalogue, district):
    answer = client.get("/summary", params={"area": district["code"], "lang": "zh"})
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert NOTICE in found.pop("notice")
    assert found.pop("source")
    with database.read() as conn:
        assert found == json.loads(json.dumps(summary(conn, catalogue, district["code"]), default=str))


@pytest.mark.wide
def test_the_command_line_prints_the_same(client, settings, tmp_path):
    printed = command(
        settings, "summary", "--class", "toilets", "--as-of", "2021-12-31", "--lang", "en", "--json"
    )
    asked = {"class": "toilets", "as_of": "2021-12-31", "lang": "en"}
    assert json.loads(printed.stdout) == client.get("/summary", params=asked).json()
    target = tmp_path / "town.csv"
    for told, asked_too in (((), ""), (("--reason", REASON), f"&reason={REASON}")):
        words = ("--level", "community", "--to", str(target), "--lang", "zh", *told)
        assert command(settings, "summary", *words).returncode == 0
        address = f"/summary?f=csv&area_level=community&lang=zh{asked_too}"
        assert target.read_bytes() == client.get(address).content
    failed = command(settings, "summary", "--to", str(tmp_path / "town.pdf"))
    assert (failed.returncode, ".xlsx" in failed.stderr) == (2, True)
    assert command(settings, "summary", "--lang", "fr").returncode == 2
    assert "Public toilets" in command(settings, "summary").stdout


def test_csv_and_xlsx_hold_what_json_says(client):
    found = client.get("/summary?area_level=subdistrict").json()
    answer = client.get("/summary", params={"area_level": "subdistrict"}, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="chengtu-summary.csv"' in answer.headers["content-disposition"]
    taken = f"/summary?area_level=subdistrict&reason={REASON}&lang=en"
    rows = rows_of(client.get(f"{taken}&f=csv").text)
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{taken}&f=xlsx").content))
    assert book.sheetnames == ["About", "Total", "Kind", "State", "Year built", "Subdistrict"]
    totals = {row[0]: row for row in book["Total"].iter_rows(min_row=2, values_only=True)}
    for item in found["classes"]:
        (total,) = [row for row in rows if row["Class id"] == item["id"] and row["Dimension"] == "Total"]
        assert int(total["Number"]) == item["count"] == totals[item["id"]][2]
        assert (float(total["Length (km)"]) if total["Length (km)"] else None) == item.get("length_km")
        assert totals[item["id"]][4] == item.get("area_m2")
        areas = [row for row in rows if row["Class id"] == item["id"] and row["Dimension"] == "Subdistrict"]
        assert sum(int(row["Number"]) for row in areas) == (item["count"] if areas else 0)
    assert all("非真实" in row["Notice"] and row["Sources"] for row in rows)
    about = dict(book["About"].iter_rows(values_only=True))
    assert NOTICE in about["Notice"]
    assert about["As of"] == "now"


def test_a_browser_gets_a_page_without_script(client, district):
    answer = client.get("/summary", headers=BROWSER)
    page = answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-language"] == "zh-CN"
    assert NOTICE in page
    assert "公共厕所" in page
    assert district["name_zh"] in page
    assert page.count("<progress") > 10
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page)
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    english = client.get("/summary?f=html&lang=en").text
    assert "Public toilets" in english
    assert "f=xlsx" in english


def test_the_page_s_forms_are_asked_with_empty_fields(client, district):
    """What a browser sends where nothing was chosen."""
    page = client.get("/summary?f=html&lang=zh&area=&area_level=district&class=&as_of=").text
    assert "公园" in page
    page = client.get(
        "/summary",
        params={
            "f": "html",
            "lang": "zh",
            "area": district["code"],
            "class": "streets",
            "as_of": "2021-12-31",
        },
    ).text
    assert "2021-12-31" in page
    assert f'<option value="{district["code"]}" selected>' in page
    assert 'id="c-streets"' in page
    assert 'id="c-toilets"' not in page


@pytest.mark.parametrize(
    ("query", "status", "hint"),
    [
        ("area=nowhere", 404, ""),
        ("class=toilet", 404, "toilets"),
        ("as_of=2021-13-01", 400, "2021-12-31"),
        ("area_level=grid", 400, ""),
        ("level=district", 400, "area_level"),
        ("f=pdf", 400, ""),
        ("area=a&area=b", 400, ""),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_hint(client, query, status, hint):
    answer = client.get(f"/summary?{query}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert hint in answer.text


def test_completeness_in_every_form(client, settings, district):
    found = client.get("/completeness").json()
    assert found["cover"]["community"]["uncovered_parts"] == 0
    toilets = next(item for item in found["classes"] if item["id"] == "toilets")
    rows = rows_of(client.get("/completeness?f=csv&lang=en").text)
    (total,) = [
        row
        for row in rows
        if row["Class id"] == "toilets" and row["Name" if "Name" in row else "District"] == "Total"
    ]
    assert int(total["Number"]) == toilets["count"]
    page = client.get("/completeness", params={"area": district["code"]}, headers=BROWSER).text
    assert "无缝隙" in page
    assert not re.search(r"<script|<style|\sstyle=", page)
    listed = client.get(toilets["items"]).json()
    assert len(listed["items"]) == min(toilets["lacking"], 100)
    assert client.get(f"{toilets['items']}?f=html&missing=department").status_code == 200
    assert client.get("/completeness/nothing").status_code == 404
    printed = json.loads(command(settings, "completeness", "--json").stdout)
    assert printed["grid"] == found["grid"]


def test_the_sample_s_areas_are_clean_in_every_form(client, settings):
    found = client.get("/areas/check").json()
    assert (found["ok"], found["findings"]) == (True, [])
    assert "全部通过" in client.get("/areas/check", headers=BROWSER).text
    assert rows_of(client.get("/areas/check?f=csv").text) == []
    assert command(settings, "areas", "check").returncode == 0
    assert json.loads(command(settings, "areas", "recompute", "--json").stdout) == {"moved": {}}
