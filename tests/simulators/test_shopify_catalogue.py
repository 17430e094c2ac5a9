"""The Shopify simulator's products, variants and stock, as a client that knows nothing of us would use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulators.shopify_client import Store, key, open_store


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as store:
        yield store


SET = """mutation($input: ProductSetInput!, $identifier: ProductSetIdentifiers, $synchronous: Boolean) {
  productSet(input: $input, identifier: $identifier, synchronous: $synchronous) {
    product { id handle title status tags options { name values }
      variants(first: 10) { nodes { id title sku price barcode position inventoryQuantity
        selectedOptions { name value } inventoryItem { id tracked } } } }
    productSetOperation { id status }
    userErrors { code field message } } }"""
UPDATE = """mutation($productId: ID!, $variants: [ProductVariantsBulkInput!]!, $partial: Boolean) {
  productVariantsBulkUpdate(productId: $productId, variants: $variants, allowPartialUpdates: $partial) {
    productVariants { id price compareAtPrice sku title } userErrors { code field message } } }"""
CREATE = """mutation($productId: ID!, $variants: [ProductVariantsBulkInput!]!) {
  productVariantsBulkCreate(productId: $productId, variants: $variants) {
    productVariants { title sku position } userErrors { code field message } } }"""
SET_STOCK = """mutation($key: String!, $quantities: [InventoryQuantityInput!]!, $name: String!, $reason: String!) {
  inventorySetQuantities(input: {name: $name, reason: $reason, quantities: $quantities}) @idempotent(key: $key) {
    inventoryAdjustmentGroup { reason changes { name delta quantityAfterChange } }
    userErrors { code field message } } }"""


def shirt(*sizes: str, **more: Any) -> dict[str, Any]:
    return {
        "title": "Shirt",
        "productOptions": [{"name": "Size", "values": [{"name": size} for size in sizes]}],
        "variants": [
            {"optionValues": [{"optionName": "Size", "name": size}], "price": "9.5",
             "inventoryItem": {"sku": f"SHIRT-{size}", "tracked": True}}
            for size in sizes
        ],
        **more,
    }  # fmt: skip


def set_stock(store: Store, things: dict[str, str], quantity: int, **more: Any) -> dict[str, Any]:
    row = {"inventoryItemId": things["item"], "locationId": things["location"], "quantity": quantity}
    row |= {"changeFromQuantity": more.pop("expected")} if "expected" in more else {}
    given = {"key": key(), "name": "available", "reason": "correction", "quantities": [row], **more}
    found: dict[str, Any] = store.body(SET_STOCK, **given)
    return found


def code_of(body: dict[str, Any]) -> str:
    (error,) = body["data"]["inventorySetQuantities"]["userErrors"]
    return str(error["code"])


# --- productSet -------------------------------------------------------------------------------------------------------


def test_a_product_is_made_with_all_its_variants(store: Store) -> None:
    made = store.mutate(SET, input=shirt("S", "M", tags=["new", "Sale", "new"], status="DRAFT"))["product"]
    assert (made["handle"], made["status"], made["tags"]) == ("shirt", "DRAFT", ["Sale", "new"])
    assert made["options"] == [{"name": "Size", "values": ["S", "M"]}]
    assert [(one["title"], one["sku"], one["price"], one["position"]) for one in made["variants"]["nodes"]] == [
        ("S", "SHIRT-S", "9.50", 1),
        ("M", "SHIRT-M", "9.50", 2),
    ]
    assert made["variants"]["nodes"][0]["selectedOptions"] == [{"name": "Size", "value": "S"}]


def test_what_a_list_leaves_out_is_deleted_and_the_rest_keeps_its_ids(store: Store) -> None:
    before = store.mutate(SET, input=shirt("S", "M"))["product"]
    after = store.mutate(SET, input=shirt("M", "L"), identifier={"id": before["id"]})["product"]
    assert after["id"] == before["id"]
    assert [one["title"] for one in after["variants"]["nodes"]] == ["M", "L"]
    assert after["variants"]["nodes"][0]["id"] == before["variants"]["nodes"][1]["id"]
    gone = before["variants"]["nodes"][0]["id"]
    assert store.call("query($id: ID!) { productVariant(id: $id) { id } }", id=gone) == {"productVariant": None}


def test_fields_left_out_stay(store: Store) -> None:
    before = store.mutate(SET, input=shirt("S", tags=["a"]))["product"]
    after = store.mutate(SET, input={"title": "Blouse"}, identifier={"id": before["id"]})["product"]
    assert (after["title"], after["tags"], len(after["variants"]["nodes"])) == ("Blouse", ["a"], 1)
    assert after["handle"] == "shirt"


def test_a_handle_makes_it_once(store: Store) -> None:
    first = store.mutate(SET, input=shirt("S"), identifier={"handle": "our-shirt"})["product"]
    again = store.mutate(SET, input=shirt("S", title="Again"), identifier={"handle": "our-shirt"})["product"]
    assert (again["id"], again["handle"], again["title"]) == (first["id"], "our-shirt", "Again")
    assert store.call("{ productsCount { count } }")["productsCount"]["count"] == 1


def test_without_options_there_is_one_variant(store: Store) -> None:
    made = store.mutate(SET, input={"title": "Mug"})["product"]
    assert made["options"] == [{"name": "Title", "values": ["Default Title"]}]
    assert [one["title"] for one in made["variants"]["nodes"]] == ["Default Title"]


def test_later_it_says_what_became_of_it(store: Store) -> None:
    payload = store.mutate(SET, input=shirt("S"), synchronous=False)
    assert payload["product"] is None
    assert payload["productSetOperation"]["status"] == "CREATED"
    query = "query($id: ID!) { productOperation(id: $id) { status product { title } } }"
    found = store.call(query, id=payload["productSetOperation"]["id"])["productOperation"]
    assert found == {"status": "COMPLETE", "product": {"title": "Shirt"}}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": " "}, "INVALID_INPUT"),
        ({"productOptions": None}, "PRODUCT_OPTIONS_INPUT_MISSING"),
        ({"variants": None}, "VARIANTS_INPUT_MISSING"),
        ({"productOptions": [{"name": "Size", "values": []}]}, "OPTION_VALUES_MISSING"),
        ({"productOptions": [{"name": "Size", "values": [{"name": "S"}]}]}, "OPTION_VALUE_DOES_NOT_EXIST"),
        ({"productOptions": [{"name": "Fit", "values": [{"name": "S"}]}]}, "OPTION_DOES_NOT_EXIST"),
        ({"variants": [{"optionValues": [{"optionName": "Size", "name": "S"}]}] * 2}, "INVALID_VARIANT"),
    ],
)
def test_a_refused_product_changes_nothing(store: Store, change: dict[str, Any], code: str) -> None:
    assert store.refused(SET, input=shirt("S", "M") | change)["code"] == code
    assert store.call("{ productsCount { count } productVariantsCount { count } }") == {
        "productsCount": {"count": 0},
        "productVariantsCount": {"count": 0},
    }


def test_more_than_250_in_a_list_is_too_much(store: Store) -> None:
    sizes = [str(number) for number in range(251)]
    assert store.codes(SET, input=shirt(*sizes)) == ["MAX_INPUT_SIZE_EXCEEDED"]


# --- variants ---------------------------------------------------------------------------------------------------------


def test_prices_are_changed_together_or_not_at_all(store: Store) -> None:
    made = store.mutate(SET, input=shirt("S", "M"))["product"]
    small, medium = (one["id"] for one in made["variants"]["nodes"])
    good = [{"id": small, "price": "11", "compareAtPrice": "12.5"}, {"id": medium, "price": "8.00"}]
    changed = store.mutate(UPDATE, productId=made["id"], variants=good)["productVariants"]
    assert [(one["price"], one["compareAtPrice"]) for one in changed] == [("11.00", "12.50"), ("8.00", None)]
    bad = [{"id": small, "price": "1"}, {"id": "gid://shopify/ProductVariant/1", "price": "1"}]
    error = store.refused(UPDATE, productId=made["id"], variants=bad)
    assert (error["code"], error["field"]) == ("PRODUCT_VARIANT_DOES_NOT_EXIST", ["variants", "1", "id"])
    assert price_of(store, small) == "11.00"
    payload = store.call(UPDATE, productId=made["id"], variants=bad, partial=True)["productVariantsBulkUpdate"]
    assert [one["id"] for one in payload["productVariants"]] == [small]
    assert [one["field"] for one in payload["userErrors"]] == [["variants", "1", "id"]]
    assert price_of(store, small) == "1.00"


def price_of(store: Store, variant: str) -> Any:
    return store.call("query($id: ID!) { productVariant(id: $id) { price } }", id=variant)["productVariant"]["price"]


def test_quantities_are_no_part_of_an_update(store: Store) -> None:
    things = store.article()
    row = {"id": things["variant"], "inventoryQuantities": [{"availableQuantity": 3, "locationId": things["location"]}]}
    error = store.refused(UPDATE, productId=things["product"], variants=[row])
    assert error["code"] == "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE"
    error = store.refused(UPDATE, productId=things["product"], variants=[{"id": things["variant"], "price": "-1"}])
    assert error["code"] == "GREATER_THAN_OR_EQUAL_TO"


def test_variants_are_added_with_their_stock(store: Store) -> None:
    made = store.mutate(SET, input=shirt("S"))["product"]
    place = store.call("{ locations(first: 1) { nodes { id } } }")["locations"]["nodes"][0]["id"]
    row = {"optionValues": [{"optionName": "Size", "name": "L"}], "inventoryItem": {"sku": "L1", "tracked": True},
           "inventoryQuantities": [{"availableQuantity": 4, "locationId": place}]}  # fmt: skip
    payload = store.mutate(CREATE, productId=made["id"], variants=[row])
    assert payload["productVariants"] == [{"title": "L", "sku": "L1", "position": 2}]
    assert {"sku": "L1", "quantity": "4"} in store.facts("stock")
    assert store.refused(CREATE, productId=made["id"], variants=[row])["code"] == "VARIANT_ALREADY_EXISTS"


# --- lists ------------------------------------------------------------------------------------------------------------

LIST = """query($first: Int, $after: String, $query: String, $reverse: Boolean) {
  products(first: $first, after: $after, query: $query, reverse: $reverse) {
    nodes { title } pageInfo { hasNextPage hasPreviousPage endCursor } } }"""


def titles(store: Store, **variables: Any) -> list[str]:
    return [one["title"] for one in store.call(LIST, **{"first": 50, **variables})["products"]["nodes"]]


def test_pages_follow_one_another_though_the_set_changes(store: Store) -> None:
    made = [store.mutate(SET, input={"title": f"P{n}"})["product"]["id"] for n in range(5)]
    first = store.call(LIST, first=2)["products"]
    assert [one["title"] for one in first["nodes"]] == ["P0", "P1"]
    assert (first["pageInfo"]["hasNextPage"], first["pageInfo"]["hasPreviousPage"]) == (True, False)
    store.mutate("mutation($id: ID!) { productDelete(input: {id: $id}) { userErrors { message } } }", id=made[1])
    assert titles(store, after=first["pageInfo"]["endCursor"]) == ["P2", "P3", "P4"]
    assert titles(store, first=2, reverse=True) == ["P4", "P3"]
    assert store.codes("{ products { nodes { id } } }") == ["BAD_REQUEST"]
    assert store.codes("{ products(first: 251) { nodes { id } } }") == ["BAD_REQUEST"]


def test_search(store: Store) -> None:
    store.mutate(SET, input=shirt("S", "M", title="Blue shirt", tags=["summer"], vendor="Acme"))
    store.mutate(SET, input={"title": "Red mug", "status": "DRAFT", "vendor": "Acme Ltd"})
    both = ["Blue shirt", "Red mug"]
    for query, found in {
        "sku:SHIRT-M": both[:1],
        "sku:shirt*": both[:1],
        "sku:NONE": [],
        "status:active": both[:1],
        "status:ACTIVE,DRAFT": both,
        "title:mug": both[1:],
        "title:'blue shirt'": both[:1],
        "mug OR shirt": both,
        "red AND NOT mug": [],
        "-tag:summer": both[1:],
        "(title:mug OR title:shirt) vendor:Acme": both[:1],
        "vendor:'Acme Ltd'": both[1:],
        "updated_at:>='2020-01-01T00:00:00Z'": both,
        "updated_at:<'2020-01-01T00:00:00Z'": [],
        "tag:*": both[:1],
        "published_status:published": [],
        "created_at:<=now": both,
    }.items():
        assert (query, titles(store, query=query)) == (query, found)


def test_a_field_that_is_not_known_finds_everything_and_says_so(store: Store) -> None:
    store.mutate(SET, input={"title": "Mug"})
    body = store.body(LIST, first=5, query="reference:1")
    assert [one["title"] for one in body["data"]["products"]["nodes"]] == ["Mug"]
    (said,) = body["extensions"]["search"]
    assert (said["path"], said["warnings"][0]["field"]) == (["products"], "reference")


def test_a_moment_without_quotes_loses_its_time_of_day(store: Store) -> None:
    store.mutate(SET, input={"title": "Mug"})
    moment = store.call("{ products(first: 1) { nodes { updatedAt } } }")["products"]["nodes"][0]["updatedAt"]
    assert titles(store, query=f"updated_at:>'{moment}'") == []
    assert titles(store, query=f"updated_at:>{moment}") == ["Mug"]


def test_ids_are_looked_up_at_once(store: Store) -> None:
    things = store.article()
    ids = [things["product"], "gid://shopify/Product/1", things["variant"]]
    query = (
        "query($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Product { title } ... on ProductVariant { sku } } }"
    )
    assert store.call(query, ids=ids)["nodes"] == [
        {"__typename": "Product", "title": "Thing A1"},
        None,
        {"__typename": "ProductVariant", "sku": "A1"},
    ]


# --- stock ------------------------------------------------------------------------------------------------------------


def test_stock_is_set_where_it_is_what_was_expected(store: Store) -> None:
    things = store.article(stock=10)
    body = set_stock(store, things, 4, expected=10)
    group = body["data"]["inventorySetQuantities"]["inventoryAdjustmentGroup"]
    assert group["changes"] == [
        {"name": "available", "delta": -6, "quantityAfterChange": 4},
        {"name": "on_hand", "delta": -6, "quantityAfterChange": 4},
    ]
    assert code_of(set_stock(store, things, 9, expected=10)) == "CHANGE_FROM_QUANTITY_STALE"
    assert store.available(things["item"]) == 4
    set_stock(store, things, 9, expected=None)  # null: whatever it is
    assert store.available(things["item"]) == 9
    again = set_stock(store, things, 9, expected=9)["data"]["inventorySetQuantities"]
    assert again == {"inventoryAdjustmentGroup": None, "userErrors": []}


def test_what_is_on_hand_is_set_around_what_is_promised(store: Store) -> None:
    things = store.article(stock=10)
    store.buy(("A1", 3, "10.00"))
    assert store.quantities(things["item"]) == {"available": 7, "committed": 3, "on_hand": 10}
    set_stock(store, things, 12, expected=10, name="on_hand")
    assert store.quantities(things["item"]) == {"available": 9, "committed": 3, "on_hand": 12}


def test_the_comparison_must_be_there(store: Store) -> None:
    things = store.article()
    (error,) = set_stock(store, things, 4)["errors"]
    assert "changeFromQuantity" in error["message"]
    assert store.available(things["item"]) == 10


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "committed"}, "INVALID_NAME"),
        ({"reason": "because"}, "INVALID_REASON"),
        ({"item": "gid://shopify/InventoryItem/1"}, "INVALID_INVENTORY_ITEM"),
        ({"location": "gid://shopify/Location/1"}, "INVALID_LOCATION"),
        ({"location": "gid://shopify/Location/1002"}, "ITEM_NOT_STOCKED_AT_LOCATION"),
        ({"quantity": 1_000_000_001}, "INVALID_QUANTITY_TOO_HIGH"),
        ({"quantity": -1, "name": "on_hand"}, "INVALID_QUANTITY_NEGATIVE"),
    ],
)
def test_refused_stock(store: Store, change: dict[str, Any], code: str) -> None:
    things = store.article() | {name: value for name, value in change.items() if name in {"item", "location"}}
    more = {name: value for name, value in change.items() if name in {"name", "reason"}}
    assert code_of(set_stock(store, things, change.get("quantity", 4), expected=None, **more)) == code
    assert store.facts("stock") == [{"sku": "A1", "quantity": "10"}]


def test_one_bad_figure_refuses_them_all(store: Store) -> None:
    one, two = store.article("A1"), store.article("A2")
    rows = [
        {"inventoryItemId": things["item"], "locationId": things["location"], "quantity": 1, "changeFromQuantity": had}
        for things, had in ((one, 10), (two, 9))
    ]
    body = store.body(SET_STOCK, key=key(), name="available", reason="correction", quantities=rows)
    (error,) = body["data"]["inventorySetQuantities"]["userErrors"]
    assert error["field"] == ["input", "quantities", "1", "changeFromQuantity"]
    assert (store.available(one["item"]), store.available(two["item"])) == (10, 10)


def test_a_key_is_needed_and_counts_once(store: Store) -> None:
    things = store.article(stock=10)
    adjust = """mutation($item: ID!, $place: ID!, $delta: Int!) { inventoryAdjustQuantities(input: {
        name: "available", reason: "restock",
        changes: [{inventoryItemId: $item, locationId: $place, delta: $delta, changeFromQuantity: null}]}) %s
        { inventoryAdjustmentGroup { changes { delta } } userErrors { code } } }"""
    given = {"item": things["item"], "place": things["location"], "delta": 5}
    (error,) = store.errors(adjust % "", **given)
    assert error["message"] == "The @idempotent directive is required for this mutation but was not provided."
    assert error["extensions"]["code"] == "BAD_REQUEST"
    with_key = adjust % f'@idempotent(key: "{key()}")'
    first = store.mutate(with_key, **given)
    assert store.mutate(with_key, **given) == first
    assert store.available(things["item"]) == 15
    assert store.refused(with_key, **given | {"delta": 6})["code"] == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"


def test_a_key_that_was_refused_is_spent(store: Store) -> None:
    things, mark = store.article(), key()
    assert code_of(set_stock(store, things, 1, expected=3, key=mark)) == "CHANGE_FROM_QUANTITY_STALE"
    assert code_of(set_stock(store, things, 1, expected=3, key=mark)) == "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"


def test_an_item_is_stocked_elsewhere_once_it_is_activated(store: Store) -> None:
    things = store.article(stock=10)
    activate = """mutation($key: String!, $item: ID!, $available: Int) { inventoryActivate(inventoryItemId: $item,
        locationId: "gid://shopify/Location/1002", available: $available) @idempotent(key: $key)
        { inventoryLevel { quantities(names: ["available"]) { quantity } } userErrors { message } } }"""
    payload = store.mutate(activate, key=key(), item=things["item"], available=6)
    assert payload["inventoryLevel"]["quantities"] == [{"quantity": 6}]
    assert store.facts("stock") == [{"sku": "A1", "quantity": "16"}]
    assert store.refused(activate, key=key(), item=things["item"], available=1)["message"].startswith("Not allowed")
