"""A back office writes stock, prices and products to us in bulk; each item is answered for itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.asking import FILTER_NAMES, FILTERS, PLACE_NAMES, PLACES, read_filters, read_where
from catalog.api.describing import StockList, describe_line
from catalog.api.items import ERRORS, list_places
from catalog.mapping.packs import MILLIONTH, THOUSANDTH
from catalog.services.bulk_writes import REFUSED, Outcome, PriceChange, StockChange, take_prices, take_stock
from catalog.services.items import read_items, select_items
from catalog.services.product_writes import ArticleChange, ProductChange, take_products
from integrations.api.back_office import BackOfficeView
from integrations.api.door import list_listening, require_reach
from portal.base import paging
from portal.base.answers import Answer, Refusal, build
from portal.base.bodies import Amount, Body, Moment, Quantity, read_body
from portal.base.idempotency import PARAMETER, idempotent
from portal.base.money import currency_quantum
from portal.base.problems import Problem

MOST_ITEMS = 500
LARGEST_FIGURE, LARGEST_AMOUNT = Decimal(10**9), Decimal(10**12)
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Text = Annotated[str, msgspec.Meta(max_length=300)]
Category = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Address = Annotated[str, msgspec.Meta(max_length=500, pattern=r"^https?://[^\s]+$")]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]


class StockItem(Body, kw_only=True):
    """How many units of the article there are now, at a location: its code, or the back office's word for it; none:
    the back office's own. Absolute, never a difference."""

    code: Code
    quantity: Amount
    location: Annotated[str, msgspec.Meta(max_length=200)] = ""


class PriceItem(Body, kw_only=True):
    """What one unit of the article costs, bought `min_quantity` at a time; `price_list`: the back office's word for the
    list, none: its base prices, "inward": what was paid for the last goods that came in, at `inward_at`."""

    code: Code
    amount: Amount
    currency: Currency
    price_list: Annotated[str, msgspec.Meta(max_length=50)] = ""
    min_quantity: Quantity = msgspec.field(default_factory=lambda: Quantity(1))
    inward_at: Moment | None = None


