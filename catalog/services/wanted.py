"""What each shop should show of each article, worked out in one statement from stock, promises and rules.

The statements are the same on PostgreSQL and SQLite (3.39 and later). Quantities in them are thousandths, as their
columns are; services.availability says the same in Python and in words, and a test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection as database

from catalog.models import AllocationRule

POSTGRES_LIST = "(SELECT unnest(%(ids)s::bigint[]) AS variant_id)"
SQLITE_LIST = "(SELECT value AS variant_id FROM json_each(%(ids)s))"
# The shop's rules for the categories of the product `p`; SQLite reads its list once and looks each up.
OF_CATEGORIES = {
    "postgresql": "catalog_allocationrule r WHERE jsonb_exists(p.categories, r.category)",
    "sqlite": "json_each(p.categories) own CROSS JOIN catalog_allocationrule r WHERE r.category = own.value",
}
# SQLite without statistics takes an index of two constants for better than that of the row at hand: a plus forbids it.
NOT_BY = {"postgresql": "", "sqlite": "+"}
# The rule of one of the product's categories, the oldest where there are several; else the shop's general one.
_RULE = """COALESCE(
      (SELECT MIN(r.id) FROM {of_categories}
        AND r.merchant_id = %(merchant)s AND r.connection_id = {shop} AND r.category <> ''),
      (SELECT r.id FROM catalog_allocationrule r
        WHERE r.merchant_id = %(merchant)s AND r.connection_id = {shop} AND r.category = ''))"""
# Articles of the shops that are sent stock, each with its rule: of a category of its product, else the general one.
# CROSS JOIN keeps the order on SQLite: from the few rows at hand to the many.
_TARGET = """
target AS (
  SELECT b.id AS binding_id, b.connection_id, b.variant_id, b.factor, {rule} AS rule_id
  FROM {variants} chosen
  CROSS JOIN catalog_binding b
  CROSS JOIN catalog_variant v
  CROSS JOIN catalog_product p
  WHERE b.variant_id = chosen.variant_id AND v.id = b.variant_id AND p.id = v.product_id
    AND {not_by}b.state = 'bound' AND {not_by}b.merchant_id = %(merchant)s AND ({only}) AND b.connection_id IN (
      SELECT f.connection_id FROM integrations_flow f JOIN integrations_connection c ON c.id = f.connection_id
      WHERE f.merchant_id = %(merchant)s AND f.stream = 'stock' AND f.direction = 'push' AND f.enabled
        AND c.role IN ('store', 'channel')))"""
# Variants as one shop sells them, mapped there or not, by the piece.
_PIECES = """
target AS (
  SELECT v.id AS binding_id, %(shop)s AS connection_id, v.id AS variant_id, 1000 AS factor, {rule} AS rule_id
  FROM {variants} chosen
  CROSS JOIN catalog_variant v
  CROSS JOIN catalog_product p
  WHERE v.id = chosen.variant_id AND v.merchant_id = %(merchant)s AND p.id = v.product_id)"""
# What comes in and goes out where the rule looks, at the rank of the location where the first one that has any counts;
# what is promised without a location goes out of whichever that is.
_MOVEMENT = """
movement AS (
  SELECT t.binding_id, t.connection_id, t.factor, t.rule_id, {rank} AS rank,
    CASE WHEN {counts} THEN m.quantity ELSE 0 END AS amount, 0 AS unplaced, 1 AS known
  FROM target t
  CROSS JOIN catalog_stockrecord m
  LEFT JOIN catalog_allocationrule r ON r.id = t.rule_id
  LEFT JOIN tenancy_locationgroupmember g ON g.group_id = r.group_id AND g.location_id = m.location_id
  WHERE m.merchant_id = %(merchant)s AND m.variant_id = t.variant_id
    AND (r.source_id IS NULL OR m.connection_id = r.source_id)
  UNION ALL
  SELECT t.binding_id, t.connection_id, t.factor, t.rule_id,
    CASE WHEN m.location_id IS NULL THEN 2147483647 ELSE {rank} END AS rank,
    CASE WHEN m.location_id IS NOT NULL AND {counts} THEN -m.quantity ELSE 0 END AS amount,
    CASE WHEN m.location_id IS NULL THEN m.quantity ELSE 0 END AS unplaced, 0 AS known
  FROM target t
  CROSS JOIN catalog_reservation m
  LEFT JOIN catalog_allocationrule r ON r.id = t.rule_id
  LEFT JOIN tenancy_locationgroupmember g ON g.group_id = r.group_id AND g.location_id = m.location_id
  WHERE m.variant_id = t.variant_id AND m.ended_at IS NULL AND ({promises}))"""
_RANK = "CASE WHEN r.pick = 'first' AND r.group_id IS NOT NULL THEN COALESCE(g.position, 2147483647) ELSE 0 END"
_COUNTS = """((r.location_id IS NULL AND r.group_id IS NULL) OR m.location_id = r.location_id
    OR g.location_id IS NOT NULL)"""
_PLACE = """
by_rank AS (
  SELECT binding_id, connection_id, factor, rule_id, rank, CAST(SUM(amount) AS BIGINT) AS amount,
    CAST(SUM(unplaced) AS BIGINT) AS unplaced, MAX(known) AS known
  FROM movement GROUP BY binding_id, connection_id, factor, rule_id, rank),
