"""What is changed in the simulated Shopify shop beside orders' usual way: customers, edits, payments, publishing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulators.shopify_client import Store, open_store
from tests.simulators.woocommerce_client import open_receiver


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as store:
        yield store


# --- customers --------------------------------------------------------------------------------------------------------

CREATE = """mutation($input: CustomerInput!) { customerCreate(input: $input) {
  customer { id displayName email phone tags defaultAddress { formatted(withName: true) countryCodeV2 } numberOfOrders }
  userErrors { field message } } }"""
SET = """mutation($input: CustomerSetInput!, $identifier: CustomerSetIdentifiers) {
  customerSet(input: $input, identifier: $identifier) { customer { id firstName email } userErrors { code field } } }"""
ADDRESS = {"address1": "1 Engine Way", "city": "London", "zip": "N1", "countryCode": "GB", "lastName": "Lovelace"}


def test_a_customer_is_made_once(store: Store) -> None:
    given = {"email": "Ada@example.com", "firstName": "Ada", "lastName": "Lovelace", "tags": ["b2b"],
             "phone": "+44 20 7946 0000", "addresses": [ADDRESS]}  # fmt: skip
    made = store.mutate(CREATE, input=given)["customer"]
    assert made["defaultAddress"] == {
        "formatted": ["Lovelace", "1 Engine Way", "London N1", "United Kingdom"], "countryCodeV2": "GB"
    }  # fmt: skip
    assert (made["displayName"], made["tags"], made["numberOfOrders"]) == ("Ada Lovelace", ["b2b"], "0")
    for again, field in (({"email": "ada@EXAMPLE.com"}, ["email"]), ({"phone": "+44 20 7946 0000"}, ["phone"])):
        assert store.refused(CREATE, input=again) == {
            "field": field,
            "message": f"{field[0].title()} has already been taken",
        }
    assert store.refused(CREATE, input={"note": "nobody"})["field"] is None
    assert store.refused(CREATE, input={"email": "no address"})["message"] == "Email is invalid"
    query = "query($query: String!) { customers(first: 5, query: $query) { nodes { id } } }"
    for text in ("email:ada@example.com", "ada lovelace", "tag:b2b", "first_name:Ada"):
        assert store.call(query, query=text)["customers"]["nodes"] == [{"id": made["id"]}], text


def test_a_customer_is_set_by_what_identifies_him(store: Store) -> None:
    by_mail = {"email": "bob@example.com"}
    first = store.mutate(SET, identifier=by_mail, input={"firstName": "Bob"})["customer"]
    again = store.mutate(SET, identifier=by_mail, input={"firstName": "Robert"})["customer"]
    assert again == {"id": first["id"], "firstName": "Robert", "email": "bob@example.com"}
    missing = {"id": "gid://shopify/Customer/1"}
    assert store.refused(SET, identifier=missing, input={"firstName": "X"})["code"] == "NOT_FOUND"


def test_addresses_come_and_go(store: Store) -> None:
    customer = store.mutate(CREATE, input={"email": "ada@example.com", "addresses": [ADDRESS]})["customer"]["id"]
    add = """mutation($id: ID!, $address: MailingAddressInput!) { customerAddressCreate(
        customerId: $id, address: $address, setAsDefault: true) { address { id } userErrors { message } } }"""
    second = store.mutate(add, id=customer, address={"address1": "2 Rue", "countryCode": "FR"})["address"]["id"]
    change = """mutation($id: ID!, $address: ID!) { customerAddressUpdate(customerId: $id, addressId: $address,
        address: {city: "Paris"}) { address { address1 city country } userErrors { message } } }"""
    changed = store.mutate(change, id=customer, address=second)["address"]
    assert changed == {"address1": "2 Rue", "city": "Paris", "country": "France"}
    query = "query($id: ID!) { customer(id: $id) { addressesV2(first: 5) { nodes { countryCodeV2 } } } }"
    rows = store.call(query, id=customer)["customer"]["addressesV2"]["nodes"]
    assert [one["countryCodeV2"] for one in rows] == ["FR", "GB"]
    end = """mutation($id: ID!, $address: ID!) { customerAddressDelete(customerId: $id, addressId: $address) {
        deletedAddressId userErrors { message } } }"""
    assert store.mutate(end, id=customer, address=second)["deletedAddressId"] == second
    assert store.refused(end, id=customer, address=second)["message"] == "Address does not exist"


def test_who_has_ordered_is_not_deleted(store: Store) -> None:
    store.article("A1")
    store.buy(("A1", 1, "10.00"))
    query = "{ customers(first: 1) { nodes { id amountSpent { amount } lastOrder { name } } } }"
    (found,) = store.call(query)["customers"]["nodes"]
    assert (found["amountSpent"], found["lastOrder"]) == ({"amount": "10.0"}, {"name": "#1001"})
    end = "mutation($id: ID!) { customerDelete(input: {id: $id}) { deletedCustomerId userErrors { message } } }"
    assert store.refused(end, id=found["id"])["message"].endswith("they have orders")


# --- edits ------------------------------------------------------------------------------------------------------------

BEGIN = """mutation($id: ID!) { orderEditBegin(id: $id) { calculatedOrder { id
  lineItems(first: 5) { nodes { id quantity sku } } } userErrors { message } } }"""
SET_QUANTITY = """mutation($id: ID!, $line: ID!, $quantity: Int!, $restock: Boolean) { orderEditSetQuantity(
  id: $id, lineItemId: $line, quantity: $quantity, restock: $restock) {
  calculatedOrder { subtotalLineItemsQuantity totalPriceSet { shopMoney { amount } } }
  userErrors { field message } } }"""
ADD = """mutation($id: ID!, $variant: ID!) { orderEditAddVariant(id: $id, variantId: $variant, quantity: 2) {
  calculatedLineItem { sku quantity } userErrors { message } } }"""
COMMIT = "mutation($id: ID!) { orderEditCommit(id: $id) { order { id } userErrors { message } } }"
EDITED = """query($id: ID!) { order(id: $id) { edited displayFinancialStatus
  totalPriceSet { shopMoney { amount } } originalTotalPriceSet { shopMoney { amount } }
  currentTotalPriceSet { shopMoney { amount } } totalOutstandingSet { shopMoney { amount } }
  lineItems(first: 5) { nodes { sku quantity currentQuantity unfulfilledQuantity } } } }"""


def begin(store: Store, order: str) -> tuple[str, str]:
    """The edit, and its first line."""
    found = store.mutate(BEGIN, id=order)["calculatedOrder"]
    return found["id"], found["lineItems"]["nodes"][0]["id"]


def read(store: Store, order: str) -> dict[str, Any]:
    found: dict[str, Any] = store.call(EDITED, id=order)["order"]
    return found


def sums(order: dict[str, Any]) -> list[str]:
    names = ("originalTotalPriceSet", "currentTotalPriceSet", "totalOutstandingSet")
    return [order[name]["shopMoney"]["amount"] for name in names]


def test_an_edit_changes_nothing_before_it_is_committed(store: Store) -> None:
    things = store.article("A1", stock=10)
    order = store.buy(("A1", 3, "10.00"))
    edit, line = begin(store, order)
    calculated = store.mutate(SET_QUANTITY, id=edit, line=line, quantity=1, restock=True)["calculatedOrder"]
    assert (calculated["subtotalLineItemsQuantity"], calculated["totalPriceSet"]["shopMoney"]["amount"]) == (1, "10.0")
    assert (read(store, order)["edited"], store.available(things["item"])) == (False, 7)
    store.mutate(COMMIT, id=edit)
    found = read(store, order)
    assert found["lineItems"]["nodes"] == [{"sku": "A1", "quantity": 3, "currentQuantity": 1, "unfulfilledQuantity": 1}]
    assert sums(found) == ["30.0", "10.0", "-20.0"]  # the buyer is to get 20 back
    assert store.quantities(things["item"]) == {"available": 9, "committed": 1, "on_hand": 10}
    assert store.refused(COMMIT, id=edit)["message"] == "The edit does not exist."


def test_articles_are_added(store: Store) -> None:
    store.article("A1", stock=10)
    other = store.article("A2", price="4.00", stock=10)
    order = store.buy(("A1", 1, "10.00"))
    with open_receiver() as receiver:
        hook = """mutation($uri: String!) { webhookSubscriptionCreate(topic: ORDERS_EDITED,
            webhookSubscription: {uri: $uri}) { userErrors { message } } }"""
        store.mutate(hook, uri=receiver.url)
        edit, line = begin(store, order)
        assert store.mutate(ADD, id=edit, variant=other["variant"])["calculatedLineItem"] == {
            "sku": "A2",
            "quantity": 2,
        }
        store.mutate(SET_QUANTITY, id=edit, line=line, quantity=2)
        store.mutate(COMMIT, id=edit)
        assert store.sim.webhooks.flush()
        told = receiver.got[0].json["order_edit"]["line_items"]
        assert ([one["delta"] for one in told["additions"]], told["removals"]) == ([1, 2], [])
    found = read(store, order)
    assert [(one["sku"], one["currentQuantity"]) for one in found["lineItems"]["nodes"]] == [("A1", 2), ("A2", 2)]
    assert sums(found) == ["10.0", "28.0", "18.0"]
    assert found["displayFinancialStatus"] == "PARTIALLY_PAID"
    assert store.quantities(other["item"])["committed"] == 2


def test_what_was_sent_stays_on_the_order(store: Store) -> None:
    store.article("A1", stock=10)
    order = store.buy(("A1", 3, "10.00"))
    store.control("shipments", {"order": order.rpartition("/")[2], "lines": [{"sku": "A1", "quantity": "2"}]})
    edit, line = begin(store, order)
    assert store.refused(SET_QUANTITY, id=edit, line=line, quantity=1)["field"] == ["quantity"]
    store.mutate(SET_QUANTITY, id=edit, line=line, quantity=2)


# --- payments, parcels, publishing ------------------------------------------------------------------------------------


def test_a_payment_is_entered_by_hand(store: Store) -> None:
    store.article("A1")
    order = store.buy(("A1", 2, "10.00"), payment="bacs", paid=False)
    pay = """mutation($id: ID!, $amount: MoneyInput) { orderCreateManualPayment(id: $id, amount: $amount,
        paymentMethodName: "Cash") { order { displayFinancialStatus paymentGatewayNames } userErrors { code } } }"""
    too_much = {"amount": "20.01", "currencyCode": "GBP"}
    assert store.refused(pay, id=order, amount=too_much)["code"] == "AMOUNT_EXCEEDS_BALANCE"
    part = store.mutate(pay, id=order, amount={"amount": "5", "currencyCode": "GBP"})["order"]
    assert part == {"displayFinancialStatus": "PARTIALLY_PAID", "paymentGatewayNames": ["Bank Deposit", "Cash"]}
    assert store.mutate(pay, id=order)["order"]["displayFinancialStatus"] == "PAID"


def test_the_carrier_says_where_a_parcel_is(store: Store) -> None:
    store.article("A1")
    order = store.buy(("A1", 1, "10.00"))
    made = store.control("shipments", {"order": order.rpartition("/")[2], "tracking": "GB1"})
    tell = """mutation($event: FulfillmentEventInput!) { fulfillmentEventCreate(fulfillmentEvent: $event) {
        fulfillmentEvent { status } userErrors { message } } }"""
    gid = f"gid://shopify/Fulfillment/{made['id']}"
    store.mutate(tell, event={"fulfillmentId": gid, "status": "DELIVERED", "happenedAt": "2026-01-02T03:04:05Z"})
    query = (
        "query($id: ID!) { fulfillment(id: $id) { displayStatus deliveredAt events(first: 5) { nodes { status } } } }"
    )
    assert store.call(query, id=gid)["fulfillment"] == {
        "displayStatus": "DELIVERED", "deliveredAt": "2026-01-02T03:04:05Z",
        "events": {"nodes": [{"status": "DELIVERED"}]},
    }  # fmt: skip


def test_what_the_api_makes_is_published_when_it_is_asked_to_be(store: Store) -> None:
    make = """mutation($home: ID!) { productCreate(product: {title: "Mug", collectionsToJoin: [$home]}) {
        product { id publishedAt collections(first: 5) { nodes { title } } } userErrors { message } } }"""
    home = store.call("{ collections(first: 1) { nodes { id } } }")["collections"]["nodes"][0]["id"]
    made = store.mutate(make, home=home)["product"]
    assert (made["publishedAt"], made["collections"]["nodes"]) == (None, [{"title": "Home page"}])
    (channel,) = store.call("{ publications(first: 5) { nodes { id name } } }")["publications"]["nodes"]
    publish = """mutation($id: ID!, $to: ID!) { publishablePublish(id: $id, input: [{publicationId: $to}]) {
        publishable { publishedOnPublication(publicationId: $to) } userErrors { message } } }"""
    assert store.mutate(publish, id=made["id"], to=channel["id"])["publishable"] == {"publishedOnPublication": True}
    error = store.refused(publish, id=made["id"], to="gid://shopify/Publication/9")
    assert error["message"] == "Publication does not exist."
    back = publish.replace("publishablePublish", "publishableUnpublish")
    assert store.mutate(back, id=made["id"], to=channel["id"])["publishable"] == {"publishedOnPublication": False}


def test_tags_are_added_and_taken_off(store: Store) -> None:
    store.article("A1")
    order = store.buy(("A1", 1, "10.00"))
    for name, tags, left in (("tagsAdd", ["b", "A", "a"], ["A", "b"]), ("tagsRemove", ["B"], ["A"])):
        change = (
            f"mutation($id: ID!, $tags: [String!]!) {{ {name}(id: $id, tags: $tags) {{ userErrors {{ message }} }} }}"
        )
        store.mutate(change, id=order, tags=tags)
        assert store.call("query($id: ID!) { order(id: $id) { tags } }", id=order)["order"] == {"tags": left}
