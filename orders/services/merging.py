"""Making two customers one, and two again: what moves is written down, so that undoing puts exactly that back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from integrations.models import Command, Hold, Link, Stream
from integrations.sync.outbox import ring_on_commit
from integrations.sync.release import release
from orders.models import Customer, CustomerMerge, LedgerEntry, Order
from orders.services import customer_updates, holds, routing
from orders.services.identity import WHO, list_keys, list_meant
from orders.services.timeline import note
from orders.services.withdrawals import NOT_SENT, may_be_there, withdraw
from portal.tenancy.models import User

FIELDS = ("name", "company", "email", "phone", "phone_as_given", "tax_number", "postcode", "terms", "account_currency")
WHOLE = ("billing", "shipping")


class NotPossible(Exception):
    """They cannot be merged or parted; the message says why."""


@transaction.atomic
def merge(*, kept_id: int, gone_id: int, by: User, reason: str, at: datetime) -> CustomerMerge:
    """Give `gone`'s orders, links and ledger to `kept`, fill in what `kept` lacks, and go on with what waited for the
    two to be told apart. A message that is not sent yet about `gone` is not sent."""
    found = Customer.plain.filter(pk__in=(kept_id, gone_id))
    keys = sorted({key for one in found for key in list_keys(one)})
    orders = _lock_orders(gone_id, keys)
    kept, gone = _lock(kept_id, gone_id)
    row = CustomerMerge(merchant_id=kept.merchant_id, kept=kept, gone=gone, at=at, by=str(by)[:100])
    row.reason = reason[:200]
    row.moved = {
        "orders": [order.pk for order in orders],
        "links": _ids(_links(gone)),
        "ledger": _ids(LedgerEntry.plain.filter(customer=gone)),
        "withdrawn": _withdraw(gone, at),
    }
    row.filled = _fill(kept, gone)
    row.save()
    Order.plain.filter(pk__in=row.moved["orders"]).update(customer=kept)
    LedgerEntry.plain.filter(pk__in=row.moved["ledger"]).update(customer=kept)
    Link.plain.filter(pk__in=row.moved["links"]).update(subject_id=kept.pk)
    gone.merged_into = kept
    gone.save(update_fields=["merged_into"])
    words = _("Its customer %(gone)s and %(kept)s were made one.") % {"gone": gone, "kept": kept}
    _go_on(orders, kept, words, by, at)
    _release_told(kept.merchant_id, keys, at)
    if row.filled:
        customer_updates.tell_others(kept, but=None, at=at)
    return row


@transaction.atomic
def undo(*, merge_id: int, by: User, at: datetime) -> CustomerMerge:
    """Part them again: what came with the merge goes back, what came later stays. NotPossible where it was undone
    already, where a later merge must be undone first, or where the data was erased since."""
    row = CustomerMerge.plain.select_for_update().get(pk=merge_id)
    if row.undone_at is not None:
        raise NotPossible(_("That was undone already."))
    rows = Order.plain.filter(pk__in=row.moved["orders"]).select_for_update(of=("self",))
    orders = list(rows.select_related("connection").order_by("pk"))
    both = Customer.plain.select_for_update().filter(pk__in=(row.kept_id, row.gone_id)).order_by("pk")
    by_id = {one.pk: one for one in both}
    kept, gone = by_id[row.kept_id], by_id[row.gone_id]
    if kept.erased_at or gone.erased_at:
        raise NotPossible(_("The data was erased since; there is nothing to put back."))
    later = CustomerMerge.plain.filter(kept=kept, undone_at__isnull=True, pk__gt=row.pk).order_by("-pk").first()
    if kept.merged_into_id or later is not None:
        raise NotPossible(_("It was merged again since: undo that first."))
    Order.plain.filter(pk__in=row.moved["orders"], customer=kept).update(customer=gone)
    LedgerEntry.plain.filter(pk__in=row.moved["ledger"], customer=kept).update(customer=gone)
    Link.plain.filter(pk__in=row.moved["links"], subject_id=kept.pk).update(subject_id=gone.pk)
    for name, (before, after) in row.filled.items():
        if getattr(kept, name) == after:
            setattr(kept, name, before)
    kept.save()
    gone.merged_into = None
    gone.save(update_fields=["merged_into"])
    _send_after_all(row.moved["withdrawn"], at)
    row.undone_at, row.undone_by = at, str(by)[:100]
    row.save(update_fields=["undone_at", "undone_by"])
    words = _("The merge of %(gone)s and %(kept)s was undone.") % {"gone": gone, "kept": kept}
    _go_on([one for one in orders if one.customer_id == kept.pk], gone, words, by, at)
    return row


@transaction.atomic
def say_who(*, order_id: int, customer_id: int | None, by: User, at: datetime) -> Customer:
    """Which of several customers bought an order, None: somebody new; the order goes on. NotPossible where it waits for
    no such answer, or the one chosen is none of those."""
    order = Order.plain.select_for_update().select_related("connection").get(pk=order_id)
    key = next((key for key in sorted(holds.list_open_keys(order)) if key.startswith(WHO)), "")
    if not key:
        raise NotPossible(_("Order %(order)s does not wait for that any more.") % {"order": order})
    if customer_id is None:
        customer = Customer(merchant_id=order.merchant_id, name=order.customer_name, email=order.email)
        customer.phone = customer.phone_as_given = order.phone
        customer.billing, customer.shipping = order.billing, order.shipping
        customer.postcode = str(order.billing.get("postcode", "")).replace(" ", "").upper()[:20]
        customer.save()
    else:
        chosen = list_meant(order.merchant_id, key).filter(pk=customer_id).first()
        if chosen is None:
            raise NotPossible(_("Choose one of those who have this phone or e-mail."))
        customer = chosen
    order.customer = customer
    order.save(update_fields=["customer"])
    note(order, "who", _("%(by)s says that %(who)s bought it.") % {"by": by, "who": customer}, at=at, actor=str(by))
    holds.end(order, [key], at=at)
    routing.forward(order, at=at)
    return customer


def _lock(kept_id: int, gone_id: int) -> tuple[Customer, Customer]:
    rows = {one.pk: one for one in Customer.plain.select_for_update().filter(pk__in=(kept_id, gone_id)).order_by("pk")}
    if kept_id == gone_id or len(rows) != 2:
        raise NotPossible(_("Choose two customers."))
    kept, gone = rows[kept_id], rows[gone_id]
    if kept.merchant_id != gone.merchant_id or any(one.erased_at or one.merged_into_id for one in (kept, gone)):
        raise NotPossible(_("One of them was merged or erased meanwhile: look again."))
    return kept, gone


def _links(customer: Customer) -> Any:
    return Link.plain.filter(stream=Stream.CUSTOMER, subject_type="customer", subject_id=customer.pk)


def _ids(rows: Any) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _fill(kept: Customer, gone: Customer) -> dict[str, list[Any]]:
    """Only what `kept` has nothing for: {field: [before, after]}."""
    filled: dict[str, list[Any]] = {}
    for name in (*FIELDS, *WHOLE):
        before, theirs = getattr(kept, name), getattr(gone, name)
        if not before and theirs:
            filled[name] = [before, theirs]
            setattr(kept, name, theirs)
    if kept.is_guest and not gone.is_guest:
        filled["is_guest"], kept.is_guest = [True, False], False
    if filled:
        kept.save()
    return filled


def _lock_orders(gone_id: int, keys: list[str]) -> list[Order]:
    """All that the merge touches, in one order: `gone`'s orders (given back), and those that wait to be told whose."""
    waiting = Hold.plain.filter(subject_type="order", key__in=keys, ended_at__isnull=True).values("subject_id")
    rows = Order.plain.filter(Q(customer_id=gone_id) | Q(pk__in=waiting)).select_for_update(of=("self",))
    return [row for row in rows.select_related("connection").order_by("pk") if row.customer_id == gone_id]


