"""The Shopify simulator against the vendor's own description of the API, version 2026-07."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_client_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse,
    specified_directives,
    validate,
    validate_schema,
)

from integrations.simulators.shopify import api, bulk, payloads
from integrations.simulators.shopify.execute import run_document
from integrations.simulators.shopify.schema import Context, load_schema
from tests.conftest import missing
from tests.simulators.shopify_client import Store, open_store


@pytest.fixture(scope="module")
def vendor(shared_dir: Path) -> GraphQLSchema:
    path = shared_dir / "specs" / "shopify" / "admin_2026-07.json.gz"
    if not path.exists():
        missing(f"the vendor's introspection {path.name} is not there")
    return _read(path)


@cache
def _read(path: Path) -> GraphQLSchema:
    found = json.loads(gzip.decompress(path.read_bytes()))
    # Six of its fields are deprecated where their interface's are not, which graphql-core will not have.
    return build_client_schema(found.get("data", found), assume_valid=True)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with open_store() as store:
        yield store


def own_types() -> list[Any]:
    return [kind for name, kind in sorted(load_schema().type_map.items()) if not name.startswith("__")]


def test_what_is_served_is_a_schema() -> None:
    assert validate_schema(load_schema()) == []
    assert len(own_types()) > 400


def test_every_type_field_and_argument_is_the_vendors(vendor: GraphQLSchema) -> None:
    differences: list[str] = []
    for kind in own_types():
        theirs = vendor.type_map.get(kind.name)
        if type(theirs).__name__ != type(kind).__name__:
            differences.append(f"{kind.name} is {type(theirs).__name__}")
            continue
        differences += compare(kind, theirs)
    assert differences == []


def compare(ours: Any, theirs: Any) -> list[str]:
    if isinstance(ours, GraphQLEnumType):
        return [f"{ours.name}.{value}" for value in set(ours.values) ^ set(theirs.values)]
    if isinstance(ours, GraphQLUnionType):
        return [f"{ours.name}: {kind}" for kind in names(ours.types) - names(theirs.types)]
    if isinstance(ours, GraphQLInputObjectType):
        return [*compare_inputs(ours.name, ours.fields, theirs.fields)]
    if not isinstance(ours, GraphQLObjectType | GraphQLInterfaceType):
        return []
    found = [f"{ours.name} implements {one}" for one in names(ours.interfaces) - names(theirs.interfaces)]
    for name, field in ours.fields.items():
        known = theirs.fields.get(name)
        if known is None or str(known.type) != str(field.type):
            found.append(f"{ours.name}.{name}: {field.type} is {known and known.type}")
        else:
            found += compare_inputs(f"{ours.name}.{name}", field.args, known.args)
    return found


def names(kinds: Iterable[Any]) -> set[str]:
    return {str(kind) for kind in kinds}


def compare_inputs(where: str, ours: Any, theirs: Any) -> Iterator[str]:
    """Each is the vendor's, and none that the vendor needs is left out."""
    for name, argument in ours.items():
        known = theirs.get(name)
        if known is None or str(known.type) != str(argument.type):
            yield f"{where}({name}: {argument.type}) is {known and known.type}"
        elif is_required_argument(known) != is_required_argument(argument):
            yield f"{where}({name}) has another default"
    for name, argument in theirs.items():
        if name not in ours and is_required_argument(argument):
            yield f"{where}({name}) is left out"


def test_the_directive_is_the_vendors(vendor: GraphQLSchema) -> None:
    known = {one.name for one in specified_directives}
    (ours,) = (one for one in load_schema().directives if one.name not in known)
    theirs = vendor.get_directive(ours.name)
    assert theirs is not None
    assert ours.name == "idempotent"
    assert (ours.locations, str(ours.args["key"].type)) == (theirs.locations, str(theirs.args["key"].type))


def test_every_mutation_is_done_by_somebody() -> None:
    done = set(api.MUTATIONS) | set(bulk.NEED_CONTEXT)
    schema = load_schema()
    assert schema.mutation_type is not None
    assert set(schema.mutation_type.fields) == done


# --- webhooks carry the older API's records ---------------------------------------------------------------------------

RECORDS = {
    "Order": "order", "Product": "product", "Customer": "customer", "Refund": "refund", "Fulfillment": "fulfillment",
    "InventoryLevel": "inventory_level", "InventoryItem": "inventory_item",
}  # fmt: skip
PARTS = {
    "line_items": "line_item",
    "shipping_lines": "shipping_line",
    "transactions": "transaction",
    "refunds": "refund",
}


@pytest.mark.parametrize("kind", sorted(RECORDS))
def test_a_payload_names_its_properties_as_the_vendors_examples_do(store: Store, shared_dir: Path, kind: str) -> None:
    path = shared_dir / "specs" / "shopify" / "rest_examples_2026-07.json"
    if not path.exists():
        missing(f"the vendor's examples {path.name} are not there")
    known = read_examples(path)
    fill(store)
    row = next(iter(store.sim.shop.rows[kind].values()))
    payload = payloads.build_payload(store.sim.shop, "any/update", row["id"])
    assert payload is not None
    assert set(payload) - known[RECORDS[kind]] == set()
    for name, part in PARTS.items():
        for one in payload.get(name, []):
            assert set(one) - known[part] == set(), name


