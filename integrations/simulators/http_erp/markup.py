"""XML and JSON as one tree of dicts: an element that repeats is a list, any other its text or a dict.

judgement: whoever sends XML is answered in XML, whoever sends JSON in JSON; a request without a body says it by Accept.
"""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

from werkzeug.wrappers import Request

from integrations.simulators.http_erp.books import BAD_REQUEST, Refusal

DEEPEST = 20


def is_json(request: Request) -> bool:
    if request.get_data():
        return request.mimetype.endswith("json")
    return "json" in request.headers.get("Accept", "") and "xml" not in request.headers.get("Accept", "")


def parse(request: Request) -> dict[str, Any]:
    """What the body holds, without its outermost element; {} for none."""
    raw = request.get_data()
    if not raw.strip():
        return {}
    if is_json(request):
        return _parse_json(raw)
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise Refusal(BAD_REQUEST, "The document has a DOCTYPE, which is not taken.")
    try:
        root = ElementTree.fromstring(raw)  # noqa: S314  # without a DOCTYPE nothing can be declared
    except ElementTree.ParseError as error:
        raise Refusal(BAD_REQUEST, f"The document is no XML: {error}") from error
    found = _read(root, 0)
    return found if isinstance(found, dict) else {}


def _parse_json(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise Refusal(BAD_REQUEST, f"The document is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Refusal(BAD_REQUEST, "The document must be an object.")
    inner = next(iter(found.values()), None)
    return inner if len(found) == 1 and isinstance(inner, dict) and "Lines" not in found else found


def _read(element: ElementTree.Element, depth: int) -> Any:
    if depth > DEEPEST:
        raise Refusal(BAD_REQUEST, "The document is nested too deep.")
    children = list(element)
    if not children:
        return (element.text or "").strip()
    found: dict[str, Any] = {}
    for child in children:
        name, value = child.tag.rpartition("}")[2], _read(child, depth + 1)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def rows(given: dict[str, Any], outer: str, inner: str) -> list[dict[str, Any]]:
    """The repeated elements: <outer><inner/>…</outer>, or in JSON a plain list under `outer`."""
    found = given.get(outer) or []
    if isinstance(found, dict):
        found = found.get(inner) or []
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(one, dict) for one in listed):
        raise Refusal(BAD_REQUEST, f"{outer} holds something that is no {inner}.")
    return listed


def to_json(tree: dict[str, Any]) -> str:
    return json.dumps(tree, ensure_ascii=False)


def to_xml(root: str, tree: dict[str, Any]) -> str:
    element = ElementTree.Element(root)
    _write(element, tree)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(element, encoding="unicode")


def _write(element: ElementTree.Element, tree: dict[str, Any]) -> None:
    for name, value in tree.items():
        for one in value if isinstance(value, list) else [value]:
            child = ElementTree.SubElement(element, name)
            if isinstance(one, dict):
                _write(child, one)
            elif isinstance(one, bool):
                child.text = "true" if one else "false"
            elif one is not None:
                child.text = str(one)
