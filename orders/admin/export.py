"""Orders as a file, one row a line, so that work goes on when the back office is down: CSV, XLSX or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from decimal import Decimal

import structlog
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _

from orders.mapping.view import ADDRESS
from orders.models import Order, OrderLine
from portal.base.money import exact_money, round_money
from portal.base.tables import CONTENT_TYPES, CSV, XLSX, write_table
from portal.tenancy.models import User
from portal.tenancy.scoping import current_scope, scope

log = structlog.get_logger(__name__)

JSON_LINES = "jsonl"
MOST = 20_000  # orders in one file; choose fewer by a filter
BATCH = 200  # orders read at once
TYPES = {**CONTENT_TYPES, JSON_LINES: "application/jsonl; charset=utf-8"}


def list_columns() -> dict[str, str]:
    """Key in JSON lines → heading of the sheet, in the order of the columns. Texts all: a code keeps its zeros."""
    sides = (("billing", _("billing")), ("shipping", _("shipping")))
    addresses = {f"{key}_{part}": f"{words} {part.replace('_', ' ')}" for key, words in sides for part in ADDRESS}
    return {
        "number": _("number"), "shop": _("shop"), "placed_at": _("placed"), "customer": _("customer"),
        "email": _("e-mail"), "phone": _("phone"), **addresses,
        "currency": _("currency"), "total": _("order total"), "captured": _("captured"), "refunded": _("refunded"),
        "financial": _("paid"), "fulfilment": _("shipped"), "payment_method": _("payment method"),
        "payment_reference": _("payment reference"), "back_office": _("back office"),
        "number_there": _("number there"), "reference": _("reference"), "waits_because": _("waits because"),
        "owner": _("owner"), "note": _("note"),
        "line": _("line"), "line_kind": _("line kind"), "sku": _("their code"), "article": _("our article"),
        "name": _("name"), "quantity": _("quantity"), "cancelled": _("cancelled"), "unit_price": _("unit price"),
        "discount": _("discount"), "net": _("net"), "tax": _("tax"), "tax_codes": _("tax codes"), "gross": _("gross"),
    }  # fmt: skip


def respond(rows: QuerySet[Order], *, kind: str, by: User, at: datetime, name: str) -> HttpResponseBase:
    """The orders as a file of this kind (CSV and JSON lines as they are read), written down who took it."""
    ids = list(dict.fromkeys(rows.values_list("pk", flat=True)[:MOST]))
    _record(ids, kind=kind, by=by, at=at)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    if kind == XLSX:
        table = _as_table(rows, ids)
        return HttpResponse(write_table(XLSX, table), content_type=TYPES[kind], headers=headers)
    parts = _stream_csv(rows, ids) if kind == CSV else _stream_json(rows, ids)
    return StreamingHttpResponse(_in_scope(parts), content_type=TYPES[kind], headers=headers)


def list_rows(rows: QuerySet[Order], ids: Sequence[int]) -> Iterator[dict[str, str]]:
    """One dictionary a line, the order's own fields in each; an order without lines is one, too. Amounts with a point,
    in the currency's units; quantities of the shop's article; times in UTC (ISO 8601)."""
    chosen = rows.order_by().select_related("connection", "owner")
    chosen = chosen.prefetch_related("fulfilment_orders__destination", "payments", "lines__variant", "lines__taxes")
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        found = {order.pk: order for order in chosen.filter(pk__in=batch)}
        for order in (found[pk] for pk in batch if pk in found):
            head = _describe_order(order)
            lines = sorted(order.lines.all(), key=lambda line: line.position)
            yield from ({**head, **_describe_line(order, line)} for line in lines)
            if not lines:
                yield head


def _describe_order(order: Order) -> dict[str, str]:
    parts = sorted(order.fulfilment_orders.all(), key=lambda part: part.pk)
    payments = sorted(order.payments.all(), key=lambda one: one.pk)
    found = {
        "number": order.number,
        "shop": order.connection.name,
        "placed_at": order.placed_at.isoformat(timespec="seconds"),
        "customer": order.customer_name,
        "email": order.email,
        "phone": order.phone,
        "currency": order.currency,
        "total": _amount(order.total, order),
        "captured": _amount(order.captured, order),
        "refunded": _amount(order.refunded, order),
        "financial": order.get_financial_display(),
        "fulfilment": order.get_fulfilment_display(),
        "payment_method": ", ".join(dict.fromkeys(one.method for one in payments if one.method)),
        "payment_reference": ", ".join(dict.fromkeys(one.external_id for one in payments)),
        "back_office": ", ".join(part.destination.name for part in parts),
        "number_there": ", ".join(part.external_number for part in parts if part.external_number),
        "reference": ", ".join(dict.fromkeys(part.reference for part in parts)),
        "waits_because": str(getattr(order, "why", "")),
        "owner": str(order.owner or ""),
        "note": order.note,
    }
    for key, values in (("billing", order.billing), ("shipping", order.shipping)):
        found |= {f"{key}_{part}": str(values.get(part) or "") for part in ADDRESS}
    return found


def _describe_line(order: Order, line: OrderLine) -> dict[str, str]:
    return {
        "line": str(line.position + 1),
        "line_kind": line.get_kind_display(),
        "sku": line.sku,
        "article": line.variant.code if line.variant else "",
        "name": line.name,
        "quantity": _plain(line.quantity),
        "cancelled": _plain(line.cancelled_quantity),
        "unit_price": f"{exact_money(line.unit_price, order.currency):f}",
        "discount": _amount(line.discount, order),
        "net": _amount(line.net, order),
        "tax": _amount(line.tax, order),
        "tax_codes": ", ".join(tax.name or tax.code for tax in line.taxes.all()),
        "gross": _amount(line.gross, order),
    }


def _as_table(rows: QuerySet[Order], ids: Sequence[int]) -> Iterator[list[str]]:
    columns = list_columns()
    yield list(columns.values())
    for one in list_rows(rows, ids):
        yield [one.get(key, "") for key in columns]


def _stream_csv(rows: QuerySet[Order], ids: Sequence[int]) -> Iterator[bytes]:
    """Batch by batch; a text that a spreadsheet would run as a formula begins with an apostrophe
    (https://owasp.org/www-community/attacks/CSV_Injection)."""
    mark, batch = b"\xef\xbb\xbf", list[list[str]]()
    yield mark
    for row in _as_table(rows, ids):
        batch.append(row)
        if len(batch) >= BATCH:
            yield write_table(CSV, batch).removeprefix(mark)
            batch = []
    yield write_table(CSV, batch).removeprefix(mark)


def _stream_json(rows: QuerySet[Order], ids: Sequence[int]) -> Iterator[bytes]:
    """A JSON object a line, as it is: nothing runs it."""
    columns = list_columns()
    for one in list_rows(rows, ids):
        yield json.dumps({key: one.get(key, "") for key in columns}, ensure_ascii=False).encode() + b"\n"


def _in_scope(parts: Iterator[bytes]) -> Iterator[bytes]:
    """What is read after the request is over is still of its merchant, and of its places only."""
    current = current_scope()
    merchant = current.merchant_id if current else None
    places = current.location_ids if current else None
    while True:
        with scope(merchant, places) if merchant else nullcontext():
            part = next(parts, None)
        if part is None:
            return
        yield part


def _record(ids: Sequence[int], *, kind: str, by: User, at: datetime) -> None:
    """In the log, and in the table of what people did in the admin."""
    merchant = current_scope()
    log.info("Orders were exported.", orders=len(ids), kind=kind, user=by.pk,
             merchant=merchant.merchant_id if merchant else None)  # fmt: skip
    LogEntry.objects.create(
        user_id=by.pk,
        action_time=at,
        content_type=ContentType.objects.get_for_model(Order),
        action_flag=CHANGE,
        object_repr=f"{len(ids)} orders"[:200],
        change_message=f"Exported {len(ids)} orders as {kind}: {', '.join(map(str, ids[:100]))}",
    )


def _amount(value: Decimal, order: Order) -> str:
    return f"{round_money(value, order.currency):f}"


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
