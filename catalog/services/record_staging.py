"""A feed's rows in a temporary table until a page of them is taken: what is there twice, and what belongs together.

Rows of one family (the articles of a product) are taken together, wherever they stand in the file; families come in the
order of their first lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import connection as database

from catalog.services.loading import apart

BLOCK = 2_000
MOST_FAMILIES, MOST_ROWS = 1_000, 1_000  # of a page; one family is never divided
NAMES = ("line", "key", "family", "name", "body")
StagedRow = tuple[int, str, str, str, str]  # line, key, family, what people call it, values as JSON
TABLES = ("feed_records", "feed_families", "feed_kept")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Rows that are one record: (line, values), in the file's order."""

    name: str
    rows: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    @property
    def line(self) -> int:
        return self.rows[0][0]


@contextmanager
def staged(rows: Iterable[StagedRow]) -> Iterator[None]:
    """Copy the rows in; the tables go when the block ends."""
    with database.cursor() as cursor:
        _drop(cursor)
        try:
            _load(cursor, rows)
            yield
        finally:
            if not database.needs_rollback and database.is_usable():
                _drop(cursor)


def _drop(cursor: Any) -> None:
    for table in TABLES:
        cursor.execute(f"DROP TABLE IF EXISTS {table}")


def _load(cursor: Any, rows: Iterable[StagedRow]) -> None:
    cursor.execute("CREATE TEMP TABLE feed_records (line bigint, key text, family text, name text, body text)")
    source = iter(rows)
    columns = ", ".join(NAMES)
    if database.vendor == "postgresql":
        with cursor.copy(f"COPY feed_records ({columns}) FROM STDIN") as copy:
            for row in source:
                copy.write_row(row)
    else:
        with apart(cursor):
            while block := list(islice(source, BLOCK)):
                cursor.executemany(f"INSERT INTO feed_records ({columns}) VALUES (%s, %s, %s, %s, %s)", block)  # noqa: S608
    cursor.execute(
        """CREATE TEMP TABLE feed_families AS
           SELECT family, MIN(line) AS first, COUNT(*) AS rows FROM feed_records GROUP BY family"""
    )
    cursor.execute("CREATE TEMP TABLE feed_kept (id bigint, owner bigint)")
    cursor.execute("CREATE INDEX feed_kept_id ON feed_kept (id)")
    cursor.execute("CREATE INDEX feed_records_key ON feed_records (key)")
    cursor.execute("CREATE INDEX feed_records_family ON feed_records (family)")
    cursor.execute("CREATE INDEX feed_families_first ON feed_families (first)")
    cursor.execute("ANALYZE feed_records")
    cursor.execute("ANALYZE feed_families")


def list_duplicates(limit: int) -> list[tuple[str, int, int]]:
    """What is there twice: (its name, its first line, its last)."""
    return select(
        """SELECT MIN(name), MIN(line), MAX(line) FROM feed_records GROUP BY key HAVING COUNT(*) > 1
           ORDER BY MIN(line) LIMIT %(limit)s""",
        {"limit": limit},
    )


def count_families() -> int:
    return int(select("SELECT COUNT(*) FROM feed_families", {})[0][0])


def keep(rows: Sequence[tuple[int, int]]) -> None:
    """Rows of ours that the file speaks of: (id, owner)."""
    if rows:
        with database.cursor() as cursor:
            cursor.executemany("INSERT INTO feed_kept (id, owner) VALUES (%s, %s)", rows)


def read_pages() -> Iterator[list[Family]]:
    """All families, a page at a time."""
    after = 0
    while page := _read_page(after):
        yield page
        after = page[-1].line


def _read_page(after: int) -> list[Family]:
    chosen = select(
        "SELECT first, rows FROM feed_families WHERE first > %(after)s ORDER BY first LIMIT %(limit)s",
        {"after": after, "limit": MOST_FAMILIES},
    )
    last, count = after, 0
    for first, rows in chosen:
        count += rows
        if count > MOST_ROWS and last != after:
            break
        last = first
    found: dict[str, Family] = {}
    for name, line, body in select(
        """SELECT r.family, r.line, r.body FROM feed_families f JOIN feed_records r ON r.family = f.family
           WHERE f.first > %(after)s AND f.first <= %(last)s ORDER BY f.first, r.line""",
        {"after": after, "last": last},
    ):
        found.setdefault(name, Family(name=name)).rows.append((line, json.loads(body)))
    return list(found.values())


def select(statement: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(statement, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
