"""An OpenAPI 3.1 document as one of 3.0: the same operations, JSON Schema in the older dialect. Pure.

Differences by the OpenAPI Initiative's "Migrating from OpenAPI 3.0 to 3.1", gone through backwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VERSION = "3.0.3"
_NULL = {"type": "null"}
#: Keywords that hold a schema, a list of them, a map of them.
_ONE = ("items", "additionalProperties", "not")
_SEVERAL = ("allOf", "anyOf", "oneOf")
_BY_NAME = ("properties",)
#: Keywords of JSON Schema 2020-12 that 3.0 knows nothing of, and nothing like.
_UNKNOWN = frozenset({
    "$schema", "$id", "$comment", "$anchor", "$dynamicRef", "$dynamicAnchor", "$defs", "if", "then", "else", "contains",
    "minContains", "maxContains", "propertyNames", "patternProperties", "unevaluatedItems", "unevaluatedProperties",
    "dependentRequired", "dependentSchemas", "contentSchema",
})  # fmt: skip
_ENCODINGS = {"base64": "byte"}


def as_openapi30(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document in the older version; `document` stays as it is."""
    info = {name: value for name, value in document["info"].items() if name != "summary"}
    if "license" in info:
        info["license"] = {name: value for name, value in info["license"].items() if name != "identifier"}
    if "summary" in document["info"]:
        info.setdefault("description", document["info"]["summary"])
    kept = {name: value for name, value in document.items() if name not in {"webhooks", "jsonSchemaDialect"}}
    changed: dict[str, Any] = _walk(kept)
    schemas = changed.get("components", {}).get("schemas")
    if schemas is not None:
        changed["components"]["schemas"] = {name: _schema(value) for name, value in schemas.items()}
    return {**changed, "openapi": VERSION, "info": info}


def _walk(node: Any) -> Any:
    """The same with all that stands under `schema` changed."""
    if isinstance(node, dict):
        return {name: _schema(value) if name == "schema" else _walk(value) for name, value in node.items()}
    return [_walk(value) for value in node] if isinstance(node, list) else node


def _schema(schema: Any) -> Any:
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    found = {name: value for name, value in schema.items() if name not in _UNKNOWN}
    for name in _ONE:
        if isinstance(found.get(name), dict):
            found[name] = _schema(found[name])
    for name in _BY_NAME:
        if name in found:
            found[name] = {key: _schema(value) for key, value in found[name].items()}
    if not found.get("required", True):
        del found["required"]
    return _reference(_bounds(_values(_tuple(_types(_alternatives(found))))))


def _alternatives(schema: dict[str, Any]) -> dict[str, Any]:
    """`null` is no alternative but a mark of the others."""
    for name in _SEVERAL:
        if name not in schema:
            continue
        others = [_schema(item) for item in schema[name] if item != _NULL]
        if len(others) < len(schema[name]):
            schema["nullable"] = True
        if len(others) == 1 and len(others) < len(schema[name]):
            del schema[name]
            schema = {**others[0], **schema}
        else:
            schema[name] = others
    return schema


def _types(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = schema.get("type")
    if not isinstance(kinds, list):
        return schema
    others = [kind for kind in kinds if kind != "null"]
    rest = {name: value for name, value in schema.items() if name != "type"}
    if len(others) < len(kinds):
        rest["nullable"] = True
    return (
        {**rest, "type": others[0]}
        if len(others) == 1
        else {**rest, "anyOf": [{"type": kind} for kind in others]}
    )


def _tuple(schema: dict[str, Any]) -> dict[str, Any]:
    """A list of things by place: each of them may be any of these."""
    if "prefixItems" in schema:
        schema["items"] = {"anyOf": [_schema(item) for item in schema.pop("prefixItems")]}
    elif schema.get("type") == "array":
        schema.setdefault("items", {})
    return schema


def _values(schema: dict[str, Any]) -> dict[str, Any]:
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if "examples" in schema:
        examples = schema.pop("examples")
        schema.update({"example": examples[0]} if examples else {})
    encoding = schema.pop("contentEncoding", None)
    if schema.pop("contentMediaType", None) is not None or encoding is not None:
        schema.setdefault("format", _ENCODINGS.get(encoding or "", "binary"))
    return schema


def _bounds(schema: dict[str, Any]) -> dict[str, Any]:
    """A bound that does not belong to it is a bound with a mark."""
    for plain, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        bound = schema.get(exclusive)
        if bound is not None and not isinstance(bound, bool):
            schema[plain], schema[exclusive] = bound, True
    return schema


def _reference(schema: dict[str, Any]) -> dict[str, Any]:
    """What stands beside a reference is not read there."""
    if "$ref" not in schema or len(schema) == 1:
        return schema
    return {"allOf": [{"$ref": schema.pop("$ref")}], **schema}
