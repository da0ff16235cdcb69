"""Each route that changes something leaves an entry in the audit record, in the transaction in which it changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from app.access import audit_service, key_service, key_store, people_service
from app.access.audit_store import Wanted
from app.access.permissions import ROUTES
from app.access.principal import Grant
from app.database.scope import SERVICE, within
from app.inventory.batch import Change, ImportSource
from app.inventory.service import write_batches
from app.jobs import service as jobs
from tests.access.entrance import PASSWORD, Door, door, log_in, token_of
from tests.inventory.town import batch, place

UNSAFE = [line for line in ROUTES if line.partition(" ")[0] not in ("GET", "HEAD", "OPTIONS")]
#: Routes after which nothing stands in the record, and why.
EXCEPTIONS = {
    "POST /imports": "queues a job; `import.running` and `import.done` are noted as the worker reads the file",
    "POST /imports/inspect": "a look at a file: nothing is written",
    "POST /field/start": "the phone keeps its key: nothing is written; that the key is used is noted",
    "POST /coverage": "queues a job; `run.made` is noted with the run that it saves",
    "POST /coverage/series": "computed and answered: nothing is written",
    "POST /coverage/service-area": "computed and answered: nothing is written",
    "POST /scenarios/guard": "computed and answered: nothing is written",
}
POLICY = "id: {}\ntitle: {{zh: 近, en: Near}}\nsupplies: [{{class: parks, radius_m: 100}}]\n"
ITEMS = "/collections/toilets/items"


class World:
    """A server with the sample town, and a client for each role."""

    def __init__(self, town: Door, catalogue: Any) -> None:
        self.town, self.catalogue = town, catalogue
        with town.database.write() as conn:
            self.keys = {
                role: key_service.make_key(conn, role, [Grant(role)], 1, "internal", None)[0]  # type: ignore[arg-type]
                for role in ("editor", "planner", "security", "field", "system", "assessor")
            }

    def by(self, role: str) -> TestClient:
        made = self.town.browser()
        made.headers.update({"Authorization": f"Bearer {self.keys[role]}", "Accept": "application/json"})
        return made

    def items(self) -> list[Any]:
        return list(self.by("editor").get(f"{ITEMS}?limit=50").json()["features"])

    def item(self) -> str:
        return f"{ITEMS}/{self.items()[0]['id']}"

    def person(self) -> int:
        return self.town.person(f"p{uuid4().hex[:8]}", "viewer").id

    def entries(self) -> list[dict[str, Any]]:
        return list(audit_service.entries(self.town.database, Wanted(), 20)["entries"])

    def geojson(self, method: str, address: str, body: Any, media: str = "application/geo+json") -> Any:
        return self.by("editor").request(method, address, json=body, headers={"Content-Type": media})

    def import_toilet(self, who: str = "wang") -> UUID:
        """An import of somebody's that makes a toilet."""
        name, code = uuid4(), f"c{uuid4().hex[:8]}"
        rows = batch("toilets", {code: place(0, 0.3)}, {"stalls": [2], "name_zh": ["甲"]})
        with self.town.database.read() as conn:
            key = key_store.find_key(conn, self.keys[who]) if who in self.keys else None
        whose = SERVICE if key is None else SERVICE.named(who, f"key:{key.id}")
        with within(whose), self.town.database.write() as conn:
            change = Change(who, "import", name, ImportSource("/x/厕所.gpkg", "gpkg", sha256="ab" * 32))
            write_batches(conn, self.catalogue, [rows], change)
        return name

    def policy(self) -> str:
        name = f"p{uuid4().hex[:8]}"
        reply = save(self, "POST", "/policies", name)
        assert reply.status_code == 201, reply.text
        return name


def save(world: World, method: str, address: str, name: str, radius: int = 100) -> Any:
    text = POLICY.format(name).replace("100", str(radius))
    return world.by("planner").request(
        method, address, content=text.encode(), headers={"Content-Type": "application/yaml"}
    )


def put_policy(world: World) -> Any:
    name = world.policy()
    return save(world, "PUT", f"/policies/{name}", name, 200)


def log_in_as(world: World) -> TestClient:
    person = people_service.NewPerson(f"p{uuid4().hex[:8]}", password=PASSWORD)
    with world.town.database.write() as conn:
        people_service.make_person(conn, person)
    browser = world.town.browser()
    assert log_in(browser, person.name).status_code == 303
    return browser


def change_password(world: World) -> Any:
    browser = log_in_as(world)
    new = "fünf Worte am späten Abend"
    form = {"csrf": token_of(browser), "old": PASSWORD, "new": new, "again": new}
    return browser.post("/me/password", data=form)


def log_out(world: World) -> Any:
    browser = log_in_as(world)
    return browser.post("/logout", data={"csrf": token_of(browser)})


def report(world: World) -> Any:
    client = world.by("field")
    one = client.get("/field/features.json?collection=toilets").json()["features"][0]
    return client.post(
        f"{ITEMS}/{one['id']}/reports", json={"state": "damaged"}, headers={"If-Match": one["etag"]}
    )


def assess(world: World) -> Any:
    return world.by("assessor").post(f"{world.item()}/assessments", json={"score": 80, "verdict": "ok"})


def post_item(world: World) -> Any:
    body = world.items()[0]
    properties = {"stalls": 2, "name_zh": "新", "code": f"n{uuid4().hex[:8]}"}
    return world.geojson(
        "POST", ITEMS, {"type": "Feature", "geometry": body["geometry"], "properties": properties}
    )


def put_item(world: World) -> Any:
    body = world.items()[0]
    kept = {name: body["properties"][name] for name in ("code", "kind", "name_zh")}
    sent = {"type": "Feature", "geometry": body["geometry"], "properties": {**kept, "stalls": 31}}
    return world.geojson("PUT", f"{ITEMS}/{body['id']}", sent)


