"""The connector against answers that are written down: throttling, user errors, keys, tokens, pages."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from werkzeug.wrappers import Response

from integrations.connectors.shopify import queries as q
from integrations.contract import records as r
from integrations.contract.errors import (
    AuthFailed,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Retryable,
    Unsupported,
)
from tests.connectors.shopify.far_side import open_shop
from tests.connectors.shopify.fixtures import load

D = Decimal
AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
CUSTOMER = r.CustomerDocument(reference="C-9", customer=r.CustomerRecord(name="Ada", email="ada@example.com"))


def page(rows: list[Any], cursor: str = "") -> dict[str, Any]:
    return {"nodes": rows, "pageInfo": {"hasNextPage": bool(cursor), "endCursor": cursor or None}}


def push(key: str, variant: str, quantity: int = 4, slot: str = "655441491") -> r.StockPush:
    return r.StockPush(key=key, external_id=variant, slot=slot, quantity=D(quantity))


def article(variant: str, available: int | None, *, tracked: bool = True) -> dict[str, Any]:
    level = None if available is None else {"quantities": [{"name": "available", "quantity": available}]}
    item = {"id": f"gid://shopify/InventoryItem/{variant}0", "tracked": tracked, "inventoryLevel": level}
    return {"id": f"gid://shopify/ProductVariant/{variant}", "inventoryItem": item}


DONE = {"inventorySetQuantities": {"inventoryAdjustmentGroup": {"id": "gid://x/1"}, "userErrors": []}}


def outcomes(results: Any) -> dict[str, str]:
    return {one.key: one.outcome.value for one in results}


# --- errors -----------------------------------------------------------------------------------------------------------


def test_a_throttled_query_waits_until_the_bucket_holds_it() -> None:
    with open_shop() as (shop, shopify):
        shop.says("Check", load("throttled"))
        with pytest.raises(RateLimited) as caught:
            shopify.check()
        assert caught.value.retry_after == 7  # (752 - 402) / 50


def test_a_throttled_mutation_did_nothing() -> None:
    with open_shop() as (shop, shopify):
        shop.says("CreateCustomer", load("throttled"))
        with pytest.raises(RateLimited):
            shopify.create_customer(CUSTOMER)


def errors(code: str, **body: Any) -> dict[str, Any]:
    return {"errors": [{"message": "Sorry", "extensions": {"code": code}}], **body}


@pytest.mark.parametrize(
    ("answer", "read", "written"),
    [
        (errors("ACCESS_DENIED", data=None), Rejected, Rejected),
        (errors("undefinedField"), Rejected, Rejected),
        (errors("INTERNAL_SERVER_ERROR"), Retryable, OutcomeUnknown),
        (errors("", data={"customer": None}), Retryable, OutcomeUnknown),
        ({"errors": "[API] Not Found", "data": {}}, Retryable, OutcomeUnknown),
        (Response("<html>", content_type="text/html"), Retryable, OutcomeUnknown),
        (Response("[]", content_type="application/json"), Retryable, OutcomeUnknown),
        (Response('{"data": null}', content_type="application/json"), Retryable, OutcomeUnknown),
        (Response('{"errors": "[API] Invalid API key"}', 401), AuthFailed, AuthFailed),
        (Response('{"errors": "Payment required"}', 402), Rejected, Rejected),
        (Response("", 500), Retryable, OutcomeUnknown),
    ],
)
def test_what_an_answer_means(answer: Any, read: type[Exception], written: type[Exception]) -> None:
    with open_shop() as (shop, shopify):
        shop.says("Customer", answer)
        shop.says("CreateCustomer", answer)
        with pytest.raises(read):
            shopify.fetch_customer("1")
        with pytest.raises(written):
            shopify.create_customer(CUSTOMER)


def test_user_errors_come_with_200_and_are_a_refusal() -> None:
    refused = {"customer": None, "userErrors": [{"field": ["email"], "message": "Email has already been taken"}]}
    with open_shop() as (shop, shopify):
        shop.says("CreateCustomer", {"customerCreate": refused})
        with pytest.raises(Rejected, match=r"Email has already been taken \(email\)") as caught:
            shopify.create_customer(CUSTOMER)
        assert caught.value.field == "email"


@pytest.mark.parametrize("payload", [None, {"customer": None, "userErrors": []}, {"customer": {}, "userErrors": []}])
def test_a_mutation_that_does_not_say_what_it_did_is_unknown(payload: Any) -> None:
    with open_shop() as (shop, shopify):
        shop.says("CreateCustomer", {"customerCreate": payload})
        with pytest.raises(OutcomeUnknown):
            shopify.create_customer(CUSTOMER)


def test_a_record_that_is_gone_is_not_found() -> None:
    with open_shop() as (shop, shopify):
        shop.says("Order", {"order": None})
        with pytest.raises(NotFound, match="no order 5"):
            shopify.fetch_order("5")


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_every_request_bears_the_token_and_the_version() -> None:
    with open_shop() as (shop, shopify):
        shop.says("Customer", load("customer"))
        shopify.fetch_customer("207119551")
        assert shop.headers[0]["X-Shopify-Access-Token"] == "shpat_1"
        assert shop.paths == ["/admin/api/2026-07/graphql.json"]
        assert shop.asked == [("Customer", {"id": "gid://shopify/Customer/207119551"})]


def test_a_new_token_is_fetched_with_the_apps_client_credentials() -> None:
    with open_shop() as (shop, shopify):
        shop.says("token", {"access_token": "shpat_2", "scope": "read_orders", "expires_in": 86399})
        assert shopify.refresh_credentials() == {"access_token": "shpat_2"}
        (given,) = shop.of("token")
        assert given == {"grant_type": "client_credentials", "client_id": "app", "client_secret": "hush"}
        shopify.use_credentials({"client_id": "app", "client_secret": "hush", "access_token": "shpat_2"})
        shop.says("Customer", load("customer"))
        shopify.fetch_customer("207119551")
        assert shop.headers[-1]["X-Shopify-Access-Token"] == "shpat_2"


def test_a_token_that_cannot_be_renewed_pauses_the_connection() -> None:
    with (
        open_shop({"access_token": "shpat_1", "client_id": "", "client_secret": "hush"}) as (_, shopify),
        pytest.raises(AuthFailed, match="make a new one"),
    ):
        shopify.refresh_credentials()
    with open_shop() as (shop, shopify):
        shop.says("token", Response('{"error": "invalid_client"}', 401))
        with pytest.raises(AuthFailed, match="gives the app no token"):
            shopify.refresh_credentials()


def test_check_names_the_shop_and_what_the_app_may_not_do() -> None:
    scopes = ["write_products", "write_inventory", "read_locations", "write_orders", "write_customers", "write_returns"]
    shop_row = {"name": "Northwind", "myshopifyDomain": "northwind.myshopify.com", "currencyCode": "GBP"}
    with open_shop() as (shop, shopify):
        installed = {"accessScopes": [{"handle": one} for one in scopes]}
        shop.says("Check", {"shop": shop_row, "currentAppInstallation": installed})
        found = shopify.check()
        assert (found.account, found.currency) == ("Northwind (northwind.myshopify.com)", "GBP")
        assert found.missing_permissions == ("write_merchant_managed_fulfillment_orders",)
        assert found.notes == ("Orders older than 60 days cannot be read: the app lacks read_all_orders.",)


# --- pages ------------------------------------------------------------------------------------------------------------


def test_orders_are_walked_by_cursor_from_the_second_they_changed() -> None:
    row = load("order__presentment_refunded")["order"]
    with open_shop() as (shop, shopify):
        shop.says("Orders", {"orders": page([row], "c1")}, {"orders": page([])})
        first = shopify.pull_orders(datetime(2026, 11, 20, 8, 0, 0, 999, tzinfo=UTC), "")
        assert (first.cursor, first.since, [one.number for one in first.records]) == ("c1", None, ["#1001"])
        last = shopify.pull_orders(AT, "c1")
        assert (last.cursor, last.since, last.records) == ("", AT, ())
        assert shop.of("Orders")[0] == {"first": 5, "after": None, "query": "updated_at:>='2026-11-20T08:00:00Z'"}
        assert shop.of("Orders")[1]["after"] == "c1"


def test_the_next_pull_begins_a_little_before_the_newest_change() -> None:
    row = load("order__presentment_refunded")["order"]
    with open_shop() as (shop, shopify):
        shop.says("Orders", {"orders": page([row])})
        assert shopify.pull_orders(None, "").since == datetime(2026, 11, 20, 12, 28, tzinfo=UTC)
        assert shop.of("Orders")[0]["query"] is None


def test_a_query_that_costs_too_much_is_asked_for_in_smaller_pages() -> None:
    row = load("order__presentment_refunded")["order"]
    with open_shop() as (shop, shopify):
        shop.says("Orders", errors("MAX_COST_EXCEEDED"), errors("MAX_COST_EXCEEDED"), {"orders": page([row])})
        assert len(shopify.pull_orders(None, "").records) == 1
        assert [one["first"] for one in shop.of("Orders")] == [5, 2, 1]


def test_lines_beyond_the_first_are_read_by_themselves() -> None:
    row = load("order__tax_included_cancelled")["order"]
    (item,) = row["lineItems"]["nodes"]
    second = {**item, "id": "gid://shopify/LineItem/33"}
    with open_shop() as (shop, shopify):
        shop.says("Order", {"order": {**row, "lineItems": page([item], "l1")}})
        shop.says("MoreLines", {"order": {"lineItems": page([second])}})
        lines = shopify.fetch_order("2").lines
        assert [one.external_id for one in lines] == ["3", "33", "4"]
        assert shop.of("MoreLines") == [{"id": "gid://shopify/Order/2", "after": "l1"}]


def test_inner_pages_that_repeat_end() -> None:
    row = load("order__tax_included_cancelled")["order"]
    with open_shop() as (shop, shopify):
        shop.says("Order", {"order": {**row, "lineItems": page(row["lineItems"]["nodes"], "l1")}})
        shop.says("MoreLines", {"order": {"lineItems": page([], "l1")}})
        with pytest.raises(Retryable, match="repeat"):
            shopify.fetch_order("2")


def test_stock_is_read_at_each_location() -> None:
    with open_shop() as (shop, shopify):
        shop.says("Stock", load("stock"))
        assert shopify.pull_stock(None, "").records == (
            r.StockRow("8", "655441491", D(12)),
            r.StockRow("8", "24826418", D(-1)),
        )


# --- stock ------------------------------------------------------------------------------------------------------------


def test_a_figure_is_set_only_where_it_is_still_what_was_read() -> None:
    with open_shop() as (shop, shopify):
        shop.says("Levels", {"nodes": [article("8", 12), article("9", 3), None]})
        shop.says("SetStock", DONE)
        found = shopify.push_stock([push("a", "8"), push("b", "9", 3), push("c", "404"), push("d", "x")])
        assert outcomes(found) == {"a": "sent", "b": "sent", "c": "refused", "d": "refused"}
        (given,) = shop.of("SetStock")
        assert given["input"] == {
            "name": "available", "reason": "correction",
            "quantities": [
                {"inventoryItemId": "gid://shopify/InventoryItem/80", "locationId": "gid://shopify/Location/655441491",
                 "quantity": 4, "changeFromQuantity": 12},
                {"inventoryItemId": "gid://shopify/InventoryItem/90", "locationId": "gid://shopify/Location/655441491",
                 "quantity": 3, "changeFromQuantity": 3},
            ],
        }  # fmt: skip
        assert "@idempotent(key: $key)" in q.SET_STOCK


def test_the_same_figure_a_second_time_is_another_request() -> None:
    with open_shop() as (shop, shopify):
        shop.says("Levels", {"nodes": [article("8", 12)]})
        shop.says("SetStock", DONE)
        for _ in range(2):
            shopify.push_stock([push("a", "8")])
        first, second = (one["key"] for one in shop.of("SetStock"))
        assert first != second


def test_one_that_is_refused_and_one_that_moved_do_not_stop_the_others() -> None:
    with open_shop() as (shop, shopify):
        shop.says("Levels", {"nodes": [article("8", 12), article("9", 3), article("10", 5)]},
                  {"nodes": [article("10", 4)]})  # fmt: skip
        shop.says("SetStock", load("set_stock__refused"), DONE, DONE)
        found = shopify.push_stock([push("a", "8"), push("b", "9"), push("c", "10", 7)])
        assert outcomes(found) == {"a": "sent", "b": "refused", "c": "sent"}
        asked = [
            [(row["inventoryItemId"][-2:], row["changeFromQuantity"]) for row in one["input"]["quantities"]]
            for one in shop.of("SetStock")
        ]
        assert asked == [[("80", 12), ("90", 3), ("00", 5)], [("80", 12)], [("00", 4)]]


def test_a_figure_that_keeps_moving_is_left_for_the_next_run() -> None:
    stale = {"field": ["input", "quantities", "0"], "message": "moved", "code": "CHANGE_FROM_QUANTITY_STALE"}
    with open_shop() as (shop, shopify):
        shop.says("Levels", {"nodes": [article("8", 12)]})
        shop.says("SetStock", {"inventorySetQuantities": {"inventoryAdjustmentGroup": None, "userErrors": [stale]}})
        assert outcomes(shopify.push_stock([push("a", "8")])) == {"a": "unknown"}
        assert len(shop.of("SetStock")) == 2


def test_an_answer_that_does_not_come_leaves_the_figures_unknown() -> None:
    with open_shop() as (shop, shopify):
        shop.says("Levels", {"nodes": [article("8", 12)]})
        shop.says("SetStock", Response("", 502))
        assert outcomes(shopify.push_stock([push("a", "8")])) == {"a": "unknown"}


def test_an_article_that_was_never_at_the_location_is_from_now_on() -> None:
    with open_shop() as (shop, shopify):
        shop.says("Levels", {"nodes": [article("8", None), article("9", 1, tracked=False)]})
        shop.says("Activate", {"inventoryActivate": {"inventoryLevel": {"id": "gid://x/1"}, "userErrors": []}})
        found = shopify.push_stock([push("a", "8"), push("b", "9")])
        assert outcomes(found) == {"a": "sent", "b": "refused"}
        (given,) = shop.of("Activate")
        assert (given["item"], given["available"]) == ("gid://shopify/InventoryItem/80", 4)
        assert next(one.message for one in found if one.key == "b").startswith("Shopify does not count variant 9")


def test_figures_without_a_location_are_for_the_one_chosen_or_the_first() -> None:
    rows = [{"id": f"gid://shopify/Location/{number}", "name": "x", "isActive": number != 1} for number in (3, 1, 2)]
    with open_shop() as (shop, shopify):
        shop.says("Locations", {"locations": page(rows)})
        shop.says("Levels", {"nodes": []})
        shopify.push_stock([push("a", "8", slot=""), push("b", "8", slot="")])
        assert [one["location"] for one in shop.of("Levels")] == ["gid://shopify/Location/2"]
    with open_shop(location="3") as (shop, shopify):
        shop.says("Levels", {"nodes": []})
        shopify.push_stock([push("a", "8", slot="")])
        assert [one["location"] for one in shop.of("Levels")] == ["gid://shopify/Location/3"]


# --- prices and products ----------------------------------------------------------------------------------------------


def price(key: str, variant: str, product: str = "7", currency: str = "GBP", slot: str = "") -> r.PricePush:
    return r.PricePush(
        key=key, external_id=variant, parent_external_id=product, slot=slot, amount=D("9.90"), currency=currency
    )


def test_prices_go_product_by_product_and_a_refused_one_alone() -> None:
    negative = {"field": ["variants", "1", "price"], "message": "Price must be more", "code": "NEGATIVE_PRICE_VALUE"}
    with open_shop() as (shop, shopify):
        shop.says("Currency", {"shop": {"currencyCode": "GBP"}})
        shop.says(
            "Parents",
            {"nodes": [{"id": "gid://shopify/ProductVariant/12", "product": {"id": "gid://shopify/Product/6"}}]},
        )
        shop.says("UpdateVariants", {"productVariantsBulkUpdate": {"productVariants": [], "userErrors": [negative]}},
                  {"productVariantsBulkUpdate": {"productVariants": [], "userErrors": []}})  # fmt: skip
        found = shopify.push_prices([
            price("a", "8"), price("b", "9"), price("c", "12", product=""), price("d", "8", currency="EUR"),
            price("e", "8", slot="x"), price("f", "404", product=""),
        ])  # fmt: skip
        assert outcomes(found) == {
            "a": "sent",
            "b": "refused",
            "c": "sent",
            "d": "refused",
            "e": "refused",
            "f": "refused",
        }
        first, second = shop.of("UpdateVariants")
        assert first == {
            "product": "gid://shopify/Product/7",
            "variants": [{"id": "gid://shopify/ProductVariant/8", "price": "9.90"},
                         {"id": "gid://shopify/ProductVariant/9", "price": "9.90"}],
        }  # fmt: skip
        assert second["product"] == "gid://shopify/Product/6"


def test_fields_of_a_product_and_its_codes() -> None:
    fields = {"name": "Big", "codes": (r.ArticleCodes(external_id="8", sku="MUG", barcode="1"),)}
    with open_shop() as (shop, shopify):
        shop.says("UpdateVariants", {"productVariantsBulkUpdate": {"productVariants": [], "userErrors": []}})
        shop.says("UpdateProduct", {"productUpdate": {"product": {"id": "x"}, "userErrors": []}})
        photos = {"image_urls": ("https://example.com/x.jpg",)}
        given: dict[str, dict[str, Any]] = {"a": fields, "b": photos}
        items = [r.ProductPush(key=key, external_id="7", fields=one) for key, one in given.items()]
        assert outcomes(shopify.push_products(items)) == {"a": "sent", "b": "refused"}
        assert shop.of("UpdateProduct") == [{"product": {"id": "gid://shopify/Product/7", "title": "Big"}}]


# --- commands ---------------------------------------------------------------------------------------------------------


def refund(**fields: Any) -> r.RefundDocument:
    given: dict[str, Any] = {"reference": "N-1-R1", "order_external_id": "2", "order_reference": "N-1", "at": AT}
    given |= {"currency": "GBP", "amount": D("15.00")}
    return r.RefundDocument(**(given | fields))


def test_a_refund_is_looked_for_and_then_made_under_a_key_of_its_own() -> None:
    row = load("order__tax_included_cancelled")["order"]
    made = {**load("order__presentment_refunded")["order"]["refunds"][0], "note": "Stockbridge N-1-R1"}
    with open_shop() as (shop, shopify):
        shop.says("Order", {"order": row})
        shop.says("CreateRefund", {"refundCreate": {"refund": made, "userErrors": []}})
        results = [shopify.create_refund(refund()) for _ in range(2)]
        assert [(one.external_id, one.total) for one in results] == [("509562969", D("210.94"))] * 2
        first, second = (one["key"] for one in shop.of("CreateRefund"))
        assert first == second
        shopify.create_refund(refund(reference="N-1-R2"))
        assert shop.of("CreateRefund")[-1]["key"] != first


def test_a_refund_that_is_there_is_not_made_again() -> None:
    with open_shop() as (shop, shopify):
        shop.says("Order", load("order__presentment_refunded"))
        found = shopify.create_refund(refund(reference="N-1001-R1", order_external_id="450789469"))
        assert (found.external_id, found.total, found.state) == ("509562969", D("210.94"), r.DocumentState.DONE)
        assert shop.of("CreateRefund") == []


def test_a_return_that_is_there_is_not_made_again() -> None:
    (row,) = load("returns")["orders"]["nodes"]
    back = r.ReturnDocument(reference="N-1001-T1", order_external_id="450789469", order_reference="N-1")
    with open_shop() as (shop, shopify):
        shop.says("OrderReturns", {"order": row})
        assert shopify.create_return(back).external_id == "945000954"
        assert [name for name, _ in shop.asked] == ["OrderReturns"]


def test_orders_are_found_by_their_source_identifier_and_no_other() -> None:
    row = load("order__tax_included_cancelled")["order"]
    with open_shop() as (shop, shopify):
        rows = [{**row, "sourceIdentifier": "N-1"}, {**row, "id": "gid://shopify/Order/9", "sourceIdentifier": "N-10"}]
        shop.says("Orders", {"orders": page(rows)})
        (found,) = shopify.find_order("N-1")
        assert (found.external_id, found.total, found.tax, found.line_count) == ("2", D("27.00"), D("4.50"), 2)
        assert shop.of("Orders")[0]["query"] == "source_identifier:'N-1'"


def test_a_cancel_asks_once_and_reads_the_order_back() -> None:
    row = load("order__tax_included_cancelled")["order"]
    open_order = {**row, "cancelledAt": None, "displayFulfillmentStatus": "UNFULFILLED"}
    with open_shop() as (shop, shopify):
        shop.says("Order", {"order": open_order}, {"order": row})
        shop.says("CancelOrder", {"orderCancel": {"job": {"id": "x", "done": False}, "orderCancelUserErrors": []}})
        assert shopify.cancel_order("2").state is r.DocumentState.CANCELLED
        assert shop.of("CancelOrder")[0]["refund"] == {"originalPaymentMethodsRefund": False}
        assert shopify.cancel_order("2").state is r.DocumentState.CANCELLED
        assert len(shop.of("CancelOrder")) == 1


def test_what_is_shipped_is_not_cancelled() -> None:
    with open_shop() as (shop, shopify):
        shop.says("Order", load("order__presentment_refunded"))
        found = shopify.cancel_order("450789469")
        assert (found.success, shop.of("CancelOrder")) == (False, [])
        with pytest.raises(Unsupported, match="whole orders only"):
            shopify.cancel_order("450789469", [r.OrderDocumentLine(key="1")])


def test_a_refused_cancel_says_why() -> None:
    row = {**load("order__tax_included_cancelled")["order"], "cancelledAt": None}
    words = {"field": ["orderId"], "message": "Cannot cancel an order with pending payments", "code": "INVALID"}
    with open_shop() as (shop, shopify):
        shop.says("Order", {"order": row})
        shop.says("CancelOrder", {"orderCancel": {"job": None, "orderCancelUserErrors": [words]}})
        found = shopify.cancel_order("2")
        assert not found.success
        assert found.message.startswith("Cannot cancel an order with pending payments")


def test_a_payment_is_made_once_under_our_reference() -> None:
    row = load("order__tax_included_cancelled")["order"]
    named = {**row["transactions"][0], "id": "gid://shopify/OrderTransaction/77", "gateway": "Stockbridge N-1-P1"}
    payment = r.PaymentDocument(reference="N-1-P1", order_external_id="2", order_reference="N-1", currency="GBP",
                                amount=D("27.00"), at=AT)  # fmt: skip
    with open_shop() as (shop, shopify):
        shop.says("Order", {"order": row}, {"order": {**row, "transactions": [named]}})
        paid = {
            "id": row["id"],
            "transactions": [{"id": named["id"], "gateway": named["gateway"], "formattedGateway": None}],
        }
        shop.says("Pay", {"orderCreateManualPayment": {"order": paid, "userErrors": []}})
        assert [shopify.create_payment(payment).external_id for _ in range(2)] == ["77", "77"]
        assert shop.of("Pay") == [
            {"id": "gid://shopify/Order/2", "amount": {"amount": "27.00", "currencyCode": "GBP"},
             "method": "Stockbridge N-1-P1", "at": "2026-11-20T09:00:00Z"}
        ]  # fmt: skip


def test_customers_are_found_by_e_mail_or_our_tag() -> None:
    row = load("customer")["customer"]
    with open_shop() as (shop, shopify):
        shop.says("Customers", {"customers": page([row])})
        assert [one.external_id for one in shopify.find_customer("Bob.Norman@mail.example.com")] == ["207119551"]
        assert [one.external_id for one in shopify.find_customer("C-9")] == ["207119551"]
        assert list(shopify.find_customer("C-99")) == []
        assert [one["query"] for one in shop.of("Customers")][1:] == ["tag:'stockbridge-C-9'", "tag:'stockbridge-C-99'"]


def test_a_quote_in_a_search_is_escaped() -> None:
    with open_shop() as (shop, shopify):
        shop.says("VariantsBySku", {"productVariants": {"nodes": []}})
        shop.says("Products", {"products": page([])})
        assert list(shopify.find_product("O'Hara\\")) == []
        assert shop.of("VariantsBySku")[0]["query"] == r"sku:'O\'Hara\\'"


# --- webhooks ---------------------------------------------------------------------------------------------------------

HOOK = "https://portal.example.com/hooks/1"


def test_webhooks_that_are_there_are_kept() -> None:
    there = {"id": "gid://shopify/WebhookSubscription/1", "topic": "ORDERS_CREATE", "uri": HOOK}
    made = {"id": "gid://shopify/WebhookSubscription/2", "topic": "ORDERS_UPDATED", "uri": HOOK}
    with open_shop() as (shop, shopify):
        shop.says("Webhooks", {"webhookSubscriptions": page([there])})
        shop.says("Subscribe", {"webhookSubscriptionCreate": {"webhookSubscription": made, "userErrors": []}})
        found = shopify.subscribe_webhooks(HOOK, ["order"])
        assert [one.external_id for one in found] == ["1", "2", "2", "2", "2"]
        assert [one["topic"] for one in shop.of("Subscribe")] == [
            "ORDERS_UPDATED", "ORDERS_CANCELLED", "ORDERS_DELETE", "REFUNDS_CREATE",
        ]  # fmt: skip
        deleted = {"deletedWebhookSubscriptionId": there["id"], "userErrors": []}
        shop.says("Unsubscribe", {"webhookSubscriptionDelete": deleted})
        shopify.unsubscribe_webhooks(["1", "99"])
        assert shop.of("Unsubscribe") == [{"id": there["id"]}]


def test_without_a_client_secret_no_webhook_is_asked_for() -> None:
    with open_shop({"access_token": "shpat_1"}) as (shop, shopify):
        with pytest.raises(Rejected, match="client secret"):
            shopify.subscribe_webhooks(HOOK, ["order"])
        assert shop.asked == []
