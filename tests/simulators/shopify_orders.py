"""Orders of a served Shopify simulator as the tests read and send them."""

from __future__ import annotations

from typing import Any

from tests.simulators.shopify_client import Store

ORDER = """query($id: ID!) { order(id: $id) {
  name displayFinancialStatus displayFulfillmentStatus returnStatus cancelledAt cancelReason closed taxesIncluded
  currencyCode presentmentCurrencyCode email tags note paymentGatewayNames
  totalPriceSet { ...bag } subtotalPriceSet { ...bag } totalTaxSet { ...bag } totalDiscountsSet { ...bag }
  totalShippingPriceSet { ...bag } currentTotalPriceSet { ...bag } totalRefundedSet { ...bag }
  totalOutstandingSet { ...bag } netPaymentSet { ...bag } refundDiscrepancySet { ...bag }
  lineItems(first: 10) { nodes { id sku quantity currentQuantity unfulfilledQuantity refundableQuantity
    originalUnitPriceSet { ...bag } discountedTotalSet(withCodeDiscounts: true) { ...bag }
    taxLines { title rate priceSet { ...bag } } } }
  transactions { id kind status gateway amountSet { ...bag } parentTransaction { id } }
  fulfillmentOrders(first: 5) { nodes { id status assignedLocation { name } supportedActions { action }
    lineItems(first: 5) { nodes { id remainingQuantity totalQuantity } } } }
  fulfillments { id status trackingInfo { number company url } totalQuantity
    fulfillmentLineItems(first: 5) { nodes { id quantity lineItem { id } } } }
  refunds { id note totalRefundedSet { ...bag } return { id }
    refundLineItems(first: 5) { nodes { quantity restockType subtotalSet { ...bag } totalTaxSet { ...bag } } } }
  returns(first: 5) { nodes { id status } }
  customer { id displayName email } shippingAddress { name address1 countryCodeV2 formatted }
} } fragment bag on MoneyBag { shopMoney { amount } presentmentMoney { amount currencyCode } }"""
SHIP = """mutation($fulfillment: FulfillmentInput!) { fulfillmentCreate(fulfillment: $fulfillment) {
  fulfillment { id status } userErrors { field message } } }"""


def read(store: Store, order: str) -> dict[str, Any]:
    found: dict[str, Any] = store.call(ORDER, id=order)["order"]
    return found


def pounds(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": "GBP"}}


def shop(bag: dict[str, Any]) -> str:
    return str(bag["shopMoney"]["amount"])


def buyer(bag: dict[str, Any]) -> str:
    return f"{bag['presentmentMoney']['amount']} {bag['presentmentMoney']['currencyCode']}"


def line(order: dict[str, Any], place: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = order["lineItems"]["nodes"][place]
    return found


def send(store: Store, order: str, **more: Any) -> dict[str, Any]:
    """Everything of the first fulfilment order."""
    owner = read(store, order)["fulfillmentOrders"]["nodes"][0]["id"]
    given = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": owner}], **more}
    made: dict[str, Any] = store.mutate(SHIP, fulfillment=given)["fulfillment"]
    return made