def patch_item(world: World, stalls: int = 17) -> Any:
    body = {"type": "Feature", "properties": {"stalls": stalls}}
    return world.geojson("PATCH", world.item(), body, "application/merge-patch+json")


def restore_item(world: World) -> Any:
    before = world.by("editor").get("/changes?limit=1").json()["changes"][0]["change"]
    assert patch_item(world, 23).status_code in (200, 204)
    return world.by("editor").post(f"{world.item()}/restore", json={"change": before})


def restore_class(world: World) -> Any:
    before = world.by("editor").get("/changes?limit=1").json()["changes"][0]["change"]
    assert patch_item(world, 29).status_code in (200, 204)
    return world.by("editor").post("/collections/toilets/restore", json={"change": before})


def cancel(world: World) -> Any:
    job = jobs.enqueue(world.town.database, "coverage", {}, "x")
    return world.by("system").delete(f"/jobs/{job}")


def people(path: str, **form: str) -> Callable[[World], Any]:
    def ask(world: World) -> Any:
        fresh = {name: value.replace("?", uuid4().hex[:8]) for name, value in form.items()}
        address = path.replace("{person}", str(world.person()) if "{person}" in path else "")
        return world.by("security").post(address, data=fresh)

    return ask


def end_key(world: World) -> Any:
    with world.town.database.write() as conn:
        _, key = key_service.make_key(conn, "short", [Grant("viewer")], 1, "internal", None)
    return world.by("security").post(f"/users/keys/{key.id}/revoke")


#: Route → a request that it carries out, and the event that is noted.
RECIPES: dict[str, tuple[Callable[[World], Any], str]] = {
    "POST /login": (lambda world: log_in(world.town.browser(), "li"), "login"),
    "POST /me/password": (change_password, "person.changed"),
    "POST /logout": (log_out, "logout"),
    "POST /collections/{collection}/items/{item}/reports": (report, "changed"),
    "POST /collections/{collection}/items/{item}/assessments": (assess, "assessed"),
    "POST /collections/{collection}/items": (post_item, "changed"),
    "PUT /collections/{collection}/items/{item}": (put_item, "changed"),
    "PATCH /collections/{collection}/items/{item}": (patch_item, "changed"),
    "DELETE /collections/{collection}/items/{item}": (
        lambda world: world.by("editor").delete(world.item()),
        "changed",
    ),
    "POST /collections/{collection}/items/{item}/restore": (restore_item, "changed"),
    "POST /collections/{collection}/restore": (restore_class, "changed"),
    "POST /imports/{import_id}/undo": (
        lambda world: world.by("editor").post(f"/imports/{world.import_toilet('editor')}/undo", json={}),
        "changed",
    ),
    "POST /policies": (lambda world: save(world, "POST", "/policies", "written"), "policy.made"),
    "PUT /policies/{policy}": (
        put_policy,
        "policy.made",
    ),
    "DELETE /policies/{policy}": (
        lambda world: world.by("planner").delete(f"/policies/{world.policy()}"),
        "policy.made",
    ),
    "DELETE /jobs/{job}": (cancel, "job.cancelled"),
    "POST /users": (people("/users", name="n?"), "person.made"),
    "POST /users/parties": (people("/users/parties", name="n?"), "party.made"),
    "POST /users/keys": (people("/users/keys", name="n?", role="viewer"), "key.made"),
    "POST /users/keys/{key}/revoke": (end_key, "key.changed"),
    "POST /users/{person}/grants": (people("/users/{person}/grants", role="editor"), "grant.made"),
    "POST /users/{person}/revoke": (people("/users/{person}/revoke", role="viewer"), "grant.removed"),
    "POST /users/{person}/password": (people("/users/{person}/password"), "person.changed"),
    "POST /users/{person}/level": (people("/users/{person}/level", level="restricted"), "person.changed"),
    "POST /users/{person}/state": (people("/users/{person}/state", disabled="true"), "person.changed"),
}


@pytest.fixture(scope="module")
def world(cluster_settings: Any, town_template: str, catalogue: Any) -> Iterator[World]:
    with door(cluster_settings, town_template) as town:
        yield World(town, catalogue)


def test_every_route_that_changes_something_stands_here() -> None:
    assert set(RECIPES) | set(EXCEPTIONS) == set(UNSAFE), "say here what a new route notes"
    assert not set(RECIPES) & set(EXCEPTIONS)


@pytest.mark.parametrize("line", RECIPES)
def test_what_a_route_changes_is_noted(world: World, line: str) -> None:
    ask, event = RECIPES[line]
    before = max((one["seq"] for one in world.entries()), default=0)
    reply = ask(world)
    assert reply.status_code in (200, 201, 202, 204, 303), reply.text
    new = [one for one in world.entries() if one["seq"] > before]
    told = next((one for one in new if one["event"] == event), None)
    assert told is not None, [one["event"] for one in new]
    assert told["kind"] in ("key", "user", "nobody")
    assert told["address"] == "192.0.2.1"
    assert told["who"] not in ("", "service", "http")
    assert audit_service.verify(world.town.database).whole


def test_an_import_is_noted_with_its_file_hash_and_result(world: World) -> None:
    name = world.import_toilet()
    told = next(one for one in world.entries() if one["event"] == "import.done")
    assert (told["object"], told["who"]) == (str(name), "wang")
    assert told["detail"]["file"] == "厕所.gpkg"
    assert told["detail"]["sha256"] == "ab" * 32
    change = next(one for one in world.entries() if one["event"] == "changed")
    assert change["detail"]["import"] == str(name)
    assert change["detail"]["versions"] == {"toilets": {"written": 1, "withdrawn": 0}}
