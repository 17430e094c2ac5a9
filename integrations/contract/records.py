"""The records connectors and the engine exchange: frozen, without network, clock or database.

Money is Decimal in the currency named on the record, quantities are Decimal in units of the *remote* article, times are
aware UTC datetimes, ids are strings ('' = none). `raw` is the payload a record was read from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

ZERO = Decimal(0)
Raw = Mapping[str, Any]
T = TypeVar("T")


class ProductStatus(StrEnum):
    ACTIVE = "active"
    DRAFT = "draft"
    ARCHIVED = "archived"
    UNKNOWN = "unknown"


class LineKind(StrEnum):
    ITEM = "item"
    SHIPPING = "shipping"
    FEE = "fee"
    TIP = "tip"
    DEPOSIT = "deposit"
    DUTY = "duty"
    ROUNDING = "rounding"


# What a line that a shop calls a fee may really be.
FEE_KINDS = (LineKind.FEE, LineKind.TIP, LineKind.DEPOSIT, LineKind.DUTY)


class FinancialStatus(StrEnum):
    PENDING = "pending"
    AUTHORIZED = "authorized"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    UNKNOWN = "unknown"


class FulfilmentStatus(StrEnum):
    UNFULFILLED = "unfulfilled"
    PARTIALLY_FULFILLED = "partially_fulfilled"
    FULFILLED = "fulfilled"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class Progress(StrEnum):
    """How far an order is, in our words: what a shop's statuses are mapped to. Later ones are further on."""

    PENDING = "pending"
    PLACED = "placed"
    BILLED = "billed"
    PACKED = "packed"
    PARTIALLY_FULFILLED = "partially_fulfilled"
    FULFILLED = "fulfilled"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_FAILED = "delivery_failed"
    BACK_IN_STORE = "back_in_store"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class ReturnReason(StrEnum):
    """Why goods come back, in our words: what a platform's reasons are mapped to."""

    DAMAGED = "damaged"
    WRONG_ARTICLE = "wrong_article"
    NOT_AS_DESCRIBED = "not_as_described"
    DOES_NOT_FIT = "does_not_fit"
    CHANGED_MIND = "changed_mind"
    TOO_LATE = "too_late"
    NOT_DELIVERED = "not_delivered"
    OTHER = "other"


class PaymentKind(StrEnum):
    AUTHORIZATION = "authorization"
    CAPTURE = "capture"
    REFUND = "refund"
    VOID = "void"


class StockBasis(StrEnum):
    ON_HAND = "on_hand"
    AVAILABLE = "available"


class DocumentState(StrEnum):
    """The state of a document (order, invoice, shipment, return) in the system it was read from."""

    DRAFT = "draft"
    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


# --- catalogue -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisRecord:
    """One option of a matrix product: name "Colour", values ("Red", "Green"), in the platform's order."""

    name: str
    values: tuple[str, ...]
    external_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRecord:
    """One article that can be sold. `external_id` is unique in the connection (Woo: variation id, or the simple
    product's own id). `options` are (axis name, value) pairs; empty for a product without variants. `unit` is what one
    of it is ("bottle"), None where the platform does not say."""

    external_id: str
    sku: str = ""
    barcode: str = ""
    name: str = ""
    options: tuple[tuple[str, str], ...] = ()
    price: Decimal | None = None
    image_url: str = ""
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """A photo: its address, or its file (decoded, whatever it is: who keeps it looks). One of the two."""

    url: str = ""
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRecord:
    """A product with all its variants (a simple product has exactly one)."""

    external_id: str
    code: str = ""
    name: str
    description: str = ""
    status: ProductStatus = ProductStatus.ACTIVE
    status_text: str = ""
    brand: str = ""
    categories: tuple[str, ...] = ()
    image_urls: tuple[str, ...] = ()
    images: tuple[ImageRecord, ...] = ()  # where a platform gives files; they follow `image_urls`
    axes: tuple[AxisRecord, ...] = ()
    variants: tuple[VariantRecord, ...] = ()
    currency: str = ""
    updated_at: datetime | None = None
    deleted: bool = False
    raw: Raw = field(default_factory=dict, repr=False, compare=False)


class StockRow(NamedTuple):
    """A stock figure as read, in staging order. `slot` is the remote location's id, '' where there is none."""

    external_id: str
    slot: str
    quantity: Decimal


INWARD_SLOT = "inward"  # of prices that were paid, a unit, for the last goods that came in


