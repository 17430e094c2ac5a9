"""Customers that look like one person: the same phone, the same e-mail, or a name much alike at one postcode."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Upper
from django.utils.translation import gettext as _
from rapidfuzz import fuzz, utils

from orders.models import Customer, NotDuplicate

ALIKE = 85.0  # of 100: names below that at one postcode are neighbours or a family
PHONE, EMAIL, NAME = 0.85, 0.90, 0.75  # how sure each alone makes
MOST_GROUPS, MOST_OF_ONE = 300, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """Two customers who may be one: `score` of 100, and why, in words. `first` has the lower key."""

    first: Customer
    second: Customer
    score: int
    reason: str


def find_duplicates(customer: Customer) -> list[Duplicate]:
    """Who may be the same person as this one, the likeliest first."""
    wanted = Q()
    if customer.phone:
        wanted |= Q(phone=customer.phone)
    if customer.email:
        wanted |= Q(email__iexact=customer.email)
    if customer.postcode:
        wanted |= Q(postcode=customer.postcode)
    if not wanted or customer.merged_into_id or customer.erased_at or customer.is_guest:
        return []
    others = _list_living(customer.merchant_id).filter(wanted).exclude(pk=customer.pk)
    pairs = [_order(customer, other) for other in others.order_by("pk")[:MOST_GROUPS]]
    return _judge(pairs, customer.merchant_id)


def list_duplicates(merchant_id: int) -> list[Duplicate]:
    """All that are proposed, the likeliest first; of the first few hundred groups that share something."""
    rows = _list_living(merchant_id).annotate(mail=Upper("email"))
    groups: list[list[Customer]] = []
    for name in ("phone", "mail", "postcode"):
        shared = rows.exclude(**{name: ""}).values(name).annotate(n=Count("pk")).filter(n__gt=1).order_by(name)
        values = list(shared.values_list(name, flat=True)[:MOST_GROUPS])
        by_value: dict[str, list[Customer]] = {}
        for row in rows.filter(**{f"{name}__in": values}).order_by("pk"):
            by_value.setdefault(getattr(row, name), []).append(row)
        groups += [group[:MOST_OF_ONE] for group in by_value.values()]
    pairs = {
        (one.pk, other.pk): (one, other)
        for group in groups
        for place, one in enumerate(group)
        for other in group[place + 1 :]
    }
    return _judge(pairs.values(), merchant_id)


def dismiss(*, first_id: int, second_id: int, merchant_id: int, by: str, at: datetime) -> None:
    """They are two people: not proposed again."""
    low, high = sorted((first_id, second_id))
    NotDuplicate.plain.get_or_create(
        merchant_id=merchant_id, first_id=low, second_id=high, defaults={"at": at, "by": by[:100]}
    )


def compare(one: Customer, other: Customer) -> tuple[int, str]:
    """(how sure, of 100; why): 0 where nothing says that they are one."""
    doubt, why = 1.0, []
    if one.phone and one.phone == other.phone:
        doubt *= 1 - PHONE
        why.append(_("same phone"))
    if one.email and one.email.casefold() == other.email.casefold():
        doubt *= 1 - EMAIL
        why.append(_("same e-mail"))
    alike = fuzz.token_sort_ratio(_name(one), _name(other), processor=utils.default_process)
    if one.postcode and one.postcode == other.postcode and _name(one) and alike >= ALIKE:
        doubt *= 1 - NAME * alike / 100
        same = _("same name and postcode") if alike == 100 else _("name %(n)d %% alike, same postcode") % {"n": alike}
        why.append(same)
    return round(100 * (1 - doubt)), ", ".join(why)


def _judge(pairs: Iterable[tuple[Customer, Customer]], merchant_id: int) -> list[Duplicate]:
    told = set(NotDuplicate.plain.filter(merchant_id=merchant_id).values_list("first_id", "second_id"))
    found = []
    for first, second in pairs:
        score, reason = compare(first, second)
        if score and (first.pk, second.pk) not in told:
            found.append(Duplicate(first=first, second=second, score=score, reason=reason))
    return sorted(found, key=lambda one: (-one.score, one.first.pk, one.second.pk))


def _list_living(merchant_id: int) -> QuerySet[Customer]:
    rows = Customer.plain.filter(merchant_id=merchant_id, is_guest=False)
    return rows.filter(merged_into__isnull=True, erased_at__isnull=True)


def _order(one: Customer, other: Customer) -> tuple[Customer, Customer]:
    return (one, other) if one.pk < other.pk else (other, one)


def _name(customer: Customer) -> str:
    return customer.name or customer.company
