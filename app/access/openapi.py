"""The API definition: what the framework says of the routes, with the problems that they really answer with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

import orjson
from fastapi import FastAPI

from app.access.openapi30 import as_openapi30
from app.problems import MEDIA_TYPE

Version = Literal["3.0", "3.1"]
#: The media type of a problem.
PROBLEM = MEDIA_TYPE
#: What the framework says of a parameter that cannot be read; here it is a 400.
_FRAMEWORK_SCHEMAS = ("HTTPValidationError", "ValidationError")
PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457; `hint` says what to do, with the nearest valid names where one was wrong.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "hint": {"type": "string"},
        "instance": {"type": "string"},
    },
}
#: How the schema of a problem is referred to.
PROBLEM_REFERENCE = {"$ref": "#/components/schemas/Problem"}
#: Browsers get it as a page.
_CONTENT = {PROBLEM: {"schema": PROBLEM_REFERENCE}, "text/html": {"schema": {"type": "string"}}}
#: What a browser is answered that asks for anything while nobody is logged in by it.
_LOG_IN = {
    "description": "Nobody is logged in: browsers are sent to `/login`; programs are answered 401.",
    "headers": {"Location": {"schema": {"type": "string"}}},
}


class Definition:
    """The definition of an application in both versions, made once."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.text = cache(self._text)

    def _text(self, version: Version) -> bytes:
        document = with_problems(self._app.openapi())
        return orjson.dumps(as_openapi30(document) if version == "3.0" else document)


def with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """The document with problems where the framework tells of its own errors; it is changed in place."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM_SCHEMA
    for method, operation in _operations(document):
        responses = operation["responses"]
        if method == "get":
            responses.setdefault("303", _LOG_IN)
        if "HTTPValidationError" in str(responses.get("422")):
            del responses["422"]
        for status, response in responses.items():
            if status[0] in "45" and "content" not in response:
                response["content"] = _CONTENT
        responses.setdefault(
            "default", {"description": "What went wrong, and what to do.", "content": _CONTENT}
        )
    for name in _FRAMEWORK_SCHEMAS:
        schemas.pop(name, None)
    _name_limit(document)
    return document


def _name_limit(document: dict[str, Any]) -> None:
    """The parameter `limit` of pages of features among the components too: QGIS reads the page's size there alone."""
    for path, operations in document["paths"].items():
        declared = operations.get("get", {}).get("parameters", []) if path.endswith("/items") else []
        for item in declared:
            if item["name"] == "limit":
                document["components"].setdefault("parameters", {})["limit"] = item


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in document["paths"].values():
        yield from ((method, operation) for method, operation in path.items() if "responses" in operation)
