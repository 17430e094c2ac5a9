"""Documents as templates see them, and answers as records, by the paths a person has typed. Pure.

A document's fields keep their names (contract/records.py), so that a template reads as the record does: amounts and
quantities are numbers, times are texts in the connection's format, what is not known is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from integrations.contract import records as r
from integrations.contract.errors import PayloadInvalid
from integrations.contract.formulas.expressions import check_path, pick
from integrations.contract.formulas.values import RuleError, read_text

T = TypeVar("T")
Row = Mapping[str, Any]
NOT_SENT = frozenset({"raw", "rules_version"})
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # of an order whose list does not say when
TRUE = frozenset({"true", "1", "yes", "y", "ok", "success", "succeeded", "done"})
FALSE = frozenset({"false", "0", "no", "n", "error", "fail", "failed", "failure", ""})
TIME_FORMATS = {
    "iso": "%Y-%m-%dT%H:%M:%SZ",
    "space": "%Y-%m-%d %H:%M:%S",
    "local_iso": "%Y-%m-%dT%H:%M:%S",
    "day": "%Y-%m-%d",
    "compact": "%Y%m%d%H%M%S",
    "seconds": "",
    "milliseconds": "",
}
COMPACT = "20141011174055"
MILLISECONDS_FROM = 10**11  # as seconds that would be the year 5138


@dataclass(frozen=True, slots=True)
class Clock:
    """How a system writes times: one of TIME_FORMATS, in its own zone where the format has none."""

    style: str
    zone: ZoneInfo

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Clock:
        try:
            zone = ZoneInfo(str(settings.get("time_zone") or "UTC"))
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise RuleError("There is no such time zone; Europe/London is one.") from error
        return cls(str(settings.get("time_format") or "iso"), zone)

    def build(self, at: datetime) -> str:
        if self.style in {"seconds", "milliseconds"}:
            return str(int(at.timestamp()) * (1000 if self.style == "milliseconds" else 1))
        zone = UTC if self.style == "iso" else self.zone
        return at.astimezone(zone).strftime(TIME_FORMATS[self.style])

    def parse(self, value: Any) -> datetime | None:
        """ISO 8601, "2014-10-11 17:40:55", "20141011174055", or seconds or milliseconds since 1970; None for none."""
        text = "" if value is None or isinstance(value, bool) else str(value).strip()
        try:
            if text.isascii() and text.isdigit() and len(text) == len(COMPACT):
                return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=self.zone).astimezone(UTC)
            if text.isascii() and text.isdigit() and len(text) >= 9:
                number = int(text)
                return datetime.fromtimestamp(number / 1000 if number >= MILLISECONDS_FROM else number, UTC)
            at = datetime.fromisoformat(text)
        except (ValueError, OverflowError, OSError):
            return None
        return (at if at.tzinfo else at.replace(tzinfo=self.zone)).astimezone(UTC)


# --- documents -------------------------------------------------------------------------------------------------------


def build_view(value: Any, clock: Clock) -> Any:
    """A record, or part of one, as plain values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            one.name: build_view(getattr(value, one.name), clock) for one in fields(value) if one.name not in NOT_SENT
        }
    if isinstance(value, Mapping):
        return {str(key): build_view(item, clock) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [build_view(item, clock) for item in value]
    if isinstance(value, datetime):
        return clock.build(value)
    if isinstance(value, Decimal):
        return shorten(value)
    if value is None:
        return ""
    return value if isinstance(value, bool | int) else str(value)


def shorten(number: Decimal) -> Decimal:
    """Without zeros behind its last digit, beyond two: 10.000000 is 10.00."""
    short = number.normalize()
    places = -int(short.as_tuple().exponent)
    own = -int(number.as_tuple().exponent)
    return number if own <= 2 else number.quantize(Decimal(1).scaleb(-max(places, 2)))


# --- answers ---------------------------------------------------------------------------------------------------------


def parse_answer_lines(text: str) -> dict[str, str]:
    """`id: data.id` a line → {"id": "data.id"}. RuleError for a line that is none."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, (text or "").splitlines())):
        name, colon, path = (part.strip() for part in line.partition(":"))
        if not colon or not name or not path:
            raise RuleError(f"“{line[:60]}” is no line of the kind id: data.order.id")
        if name in found:
            raise RuleError(f"{name} is there twice.")
        check_path(path)
        found[name] = path
    return found


def parse_header_lines(text: str) -> dict[str, str]:
    """`Name: value` a line; the value is a template. RuleError for a line that is none."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, (text or "").splitlines())):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise RuleError(f"“{line[:60]}” is no line of the kind Name: value")
        found[name] = value
    return found


def pick_rows(found: Any, each: str = "") -> list[Any]:
    """What stands where the list is, as one: one object is a list of one (so XML writes it), nothing an empty one."""
    rows = _as_list(found)
    if not each:
        return rows
    return [
        {**item, "parent": row} if isinstance(item, Mapping) else {"value": item, "parent": row}
        for row in rows
        for item in _as_list(pick(each, row))
    ]


def _as_list(value: Any) -> list[Any]:
    if value in (None, ""):
        return []
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one row, or one answer, by the paths typed for it. PayloadInvalid names the field that is wrong."""

    row: Any
    paths: Mapping[str, str]
    clock: Clock

    def value(self, name: str) -> Any:
        path = self.paths.get(name)
        if not path:
            return None
        try:
            return pick(path, self.row)
        except RuleError as error:
            raise PayloadInvalid(f"{name}: {error}", field=name) from error

    def text(self, name: str) -> str:
        value = self.value(name)
        try:
            return read_text(value).strip()
        except RuleError as error:
            raise PayloadInvalid(f"{name}: {error}", field=name) from error

    def need(self, name: str) -> str:
        if not (text := self.text(name)):
            where = f"at {self.paths[name]}" if name in self.paths else "to be found"
            raise PayloadInvalid(f"There is no {name} {where}.", field=name)
        return text

    def number(self, name: str) -> Decimal | None:
        text = self.text(name).replace(" ", "")
        if not text:
            return None
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise PayloadInvalid(f"{name} is {text[:40]!r}, no number.", field=name)
        return number

    def need_number(self, name: str) -> Decimal:
        self.need(name)
        return self.number(name) or r.ZERO

    def time(self, name: str) -> datetime | None:
        return self.clock.parse(self.value(name))

    def flag(self, name: str) -> bool | None:
        """None where it says neither yes nor no."""
        value = self.value(name)
        if value is None or isinstance(value, bool):
            return value
        text = str(value).strip().lower() if isinstance(value, str | int | Decimal) else "?"
        return True if text in TRUE else False if text in FALSE else None

    def raw(self) -> Row:
        return self.row if isinstance(self.row, Mapping) else {"value": self.row}


def parse_result(reader: Reader, cancelled: frozenset[str]) -> r.CommandResult:
    """What a create, a change or a search found. `lines` is their number, or the list of them, which XML makes the one
    line itself where there is one."""
    lines = reader.value("lines")
    state = r.DocumentState.CANCELLED if is_cancelled(reader, cancelled) else r.DocumentState.OPEN
    return r.CommandResult(
        external_id=reader.need("id"),
        number=reader.text("number"),
        total=reader.number("total"),
        line_count=len(_as_list(lines))
        if isinstance(lines, list | Mapping)
        else int(reader.number("lines") or 0) or None,
        currency=reader.text("currency"),
        state=state,
        raw=reader.raw(),
    )


def is_cancelled(reader: Reader, words: frozenset[str]) -> bool:
    """Their flag, or a word of theirs in it or in `status`."""
    said = reader.value("cancelled")
    if isinstance(said, bool):
        return said
    texts = {str(value).strip().lower() for value in (said, reader.value("status")) if value is not None}
    return bool(texts & words) or (said is not None and bool(reader.flag("cancelled")))


def parse_product(reader: Reader, currency: str) -> r.ProductRecord:
    """An item is a product of one article; a matrix is bound combination by combination."""
    number, name = reader.need("id"), reader.need("name")
    active, price = reader.flag("active"), reader.number("price")
    image, category = reader.text("image"), reader.text("category")
    article = r.VariantRecord(
        external_id=number, sku=reader.text("sku"), barcode=reader.text("barcode"), name=name, price=price,
        image_url=image, unit=reader.text("unit") or None,
    )  # fmt: skip
    return r.ProductRecord(
        external_id=number,
        code=reader.text("code") or article.sku,
        name=name,
        description=reader.text("description"),
        status=r.ProductStatus.ARCHIVED if active is False else r.ProductStatus.ACTIVE,
        brand=reader.text("brand"),
        categories=(category,) if category else (),
        image_urls=(image,) if image else (),
        variants=(article,),
        currency=reader.text("currency") or currency,
        updated_at=reader.time("updated_at"),
        deleted=reader.flag("deleted") is True,
        raw=reader.raw(),
    )


def parse_stock(reader: Reader) -> r.StockRow:
    return r.StockRow(reader.need("id"), reader.text("location"), reader.need_number("quantity"))


def parse_price(reader: Reader, currency: str) -> r.PriceRow:
    least = reader.number("min_quantity")
    return r.PriceRow(
        reader.need("id"),
        reader.text("list"),
        reader.need_number("amount"),
        _currency(reader, currency),
        Decimal(1) if least is None else least,
    )


def parse_order(reader: Reader, currency: str, cancelled: frozenset[str]) -> r.OrderRecord:
    """As far as a list of orders tells; a status without a total is read for the status."""
    updated = reader.time("updated_at") or reader.time("placed_at") or NEVER
    gone = is_cancelled(reader, cancelled)
    return r.OrderRecord(
        external_id=reader.need("id"),
        number=reader.text("number") or reader.need("id"),
        currency=reader.text("currency") or currency,
        total=reader.number("total") or r.ZERO,
        placed_at=reader.time("placed_at") or updated,
        updated_at=updated,
        status_text=reader.text("status"),
        cancelled=gone,
        fulfilment=r.FulfilmentStatus.CANCELLED if gone else r.FulfilmentStatus.UNKNOWN,
        raw=reader.raw(),
    )


def parse_shipment(reader: Reader) -> r.ShipmentRecord:
    """`lines` is the list of what left; of each, `line_item` is the article's id and `line_quantity` how many."""
    lines = [Reader(row, reader.paths, reader.clock) for row in _as_list(reader.value("lines"))]
    return r.ShipmentRecord(
        external_id=reader.need("id"),
        order_external_id=reader.need("order"),
        number=reader.text("number"),
        state=r.DocumentState.DONE,
        carrier=reader.text("carrier"),
        tracking_number=reader.text("tracking_number"),
        tracking_url=reader.text("tracking_url"),
        shipped_at=reader.time("shipped_at"),
        updated_at=reader.time("updated_at"),
        lines=tuple(
            r.DocumentLineRecord(variant_external_id=line.need("line_item"), quantity=line.need_number("line_quantity"))
            for line in lines
        ),
        raw=reader.raw(),
    )


def parse_invoice(reader: Reader, currency: str) -> r.InvoiceRecord:
    return r.InvoiceRecord(
        external_id=reader.need("id"),
        order_external_id=reader.need("order"),
        number=reader.text("number"),
        credit=reader.flag("credit") is True,
        state=r.DocumentState.OPEN,
        currency=reader.text("currency") or currency,
        total=abs(reader.number("total") or r.ZERO),
        open_amount=abs(reader.number("open") or r.ZERO),
        issued_at=reader.time("issued_at"),
        due_at=reader.time("due_at"),
        updated_at=reader.time("updated_at"),
        raw=reader.raw(),
    )


def parse_account(reader: Reader, customer: str, currency: str) -> r.AccountRecord:
    return r.AccountRecord(
        customer_external_id=customer,
        currency=_currency(reader, currency),
        balance=reader.need_number("balance"),
        credit_limit=reader.number("credit_limit"),
        terms=reader.text("terms"),
    )


LEDGER_KINDS = frozenset({"invoice", "credit_note", "payment"})


def parse_ledger_row(reader: Reader, currency: str) -> r.LedgerRow:
    """`debit` and `credit`, or one signed `amount`: what the customer owes more is a debit."""
    amount = reader.number("amount")
    if amount is None:
        amount = (reader.number("debit") or r.ZERO) - (reader.number("credit") or r.ZERO)
    at = reader.time("at")
    if at is None:
        raise PayloadInvalid(f"at is {reader.text('at')!r}, no time.", field="at")
    kind = reader.text("kind").lower().replace(" ", "_")
    return r.LedgerRow(
        external_id=reader.need("id"),
        kind=kind if kind in LEDGER_KINDS else "other",
        number=reader.text("number"),
        at=at,
        currency=_currency(reader, currency),
        debit=max(amount, r.ZERO),
        credit=max(-amount, r.ZERO),
        open_amount=abs(reader.number("open") or r.ZERO),
    )


def parse_quotes(readers: Sequence[Reader], lines: Sequence[r.QuoteLine], currency: str) -> list[r.QuotedPrice]:
    """A price for each line asked, by the article's id where the answer names it, else in the order asked."""
    named = all(reader.paths.get("id") for reader in readers)
    by_id = {reader.need("id"): reader for reader in readers} if named else {}
    if not named and len(readers) != len(lines):
        raise PayloadInvalid(f"{len(lines)} prices were asked for and {len(readers)} came.", field="unit_price")
    found = []
    for place, line in enumerate(lines):
        reader = by_id.get(line.variant_external_id) if named else readers[place]
        if reader is None:
            raise PayloadInvalid(f"There is no price of {line.variant_external_id} in the answer.", field="id")
        price = reader.need_number("unit_price")
        found.append(
            r.QuotedPrice(
                variant_external_id=line.variant_external_id, quantity=line.quantity, unit_price=price,
                currency=_currency(reader, currency),
            )
        )  # fmt: skip
    return found


def _currency(reader: Reader, currency: str) -> str:
    if not (found := reader.text("currency") or currency):
        raise PayloadInvalid("There is no currency: type the connection's in its settings.", field="currency")
    return found


def parse_rows(
    rows: Sequence[Any], paths: Mapping[str, str], clock: Clock, parse: Callable[[Reader], T]
) -> tuple[list[T], list[r.FailedRecord]]:
    """The records, and the rows that are none."""
    records: list[T] = []
    failed: list[r.FailedRecord] = []
    for row in rows:
        reader = Reader(row, paths, clock)
        try:
            records.append(parse(reader))
        except PayloadInvalid as error:
            failed.append(r.FailedRecord(external_id=_name(reader), error=error.message, raw=reader.raw()))
    return records, failed


def _name(reader: Reader) -> str:
    try:
        return reader.text("id")
    except PayloadInvalid:
        return ""