by_place AS (
  SELECT binding_id, connection_id, factor, rule_id, amount, MAX(known) OVER (PARTITION BY binding_id) AS known,
    CAST(SUM(unplaced) OVER (PARTITION BY binding_id) AS BIGINT) AS unplaced,
    ROW_NUMBER() OVER (PARTITION BY binding_id ORDER BY CASE WHEN amount > 0 THEN 0 ELSE 1 END, rank) AS place
  FROM by_rank)"""
# The same where no shop sells from the first location that has any: all locations count, none comes before another.
_TOGETHER = """
by_place AS (
  SELECT binding_id, connection_id, factor, rule_id, CAST(SUM(amount) AS BIGINT) AS amount, MAX(known) AS known,
    CAST(SUM(unplaced) AS BIGINT) AS unplaced, 1 AS place
  FROM movement GROUP BY binding_id, connection_id, factor, rule_id)"""
# x * share / 100 in two parts, so that no large figure overflows on the way.
_WANTED = """
available AS (
  SELECT a.binding_id, a.connection_id, a.factor, a.amount - a.unplaced AS amount, COALESCE(r.buffer, 0) AS buffer,
    COALESCE(r.stop_below, 0) AS stop_below, COALESCE(r.share, 100) AS share, r.maximum
  FROM by_place a LEFT JOIN catalog_allocationrule r ON r.id = a.rule_id
  WHERE a.place = 1 AND a.known = 1),
sellable AS (
  SELECT binding_id, connection_id, factor, share, maximum,
    CASE WHEN amount < stop_below OR amount < buffer THEN 0 ELSE amount - buffer END AS amount
  FROM available),
shared AS (
  SELECT binding_id, connection_id, factor, maximum, amount / 100 * share + amount %% 100 * share / 100 AS amount
  FROM sellable),
limited AS (
  SELECT binding_id, connection_id, factor, CASE WHEN maximum < amount THEN maximum ELSE amount END AS amount
  FROM shared),
wanted AS (SELECT binding_id, connection_id, amount / factor * 1000 AS quantity FROM limited)"""
# The rows that differ from what is kept, those kept in the order of their keys: all writers lock in that order.
_CHANGED = """
SELECT h.id, w.connection_id, w.binding_id, w.quantity
FROM wanted w
LEFT JOIN catalog_channelstock h ON h.merchant_id = %(merchant)s AND h.connection_id = w.connection_id
  AND h.binding_id = w.binding_id AND h.slot = ''
