"""Settings to begin with, of systems that many have. What a vendor's page leaves open is said beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.contract.connector import Preset

# https://help.commerceup.io/how-to-integrate-any-erp-with-commerceup: user name and password in headers, a call that
# creates a customer and gives its id, one that creates an order and gives its id; for Advanced, cancel and return. The
# page leaves the names in bodies and answers to the ERP: these are a judgement, to be changed to its own. An item is
# named by its code there.
_COMMERCEUP: Mapping[str, Any] = {
    "auth": "headers",
    "username_header": "username",
    "pass_header": "password",
    "format": "json",
    "error_path": "success == `false` && (message || 'it says no more')",
    "create_customer_method": "POST",
    "create_customer_path": "createCustomer",
    "create_customer_body": """{
  "reference": {{ reference }},
  "name": {{ customer.name }},
  "email": {{ customer.email }},
  "phone": {{ customer.phone }},
  "address": {
    "line1": {{ customer.billing.line1 }},
    "line2": {{ customer.billing.line2 }},
    "city": {{ customer.billing.city }},
    "state": {{ customer.billing.region }},
    "postcode": {{ customer.billing.postcode }},
    "country": {{ customer.billing.country }}
  }
}""",
    "create_customer_answer": "id: customerId",
    "create_order_method": "POST",
    "create_order_path": "createOrder",
    "create_order_body": """{
  "orderNumber": {{ reference }},
  "customerId": {{ customer_external_id }},
  "orderDate": {{ placed_at }},
  "currency": {{ currency }},
  "total": {{ total }},
  "paymentMethod": {{ payment_method }},
  "note": {{ note }},
  "items": [
    {% each lines %}
    {
      "sku": {{ variant_external_id || sku }},
      "name": {{ name }},
      "quantity": {{ quantity }},
      "price": {{ unit_price }},
      "discount": {{ discount }},
      "tax": {{ tax }},
      "amount": {{ gross }}
    }
    {% end %}
  ]
}""",
    "create_order_answer": "id: orderId",
    "cancel_order_method": "POST",
    "cancel_order_path": "cancelOrder",
    "cancel_order_body": '{"orderId": {{ external_id }}}',
    "cancel_order_answer": "success: success\nmessage: message",
    "cancel_order_lines_method": "POST",
    "cancel_order_lines_path": "cancelOrder",
    "cancel_order_lines_body": """{
  "orderId": {{ external_id }},
  "items": [{% each lines %}{"{{ variant_external_id || sku }}": {{ quantity }}}{% end %}]
}""",
    "cancel_order_lines_answer": "success: success\nmessage: message",
    "create_return_method": "POST",
    "create_return_path": "returnOrder",
    "create_return_body": """{
  "reference": {{ reference }},
  "orderId": {{ order_external_id }},
  "reason": {{ reason }},
  "items": [{% each lines %}{"sku": {{ variant_external_id || sku }}, "quantity": {{ quantity }}}{% end %}]
}""",
    "create_return_answer": "id: returnId",
}

# https://community.gofrugal.com/portal/en/kb/articles/api-integration and …/api-for-create-a-sales-order: one POST and
# two GETs below WebReporter/api/v1, X-Auth-Token, local times with a blank. An item is bought by its reference code,
# of which a matrix has one a combination. What an answer is wrapped in is not on the pages we have: a judgement.
_COMPACT = "{{ since -> replace(replace(replace(value, '-', ''), ':', ''), ' ', '') }}"
_ITEMS = "items?page={{ page }}&limit={{ limit }}{% if since %}&q=itemTimeStamp>=" + _COMPACT + "{% end %}"
_POS: Mapping[str, Any] = {
    "auth": "key_header",
    "key_name": "X-Auth-Token",
    "format": "json",
    "time_format": "space",
    "error_path": "result && result.status != 'Success' && (result.message || 'it says no more')",
    "create_order_method": "POST",
    "create_order_path": "salesOrders",
    "create_order_safety": "search",
    "create_order_body": """{
  "salesOrder": {
    "onlineReferenceNo": {{ reference }},
    "createdAt": {{ placed_at }},
    "status": "pending",
    "orderRemarks": {{ note }},
    "totalQuantity": {{ sum(lines[?kind=='item'].quantity) }},
    "totalAmount": {{ total }},
    "paymentMode": {{ payment_method }},
    "customerId": {{ customer_external_id }},
    "customerName": {{ customer.name || billing.name }},
    "customerMobile": {{ customer.phone || billing.phone }},
    "customerEmail": {{ customer.email || billing.email }},
    "customerAddressLine1": {{ billing.line1 }},
    "customerAddressLine2": {{ billing.line2 }},
    "customerCity": {{ billing.city }},
    "customerState": {{ billing.region }},
    "customerCountry": {{ billing.country }},
    "customerPincode": {{ billing.postcode }},
    "shippingName": {{ shipping.name }},
    "shippingAddress1": {{ shipping.line1 }},
    "shippingAddress2": {{ shipping.line2 }},
    "shippingPlace": {{ shipping.city }},
    "shippingState": {{ shipping.region }},
    "shippingCountry": {{ shipping.country }},
    "shippingPincode": {{ shipping.postcode }},
    "shippingMobile": {{ shipping.phone }},
    "orderItems": [
      {% each lines %}
      {
        "rowNo": {{ key }},
        "itemName": {{ name }},
        "itemReferenceCode": {{ variant_external_id || item_external_id || sku }},
        "salePrice": {{ unit_price }},
        "quantity": {{ quantity }},
        "itemAmount": {{ gross }}
      }
      {% end %}
    ]
  }
}""",
    "create_order_answer": "id: result.id",
    "find_order_method": "GET",
    "find_order_path": "salesOrders?q=onlineReferenceNo=={{ reference }}&page={{ page }}&limit={{ limit }}",
    "find_order_rows": "salesOrders",
    "find_order_answer": "id: orderPK\nreference: onlineReferenceNo\ntotal: totalAmount\nlines: orderItems\n"
    "cancelled: status",
    "pull_products_method": "GET",
    "pull_products_path": _ITEMS,
    "pull_products_rows": "items",
    "pull_products_answer": "each: stock\nid: itemReferenceCode || parent.itemId\nname: parent.itemName\n"
    "sku: itemReferenceCode\nprice: salePrice\nupdated_at: parent.itemTimeStamp",
    "pull_stock_method": "GET",
    "pull_stock_path": _ITEMS,
    "pull_stock_rows": "items",
    "pull_stock_answer": "each: stock\nid: itemReferenceCode || parent.itemId\nquantity: stock\n"
    "location: parent.locationId\nupdated_at: parent.itemTimeStamp",
    "pull_prices_method": "GET",
    "pull_prices_path": _ITEMS,
    "pull_prices_rows": "items",
    "pull_prices_answer": "each: stock\nid: itemReferenceCode || parent.itemId\namount: salePrice\n"
    "updated_at: parent.itemTimeStamp",
    "pull_orders_method": "GET",
    "pull_orders_path": "salesOrders?page={{ page }}&limit={{ limit }}",
    "pull_orders_rows": "salesOrders",
    "pull_orders_answer": "id: orderPK\nstatus: status\ntotal: totalAmount\nplaced_at: createdAt\n"
    "updated_at: updatedAt",
}

# The old ERP of the bundled simulator, after the manual it serves at its address: everything a form can say, in XML.
_LIST = "?Page={{ page }}&PageSize={{ limit }}"
_CHANGED = "{% if since %}&ChangedSince={{ since }}{% end %}"
_LINE = "<Line><Code>{{ variant_external_id }}</Code><Quantity>{{ quantity }}</Quantity></Line>"
_LINES = "<Lines>{% each lines %}" + _LINE + "{% end %}</Lines>"
_OLD_ERP: Mapping[str, Any] = {
    "auth": "basic",
    "format": "xml",
    "currency": "GBP",
    "error_path": "Response.Status == 'ERROR' && Response.ErrorDescription",
    "expired_path": "Response.ErrorCode == '3'",
    "check_method": "GET",
    "check_path": "legacy/Ping",
    "check_answer": "account: Response.Company\nversion: Response.Version",
    "create_customer_method": "POST",
    "create_customer_path": "legacy/Customers",
    "create_customer_body": """<Customer>
  <Reference>{{ reference }}</Reference>
  <Name>{{ customer.name }}</Name>
  <Email>{{ customer.email }}</Email>
  <Phone>{{ customer.phone }}</Phone>
