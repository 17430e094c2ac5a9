"""What a customer sees of himself: asked of the back office while he waits, else as it last said, with its age."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from catalog.models import Binding
from catalog.services.item_codes import name_variants
from integrations.contract import records as r
from integrations.contract.connector import Connector
from integrations.contract.errors import ConnectorError
from integrations.models import Connection, Link, Stream
from integrations.sync import live
from orders.models import Customer, CustomerSession, FulfilmentOrder, Order, OrderLine, SessionCopy
from orders.services import credit
from orders.services.status import derive
from portal.base.api import SessionHolder
from portal.base.money import exact_money

WAIT_SECONDS = 5.0
MOST_ORDERS, MOST_RECENT = 200, 50
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the back office said: just now (`live`), or `as_of`; None where it never said anything."""

    live: bool
    as_of: datetime | None
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Whose session it is, and the connection whose codes he is shown; `tests_only`: nobody live is asked."""

    session: CustomerSession
    customer: Customer
    connection: Connection
    tests_only: bool = False


def find_asker(holder: SessionHolder, connection: Connection, *, tests_only: bool) -> Asker:
    return Asker(
        session=CustomerSession.plain.get(pk=holder.session_id),
        customer=Customer.plain.get(pk=holder.customer_id),
        connection=connection,
        tests_only=tests_only,
    )


def find_office(customer: Customer, *, tests_only: bool = False) -> Link | None:
    """The back office that knows him, and its number of him."""
    links = Link.plain.filter(stream=Stream.CUSTOMER, subject_type="customer", subject_id=customer.pk)
    links = links.filter(connection__role=Connection.Role.BACK_OFFICE, connection__state__in=Connection.READING_STATES)
    if tests_only:
        links = links.exclude(connection__environment=Connection.Environment.LIVE)
    return links.select_related("connection").order_by("pk").first()


def read_account(asker: Asker, *, at: datetime) -> Told:
    """Balance, limit and terms."""

    def ask(there: Connector, number: str) -> dict[str, Any]:
        account = there.get_account(number)
        with transaction.atomic():
            credit.save_account(Customer.plain.select_for_update().get(pk=asker.customer.pk), account, at=at)
        return {
            "currency": account.currency,
            "balance": f"{account.balance:f}",
            "credit_limit": None if account.credit_limit is None else f"{account.credit_limit:f}",
            "terms": account.terms,
        }

    told = _read(asker, "account", "get_account", ask, at)
    customer = asker.customer
    if told.body is not None or customer.account_at is None:
        return told
    limit = customer.credit_limit
    kept = {
        "currency": customer.account_currency,
        "balance": f"{customer.balance or ZERO:f}",
        "credit_limit": None if limit is None else f"{limit:f}",
        "terms": customer.terms,
    }
    return Told(live=False, as_of=customer.account_at, body=kept)


def read_transactions(asker: Asker, *, at: datetime) -> Told:
    """Journal entries, the newest first, each with the balance after it."""

    def ask(there: Connector, number: str) -> list[dict[str, Any]]:
        rows, balance = [], ZERO
        for entry in there.list_ledger(number, None):
            balance += entry.debit - entry.credit
            rows.append(
                {
                    "number": entry.number,
                    "kind": entry.kind,
                    "at": entry.at.isoformat(),
                    "currency": entry.currency,
                    "debit": f"{entry.debit:f}",
                    "credit": f"{entry.credit:f}",
                    "open_amount": f"{entry.open_amount:f}",
                    "balance": f"{balance:f}",
                }
            )
        return rows[::-1]

    return _read(asker, "transactions", "list_ledger", ask, at)


def read_orders(asker: Asker, *, at: datetime) -> Told:
    """His orders, the newest first: those of the back office, whoever took them, and ours that it does not have."""

    def ask(there: Connector, number: str) -> list[dict[str, Any]]:
        return [_describe_theirs(one) for one in there.list_customer_orders(number, None)[:MOST_ORDERS]]

    told = _read(asker, "orders", "list_customer_orders", ask, at)
    link = find_office(asker.customer, tests_only=asker.tests_only)
    rows = _name_articles(asker.connection, link.connection, told.body) if told.body and link else []
    rows += _list_ours(asker, {row["erp_id"]: row for row in rows}, link)
    rows.sort(key=lambda row: str(row["placed_at"]), reverse=True)
    return Told(live=told.live, as_of=told.as_of, body=rows)


def read_recent_items(asker: Asker, *, at: datetime) -> Told:
    """What he bought last, each article once."""
    told, found = read_orders(asker, at=at), dict[str, dict[str, Any]]()
    for order in told.body:
        for line in order["lines"]:
            if order["status"] == "Cancelled" or not line["code"] or line["code"] in found:
                continue
            found[line["code"]] = {**line, "last_bought_at": order["placed_at"]}
    return Told(live=told.live, as_of=told.as_of, body=list(found.values())[:MOST_RECENT])


# --- asking -----------------------------------------------------------------------------------------------------------


def _read(asker: Asker, kind: str, what: str, ask: Callable[[Connector, str], Any], at: datetime) -> Told:
    link = find_office(asker.customer, tests_only=asker.tests_only)
    if link is not None and live.can_ask(link.connection, what):
        number = link.external_id
        try:
            body = live.ask(link.connection, lambda there: ask(there, number), seconds=WAIT_SECONDS)
        except ConnectorError:
            pass  # it is kept as a capture; the customer sees how old what follows is
        else:
            _keep(asker.session, kind, body, at)
            return Told(live=True, as_of=at, body=body)
    copy = SessionCopy.plain.filter(session=asker.session, kind=kind).first()
    if copy is None:
        return Told(live=False, as_of=None, body=None)
    return Told(live=False, as_of=copy.as_of, body=json.loads(bytes(copy.body)))


@transaction.atomic
def _keep(session: CustomerSession, kind: str, body: Any, at: datetime) -> None:
    """Not of a session that was closed while we asked."""
    if not CustomerSession.plain.select_for_update().filter(pk=session.pk).exists():
        return
    kept = {"body": json.dumps(body).encode(), "as_of": at}
    SessionCopy.plain.update_or_create(
        merchant_id=session.merchant_id, session=session, kind=kind, defaults=kept
    )  # fmt: skip


def _describe_theirs(order: r.OrderRecord) -> dict[str, Any]:
    return {
        "id": None,
        "erp_id": order.external_id,
        "erp_number": order.number or order.external_id,
        "placed_at": order.placed_at.isoformat(),
        "status": _tell_status(order),
        "currency": order.currency,
        "total": f"{order.total:f}",
        "lines": [
            {
                "article": line.variant_external_id,
                "code": line.sku,
                "name": line.name,
                "quantity": f"{line.quantity.normalize():f}",
                "gross": f"{line.gross:f}",
            }
            for line in order.lines
            if line.kind is r.LineKind.ITEM
        ],
    }


def _tell_status(order: r.OrderRecord) -> str:
    if order.cancelled or order.fulfilment is r.FulfilmentStatus.CANCELLED:
        return "Cancelled"
    return "Delivered" if order.fulfilment is r.FulfilmentStatus.FULFILLED else "Pending"


def _name_articles(connection: Connection, there: Connection, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each line's article by the code the caller knows it by; '' where it is none of ours."""
    ids = {line["article"] for row in rows for line in row["lines"]}
    bound = Binding.plain.filter(connection=there, external_id__in=ids, state=Binding.State.BOUND)
    variants = dict(bound.values_list("external_id", "variant_id"))
    codes = dict(bound.values_list("variant_id", "variant__code"))
    names = name_variants(connection=connection, codes=codes)
    return [
        {
            **row,
            "lines": [
                {
                    "code": names.get(variants.get(line["article"], 0), ""),
                    **{name: line[name] for name in ("name", "quantity", "gross")},
                }
                for line in row["lines"]
            ],
        }
        for row in rows
    ]


