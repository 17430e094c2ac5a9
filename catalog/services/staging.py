"""A feed's rows in temporary tables: copied in, compared by join, written where they differ.

The same SQL on PostgreSQL and SQLite; only how rows get in differs (services.loading). Nothing is asked for by key from
Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection as database

from catalog.models import Identify
from catalog.services.wanted import in_key_order, write_wanted_of_many
from integrations.models import Connection

WORK_MEMORY = "48MB"  # of the database's backend, for the joins of a million rows

# Which variant a row is about, and how many base units it says there are: line, article, place, variant_id, quantity.
KNOWN = {
    Identify.CODE: """
      SELECT f.line, f.article, f.place, v.id AS variant_id, f.quantity FROM feed_rows f
      LEFT JOIN catalog_variant v ON v.merchant_id = %(merchant)s AND v.code = f.article""",
    # Several of the back office's articles may be one variant (piece and crate): they are added up.
    Identify.EXTERNAL_ID: """
      SELECT MIN(f.line) AS line, MIN(f.article) AS article, f.place, b.variant_id,
        CAST(SUM(f.quantity / 1000 * COALESCE(b.factor, 1000) + f.quantity %% 1000 * COALESCE(b.factor, 1000) / 1000)
          AS BIGINT) AS quantity
      FROM feed_rows f
      LEFT JOIN catalog_binding b ON b.merchant_id = %(merchant)s AND b.connection_id = %(connection)s
        AND b.external_id = f.article AND b.state = 'bound'
      GROUP BY f.place, b.variant_id, CASE WHEN b.variant_id IS NULL THEN f.line END""",
    # A barcode that several variants carry names none of them.
    Identify.BARCODE: """
      SELECT f.line, f.article, f.place, v.id AS variant_id, f.quantity FROM feed_rows f
      LEFT JOIN (SELECT barcode, MIN(id) AS id FROM catalog_variant
        WHERE merchant_id = %(merchant)s AND barcode <> '' GROUP BY barcode HAVING COUNT(*) = 1) v
        ON v.barcode = f.article""",
}
# Rows that nobody knows, that are new, or that differ from a figure not newer than the file.
_CHANGES = """
CREATE TEMP TABLE feed_changes AS
SELECT k.line, k.article, k.place, k.variant_id, k.quantity, s.id AS stock_id, s.quantity AS before
FROM ({known}) k
LEFT JOIN catalog_stockrecord s ON s.merchant_id = %(merchant)s AND s.variant_id = k.variant_id
  AND s.location_id = k.place AND s.connection_id = %(connection)s
WHERE k.variant_id IS NULL OR s.id IS NULL OR (s.quantity <> k.quantity AND s.read_at <= %(read_at)s)
ORDER BY s.id"""
_KNOWN = """
CREATE TEMP TABLE feed_known AS SELECT k.variant_id, k.place FROM ({known}) k WHERE k.variant_id IS NOT NULL"""
_NOT_ASCENDING = {
    "postgresql": """SELECT 1 FROM (SELECT article, LAG(article) OVER () AS before FROM feed_rows) f
      WHERE article COLLATE "C" <= before LIMIT 1""",
    # A window would copy all of them; the row before is found by its number.
    "sqlite": """SELECT 1 FROM feed_rows f CROSS JOIN feed_rows before
      WHERE before.number = f.number - 1 AND f.article <= before.article LIMIT 1""",
}
_LEFT_OUT = """
INSERT INTO feed_changes (line, article, place, variant_id, quantity, stock_id, before)
SELECT 0, '', s.location_id, s.variant_id, 0, s.id, s.quantity FROM catalog_stockrecord s
WHERE s.merchant_id = %(merchant)s AND s.connection_id = %(connection)s AND s.quantity <> 0
  AND s.read_at <= %(read_at)s AND s.location_id IN (SELECT place FROM feed_rows)
  AND NOT EXISTS (SELECT 1 FROM feed_known k WHERE k.variant_id = s.variant_id AND k.place = s.location_id)
