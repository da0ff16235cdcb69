"""No cache gives one what another was told: every answer that depends on who asks is kept for one client and login."""

from __future__ import annotations

import random
import re

import pytest

from app.access.keeping import own_of
from app.access.permissions import ROUTES
from tests.access.scoped_routes import ASKS
from tests.access.scoped_town import User, served_town
from tests.width import EVERY

FIRST, SECOND = User("restricted", None), User("internal", ("W",))


@pytest.fixture(scope="module")
def town(cluster_settings, template):
    with served_town(cluster_settings, template) as served:
        yield served


def directives(reply):
    return {
        part.partition("=")[0].strip() for part in reply.headers.get("cache-control", "").lower().split(",")
    }


class Shared:
    """A cache before the server that many ask through, which looks at `Cache-Control` alone (RFC 9111 §3)."""

    def __init__(self, town) -> None:
        self.town, self.kept = town, {}

    def get(self, user, path):
        if path in self.kept:
            return self.kept[path], True
        reply = self.town.get(user, path)
        if not directives(reply) & {"private", "no-store"}:
            self.kept[path] = reply
        return reply, False


class Browser:
    """One browser in which one after the other logs in: it keeps what `Vary` lets it give again (RFC 9111 §4.1)."""

    def __init__(self, town) -> None:
        self.town, self.kept = town, {}

    def get(self, user, path):
        for varied, before, reply in self.kept.get(path, ()):
            if before == user or not varied & {"authorization", "cookie", "*"}:
                return reply, before != user
        reply = self.town.get(user, path)
        if "no-store" not in directives(reply):
            varied = {name.strip().lower() for name in reply.headers.get("vary", "").split(",")}
            self.kept.setdefault(path, []).append((varied, user, reply))
        return reply, False


@pytest.mark.wide
@pytest.mark.parametrize("cache", [Shared, Browser])
def test_no_cache_gives_one_what_another_was_told(town, cache):
    between = cache(town)
    rng = random.Random(7)
    for line, asks in ASKS.items():
        for ask in asks if EVERY else asks[:1]:
            path = ask(town, rng)
            for user in (FIRST, SECOND):
                told, of_another = between.get(user, path)
                assert not of_another, (line, path, dict(told.headers))


def test_every_route_that_looks_at_who_asks_says_so(town):
    rng = random.Random(8)
    lines = [line for line, needed in ROUTES.items() if line.startswith("GET") and needed != "open"]
    for line in lines:
        path = ASKS[line][0](town, rng) if line in ASKS else re.sub(r"\{\w+\}", "0", line.partition(" ")[2])
        for user in (FIRST, SECOND):
            reply = town.get(user, path)
            assert directives(reply) & {"private", "no-store"}, (line, path, reply.status_code)
            assert not directives(reply) & {"public", "s-maxage"}, (line, path)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("no-cache", "private, no-cache"),
        ("public, max-age=60", "private, max-age=60"),
        ("max-age=5, s-maxage=60", "private, max-age=5"),
        ("no-store", "no-store"),
        ("private, max-age=3600, immutable", "private, max-age=3600, immutable"),
    ],
)
def test_what_shared_caches_may_do_is_taken_out(said, kept):
    assert own_of(said) == kept


def test_what_anybody_may_have_is_kept_as_it_says(town):
    reply = town.client.get("/static/nothing.css")
    assert "authorization" not in reply.headers.get("vary", "").lower()
