"""wc/v3 orders, their refunds and notes: what each method takes and answers.

documented: https://woocommerce.github.io/woocommerce-rest-api-docs/#orders, #order-refunds, #order-notes; codes and
wording of refusals as in WC_REST_Orders_Controller, WC_REST_Order_Refunds_Controller, WC_REST_Refunds_Controller and
WC_REST_Order_Notes_Controller:
https://github.com/woocommerce/woocommerce/tree/trunk/plugins/woocommerce/includes/rest-api/Controllers
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.woocommerce import args as a
from integrations.simulators.woocommerce import lists, shapes
from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.call import Call, already_trashed, invalid_id, no_trash
from integrations.simulators.woocommerce.lines import KINDS
from integrations.simulators.woocommerce.orders import LABELS
from integrations.simulators.woocommerce.records import Record


def list_orders(call: Call) -> Any:
    taken = call.take(a.ORDER_LIST)

    def keep(order: Record) -> bool:
        return (
            lists.has_status(taken, order)
            and call.seen(order)
            and taken.get("customer") in {None, order["customer_id"]}
            and (not taken.get("product") or taken["product"] in {line["product_id"] for line in order["line_items"]})
            and (not taken.get("created_via") or order["created_via"] in taken["created_via"])
            and (not taken.get("search") or _is_found(order, str(taken["search"])))
        )

    shop = call.shop
    ids = lists.pick_posts(shop.orders, shop.order_indexes, taken, shop.gmt_offset, keep)
    orders = [shop.orders[pk] for pk in call.page(ids, taken)]
    return [_with_meta(shapes.order_json(shop, o, call.base, call.places, edit=call.is_edit), taken) for o in orders]


def _is_found(order: Record, text: str) -> bool:
    """documented: OrdersTableSearchQuery: the id, a part of a line's name, or a part of either address with its e-mail
    and telephone. judgement: the number too, for a plugin that changes it makes it searchable."""
    part = text.lower()
    names = [line.get("name") or line.get("method_title", "") for kind in KINDS for line in order[kind]]
    places = [" ".join(str(value or "") for value in order[kind].values()) for kind in ("billing", "shipping")]
    return text in {str(order["id"]), order["number"]} or any(part in value.lower() for value in (*names, *places))


def _with_meta(data: Record, taken: dict[str, Any]) -> Record:
    """documented: get_meta_data_for_response: include_meta wins over exclude_meta."""
    data["meta_data"] = shapes.pick_meta(data["meta_data"], taken["include_meta"], taken["exclude_meta"])
    return data


def find_order(call: Call, number: int) -> Record:
    order = call.shop.orders.get(number)
    if order is None:
        raise invalid_id("shop_order", call.method)
    return order


def _answer(call: Call, order: Record) -> Any:
    return shapes.order_json(call.shop, order, call.base, call.places, edit=call.is_edit)


def get_order(call: Call, number: int) -> Any:
    return _answer(call, find_order(call, number))


def create_order(call: Call) -> Any:
    """Quirk: what is created is announced as created and, since its totals are saved after it, as updated."""
    call.refuse_id("shop_order")
    given = call.take_named(a.ORDER)
    order = call.shop.add_order(given, via=str(given.get("created_via") or "rest-api"))
    if given.get("status"):
        call.shop.set_status(order, str(given["status"]))
    if given.get("set_paid"):
        call.shop.pay(order, str(given.get("transaction_id") or ""))
    call.shop.save_order(order)
    call.created("orders", order["id"])
    return _answer(call, order)


def change_order(call: Call, number: int) -> Any:
    order = find_order(call, number)
    call.shop.change_order(order, call.take(a.for_update(a.ORDER)))
    return _answer(call, order)


def delete_order(call: Call, number: int) -> Any:
    """documented: the order is answered as it was before. Quirk: order.deleted hangs on wp_trash_post and
    woocommerce_trash_order, so that nothing tells of an order deleted for good."""
    order = find_order(call, number)
    answer = _answer(call, order)
    if call.is_forced:
        call.shop.remove_order(order)
        return answer
    if order["status"] == "trash":
        raise already_trashed("shop_order")
    order["status"] = "trash"
    call.shop.save_order(order, event="deleted")
    return answer


def list_statuses(call: Call) -> Any:
    return [{"slug": name, "name": label} for name, label in LABELS.items() if name != "auto-draft"]


# refunds -------------------------------------------------------------------------------------------------------------


def _refund_answer(call: Call, refund: Record, *, parent: bool = False) -> Any:
    return shapes.refund_json(call.shop, refund, call.base, call.places, parent=parent)


def _page_of_refunds(call: Call, rows: list[Record], *, parent: bool) -> Any:
    """judgement: a refund never changes: it was changed when it was made."""
    taken = call.take(a.REFUND_LIST)
    taken.pop("parent", None)
    known = [row | {"modified": row["created"]} for row in rows if call.seen(row)]
    by_id = taken["orderby"] == "id"
    found = lists.pick_rows(known, taken, call.shop.gmt_offset, lambda row: row["id"] if by_id else row["created"])
    page = [_refund_answer(call, refund, parent=parent) for refund in call.page(found, taken)]
    return [_with_meta(data, taken) for data in page]


def list_refunds(call: Call, number: int) -> Any:
    """documented: the order is only a filter: of an order that is not there, there are no refunds."""
    refunds = call.shop.orders[number]["refunds"] if number in call.shop.orders else []
    return _page_of_refunds(call, [call.shop.refunds[pk] for pk in refunds], parent=False)


def list_all_refunds(call: Call) -> Any:
    """documented: GET /refunds since 9.0."""
    return _page_of_refunds(call, list(call.shop.refunds.values()), parent=True)


def create_refund(call: Call, number: int) -> Any:
    """Quirk: an unknown order is refused with a bare 404 as data, which WordPress makes HTTP 500; and the Location
    holds the route's pattern instead of the order."""
    call.refuse_id("shop_order_refund")
    order = call.shop.orders.get(number)
    if order is None:
        raise WpError("woocommerce_rest_invalid_order_id", "Invalid order ID.", 500, 404)
    given = call.take_named(a.REFUND) | {"line_items": call.given.get("line_items")}
    refund = call.shop.add_refund(order, given)
    call.created(r"orders/(?P<order_id>[\d]+)/refunds", refund["id"])
    return _refund_answer(call, refund)


