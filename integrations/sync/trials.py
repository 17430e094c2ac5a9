"""Trying the calls of a connection that is configured by form, and certifying what its creates do when sent twice.

Nothing here runs by itself. What creates documents goes only after a person has said so, knowing that it does.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.contract import errors as e
from integrations.contract import records as r
from integrations.contract.connector import FIND_FOR, Connector, Safety
from integrations.contract.http import Exchange as HttpExchange
from integrations.models import Connection
from integrations.registry import get_connector
from integrations.sync.client import Captures, build_connector

SHOWN = 5  # records of a list
ORDER_NEEDED = frozenset({"cancel_order", "create_return"})  # what is tried on an order that is there
CREATES = ("create_customer", "create_order", "create_return")


class NotAgreed(Exception):
    """A call that creates or changes something there, and nobody has said that it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the documents of a trial are made of: ids as they are there. `order` is for what needs an order."""

    reference: str = ""
    customer: str = ""
    article: str = ""
    sku: str = ""
    price: Decimal = Decimal(1)
    currency: str = "GBP"
    order: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One call tried: the real requests and answers, redacted; what we read out of it, or why we could not."""

    name: str
    exchanges: tuple[HttpExchange, ...]
    found: tuple[str, ...] = ()
    error: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a create did when it was sent twice: `does` in words, whether that agrees with what the form says, and the
    ids that are there now."""

    name: str
    does: str
    agrees: bool
    advice: str = ""
    left: tuple[str, ...] = ()


def make_reference() -> str:
    """One that no order of a shop has, and that is known for a trial's there."""
    return f"TEST-{secrets.token_hex(5).upper()}"


def list_calls(connection: Connection) -> list[tuple[str, bool]]:
    """(call, whether it writes) of all that is configured and can be tried."""
    able = get_connector(connection.platform).capabilities(connection.settings)
    return [(name, writes) for name, (_, writes) in CALLS.items() if name in able]


def try_call(connection: Connection, name: str, sample: Sample, *, at: datetime, agreed: bool = False) -> Trial:
    """Make the call once. NotAgreed, and nothing sent, for one that writes unless `agreed`."""
    make, writes = CALLS[name]
    if writes and not agreed:
        raise NotAgreed("This call makes or changes something there: tick that it may.")
    captures = Captures()
    try:
        connector = build_connector(connection, captures)
        found, error, code = _describe(make(connector, sample, at)), "", ""
    except e.ConnectorError as problem:
        found, error, code = (), f"{problem.message} {problem.upstream}".strip(), problem.code
    trial = Trial(name=name, exchanges=tuple(captures.rows), found=found, error=error, code=code)
    captures.save(connection)
    return trial


def certify(connection: Connection, sample: Sample, *, at: datetime, agreed: bool = False) -> list[Finding]:
    """Send each create twice under one new reference, and look for a second document. NotAgreed unless `agreed`."""
    if not agreed:
        raise NotAgreed("The certification makes documents there, each one maybe twice: tick that it may.")
    able = get_connector(connection.platform).capabilities(connection.settings)
    names = [name for name in CREATES if name in able and (sample.order or name not in ORDER_NEEDED)]
    captures = Captures()
    try:
        connector = build_connector(connection, captures)
        return [_certify(connector, name, replace(sample, reference=make_reference()), at) for name in names]
    finally:
        captures.save(connection)


# --- one create, twice -----------------------------------------------------------------------------------------------


def _certify(connector: Connector, name: str, sample: Sample, at: datetime) -> Finding:
    make, _ = CALLS[name]
    declared = connector.safety(name, connector.settings).safety
    try:
        first: r.CommandResult = make(connector, sample, at)
    except e.ConnectorError as error:
        does = f"It could not be made at all: {error.message}"
        return Finding(name=name, does=does, agrees=False, advice="Try the call by itself, and mend what it says.")
    try:
        second: r.CommandResult | None = make(connector, sample, at)
        refusal = ""
    except e.Rejected as error:
        second, refusal = None, error.message
    except e.ConnectorError as error:
        does = f"The second time nobody can tell what happened: {error.message}"
        return Finding(name=name, does=does, agrees=False, left=(first.external_id,))
    there = _search(connector, name, sample.reference)
    left = tuple(dict.fromkeys([first.external_id, *([second.external_id] if second else []), *(there or ())]))
    if second is None:
        does, fits = f"It refuses the same number: {refusal}", {Safety.UNIQUE_KEY, Safety.SEARCH, Safety.NONE}
    elif second.external_id == first.external_id and len(left) == 1:
        does, fits = "It answers with the first one again.", set(Safety)
    else:
        does, fits = "It makes a second one.", {Safety.SEARCH, Safety.NONE}
    agrees, advice = declared in fits, "" if declared in fits else "Change what the form says of the same sent twice."
    if declared in {Safety.SEARCH, Safety.UNIQUE_KEY} and set(there or ()) != set(left):
        agrees, advice = False, "The search does not find all that is there: mend it, or say how long it lags behind."
    searched = f" The search finds {len(there)}." if there is not None else ""
    return Finding(name=name, does=does + searched, agrees=agrees, advice=advice, left=left)


