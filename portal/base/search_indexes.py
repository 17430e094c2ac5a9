"""Indexes of what the admin's lists search and sort by, PostgreSQL's only: made and dropped by migrations.

Django's `icontains` asks `UPPER(column) LIKE UPPER('%…%')`, hence trigrams of `upper(column)`
(https://docs.djangoproject.com/en/5.2/ref/models/querysets/#icontains, https://www.postgresql.org/docs/15/pgtrgm.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from django.db import DatabaseError, transaction

log = structlog.get_logger(__name__)
NOBODY_MAY = "Names are searched without an index: pg_trgm is missing. Have an administrator of the database run"
AFTERWARDS = "CREATE EXTENSION pg_trgm, then migrate this app back by one and forth again."


def create(schema_editor: Any, ordinary: Mapping[str, str], trigrams: Mapping[str, str]) -> None:
    """Make the indexes, name → "table USING method (columns)"; those of trigrams only where pg_trgm can be had."""
    if schema_editor.connection.vendor != "postgresql":
        return
    wanted = {**ordinary, **trigrams} if _has_trigrams(schema_editor.connection) else ordinary
    for name, what in wanted.items():
        schema_editor.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {what}")


def drop(schema_editor: Any, *several: Mapping[str, str]) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for name in (name for indexes in several for name in indexes):
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


def _has_trigrams(database: Any) -> bool:
    """Trusted since PostgreSQL 13: whoever may create in the database may create it, if the server has it at all."""
    try:
        with transaction.atomic(using=database.alias), database.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        log.warning(f"{NOBODY_MAY} {AFTERWARDS}", error=str(error).strip())
        return False
    return True
