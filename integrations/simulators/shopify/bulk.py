"""Bulk operations: a query without pages whose answer is a file, a mutation run once a line of an uploaded one.

documented: https://shopify.dev/docs/api/usage/bulk-operations/queries and .../imports: JSONL, a nested connection's
nodes on lines of their own with __parentId; at least one connection, at most five, nested two deep, whose parents
select their id; a file is uploaded to a staged target, whose `key` is the stagedUploadPath. judgement: the work is
done at once: the answer says CREATED, whoever asks later finds COMPLETED.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from graphql import FieldNode, GraphQLSchema, OperationDefinitionNode, OperationType, SelectionSetNode, get_named_type

from integrations.simulators.shopify import execute
from integrations.simulators.shopify.records import Record, UserError, number_of, stamp
from integrations.simulators.shopify.schema import Computed, Context, load_schema
from integrations.simulators.shopify.shop import Shop

MOST_CONNECTIONS, DEEPEST = 5, 2
KEPT_FILES = 50  # judgement: the vendor keeps them for a week
Resolver = Callable[..., Any]


def run_query(context: Context, resolver: Resolver, args: dict[str, Any]) -> Record:
    document, operation = _parse(args["query"], OperationType.QUERY, "query")
    _check_query(load_schema(), operation)
    shop = context.shop
    row = _add(shop, "QUERY", args["query"])
    inside = Context(shop=shop, visible=context.visible, base_url=context.base_url, scopes=context.scopes,
                     bulk=True)  # fmt: skip
    body = execute.run_document(document, {}, None, inside, resolver)
    lines: list[Record] = []
    if body.get("data") is None:
        row |= {"status": "FAILED", "errorCode": "INTERNAL_SERVER_ERROR", "objectCount": 0, "rootObjectCount": 0}
    else:
        for value in body["data"].values():
            lines += _flatten(value, None)
        roots = sum("__parentId" not in line for line in lines)
        row |= {"objectCount": len(lines), "rootObjectCount": roots}
    return _finish(context, row, lines)


def run_mutation(context: Context, resolver: Resolver, args: dict[str, Any]) -> Record:
    """documented: each line is the variables of one run; each answer says its `__lineNumber`."""
    document, _ = _parse(args["mutation"], OperationType.MUTATION, "mutation")
    shop = context.shop
    uploaded = shop.files.get(args["stagedUploadPath"])
    if uploaded is None:
        raise UserError("The JSONL file could not be found. Try uploading the file again.", ["stagedUploadPath"],
                        "NO_SUCH_FILE")  # fmt: skip
    row = _add(shop, "MUTATION", args["mutation"])
    lines: list[Record] = []
    for place, text in enumerate(line for line in uploaded.splitlines() if line.strip()):
        inside = Context(shop=shop, visible=context.visible, base_url=context.base_url, scopes=context.scopes)
        try:
            variables = json.loads(text)
        except ValueError:
            lines.append({"errors": [{"message": "The line is not JSON."}], "__lineNumber": place})
            continue
        lines.append(execute.run_document(document, variables, None, inside, resolver) | {"__lineNumber": place})
    row |= {"objectCount": len(lines), "rootObjectCount": len(lines)}
    return _finish(context, row, lines)


def cancel(shop: Shop, args: dict[str, Any]) -> Record:
    row = shop.need(args["id"], "BulkOperation", ["id"], message="Bulk operation does not exist")
    if row["status"] in {"COMPLETED", "FAILED", "CANCELED"}:
        raise UserError(f"A bulk operation cannot be canceled when it is {row['status'].lower()}", None)
    return {"bulkOperation": row["id"]}


def staged_uploads(context: Context, resolver: Resolver, args: dict[str, Any]) -> Record:
    targets = []
    for one in args["input"]:
        number = context.shop.next_number("StagedUpload")
        key = f"tmp/1/bulk/{number}/{one['filename']}"
        context.shop.files[key] = ""
        parameters = [{"name": "Content-Type", "value": one["mimeType"]}, {"name": "key", "value": key}]
        address = f"{context.base_url}/staged-uploads"
        targets.append({"url": address, "resourceUrl": f"{address}/{key}", "parameters": parameters})
    return {"stagedTargets": targets}


def find_current(shop: Shop, args: dict[str, Any]) -> Record | None:
    """documented: currentBulkOperation: the newest of its type, whatever its state."""
    rows = [row for row in shop.all("BulkOperation") if row["type"] == (args.get("type") or "QUERY")]
    return rows[-1] if rows else None


def build_finish(row: Record) -> Record:
    """documented: the payload of bulk_operations/finish."""
    return {
        "admin_graphql_api_id": row["id"], "completed_at": row["completedAt"], "created_at": row["createdAt"],
        "error_code": row["errorCode"], "status": row["status"].lower(), "type": row["type"].lower(),
    }  # fmt: skip


# how it is done -------------------------------------------------------------------------------------------------------
def _add(shop: Shop, kind: str, query: str) -> Record:
    return shop.add("BulkOperation", {
        "type": kind, "query": query, "status": "COMPLETED", "errorCode": None, "objectCount": 0, "rootObjectCount": 0,
        "fileSize": None, "url": None, "partialDataUrl": None, "completedAt": stamp(shop.now()),
    })  # fmt: skip


def _finish(context: Context, row: Record, lines: list[Record]) -> Record:
    """documented: there is no file where nothing was found."""
    shop = context.shop
    text = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines)
    if text:
        name = f"bulk-{number_of(row['id'])}-{shop.rng.getrandbits(64):016x}.jsonl"
        shop.files[name] = text
        for old in list(shop.files)[:-KEPT_FILES]:
            del shop.files[old]
        row |= {"url": f"{context.base_url}/downloads/{name}", "fileSize": len(text.encode())}
    shop.emit(row["id"], "bulk_operations/finish")
    first = row | {"status": "CREATED", "completedAt": None, "url": None, "fileSize": None}
    return {"bulkOperation": first | {"objectCount": 0, "rootObjectCount": 0}}


def _parse(text: str, kind: OperationType, field: str) -> tuple[Any, OperationDefinitionNode]:
    try:
        document, operation = execute.read_query({"query": text})
    except execute.Refused as error:
        message = error.body["errors"][0]["message"]
        raise UserError(f"Invalid bulk {field}: {message}", [field]) from error
    if operation.operation is not kind:
        raise UserError(f"Invalid operation type. Only `{kind.value}` operations are supported.", [field])
    return document, operation


def _check_query(schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
    found = list(_connections(schema, operation.selection_set, "QueryRoot", 1))
    if not found:
        raise UserError("Bulk queries must contain at least one connection.", ["query"])
    if len(found) > MOST_CONNECTIONS:
        raise UserError(f"Bulk queries cannot contain more than {MOST_CONNECTIONS} connections.", ["query"])
    if max(depth for _, depth, _ in found) > DEEPEST + 1:
        message = f"Bulk queries cannot contain connections with a nesting depth greater than {DEEPEST}."
        raise UserError(message, ["query"])
    if any(depth > 1 and not has_id for _, depth, has_id in found):
        message = "The parent 'node' field for a nested connection must select the 'id' field without an alias."
        raise UserError(message, ["query"])


def _connections(
    schema: GraphQLSchema, selections: SelectionSetNode | None, kind: str, depth: int, has_id: bool = True
) -> Iterator[tuple[str, int, bool]]:
    """(name, depth, whether its parent selects its id) of every connection."""
    for node in selections.selections if selections else ():
        if not isinstance(node, FieldNode):
            continue
        definition = getattr(schema.type_map[kind], "fields", {}).get(node.name.value)
        if definition is None:
            continue
        inner = get_named_type(definition.type).name
        below = has_id
        if node.name.value in {"node", "nodes"} and node.selection_set:
            below = any(
                isinstance(one, FieldNode) and one.name.value == "id" and one.alias is None
                for one in node.selection_set.selections
            )
        if inner.endswith("Connection"):
            yield node.name.value, depth, has_id
            yield from _connections(schema, node.selection_set, inner, depth + 1, has_id)
        else:
            yield from _connections(schema, node.selection_set, inner, depth, below)


def _flatten(value: Any, parent: str | None) -> Iterator[Record]:
    """A connection's nodes in order, each followed by what is under it."""
    if not isinstance(value, dict):
        return
    if "edges" in value or "nodes" in value:
        nodes = value["nodes"] if "nodes" in value else [edge["node"] for edge in value["edges"]]
        for node in nodes:
            plain = {key: one for key, one in node.items() if not _is_connection(one)}
            yield plain | ({"__parentId": parent} if parent else {})
            for one in node.values():
                if _is_connection(one):
                    yield from _flatten(one, node.get("id"))
    else:
        for one in value.values():
            yield from _flatten(one, value.get("id"))


def _is_connection(value: Any) -> bool:
    return isinstance(value, dict) and ("edges" in value or "nodes" in value)


MUTATIONS = {"bulkOperationCancel": cancel}
NEED_CONTEXT: dict[str, Callable[[Context, Resolver, dict[str, Any]], Record]] = {
    "bulkOperationRunQuery": run_query,
    "bulkOperationRunMutation": run_mutation,
    "stagedUploadsCreate": staged_uploads,
}
COMPUTED: dict[str, dict[str, Computed]] = {}
