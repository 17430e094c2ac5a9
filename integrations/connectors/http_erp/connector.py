"""Any ERP or POS over HTTP, configured by form, no code; fields are named by https://jmespath.org/specification.html

calls.py is the table of calls and the form made of it; templates.py fills a path, a header and a body; transport.py
makes one call; payloads.py reads answers; presets.py has systems that many use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from integrations.connectors.http_erp import payloads as p
from integrations.connectors.http_erp import settings as s
from integrations.connectors.http_erp.calls import ADVANCED, BASIC, CALLS, is_used
from integrations.connectors.http_erp.presets import PRESETS
from integrations.connectors.http_erp.templates import parse_template
from integrations.connectors.http_erp.transport import HttpErpTransport
from integrations.contract import records as r
from integrations.contract.connector import FIND_FOR, Idempotency, Level, RateLimit, Role, Safety
from integrations.contract.errors import AuthFailed, NotFound, PayloadInvalid, Retryable, Unsupported
from integrations.contract.formulas.values import RuleError

T = TypeVar("T")
OVERLAP = timedelta(minutes=1)  # a change may be saved later than it says
KEY_WINDOW = 24 * 3600  # seconds that a system is taken to remember an idempotency key
MOST_FOUND = 20  # pages of a search
PAGING = frozenset({"page", "offset"})
READS = ("check", "pull_products", "pull_stock", "pull_prices", "pull_orders")


class HttpErp(HttpErpTransport):
    key = "http_erp"
    docs_url = "https://jmespath.org/specification.html"
    roles = frozenset({Role.BACK_OFFICE, Role.ACCOUNTING})
    credential_fields = s.CREDENTIALS
    settings_fields = s.FIELDS
    sections = s.SECTIONS
    presets = PRESETS
    rate_limit = RateLimit(per_second=5, burst=10, concurrency=2)
    order_fields = frozenset(r.ORDER_FIELDS)
    idempotency: ClassVar[Mapping[str, Idempotency]] = {
        # What the form says of a create goes before this; see `safety`.
        "create_customer": Idempotency(safety=Safety.NONE),
        "create_order": Idempotency(safety=Safety.NONE),
        "create_return": Idempotency(safety=Safety.NONE),
        "cancel_order_lines": Idempotency(safety=Safety.NONE),
        "cancel_order": Idempotency(safety=Safety.REPEATABLE),
        "update_order": Idempotency(safety=Safety.REPEATABLE),
        "update_customer": Idempotency(safety=Safety.REPEATABLE),
        "update_order_status": Idempotency(safety=Safety.REPEATABLE),
    }

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.page_size = int(self.settings.get("page_size") or 100)
        self.currency = str(self.settings.get("currency") or "").upper()
        self.cancelled_words = frozenset(
            word.strip().lower()
            for word in str(self.settings.get("cancelled_words") or s.CANCELLED).split(",")
            if word.strip()
        )

    # --- what it can do, by its settings -----------------------------------------------------------------------------

    @classmethod
    def base_url(cls, credentials: Mapping[str, str], settings: Mapping[str, Any]) -> str:
        return str(settings["url"]).rstrip("/")

    @classmethod
    def capabilities(cls, settings: Mapping[str, Any]) -> frozenset[str]:
        used = {call.method_name for call in CALLS.values() if is_used(settings, call.name)}
        return super().capabilities(settings) & (used | {"check"})

    @classmethod
    def find_stock_basis(cls, settings: Mapping[str, Any]) -> r.StockBasis:
        return r.StockBasis(settings.get("stock_basis") or cls.stock_basis)

    @classmethod
    def product_groups(cls, settings: Mapping[str, Any]) -> frozenset[str]:
        """A group is given where the items' answer says where one of its fields is."""
        text = str(settings.get("pull_products_answer") or "")
        said = {line.partition(":")[0].strip() for line in text.splitlines()}
        return frozenset(group for group, names in s.GROUPS.items() if said & names)

    @classmethod
    def safety(cls, command: str, settings: Mapping[str, Any] | None = None) -> Idempotency:
        """As the form says. A search that is not configured proves nothing, whatever the form says."""
        said = settings or {}
        chosen = said.get(f"{command}_safety")
        declared = Safety(chosen) if chosen in set(Safety) else cls.idempotency.get(command, _NONE).safety
        if declared in {Safety.SEARCH, Safety.UNIQUE_KEY}:
            find = FIND_FOR.get(command, "")
            if not is_used(said, find):
                return _NONE
            return Idempotency(safety=declared, lag_seconds=int(said.get("search_lag_seconds") or 0))
        window = KEY_WINDOW if declared is Safety.KEY_HEADER else 0
        return Idempotency(safety=declared, window_seconds=window)

    @classmethod
    def level(cls, settings: Mapping[str, Any]) -> Level:
        missing = [CALLS[name].label.lower() for name in BASIC if not is_used(settings, name)]
        if missing:
            words = f"Not enough to go live yet: configure how to {' and how to '.join(missing)}."
            return Level(name="Not Basic yet", suffices=False, next_step=words)
        missing = [CALLS[name].label.lower() for name in ADVANCED if not is_used(settings, name)]
        if missing:
            words = f"Enough to go live. Advanced also knows how to {' and how to '.join(missing)}."
            return Level(name="Basic", suffices=True, next_step=words)
        return Level(name="Advanced", suffices=True, next_step="Cancellations and returns go there, too.")

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> Mapping[str, str]:
        return s.check(settings)

    # --- reads -------------------------------------------------------------------------------------------------------

    def check(self) -> r.CheckResult:
        """By the call made for it, else by the first that reads; with none, by the address alone, and it says so."""
        host = urlsplit(self.http.base_url).netloc
        name = next((one for one in READS if is_used(self.settings, one)), "")
        if name == "check":
            reader = self.reader(name, self._call(name, self._place(None, Place())))
            return r.CheckResult(account=reader.text("account") or host, version=reader.text("version"))
        if name:
            self.rows(name, self._call(name, self._place(None, Place())))
            return r.CheckResult(account=host, currency=self.currency, notes=(f"By the call: {CALLS[name].label}.",))
        self._be_let_in()
        response = self.http.get("")
        if response.status in {401, 403}:
            raise AuthFailed(f"The system answered {response.status}: it does not let us in.", status=response.status)
        if response.status >= 500:
            response.raise_for_status()
        return r.CheckResult(account=host, notes=("It answers; no call that reads is configured to prove more.",))

    def pull_products(self, since: datetime | None, cursor: str) -> r.Page[r.ProductRecord]:
        return self._page("pull_products", since, cursor, lambda row: p.parse_product(row, self.currency))

    def pull_stock(self, since: datetime | None, cursor: str) -> r.Page[r.StockRow]:
        return self._page("pull_stock", since, cursor, p.parse_stock)

    def pull_prices(self, since: datetime | None, cursor: str) -> r.Page[r.PriceRow]:
        return self._page("pull_prices", since, cursor, lambda row: p.parse_price(row, self.currency))

    def pull_orders(self, since: datetime | None, cursor: str) -> r.Page[r.OrderRecord]:
        return self._page("pull_orders", since, cursor, self._order)

    def pull_shipments(self, since: datetime | None, cursor: str) -> r.Page[r.ShipmentRecord]:
        return self._page("pull_shipments", since, cursor, p.parse_shipment)

    def pull_invoices(self, since: datetime | None, cursor: str) -> r.Page[r.InvoiceRecord]:
        return self._page("pull_invoices", since, cursor, lambda row: p.parse_invoice(row, self.currency))

    def get_account(self, customer_external_id: str) -> r.AccountRecord:
        answer = self._call("get_account", {"customer_external_id": customer_external_id})
        reader = self.reader("get_account", answer)
        return _readable(lambda: p.parse_account(reader, customer_external_id, self.currency))

    def list_ledger(self, customer_external_id: str, since: datetime | None) -> Sequence[r.LedgerRow]:
        """Oldest first."""
        rows = self._listed("list_ledger", customer_external_id, since)
        found = _readable(lambda: [p.parse_ledger_row(row, self.currency) for row in rows])
        return sorted(found, key=lambda row: row.at)

    def list_customer_orders(self, customer_external_id: str, since: datetime | None) -> Sequence[r.OrderRecord]:
        rows = self._listed("list_customer_orders", customer_external_id, since)
        return _readable(lambda: [self._order(row) for row in rows])

    def quote_prices(self, lines: Sequence[r.QuoteLine], customer_external_id: str) -> Sequence[r.QuotedPrice]:
        view = {"customer_external_id": customer_external_id, "lines": p.build_view(lines, self.clock)}
        answer = self._call("quote_prices", view)
        readers = self._readers("quote_prices", answer)
        return _readable(lambda: p.parse_quotes(readers, lines, self.currency))

    def _order(self, row: p.Reader) -> r.OrderRecord:
        return p.parse_order(row, self.currency, self.cancelled_words)

    def _readers(self, name: str, answer: Any) -> list[p.Reader]:
        paths = self.paths(name)
        return [p.Reader(row, paths, self.clock) for row in self.rows(name, answer)]

    def _listed(self, name: str, customer: str, since: datetime | None) -> list[p.Reader]:
        view = {"customer_external_id": customer, "since": self.clock.build(since) if since else ""}
        return self._readers(name, self._call(name, view))

    # --- pages -------------------------------------------------------------------------------------------------------

    def _place(self, since: datetime | None, place: Place) -> dict[str, Any]:
        return {
            "since": self.clock.build(since) if since else "",
            "page": place.number + 1,
            "offset": place.number * self.page_size,
            "limit": self.page_size,
            "cursor": place.token,
        }

    def _page(
        self, name: str, since: datetime | None, cursor: str, parse: Callable[[p.Reader], T], **more: Any
    ) -> r.Page[T]:
        """One page. It goes on while the answer names a next one or, where the call counts pages, until one is empty:
        a short page may be a system that gives fewer than it is asked for."""
        place = Place.read(cursor)
        answer = self._call(name, {**self._place(since, place), **more})
        rows, paths = self.rows(name, answer), self.paths(name)
        records, failed = p.parse_rows(rows, paths, self.clock, parse)
        times = [at for row in rows if (at := p.Reader(row, paths, self.clock).time("updated_at"))]
        newest = max([*times, *filter(None, [self.clock.parse(place.newest)])], default=None)
        following = place.next(rows, _next_token(answer, paths), counts=self._counts_pages(name))
        if following is not None:
            stamp = newest.isoformat() if newest else ""
            return r.Page(records=tuple(records), cursor=following.write(stamp), failed=tuple(failed))
        start = max(newest - OVERLAP, since) if newest and since else newest - OVERLAP if newest else since
        return r.Page(records=tuple(records), since=start, failed=tuple(failed))

    def _counts_pages(self, name: str) -> bool:
        texts = [str(self.settings.get(CALLS[name].setting(part)) or "") for part in ("path", "body", "headers")]
        return any(parse_template(text).words & PAGING for text in texts)

    # --- commands ----------------------------------------------------------------------------------------------------

    def create_customer(self, document: r.CustomerDocument) -> r.CommandResult:
        return self._create("create_customer", document)

    def update_customer(self, document: r.CustomerDocument) -> r.CommandResult:
        return self._update("update_customer", document, document.external_id)

    def create_order(self, document: r.OrderDocument) -> r.CommandResult:
        self._refuse_unplaced(document)
        return self._create("create_order", document)

    def update_order(self, document: r.OrderDocument) -> r.CommandResult:
        return self._update("update_order", document, document.external_id)

    def update_order_status(self, external_id: str, status: str, note: str = "") -> r.CommandResult:
        return self._tell("update_order_status", external_id, {"status": status, "note": note})

    def cancel_order(self, external_id: str, lines: Sequence[r.OrderDocumentLine] | None = None) -> r.CommandResult:
        if lines is None:
            return self._tell("cancel_order", external_id, {}, done=r.DocumentState.CANCELLED)
        return self._tell("cancel_order_lines", external_id, {"lines": p.build_view(lines, self.clock)})

    def create_return(self, document: r.ReturnDocument) -> r.CommandResult:
        return self._create("create_return", document)

    def find_order(self, reference: str) -> Sequence[r.CommandResult]:
        return self._find("find_order", reference)

    def find_customer(self, reference: str) -> Sequence[r.CommandResult]:
        return self._find("find_customer", reference)

    def find_return(self, reference: str) -> Sequence[r.CommandResult]:
        return self._find("find_return", reference)

    def _create(self, name: str, document: Any) -> r.CommandResult:
        key = self._key(name, document.reference)
        result: r.CommandResult = self._write(name, p.build_view(document, self.clock), self._result, key=key)
        return result

    def _update(self, name: str, document: Any, external_id: str) -> r.CommandResult:
        """Their answer need not say which record it was: we do."""

        def parse(reader: p.Reader) -> r.CommandResult:
            return self._result(reader) if reader.text("id") else r.CommandResult(external_id=external_id)

        result: r.CommandResult = self._write(name, p.build_view(document, self.clock), parse)
        return result

    def _tell(
        self, name: str, external_id: str, more: Mapping[str, Any], done: r.DocumentState = r.DocumentState.OPEN
    ) -> r.CommandResult:
        """A call that is answered yes or no. With no place for that named, an answer without an error is a yes."""

        def parse(reader: p.Reader) -> r.CommandResult:
            success = True if "success" not in reader.paths else reader.flag("success")
            if success is None:
                raise PayloadInvalid(f"success is {reader.value('success')!r}, neither yes nor no.", field="success")
            message = reader.text("message")
            state = done if success else r.DocumentState.OPEN
            return r.CommandResult(external_id=external_id, success=success, message=message, state=state)

        result: r.CommandResult = self._write(name, {"external_id": external_id, **more}, parse)
        return result

    def _find(self, name: str, reference: str) -> Sequence[r.CommandResult]:
        """Every document with exactly this reference, where the answer says which each has; page by page."""
        try:
            return [
                self._result(row)
                for row in self._walk(name, reference)
                if "reference" not in row.paths or row.text("reference") == reference
            ]
        except NotFound:
            if self.settings.get(f"{name}_none") == "404":
                return []
            raise
        except PayloadInvalid as error:
            raise Retryable(f"The search's answer cannot be read: {error.message}", code=error.code) from error

    def _walk(self, name: str, reference: str) -> Iterator[p.Reader]:
        cursor = ""
        for _ in range(MOST_FOUND):
            page = self._page(name, None, cursor, lambda row: row, reference=reference)
            yield from page.records
            if not (cursor := page.cursor):
                return
        raise Unsupported(f"The search for {reference} has more than {MOST_FOUND} pages: let it search, not list.")

    def _result(self, reader: p.Reader) -> r.CommandResult:
        return p.parse_result(reader, self.cancelled_words)

    def _refuse_unplaced(self, document: r.OrderDocument) -> None:
        """A field that a rule has filled, and that no template of the call names, would be left out in silence."""
        texts = [str(self.settings.get(f"create_order_{part}") or "") for part in ("path", "headers", "body")]
        try:
            used = frozenset[str]().union(*(parse_template(text).words for text in texts))
        except RuleError:
            return  # said when the call is filled
        for name in r.RULED_FIELDS:
            if getattr(document, name) and not used & {name, "document"}:
                words = f"The body that creates an order has no place for its {name.replace('_', ' ')}"
                raise Unsupported(f"{words}: add {{{{ {name} }}}} to it, or take the rule out.")


