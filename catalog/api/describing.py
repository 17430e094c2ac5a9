"""Articles as the API answers with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from catalog.services.items import Item
from portal.base.answers import Answer, Number
from portal.base.money import exact_money


class ItemPrice(Answer, frozen=True, kw_only=True):
    """Of one base unit."""

    amount: Number
    currency: str
    includes_tax: bool


class ItemPlace(Answer, frozen=True, kw_only=True):
    """What one location has left; below 0 where it promised more than it has."""

    location: str
    name: str
    available: Number


class ItemStock(Answer, frozen=True, kw_only=True):
    """In base units. `available` is what may be sold: what is on hand and not promised, by the connection's stock
    rule."""

    on_hand: Number
    reserved: Number
    available: Number
    places: list[ItemPlace]


class ItemOption(Answer, frozen=True, kw_only=True):
    name: str
    value: str


class ItemAnswer(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """An article. One that is `deleted` is not sold any more and has nothing else to say. Without `price` there is none
    for it now; without `stock` nobody says what there is."""

    id: str
    code: str
    updated_at: datetime
    deleted: bool = False
    name: str = ""
    product: str = ""
    barcode: str = ""
    unit: str = ""
    description: str = ""
    brand: str = ""
    categories: list[str] = []
    options: list[ItemOption] = []
    images: list[str] = []
    price: ItemPrice | None = None
    stock: ItemStock | None = None


class ItemList(Answer, frozen=True, kw_only=True):
    """`next` is the cursor of the page that follows, null on the last one. `as_of`: ask for `changed_since` this when
    you have read all pages; what changed around it may come twice."""

    results: list[ItemAnswer]
    next: str | None
    as_of: datetime


class StockLine(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """What there is of an article, and what it costs."""

    id: str
    code: str
    name: str
    unit: str = ""
    price: ItemPrice | None = None
    stock: ItemStock | None = None


class StockList(Answer, frozen=True, kw_only=True):
    results: list[StockLine]
    next: str | None


def describe_item(item: Item, places: Mapping[int, str]) -> ItemAnswer:
    """`places`: the codes of the merchant's locations."""
    row = item.variant
    if item.is_gone:
        return ItemAnswer(id=row.public_id, code=item.code, updated_at=row.updated_at, deleted=True)
    product = row.product
    return ItemAnswer(
        id=row.public_id,
        code=item.code,
        updated_at=row.updated_at,
        name=row.name or product.name,
        product=product.code,
        barcode=row.barcode,
        unit=row.unit,
        description=product.description,
        brand=product.brand,
        categories=list(product.categories),
        options=[ItemOption(name=name, value=value) for name, value in item.options],
        images=list(item.images),
        price=describe_price(item),
        stock=describe_stock(item, places),
    )


def describe_line(item: Item, places: Mapping[int, str]) -> StockLine:
    row = item.variant
    return StockLine(
        id=row.public_id,
        code=item.code,
        name=row.name or row.product.name,
        unit=row.unit,
        price=describe_price(item),
        stock=describe_stock(item, places),
    )


def describe_price(item: Item) -> ItemPrice | None:
    price = item.price
    if price is None or price.amount is None:
        return None
    amount = exact_money(price.amount, price.currency)
    return ItemPrice(amount=f"{amount:f}", currency=price.currency, includes_tax=price.includes_tax)


def describe_stock(item: Item, places: Mapping[int, str]) -> ItemStock | None:
    stock = item.stock
    if stock is None or item.available is None:
        return None
    return ItemStock(
        on_hand=tell(stock.on_hand),
        reserved=tell(stock.reserved),
        available=tell(item.available),
        places=[
            ItemPlace(
                location=places.get(one.location_id or 0, ""), name=one.name, available=tell(one.on_hand - one.reserved)
            )
            for one in stock.places
        ],
    )


def tell(quantity: Decimal) -> str:
    """ "12", "0.5" """
    return f"{quantity.normalize():f}"
