"""What a person does about what follows an order, on its page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.http.request import QueryDict
from django.utils.translation import gettext as _

from orders.models import Exchange, Order
from orders.services import bills, cancelling, exchanges, giving_back, home_delivery, returns
from orders.services.desk import NotPossible
from portal.base.admin import money

NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


def act(order: Order, given: QueryDict, *, by: str, at: datetime) -> str:
    """Do what the form says; what has happened, in words. NotPossible says why not."""
    do = ACTS.get(given.get("do", ""))
    if do is None:
        raise NotPossible(_("Choose what to do."))
    try:
        return do(order, given, {"by": by, "at": at})
    except ValueError as error:
        raise NotPossible(str(error)) from error
    except ObjectDoesNotExist as error:
        raise NotPossible(_("That is not part of this order.")) from error


def _deliver(order: Order, given: QueryDict, common: dict[str, Any]) -> str:
    part = order.fulfilment_orders.get(pk=_key(given, "part"))
    row = home_delivery.set_state(
        merchant_id=order.merchant_id,
        part_id=part.pk,
        shipment_id=_key(given, "shipment") or None,
        state=given.get("state", ""),
        reason=given.get("reason", ""),
        **common,
    )
    return _("Home delivery: %(state)s.") % {"state": row.get_state_display()}


def _return(order: Order, given: QueryDict, common: dict[str, Any]) -> str:
    row = returns.make(
        order_id=order.pk,
        quantities=_quantities(given),
        reason_code=given.get("reason_code", ""),
        reason=given.get("reason", ""),
        restock=given.get("restock", ""),
        **common,
    )
    return _("Return %(number)s is made.") % {"number": row}


def _arrive(order: Order, given: QueryDict, common: dict[str, Any]) -> str:
    row = order.returns.get(pk=_key(given, "return"))
    returns.mark_arrived(return_id=row.pk, **common)
    return _("The goods of return %(number)s are here.") % {"number": row}


def _exchange(order: Order, given: QueryDict, common: dict[str, Any]) -> str:
    row = order.returns.get(pk=_key(given, "return"))
    if number := given.get("number", "").strip():
        made = exchanges.link(return_id=row.pk, number=number, **common)
    else:
        prices = {pk: _number(text) for pk, text in _fields(given, "price-").items() if text.strip()}
        made = exchanges.make(return_id=row.pk, articles=_fields(given, "code-"), prices=prices, **common)
    return _("Order %(order)s goes out for return %(number)s.") % {"order": made.new_order, "number": row}


def _give_back(order: Order, given: QueryDict, common: dict[str, Any]) -> str:
    """What is left over of an exchange."""
    made = Exchange.objects.get(pk=_key(given, "exchange"), parent__order=order)
    row = exchanges.give_back(exchange_id=made.pk, **common)
    words = _("%(shop)s is asked to give back %(amount)s.")
    return words % {"shop": order.connection, "amount": money(row.amount, order.currency)}


def _pay(order: Order, given: QueryDict, common: dict[str, Any]) -> str:
    """What an exchange costs more."""
    row = exchanges.take_payment(order_id=order.pk, method=given.get("method", "")[:100], **common)
    return _("%(amount)s is paid; the order goes on.") % {"amount": money(row.amount, order.currency)}


def _refund(order: Order, given: QueryDict, common: dict[str, Any]) -> str:
    row = giving_back.ask(
        order_id=order.pk,
        quantities=_quantities(given),
        amount=_number(given.get("amount", "")),
        reason=given.get("reason", ""),
        **common,
    )
    words = _("%(shop)s is asked to give back %(amount)s.")
    return words % {"shop": order.connection, "amount": money(row.amount, order.currency)}


def _cancel(order: Order, given: QueryDict, common: dict[str, Any]) -> str:
    reason = given.get("reason", "")
    if given.get("what") == "items":
        cancelling.ask_items(order_id=order.pk, quantities=_quantities(given), reason=reason, **common)
        return _("It is asked for; the answer stands here.")
    if cancelling.ask_whole(order_id=order.pk, reason=reason, **common):
        return _("%(order)s is cancelled.") % {"order": order}
    return _("It is asked for; the answer stands here.")


def _bill(order: Order, given: QueryDict, common: dict[str, Any]) -> str:
    row = bills.make(
        order_id=order.pk,
        part_id=_key(given, "part") or None,
        payment=given.get("payment", ""),
        paid=given.get("paid") == "on",
        remember=given.get("remember") == "on",
        **common,
    )
    return _("Bill %(number)s is made.") % {"number": row} if row.number else _("The bill is asked for.")


def _correct(order: Order, given: QueryDict, common: dict[str, Any]) -> str:
    row = order.bills.get(pk=_key(given, "bill"))
    payment, remember = given.get("payment", ""), given.get("remember") == "on"
    row = bills.correct(bill_id=row.pk, payment=payment, remember=remember, **common)
    return _("Bill %(number)s is paid by %(how)s.") % {"number": row, "how": row.payment_type}


ACTS: Mapping[str, Callable[[Order, QueryDict, dict[str, Any]], str]] = {
    "deliver": _deliver,
    "return": _return,
    "arrive": _arrive,
    "exchange": _exchange,
    "give_back": _give_back,
    "pay": _pay,
    "refund": _refund,
    "cancel": _cancel,
    "bill": _bill,
    "correct": _correct,
}


def _key(given: QueryDict, name: str) -> int:
    text = given.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _number(text: str) -> Decimal:
    """'' is nothing; ValueError for what is no plain number."""
    text = text.strip()
    if text and not NUMBER.fullmatch(text):
        raise ValueError(_("“%(text)s” is no number: write it like 1 or 1.5.") % {"text": text[:20]})
    return Decimal(text or 0)


def _fields(given: QueryDict, start: str) -> dict[int, str]:
    names = [name for name in given if name.startswith(start) and name.removeprefix(start).isdecimal()]
    return {int(name.removeprefix(start)): str(given[name]) for name in names}


def _quantities(given: QueryDict) -> dict[int, Decimal]:
    return {pk: _number(text) for pk, text in _fields(given, "qty-").items()}
