"""Imports as they are told: both languages, equal reasons together, lists as CSV, ids by their first digits."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from fastapi.testclient import TestClient

from app.ingest.options import Origin
from app.main import create_app
from tests.commandline import chengtu
from tests.importing import import_path

TABLE = (
    "编码,名称,经度,纬度,蹲位数\n"
    "a,甲,115.86,28.68,4\n"
    "b,乙,115.87,28.68,很多\n"
    "c,丙,115.87,28.68,很多\n"
    ",丁,115.88,28.68,2\n"
    "a,戊,115.88,28.69,2\n"
)


@pytest.fixture
def imported(database, catalogue, tmp_path):
    """The report of a table with one good row of five."""
    path = tmp_path / "公厕.csv"
    path.write_text(TABLE, encoding="utf-8")
    origin = Origin("市城管局", "CC-BY-4.0")
    return import_path(database, catalogue, path, origin=origin)["files"][0]


@pytest.fixture
def client(settings, imported):
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def test_reasons_are_told_in_both_languages_with_the_fields_of_a_form(client, imported):
    record = f"/imports/{imported['import']}"
    told = {item["row"]: item for item in client.get(record).json()["report"]["rejects"]}
    assert (told[5]["reason"], told[5]["reason_zh"]) == ("the row has no code", "该行没有编码")
    assert told[5]["hint"] == "Fill it in, or name another column with 'key'."
    assert told[5]["hint_zh"] == "请填写，或用 'key' 指定另一列。"
    chinese = client.get(f"{record}?f=html&lang=zh").text
    assert "该编码已用于第 2 行" in chinese
    assert "already used" not in chinese
    assert "编码 UTF-8：所有字节都符合" in chinese
    assert "the code is already used in row 2" in client.get(f"{record}?f=html&lang=en").text
    rows = list(csv.DictReader(io.StringIO(client.get(f"{record}?f=csv").content.decode("utf-8-sig"))))
    assert {row["reason_zh"] for row in rows} == {"应为数字", "该行没有编码", "该编码已用于第 2 行"}
    rejected = client.get(f"{record}/rejected").content.decode("utf-8-sig")
    assert "--key" in rejected  # they were refused on the command line's side
    assert "该行没有编码" in rejected


def test_equal_reasons_stand_together_with_their_rows(client, imported):
    page = client.get(f"/imports/{imported['import']}?f=html&lang=zh").text
    assert page.count("应为数字") == 1
    group = page[page.index('<ul class="found reasons">') :]
    assert re.search(r"2 行</b>.*?厕位数|2 行</b>", group, re.DOTALL)
    assert re.search(r"行号 3、4", group)
    assert re.search(r"<span>3: <code>很多</code></span>", group)


def test_the_list_comes_as_csv(client, imported):
    answer = client.get("/imports?f=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["id"], row["path"].endswith("公厕.csv")) == (imported["import"], True)
    counts = [row[name] for name in ("read", "loaded", "rejected")]
    assert (row["state"], row["source"], counts) == ("done", "市城管局", ["5", "1", "4"])
    by_header = client.get("/imports", headers={"Accept": "text/csv"})
    assert by_header.content == answer.content


def test_an_undo_needs_no_body_and_takes_the_attribution_along(client, imported):
    assert "市城管局 (CC-BY-4.0)" in client.get("/imports?f=html&lang=zh").text
    done = client.post(f"/imports/{imported['import']}/undo")
    assert (done.status_code, done.json()["classes"]) == (200, {"toilets": 1})
    footer = client.get("/imports?f=html&lang=zh").text.partition("<footer")[2]
    assert "市城管局" not in footer


def test_problems_are_told_in_the_language_that_is_asked_for(client):
    missing = "/imports/00000000-0000-0000-0000-000000000000"
    told = client.get(missing, headers={"Accept-Language": "zh-CN"})
    assert told.json()["detail"] == "没有编号为 00000000-0000-0000-0000-000000000000 的导入。"
    assert told.json()["hint"] == "`GET /imports` 列出全部。"
    assert told.headers["content-language"] == "zh-CN"
    english = client.get(missing)
    assert (english.json()["hint"], english.headers["content-language"]) == (
        "`GET /imports` lists them.",
        "en",
    )


def test_an_import_is_found_by_the_first_digits_of_its_id(environment, imported):
    short = imported["import"][:8]
    listed = chengtu(environment, "imports").stdout
    assert short in listed
    assert imported["import"] not in listed
    told = chengtu(environment, "imports", imported["import"][:4]).stdout
    assert imported["import"] in told
    assert re.search(r"\b2 +toilets +蹲位数 +a number is expected", told)
    told = json.loads(chengtu(environment, "imports", short.upper(), "--json").stdout)
    assert told["report"]["rejects"][2]["reason_zh"] == "该行没有编码"
    assert chengtu(environment, "undo", "abc").returncode == 2
    assert chengtu(environment, "undo", short).returncode == 0


def test_an_ambiguous_beginning_lists_the_candidates(environment, database, catalogue, tmp_path):
    ids = [f"abcd{number}000-0000-4000-8000-000000000000" for number in (1, 2)]
    with database.write() as conn:
        conn.exec_driver_sql(
            "INSERT INTO city.imports (id, path, format, state, who, at, classes) SELECT unnest(%s::uuid[]), "
            "'公厕.csv', 'delimited', 'done', 'test', now(), '{}'",
            (ids,),
        )
    done = chengtu(environment, "undo", "abcd")
    assert done.returncode == 2
    assert all(one in done.stderr.replace("\n", "") for one in ids)


def test_a_condition_without_a_hit_says_which_values_there_are(environment, imported, tmp_path):
    done = chengtu(
        environment, "import", str(tmp_path / "公厕.csv"), "--class", "公厕", "--where", "名称 = '己'"
    )
    assert done.returncode == 1
    assert "No row fulfils the condition 名称 = '己' (名称 holds '甲' (1 row)" in done.stderr.replace(
        "\n", " "
    )
