"""Queries compiled once: the ORM builds the statement the first time, afterwards only its values change.

For look-ups on the hottest paths, where compiling costs several times what asking does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db import connection as database
from django.db.models import Model, QuerySet, Value
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class _Name:
    name: str


def given(name: str) -> Any:
    """Stands in a query for a value that each call gives by this name: a key, a text, a moment; never None, which is
    another statement."""
    return Value(_Name(name))


class Prepared(Generic[M]):
    """The rows of a query, as model instances. `build` gives the query, with `given(…)` for what differs from call to
    call; it may join (`select_related`), annotate and lock, and prefetches nothing."""

    def __init__(self, build: Callable[[], QuerySet[M]]) -> None:
        self._build = build
        self._plans: dict[str, _Plan] = {}

    def list(self, **values: Any) -> list[M]:
        plan = self._plans.get(database.vendor)
        if plan is None:
            plan = self._plans[database.vendor] = _Plan(self._build())
        return plan.fetch(values)

    def first(self, **values: Any) -> M | None:
        """The first of them; all are read."""
        return next(iter(self.list(**values)), None)

    def get(self, **values: Any) -> M:
        """The one there is; the model's DoesNotExist where there is none."""
        found = self.first(**values)
        if found is None:
            model: Any = self._build().model
            raise model.DoesNotExist
        return found


class _Plan:
    """A compiled query, and how its rows become instances: what `ModelIterable` works out each time."""

    def __init__(self, rows: QuerySet[Any]) -> None:
        compiler = rows.query.get_compiler(rows.db)
        self.sql, self.params = compiler.as_sql()
        info = compiler.klass_info
        self.model, columns = info["model"], info["select_fields"]
        self.start, self.end = columns[0], columns[-1] + 1
        self.names = [one[0].target.attname for one in compiler.select[self.start : self.end]]
        populators: Any = get_related_populators  # the stubs tell of a later Django's
        self.related = populators(info, compiler.select, rows.db)
        self.annotations = compiler.annotation_col_map
        self.converters = compiler.get_converters([one[0] for one in compiler.select[: compiler.col_count]])
        self.compiler = compiler

    def fetch(self, values: dict[str, Any]) -> list[Any]:
        with database.cursor() as cursor:
            cursor.execute(self.sql, [_adapt(values[p.name]) if isinstance(p, _Name) else p for p in self.params])
            rows: Any = cursor.fetchall()
        if self.converters:
            rows = self.compiler.apply_converters(rows, self.converters)
        return list(self._read(rows))

    def _read(self, rows: Any) -> Iterator[Any]:
        for row in rows:
            found = self.model.from_db(database.alias, self.names, row[self.start : self.end])
            for one in self.related:
                one.populate(row, found)
            for name, place in self.annotations.items():
                setattr(found, name, row[place])
            yield found


def _adapt(value: Any) -> Any:
    return database.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