WHERE h.id IS NULL OR h.wanted <> w.quantity
ORDER BY h.id NULLS LAST, w.binding_id"""
_SELLABLE = "\nSELECT binding_id, amount FROM limited"
_UPSERT = """
INSERT INTO catalog_channelstock (merchant_id, connection_id, binding_id, slot, wanted, wanted_at, message)
{derivation}
SELECT %(merchant)s, x.connection_id, x.binding_id, '', x.quantity, %(at)s, '' FROM ({changed}) x WHERE true
ON CONFLICT (merchant_id, connection_id, binding_id, slot)
  DO UPDATE SET wanted = excluded.wanted, wanted_at = excluded.wanted_at"""


def build_derivation(variants: str, only: str = "true", *, ranked: bool = True) -> str:
    """The WITH of everything above, for the variants of this table or query (a column `variant_id`, each once), and
    `only` those bindings `b`. `ranked`: some shop may sell from the first location that has any."""
    target = _TARGET.format(variants=variants, only=only, not_by=NOT_BY[database.vendor], rule=_rule("b.connection_id"))
    return _derive(target, ranked=ranked)


def _derive(target: str, promises: str = "true", *, ranked: bool = True) -> str:
    movement = _MOVEMENT.format(rank=_RANK if ranked else "0", counts=_COUNTS, promises=promises)
    return f"WITH {target},{movement},{_PLACE if ranked else _TOGETHER},{_WANTED}"


def _rule(shop: str) -> str:
    return _RULE.format(shop=shop, of_categories=OF_CATEGORIES[database.vendor])


def read_sellable(
    *, merchant_id: int, connection_id: int, variant_ids: Sequence[int], but_for: tuple[str, int] = ("", 0)
) -> dict[int, int]:
    """variant id → what this shop may sell of it, in thousandths of the base unit, for those whose stock is known:
    what it should show, before that is counted in its articles. What was promised to the subject `but_for` counts as
    there."""
    variants, ids = _list_of(variant_ids)
    target = _PIECES.format(variants=variants, rule=_rule("%(shop)s"))
    derivation = _derive(target, "NOT (m.subject_type = %(subject)s AND m.subject_id = %(subject_id)s)")
    params = {"merchant": merchant_id, "shop": connection_id, "ids": ids}
    with database.cursor() as cursor:
        cursor.execute(
            f"{derivation}{_SELLABLE}",
            {**params, "subject": but_for[0], "subject_id": but_for[1]},
        )
        return dict(cursor.fetchall())


def write_wanted(*, merchant_id: int, variant_ids: Sequence[int], at: datetime) -> int:
    """Work out and write what the shops should show of these variants; how many figures changed."""
    variants, ids = _list_of(variant_ids)
    statement = _UPSERT.format(derivation=build_derivation(variants), changed=_CHANGED)
    return _execute(statement, {"merchant": merchant_id, "ids": ids, "at": _moment(at)})


def write_wanted_of_shop(*, merchant_id: int, connection_id: int, at: datetime) -> int:
    """The same for every article of one shop."""
    variants = """(SELECT DISTINCT variant_id FROM catalog_binding
      WHERE merchant_id = %(merchant)s AND connection_id = %(shop)s AND state = 'bound')"""
    derivation = build_derivation(variants, only="b.connection_id = %(shop)s")
    statement = _UPSERT.format(derivation=derivation, changed=_CHANGED)
    return _execute(statement, {"merchant": merchant_id, "shop": connection_id, "at": _moment(at)})


def write_wanted_of_many(*, merchant_id: int, table: str, at: datetime) -> int:
    """The same for the variants of a temporary table (`variant_id`), by way of another, so that each row that differs
    is locked, logged and written once."""
    params = {"merchant": merchant_id, "at": _moment(at)}
    first = AllocationRule.plain.filter(merchant_id=merchant_id, group__isnull=False, pick=AllocationRule.Pick.FIRST)
    derivation = build_derivation(table, ranked=first.exists())
    with database.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS wanted_changed")
        cursor.execute(f"CREATE TEMP TABLE wanted_changed AS {derivation}{_CHANGED}", params)
        cursor.execute("ANALYZE wanted_changed")
        with in_key_order(cursor):
            cursor.execute(
                """UPDATE catalog_channelstock SET wanted = x.quantity, wanted_at = %(at)s
                   FROM wanted_changed x WHERE x.id = catalog_channelstock.id""",
                params,
            )
            changed: int = cursor.rowcount
        fresh = "SELECT id, connection_id, binding_id, quantity FROM wanted_changed WHERE id IS NULL"
        cursor.execute(_UPSERT.format(derivation="", changed=fresh), params)
        changed += cursor.rowcount
        cursor.execute("DROP TABLE wanted_changed")
    return changed


@contextmanager
def in_key_order(cursor: Any) -> Iterator[None]:
    """An UPDATE by a table sorted by key locks rows in that order, as everybody does, unless it hashes them."""
    if database.vendor != "postgresql":
        yield
        return
    cursor.execute("SET LOCAL enable_hashjoin = off")
    yield
    cursor.execute("SET LOCAL enable_hashjoin = on")


def _list_of(ids: Sequence[int]) -> tuple[str, Any]:
    """A query of these keys, and its parameter `ids`."""
    if database.vendor == "postgresql":
        return POSTGRES_LIST, list(ids)
    return SQLITE_LIST, json.dumps(list(ids))


def _moment(at: datetime) -> Any:
    return database.ops.adapt_datetimefield_value(at)


def _execute(statement: str, params: dict[str, Any]) -> int:
    with database.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)
