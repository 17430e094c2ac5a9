"""One POST to graphql.json: is it a query, what does it cost, may it run, what did it give.

documented: https://shopify.dev/docs/api/admin-graphql/2026-07#status-and-error-codes: the status is 200 for what is
wrong with a query, too; `errors[].extensions.code` is THROTTLED, ACCESS_DENIED, SHOP_INACTIVE, INTERNAL_SERVER_ERROR,
MAX_COST_EXCEEDED; https://shopify.dev/docs/api/usage/limits: input arrays of at most 250. judgement: the words of
graphql-core for what is wrong with a query; the shape of the vendor's library around them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    ListValueNode,
    OperationDefinitionNode,
    Visitor,
    execute_sync,
    parse,
    validate,
    visit,
)

from integrations.simulators.shopify.cost import MOST, Bucket, Meter
from integrations.simulators.shopify.schema import Context, load_schema

LONGEST_INPUT = 250
LIMITS_PAGE = "https://shopify.dev/docs/api/usage/limits"


class Refused(Exception):
    """The query was not run; `errors` says why."""

    def __init__(self, *errors: dict[str, Any], extensions: dict[str, Any] | None = None) -> None:
        super().__init__(errors)
        self.body: dict[str, Any] = {"errors": list(errors)} | ({"extensions": extensions} if extensions else {})


def run(payload: Mapping[str, Any], context: Context, bucket: Bucket, resolver: Callable[..., Any]) -> dict[str, Any]:
    """The answer's body; Refused for what was not run."""
    document, operation = read_query(payload)
    variables = payload.get("variables") or {}
    _check_lengths(document, variables)
    meter = Meter(load_schema(), document, variables | _defaults(operation, variables))
    requested = meter.count(operation)
    if requested > MOST:
        raise Refused(_too_dear(requested))
    if not bucket.take(requested):
        extensions = {"code": "THROTTLED", "documentation": LIMITS_PAGE}
        throttled = {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": bucket.describe()}
        raise Refused({"message": "Throttled", "extensions": extensions}, extensions={"cost": throttled})
    body = run_document(document, variables, payload.get("operationName"), context, resolver)
    actual = meter.count(operation, body["data"]) if body.get("data") is not None else 0
    bucket.give_back(requested - min(actual, requested))
    cost = {"requestedQueryCost": requested, "actualQueryCost": min(actual, requested)}
    body["extensions"] = {"cost": cost | {"throttleStatus": bucket.describe()}}
    if context.searches:
        body["extensions"]["search"] = context.searches
    return body


def run_document(
    document: DocumentNode,
    variables: Mapping[str, Any],
    name: str | None,
    context: Context,
    resolver: Callable[..., Any],
) -> dict[str, Any]:
    """`data` and, where there are any, `errors`; without either of cost and limits."""
    result = execute_sync(
        load_schema(),
        document,
        variable_values=dict(variables),
        operation_name=name,
        context_value=context,
        field_resolver=resolver,
    )
    errors = [describe(error) for error in result.errors or []]
    if result.data is None and errors and all("path" not in error for error in errors):
        return {"errors": errors}  # what was wrong with the variables: nothing was run
    return ({"data": result.data}) | ({"errors": errors} if errors else {})


def read_query(payload: Mapping[str, Any]) -> tuple[DocumentNode, OperationDefinitionNode]:
    text = payload.get("query")
    if not isinstance(text, str) or not text.strip():
        raise Refused({"message": "Required parameter missing or invalid: query"})
    document = parse_query(text)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    name = payload.get("operationName")
    if name:
        operations = [node for node in operations if node.name and node.name.value == name]
    if len(operations) != 1:
        what = f"No operation named {name!r}" if name else "An operation name is required"
        raise Refused({"message": what})
    return document, operations[0]


def parse_query(text: str) -> DocumentNode:
    """The document, checked against the schema."""
    document, errors = _parse(text)
    if document is None or errors:
        raise Refused(*errors)
    return document


@lru_cache(maxsize=300)
def _parse(text: str) -> tuple[DocumentNode | None, tuple[dict[str, Any], ...]]:
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, (describe(error),)
    found = validate(load_schema(), document)
    return document, tuple(describe(error, code="invalidQuery") for error in found)


def describe(error: GraphQLError, code: str = "") -> dict[str, Any]:
    """documented: message, locations, path, extensions.code. An error of the simulator itself is an
    INTERNAL_SERVER_ERROR as far as the client is concerned; its message says what it was."""
    shown: dict[str, Any] = dict(error.formatted)
    if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
        code = "INTERNAL_SERVER_ERROR"
        shown["message"] = f"{type(error.original_error).__name__}: {error.original_error}"
    elif error.message.startswith("Variable "):
        code = "INVALID_VARIABLE"
    if code:
        shown["extensions"] = {"code": code, **(error.extensions or {})}
    return shown


def _too_dear(requested: int) -> dict[str, Any]:
    message = f"Query cost is {requested}, which exceeds the single query max cost limit ({MOST})."
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": MOST, "documentation": LIMITS_PAGE}
    return {"message": message, "extensions": extensions}


def _defaults(operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers among the variables' defaults, for the sizes of connections."""
    found = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        value = getattr(definition.default_value, "value", None)
        if name not in variables and isinstance(value, str) and value.isdecimal():
            found[name] = int(value)
    return found


def _check_lengths(document: DocumentNode, variables: Any) -> None:
    longest = _longest(variables)

    class Lists(Visitor):
        def enter_list_value(self, node: ListValueNode, *_: Any) -> None:
            nonlocal longest
            longest = max(longest, len(node.values))

    visit(document, Lists())
    if longest > LONGEST_INPUT:
        message = f"The input array size of {longest} is greater than the maximum allowed of {LONGEST_INPUT}."
        raise Refused({"message": message, "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"}})


def _longest(value: Any) -> int:
    if isinstance(value, dict):
        return max((_longest(inner) for inner in value.values()), default=0)
    if isinstance(value, list):
        return max([len(value), *(_longest(inner) for inner in value)])
    return 0
