"""Features of another day and as they were known at another change: pages, single features, links, tags, refusals."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from tests.inventory.two_dates import AT_2020, AT_2021, HOSTILE, IMPORTED, two_dates

ITEMS = "/collections/toilets/items"


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue):
    with two_dates(cluster_settings, template, catalogue) as made:
        yield made


@pytest.fixture(scope="module")
def client(town):
    with TestClient(create_app(town.settings), raise_server_exceptions=False) as client:
        yield client


def stalls(client, query: str = "") -> dict[str, int]:
    reply = client.get(f"{ITEMS}?{query}")
    assert reply.status_code == 200, reply.text
    features = reply.json()["features"]
    assert reply.json()["numberMatched"] == len(features)
    return {item["properties"]["code"]: item["properties"]["stalls"] for item in features}


@pytest.mark.parametrize("name", ["as_of", "datetime"])
def test_a_page_shows_the_day_that_is_asked_for(client, name):
    assert stalls(client) == AT_2021
    assert stalls(client, f"{name}=2020-12-31") == AT_2020
    assert stalls(client, f"{name}=2021-12-31") == AT_2021
    assert stalls(client, f"{name}=2010-01-01") == {"old": 2, "kept": 3}
    assert stalls(client, f"{name}=2021-03-01") == {"kept": 3, "rebuilt": 8}


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("2020-01-01/2021-12-31", {"old": 2, "kept": 3, "rebuilt": 8}),
        ("2021-01-01/2021-02-28", {"kept": 3, "rebuilt": 4}),
        ("2021-03-01/..", {"kept": 3, "rebuilt": 8}),
        ("../2015-04-30", {"old": 2, "kept": 3}),
        ("/2015-05-01", {"old": 2, "kept": 3, "rebuilt": 4}),
        ("2020-12-31T00:00:00Z/2020-12-31T12:00:00Z", AT_2020),
        ("2020-12-31t12:00:00.5+00:00", AT_2020),
    ],
)
def test_of_an_interval_each_feature_is_its_latest_version_there(client, interval, expected):
    assert stalls(client, f"datetime={interval.replace('+', '%2B')}") == expected


def test_an_import_taken_back_is_seen_only_as_it_was_known_before(client, town):
    assert stalls(client, f"known_at={town.imported}") == IMPORTED
    assert stalls(client, f"known_at={town.imported}&as_of=2020-12-31") == AT_2020
    assert stalls(client, f"known_at={town.imported}&datetime=2021-05-31/2021-06-01") == IMPORTED
    assert stalls(client, f"known_at={town.first}") == AT_2021
    assert stalls(client, f"known_at={town.removed}") == AT_2021
    for query in ("", "as_of=2021-12-31", "datetime=2021-01-01/..", "datetime=../2999-01-01"):
        assert not {"late", "later"} & stalls(client, query).keys()


def test_a_single_feature_has_its_versions_and_leads_to_what_it_is_now(client, town):
    now = client.get(f"{ITEMS}?code=rebuilt").json()["features"][0]
    address = f"{ITEMS}/{now['id']}"
    then = client.get(f"{address}?as_of=2020-12-31").json()
    assert (then["properties"]["stalls"], then["properties"]["valid_from"]) == (4, "2015-05-01")
    assert then["properties"]["valid_to"] == "2021-03-01"
    links = {link["rel"]: link["href"] for link in then["links"]}
    assert links["self"].endswith("?as_of=2020-12-31")
    assert client.get(links["latest-version"]).json()["properties"]["stalls"] == 8
    assert client.get(f"{address}?datetime=2016-01-01/2017-01-01").json()["properties"]["stalls"] == 4
    assert client.get(f"{address}?as_of=2015-04-30").status_code == 404
    late = client.get(f"{ITEMS}?code=late&known_at={town.imported}").json()["features"][0]["id"]
    assert client.get(f"{ITEMS}/{late}").status_code == 404
    assert client.get(f"{ITEMS}/{late}?known_at={town.imported}").json()["properties"]["code"] == "late"


def test_links_and_tags_keep_the_times(client, town):
    times = f"as_of=2021-12-31&known_at={town.imported}"
    address, found = f"http://testserver{ITEMS}?limit=1&{times}", []
    while address:
        page = client.get(address).json()
        found += [item["properties"]["code"] for item in page["features"]]
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    assert sorted(found) == sorted(IMPORTED)
    tags = [client.get(f"{ITEMS}?{query}").headers["etag"] for query in ("", "as_of=2020-12-31", times)]
    assert len(set(tags)) == 3
    again = client.get(f"{ITEMS}?as_of=2020-12-31", headers={"If-None-Match": tags[1]})
    assert again.status_code == 304


def test_a_page_for_people_says_its_day_and_keeps_it(client):
    page = client.get(f"{ITEMS}?f=html&as_of=2020-12-31").text
    assert "2020-12-31</span>" in page
    assert "as_of=2020-12-31" in page.split("<tbody>")[1]
    landing = client.get("/overview?lang=en&as_of=2020-12-31").text
    assert "as of 2020-12-31" in landing
    assert "/map/toilets?lang=en&amp;as_of=2020-12-31" in landing


def test_only_properties_that_are_asked_for_are_there(client):
    names = client.get(f"{ITEMS}?properties=valid_to,code&code=old&as_of=2020-12-31").json()["features"][0][
        "properties"
    ]
    assert names == {"code": "old", "valid_to": "2021-01-01"}
    assert client.get(f"{ITEMS}?valid_from=2015-05-01").status_code == 400


def test_a_collection_tells_when_its_features_are(client):
    extent = client.get("/collections/toilets").json()["extent"]
    # Some have always been there as far as is known: the extent is open, or a client would not ask for earlier days.
    assert extent["temporal"]["interval"] == [[None, None]]


@pytest.mark.parametrize("query", [
    *HOSTILE, "as_of=2020-12-31&datetime=2021-12-31", "as_of=2020-12-31&datetime=2020-12-31/2021-01-01",
    "datetime=2021-12-31/2020-12-31", "datetime=../..", "datetime=/", "datetime=2020/2021/2022",
    "datetime=2020-W01-1", "datetime=2021-12-31T25:00:00Z", "datetime=2021-12-31T18:00", "datetime=12021-01-01",
    "datetime=-0001-01-01/..", "datetime=%00", "datetime=0001-01-01T00:00:00%2B14:00", "known_at=1&known_at=2",
])  # fmt: skip
def test_what_is_no_time_is_a_400_in_one_sentence(client, query):
    for address in (ITEMS, f"{ITEMS}/1"):
        reply = client.get(f"{address}?{query}")
        assert reply.status_code == 400, (address, reply.text)
        assert "\n" not in reply.json()["detail"].strip()


def test_equal_times_and_empty_ones_are_no_mistake(client):
    assert stalls(client, "as_of=2020-12-31&datetime=2020-12-31") == AT_2020
    assert stalls(client, "as_of=&known_at=") == AT_2021
    assert stalls(client, "as_of=0001-01-01") == {"old": 2, "kept": 3}
    assert stalls(client, "as_of=9999-12-31") == AT_2021


def test_runs_have_no_time_of_their_own(client):
    assert client.get("/collections/coverage_areas/items?datetime=2021-12-31").status_code == 200
    assert client.get("/collections/coverage_areas/items?as_of=2021-12-31").status_code == 400