@cache
def read_examples(path: Path) -> dict[str, set[str]]:
    """The names of properties in the examples, by the name of what they are of, in the singular."""
    found: dict[str, set[str]] = defaultdict(set)

    def walk(value: Any, name: str) -> None:
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                found[name.removesuffix("s")] |= set(one)
                for key, inner in one.items():
                    walk(inner, key)

    for example in json.loads(path.read_text(encoding="utf-8")):
        walk(example["response_body"], "")
    return found


# --- every field has a value ------------------------------------------------------------------------------------------

DEEPEST = 3
NEEDED = {"names": '["available", "on_hand", "committed"]', "key": '"colour"', "namespace": '"custom"', "first": "2"}


def select(kind: Any, depth: int, seen: tuple[str, ...] = ()) -> str:
    """A selection of everything, as deep as it goes."""
    if isinstance(kind, GraphQLUnionType):
        parts = [f"... on {one.name} {{ {select(one, depth, seen)} }}" for one in kind.types]
        return " ".join(["__typename", *parts])
    schema, chosen = load_schema(), ["__typename"]
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        arguments = {}
        for given, argument in field.args.items():
            if is_required_argument(argument) or given == "first":
                if given not in NEEDED:
                    break
                arguments[given] = NEEDED[given]
        else:
            shown = "(" + ", ".join(f"{one}: {value}" for one, value in arguments.items()) + ")" if arguments else ""
            alias = f"{kind.name}_{name}: " if seen and isinstance(schema.type_map[seen[-1]], GraphQLUnionType) else ""
            if is_leaf_type(inner):
                chosen.append(f"{alias}{name}{shown}")
            elif depth and seen.count(inner.name) < 1:
                step = 0 if inner.name.endswith(("Connection", "Edge")) else 1
                chosen.append(f"{alias}{name}{shown} {{ {select(inner, depth - step, (*seen, inner.name))} }}")
    return " ".join(chosen)


ROOTS = (
    "order", "product", "productVariant", "inventoryItem", "inventoryLevel", "customer", "fulfillment",
    "fulfillmentOrder", "return", "refund", "location", "webhookSubscription", "bulkOperation",
    "collection",
)  # fmt: skip


@pytest.mark.parametrize("name", [*ROOTS, "shop", "currentAppInstallation", "inventoryProperties"])
def test_every_field_of_a_record_is_answered(store: Store, vendor: GraphQLSchema, name: str) -> None:
    ids = fill(store)
    schema = load_schema()
    assert schema.query_type is not None
    kind = get_named_type(schema.query_type.fields[name].type)
    shown = f'(id: "{ids[name]}")' if name in ROOTS else ""
    query = f"{{ {name}{shown} {{ {select(kind, DEEPEST, (kind.name,))} }} }}"
    assert validate(vendor, parse(query)) == []
    context = Context(shop=store.sim.shop, visible=lambda at: True, base_url=store.base_url)
    body = run_document(parse(query), {}, None, context, api.resolve)
    assert body.get("errors", []) == []
    assert body["data"][name]["__typename"] == kind.name


def fill(store: Store) -> dict[str, str]:
    """A shop in which everything there is, is there once: the id of one of each."""
    shop = store.sim.shop
    if not shop.rows["Return"]:
        things = store.article("A1", stock=10)
        store.mutate(METAFIELD, owner=things["product"])
        order = store.buy(("A1", 3, "10.00"), tax_rate="20", discount="3", shipping="5", currency="EUR")
        number = order.rpartition("/")[2]
        store.control("shipments", {"order": number, "lines": [{"sku": "A1", "quantity": 2}], "tracking": "GB1"})
        sent = next(iter(shop.rows["FulfillmentLineItem"].values()))["id"]
        store.mutate(RETURN, input={"orderId": order, "returnLineItems": [
            {"fulfillmentLineItemId": sent, "quantity": 1, "returnReason": "DEFECTIVE"}]})  # fmt: skip
        store.control("refunds", {"order": number, "lines": [{"index": 0, "quantity": 1, "amount": "7"}]})
        hook = {"uri": "http://127.0.0.1:9/", "filter": ""}
        store.mutate(HOOK, hook=hook)
        store.mutate(
            'mutation { bulkOperationRunQuery(query: "{ orders { nodes { id } } }") { userErrors { message } } }'
        )
    kinds = {name: name[0].upper() + name[1:] for name in ROOTS}
    return {name: next(iter(shop.rows[kind].values()))["id"] for name, kind in kinds.items()}


METAFIELD = """mutation($owner: ID!) { metafieldsSet(metafields: [
    {ownerId: $owner, namespace: "custom", key: "colour", type: "single_line_text_field", value: "red"}])
    { metafields { id } userErrors { message } } }"""
RETURN = "mutation($input: ReturnInput!) { returnCreate(returnInput: $input) { return { id } userErrors { message } } }"
HOOK = """mutation($hook: WebhookSubscriptionInput!) {
    webhookSubscriptionCreate(topic: ORDERS_CREATE, webhookSubscription: $hook) { userErrors { message } } }"""