def _list_ours(asker: Asker, theirs: dict[str, dict[str, Any]], link: Link | None) -> list[dict[str, Any]]:
    """Those the back office did not list; those it did are told our id."""
    mine = Order.plain.filter(customer=asker.customer).order_by("-placed_at", "-pk")
    mine = mine.prefetch_related("lines__variant", "fulfilment_orders").select_related("connection")
    orders = list(mine[:MOST_ORDERS])
    codes = {line.variant_id: line.variant.code for order in orders for line in order.lines.all() if line.variant}
    names = name_variants(connection=asker.connection, codes={pk: code for pk, code in codes.items() if pk})
    found = []
    for order in orders:
        placed = _find_placed(order, link)
        if placed is not None and placed.external_id in theirs:
            theirs[placed.external_id]["id"] = order.public_id
        else:
            found.append(_describe_ours(order, placed, names))
    return found


def _find_placed(order: Order, link: Link | None) -> FulfilmentOrder | None:
    parts = [part for part in order.fulfilment_orders.all() if part.external_id]
    there = [part for part in parts if link is not None and part.destination_id == link.connection_id]
    return next(iter(there or parts), None)


def _describe_ours(order: Order, placed: FulfilmentOrder | None, names: dict[int, str]) -> dict[str, Any]:
    return {
        "id": order.public_id,
        "erp_id": placed.external_id if placed else None,
        "erp_number": (placed.external_number or placed.external_id) if placed else None,
        "placed_at": order.placed_at.isoformat(),
        "status": derive(order).simple,
        "currency": order.currency,
        "total": f"{exact_money(order.total, order.currency):f}",
        "lines": [
            {
                "code": names.get(line.variant_id or 0, line.sku),
                "name": line.name,
                "quantity": f"{line.quantity.normalize():f}",
                "gross": f"{exact_money(line.gross, order.currency):f}",
            }
            for line in sorted(order.lines.all(), key=lambda line: line.position)
            if line.kind == OrderLine.Kind.ITEM
        ],
    }
