"""The API definition in both versions: valid, whole, nothing in it of other places, problems as they are answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from app.access.negotiation import choose_version
from app.access.openapi30 import as_openapi30
from app.main import create_app
from app.settings import Settings

VALIDATORS = {"oas30": OpenAPIV30SpecValidator, "oas31": OpenAPIV31SpecValidator}
TYPE = "application/vnd.oai.openapi+json;version={}"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    away = Settings(home=tmp_path_factory.mktemp("home"), DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    with TestClient(create_app(away)) as client:
        yield client


@pytest.mark.parametrize(("form", "version"), [("oas30", "3.0"), ("oas31", "3.1")])
def test_the_definition_is_valid_in_both_versions_and_refers_to_nothing_outside(client, form, version):
    reply = client.get(f"/api?f={form}")
    assert reply.headers["content-type"] == TYPE.format(version)
    document = reply.json()
    assert document["openapi"].startswith(version)
    VALIDATORS[form](document).validate()
    references = list(_references(document))
    assert references
    assert all(reference.startswith("#/components/") for reference in references)


def _references(node) -> Iterator[str]:
    if isinstance(node, dict):
        yield from [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _references(item)


@pytest.mark.parametrize(
    ("accept", "version"),
    [
        (None, "3.0"),
        ("*/*", "3.0"),
        ("application/json", "3.0"),
        (TYPE.format("3.0"), "3.0"),
        (TYPE.format("3.1"), "3.1"),
        (f"{TYPE.format('3.1')};q=0.5, {TYPE.format('3.0')}", "3.0"),
        ('application/openapi+json; version="3.1.0"', "3.1"),
        (f"{TYPE.format('3.1')};q=0", "3.0"),
    ],
)
def test_the_version_follows_what_the_client_accepts(client, accept, version):
    assert choose_version(accept) == version
    assert client.get("/api", headers={"accept": accept or "*/*"}).json()["openapi"].startswith(version)


def test_both_versions_name_the_same_operations_parameters_and_media_types(client):
    old, new = (client.get(f"/api?f={form}").json() for form in VALIDATORS)
    assert [*_operations(old)] == [*_operations(new)]


def _operations(document) -> Iterator[tuple]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            names = [item["name"] for item in operation.get("parameters", [])]
            types = {status: [*told.get("content", {})] for status, told in operation["responses"].items()}
            yield path, method, names, types


def test_every_operation_tells_of_problems_as_they_are_answered(client):
    document = client.get("/api").json()
    assert "HTTPValidationError" not in str(document)
    for path, method, _, types in _operations(document):
        assert types["default"] == ["application/problem+json", "text/html"], (path, method)
        assert all(types[status] for status in types if status[0] == "4"), (path, method)


def test_every_page_says_that_browsers_may_be_sent_elsewhere(client):
    """To log in, where nobody is."""
    paths = client.get("/api").json()["paths"]
    assert [
        path
        for path, methods in paths.items()
        if "303" not in methods.get("get", {"responses": "303"})["responses"]
    ] == []
    assert "Location" in paths["/collections"]["get"]["responses"]["303"]["headers"]


def test_a_route_that_names_its_forms_names_the_table_among_them(client):
    tables = [
        (path, operation["responses"]["200"].get("content", ()))
        for path, methods in client.get("/api").json()["paths"].items()
        if (operation := methods.get("get"))
        for item in operation.get("parameters", [])
        if item["name"] == "f" and "'csv'" in str(item["schema"])
    ]
    assert "/assessments" in dict(tables)
    assert [
        path for path, content in tables if not any(kind.startswith("text/csv") for kind in content)
    ] == []


def test_every_reply_of_the_standard_s_routes_has_its_media_types(client):
    for path, method, _, types in _operations(client.get("/api").json()):
        if method == "get" and (path.startswith("/collections") or path in {"/", "/conformance", "/api"}):
            assert types["200"], path


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "title": "N"},
         {"type": "integer", "minimum": 1, "title": "N", "nullable": True}),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
         {"anyOf": [{"type": "integer"}, {"type": "string"}], "nullable": True}),
        ({"type": ["integer", "string"]}, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0, "exclusiveMinimum": True}),
        ({"const": 3, "examples": [1, 2]}, {"enum": [3], "example": 1}),
        ({"type": "string", "contentMediaType": "application/octet-stream"}, {"type": "string", "format": "binary"}),
        ({"type": "array", "prefixItems": [{"const": 1}]}, {"type": "array", "items": {"anyOf": [{"enum": [1]}]}}),
        ({"$ref": "#/components/schemas/A", "description": "x"},
         {"allOf": [{"$ref": "#/components/schemas/A"}], "description": "x"}),
        ({"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]},
         {"allOf": [{"$ref": "#/components/schemas/A"}], "nullable": True}),
        ({"type": "object", "additionalProperties": {"type": ["boolean", "null"]}, "propertyNames": {}},
         {"type": "object", "additionalProperties": {"type": "boolean", "nullable": True}}),
    ],
)  # fmt: skip
def test_a_schema_says_the_same_in_the_older_dialect(new, old):
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1", "summary": "s"}, "paths": {}}
    changed = as_openapi30(document | {"components": {"schemas": {"X": new}}})
    assert changed["components"]["schemas"]["X"] == old
    assert changed["info"] == {"title": "t", "version": "1", "description": "s"}
