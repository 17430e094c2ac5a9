"""How a customer on account stands, asked of the back office by itself when he orders: what is known may be old.

The order waits meanwhile. Nobody is asked inside a transaction: the order's saves a Hold and rings, the task asks.
Where the back office gives no answer for `GIVE_UP_AFTER`, the order goes on by what it said last.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from integrations.models import Connection, Hold, Link, Stream
from integrations.sync.outbox import ring_on_commit
from integrations.sync.platforms import list_capabilities
from integrations.sync.release import release
from orders.models import Customer, Order
from orders.services import accounts, credit, holds
from orders.services.timeline import note

REASON, TASK = "account", "orders.ask_accounts"
KEY = "account:"
KNOWN_FOR = timedelta(minutes=15)  # what was said within is believed
AGAIN_AFTER, GIVE_UP_AFTER = timedelta(minutes=1), timedelta(minutes=10)
AT_ONCE = 100
KEEPERS = (Connection.Role.BACK_OFFICE, Connection.Role.ACCOUNTING)


def check(order: Order, *, at: datetime) -> None:
    """Hold an order on account that brings its customer above his limit, once the back office has been asked how he
    stands where what is known is older than `KNOWN_FOR`. The caller holds the order's lock."""
    link = _find_keeper(order, at) if order.on_account and not order.is_over and not order.stays_here else None
    key = _key(order.customer_id)
    if link is None:
        holds.end(order, [key], at=at)
        credit.check_limit(order, at=at)
        return
    words = _("%(there)s is asked how much %(customer)s owes (order %(order)s).")
    told = {"there": link.connection.name, "customer": order.customer, "order": order}
    holds.wait(order, REASON, key, words % told, at=at, connection=link.connection)
    ring_on_commit(TASK, customer_ids=[link.subject_id])


def ask(customer_id: int, *, at: datetime) -> bool:
    """Ask the back office how the customer stands, and let go what waits for that; whether it does. To be called
    outside of transactions."""
    waiting = Hold.plain.filter(key=_key(customer_id), reason=REASON, ended_at__isnull=True).order_by("since")
    first, link = waiting.first(), _list_keepers(customer_id).first()
    if first is None:
        return False
    words = ""
    if link is not None and link.connection.may_read:
        mine = Customer.plain.filter(Q(account_asked_at=None) | Q(account_asked_at__lte=at - AGAIN_AFTER))
        if not mine.filter(pk=customer_id).update(account_asked_at=at):
            return False  # somebody asks just now
        try:
            accounts.refresh(link, at=at)
        except accounts.NotPossible as error:
            if at < first.since + GIVE_UP_AFTER:
                return False
            words = str(error)
    _go_on(first.merchant_id, customer_id, words, at)
    return True


def ring_due(*, at: datetime) -> None:
    """Ring for the customers orders wait for and nobody has asked about lately."""
    keys = Hold.plain.filter(reason=REASON, ended_at__isnull=True).order_by("key").values_list("key", flat=True)
    ids = [int(key.removeprefix(KEY)) for key in keys.distinct()[:AT_ONCE]]
    lately = Customer.plain.filter(pk__in=ids, account_asked_at__gt=at - AGAIN_AFTER)
    if due := sorted(set(ids) - set(lately.values_list("pk", flat=True))):
        ring_on_commit(TASK, customer_ids=due)


@transaction.atomic
def _go_on(merchant_id: int, customer_id: int, words: str, at: datetime) -> None:
    """The limit is looked at while the orders still wait, so that none slips through in between."""
    key = _key(customer_id)
    held = Hold.plain.filter(merchant_id=merchant_id, key=key, subject_type="order", ended_at__isnull=True)
    rows = Order.plain.filter(pk__in=held.values("subject_id")).select_for_update(of=("self",)).order_by("pk")
    for order in rows.select_related("connection", "customer"):
        if words:
            said = order.customer.account_at if order.customer else None
            last = _("What it said on %(day)s counts.") % {"day": f"{said:%Y-%m-%d %H:%M}"} if said else ""
            note(order, "account_unknown", f"{words} {last}".strip(), at=at)
        credit.check_limit(order, at=at)
    release(merchant_id=merchant_id, key=key, at=at)


def _find_keeper(order: Order, at: datetime) -> Link | None:
    """Whom to ask about the order's customer; None where nobody can tell, or he was asked about lately."""
    customer = order.customer
    if customer is None or customer.is_guest:
        return None
    if customer.account_at is not None and customer.account_at > at - KNOWN_FOR:
        return None
    link = _list_keepers(customer.pk).first()
    if link is None or not link.connection.may_read:
        return None
    there = link.connection
    if "get_account" not in list_capabilities(there.platform, there.settings) or _was_asked(order, customer.pk):
        return None
    return link


def _was_asked(order: Order, customer_id: int) -> bool:
    mine = Hold.plain.filter(merchant_id=order.merchant_id, subject_type="order", subject_id=order.pk)
    return mine.filter(key=_key(customer_id), ended_at__isnull=False).exists()


def _list_keepers(customer_id: int) -> QuerySet[Link]:
    mine = Link.plain.filter(stream=Stream.CUSTOMER, subject_type="customer", subject_id=customer_id)
    return mine.filter(connection__role__in=KEEPERS).select_related("connection").order_by("pk")


def _key(customer_id: int | None) -> str:
    return f"{KEY}{customer_id}"