class Place:
    """Where a walk is: the number of the page from 0, the token of the next, what the last page held, and the newest
    change seen."""

    def __init__(self, number: int = 0, token: str = "", digest: str = "", newest: str = "") -> None:
        self.number, self.token, self.digest, self.newest = number, token, digest, newest

    @classmethod
    def read(cls, cursor: str) -> Place:
        return cls(*json.loads(cursor)) if cursor else cls()

    def write(self, newest: str) -> str:
        return json.dumps([self.number, self.token, self.digest, newest])

    def next(self, rows: Sequence[Any], token: str, *, counts: bool) -> Place | None:
        """None at the end. Retryable where the page is the one before again."""
        if not token and not (counts and rows):
            return None
        digest = hashlib.sha256(repr(rows).encode()).hexdigest()[:16]
        if digest == self.digest or (token and token == self.token):
            raise Retryable(f"Page {self.number + 1} is the one before again.", code="PAGINATION_LOOP")
        return Place(self.number + 1, token, digest)


_NONE = Idempotency(safety=Safety.NONE)


def _next_token(answer: Any, paths: Mapping[str, str]) -> str:
    reader = p.Reader(answer, paths, p.Clock.of({}))
    return _readable(lambda: "" if reader.value("next") in (None, False) else reader.text("next"))


def _readable(parse: Callable[[], T]) -> T:
    """What of a read cannot be read may be right the next time; nothing was changed."""
    try:
        return parse()
    except PayloadInvalid as error:
        words = f"The answer cannot be read: {error.message} Check the paths in the connection's settings."
        raise Retryable(words, code=error.code) from error