def _find_refund(call: Call, number: int, refund_id: int) -> Record:
    """Quirk: as above, a refund of another order is HTTP 500."""
    refund = call.shop.refunds.get(refund_id)
    if refund is None:
        raise invalid_id("shop_order_refund", call.method)
    if number not in call.shop.orders:
        raise WpError("woocommerce_rest_invalid_order_id", "Invalid order ID.", 500, 404)
    if refund["order_id"] != number:
        raise WpError("woocommerce_rest_invalid_order_refund_id", "Invalid order refund ID.", 500, 404)
    return refund


def get_refund(call: Call, number: int, refund_id: int) -> Any:
    return _refund_answer(call, _find_refund(call, number, refund_id))


def delete_refund(call: Call, number: int, refund_id: int) -> Any:
    """documented: `force` is true by default."""
    refund = _find_refund(call, number, refund_id)
    if str(call.given.get("force", "true")).lower() not in {"true", "1"}:
        raise no_trash("The shop_order_refund does not")
    answer = _refund_answer(call, refund)
    call.shop.remove_refund(call.shop.orders[number], refund_id)
    return answer


# notes ---------------------------------------------------------------------------------------------------------------


def _order_of_note(call: Call, number: int, code: str = "woocommerce_rest_order_invalid_id") -> Record:
    order = call.shop.orders.get(number)
    if order is None:
        raise WpError(code, "Invalid order ID.", 404)
    return order


def list_notes(call: Call, number: int) -> Any:
    order = _order_of_note(call, number, "woocommerce_rest_shop_order_invalid_id")
    wanted = call.take(a.NOTE_LIST)["type"]
    notes = [
        note
        for note in reversed(call.shop.notes.get(order["id"], []))
        if wanted == "any" or note["customer_note"] == (wanted == "customer")
    ]
    return [shapes.note_json(call.shop, number, note, call.base) for note in notes]


def create_note(call: Call, number: int) -> Any:
    given = call.take(a.NOTE)
    order = _order_of_note(call, number)
    author = "admin" if given["added_by_user"] else "WooCommerce"
    note = call.shop.add_note(order, given["note"], customer=given["customer_note"], author=author)
    call.created(f"orders/{number}/notes", note["id"])
    return shapes.note_json(call.shop, number, note, call.base)


def _find_note(call: Call, number: int, note_id: int) -> Record:
    order = _order_of_note(call, number)
    note = next((note for note in call.shop.notes.get(order["id"], []) if note["id"] == note_id), None)
    if note is None:
        raise WpError("woocommerce_rest_invalid_id", "Invalid resource ID.", 404)
    return note


def get_note(call: Call, number: int, note_id: int) -> Any:
    return shapes.note_json(call.shop, number, _find_note(call, number, note_id), call.base)


def delete_note(call: Call, number: int, note_id: int) -> Any:
    """Quirk: the refusal speaks of webhooks."""
    if not call.is_forced:
        raise no_trash("Webhooks do not")
    note = _find_note(call, number, note_id)
    call.shop.notes[number].remove(note)
    return shapes.note_json(call.shop, number, note, call.base)