def _search(connector: Connector, name: str, reference: str) -> list[str] | None:
    """The ids of what carries the reference; None where there is no search, or it fails."""
    find = FIND_FOR[name]
    if find not in connector.capabilities(connector.settings):
        return None
    try:
        return [one.external_id for one in getattr(connector, find)(reference)]
    except e.ConnectorError:
        return None


# --- what is sent ----------------------------------------------------------------------------------------------------

ADDRESS = r.AddressRecord(
    name="Test Customer", line1="1 Test Street", city="London", postcode="N1 1AA", country="GB",
    phone="+442079460000", email="test@example.com",
)  # fmt: skip
CUSTOMER = r.CustomerRecord(
    name="Test Customer", email="test@example.com", phone="+442079460000", billing=ADDRESS, shipping=ADDRESS
)


def _line(sample: Sample) -> r.OrderDocumentLine:
    return r.OrderDocumentLine(
        key="1", variant_external_id=sample.article, sku=sample.sku, name="Test item", unit_price=sample.price,
        net=sample.price, gross=sample.price,
    )  # fmt: skip


def _order(sample: Sample, at: datetime) -> r.OrderDocument:
    return r.OrderDocument(
        reference=sample.reference, number=sample.reference, currency=sample.currency, total=sample.price, placed_at=at,
        customer_external_id=sample.customer, customer=CUSTOMER, billing=ADDRESS, shipping=ADDRESS,
        note="A test of the connection: please delete it.", lines=(_line(sample),),
    )  # fmt: skip


def _return(sample: Sample) -> r.ReturnDocument:
    return r.ReturnDocument(
        reference=sample.reference, order_external_id=sample.order, order_reference="", reason="test",
        lines=(_line(sample),),
    )  # fmt: skip


def _customer(sample: Sample) -> r.CustomerDocument:
    return r.CustomerDocument(reference=sample.reference, customer=CUSTOMER)


def _pull(name: str) -> Callable[[Connector, Sample, datetime], Any]:
    return lambda connector, _sample, _at: getattr(connector, name)(None, "")


def _find(name: str) -> Callable[[Connector, Sample, datetime], Any]:
    return lambda connector, sample, _at: getattr(connector, name)(sample.reference)


# The connector's method → how it is tried, and whether it makes or changes something there.
CALLS: Mapping[str, tuple[Callable[[Connector, Sample, datetime], Any], bool]] = {
    "check": (lambda c, s, at: c.check(), False),
    **{
        name: (_pull(name), False)
        for name in ("pull_products", "pull_stock", "pull_prices", "pull_orders", "pull_shipments", "pull_invoices")
    },
    **{name: (_find(name), False) for name in ("find_order", "find_customer", "find_return")},
    "get_account": (lambda c, s, at: c.get_account(s.customer), False),
    "list_ledger": (lambda c, s, at: c.list_ledger(s.customer, None), False),
    "list_customer_orders": (lambda c, s, at: c.list_customer_orders(s.customer, None), False),
    "quote_prices": (
        lambda c, s, at: c.quote_prices([r.QuoteLine(variant_external_id=s.article, quantity=Decimal(1))], s.customer),
        False,
    ),
    "create_customer": (lambda c, s, at: c.create_customer(_customer(s)), True),
    "create_order": (lambda c, s, at: c.create_order(_order(s, at)), True),
    "cancel_order": (lambda c, s, at: c.cancel_order(s.order), True),
    "create_return": (lambda c, s, at: c.create_return(_return(s)), True),
}


def _say(record: Any) -> str:
    """Its fields that say something: name: value · name: value."""
    names = [one.name for one in fields(record)] if is_dataclass(record) else list(getattr(record, "_fields", ()))
    if not names:
        return str(record)
    pairs = ((name, getattr(record, name)) for name in names if name != "raw")
    return " · ".join(f"{name}: {_value(value)}" for name, value in pairs if value not in (None, "", (), False))


def _value(value: Any) -> str:
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return "; ".join(_value(one) for one in value)
    return f"({_say(value)})" if is_dataclass(value) or hasattr(value, "_fields") else str(value)


def _describe(result: Any) -> tuple[str, ...]:
    """What was read, a record a line, as far as a person wants to see it."""
    if isinstance(result, r.Page):
        failed = [f"cannot be read: {one.external_id} {one.error}" for one in result.failed[:SHOWN]]
        return (*_describe(result.records), *failed)
    if isinstance(result, Sequence) and not isinstance(result, str | tuple):
        result = tuple(result)
    if isinstance(result, tuple) and not hasattr(result, "_fields"):
        more = [f"… {len(result) - SHOWN} more"] if len(result) > SHOWN else []
        return (*(_say(one) for one in result[:SHOWN]), *more) or ("nothing",)
    return (_say(result),)