ORDER BY s.id"""
_UPDATE = """
UPDATE catalog_stockrecord SET quantity = c.quantity, read_at = %(read_at)s
FROM feed_changes c WHERE c.stock_id = catalog_stockrecord.id"""
_INSERT = """
INSERT INTO catalog_stockrecord (merchant_id, connection_id, location_id, variant_id, quantity, basis, read_at)
SELECT %(merchant)s, %(connection)s, place, variant_id, quantity, %(basis)s, %(read_at)s FROM feed_changes
WHERE stock_id IS NULL AND variant_id IS NOT NULL ORDER BY variant_id, place
ON CONFLICT (merchant_id, variant_id, location_id, connection_id)
  DO UPDATE SET quantity = excluded.quantity, read_at = excluded.read_at"""
# Promises the file has already counted: the back office took them over before.
_SETTLED = """
SELECT 1 FROM catalog_reservation WHERE merchant_id = %(merchant)s AND settled_at < %(read_at)s AND ended_at IS NULL
LIMIT 1"""
_ENDED = """
INSERT INTO feed_ended SELECT o.id, o.variant_id FROM catalog_reservation o
WHERE o.merchant_id = %(merchant)s AND o.settled_at < %(read_at)s AND o.ended_at IS NULL
  AND o.variant_id IN (SELECT k.variant_id FROM ({known}) k UNION ALL SELECT c.variant_id FROM feed_changes c)"""
_TOUCHED = """
CREATE TEMP TABLE feed_touched AS
SELECT variant_id FROM feed_changes WHERE variant_id IS NOT NULL UNION SELECT variant_id FROM feed_ended"""
_LOCK = """
SELECT COUNT(*) FROM (SELECT s.id FROM catalog_stockrecord s JOIN feed_touched t ON t.variant_id = s.variant_id
  WHERE s.merchant_id = %(merchant)s ORDER BY s.id FOR NO KEY UPDATE OF s) locked"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What the rows staged would change. `zeroed` of `stocked`: figures that fall to zero, of those above it where the
    file speaks; `left_out`: those of them the file does not name."""

    created: int
    updated: int
    unknown: int
    zeroed: int
    stocked: int
    left_out: int


def list_duplicates(limit: int) -> list[tuple[str, int, int]]:
    """Articles that are there twice at the same location: (article, its first line, its last).

    In a file in the order of its codes none is: one look at each row and the one before, that ends where it is not.
    """
    if not _rows(_NOT_ASCENDING[database.vendor], {}):
        return []
    return _rows(
        """SELECT article, MIN(line), MAX(line) FROM feed_rows GROUP BY article, place HAVING COUNT(*) > 1
           ORDER BY MIN(line) LIMIT %(limit)s""",
        {"limit": limit},
    )


def list_unknown(limit: int) -> list[tuple[int, str]]:
    """The first rows nobody knows: (line, article)."""
    statement = "SELECT line, article FROM feed_changes WHERE variant_id IS NULL ORDER BY line LIMIT %(limit)s"
    return _rows(statement, {"limit": limit})


def compare(*, connection: Connection, identify: str, complete: bool, read_at: datetime) -> Changes:
    """What the rows staged would change; run in a transaction, as all that follows."""
    params = _params(connection, read_at)
    known = KNOWN[Identify(identify)]
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute(f"SET LOCAL work_mem = '{WORK_MEMORY}'; SET LOCAL jit = off")
        cursor.execute(_CHANGES.format(known=known), params)
        if complete:
            cursor.execute(_KNOWN.format(known=known), params)
            cursor.execute("CREATE INDEX feed_known_key ON feed_known (variant_id, place)")
            cursor.execute("ANALYZE feed_known")
            cursor.execute(_LEFT_OUT, params)
        cursor.execute("ANALYZE feed_changes")
    ((created, updated, unknown, zeroed, left_out),) = _rows(
        """SELECT COUNT(CASE WHEN variant_id IS NOT NULL AND stock_id IS NULL THEN 1 END),
             COUNT(CASE WHEN stock_id IS NOT NULL AND line > 0 THEN 1 END),
             COUNT(CASE WHEN variant_id IS NULL THEN 1 END),
             COUNT(CASE WHEN quantity = 0 AND before > 0 THEN 1 END),
             COUNT(CASE WHEN line = 0 THEN 1 END) FROM feed_changes""",
        {},
    )
    stocked = 0
    if complete:
        statement = """SELECT COUNT(*) FROM catalog_stockrecord WHERE merchant_id = %(merchant)s AND quantity > 0
          AND connection_id = %(connection)s AND location_id IN (SELECT place FROM feed_rows)"""
        stocked = _rows(statement, params)[0][0]
    return Changes(
        created=created,
        updated=updated,
        unknown=unknown,
        zeroed=zeroed,
        stocked=stocked,
        left_out=left_out,
    )


def write(*, connection: Connection, identify: str, basis: str, several: bool, read_at: datetime, at: datetime) -> int:
    """Write what differs, end the promises it counts, and derive the shops' figures; how many of those changed.

    `several`: a variant may have other rows than the file's, which are locked with them (services.stock.lock_stock).
    """
    params = {**_params(connection, read_at), "basis": basis, "at": database.ops.adapt_datetimefield_value(at)}
    with database.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE feed_ended (id bigint, variant_id bigint)")
        cursor.execute(_SETTLED, params)
        if cursor.fetchone():
            cursor.execute(_ENDED.format(known=KNOWN[Identify(identify)]), params)
        cursor.execute(_TOUCHED, params)
        cursor.execute("ANALYZE feed_touched")
        if several and database.features.has_select_for_update:
            cursor.execute(_LOCK, params)
        with in_key_order(cursor):
            cursor.execute(_UPDATE, params)
        cursor.execute(_INSERT, params)
        cursor.execute(
            "UPDATE catalog_reservation SET ended_at = %(at)s WHERE id IN (SELECT id FROM feed_ended)", params
        )
    return write_wanted_of_many(merchant_id=connection.merchant_id, table="feed_touched", at=at)


def _params(connection: Connection, read_at: datetime) -> dict[str, Any]:
    moment = database.ops.adapt_datetimefield_value(read_at)
    return {"merchant": connection.merchant_id, "connection": connection.pk, "read_at": moment}


def _rows(statement: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(statement, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
