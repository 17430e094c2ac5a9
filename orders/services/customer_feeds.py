"""Files of customers: each row stored as a pull stores a customer, and what was agreed with him beside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from catalog.mapping.feed_rows import Field, RowNote
from catalog.services.record_feeds import RecordFeed, Tally
from catalog.services.record_staging import Family
from integrations.contract import records as r
from integrations.models import Connection, Link, Stream, ValueMapping
from integrations.sync.handlers import Applied, call
from integrations.sync.runs import Counts
from orders.models import Customer
from orders.services.customer_rows import (
    ADDRESS,
    CODE,
    CURRENCY,
    FIELDS,
    GROUP,
    LIMIT,
    PERSON,
    SIDES,
    TERMS,
    parse_customer,
)

ACCOUNT = [GROUP, TERMS, LIMIT, CURRENCY]
Told = Mapping[str, str]


class CustomerFeed(RecordFeed):
    """Nobody is deleted because a file leaves him out, so none is complete."""

    fields: ClassVar[tuple[Field, ...]] = FIELDS
    key_field: ClassVar[str] = CODE
    may_be_complete: ClassVar[bool] = False

    def parse(self, texts: Mapping[str, str]) -> dict[str, Any]:
        return parse_customer(texts, decimal_comma=self.feed.decimal_comma)

    def apply(self, page: Sequence[Family], at: datetime) -> Tally:
        told = {values["key"]: values["told"] for family in page for _line, values in family.rows}
        before = find_customers(self.connection, told)
        records = [build_record(code, mine, before.get(code)) for code, mine in told.items()]
        applied: Applied = call(
            Stream.CUSTOMER,
            "apply",
            self.merchant_id,
            connection=self.connection,
            records=records,
            read_at=self.feed.received_at,
            at=at,
        )
        also = save_accounts(connection=self.connection, told=told, before=before, at=at)
        tally = Tally(
            counts=Counts(created=applied.created, updated=applied.updated + also, unchanged=applied.unchanged - also)
        )
        lines = {values["key"]: line for family in page for line, values in family.rows}
        for one in applied.skipped:
            note = RowNote(line=lines[one.external_id], column="", code=one.code, message=one.message)
            tally.skip(one.external_id, note)
        return tally


def find_customers(connection: Connection, codes: Iterable[str]) -> dict[str, Customer]:
    """Those the back office knows by these numbers."""
    links = Link.plain.filter(connection=connection, stream=Stream.CUSTOMER, external_id__in=list(codes))
    known = dict(links.values_list("external_id", "subject_id"))
    rows = {row.pk: row for row in Customer.plain.filter(pk__in=known.values())}
    return {code: rows[pk] for code, pk in known.items() if pk in rows}


def build_record(code: str, told: Told, before: Customer | None) -> r.CustomerRecord:
    """What is told, laid over what is known; a number he was known by stays where no other is told."""
    known = {name: str(getattr(before, name)) for name in PERSON} if before is not None else dict.fromkeys(PERSON, "")
    if before is not None:
        known["phone"] = before.phone or before.phone_as_given
    person: dict[str, Any] = {name: told.get(name, known[name]) for name in PERSON}
    addresses: dict[str, Any] = {side: _build_address(side, told, before) for side in SIDES}
    return r.CustomerRecord(external_id=code, **person, **addresses, raw=dict(told))


def _build_address(side: str, told: Told, before: Customer | None) -> r.AddressRecord | None:
    known: dict[str, str] = dict(getattr(before, side)) if before is not None else {}
    known |= {part: told[f"{side}_{part}"] for part in ADDRESS if f"{side}_{part}" in told}
    return r.AddressRecord(**known) if any(known.values()) else None


def save_accounts(
    *, connection: Connection, told: Mapping[str, Told], before: Mapping[str, Customer], at: datetime
) -> int:
    """Keep the group, the terms and the limit that are told; how many customers that changed and nothing else did."""
    if not any(name in mine for mine in told.values() for name in ACCOUNT):
        return 0
    rows = {code: row for code, row in find_customers(connection, told).items() if row.erased_at is None}
    groups = _map_groups(connection, {mine[GROUP] for mine in told.values() if mine.get(GROUP)})
    changed = [row for code, row in rows.items() if _fill(row, told[code], groups, connection.merchant.currency)]
    touched = {row.pk for row in changed}
    also = sum(
        row.pk in touched and code in before and row.updated_at == before[code].updated_at for code, row in rows.items()
    )
    for row in changed:
        row.updated_at = row.account_at = at
    Customer.plain.bulk_update(changed, [*ACCOUNT, "account_at", "updated_at"])
    return also


def _map_groups(connection: Connection, theirs: set[str]) -> dict[str, str]:
    """Their groups that stand for one of ours; every other keeps its name."""
    rows = ValueMapping.plain.filter(
        connection=connection, kind=ValueMapping.Kind.CUSTOMER_GROUP, theirs__in=theirs
    ).exclude(ours="")
    return dict(rows.values_list("theirs", "ours"))


def _fill(row: Customer, told: Told, groups: Mapping[str, str], currency: str) -> bool:
    """Put what is told on the row; whether any of it is new. A limit is in some currency, else there is none."""
    values: dict[str, Any] = {name: told[name] for name in (TERMS, CURRENCY) if name in told}
    if GROUP in told:
        values[GROUP] = groups.get(told[GROUP], told[GROUP])
    if LIMIT in told:
        values[LIMIT] = Decimal(told[LIMIT]) if told[LIMIT] else None
        if values[LIMIT] is not None:
            values[CURRENCY] = told.get(CURRENCY) or row.account_currency or currency
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    return bool(changed)
