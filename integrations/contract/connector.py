"""The class every platform implements, and the words it describes itself with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from integrations.contract import records as r
from integrations.contract.errors import Unsupported
from integrations.contract.http import HttpClient


class Role(StrEnum):
    STORE = "store"
    BACK_OFFICE = "back_office"
    ACCOUNTING = "accounting"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One input of the connection's form. `kind`: text, url, secret, integer, decimal, boolean, choice, multiline."""

    name: str
    label: str
    kind: str = "text"
    required: bool = True
    default: Any = ""
    choices: tuple[tuple[str, str], ...] = ()
    help_text: str = ""
    section: str = ""  # the key of the form's Section it stands in


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the connection's form that is folded away until somebody opens it."""

    key: str
    label: str
    help_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Settings to begin with, of a system that many have; `docs_url` is where they were read."""

    label: str
    docs_url: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How far the form of a connection is filled in: its name, whether that suffices to go live, what comes next."""

    name: str
    suffices: bool
    next_step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What one credential may ask: `per_second` sustained, `burst` at once, `concurrency` open requests."""

    per_second: float
    burst: int = 1
    concurrency: int = 4


class Safety(StrEnum):
    """How a command is kept from happening twice."""

    UNIQUE_KEY = "unique_key"  # the platform refuses a second one with the same number
    KEY_HEADER = "key_header"  # an idempotency key, remembered for `window_seconds`
    SEARCH = "search"  # find_…(reference) sees every record after `lag_seconds`
    REPEATABLE = "repeatable"  # harmless twice
    NONE = "none"  # a person decides when the outcome is unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    safety: Safety
    window_seconds: int = 0
    lag_seconds: int = 0


class Connector:
    """Speaks one platform's API. Knows no Django; one instance serves one connection for one unit of work.

    What a class can do is what it overrides (`capabilities`). Every network method may raise the errors of
    `contract.errors` and nothing else on purpose.
    """

    key: ClassVar[str]
    label: ClassVar[str]
    docs_url: ClassVar[str]
    roles: ClassVar[frozenset[Role]]
    credential_fields: ClassVar[tuple[Field, ...]]
    settings_fields: ClassVar[tuple[Field, ...]] = ()
    rate_limit: ClassVar[RateLimit] = RateLimit(per_second=5, burst=10)
    stock_basis: ClassVar[r.StockBasis] = r.StockBasis.ON_HAND
    idempotency: ClassVar[Mapping[str, Idempotency]] = {}
    product_fields: ClassVar[frozenset[str]] = frozenset()  # what push_products takes, of ProductPush.fields
    order_fields: ClassVar[frozenset[str]] = frozenset()  # what create_order has a place for, of r.ORDER_FIELDS
    webhook_topics: ClassVar[Mapping[str, tuple[str, ...]]] = {}  # stream -> the platform's topics
    value_kinds: ClassVar[tuple[str, ...]] = ()  # what list_values(kind) can list
    sections: ClassVar[tuple[Section, ...]] = ()  # of the connection's form
    presets: ClassVar[Mapping[str, Preset]] = {}

    def __init__(self, *, http: HttpClient, credentials: Mapping[str, str], settings: Mapping[str, Any]) -> None:
        self.http = http
        self.settings = settings
        self.use_credentials(credentials)

    @classmethod
    def base_url(cls, credentials: Mapping[str, str], settings: Mapping[str, Any]) -> str:
        """The address every request starts with; credentials are bound to its host."""
        raise Unsupported(f"{cls.label} has no base address.")

    @classmethod
    def find_stock_basis(cls, settings: Mapping[str, Any]) -> r.StockBasis:
        """Whether its stock figures count what is ordered and not shipped yet (on hand), or not (available)."""
        return cls.stock_basis

    @classmethod
    def product_groups(cls, settings: Mapping[str, Any]) -> frozenset[str]:
        """The FIELD_GROUPS that pull_products gives with these settings; what it does not read it does not own."""
        return frozenset(r.FIELD_GROUPS)

    @classmethod
    def capabilities(cls, settings: Mapping[str, Any]) -> frozenset[str]:
        """The names of the methods this class overrides."""
        return frozenset(name for name in CAPABILITIES if getattr(cls, name) is not getattr(Connector, name))

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> Mapping[str, str]:
        """What is wrong with settings a person has typed, by the name of the field; the form says it there."""
        return {}

    @classmethod
    def level(cls, settings: Mapping[str, Any]) -> Level | None:
        """How far a platform that is configured by form is configured; None where nothing is to be."""
        return None

    @classmethod
    def safety(cls, command: str, settings: Mapping[str, Any] | None = None) -> Idempotency:
        """How `command` (e.g. "create_order") is kept from happening twice; a create without its find has none.
        `settings` are the connection's, where they change the lag of its searches. "cancel_order_lines" is cancel_order
        with lines."""
        declared = cls.idempotency.get(command, Idempotency(safety=Safety.NONE))
        find = FIND_FOR.get(command)
        if declared.safety is Safety.SEARCH and find and getattr(cls, find) is getattr(Connector, find):
            return Idempotency(safety=Safety.NONE)
        return declared

    def refresh_credentials(self) -> Mapping[str, str]:
        """Ask for a new token after a 401: the changed secrets by field name. AuthFailed where that is refused, too.
        The engine sees to it that one worker at a time asks, and stores the answer."""
        raise self._unsupported("renew its access")

    def use_credentials(self, credentials: Mapping[str, str]) -> None:
        """Speak with these from now on: put them on the client here, so that a renewed token goes with the next
        request."""
        self.credentials = credentials

    def _unsupported(self, what: str) -> Unsupported:
        return Unsupported(f"{self.label} cannot {what}.")

    def _refuse_unplaced(self, document: r.OrderDocument) -> None:
        """Unsupported where a rule has filled a field there is no place for: nothing is left out in silence. What every
        order has (its number, note and payment method) is not missed."""
        for name in r.RULED_FIELDS:
            if getattr(document, name) and name not in self.order_fields:
                words = f"{self.label} has no place for an order's {name.replace('_', ' ')}: take the rule out."
                raise Unsupported(words)

    # reads ---------------------------------------------------------------------------------------------------------
    def check(self) -> r.CheckResult:
        """Prove that the credentials work, with one cheap authenticated read."""
        raise self._unsupported("be tested")

    def pull_products(self, since: datetime | None, cursor: str) -> r.Page[r.ProductRecord]:
        raise self._unsupported("list products")

    def pull_stock(self, since: datetime | None, cursor: str) -> r.Page[r.StockRow]:
        raise self._unsupported("list stock")

    def pull_prices(self, since: datetime | None, cursor: str) -> r.Page[r.PriceRow]:
        raise self._unsupported("list prices")

    def pull_customers(self, since: datetime | None, cursor: str) -> r.Page[r.CustomerRecord]:
        raise self._unsupported("list customers")

    def pull_orders(self, since: datetime | None, cursor: str) -> r.Page[r.OrderRecord]:
        """Orders created or changed at or after `since` (inclusive), oldest change first."""
        raise self._unsupported("list orders")

    def pull_shipments(self, since: datetime | None, cursor: str) -> r.Page[r.ShipmentRecord]:
        raise self._unsupported("list shipments")

    def pull_invoices(self, since: datetime | None, cursor: str) -> r.Page[r.InvoiceRecord]:
        raise self._unsupported("list invoices")

    def pull_returns(self, since: datetime | None, cursor: str) -> r.Page[r.ReturnRecord]:
        raise self._unsupported("list returns")

    def pull_payments(self, since: datetime | None, cursor: str) -> r.Page[r.PaymentRecord]:
        """Money registered there, each with the order it is for."""
        raise self._unsupported("list payments")

    def fetch_product(self, external_id: str) -> r.ProductRecord:
        raise self._unsupported("read a product")

    def fetch_customer(self, external_id: str) -> r.CustomerRecord:
        raise self._unsupported("read a customer")

    def fetch_order(self, external_id: str) -> r.OrderRecord:
        """The order as it is now, refunds included; NotFound where it is gone."""
        raise self._unsupported("read an order")

    def count_products(self, since: datetime | None) -> int:
        raise self._unsupported("count products")

    def count_orders(self, since: datetime | None) -> int:
        raise self._unsupported("count orders")

    def list_locations(self) -> Sequence[r.RemoteLocation]:
        raise self._unsupported("list locations")

    def list_values(self, kind: str) -> Sequence[r.RemoteValue]:
        raise self._unsupported("list its values")

    def get_account(self, customer_external_id: str) -> r.AccountRecord:
        raise self._unsupported("show a customer's account")

    def list_ledger(self, customer_external_id: str, since: datetime | None) -> Sequence[r.LedgerRow]:
        raise self._unsupported("list a customer's ledger")

    def list_customer_orders(self, customer_external_id: str, since: datetime | None) -> Sequence[r.OrderRecord]:
        raise self._unsupported("list a customer's orders")

    def quote_prices(self, lines: Sequence[r.QuoteLine], customer_external_id: str) -> Sequence[r.QuotedPrice]:
        raise self._unsupported("quote prices")

    # state ---------------------------------------------------------------------------------------------------------
    def push_stock(self, items: Sequence[r.StockPush]) -> Sequence[r.PushResult]:
        """Set absolute figures; one PushResult per item, a refused one never stops the others."""
        raise self._unsupported("take stock figures")

    def push_prices(self, items: Sequence[r.PricePush]) -> Sequence[r.PushResult]:
        raise self._unsupported("take prices")

    def push_products(self, items: Sequence[r.ProductPush]) -> Sequence[r.PushResult]:
        raise self._unsupported("take product changes")

    # commands: each takes one document and answers with what is there now ---------------------------------------------
    def create_product(self, document: r.ProductDocument) -> r.CommandResult:
        raise self._unsupported("create products")

    def create_customer(self, document: r.CustomerDocument) -> r.CommandResult:
        raise self._unsupported("create customers")

    def update_customer(self, document: r.CustomerDocument) -> r.CommandResult:
        raise self._unsupported("change customers")

    def create_order(self, document: r.OrderDocument) -> r.CommandResult:
        raise self._unsupported("create orders")

    def complete_order(self, external_id: str) -> r.CommandResult:
        """Finish what an interrupted create_order left as a DRAFT there; harmless twice, and on any other state."""
        raise self._unsupported("complete orders")

    def update_order(self, document: r.OrderDocument) -> r.CommandResult:
        raise self._unsupported("change orders")

    def update_order_status(self, external_id: str, status: str, note: str = "") -> r.CommandResult:
        """`status` is the platform's own word."""
        raise self._unsupported("change an order's status")

    def cancel_order(self, external_id: str, lines: Sequence[r.OrderDocumentLine] | None = None) -> r.CommandResult:
        """Cancel the order, or only `lines`; a refusal is success=False with the platform's words."""
        raise self._unsupported("cancel orders")

    def create_invoice(self, document: r.InvoiceDocument) -> r.CommandResult:
        """Of an order that is there, or (`document.order`) of one that is not: a sales receipt or bill, maybe."""
        raise self._unsupported("create invoices")

    def cancel_invoice(self, external_id: str) -> r.CommandResult:
        """Void the invoice; harmless twice. A refusal is success=False with the platform's words."""
        raise self._unsupported("cancel invoices")

    def create_payment(self, document: r.PaymentDocument) -> r.CommandResult:
        """Register money that was received elsewhere; nothing is charged."""
        raise self._unsupported("register payments")

    def complete_payment(self, external_id: str) -> r.CommandResult:
        """Finish what an interrupted create_payment left as a DRAFT there; harmless twice, and on any other state."""
        raise self._unsupported("complete payments")

    def create_shipment(self, document: r.ShipmentDocument) -> r.CommandResult:
        raise self._unsupported("create shipments")

    def create_return(self, document: r.ReturnDocument) -> r.CommandResult:
        raise self._unsupported("create returns")

    def create_refund(self, document: r.RefundDocument) -> r.CommandResult:
        raise self._unsupported("create refunds")

    def complete_refund(self, external_id: str) -> r.CommandResult:
        """Finish what an interrupted create_refund left as a DRAFT there; harmless twice, and on any other state."""
        raise self._unsupported("complete refunds")

    def notify(self, document: r.Notice) -> r.CommandResult:
        """Tell of what happened; who is told twice knows it by its reference."""
        raise self._unsupported("be told of what happens")

    # searches: every document that carries the reference, so that none, one and several can be told apart
    def find_product(self, reference: str) -> Sequence[r.CommandResult]:
        raise self._unsupported("search products")

    def find_customer(self, reference: str) -> Sequence[r.CommandResult]:
        raise self._unsupported("search customers")

    def find_order(self, reference: str) -> Sequence[r.CommandResult]:
        raise self._unsupported("search orders")

    def find_invoice(self, reference: str) -> Sequence[r.CommandResult]:
        raise self._unsupported("search invoices")

    def find_payment(self, reference: str) -> Sequence[r.CommandResult]:
        raise self._unsupported("search payments")

    def find_shipment(self, reference: str) -> Sequence[r.CommandResult]:
        raise self._unsupported("search shipments")

    def find_return(self, reference: str) -> Sequence[r.CommandResult]:
        raise self._unsupported("search returns")

    def find_refund(self, reference: str) -> Sequence[r.CommandResult]:
        raise self._unsupported("search refunds")

    # webhooks ------------------------------------------------------------------------------------------------------
    def subscribe_webhooks(self, address: str, streams: Sequence[str]) -> Sequence[r.WebhookSubscription]:
        raise self._unsupported("send webhooks")

    def list_webhooks(self) -> Sequence[r.WebhookSubscription]:
        raise self._unsupported("list webhooks")

    def unsubscribe_webhooks(self, external_ids: Sequence[str]) -> None:
        raise self._unsupported("delete webhooks")

    def receive_webhook(self, request: r.WebhookRequest) -> r.WebhookAnswer:
        """Verify a delivery without any network; WebhookRejected where it is not proven."""
        raise self._unsupported("send webhooks")


FIND_FOR: Mapping[str, str] = {
    f"create_{subject}": f"find_{subject}"
    for subject in ("product", "customer", "order", "invoice", "payment", "shipment", "return", "refund")
}
COMMANDS: tuple[str, ...] = (
    *FIND_FOR,
    "update_customer",
    "update_order",
    "update_order_status",
    "cancel_order",
    "cancel_invoice",
    "notify",
)
NOT_CAPABILITIES = frozenset({
    "base_url", "capabilities", "check_settings", "find_stock_basis", "level", "safety", "refresh_credentials",
    "use_credentials",
})  # fmt: skip
CAPABILITIES: tuple[str, ...] = tuple(
    name
    for name, value in vars(Connector).items()
    if callable(value) and not name.startswith("_") and name not in NOT_CAPABILITIES
)