class PriceRow(NamedTuple):
    """A price as read, in staging order. `slot` is the remote price list's id, '' for the base price, INWARD_SLOT for
    that of the last inward stock; of that, `inward_at` is when the goods came in, None where the platform does not
    say."""

    external_id: str
    slot: str
    amount: Decimal
    currency: str
    min_quantity: Decimal = Decimal(1)
    inward_at: datetime | None = None


# --- customers and orders --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRecord:
    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""  # ISO 3166-1 alpha-2
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRecord:
    """A customer as a platform knows it; `external_id` '' is a guest."""

    external_id: str = ""
    name: str = ""
    company: str = ""
    email: str = ""
    phone: str = ""
    tax_number: str = ""
    billing: AddressRecord | None = None
    shipping: AddressRecord | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    raw: Raw = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRecord:
    """One tax on a line: `code` is the platform's id or name of the rate (what a ValueMapping maps)."""

    code: str
    amount: Decimal
    rate: Decimal | None = None  # percent: 20 means 20 %
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineRecord:
    """One line as sold. gross = net + tax; net is after discount. `unit_price` is as sent by the platform."""

    external_id: str
    kind: LineKind = LineKind.ITEM
    variant_external_id: str = ""
    sku: str = ""
    name: str = ""
    quantity: Decimal = Decimal(1)
    unit_price: Decimal = ZERO
    discount: Decimal = ZERO
    net: Decimal = ZERO
    tax: Decimal = ZERO
    gross: Decimal = ZERO
    taxes: tuple[TaxRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRecord:
    """One movement of money, amount ≥ 0; `method` is the platform's own word (a ValueMapping maps it). Read by itself
    (`pull_payments`) it names its order; `reference` is ours where we had it made there."""

    external_id: str
    kind: PaymentKind
    method: str
    amount: Decimal
    at: datetime | None = None
    title: str = ""
    order_external_id: str = ""
    currency: str = ""
    reference: str = ""
    updated_at: datetime | None = None
    raw: Raw = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLineRecord:
    """`order_line_external_id` names the OrderLineRecord refunded; amounts ≥ 0."""

    order_line_external_id: str
    quantity: Decimal
    net: Decimal
    tax: Decimal = ZERO
    sku: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRecord:
    """Money given back, `amount` > 0 and tax included; without lines it is a free amount. `reference` is ours where we
    had it made there."""

    external_id: str
    order_external_id: str
    amount: Decimal
    currency: str = ""
    reason: str = ""
    reference: str = ""
    at: datetime | None = None
    lines: tuple[RefundLineRecord, ...] = ()
    raw: Raw = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """An order as a store (or, for `list_customer_orders`, a back office) has it. Σ line gross = total. `flagged` says
    why the platform suspects fraud, '' where it does not; `on_account`: sold to be paid later, on an invoice."""

    external_id: str
    number: str
    currency: str
    total: Decimal
    placed_at: datetime
    updated_at: datetime
    status_text: str = ""
    cancelled: bool = False
    financial: FinancialStatus = FinancialStatus.UNKNOWN
    fulfilment: FulfilmentStatus = FulfilmentStatus.UNKNOWN
    cash_on_delivery: bool = False
    on_account: bool = False
    payment_method: str = ""  # the platform's word, said before anything is paid, too
    tags: tuple[str, ...] = ()
    flagged: str = ""
    customer: CustomerRecord | None = None
    billing: AddressRecord | None = None
    shipping: AddressRecord | None = None
    location_external_id: str = ""
    lines: tuple[OrderLineRecord, ...] = ()
    payments: tuple[PaymentRecord, ...] = ()
    refunds: tuple[RefundRecord, ...] = ()
    note: str = ""
    prices_include_tax: bool = False  # of the lines' `unit_price`; their net, tax and gross say what they are
    presentment_currency: str = ""  # what the buyer saw and paid, where it is not the shop's own currency
    presentment_total: Decimal | None = None
    raw: Raw = field(default_factory=dict, repr=False, compare=False)


# --- what follows an order -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLineRecord:
    """A line of a shipment, invoice or return: which article, how many, and what for. `order_line_external_id` is
    their id of the order's line it is about, '' where they do not say."""

    external_id: str = ""
    order_line_external_id: str = ""
    variant_external_id: str = ""
    sku: str = ""
    quantity: Decimal = ZERO
    net: Decimal = ZERO
    tax: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentRecord:
    external_id: str
    order_external_id: str
    number: str = ""
    state: DocumentState = DocumentState.UNKNOWN
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    shipped_at: datetime | None = None
    updated_at: datetime | None = None
    lines: tuple[DocumentLineRecord, ...] = ()
    raw: Raw = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRecord:
    """An invoice or, with `credit` set, a credit note; amounts ≥ 0."""

    external_id: str
    order_external_id: str = ""
    number: str = ""
    credit: bool = False
    state: DocumentState = DocumentState.UNKNOWN
    currency: str = ""
    total: Decimal = ZERO
    open_amount: Decimal = ZERO
    issued_at: datetime | None = None
    due_at: datetime | None = None
    updated_at: datetime | None = None
    lines: tuple[DocumentLineRecord, ...] = ()
    raw: Raw = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRecord:
    """Goods that came back, or are expected. `reference` is ours where we had it made there."""

    external_id: str
    order_external_id: str
    reference: str = ""
    number: str = ""
    state: DocumentState = DocumentState.UNKNOWN
    reason: str = ""
    updated_at: datetime | None = None
    lines: tuple[DocumentLineRecord, ...] = ()
    raw: Raw = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One journal entry of a customer: exactly one of debit and credit is not zero."""

    external_id: str
    kind: str  # invoice, credit_note, payment, other
    number: str
    at: datetime
    currency: str
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    open_amount: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """A customer's standing in the back office."""

    customer_external_id: str
    currency: str
    balance: Decimal
    credit_limit: Decimal | None = None
    terms: str = ""


# --- what we ask a platform to do ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDocumentLine:
    """A line to be created there. `variant_external_id` is the article's id there ('' for special lines whose
    `item_external_id` the value map gave); quantities are in units of that article; `tax_codes` are *their* ids,
    possibly none, and always sent, so that no default tax is applied silently."""

    key: str
    kind: LineKind = LineKind.ITEM
    variant_external_id: str = ""
    item_external_id: str = ""
    sku: str = ""
    name: str = ""
    quantity: Decimal = Decimal(1)
    unit_price: Decimal = ZERO
    discount: Decimal = ZERO
    net: Decimal = ZERO
    tax: Decimal = ZERO
    gross: Decimal = ZERO
    tax_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDocument:
    """What create_order and update_order send. `reference` is the one for life (≤ 20 characters)."""

    reference: str
    external_id: str = ""  # set for updates
    number: str = ""  # the store's own number, for people
    currency: str
    total: Decimal
    placed_at: datetime
    customer_external_id: str = ""
    customer: CustomerRecord | None = None
    billing: AddressRecord | None = None
    shipping: AddressRecord | None = None
    location_external_id: str = ""
    payment_method: str = ""  # their word, mapped
    prices_include_tax: bool = False  # of the lines' `unit_price`
    note: str = ""
    purchase_order: str = ""  # the customer's own number of his order
    requested_at: datetime | None = None  # when he wants it delivered
    shipping_method: str = ""  # their code
    salesperson: str = ""  # their id
    custom: Mapping[str, str] = field(default_factory=dict)  # their name of the field → its value
    rules_version: int = 0  # of the field rules it was built under, ours; never sent
    lines: tuple[OrderDocumentLine, ...] = ()


# What of an OrderDocument not every platform has a place for: each names its own in `Connector.order_fields`.
RULED_FIELDS = ("location_external_id", "purchase_order", "requested_at", "shipping_method", "salesperson", "custom")
ORDER_FIELDS = ("number", "note", "payment_method", *RULED_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDocument:
    reference: str
    external_id: str = ""
    customer: CustomerRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundDocument:
    """A refund or credit note to be made of an order that is there already, or of an invoice in a system that does not
    have the order (`invoice_external_id`); amount tax included."""

    reference: str
    order_external_id: str
    order_reference: str
    invoice_external_id: str = ""
    customer_external_id: str = ""
    currency: str
    amount: Decimal
    reason: str = ""
    at: datetime
    lines: tuple[OrderDocumentLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnDocument:
    """Goods that come back of an order that is there already. `reason` is their word where it is mapped."""

    reference: str
    order_external_id: str
    order_reference: str
    reason: str = ""
    restock: bool = True
    lines: tuple[OrderDocumentLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentDocument:
    reference: str
    order_external_id: str
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    shipped_at: datetime | None = None
    lines: tuple[OrderDocumentLine, ...] = ()
    complete: bool = True  # every line of the order is shipped with this one


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDocument:
    """An invoice of an order that is there already (`order_external_id`); or, in a system that does not have it, of the
    `order` given whole: there it may be a sales receipt or bill, too. With a `number` it is one that another system has
    made already, to be known there."""

    reference: str
    order_external_id: str
    order_reference: str
    number: str = ""
    credit: bool = False
    currency: str = ""
    total: Decimal | None = None
    issued_at: datetime | None = None
    order: OrderDocument | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDocument:
    """Money received (or, with `kind` REFUND, given back) elsewhere, to be registered with an order that is there.
    `method` is their own way of paying; `complete`: with this the order is paid in full."""

    reference: str
    order_external_id: str
    order_reference: str
    invoice_external_id: str = ""
    customer_external_id: str = ""
    kind: PaymentKind = PaymentKind.CAPTURE
    method: str = ""
    currency: str
    amount: Decimal
    at: datetime
    complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDocument:
    """A product to be created there; `reference` is our product's code."""

    reference: str
    product: ProductRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What an app is told: `body` is the JSON it gets, `reference` the notice's own id."""

    reference: str
    topic: str
    body: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What a command, or the search for one, found: enough to tell whether it is the document we meant."""

    external_id: str
    number: str = ""
    total: Decimal | None = None
    tax: Decimal | None = None  # what of the total is tax, where it says so
    line_count: int | None = None
    currency: str = ""
    state: DocumentState = DocumentState.OPEN
    success: bool = True  # a cancel may be answered "no": then False and `message`
    message: str = ""
    children: tuple[tuple[str, str], ...] = ()  # (our line key or sku, their id), e.g. variants of a created product
    line_ids: tuple[str, ...] = ()  # their ids of an order's lines, in the document's order
    raw: Raw = field(default_factory=dict, repr=False, compare=False)


# --- state pushed ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StockPush:
    """An absolute figure to show. `key` comes back in the PushResult; `parent_external_id` is the remote product."""

    key: str
    external_id: str
    parent_external_id: str = ""
    slot: str = ""
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePush:
    key: str
    external_id: str
    parent_external_id: str = ""
    slot: str = ""
    amount: Decimal
    currency: str


# What of a product travels together, and has one owner: fields of ProductRecord, and `codes` of its articles.
FIELD_GROUPS: Mapping[str, tuple[str, ...]] = {
    "text": ("name", "description"),
    "status": ("status",),
    "characteristics": ("brand", "categories"),
    "photos": ("image_urls",),
    "codes": ("codes",),
}


class ArticleCodes(NamedTuple):
    """The codes an article should bear there. `external_id` is the article's, as in a Binding."""

    external_id: str
    sku: str
    barcode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductPush:
    """Changed fields of a remote product: only the keys in `fields` are to be written. They are those of FIELD_GROUPS:
    `name`, `description`, `brand` (str), `status` (ProductStatus), `categories` (names), `image_urls` (addresses),
    `codes` (ArticleCodes of its articles)."""

    key: str
    external_id: str
    fields: Mapping[str, Any]


class PushOutcome(StrEnum):
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushResult:
    key: str
    outcome: PushOutcome
    message: str = ""


# --- reads -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a pull. `cursor` asks for the next page of the same pull and is '' on the last one; `since` is where
    the next pull may start (None: the engine keeps the one it had). `total` is what the platform says there is."""

    records: tuple[T, ...]
    cursor: str = ""
    since: datetime | None = None
    total: int | None = None
    failed: tuple[FailedRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRecord:
    """A record of a page that could not be parsed: set aside with its raw text, never in the others' way."""

    external_id: str
    error: str
    raw: Raw = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteLocation:
    external_id: str
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteValue:
    """One of the platform's own values of a kind (tax, payment, shipping, status, unit …), to be mapped."""

    kind: str
    code: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What `check()` learnt: whose account answered, which version, what is missing."""

    account: str
    version: str = ""
    currency: str = ""
    missing_permissions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLine:
    variant_external_id: str
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedPrice:
    variant_external_id: str
    quantity: Decimal
    unit_price: Decimal
    currency: str


# --- webhooks --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """A delivery as it came in. Header names are lower case; `query` and `headers` keep the last of repeated names
    except `signature` lists, which stay comma-joined as received."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """A hint that a record changed there. `dedupe_key` identifies the delivery (never only a weak delivery id);
    `stream` '' means a topic nobody reads."""

    stream: str
    external_id: str
    topic: str
    dedupe_key: str
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswer:
    events: tuple[WebhookEvent, ...] = ()
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSubscription:
    external_id: str
    topic: str
    address: str
    active: bool = True
