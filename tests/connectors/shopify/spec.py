"""Requests and answers held against the vendor's introspection of the Admin API 2026-07 (../shared/specs/shopify)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_client_schema,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values
from graphql.type import is_composite_type

FILE = Path(__file__).resolve().parents[4] / "shared" / "specs" / "shopify" / "admin_2026-07.json.gz"


@cache
def schema() -> GraphQLSchema:
    """Quirk: a few of its deprecations are not as the GraphQL specification wants them, so it is taken as it stands."""
    found = json.loads(gzip.decompress(FILE.read_bytes()))
    return build_client_schema(found.get("data", found), assume_valid=True)


@cache
def document_faults(document: str) -> tuple[str, ...]:
    """What the schema says against a document."""
    return tuple(error.message for error in validate(schema(), parse(document)))


def request_faults(document: str, variables: Mapping[str, Any]) -> Iterator[str]:
    """And against the variables that go with it."""
    yield from document_faults(document)
    found = get_variable_values(schema(), _operation(document).variable_definitions or (), dict(variables))
    if isinstance(found, list):
        yield from (error.message for error in found)


def answer_faults(document: str, data: Mapping[str, Any]) -> Iterator[str]:
    """Where `data` is not what the document asks for: missing and surplus fields, null where there is none, enum values
    nobody knows. A field of a fragment on another type may be missing."""
    operation = _operation(document)
    root = schema().mutation_type if operation.operation.value == "mutation" else schema().query_type
    yield from _object(operation.selection_set, root, data, "")


def _operation(document: str) -> OperationDefinitionNode:
    (found,) = parse(document).definitions
    assert isinstance(found, OperationDefinitionNode)
    return found


def _object(selection: SelectionSetNode, kind: Any, value: Mapping[str, Any], path: str) -> Iterator[str]:
    known = set()
    for node in selection.selections:
        if isinstance(node, InlineFragmentNode):
            assert node.type_condition is not None
            inner = schema().get_type(node.type_condition.name.value)
            names = {one.name.value for one in node.selection_set.selections if isinstance(one, FieldNode)}
            if names & set(value):
                yield from _object(node.selection_set, inner, {k: value[k] for k in names & set(value)}, path)
            known |= names
            continue
        assert isinstance(node, FieldNode)
        name = node.name.value
        known.add(name)
        if name not in value:
            yield f"{path}.{name} is missing"
            continue
        yield from _value(node.selection_set, kind.fields[name].type, value[name], f"{path}.{name}")
    yield from (f"{path}.{name} was not asked for" for name in set(value) - known)


def _value(selection: SelectionSetNode | None, kind: Any, value: Any, path: str) -> Iterator[str]:
    if isinstance(kind, GraphQLNonNull):
        if value is None:
            yield f"{path} is null"
            return
        kind = kind.of_type
    if value is None:
        return
    if isinstance(kind, GraphQLList):
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for place, one in enumerate(value):
            yield from _value(selection, kind.of_type, one, f"{path}[{place}]")
    elif is_composite_type(kind):
        assert selection is not None
        yield from _object(selection, kind, value, path)
    elif isinstance(kind, GraphQLEnumType) and value not in kind.values:
        yield f"{path} is {value!r}, which {kind.name} does not know"