def _withdraw(gone: Customer, at: datetime) -> list[int]:
    """What was never sent about `gone` is not sent; what may be there is settled as `kept`'s. The messages' keys."""
    mine = Command.plain.select_for_update().filter(subject_type="customer", subject_id=gone.pk)
    never = [one for one in mine.filter(state__in=NOT_SENT).order_by("pk") if not may_be_there(one)]
    for command in never:
        withdraw(command, "The customer was merged with another.", at=at)
    return [command.pk for command in never]


def _send_after_all(ids: list[int], at: datetime) -> None:
    rows = Command.plain.filter(pk__in=ids, state=Command.State.WITHDRAWN)
    if rows.update(state=Command.State.PENDING, state_at=at, next_attempt_at=at, finished_at=None, message=""):
        ring_on_commit("integrations.deliver", command_ids=ids)


def _go_on(orders: list[Order], customer: Customer, words: str, by: User, at: datetime) -> None:
    """Orders that wait look again; each tells that its customer is another."""
    waiting = Hold.plain.filter(subject_type="order", ended_at__isnull=True)
    waiting = waiting.filter(subject_id__in=[order.pk for order in orders])
    ids = set(waiting.values_list("subject_id", flat=True))
    for order in orders:
        order.customer = customer
        note(order, "customer", words, at=at, actor=str(by))
        if order.pk in ids:
            routing.forward(order, at=at)


def _release_told(merchant_id: int, keys: list[str], at: datetime) -> None:
    """Orders that waited because both could be meant: where only one is left it is he."""
    for key in keys:
        left = list(list_meant(merchant_id, key)[:2])
        if len(left) != 1:
            continue
        waiting = Hold.plain.filter(merchant_id=merchant_id, key=key, ended_at__isnull=True, subject_type="order")
        ids = list(waiting.values_list("subject_id", flat=True))
        Order.plain.filter(pk__in=ids, customer__isnull=True).update(customer=left[0])
        release(merchant_id=merchant_id, key=key, at=at)
