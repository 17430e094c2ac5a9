"""The settings a merchant would type for the simulator's APIs, after the manual it serves at /."""

from __future__ import annotations

from typing import Any

from integrations.connectors.http_erp.presets import PRESETS

OLD_ERP_XML = dict(PRESETS["old_erp"].settings)
_JSON_LINE = '{"Code": {{ variant_external_id }}, "Quantity": {{ quantity }}}'
# The same in JSON: its answers have no outermost element.
OLD_ERP_JSON: dict[str, Any] = {name: value.replace("Response.", "") for name, value in OLD_ERP_XML.items()} | {
    "format": "json",
    "create_customer_body": '{"Reference": {{ reference }}, "Name": {{ customer.name }}, '
    '"Email": {{ customer.email }}}',
    "create_order_body": '{"Reference": {{ reference }}, "CustomerNo": {{ customer_external_id }}, "Currency": '
    '{{ currency }}, "Total": {{ total }}, "Lines": {"Line": [{% each lines %}{"Code": {{ variant_external_id }}, '
    '"Quantity": {{ quantity }}, "UnitPrice": {{ unit_price }}, "Amount": {{ gross }}}{% end %}]}}',
    "find_order_body": '{"Reference": {{ reference }}, "Page": {{ page }}}',
    "cancel_order_body": "{}",
    "cancel_order_lines_body": f'{{"Lines": {{"Line": [{{% each lines %}}{_JSON_LINE}{{% end %}}]}} }}',
    "create_return_body": '{"Reference": {{ reference }}, "Reason": {{ reason }}, '
    f'"Lines": {{"Line": [{{% each lines %}}{_JSON_LINE}{{% end %}}]}} }}',
    "quote_prices_body": '{"CustomerNo": {{ customer_external_id }}, '
    f'"Lines": {{"Line": [{{% each lines %}}{_JSON_LINE}{{% end %}}]}} }}',
}
COMMERCEUP = dict(PRESETS["commerceup"].settings)
POS = dict(PRESETS["pos"].settings) | {"currency": "GBP"}
