"""What the simulated Shopify shop holds: rows by type, their numbers, and what happened since it was last told.

judgement: the shop sells in pounds, offers euros and dollars beside, has two locations and lies at UTC+4, so that
mistaking local moments for UTC is noticed.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from integrations.simulators.shopify.records import Record, UserError, make_gid, parse_gid, stamp

CURRENCY = "GBP"
RATES = {"GBP": "1", "EUR": "1.15", "USD": "1.25"}
DOMAIN = "simulated.myshopify.com"
UTC_OFFSET = "+04:00"
FIRST_ORDER = 1001
_ADDRESS = {
    "address1": "1 Market Street", "address2": None, "city": "London", "country": "United Kingdom", "countryCode": "GB",
    "phone": None, "province": "England", "provinceCode": "ENG", "zip": "EC1A 1AA",
}  # fmt: skip


class Shop:
    """`rows[type][number]` is a record. `events` collects (topic, gid) until the simulator turns them into webhooks."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.rows: dict[str, dict[int, Record]] = defaultdict(dict)
        self.counters: dict[str, int] = {}
        self.keys: dict[str, Record] = {}  # idempotency keys
        self.tokens: dict[str, float] = {}  # access tokens of the client credentials grant → when they end
        self.files: dict[str, str] = {}  # downloads and staged uploads
        self.skus: dict[str, list[str]] = {}  # SKU → variants, in the order of their making
        self.emails: dict[str, str] = {}  # where a customer was last found
        self.events: list[tuple[str, str]] = []
        self.profile: Record = {"name": "Simulated shop", "currency": CURRENCY, "taxesIncluded": False}
        for name in ("High Street", "Warehouse"):
            self.add("Location", {"name": name, "isActive": True, "address": dict(_ADDRESS)})
        self.add("Collection", {
            "title": "Home page", "handle": "frontpage", "descriptionHtml": "", "sortOrder": "BEST_SELLING",
            "templateSuffix": None, "publishedAt": None, "seo": {"title": None, "description": None},
        })  # fmt: skip

    # rows -----------------------------------------------------------------------------------------------------------
    @property
    def currency(self) -> str:
        return str(self.profile["currency"])

    def now(self) -> datetime:
        return datetime.now(UTC)

    def next_number(self, kind: str) -> int:
        start = 1000 if kind == "Location" else 1_000_000 + 7919 * (sum(map(ord, kind)) % 97)
        self.counters[kind] = self.counters.get(kind, start) + 1
        return self.counters[kind]

    def add(self, kind: str, values: Record) -> Record:
        """A new row with its id and moments."""
        number, now = self.next_number(kind), stamp(self.now())
        record = {"id": make_gid(kind, number), "createdAt": now, "updatedAt": now, "_touched": time.time(), **values}
        self.rows[kind][number] = record
        return record

    def find(self, gid: Any, kind: str | None = None) -> Record | None:
        """The record with this id; None where there is none, or it is of another kind."""
        parsed = parse_gid(str(gid))
        if parsed is None or (kind is not None and parsed[0] != kind):
            return None
        return self.rows[parsed[0]].get(parsed[1]) if parsed[0] in self.rows else None

    def need(self, gid: Any, kind: str, field: list[str], code: str = "NOT_FOUND", message: str = "") -> Record:
        record = self.find(gid, kind)
        if record is None:
            raise UserError(message or f"{kind} does not exist", field, code)
        return record

    def get(self, gid: str) -> Record:
        """The record of an id the shop itself keeps."""
        record = self.find(gid)
        if record is None:
            raise KeyError(gid)
        return record

    def many(self, gids: list[str]) -> list[Record]:
        return [record for gid in gids if (record := self.find(gid)) is not None]

    def all(self, kind: str) -> Iterator[Record]:
        return iter(self.rows[kind].values())

    def remove(self, record: Record) -> None:
        parsed = parse_gid(record["id"])
        if parsed is not None:
            self.rows[parsed[0]].pop(parsed[1], None)

    def touch(self, record: Record, *topics: str) -> None:
        """It changed: its moment moves, and whoever subscribed to the topics hears of it."""
        record["updatedAt"], record["_touched"] = stamp(self.now()), time.time()
        self.emit(record["id"], *topics)

    def emit(self, gid: str, *topics: str) -> None:
        for topic in topics:
            if (topic, gid) not in self.events:
                self.events.append((topic, gid))

    # locations and articles -----------------------------------------------------------------------------------------
    @property
    def primary_location(self) -> Record:
        return next(row for row in self.all("Location") if row["isActive"])

    def variants_of_sku(self, sku: str) -> list[Record]:
        return self.many(self.skus.get(sku.casefold(), []))

    def index_sku(self, variant: Record, old: str | None = None) -> None:
        """documented: two variants may have one SKU (InventoryItem.duplicateSkuCount)."""
        if old:
            known = self.skus.get(old.casefold(), [])
            if variant["id"] in known:
                known.remove(variant["id"])
        if variant["sku"]:
            self.skus.setdefault(variant["sku"].casefold(), []).append(variant["id"])

    # state ----------------------------------------------------------------------------------------------------------
    PLAIN = ("counters", "keys", "tokens", "files", "skus", "profile")

    def dump(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.PLAIN}
        return plain | {"rows": {kind: [[n, row] for n, row in rows.items()] for kind, rows in self.rows.items()}}

    def load(self, saved: dict[str, Any]) -> None:
        for name in self.PLAIN:
            setattr(self, name, saved[name])
        self.rows = defaultdict(dict, {kind: dict(rows) for kind, rows in saved["rows"].items()})
