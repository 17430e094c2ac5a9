"""Rows of several tables saved together: one statement for their keys and one for all of them, where the ORM has one a
table.

Saving a document with its lines costs mostly what the statements cost, not the rows: each is compiled here, and parsed
and planned by the server.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import msgspec
from django.db import connection as database
from django.db import models

Rows = Sequence[models.Model]
Model = type[models.Model]
Convert = Callable[[Any], Any]
# What rows keep in these fields goes into JSON as it is.
AS_IT_IS = (
    models.BooleanField, models.CharField, models.DateTimeField, models.ForeignKey, models.JSONField, models.TextField,
)  # fmt: skip


def take_keys(*tables: Rows, spare: Sequence[tuple[Model, int]] = ()) -> list[Iterator[int]]:
    """Give rows that are not saved yet the keys they will be saved under, in their order; a table's rows are of one
    model, and no other table's. `spare`: so many keys of rows that are not built yet, which are returned. A key that is
    not used is lost."""
    tables = tuple(rows for rows in tables if rows)
    wanted = [(type(rows[0]), len(rows)) for rows in tables] + list(spare)
    if not any(count for _, count in wanted):
        return [iter(()) for _ in spare]
    take = _take_from_sequences if database.vendor == "postgresql" else _take_from_counters
    found = take(wanted)
    for rows, keys in zip(tables, found, strict=False):  # the rest is spare
        for row, key in zip(rows, keys, strict=True):
            row.pk = key
    return [iter(keys) for keys in found[len(tables) :]]


def insert(*tables: Rows) -> None:
    """Save new rows, a table's of one model, all with their keys or all without; those without are not told them. They
    may point to each other whatever table comes first: foreign keys are looked at when the transaction ends. No
    signals are sent; what the database refuses raises as ever."""
    tables = tuple(rows for rows in tables if rows)
    for rows in tables:
        for row in rows:
            row._prepare_related_fields_for_save(operation_name="insert")  # type: ignore[attr-defined]  # as bulk_create
    if database.vendor != "postgresql":
        for rows in tables:
            type(rows[0])._base_manager.bulk_create(rows)
    elif tables:
        _insert_at_once(tables)
        for rows in tables:
            for row in rows:
                row._state.adding, row._state.db = False, database.alias


def _take_from_sequences(wanted: Sequence[tuple[Model, int]]) -> list[list[int]]:
    parts, params = [], list[Any]()
    for place, (model, count) in enumerate(wanted):
        parts.append("SELECT %s, nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)")
        params += [place, f'"{model._meta.db_table}"', _get_key(model).column, count]
    found: list[list[int]] = [[] for _ in wanted]
    with database.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), params)
        for place, key in sorted(cursor.fetchall()):
            found[place].append(key)
    return found


def _take_from_counters(wanted: Sequence[tuple[Model, int]]) -> list[list[int]]:
    """SQLite has one writer, and a table of the keys it gave, which may be written to
    (https://www.sqlite.org/autoinc.html)."""
    counts = {model._meta.db_table: count for model, count in wanted}
    with database.cursor() as cursor:
        cursor.execute(
            """UPDATE sqlite_sequence SET seq = seq + j.value FROM json_each(%s) j WHERE j.key = name
               RETURNING name, seq""",
            [json.dumps(counts)],
        )
        last: dict[str, int] = dict(cursor.fetchall())
        for name in counts.keys() - last.keys():  # a table that never had a row
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [name, counts[name]])
    ends = {name: last.get(name, count) for name, count in counts.items()}
    return [list(range(ends[name] - count + 1, ends[name] + 1)) for name, count in counts.items()]


def _insert_at_once(tables: Sequence[Rows]) -> None:
    parts, params = [], list[str]()
    for rows in tables:
        fields, dated, statement = _describe(type(rows[0]), rows[0].pk is not None)
        for field in dated:
            for row in rows:
                field.pre_save(row, add=True)
        parts.append(statement)
        params.append(msgspec.json.encode([_build(row, fields) for row in rows], enc_hook=_write_other).decode())
    first = ", ".join(f"t{place} AS ({part})" for place, part in enumerate(parts[:-1]))
    with database.cursor() as cursor:
        cursor.execute(f"WITH {first} {parts[-1]}" if first else parts[-1], params)


def _build(row: models.Model, fields: Sequence[tuple[str, str, Convert | None]]) -> dict[str, Any]:
    values = row.__dict__
    return {
        column: value if convert is None else convert(value)
        for name, column, convert in fields
        if (value := values[name]) is not None
    }


@cache
def _describe(model: Model, has_key: bool) -> tuple[list[tuple[str, str, Convert | None]], list[Any], str]:
    """(attribute, column, how its value is written) of each field; those that date themselves; the statement."""
    found = [field for field in model._meta.concrete_fields if has_key or not field.primary_key]
    dated = [field for field in found if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)]
    names = ", ".join(f'"{field.column}"' for field in found)
    table = f'"{model._meta.db_table}"'
    statement = f"INSERT INTO {table} ({names}) SELECT {names} FROM json_populate_recordset(NULL::{table}, %s::json)"  # noqa: S608  our own names
    return [(field.attname, str(field.column), _choose(field)) for field in found], dated, statement


def _choose(field: Any) -> Convert | None:
    if isinstance(field, models.BinaryField):
        return _write_bytes
    if field.primary_key or isinstance(field, AS_IT_IS):
        return None
    convert: Convert = field.get_prep_value
    return convert


def _write_other(value: Any) -> str:
    """What JSON has no place for: words that are translated late, and texts of a class of their own."""
    return str.__str__(value) if isinstance(value, str) else str(value)


def _write_bytes(value: bytes) -> str:
    return f"\\x{bytes(value).hex()}"


def _get_key(model: Model) -> Any:
    return model._meta.pk