</Customer>""",
    "create_customer_answer": "id: Response.CustomerNo",
    "create_customer_safety": "search",
    "find_customer_method": "GET",
    "find_customer_path": "legacy/Customers" + _LIST + "&Reference={{ reference }}",
    "find_customer_rows": "Response.Customers.Customer",
    "find_customer_answer": "id: CustomerNo\nreference: Reference",
    "create_order_method": "POST",
    "create_order_path": "legacy/Orders",
    "create_order_body": """<Order>
  <Reference>{{ reference }}</Reference>
  <CustomerNo>{{ customer_external_id }}</CustomerNo>
  <Currency>{{ currency }}</Currency>
  <Total>{{ total }}</Total>
  <Lines>
    {% each lines %}
    <Line>
      {% if variant_external_id %}<Code>{{ variant_external_id }}</Code>{% end %}
      <Text>{{ name }}</Text>
      <Quantity>{{ quantity }}</Quantity>
      <UnitPrice>{{ unit_price }}</UnitPrice>
      <Amount>{{ gross }}</Amount>
    </Line>
    {% end %}
  </Lines>
</Order>""",
    "create_order_answer": "id: Response.OrderNo\ntotal: Response.Total",
    "create_order_safety": "search",
    "find_order_method": "GET",
    "find_order_path": "legacy/Orders",
    "find_order_body": "<Query><Reference>{{ reference }}</Reference><Page>{{ page }}</Page></Query>",
    "find_order_rows": "Response.Orders.Order",
    "find_order_answer": "id: OrderNo\nreference: Reference\ntotal: Total\ncurrency: Currency\nlines: Lines.Line\n"
    "cancelled: OrderStatus",
    "cancel_order_method": "POST",
    "cancel_order_path": "legacy/Orders/{{ external_id }}/Cancel",
    "cancel_order_body": "<Cancel/>",
    "cancel_order_answer": "success: Response.Cancelled",
    "cancel_order_lines_method": "POST",
    "cancel_order_lines_path": "legacy/Orders/{{ external_id }}/Cancel",
    "cancel_order_lines_body": "<Cancel>" + _LINES + "</Cancel>",
    "create_return_method": "POST",
    "create_return_path": "legacy/Orders/{{ order_external_id }}/Returns",
    "create_return_body": "<Return><Reference>{{ reference }}</Reference><Reason>{{ reason }}</Reason>"
    + _LINES
    + "</Return>",
    "create_return_answer": "id: Response.ReturnNo",
    "create_return_safety": "search",
    "find_return_method": "GET",
    "find_return_path": "legacy/Returns" + _LIST + "&Reference={{ reference }}",
    "find_return_rows": "Response.Returns.Return",
    "find_return_answer": "id: ReturnNo\nreference: Reference",
    "pull_products_method": "GET",
    "pull_products_path": "legacy/Items" + _LIST + _CHANGED,
    "pull_products_rows": "Response.Items.Item",
    "pull_products_answer": "id: Code\nname: Name\nsku: Code\nbarcode: Barcode\nprice: Price\nupdated_at: Changed",
    "stock_basis": "available",
    "pull_stock_method": "GET",
    "pull_stock_path": "legacy/Stock" + _LIST,
    "pull_stock_rows": "Response.Stock.Row",
    "pull_stock_answer": "id: Code\nquantity: Available",
    "pull_prices_method": "GET",
    "pull_prices_path": "legacy/Prices" + _LIST,
    "pull_prices_rows": "Response.Prices.Row",
    "pull_prices_answer": "id: Code\namount: Price\ncurrency: Currency",
    "pull_orders_method": "GET",
    "pull_orders_path": "legacy/Orders" + _LIST + _CHANGED,
    "pull_orders_rows": "Response.Orders.Order",
    "pull_orders_answer": "id: OrderNo\nstatus: OrderStatus\ntotal: Total\ncurrency: Currency\nupdated_at: Changed",
    "pull_shipments_method": "GET",
    "pull_shipments_path": "legacy/Orders" + _LIST + _CHANGED,
    "pull_shipments_rows": "Response.Orders.Order",
    "pull_shipments_answer": """each: Shipments.Shipment
