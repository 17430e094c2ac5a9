"""What a back office must know before it can take an order: articles, taxes, special lines, the customer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import F, Q

from catalog.models import Binding
from integrations.models import Command, Connection, Link, Stream, ValueMapping
from integrations.sync.outbox import enqueue
from integrations.sync.platforms import list_capabilities
from integrations.sync.release import list_new_keys, lock_keys
from orders.models import Customer, Order, OrderLine, TaxLine
from orders.services import field_rules, holds
from orders.services.page import Page
from portal.base.prepared import Prepared, given
from portal.tenancy.models import Location

Kind = ValueMapping.Kind
NAMED = (Kind.TAX, Kind.SPECIAL_LINE, Kind.LOCATION)
_NAMED = Prepared(
    lambda: ValueMapping.plain.filter(
        Q(connection_id=given("shop")) | Q(connection_id=given("there")), kind__in=NAMED
    ).exclude(ours="")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One thing the back office does not know: the Hold it makes."""

    reason: str
    key: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Their ids: of articles (variant → ids and base units), of taxes (the shop's code → id), of special lines, of
    locations (our code → id)."""

    articles: dict[int, list[tuple[str, Decimal]]]
    taxes: dict[str, str]
    special: dict[str, str]
    places: dict[str, str]


def find_names(order: Order, there: Connection, lines: Iterable[OrderLine]) -> Names:
    """Everything of the order the back office has a name for."""
    return _read_names(order.connection, there, {line.variant_id for line in lines if line.variant_id is not None})


def _read_names(shop: Connection, there: Connection, variants: Collection[int]) -> Names:
    """In two queries, however many orders these are the variants of."""
    bound = Binding.plain.filter(connection=there, variant_id__in=sorted(variants), state=Binding.State.BOUND)
    articles: dict[int, list[tuple[str, Decimal]]] = {}
    for variant, external_id, factor in bound.order_by("pk").values_list("variant_id", "external_id", "factor"):
        articles.setdefault(variant, []).append((external_id, factor))
    named: dict[tuple[int, str], list[tuple[str, str]]] = defaultdict(list)
    for row in _NAMED.list(shop=shop.pk, there=there.pk):
        named[row.connection_id, row.kind].append((row.theirs, row.ours))
    taxes = {ours: theirs for theirs, ours in named[there.pk, Kind.TAX]}
    return Names(
        articles=articles,
        taxes={code: taxes[ours] for code, ours in named[shop.pk, Kind.TAX] if ours in taxes},
        special={ours: theirs for theirs, ours in named[there.pk, Kind.SPECIAL_LINE]},
        places={ours: theirs for theirs, ours in named[there.pk, Kind.LOCATION]},
    )


def choose_article(line: OrderLine, names: Names) -> tuple[str, Decimal] | None:
    """Their article for the line, and how many base units it is; None where they have none. Of several (the bottle and
    the crate) the one that is sold the same way, else one the quantity is a whole number of, the largest."""
    known = names.articles.get(line.variant_id or 0, [])
    ways = sorted(known, key=lambda one: (one[1] != line.factor, not _is_whole(line, one[1]), -one[1]))
    return ways[0] if ways else None


def convert(line: OrderLine, quantity: Decimal, factor: Decimal) -> Decimal | None:
    """So many of the shop's article in units of theirs; None where that is no whole number of them, for nobody may
    round goods. What both count in the same way may be any number (1.5 kg)."""
    if factor == line.factor:
        return quantity
    units = quantity * line.factor / factor
    return units if factor == 1 or units == units.to_integral_value() else None


def describe_fraction(line: OrderLine, there: Connection, order: Order) -> str:
    sold = f"{line.quantity.normalize():f} × {line.sku or line.name}"
    return (
        f"{sold} (order {order}) is no whole number of what {there.name} sells it by. Map an article there that it is"
        f" sold by, or correct how many base units the mapped one is."
    )


def _is_whole(line: OrderLine, factor: Decimal) -> bool:
    return convert(line, line.quantity - line.cancelled_quantity, factor) is not None


def list_missing(
    order: Order,
    there: Connection,
    lines: Sequence[OrderLine],
    *,
    place: Location | None = None,
    page: Page | None = None,
) -> list[Missing]:
    """What a person must map before the order can go; each with the key that frees it. `place` is the location a rule
    or a person chose, which a back office with several must know; `page`: the order is one of those, and new."""
    if page:
        names = page.once(("names", there.pk), lambda: _read_names(page.shop, there, page.variants))
    else:
        names = find_names(order, there, lines)
    missing: dict[str, Missing] = {}
    if place is not None and place.code not in names.places and _has_places(there):
        words = f"{there.name} does not know the location {place} (order {order}). Map it once under Values → Location."
        _add(missing, "location", f"value:{there.pk}:location:{place.code}", words)
    for line in lines:
        if line.kind == OrderLine.Kind.ITEM:
            article = choose_article(line, names)
            if article is None:
                words = f"{there.name} has no article for {line.sku or line.name} (order {order}). Map it once."
                _add(missing, "no_article_there", f"variant:{there.pk}:{line.variant_id}", words)
            elif not _is_whole(line, article[1]):
                words = describe_fraction(line, there, order)
                _add(missing, "fraction", f"variant:{there.pk}:{line.variant_id}", words)
        elif line.gross and line.kind not in names.special:
            words = (
                f"{there.name} does not know what to book {line.get_kind_display().lower()} on (order {order}). Map it."
            )
            _add(missing, "special_line", f"value:{there.pk}:special_line:{line.kind}", words)
    for code, name in page.list_tax_codes(lines) if page else _tax_codes(lines):
        if code not in names.taxes:
            _see_tax(order.connection, code, name)
            words = (
                f"{there.name} does not know the tax “{name or code}” (order {order}). Map it once under Values → Tax."
            )
            _add(missing, "tax", f"value:{order.connection_id}:tax:{code}", words)
    published = page.once(("field rules", there.pk), lambda: field_rules.read_published(there)) if page else None
    if problems := field_rules.list_problems(order, there, published):
        words = f"A field rule for {there.name} fails for order {order}. {' '.join(problems)} Mend the rule."
        _add(missing, "rule", field_rules.rules_key(there), words)
    return list(missing.values())


def _has_places(there: Connection) -> bool:
    return "list_locations" in list_capabilities(there.platform, there.settings)


def _add(missing: dict[str, Missing], reason: str, key: str, words: str) -> None:
    missing[key[:200]] = Missing(reason=reason, key=key[:200], message=words)


def _tax_codes(lines: Sequence[OrderLine]) -> list[tuple[str, str]]:
    taxes = TaxLine.plain.filter(line__in=[line.pk for line in lines]).exclude(amount=0)
    return sorted(set(taxes.values_list("code", "name")))


def _see_tax(shop: Connection, code: str, name: str) -> None:
    """Have the value on the list a person maps from."""
    row, created = ValueMapping.plain.get_or_create(
        merchant_id=shop.merchant_id,
        connection=shop,
        kind=Kind.TAX,
        theirs=code[:200],
        defaults={"label": name[:200], "seen": 1},
    )
    if not created:
        ValueMapping.plain.filter(pk=row.pk).update(seen=F("seen") + 1)


def find_customer_id(order: Order, there: Connection) -> str:
    """Their id of the order's customer; '' for a guest, or where he must be made there first."""
    return _find_customer(order, there)[0]


def _find_customer(order: Order, there: Connection) -> tuple[str, bool]:
    """(their id or '', whether that is all there will be). He may be theirs under another customer of ours, too: then
    the command that made or found him knows the number. One never to be made there buys as a guest."""
    if order.customer is None or order.customer.is_guest:
        return "", True
    subject = {"subject_type": "customer", "subject_id": order.customer.pk}
    link = Link.plain.filter(connection=there, stream=Stream.CUSTOMER, **subject).order_by("pk").first()
    if link is not None:
        return link.external_id, True
    made = Command.plain.filter(connection=there, kind="create_customer", **subject).order_by("-revision").first()
    if made is None:
        return "", False
    return made.external_id, bool(made.external_id) or made.state == Command.State.WITHDRAWN


def ensure_customer(order: Order, there: Connection, *, at: datetime) -> str:
    """'' where the order can go as far as its customer is concerned; else the key it waits for while he is made
    there."""
    customer = order.customer
    if customer is None or _find_customer(order, there)[1]:
        return ""
    key = customer_key(there, customer.pk)
    if list_new_keys(subject=("order", order.pk), keys=[key]):
        lock_keys([key])  # several orders of his may ask at once, and he may have come in between
        if _find_customer(order, there)[1]:
            return ""
    holds.wait(order, "customer", key, f"{customer} is being made in {there.name} first.", at=at, connection=there)
    make_customer(customer, there, prefix=order.connection.order_prefix, at=at)
    return key


def make_customer(customer: Customer, there: Connection, *, prefix: str, at: datetime) -> None:
    """Have the back office make him, once, whoever asks first."""
    asked = Command.plain.filter(connection=there, kind="create_customer", subject_type="customer")
    if asked.filter(subject_id=customer.pk).exists():
        return
    enqueue(
        connection=there,
        kind="create_customer",
        stream=Stream.CUSTOMER,
        subject=("customer", customer.pk),
        line=line_of_customer(customer.pk),
        reference=f"{prefix}C{customer.pk}",
        at=at,
    )


def line_of_customer(customer_id: int) -> str:
    """What is asked about one customer goes one after another."""
    return f"customer:{customer_id}"


def customer_key(there: Connection, customer_id: int) -> str:
    return f"customer:{there.pk}:{customer_id}"
