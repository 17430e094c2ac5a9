"""The roots: queries, mutations, and how a mutation answers for what it was given.

documented: https://shopify.dev/docs/api/usage/implementing-idempotency: @idempotent is needed by the mutations below
since 2026-04
(https://shopify.dev/changelog/posts/making-idempotency-mandatory-for-inventory-adjustments-and-refund-mutations); for
24 hours the same key with the same arguments does nothing again and answers from what is there now; with other
arguments it is IDEMPOTENCY_KEY_PARAMETER_MISMATCH; after a refusal IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED where the
mutation knows that code. judgement: where it does not, a refused attempt is not remembered.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any, cast

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    get_argument_values,
    get_named_type,
)

from integrations.simulators.shopify import (
    access,
    bulk,
    catalogue_fields,
    customers,
    edits,
    fulfillments,
    inventory,
    metafields,
    order_create,
    order_fields,
    orders,
    products,
    publishing,
    refunds,
    returns,
    subscriptions,
    variants,
)
from integrations.simulators.shopify.catalogue_fields import build_shop, count
from integrations.simulators.shopify.lists import LISTS, find_rows, sort_key
from integrations.simulators.shopify.records import Record, UserError, plain_id
from integrations.simulators.shopify.schema import Computed, Context, bind

KEPT_SECONDS = 24 * 3600
NEED_KEY = {"inventoryActivate", "inventoryAdjustQuantities", "inventorySetQuantities", "refundCreate"}
VERSIONS = (("2026-04", "2026-04"), ("2026-07", "2026-07 (Latest)"), ("2026-10", "2026-10 (Release candidate)"))

MUTATIONS: dict[str, Callable[..., Record]] = {
    **products.MUTATIONS,
    **variants.MUTATIONS,
    **inventory.MUTATIONS,
    **metafields.MUTATIONS,
    **customers.MUTATIONS,
    **order_create.MUTATIONS,
    **orders.MUTATIONS,
    **fulfillments.MUTATIONS,
    **refunds.MUTATIONS,
    **returns.MUTATIONS,
    **publishing.MUTATIONS,
    **edits.MUTATIONS,
    **subscriptions.MUTATIONS,
    **bulk.MUTATIONS,
}
COMPUTED: dict[str, dict[str, Computed]] = {}
for _table in (
    metafields.COMPUTED,
    catalogue_fields.COMPUTED,
    customers.COMPUTED,
    order_fields.COMPUTED,
    publishing.COMPUTED,
    edits.COMPUTED,
    subscriptions.COMPUTED,
    bulk.COMPUTED,
):
    for _kind, _fields in _table.items():
        COMPUTED[_kind] = COMPUTED.get(_kind, {}) | _fields

_resolve_field = bind(COMPUTED)


def resolve(source: Any, info: GraphQLResolveInfo[Context], **args: Any) -> Any:
    """The resolver of every field of a request."""
    kind = info.parent_type.name
    if kind == "QueryRoot":
        access.check(info.field_name, info.context.scopes, write=False)
        return _query(info, args)
    if kind == "Mutation":
        access.check(info.field_name, info.context.scopes, write=True)
        return _mutate(info, args)
    return _resolve_field(source, info, **args)


# queries --------------------------------------------------------------------------------------------------------------
def _query(info: GraphQLResolveInfo[Context], args: dict[str, Any]) -> Any:
    context = info.context
    name = info.field_name
    if name in _SINGLES:
        return _SINGLES[name](context, args)
    if name in LISTS:
        return _list(context, info, name, args)
    if name.endswith("Count"):
        rows = _rows(context, info, name.removesuffix("Count"), args)
        limit = args.get("limit")
        if limit is not None and len(rows) > limit:
            return {"count": limit, "precision": "AT_LEAST"}
        return count(len(rows))
    kind = name[0].upper() + name[1:]
    return context.shop.find(plain_id(args["id"], kind), kind)


def _list(context: Context, info: GraphQLResolveInfo[Context], name: str, args: dict[str, Any]) -> Record:
    rows = _rows(context, info, name, args)
    return context.connect(rows, args, sort_key(context.shop, name, args.get("sortKey")))


def _rows(context: Context, info: GraphQLResolveInfo[Context], name: str, args: dict[str, Any]) -> list[Record]:
    shop = context.shop
    rows = [row for row in shop.all(LISTS[name].kind) if context.visible(row["_touched"])]
    if name == "orders":
        rows = access.hide_old(shop, rows, context.scopes)
    if name == "locations" and not args.get("includeInactive"):
        rows = [row for row in rows if row["isActive"]]
    if name == "fulfillmentOrders" and not args.get("includeClosed"):
        rows = [row for row in rows if row["status"] not in {"CLOSED", "CANCELLED"}]
    if name == "webhookSubscriptions":
        rows = subscriptions.pick(rows, args)
    warnings: list[dict[str, str]] = []
    rows = find_rows(shop, name, args.get("query"), rows, warnings)
    if warnings:
        path = info.path.as_list()
        context.searches.append({"path": path, "query": args.get("query"), "parsed": {}, "warnings": warnings})
    return rows


def _nodes(context: Context, args: dict[str, Any]) -> list[Record | None]:
    return [_node(context, {"id": gid}) for gid in args["ids"]]


def _node(context: Context, args: dict[str, Any]) -> Record | None:
    if args["id"] == build_shop(context.shop)["id"]:
        return {**build_shop(context.shop), "__typename": "Shop"}
    if not args["id"].startswith("gid://shopify/"):
        raise GraphQLError(f"Invalid global id '{args['id']}'", extensions={"code": "argumentLiteralsIncompatible"})
    return context.shop.find(args["id"])


def _job(context: Context, args: dict[str, Any]) -> Record | None:
    return context.shop.find(args["id"], "Job")


def _returnable(context: Context, args: dict[str, Any]) -> Record:
    order = context.shop.find(plain_id(args["orderId"], "Order"), "Order")
    return context.connect(returns.returnable(context.shop, order) if order else [], args)


def _reasons(context: Context, args: dict[str, Any]) -> Record:
    rows = [row for row in returns.list_reasons() if row["handle"] in (args.get("handles") or [row["handle"]])]
    return context.connect([row for row in rows if row["id"] in (args.get("ids") or [row["id"]])], args)


def _installation(context: Context, args: dict[str, Any]) -> Record:
    scopes = [{"handle": scope, "description": scope.replace("_", " ")} for scope in sorted(context.scopes)]
    address = f"{context.base_url}/app"
    return {
        "id": "gid://shopify/AppInstallation/1",
        "accessScopes": scopes,
        "app": metafields.APP,
        "launchUrl": address,
    }


def _versions(context: Context, args: dict[str, Any]) -> list[Record]:
    return [{"handle": handle, "displayName": name, "supported": True} for handle, name in VERSIONS]


_SINGLES: dict[str, Callable[[Context, dict[str, Any]], Any]] = {
    "shop": lambda context, args: build_shop(context.shop),
    "location": lambda context, args: context.shop.find(
        plain_id(args["id"], "Location") if args.get("id") else context.shop.primary_location["id"], "Location"
    ),
    "node": _node,
    "nodes": _nodes,
    "job": _job,
    "productByIdentifier": lambda context, args: products.find_by(context.shop, args["identifier"]),
    "productVariantByIdentifier": lambda context, args: (
        products.find_by_custom_id(context.shop, "ProductVariant", args["identifier"]["customId"])
        if args["identifier"].get("customId")
        else context.shop.find(plain_id(args["identifier"]["id"], "ProductVariant"), "ProductVariant")
    ),
    "orderByIdentifier": lambda context, args: (
        products.find_by_custom_id(context.shop, "Order", args["identifier"]["customId"])
        if args["identifier"].get("customId")
        else context.shop.find(plain_id(args["identifier"]["id"], "Order"), "Order")
    ),
    "customerByIdentifier": lambda context, args: customers.find_by(context.shop, args["identifier"]),
    "productOperation": lambda context, args: context.shop.find(args["id"], "ProductSetOperation"),
    "inventoryProperties": lambda context, args: {},
    "returnableFulfillments": _returnable,
    "returnReasonDefinitions": _reasons,
    "currentAppInstallation": _installation,
    "publicApiVersions": _versions,
    "publications": lambda context, args: context.connect([publishing.PUBLICATION], args),
    "publicationsCount": lambda context, args: count(1),
    "currentBulkOperation": lambda context, args: bulk.find_current(context.shop, args),
}


# mutations ------------------------------------------------------------------------------------------------------------
def _mutate(info: GraphQLResolveInfo[Context], args: dict[str, Any]) -> Record:
    context = info.context
    payload_type = cast("GraphQLObjectType", get_named_type(info.return_type))
    key = _read_key(info)
    if key is None and info.field_name in NEED_KEY:
        message = "The @idempotent directive is required for this mutation but was not provided."
        raise GraphQLError(message, extensions={"code": "BAD_REQUEST"})
    try:
        payload = _once(context, info.field_name, key, args, payload_type)
    except UserError as error:
        payload = {"userErrors": [error.entry]}
    return _complete(context, payload_type, payload)


def _once(
    context: Context, name: str, key: str | None, args: dict[str, Any], payload_type: GraphQLObjectType
) -> Record:
    if key is None:
        return _do(context, name, args)
    kept, mark = context.shop.keys, f"{name} {key}"
    digest = hashlib.sha256(json.dumps(args, sort_keys=True, default=str).encode()).hexdigest()
    known = kept.get(mark)
    if known is not None and time.time() - known["at"] < KEPT_SECONDS:
        if known["digest"] != digest:
            message = "The same idempotency key cannot be used with different operation parameters."
            raise UserError(message, None, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
        if known["payload"] is None:
            message = "A previous request with this idempotency key failed. Retry with a new idempotency key."
            raise UserError(message, None, "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")
        return dict(known["payload"])
    entry: Record = {"digest": digest, "at": time.time(), "payload": None}
    try:
        entry["payload"] = _do(context, name, args)
    except UserError:
        if "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED" in _codes(payload_type):
            kept[mark] = entry
        raise
    kept[mark] = entry
    return dict(entry["payload"])


def _do(context: Context, name: str, args: dict[str, Any]) -> Record:
    if name in bulk.NEED_CONTEXT:
        return bulk.NEED_CONTEXT[name](context, resolve, args)
    return MUTATIONS[name](context.shop, args)


def _read_key(info: GraphQLResolveInfo[Context]) -> str | None:
    directive = info.schema.get_directive("idempotent")
    for node in info.field_nodes[0].directives or ():
        if directive is not None and node.name.value == "idempotent":
            key = str(get_argument_values(directive, node, info.variable_values)["key"])
            if not key.strip():
                raise GraphQLError("The idempotency key cannot be blank.", extensions={"code": "BAD_REQUEST"})
            return key
    return None


def _complete(context: Context, payload_type: GraphQLObjectType, payload: Record) -> Record:
    """The lists of errors by all their names; a code that the mutation does not know is INVALID there, or none."""
    errors, codes = payload.get("userErrors", []), _codes(payload_type)
    for error in errors:
        if codes and error["code"] not in codes:
            error["code"] = next(
                (code for code in ("INVALID", "INVALID_INPUT", "GENERIC_ERROR") if code in codes), None
            )
    named = {name: errors for name in payload_type.fields if name.endswith("rrors")}
    more = {"shop": build_shop(context.shop)} if "shop" in payload_type.fields else {}
    return payload | named | more


def _codes(payload_type: GraphQLObjectType) -> set[str]:
    found: set[str] = set()
    for name, definition in payload_type.fields.items():
        error = get_named_type(definition.type)
        if name.endswith("rrors") and isinstance(error, GraphQLObjectType) and "code" in error.fields:
            code = get_named_type(error.fields["code"].type)
            if isinstance(code, GraphQLEnumType):
                found |= set(code.values)
    return found
