"""The API as a Postman collection, drawn from its schema: https://schema.postman.com/json/collection/v2.1.0/docs/"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

SHAPE = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
METHODS = ("get", "post", "put", "patch", "delete")
DEEPEST = 6
Schema = dict[str, Any]


@require_safe
def serve_collection(request: HttpRequest) -> JsonResponse:
    """Always that of this portal as it runs; `{{base}}` and `{{key}}` are the collection's variables."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]  # the library's
    schema = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return JsonResponse(build_collection(schema, request.build_absolute_uri("/").rstrip("/")))


def build_collection(schema: Schema, base: str) -> dict[str, Any]:
    """One folder a part of the address, one request an operation."""
    folders: dict[str, list[Any]] = {}
    for path, method, operation in list_operations(schema):
        folder = path.removeprefix("/api/v1/").partition("/")[0]
        folders.setdefault(folder, []).append(_build_request(path, method, operation, schema))
    return {
        "info": {
            "name": schema["info"]["title"],
            "description": schema["info"].get("description", ""),
            "schema": SHAPE,
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{key}}", "type": "string"}]},
        "variable": [{"key": "base", "value": base}, {"key": "key", "value": ""}],
        "item": [{"name": name, "item": items} for name, items in folders.items()],
    }


def list_operations(schema: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if method in methods:
                yield path, method, methods[method]


def _build_request(path: str, method: str, operation: Schema, schema: Schema) -> dict[str, Any]:
    parameters = operation.get("parameters", [])
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    address = path.replace("{", ":").replace("}", "")
    request: dict[str, Any] = {
        "method": method.upper(),
        "description": operation.get("description", ""),
        "header": [
            {"key": one["name"], "value": "", "disabled": True} for one in parameters if one["in"] == "header"
        ],
        "url": {
            "raw": f"{{{{base}}}}{address}",
            "host": ["{{base}}"],
            "path": address.strip("/").split("/"),
            "query": [
                {"key": one["name"], "value": "", "description": one.get("description", ""), "disabled": True}
                for one in parameters
                if one["in"] == "query"
            ],
            "variable": [{"key": name, "value": ""} for name in names],
        },
    }  # fmt: skip
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        shape = content["application/json"]["schema"]
        request["header"].append({"key": "Content-Type", "value": "application/json"})
        request["body"] = {"mode": "raw", "raw": json.dumps(sample(shape, schema), indent=2)}
    return {"name": operation["operationId"].replace("_", " "), "request": request}


def sample(part: Schema, schema: Schema, depth: int = 0) -> Any:
    """A value of this shape, with what it needs and no more."""
    if "$ref" in part:
        return sample(schema["components"]["schemas"][part["$ref"].rpartition("/")[2]], schema, depth)
    for name in ("example", "default", "const"):
        if name in part:
            return part[name]
    if "enum" in part:
        return part["enum"][0]
    for name in ("allOf", "anyOf", "oneOf"):
        if part.get(name):
            return sample(part[name][0], schema, depth)
    kind = part.get("type")
    if kind == "object" or "properties" in part:
        wanted = part.get("required", [])
        return {name: sample(part["properties"][name], schema, depth + 1) for name in wanted} if depth < DEEPEST else {}
    if kind == "array":
        return [sample(part.get("items", {}), schema, depth + 1)] if part.get("minItems") else []
    return {"string": "", "integer": 1, "number": 1, "boolean": False}.get(str(kind))
