"""wc/v3 taxes, gateways, settings and what the shop says of itself.

documented: https://woocommerce.github.io/woocommerce-rest-api-docs/#taxes, #payment-gateways, #settings,
#system-status, #reports; codes and wording as in
https://github.com/woocommerce/woocommerce/tree/trunk/plugins/woocommerce/includes/rest-api/Controllers
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.woocommerce import args as a
from integrations.simulators.woocommerce import lists, shapes
from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.call import Call, no_trash
from integrations.simulators.woocommerce.orders import LABELS
from integrations.simulators.woocommerce.records import GATEWAYS, Record

SHIPPING_METHODS = {"flat_rate": "Flat rate", "free_shipping": "Free shipping", "local_pickup": "Local pickup"}


def list_taxes(call: Call) -> Any:
    taken = call.take(a.TAX_LIST)
    names = {"order": lambda row: row["order"], "priority": lambda row: row["priority"]}
    rows = [row for row in call.shop.taxes.values() if taken.get("class") in {None, row["class"]}]
    rows = lists.sort_plain(rows, taken, names)
    return [shapes.tax_json(row, call.base) for row in call.page(rows, taken)]


def _find_tax(call: Call, number: int) -> Record:
    rate = call.shop.taxes.get(number)
    if rate is None:
        raise WpError("woocommerce_rest_invalid_id", "Invalid resource ID.", 404)
    return rate


def get_tax(call: Call, number: int) -> Any:
    return shapes.tax_json(_find_tax(call, number), call.base)


def create_tax(call: Call) -> Any:
    if call.body.get("id"):
        raise WpError("woocommerce_rest_tax_exists", "Cannot create existing resource.", 400)
    blank: Record = dict.fromkeys(("country", "state", "postcode", "city", "name"), "") | {"rate": "0", "order": 0}
    given = call.take(a.TAX)
    rate = (
        {"id": call.shop.next_id("tax")} | blank | {k: v for k, v in given.items() if k not in {"postcodes", "cities"}}
    )
    call.shop.taxes[rate["id"]] = rate
    call.created("taxes", rate["id"])
    return shapes.tax_json(rate, call.base)


def delete_tax(call: Call, number: int) -> Any:
    if not call.is_forced:
        raise no_trash("Taxes do not")
    rate = _find_tax(call, number)
    call.shop.taxes.pop(number)
    return shapes.tax_json(rate, call.base)


def list_gateways(call: Call) -> Any:
    return [shapes.gateway_json(name, place, call.base) for place, name in enumerate(GATEWAYS)]


def list_shipping_methods(call: Call) -> Any:
    return [
        {
            "id": name,
            "title": title,
            "description": f"{title}.",
            "_links": shapes.links(call.base, "shipping_methods", name),
        }
        for name, title in SHIPPING_METHODS.items()
    ]


def list_order_totals(call: Call) -> Any:
    counts = dict.fromkeys(LABELS, 0)
    for order in call.shop.orders.values():
        counts[order["status"]] = counts.get(order["status"], 0) + 1
    shown = [name for name in LABELS if name != "auto-draft"]
    return [{"slug": name, "name": LABELS[name], "total": counts[name]} for name in shown]


def get_status(call: Call) -> Any:
    return shapes.status_json(call.shop, call.base.partition("/wp-json")[0])


def get_currency(call: Call) -> Any:
    return shapes.currency_json(call.shop, call.base)


def list_settings(call: Call, group: str) -> Any:
    if group not in call.shop.settings:
        raise WpError("rest_setting_setting_group_invalid", "Invalid setting group.", 404)
    return [shapes.setting_json(call.shop, group, name, call.base) for name in call.shop.settings[group]]


def _check_setting(call: Call, group: str, name: str) -> None:
    if group not in call.shop.settings:
        raise WpError("rest_setting_setting_group_invalid", "Invalid setting group.", 404)
    if name not in call.shop.settings[group]:
        raise WpError("rest_setting_setting_invalid", "Invalid setting.", 404)


def get_setting(call: Call, group: str, name: str) -> Any:
    _check_setting(call, group, name)
    return shapes.setting_json(call.shop, group, name, call.base)


def change_setting(call: Call, group: str, name: str) -> Any:
    """documented: update_item. judgement: of the values only those of check boxes are checked."""
    _check_setting(call, group, name)
    value = str(call.given.get("value") or "")
    if call.shop.settings[group][name] in {"yes", "no"} and value not in {"yes", "no"}:
        raise WpError("rest_setting_value_invalid", "An invalid setting value was passed.", 400)
    call.shop.settings[group][name] = value
    return shapes.setting_json(call.shop, group, name, call.base)