id: ShipmentNo
order: parent.OrderNo
tracking_number: Tracking
shipped_at: Date
updated_at: parent.Changed
lines: Lines.Line
line_item: Code
line_quantity: Quantity""",
    "pull_invoices_method": "GET",
    "pull_invoices_path": "legacy/Orders" + _LIST + _CHANGED,
    "pull_invoices_rows": "Response.Orders.Order",
    "pull_invoices_answer": """each: Invoices.Invoice
id: InvoiceNo
order: parent.OrderNo
number: InvoiceNo
total: Total
currency: parent.Currency
issued_at: Date
updated_at: parent.Changed""",
    "list_ledger_method": "GET",
    "list_ledger_path": "legacy/Ledger?CustomerNo={{ customer_external_id }}",
    "list_ledger_rows": "Response.Entries.Entry",
    "list_ledger_answer": "id: No\nat: Date\nkind: Type\namount: Amount",
    "get_account_method": "GET",
    "get_account_path": "legacy/Ledger?CustomerNo={{ customer_external_id }}",
    "get_account_answer": "balance: Response.Balance",
    "quote_prices_method": "POST",
    "quote_prices_path": "legacy/Quote",
    "quote_prices_body": "<Quote><CustomerNo>{{ customer_external_id }}</CustomerNo>" + _LINES + "</Quote>",
    "quote_prices_rows": "Response.Lines.Line",
    "quote_prices_answer": "id: Code\nunit_price: UnitPrice",
}

PRESETS: Mapping[str, Preset] = {
    "commerceup": Preset(
        label="Commerceup's sample API",
        docs_url="https://help.commerceup.io/how-to-integrate-any-erp-with-commerceup",
        settings=_COMMERCEUP,
    ),
    "pos": Preset(
        label="A POS of three calls (Gofrugal)",
        docs_url="https://community.gofrugal.com/portal/en/kb/articles/api-integration",
        settings=_POS,
    ),
    "old_erp": Preset(
        label="An old ERP in XML (the bundled simulator)",
        docs_url="https://www.w3.org/TR/xml/",
        settings=_OLD_ERP,
    ),
}
