"""A server in which people are named, and browsers that log in to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.access import passwords, people_service
from app.access.people import Person
from app.access.people_service import NewPerson
from app.access.principal import Grant
from app.database.engine import Database
from app.main import create_app
from app.settings import Settings
from tests.clones import clone, opened

#: A tenth of a second for each password would be minutes of these tests.
CHEAP = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
PASSWORD = "vier Worte am Morgen"
#: An address that is nobody's (RFC 5737).
AWAY = "192.0.2.1"


@dataclass(frozen=True)
class Door:
    """A server with people: `zhou` grants roles, `li` reads; more by `person`."""

    app: FastAPI
    settings: Settings
    database: Database

    def browser(self, scheme: str = "http", host: str = AWAY) -> TestClient:
        """A browser of its own, which keeps cookies."""
        return TestClient(
            self.app,
            base_url=f"{scheme}://city.example.org",
            client=(host, 40000),
            headers={"Accept": "text/html", "Accept-Language": "en"},
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def person(self, name: str, *roles: Any, **more: Any) -> Person:
        """A person who may log in by `PASSWORD`."""
        new = NewPerson(name, tuple(Grant(role) for role in roles), **({"password": PASSWORD} | more))
        with self.database.write() as conn:
            return people_service.make_person(conn, new)

    def sql(self, statement: str) -> None:
        """As if time had passed, or somebody had meddled."""
        with self.database.write() as conn:
            conn.exec_driver_sql(statement)

    def rows(self, statement: str) -> list[Any]:
        with self.database.read() as conn:
            return list(conn.exec_driver_sql(statement).all())


@contextmanager
def door(cluster_settings: Settings, template: str, **more: Any) -> Iterator[Door]:
    with (
        clone(cluster_settings, template) as cloned,
        opened(cloned) as database,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(passwords, "_HASHER", CHEAP)
        passwords._nobodys.cache_clear()
        settings = cloned.model_copy(update=more)
        app = create_app(settings)
        with TestClient(app):
            made = Door(app, settings, database)
            made.person("zhou", "security")
            made.person("li", "viewer")
            yield made


def log_in(browser: TestClient, name: str, password: str = PASSWORD, **form: str) -> Any:
    return browser.post("/login", data={"name": name, "password": password, **form})


def token_of(browser: TestClient) -> str:
    """What the pages of the session hold."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', browser.get("/me").text)
    assert found is not None
    return found[1]


def me(browser: TestClient) -> Any:
    return browser.get("/me?f=json")