class OptionItem(Body, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class VariantItem(Body, kw_only=True):
    """One article of a product, told from the others by its options."""

    code: Code
    barcode: Annotated[str, msgspec.Meta(max_length=50)] | None = None
    unit: Annotated[str, msgspec.Meta(max_length=30)] | None = None
    options: Annotated[list[OptionItem], msgspec.Meta(max_length=10)] = []


class ProductItem(Body, kw_only=True):
    """A product to be made or changed; what is left out stays as it is. Without `variants` a new product is its own
    article; articles that are not named stay. `status` "archived": it is not sold any more."""

    code: Code
    name: Text | None = None
    description: Annotated[str, msgspec.Meta(max_length=100_000)] | None = None
    status: Literal["active", "draft", "archived"] | None = None
    brand: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    categories: Annotated[list[Category], msgspec.Meta(max_length=50)] | None = None
    image_urls: Annotated[list[Address], msgspec.Meta(max_length=50)] | None = None
    variants: Annotated[list[VariantItem], msgspec.Meta(min_length=1, max_length=500)] | None = None


class StockItems(Body, kw_only=True):
    items: Annotated[list[StockItem], msgspec.Meta(min_length=1, max_length=MOST_ITEMS)]


class PriceItems(Body, kw_only=True):
    items: Annotated[list[PriceItem], msgspec.Meta(min_length=1, max_length=MOST_ITEMS)]


class ProductItems(Body, kw_only=True):
    items: Annotated[list[ProductItem], msgspec.Meta(min_length=1, max_length=MOST_ITEMS)]


class ItemResult(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """What became of the item at the same place of the request."""

    code: str
    status: Literal["created", "updated", "unchanged", "refused"]
    error: Refusal | None = None


class BulkAnswer(Answer, frozen=True, kw_only=True):
    """What is refused stopped none of the others. The counts add up to the number of items."""

    results: list[ItemResult]
    created: int
    updated: int
    unchanged: int
    refused: int


class StockView(BackOfficeView):
    """What there is. Everybody with the scope may read it; only a back office writes it."""

    query_parameters = FILTER_NAMES | PLACE_NAMES | paging.NAMES

    @property
    def key_scope(self) -> str:  # type: ignore[override]  # by what is asked
        return "stock:write" if self.request.method == "PATCH" else "stock:read"

    @extend_schema(
        operation_id="list_stock",
        parameters=[*FILTERS, *PLACES, *paging.PARAMETERS],
        responses={200: StockList, **ERRORS},
    )
    def get(self, request: Request) -> Response:
        """Stock and prices, and nothing else: for sales teams and resellers."""
        filters, where = read_filters(request), read_where(request, self.location_ids)
        rows = select_items(connection=self.connection, filters=filters)
        page = paging.read_page(request, rows, order=("pk",))
        items = read_items(connection=self.connection, variants=page.rows, where=where, at=timezone.now())
        places = list_places()
        return Response(build(StockList(results=[describe_line(one, places) for one in items], next=page.next or None)))

    @extend_schema(
        operation_id="write_stock", parameters=[PARAMETER], request=StockItems, responses={200: BulkAnswer, **ERRORS}
    )
    @idempotent
    def patch(self, request: Request) -> Response:
        """Absolute figures; the shops' follow at once."""
        self.check_no_filters(request)
        self.require_back_office()
        require_reach(self.key, list_listening(self.connection.merchant_id))
        changes = [
            StockChange(code=one.code, quantity=_check_figure(one.quantity, place), location=one.location.strip())
            for place, one in enumerate(read_body(request, StockItems).items)
        ]
        told = take_stock(connection=self.connection, changes=changes, places=self.location_ids, at=timezone.now())
        return answer(told)

    def check_no_filters(self, request: Request) -> None:
        if given := sorted(request.query_params):
            raise Problem(400, "parameter_not_allowed", f"There is no parameter {given[0]!r} here.", field=given[0])


class PricesView(BackOfficeView):
    """What things cost."""

    key_scope = "prices:write"

    @extend_schema(
        operation_id="write_prices", parameters=[PARAMETER], request=PriceItems, responses={200: BulkAnswer, **ERRORS}
    )
    @idempotent
    def patch(self, request: Request) -> Response:
        """Into the back office's own price lists; a list nobody knows is opened with its first price."""
        self.require_back_office()
        require_reach(self.key, list_listening(self.connection.merchant_id))
        changes = [
            PriceChange(
                code=one.code, amount=_check_amount(one, place), currency=one.currency,
                price_list=one.price_list.strip(), min_quantity=one.min_quantity, inward_at=one.inward_at,
            )
            for place, one in enumerate(read_body(request, PriceItems).items)
        ]  # fmt: skip
        return answer(take_prices(connection=self.connection, changes=changes, at=timezone.now()))


class ProductsView(BackOfficeView):
    """What things are."""

    key_scope = "products:write"

    @extend_schema(
        operation_id="write_products",
        parameters=[PARAMETER],
        request=ProductItems,
        responses={200: BulkAnswer, **ERRORS},
    )
    @idempotent
    def patch(self, request: Request) -> Response:
        """What another back office is the owner of is refused."""
        self.require_back_office()
        require_reach(self.key, list_listening(self.connection.merchant_id))
        changes = [_read_product(one) for one in read_body(request, ProductItems).items]
        return answer(take_products(connection=self.connection, changes=changes, at=timezone.now()))


def answer(told: Sequence[Outcome]) -> Response:
    counts = Counter(one.status for one in told)
    names = ("created", "updated", "unchanged", "refused")
    return Response(
        build(
            BulkAnswer(results=[_describe(one) for one in told], **{name: counts[name] for name in names})
        )
    )  # fmt: skip


def _describe(one: Outcome) -> ItemResult:
    if one.status != REFUSED:
        return ItemResult(code=one.code, status=one.status)  # type: ignore[arg-type]  # one of the four
    return ItemResult(
        code=one.code, status="refused", error=Refusal(code=one.error, detail=one.message, field=one.field)
    )


def _read_product(one: ProductItem) -> ProductChange:
    said = {name: getattr(one, name) for name in ("name", "description", "status", "brand", "categories", "image_urls")}
    articles = None if one.variants is None else tuple(_read_variant(row) for row in one.variants)
    return ProductChange(
        code=one.code.strip(), values={name: value for name, value in said.items() if value is not None},
        articles=articles,
    )  # fmt: skip


def _read_variant(row: VariantItem) -> ArticleChange:
    return ArticleChange(
        code=row.code.strip(), barcode=row.barcode, unit=row.unit,
        options=tuple((one.name, one.value) for one in row.options),
    )  # fmt: skip


def _check_figure(quantity: Decimal, place: int) -> Decimal:
    if abs(quantity) > LARGEST_FIGURE or quantity != quantity.quantize(THOUSANDTH):
        words = "A figure has at most nine digits before the point and three behind it."
        raise Problem(400, "quantity_out_of_range", words, field=f"items[{place}].quantity")
    return quantity


def _check_amount(one: PriceItem, place: int) -> Decimal:
    """Prices may be finer than the currency's unit (a screw), but not than they can be kept."""
    if not 0 <= one.amount <= LARGEST_AMOUNT:
        raise Problem(400, "amount_out_of_range", "A price is 0 or more.", field=f"items[{place}].amount")
    if one.amount != one.amount.quantize(min(currency_quantum(one.currency), MILLIONTH)):
        words = "A price has at most six decimals."
        raise Problem(400, "currency_precision", words, field=f"items[{place}].amount")
    return one.amount
