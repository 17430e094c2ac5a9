"""Who somebody is: the ways a customer is recognised, in the order the merchant states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from integrations.contract import records as r
from integrations.models import Connection, Link, Stream
from integrations.sync.release import lock_keys
from orders.models import Customer, CustomerRules
from portal.base.prepared import Prepared, given

WHO = "who:"  # how the keys of Holds for several matches begin
MOST_SEVERAL = 20
_RULES = Prepared(lambda: CustomerRules.plain.filter(merchant_id=given("merchant")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Whom a record is about: `customer`, or None; `link` where his account is known. `several`: the keys of those it
    could be, `key` what tells, as a Hold's."""

    customer: Customer | None = None
    link: Link | None = None
    several: tuple[int, ...] = ()
    key: str = ""


def read_rules(merchant_id: int) -> CustomerRules:
    """The merchant's own, or those that hold where he said nothing (not saved)."""
    return _RULES.first(merchant=merchant_id) or CustomerRules(merchant_id=merchant_id)


def identify(
    connection: Connection, record: r.CustomerRecord, told: Mapping[str, str], rules: CustomerRules | None = None
) -> Match:
    """By the account's own number; else by phone and e-mail as the merchant says. The one found is locked. `rules` are
    the merchant's, where they were read just now."""
    if record.external_id:
        links = Link.plain.filter(connection=connection, stream=Stream.CUSTOMER, external_id=record.external_id)
        if (link := links.first()) is not None:
            return Match(customer=find_kept(link.subject_id, lock=True), link=link)
    rules = rules or read_rules(connection.merchant_id)
    if not record.external_id and rules.guests == CustomerRules.Guests.GUEST:
        return Match()
    ways = [way for way in rules.match_by.split(",") if _is_usable(way, told)]
    # Two that say the same at once become one: the second waits for the first here.
    lock_keys([f"new {_key(connection.merchant_id, way, told[way])}" for way in ways])
    for way in ways:
        found = list(list_known(connection.merchant_id, way, told[way]).values_list("pk", flat=True)[:MOST_SEVERAL])
        if len(found) == 1:
            return Match(customer=find_kept(found[0], lock=True))
        if found:
            return Match(several=tuple(found), key=_key(connection.merchant_id, way, told[way]))
    return Match()


def list_known(merchant_id: int, way: str, value: str) -> QuerySet[Customer]:
    """The merchant's customers with this phone or e-mail; guests are nobody to be recognised."""
    wanted = Q(phone=value) if way == "phone" else Q(email__iexact=value)
    rows = Customer.plain.filter(wanted, merchant_id=merchant_id, is_guest=False)
    return rows.filter(merged_into__isnull=True, erased_at__isnull=True).order_by("pk")


def list_meant(merchant_id: int, key: str) -> QuerySet[Customer]:
    """Those a Hold's key leaves to choose from."""
    _who, _merchant, way, value = key.split(":", 3)
    return list_known(merchant_id, way, value)


def list_keys(customer: Customer) -> list[str]:
    """The Holds' keys of what he could be meant by."""
    values = (("phone", customer.phone), ("email", customer.email))
    return [_key(customer.merchant_id, way, value) for way, value in values if value]


def find_kept(customer_id: int, *, lock: bool = False) -> Customer | None:
    """The customer, or the one he was merged into."""
    rows = Customer.plain.select_for_update() if lock else Customer.plain.all()
    customer = rows.filter(pk=customer_id).first()
    while customer is not None and customer.merged_into_id is not None:
        customer = rows.filter(pk=customer.merged_into_id).first()
    return customer


def describe_several(who: str, match: Match) -> str:
    value = match.key.split(":", 3)[3]
    return _("%(n)s customers have %(value)s: say which of them %(who)s is, or merge them.") % {
        "n": len(match.several),
        "value": value,
        "who": who,
    }


def _is_usable(way: str, told: Mapping[str, str]) -> bool:
    return bool(told.get(way)) and (way != "phone" or told[way].startswith("+"))


def _key(merchant_id: int, way: str, value: str) -> str:
    return f"{WHO}{merchant_id}:{way}:{value.lower() if way == 'email' else value}"[:200]
