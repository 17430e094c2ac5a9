"""What the Admin API is told: exact values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrations.connectors.shopify import documents as d
from integrations.connectors.shopify import payloads as p
from integrations.contract import records as r
from integrations.contract.errors import Rejected
from tests.connectors.shopify.fixtures import load

D = Decimal
AT = datetime(2026, 11, 20, 9, tzinfo=UTC)


def money(amount: str, currency: str = "GBP") -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": currency}}


def line(key: str = "1", **fields: Any) -> r.OrderDocumentLine:
    given: dict[str, Any] = {"variant_external_id": "8", "sku": "MUG", "quantity": D(2), "tax_codes": ("VAT 20 %",)}
    given |= {"net": D("20.00"), "tax": D("4.00"), "gross": D("24.00")}
    return r.OrderDocumentLine(key=key, **(given | fields))


def document(*lines: r.OrderDocumentLine, **fields: Any) -> r.OrderDocument:
    total = sum((one.gross for one in lines), D(0))
    return r.OrderDocument(reference="N-1", currency="GBP", total=total, placed_at=AT, lines=lines, **fields)


def test_an_order_says_its_taxes_and_bears_our_reference() -> None:
    freight = line("2", kind=r.LineKind.SHIPPING, name="Post", net=D("4.50"), tax=D(0), gross=D("4.50"), tax_codes=())
    fee = line("3", kind=r.LineKind.FEE, name="Wrapping", quantity=D(1), net=D(1), tax=D(0), gross=D(1), tax_codes=())
    address = r.AddressRecord(name="Ada King Lovelace", line1="1 High St", city="London", postcode="N1", country="GB")
    given = document(
        line(), freight, fee, shipping=address, customer_external_id="9", note="Ring", purchase_order="PO-7"
    )
    assert d.build_order(given) == {
        "sourceIdentifier": "N-1",
        "currency": "GBP",
        "processedAt": "2026-11-20T09:00:00Z",
        "taxesIncluded": False,
        "note": "Ring",
        "poNumber": "PO-7",
        "customer": {"toAssociate": {"id": "gid://shopify/Customer/9"}},
        "shippingAddress": {
            "firstName": "Ada King", "lastName": "Lovelace", "address1": "1 High St", "city": "London", "zip": "N1",
            "countryCode": "GB",
        },
        "lineItems": [
            {"quantity": 2, "priceSet": money("10.00"), "variantId": "gid://shopify/ProductVariant/8",
             "taxLines": [{"title": "VAT 20 %", "rate": "0.2000", "priceSet": money("4.00")}]},
            {"quantity": 1, "priceSet": money("1.00"), "taxLines": [], "title": "Wrapping", "requiresShipping": False},
        ],
        "shippingLines": [{"title": "Post", "priceSet": money("4.50"), "taxLines": []}],
    }  # fmt: skip


def test_where_prices_include_tax_the_gross_is_told() -> None:
    row = d.build_order(document(line(), prices_include_tax=True))
    assert row["taxesIncluded"] is True
    assert row["lineItems"][0]["priceSet"] == money("12.00")


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"quantity": D("1.5")}, "whole units"), ({"quantity": D(3)}, "no price a unit"),
     ({"variant_external_id": ""}, "not an id of a Shopify ProductVariant")],
)  # fmt: skip
def test_what_shopify_cannot_be_told_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(Rejected, match=said):
        d.build_order(document(line(**fields)))


def test_a_product_with_its_variants() -> None:
    variants = tuple(
        r.VariantRecord(external_id="", sku=f"CUP-{size}", barcode=code, options=(("Size", size),), price=price)
        for size, code, price in (("S", "123", D("3.50")), ("L", "", None))
    )
    axis = r.AxisRecord(name="Size", values=("S", "L"))
    product = r.ProductRecord(
        external_id="", name="Cup", description="<p>x</p>", brand="Us", categories=("Ware", "More"), axes=(axis,),
        variants=variants, image_urls=("https://example.com/cup.jpg",),
    )  # fmt: skip
    assert d.build_product(r.ProductDocument(reference="CUP", product=product)) == {
        "title": "Cup", "descriptionHtml": "<p>x</p>", "vendor": "Us", "productType": "Ware", "status": "ACTIVE",
        "tags": ["stockbridge-CUP"],
        "files": [{"originalSource": "https://example.com/cup.jpg", "contentType": "IMAGE"}],
        "productOptions": [{"name": "Size", "position": 1, "values": [{"name": "S"}, {"name": "L"}]}],
        "variants": [
            {"optionValues": [{"optionName": "Size", "name": "S"}], "sku": "CUP-S", "inventoryItem": {"tracked": True},
             "barcode": "123", "price": "3.50"},
            {"optionValues": [{"optionName": "Size", "name": "L"}], "sku": "CUP-L", "inventoryItem": {"tracked": True}},
        ],
    }  # fmt: skip


def test_a_product_without_variants_has_the_option_shopify_gives_it() -> None:
    product = r.ProductRecord(external_id="", name="Mug", variants=(r.VariantRecord(external_id="", sku="MUG"),))
    row = d.build_product(r.ProductDocument(reference="MUG", product=product))
    assert row["productOptions"] == [{"name": "Title", "position": 1, "values": [{"name": "Default Title"}]}]
    assert row["variants"][0]["optionValues"] == [{"optionName": "Title", "name": "Default Title"}]


def test_a_new_customer_bears_our_tag_and_a_known_one_keeps_his() -> None:
    buyer = r.CustomerRecord(name="Grace Hopper", email="g@example.com", billing=r.AddressRecord(city="York"))
    assert d.build_customer(r.CustomerDocument(reference="C-9", customer=buyer)) == {
        "firstName": "Grace", "lastName": "Hopper", "email": "g@example.com", "tags": ["stockbridge-C-9"],
        "addresses": [{"city": "York"}],
    }  # fmt: skip
    assert d.build_customer(r.CustomerDocument(reference="C-9", external_id="5", customer=buyer)) == {
        "firstName": "Grace", "lastName": "Hopper", "email": "g@example.com", "id": "gid://shopify/Customer/5",
    }  # fmt: skip


def shipment(**fields: Any) -> r.ShipmentDocument:
    given = {"reference": "N-1-S1", "order_external_id": "450789469", "carrier": "DHL", "tracking_number": "T1"}
    return r.ShipmentDocument(**(given | fields))


def parts(rows: list[dict[str, Any]]) -> list[dict[str, dict[str, int]]]:
    """Fulfilment order → its line → how many, by the numbers of their ids."""
    return [
        {part["fulfillmentOrderId"][-1]: {one["id"][-3:]: one["quantity"] for one in part["fulfillmentOrderLineItems"]}
         for part in row["lineItemsByFulfillmentOrder"]}
        for row in rows
    ]  # fmt: skip


def test_a_complete_shipment_is_a_fulfilment_for_each_fulfilment_order_with_something_left() -> None:
    found = d.build_shipments(shipment(), load("shipped")["order"], notify=False)
    assert parts(found) == [{"1": {"101": 2, "102": 1}}, {"2": {"103": 3}}]
    assert found[0]["trackingInfo"] == {"number": "T1", "company": "DHL"}
    assert found[0]["notifyCustomer"] is False


def test_a_shipment_of_some_goods_takes_their_lines_only() -> None:
    goods = (line("12", sku="CUP", quantity=D(1)), line("x", variant_external_id="10", sku="JUG", quantity=D(2)))
    found = d.build_shipments(shipment(lines=goods, complete=False), load("shipped")["order"], notify=True)
    assert parts(found) == [{"1": {"102": 1}}, {"2": {"103": 2}}]


def test_what_is_shipped_under_the_number_already_is_not_shipped_again() -> None:
    again = shipment(tracking_number="1Z2345", lines=(line("11", quantity=D(1)),), complete=False)
    assert d.build_shipments(again, load("shipped")["order"], notify=False) == []
    more = replace(again, lines=(line("11", quantity=D(2)),))
    assert parts(d.build_shipments(more, load("shipped")["order"], notify=False)) == [{"1": {"101": 1}}]


def test_more_than_is_left_is_not_shipped() -> None:
    much = shipment(lines=(line("13", quantity=D(4)),), complete=False)
    with pytest.raises(Rejected, match="nothing left to ship"):
        d.build_shipments(much, load("shipped")["order"], notify=False)
    unknown = shipment(lines=(line("99", variant_external_id="99", sku="NO"),), complete=False)
    with pytest.raises(Rejected, match="no line for NO"):
        d.build_shipments(unknown, load("shipped")["order"], notify=False)


def test_a_return_names_lines_of_fulfilments() -> None:
    back = r.ReturnDocument(reference="N-1-T1", order_external_id="1", order_reference="N-1", reason="too small",
                            lines=(line("11", quantity=D(1)),))  # fmt: skip
    assert d.build_return(back, load("shipped")["order"]) == {
        "orderId": "gid://shopify/Order/450789469",
        "returnLineItems": [
            {"fulfillmentLineItemId": "gid://shopify/FulfillmentLineItem/1001", "quantity": 1, "returnReason": "OTHER",
             "returnReasonNote": "Stockbridge N-1-T1: too small"}
        ],
    }  # fmt: skip
    with pytest.raises(Rejected, match="no line for JUG"):  # it was never shipped
        d.build_return(
            replace(back, lines=(line("13", variant_external_id="10", sku="JUG"),)), load("shipped")["order"]
        )


def refund(*lines: r.OrderDocumentLine) -> r.RefundDocument:
    return r.RefundDocument(reference="N-1-R1", order_external_id="2", order_reference="N-1", currency="GBP",
                            amount=D("15.00"), reason="chipped", at=AT, lines=lines)  # fmt: skip


def sold(name: str) -> r.OrderRecord:
    row = load(name)["order"]
    return p.parse_order(row, row["lineItems"]["nodes"])


def test_a_refund_books_money_and_leaves_stock_alone() -> None:
    freight = line("4", kind=r.LineKind.SHIPPING, net=D("2.50"), tax=D("0.50"), gross=D("3.00"))
    body = d.build_refund(refund(line("3", quantity=D(1)), freight), sold("order__tax_included_cancelled"), "manual")
    assert body == {
        "orderId": "gid://shopify/Order/2",
        "note": "Stockbridge N-1-R1: chipped",
        "notify": False,
        "refundLineItems": [{"lineItemId": "gid://shopify/LineItem/3", "quantity": 1, "restockType": "NO_RESTOCK"}],
        "shipping": {"amount": "3.00"},
        "transactions": [
            {"orderId": "gid://shopify/Order/2", "gateway": "manual", "kind": "REFUND", "amount": "15.00"}
        ],
    }


def test_a_refund_in_the_buyers_other_currency_is_a_persons() -> None:
    with pytest.raises(Rejected, match="paid order #1001 in EUR"):
        d.build_refund(refund(), sold("order__presentment_refunded"), "manual")


def test_codes_prices_and_fields() -> None:
    codes = r.ArticleCodes(external_id="8", sku="MUG", barcode="123")
    assert d.build_codes(codes) == {"barcode": "123", "inventoryItem": {"sku": "MUG"}}
    assert d.build_price(r.PricePush(key="a", external_id="8", amount=D("9.90"), currency="GBP")) == {"price": "9.90"}
    fields = {"name": "Big", "description": "x", "brand": "Us", "status": r.ProductStatus.ARCHIVED}
    assert d.build_fields("7", fields) == {
        "id": "gid://shopify/Product/7", "title": "Big", "descriptionHtml": "x", "vendor": "Us", "status": "ARCHIVED",
    }  # fmt: skip
    assert d.build_quantity(r.StockPush(key="a", external_id="8", quantity=D("7.9")), "i", "l", D(3)) == {
        "inventoryItemId": "i", "locationId": "l", "quantity": 7, "changeFromQuantity": 3,
    }  # fmt: skip
