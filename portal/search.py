"""The search behind "/": orders, customers and articles by whatever people know of them, and the portal's own pages.

Each way of knowing is one small look-up of its own: a single query over all of them would use no index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from catalog.models import Product, Variant
from integrations.models import Connection
from orders.models import Customer, Order
from orders.services.customers import normalise_phone
from portal.base.admin import money

LONGEST, AT_ONCE, MOST = 100, 5, 20
MIN_PHONE_DIGITS, MIN_LETTERS = 6, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One line of the answer: what it is, what tells it apart, where it leads."""

    kind: str
    title: str
    detail: str
    url: str


def search(request: HttpRequest, text: str) -> list[Hit]:
    """The best hits first, each once; only what the person sees on the pages themselves."""
    term = text.strip()[:LONGEST]
    if not term:
        return []
    found: dict[str, Hit] = {}
    for hit in _find(request, term):
        found.setdefault(hit.url, hit)
        if len(found) == MOST:
            break
    return list(found.values())


def _find(request: HttpRequest, term: str) -> Iterator[Hit]:
    yield from _find_orders(request, term)
    yield from _find_customers(request, term)
    yield from _find_articles(request, term)
    yield from _find_pages(request, term)


def _rows(request: HttpRequest, model: Any) -> QuerySet[Any] | None:
    """As many as the person sees on the model's own page; None where he has none."""
    page = admin.site.get_model_admin(model)
    return page.get_queryset(request).order_by("-pk") if page.has_view_permission(request) else None


def _find_orders(request: HttpRequest, term: str) -> Iterator[Hit]:
    rows = _rows(request, Order)
    if rows is None:
        return
    for wanted in _list_order_ways(request, term):
        for row in rows.filter(wanted).select_related("connection")[:AT_ONCE]:
            parts = [part.external_number for part in row.fulfilment_orders.all() if part.external_number]
            facts = [str(row.connection), row.customer_name, money(row.total, row.currency), *parts]
            url = reverse("admin:orders_order_change", args=(row.pk,))
            yield Hit(kind=_("Order"), title=f"#{row.number}", detail=" · ".join(filter(None, facts)), url=url)


def _list_order_ways(request: HttpRequest, term: str) -> Iterator[Q]:
    """The shop's number, the back office's, a person's phone, e-mail or name, a tracking code, an article."""
    word = term.removeprefix("#").strip()
    as_typed = {word, word.upper()}  # numbers and codes have capitals; people do not type them
    if word and " " not in word:
        yield Q(number=word)
        yield Q(fulfilment_orders__external_number__in=as_typed) | Q(fulfilment_orders__reference__in=as_typed)
    yield from _list_person_ways(request, term)
    if word and " " not in word:
        yield Q(fulfilment_orders__shipments__tracking_number__in=as_typed)
        yield Q(pk__in=Order.objects.filter(lines__sku=word).values("pk"))
    if sum(map(str.isalpha, term)) >= MIN_LETTERS and "@" not in term:
        yield Q(customer_name__icontains=term)


def _list_person_ways(request: HttpRequest, term: str) -> Iterator[Q]:
    """What orders and customers have in common: the e-mail in any case, the phone in any spelling."""
    if "@" in term:
        yield Q(email__in={term, term.lower()})
        yield Q(email__iexact=term)
    elif sum(map(str.isdigit, term)) >= MIN_PHONE_DIGITS and not any(map(str.isalpha, term)):
        country = request.merchant.country  # type: ignore[attr-defined]  # ScopeMiddleware's
        if phone := normalise_phone(term, country):
            yield Q(phone=phone)


def _find_customers(request: HttpRequest, term: str) -> Iterator[Hit]:
    rows = _rows(request, Customer)
    if rows is None:
        return
    ways = list(_list_person_ways(request, term))
    if sum(map(str.isalpha, term)) >= MIN_LETTERS and "@" not in term:
        ways.append(Q(name__icontains=term) | Q(company__icontains=term))
    for wanted in ways:
        for row in rows.filter(wanted, is_guest=False)[:AT_ONCE]:
            detail = " · ".join(filter(None, (row.email, row.phone)))
            url = reverse("admin:orders_customer_change", args=(row.pk,))
            yield Hit(kind=_("Customer"), title=str(row), detail=detail, url=url)


def _find_articles(request: HttpRequest, term: str) -> Iterator[Hit]:
    """By our code, from its beginning; a variant by its code or barcode."""
    variants, products = _rows(request, Variant), _rows(request, Product)
    if variants is not None:
        for variant in variants.filter(Q(code=term) | Q(barcode=term)).select_related("product")[:AT_ONCE]:
            url = reverse("admin:catalog_variant_change", args=(variant.pk,))
            yield Hit(kind=_("Article"), title=variant.code, detail=variant.name or variant.product.name, url=url)
    if products is not None:
        for product in products.filter(Q(code__startswith=term) | Q(code__iexact=term)).order_by("code")[:AT_ONCE]:
            url = reverse("admin:catalog_product_change", args=(product.pk,))
            yield Hit(kind=_("Product"), title=product.code, detail=product.name, url=url)
    if products is not None and sum(map(str.isalpha, term)) >= MIN_LETTERS:
        for product in products.filter(name__icontains=term)[:AT_ONCE]:
            url = reverse("admin:catalog_product_change", args=(product.pk,))
            yield Hit(kind=_("Product"), title=product.code, detail=product.name, url=url)


def _find_pages(request: HttpRequest, term: str) -> Iterator[Hit]:
    """Connections by name, and the entries of the menu."""
    rows = _rows(request, Connection)
    if rows is not None:
        for row in rows.filter(name__icontains=term)[:AT_ONCE]:
            url = reverse("admin:integrations_connection_change", args=(row.pk,))
            yield Hit(kind=_("Connection"), title=row.name, detail=row.get_state_display(), url=url)
    for group in admin.site.get_sidebar_list(request):  # type: ignore[attr-defined]  # unfold's
        for item in group["items"]:
            if item["has_permission"] and term.lower() in str(item["title"]).lower():
                yield Hit(
                    kind=_("Page"), title=str(item["title"]), detail=str(group.get("title", "")),
                    url=str(item["link_callback"]),
                )  # fmt: skip
