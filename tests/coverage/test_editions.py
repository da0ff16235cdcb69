"""The city's own policies: saved, versioned and retired without touching a file, and in force at once everywhere."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient

from app.catalogue.loader import load_catalogue
from app.catalogue.policy_guide import CHANGED, EXAMPLE
from app.coverage import edition_service as editions
from app.coverage.editions import MAX_BYTES, read_edition, text_of
from app.coverage.engine import Engine
from app.coverage.request import parse
from app.errors import BadDeclaration, BadInput, Conflict, NotFound
from app.main import create_app
from app.settings import ROOT
from tests.commandline import chengtu
from tests.coverage.test_loading import drawn, write

YAML = {"content-type": "application/yaml", "accept": "application/json"}
SHORT = "id: near\ntitle: {zh: 近, en: Near}\nsupplies: [{class: parks, radius_m: 100}]\n"


def test_the_examples_of_the_page_can_be_saved(catalogue):
    assert read_edition(catalogue, EXAMPLE).origin == "edition"
    policy = read_edition(catalogue, CHANGED)
    assert policy.text == CHANGED
    assert (policy.minutes, policy.tiers[0].supplies[0].radius_m) == (8, 576)
    assert "mobile" not in policy.tiers[0].supplies[0].where["kind"]
    assert policy.source.document == catalogue.get_policy("toilet-10min").source.document
    assert "toilet-10min" in policy.source.note
    assert policy.tiers[0].title.zh == "8分钟内到公厕"
    canopy = "id: half\ntitle: {zh: 半, en: Half}\nbased_on: 3-30-300-canopy\nparameters: {target: 0.5}\n"
    assert read_edition(catalogue, canopy).tiers[0].title.en == "Half"


def test_a_file_of_the_citys_folder_may_be_based_on_a_declared_policy(tmp_path):
    folder = tmp_path / "ours" / "policies"
    folder.mkdir(parents=True)
    # Read after what it names, whatever the order of the files' names.
    (folder / "a-nearer.yaml").write_text(
        "id: a-nearer\nversion: '3'\ntitle: {zh: 近, en: Near}\nbased_on: near\nparameters: {radius_m: 50}\n"
    )
    (folder / "near.yaml").write_text(SHORT)
    (folder / "toilet-8min.yaml").write_text(CHANGED)
    found = load_catalogue(ROOT / "geodata", tmp_path / "ours")
    changed, nearer = found.get_policy("toilet-8min"), found.get_policy("a-nearer")
    assert (changed.origin, changed.official, changed.version) == ("file", False, "1")
    assert (changed.tiers[0].supplies[0].radius_m, changed.tiers[0].title.zh) == (576, "8分钟内到公厕")
    assert (nearer.version, nearer.tiers[0].supplies[0].radius_m) == ("3", 50)
    (folder / "b.yaml").write_text(CHANGED.replace("toilet-8min", "b").replace("toilet-10min", "a-nearer"))
    with pytest.raises(
        BadDeclaration, match=r"ours/policies/b.yaml:3, key 'based_on': unknown policy 'a-nearer'"
    ):
        load_catalogue(ROOT / "geodata", tmp_path / "ours")
    (folder / "b.yaml").write_text(CHANGED)
    with pytest.raises(BadDeclaration, match="differs from the file's name"):
        load_catalogue(ROOT / "geodata", tmp_path / "ours")


def test_an_edition_may_bring_what_a_request_says(catalogue, conn):
    text = CHANGED.replace("{minutes: 8, exclude: [mobile]}", '{at: "22:00", step_free: true}')
    editions.save(conn, catalogue, text, "test", None)
    request = parse(editions.with_editions(conn, catalogue), {"policy": "toilet-8min"}, None)
    assert (request.at, request.step_free, request.changed) == ("22:00", True, ())
    other = parse(
        editions.with_editions(conn, catalogue),
        {"policy": "toilet-8min", "parameters": {"at": "08:00"}},
        None,
    )
    assert (other.at, other.step_free, other.changed) == ("08:00", True, ("at",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SHORT.replace("near", "park-300"), "key 'id': 'park-300' is a declared policy"),
        (SHORT + "official: true\n", "needs its document's own frame"),
        (
            SHORT + "official: true\nframe: built_up_areas\nsource: {document: 甲, clause: 乙, confidence: V}\n",
            "key 'official': a policy of the city's own is never official",
        ),
        (CHANGED.replace("toilet-10min", "toilet-11min"), "line 3 of the policy, key 'based_on': unknown policy"),
        (CHANGED.replace("minutes: 8", "minutes: 800"), "line 4 of the policy, key 'parameters.minutes': minutes"),
        (CHANGED.replace("[mobile]", "[tents]"), "no switch named 'tents'"),
        (CHANGED.replace("{minutes: 8, exclude: [mobile]}", "{}"), "changes nothing"),
        (CHANGED.replace("[mobile]", "[counted, uncounted]"), "nothing of toilets is left"),
        (CHANGED + "supplies: []\n", "unknown key 'supplies'"),
        (SHORT + "x: &a [1]\n", "unknown key 'x'"),
        ("[]", "must be a mapping"),
        ("", "is empty"),
        ("{" * 200, "nested more than"),
        ("a: !!python/object:os.system x\n", "YAML tag"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_its_place(catalogue, text, message):
    with pytest.raises(BadDeclaration) as caught:
        read_edition(catalogue, text)
    assert message in caught.value.message


def test_a_body_is_yaml_or_json_in_utf_8(catalogue):
    body = {"id": "near", "title": {"zh": "近", "en": "Near"}, "supplies": [{"class": "parks", "minutes": 2}]}
    policy = read_edition(catalogue, text_of(json.dumps(body).encode(), "application/json; charset=utf-8"))
    assert policy.tiers[0].supplies[0].radius_m == 144
    for content, kind in ((b"{", "application/json"), (b"\xff", "application/yaml"), (b"{}", "text/plain")):
        with pytest.raises(BadInput):
            text_of(content, kind)
    with pytest.raises(BadInput, match="100 kB"):
        read_edition(catalogue, SHORT + "#" * MAX_BYTES)


def test_each_saving_is_a_version_and_none_is_lost(catalogue, conn):
    first = editions.save(conn, catalogue, SHORT, "a", "first")
    wider = SHORT.replace("100", "200")
    second = editions.save(conn, catalogue, wider, "b", None, "near")
    assert (first.version, second.version) == ("1", "2")
    with pytest.raises(Conflict, match="says so already"):
        editions.save(conn, catalogue, wider, "b", None)
    assert editions.with_editions(conn, catalogue).get_policy("near").tiers[0].supplies[0].radius_m == 200
    assert editions.get_version(conn, catalogue, "near", 1).text == SHORT
    editions.retire(conn, "near", "c", "no use")
    with pytest.raises(NotFound):
        editions.with_editions(conn, catalogue).get_policy("near")
    assert [(row["version"], row["who"], row["why"], row["retired"]) for row in editions.history(conn, "near")] == [
        (3, "c", "no use", True), (2, "b", None, False), (1, "a", "first", False),
    ]  # fmt: skip
    assert editions.save(conn, catalogue, SHORT, "a", None).version == "4"
    with pytest.raises(BadInput, match="The policy's id is 'far'"):
        editions.save(conn, catalogue, SHORT.replace("id: near", "id: far"), "a", None, "near")


def test_an_unknown_edition_is_not_found_with_the_nearest(catalogue, conn):
    editions.save(conn, catalogue, SHORT, "a", None)
    for change in (
        lambda: editions.retire(conn, "nears", "a", None),
        lambda: editions.save(conn, catalogue, SHORT, "a", None, "nears"),
        lambda: editions.retire(conn, "park-300", "a", None),
        lambda: editions.get_version(conn, catalogue, "near", 2),
    ):
        with pytest.raises(NotFound) as caught:
            change()
        assert caught.value.hint


def test_an_edition_whose_class_is_gone_leaves_the_others_in_force(catalogue, conn):
    editions.save(conn, catalogue, SHORT, "a", None)
    conn.exec_driver_sql(
        "INSERT INTO city.policy_editions (id, version, text) VALUES ('lost', 1,"
        " E'id: lost\\ntitle: {zh: 失, en: Lost}\\nsupplies: [{class: gone, radius_m: 9}]')"
    )
    grown = editions.with_editions(conn, catalogue)
    assert set(grown.policies) - set(catalogue.policies) == {"near"}


def test_writers_cannot_change_or_delete_a_version(database, catalogue):
    with database.write() as conn:
        editions.save(conn, catalogue, SHORT, "a", None)
    for statement in ("UPDATE city.policy_editions SET text = 'x'", "DELETE FROM city.policy_editions"):
        with pytest.raises(Exception, match="permission denied"), database.write() as conn:
            conn.exec_driver_sql(statement)


@pytest.fixture
def town(database, catalogue):
    """Residential land of 4 × 4 km with parks of 100, 50, 32 and 20 m a side; the third in a historic district."""
    places = {"a": (500, 500, 100), "b": (3000, 600, 50), "h": (600, 3000, 32), "c": (3000, 3000, 20)}
    parks = {code: shapely.box(x, y, x + side, y + side) for code, (x, y, side) in places.items()}
    write(
        database,
        catalogue,
        drawn("residential_areas", {"r": shapely.box(-500, -500, 3500, 3500)}, {"kind": ["land"]}),
        drawn("parks", parks),
        drawn("built_up_areas", {"all": shapely.box(-600, -600, 3600, 3600)}),
        drawn("historic_districts", {"old": shapely.box(500, 2900, 700, 3100)}),
    )
    return database


def _served(side_m: float, radius_m: float) -> float:
    return side_m * side_m + 4 * side_m * radius_m + math.pi * radius_m**2


def _share(engine, policy, **more) -> tuple[float, dict[str, Any]]:
    answer = engine.answer({"op": "coverage", "policy": policy, "mode": "straight", **more})
    (row,) = answer["results"]
    return row["share_of_land"] * 4000**2, answer


def test_smaller_parks_serve_inside_a_historic_district_only(town, catalogue):
    engine = Engine(town, catalogue)
    a, b, c, h = _served(100, 500), _served(50, 300), _served(20, 300), _served(32, 300)
    for policy, m2 in (
        ("cn_gb50563_2010", a + h),
        ("cn_garden_city_2016", a + b + h),
        ("cn_city_check_2021", a + b),
        ("cn_garden_city_2022", a + b + h + c),
    ):
        served_m2, answer = _share(engine, policy)
        assert served_m2 == pytest.approx(m2, rel=2e-4), policy
        # The built-up area of this town bears no date.
        assert not answer["inputs"]["official"]


def test_a_new_edition_is_there_at_once_in_engine_interface_and_command_line(
    town, settings, catalogue, environment
):
    engine = Engine(town, catalogue)
    with TestClient(create_app(settings, engine=engine), raise_server_exceptions=False) as client:
        made = client.post("/policies?why=planned", content=SHORT, headers=YAML)
        assert (made.status_code, made.headers["location"]) == (201, "/policies/near")
        assert [version["why"] for version in made.json()["versions"]] == ["planned"]
        narrow, answer = _share(engine, "near")
        assert answer["policy"]["text"] == SHORT
        assert [words["en"] for words in answer["inputs"]["differs"]] == ["the city has set this rule itself"]

        wider = client.put("/policies/near", content=SHORT.replace("100", "200"), headers=YAML)
        assert (wider.status_code, wider.json()["version"]) == (200, "2")
        stale = client.put("/policies/near", content=SHORT, headers=YAML | {"if-match": '"1"'})
        assert stale.status_code == 412
        assert _share(engine, "near")[0] > narrow
        assert _share(engine, "near", parameters={"radius_m": 100})[0] == narrow
        assert client.get("/policies/near?version=1").json()["text"] == SHORT
        listed = {
            item["id"]: item["origin"] for item in client.get("/policies?default=true").json()["policies"]
        }
        assert listed["near"] == "edition"
        reached = client.get("/reach?lon=115.86&lat=28.69").json()["policies"]
        assert "near" in {policy["id"] for policy in reached}
        assert "near" in chengtu(environment, "policies", "--json").stdout

        assert client.delete("/policies/near").status_code == 204
        assert client.get("/policies/near").status_code == 404
        refused = client.post("/policies", content="id: x", headers=YAML)
        assert (refused.status_code, refused.json()["status"]) == (400, 400)
        assert (
            client.post("/policies", content=SHORT, headers={"content-type": "text/plain"}).status_code == 400
        )
    with pytest.raises(NotFound):
        _share(engine, "near")


def test_policies_are_checked_added_and_retired_on_the_command_line(environment, tmp_path):
    path = tmp_path / "eight.yaml"
    path.write_text(CHANGED, encoding="utf-8")
    assert "Version 1" in chengtu(environment, "policies", "add", str(path)).stderr
    assert "based_on: toilet-10min" in chengtu(environment, "policies", "show", "toilet-8min").stdout
    assert chengtu(environment, "policies", "retire", "toilet-8min").returncode == 0
    path.write_text(CHANGED.replace("minutes: 8", "minutes: 0"), encoding="utf-8")
    failed = chengtu(environment, "policies", "check", str(path))
    assert failed.returncode != 0
    assert "eight.yaml:4" in failed.stderr


def test_a_file_of_the_citys_own_folder_is_a_policy_like_any(tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "toilet-old-estates.yaml").write_text(EXAMPLE, encoding="utf-8")
    grown = load_catalogue(ROOT / "geodata", tmp_path)
    assert grown.get_policy("toilet-old-estates").origin == "file"
    assert "toilet-old-estates" in grown.default_policies()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("100", "1" + "0" * 5000, "must be a number"),
        ("100", "20001", "must be at most 20000"),
        ("100", "0." + "9" * 400, "must be a number"),
        ("zh: 近", 'zh: "\\0"', "(NUL)"),
        ("near", "all", "cannot name a policy"),
    ],
)
def test_absurd_numbers_and_texts_are_refused(catalogue, old, new, message):
    with pytest.raises(BadDeclaration) as caught:
        read_edition(catalogue, SHORT.replace(old, new))
    assert message in caught.value.message


def test_only_so_many_are_computed_unasked(catalogue, conn, monkeypatch):
    monkeypatch.setattr(editions, "MOST_UNASKED", 1)
    editions.save(conn, catalogue, SHORT, "a", None)
    editions.save(conn, catalogue, SHORT.replace("100", "200"), "a", None)
    other = SHORT.replace("id: near", "id: far")
    with pytest.raises(Conflict, match="computed unasked already"):
        editions.save(conn, catalogue, other, "a", None)
    assert editions.save(conn, catalogue, other + "default: false\n", "a", None).version == "1"
