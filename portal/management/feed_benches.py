"""What a feed of a million rows costs, against the least that could do the same, in a database of its own.

Wall time depends on who else uses the machine; CPU is that of this process and of its database backend.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import CommandError
from django.db import connection as database
from django.utils import timezone

from catalog.models import AllocationRule, Feed, StockRecord, Variant
from catalog.services import feed_files, feeds
from catalog.services.stock_feeds import StockFeed
from catalog.services.wanted import write_wanted_of_shop
from integrations.models import Connection, Flow, SyncRun
from integrations.sync.execute import execute
from portal.management.costs import Cost, measured, own_database, wal_position
from portal.tenancy.models import Location, Merchant

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
RESERVED = 1_000
CATEGORIES = ("Toys", "Mugs", "Books", "Games")
BATCH = 5_000
MEGABYTE = 1 << 20
COPY = "COPY alone FROM STDIN"
FILL = (
    """INSERT INTO catalog_product (id, public_id, merchant_id, code, name, description, status, brand, categories,
      image_urls, attributes, created_at, updated_at)
    WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < %(rows)s)
    SELECT n, substr(CAST(1000000000 + n AS text), 2), %(merchant)s, CAST(n AS text), 'Article', '', 'active', '',
      CASE n %% 4 WHEN 0 THEN '["Toys"]' WHEN 1 THEN '["Mugs"]' WHEN 2 THEN '["Books"]' ELSE '["Games"]' END{json},
      '[]', '[]', %(at)s, %(at)s FROM series""",
    """INSERT INTO catalog_variant (id, public_id, merchant_id, product_id, code, barcode, name, option_key, position,
      is_active, created_at, updated_at)
    SELECT id, public_id, merchant_id, id, 'SKU-' || public_id, '', '', '', 0, true, created_at, updated_at
    FROM catalog_product""",
    """INSERT INTO catalog_binding (merchant_id, connection_id, variant_id, external_id, parent_external_id,
      reference_code, barcode, title, options, factor, state, reason, score, created_at, updated_at)
    SELECT merchant_id, %(shop)s, id, CAST(id AS text), '', '', '', '', '[]', 1000, 'bound', '', 0, created_at,
      updated_at
    FROM catalog_variant""",
    """INSERT INTO catalog_stockrecord (merchant_id, connection_id, location_id, variant_id, quantity, basis, read_at)
    SELECT merchant_id, %(erp)s, %(place)s, id, (id %% 500 + 10) * 1000, 'on_hand', created_at FROM catalog_variant""",
    """INSERT INTO catalog_reservation (merchant_id, subject_type, subject_id, variant_id, quantity, created_at)
    SELECT merchant_id, 'order', id, id, 1000, created_at FROM catalog_variant WHERE id <= %(reserved)s""",
)
SAME_STOCK = """CREATE TEMP TABLE same_stock AS SELECT s.id, s.quantity + 7000 AS quantity
  FROM catalog_stockrecord s JOIN catalog_variant v ON v.id = s.variant_id
  WHERE v.id / 4 %% %s = 0 ORDER BY s.id"""
SAME_SHOWN = """CREATE TEMP TABLE same_shown AS SELECT h.id, h.wanted + 7000 AS wanted FROM catalog_channelstock h
  WHERE h.wanted_at = (SELECT max(wanted_at) FROM catalog_channelstock) ORDER BY h.id"""


def _run(statement: str, *params: Any) -> None:
    with database.cursor() as cursor:
        cursor.execute(statement, params or None)


class Shelf:
    """A merchant with so many articles, a back office, and two shops that sell all of them."""

    def __init__(self, rows: int, folder: Path) -> None:
        self.rows, self.folder, self.round = rows, folder, 0
        merchant = Merchant.objects.create(name="Bench", slug="bench")
        self.place = Location(merchant=merchant, code="MAIN", name="Main")
        self.place.save()
        self.erp = self._connect(merchant, "ERP", "odoo", "back_office")
        self.shops = [self._connect(merchant, f"Shop {n}", "woocommerce", "store") for n in (1, 2)]
        self._fill(merchant)
        for shop in self.shops:
            Flow(merchant=merchant, connection=shop, stream="stock", direction="push").save()
            AllocationRule(merchant=merchant, connection=shop, buffer=Decimal(2)).save()
            for share, category in enumerate(CATEGORIES[:-1], 1):
                AllocationRule(
                    merchant=merchant, connection=shop, category=category, share=share * 25, buffer=Decimal(1)
                ).save()
            write_wanted_of_shop(merchant_id=merchant.pk, connection_id=shop.pk, at=AT)
        self.tidy()

    def _connect(self, merchant: Merchant, name: str, platform: str, role: str) -> Connection:
        row = Connection(merchant=merchant, name=name, platform=platform, role=role, location=self.place,
                         order_prefix=name[-1], state=Connection.State.ACTIVE)  # fmt: skip
        row.save()
        return row

    def _fill(self, merchant: Merchant) -> None:
        """Rows of everything, by the database itself: the same statements on both."""
        values: dict[str, Any] = {
            "rows": self.rows, "merchant": merchant.pk, "erp": self.erp.pk, "place": self.place.pk,
            "shops": [shop.pk for shop in self.shops], "at": database.ops.adapt_datetimefield_value(AT),
            "reserved": RESERVED,
        }  # fmt: skip
        with database.cursor() as cursor:
            for template in FILL:
                statement = template.format(json="::jsonb" if database.vendor == "postgresql" else "")
                for shop in values["shops"] if "%(shop)s" in statement else [0]:
                    cursor.execute(statement, {**values, "shop": shop})

    def tidy(self) -> None:
        """As the database does by itself when it has time."""
        if database.vendor == "postgresql":
            for table in ("stockrecord", "channelstock", "binding", "variant", "product", "reservation"):
                _run(f"VACUUM (ANALYZE) catalog_{table}")
            _run("CHECKPOINT")
        else:
            _run("ANALYZE")

    def quantity(self, number: int, every: int) -> int:
        """Each round changes one of `every` rows, of every category, by so much that each shop shows another figure."""
        return number % 500 + 10 + (8 * self.round if number // 4 % every == 0 else 0)

    def write_file(self, every: int, rows: int = 0) -> Path:
        self.round += 1
        path = self.folder / f"feed-{self.round}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("sku", "quantity"))
            writer.writerows((f"SKU-{n:09}", self.quantity(n, every)) for n in range(1, (rows or self.rows) + 1))
        return path

    def receive(self, path: Path) -> Feed:
        with path.open("rb") as file:
            chunks = iter(lambda: file.read(MEGABYTE), b"")
            feed = feed_files.receive(
                connection=self.erp, stream="stock", filename=path.name, chunks=chunks, at=timezone.now()
            )
        feeds.set_columns(
            feed=feed,
            columns={"article": "sku", "quantity": "quantity"},
            identify="code",
            decimal_comma=False,
            mode="partial",
            remember=False,
        )
        return feed

    def take_over(self, path: Path, costs: list[Cost]) -> SyncRun:
        """What production does from the run on; receiving and checking are not measured."""
        feed = self.receive(path)
        Feed.plain.filter(pk=feed.pk).update(state="checked", report={"duplicates": 0, "failed": 0, "brake": ""})
        run = feeds.queue(feed=feed, at=timezone.now())
        self.tidy()
        with measured(costs):
            state = execute(run.pk)
        run.refresh_from_db()
        if state != "done" or run.seen != self.rows:
            raise CommandError(f"The feed ended {state}: {run.message}")
        return run


def bench_feed_1m(rows: int, runs: int) -> dict[str, Any]:
    """PostgreSQL: parse, validate, stage, compare, write, derive, as ratios."""
    if database.vendor != "postgresql":
        raise CommandError("feed_1m is measured on PostgreSQL: set DATABASE_URL to one.", returncode=2)
    with own_database(), TemporaryDirectory() as folder:
        shelf = Shelf(rows, Path(folder))
        copied, one, ten, bulk = list[Cost](), list[Cost](), list[Cost](), list[Cost]()
        for _ in range(runs):
            path = shelf.write_file(100)
            _copy_alone(shelf, path, copied)
            changed = shelf.take_over(path, one).updated
        reference = _write_same(shelf, 100)
        shelf.take_over(shelf.write_file(10), ten)
        memory = [_stage_alone(shelf, factor * rows) for factor in (1, 5)]
        _bulk_create(shelf, 10, bulk)
        ratio, cpu_ratio = _ratio(one, copied)
        faster, cpu_faster = _ratio(bulk, ten)
        return {
            "name": "feed_1m", "rows": rows, "changed": changed, "runs": runs,
            "ratio": ratio, "cpu_ratio": cpu_ratio, "goal": 7, "least": 12,
            "copy_alone": _tell(copied), "feed_1_percent": _tell(one), "feed_10_percent": _tell(ten),
            "bulk_create": _tell(bulk), "faster_at_10_percent": faster, "cpu_faster_at_10_percent": cpu_faster,
            "faster_goal": 13, "wal": median(cost.wal for cost in one), "wal_reference": reference,
            "wal_ratio": round(median(cost.wal for cost in one) / reference, 3), "wal_goal": 1.1,
            "peak_mb": memory, "extra_mb": round(memory[1] - memory[0], 1), "extra_goal": 25,
            "met": ratio <= 7 and faster >= 13,
        }  # fmt: skip


def bench_feed_sqlite(rows: int, runs: int) -> dict[str, Any]:
    """SQLite: the same work against bulk_create of the same rows."""
    if database.vendor != "sqlite":
        raise CommandError("feed_sqlite is measured on SQLite: unset DATABASE_URL.", returncode=2)
    with own_database(), TemporaryDirectory() as folder:
        shelf, ten, bulk = Shelf(rows, Path(folder)), list[Cost](), list[Cost]()
        for _ in range(runs):
            changed = shelf.take_over(shelf.write_file(10), ten).updated
            _bulk_create(shelf, 10, bulk)
        faster, cpu_faster = _ratio(bulk, ten)
        return {
            "name": "feed_sqlite", "rows": rows, "changed": changed, "runs": runs, "feed": _tell(ten),
            "bulk_create": _tell(bulk), "faster": faster, "cpu_faster": cpu_faster, "goal": 8, "met": faster >= 8,
        }  # fmt: skip


def _copy_alone(shelf: Shelf, path: Path, costs: list[Cost]) -> None:
    """The same rows into the same table, ready for COPY as they lie on the disk."""
    ready = path.with_suffix(".copy")
    with path.open() as file, ready.open("w") as out:
        lines = islice(file, 1, None)
        for number, line in enumerate(lines, 2):
            code, _, quantity = line.strip().partition(",")
            out.write(f"{number}\t{code}\t{shelf.place.pk}\t{quantity}000\n")
    _run("CREATE TEMP TABLE alone (line bigint, article text, place bigint, quantity bigint)")
    with measured(costs), ready.open("rb") as file, database.cursor() as cursor, cursor.copy(COPY) as copy:
        while block := file.read(128 << 10):
            copy.write(block)
    _run("DROP TABLE alone")


def _write_same(shelf: Shelf, every: int) -> int:
    """Bytes of log of two UPDATEs that write the rows the feed has just written, their differences known before."""
    _run(SAME_STOCK, every)
    _run(SAME_SHOWN)
    _run("ANALYZE same_stock")
    _run("ANALYZE same_shown")
    shelf.tidy()
    before = wal_position()
    later = timezone.now() + timedelta(seconds=1)
    _run("UPDATE catalog_stockrecord SET quantity = d.quantity, read_at = %s FROM same_stock d"
         " WHERE d.id = catalog_stockrecord.id", later)  # fmt: skip
    _run("UPDATE catalog_channelstock SET wanted = d.wanted, wanted_at = %s FROM same_shown d"
         " WHERE d.id = catalog_channelstock.id", later)  # fmt: skip
    return wal_position() - before


def _stage_alone(shelf: Shelf, rows: int) -> float:
    """Peak memory of this process while so many rows are read and staged, in MB; 0 where the system does not say."""
    feed = shelf.receive(shelf.write_file(10, rows))
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return 0.0
    with StockFeed(feed).staged():
        pass
    lines = Path("/proc/self/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024, 1)


def _bulk_create(shelf: Shelf, every: int, costs: list[Cost]) -> None:
    """The same rows by Django's upsert, their keys read beforehand."""
    shelf.round += 1
    keys = dict(Variant.plain.values_list("code", "pk"))
    numbers = iter(range(1, shelf.rows + 1))
    shelf.tidy()
    with measured(costs):
        while block := list(islice(numbers, BATCH)):
            StockRecord.plain.bulk_create(
                [
                    StockRecord(merchant_id=shelf.erp.merchant_id, connection_id=shelf.erp.pk, location=shelf.place,
                                variant_id=keys[f"SKU-{n:09}"], quantity=Decimal(shelf.quantity(n, every)),
                                basis="on_hand", read_at=AT)
                    for n in block
                ],
                update_conflicts=True,
                unique_fields=["merchant", "variant", "location", "connection"],
                update_fields=["quantity", "read_at"],
            )  # fmt: skip


def _ratio(subject: list[Cost], floor: list[Cost]) -> tuple[float, float]:
    wall = median(cost.wall for cost in subject) / median(cost.wall for cost in floor)
    cpu = median(cost.cpu for cost in subject) / (median(cost.cpu for cost in floor) or 1e-9)
    return round(wall, 2), round(cpu, 2)


def _tell(costs: list[Cost]) -> dict[str, float]:
    return {
        "wall": round(median(cost.wall for cost in costs), 3),
        "cpu": round(median(cost.cpu for cost in costs), 3),
    }


FEED_BENCHES = {"feed_1m": (bench_feed_1m, 1_000_000), "feed_sqlite": (bench_feed_sqlite, 100_000)}
