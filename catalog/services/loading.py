"""A feed's rows into temporary tables, as `feed_rows` (line, article, place, quantity), and the tables away again.

The lines of a plain file go in as they lie there: the database splits them, and Python sees each different figure once.
All other files are read row by row, and so is a plain one with something wrong in it: that is where the words for it
come from.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from django.db import IntegrityError, ProgrammingError, transaction
from django.db import connection as database

from catalog.mapping.feed_rows import DOUBTFUL, MOST_DOUBTS
from catalog.mapping.stock_rows import KNOWN_FIGURES, StockRows
from portal.base.tables import NotPlain

TABLES = ("feed_read", "feed_lines", "feed_figures", "feed_places", "feed_changes", "feed_known", "feed_touched",
          "feed_ended")  # fmt: skip
READ_VIEW = {
    "postgresql": "CREATE TEMP VIEW feed_rows AS SELECT line, article, place, quantity FROM feed_read",
    "sqlite": "CREATE TEMP VIEW feed_rows AS SELECT rowid AS number, line, article, place, quantity FROM feed_read",
}
# What the database says of a line it does not take: its cells are too many, too few, missing or too long. Django does
# not put its own in place of those a COPY ends with.
REFUSED: dict[str, tuple[type[Exception], ...]] = {
    "postgresql": (NotPlain, psycopg.DataError, psycopg.IntegrityError),
    "sqlite": (NotPlain, ProgrammingError, IntegrityError),
}


@contextmanager
def staged(rows: StockRows) -> Iterator[None]:
    """Copy the rows in, as `feed_rows` (line, article, place, quantity; on SQLite `number`, too, which has no gaps);
    the tables go when the block ends."""
    with database.cursor() as cursor:
        _drop(cursor)
        try:
            if not _stage_lines(cursor, rows):
                _stage_rows(cursor, rows)
            yield
        finally:
            if not database.needs_rollback and database.is_usable():
                _drop(cursor)


def _drop(cursor: Any) -> None:
    cursor.execute("DROP VIEW IF EXISTS feed_rows")
    for table in TABLES:
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
    if database.vendor == "postgresql":
        cursor.execute("DROP SEQUENCE IF EXISTS feed_line")


@contextmanager
def apart(cursor: Any) -> Iterator[None]:
    """As a whole or not at all. On SQLite a savepoint outside a transaction begins one that locks nothing but the
    temporary tables."""
    if database.vendor == "postgresql":
        with transaction.atomic():
            yield
        return
    cursor.execute("SAVEPOINT feed_apart")
    try:
        yield
    except BaseException:
        cursor.execute("ROLLBACK TO feed_apart")
        raise
    finally:
        cursor.execute("RELEASE feed_apart")


def _stage_lines(cursor: Any, rows: StockRows) -> bool:
    """The file's lines as they lie; False where the rules, the tables' own or ours of a cell, do not let one in."""
    try:
        with closing(rows.read_lines()) as blocks, apart(cursor):
            seen = _load_lines(cursor, rows, blocks)
            _read_cells(cursor, rows)
            doubtful = _list_doubtful(cursor)
    except REFUSED[database.vendor]:
        return False
    rows.note_plain(seen, doubtful)
    return True


def _load_lines(cursor: Any, rows: StockRows, blocks: Iterator[bytes]) -> int:
    """How many. An article that is empty or long breaks a rule of the table, a line with more or fewer cells COPY."""
    postgres = database.vendor == "postgresql"
    names = _name_columns(rows)
    rule = "varchar(99) NOT NULL" if postgres else "text NOT NULL CHECK (article <> '' AND length(article) < 100)"
    columns = ", ".join(f"{name} {rule if name == 'article' else 'text'}" for name in names)
    if postgres:
        # A sequence that gives out thousands at a time, and of which nothing is logged.
        cursor.execute("CREATE TEMP SEQUENCE feed_line START 2 CACHE 10000")
        cursor.execute(f"CREATE TEMP TABLE feed_lines (line bigint DEFAULT nextval('feed_line'), {columns})")
        options = f"FORMAT text, DELIMITER '{rows.delimiter}', NULL ''"
        with cursor.copy(f"COPY feed_lines ({', '.join(names)}) FROM STDIN ({options})") as copy:
            for block in blocks:
                copy.write(block)
        return int(cursor.rowcount)
    cursor.execute(f"CREATE TEMP TABLE feed_lines (line INTEGER PRIMARY KEY, {columns})")
    cursor.execute("INSERT INTO feed_lines (line, article) VALUES (1, 'header')")
    insert = f"INSERT INTO feed_lines ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"  # noqa: S608
    seen = 0
    for block in blocks:
        cursor.executemany(insert, csv.reader(block.decode().splitlines(), delimiter=rows.delimiter))
        seen += cursor.rowcount
    cursor.execute("DELETE FROM feed_lines WHERE line = 1")
    return seen


def _name_columns(rows: StockRows) -> list[str]:
    """By their numbers: no word of the file gets into a statement."""
    names = [f"c{place}" for place in range(rows.width)]
    names[rows.article_at] = "article"
    return names


def _read_cells(cursor: Any, rows: StockRows) -> None:
    """Each different quantity and place, once; and the lines as what they say."""
    names = _name_columns(rows)
    figure = f"COALESCE(l.{names[rows.quantity_at]}, '')"
    # Whole numbers, as most are, need no joining: what was understood of each is what the database makes of it.
    quantity, place, joined = f"CAST({figure} AS bigint) * 1000", str(rows.elsewhere), ""
    if not _read_different(cursor, "feed_figures", figure, rows.read_figures):
        quantity, joined = "q.value", f"JOIN feed_figures q ON q.cell = {figure}"
    if rows.place_at is not None:
        cell = f"COALESCE(l.{names[rows.place_at]}, '')"
        _read_different(cursor, "feed_places", cell, rows.read_places)
        place, joined = "p.value", f"{joined} JOIN feed_places p ON p.cell = {cell}"
    cursor.execute(
        f"""CREATE TEMP VIEW feed_rows AS
        SELECT l.line AS number, l.line, l.article, CAST({place} AS bigint) AS place, {quantity} AS quantity
        FROM feed_lines l {joined}"""  # noqa: S608
    )


def _read_different(cursor: Any, table: str, cell: str, read: Callable[[Iterable[str]], list[tuple[str, int]]]) -> bool:
    """Whether all of them are whole numbers without a sign; a table of them says what each is."""
    cursor.execute(f"SELECT DISTINCT {cell} FROM feed_lines l LIMIT %s", (KNOWN_FIGURES + 1,))  # noqa: S608
    cells = read(text for (text,) in cursor.fetchall())
    cursor.execute(f"CREATE TEMP TABLE {table} (cell text PRIMARY KEY, value bigint)")
    if database.vendor == "postgresql":
        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in cells:
                copy.write_row(row)
    else:
        cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s)", cells)  # noqa: S608
    return all(text.isascii() and text.isdigit() for text, _value in cells)


def _list_doubtful(cursor: Any) -> list[tuple[int, str]]:
    """The first articles a spreadsheet may have changed: (line, article). All of them begin with a digit."""
    postgres = database.vendor == "postgresql"
    name, matches = ('article COLLATE "C"', "~") if postgres else ("article", "REGEXP")
    cursor.execute(
        f"""SELECT line, article FROM feed_lines WHERE {name} >= '0' AND {name} < ':' AND {name} {matches} %s
        ORDER BY line LIMIT {MOST_DOUBTS}""",  # noqa: S608
        (f"^(?:{DOUBTFUL.pattern})$",),
    )
    return list(cursor.fetchall())


def _stage_rows(cursor: Any, rows: StockRows) -> None:
    """Read one by one."""
    cursor.execute("CREATE TEMP TABLE feed_read (line bigint, article text, place bigint, quantity bigint)")
    if database.vendor == "postgresql":
        with cursor.copy("COPY feed_read FROM STDIN") as copy:
            for block in rows:
                text = "".join([f"{line}\t{name}\t{place}\t{quantity}\n" for line, name, place, quantity in block])
                copy.write(text.replace("\\", "\\\\") if "\\" in text else text)
    else:
        with apart(cursor):
            for block in rows:
                cursor.executemany("INSERT INTO feed_read VALUES (%s, %s, %s, %s)", block)
    cursor.execute(READ_VIEW[database.vendor])
