"""`GET /search` and `chengtu search`: JSON, the page, refusals."""

from __future__ import annotations

import json
import re

import pytest
from fastapi.testclient import TestClient

from app.database.engine import open_database
from app.inventory.service import write_batches
from app.main import create_app
from tests.clones import clone
from tests.commandline import Done, chengtu
from tests.inventory.town import CHANGE, batch, districts, place

HOSTILE = "<img src=x onerror=alert(1)>公园"


@pytest.fixture(scope="module")
def served(cluster_settings, template):
    """Settings of a database with three parks and a toilet."""
    with clone(cluster_settings, template) as settings:
        yield settings


@pytest.fixture(scope="module")
def client(served, catalogue):
    db = open_database(served)
    shapes = {"P1": place(0.5, 0.5).buffer(0.001), "P2": place(-0.5, 0.5).buffer(0.002)}
    parks = batch("parks", shapes, {"name_zh": ["东湖公园", HOSTILE], "name_en": ["East Lake Park", None]})
    toilets = batch(
        "toilets", {"WC 1": place(0.4, 0.4)}, {"name_zh": ["东湖公厕"], "address": ["八一大道1号"]}
    )
    with db.write() as conn:
        write_batches(conn, catalogue, [districts(), parks, toilets], CHANGE)
    with TestClient(create_app(served), raise_server_exceptions=False) as client:
        yield client
    db.dispose()


def test_json_with_links_that_lead_there(client):
    document = client.get("/search?q=dhgy").json()
    assert (document["query"], document["numberReturned"]) == ("dhgy", 1)
    result = document["results"][0]
    assert (result["class"], result["code"], result["name_en"]) == ("parks", "P1", "East Lake Park")
    item, on_map = result["links"]
    assert client.get(item["href"]).json()["properties"]["name_zh"] == "东湖公园"
    assert on_map["href"].startswith("http://testserver/map/parks#17/28.68")
    assert client.get(on_map["href"]).status_code == 200


def test_narrowed(client):
    assert client.get("/search?q=东湖&class=toilets").json()["results"][0]["code"] == "WC 1"
    assert client.get("/search?q=东湖&area=W").json()["results"] == []
    assert client.get("/search?q=东湖&bbox=115,28,115.1,28.1").json()["results"] == []
    assert client.get("/search?q=公&limit=1").json()["numberReturned"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=",
        "q=%20",
        "q=a%00b",
        f"q={'x' * 201}",
        "q=a&limit=0",
        "q=a&limit=101",
        "q=a&limit=x",
        "q=a&bbox=1,2",
        "q=a&bbox=nan,0,1,1",
        "q=a&nothing=1",
        "q=a&q=b",
    ],
)
def test_what_cannot_be_answered_is_refused(client, query):
    reply = client.get(f"/search?{query}")
    assert reply.status_code == 400, reply.text
    assert reply.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("query", ["q=a&class=park", "q=a&area=nowhere"])
def test_unknown_names_are_not_found(client, query):
    assert client.get(f"/search?{query}").status_code == 404


@pytest.mark.parametrize(
    "text", ["'", '"', "%25", "%27%3B--", "%F0%9F%8C%B3", "，。", "%5C", "%EF%BF%BF", "%ED%A0%80"]
)
def test_hostile_text_is_answered(client, text):
    reply = client.get(f"/search?q={text}")
    assert reply.status_code == 200, reply.text
    assert reply.json()["results"] == []


def test_the_page_has_the_results_escaped_and_no_script(client):
    page = client.get("/search?q=公园", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "东湖公园" in page.text
    assert "<img" not in page.text
    assert "&lt;img" in page.text
    assert not re.search(r"<script|style=|\son\w+=\"", page.text)
    assert re.search(r'href="/collections/parks/items/\d+\?f=html', page.text)
    assert re.search(r'href="/map/parks#17/28\.', page.text)


def test_the_form_alone_and_nothing_found(client):
    form = client.get("/search?f=html&lang=en")
    assert form.status_code == 200
    assert '<form class="ask" method="get" action="/search"' in form.text
    assert "Nothing found" in client.get("/search?f=html&lang=en&q=银河").text
    assert client.get("/search?f=html&q=东湖&class=&area=").status_code == 200


def test_the_overview_has_a_search_box(client):
    page = client.get("/overview", headers={"Accept": "text/html"})
    assert '<form class="seek" method="get" action="/search"' in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]


@pytest.mark.wide
def test_the_command(settings, environment, catalogue):
    db = open_database(settings)
    with db.write() as conn:
        toilets = batch("toilets", {"T1": place(0.5, 0.5)}, {"name_zh": ["东湖公厕"]})
        write_batches(conn, catalogue, [toilets], CHANGE)
        conn.exec_driver_sql("DELETE FROM city.settings WHERE key LIKE 'search.%%'")
        conn.exec_driver_sql("DELETE FROM city.search_entries")
    db.dispose()

    def run(*words: str) -> Done:
        return chengtu(environment, "search", *words)

    found = json.loads(run("东湖", "--json").stdout)
    assert [row["code"] for row in found["results"]] == ["T1"], "made where they lacked"
    assert "东湖公厕" in run("dhgc", "--class", "toilets").stdout
    assert "Nothing was found" in run("银河").stdout + run("银河").stderr
    assert run("--rebuild").returncode == 0
    refused = run()
    assert refused.returncode == 2
    assert "no text" in refused.stderr
