"""The scope every query runs in: one merchant, and possibly only some of its locations."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self

from django.db import models


class ScopeRequired(RuntimeError):
    """A query of merchants' rows was made outside any scope."""


class WrongMerchant(RuntimeError):
    """A row of one merchant was about to be saved in another's scope."""


@dataclass(frozen=True, slots=True)
class Scope:
    """`location_ids` None = all of the merchant's locations; `merchant_id` None = unscoped, for `reason`."""

    merchant_id: int | None
    location_ids: frozenset[int] | None = None
    reason: str = ""


_scope: ContextVar[Scope | None] = ContextVar("tenancy_scope", default=None)


def current_scope() -> Scope | None:
    return _scope.get()


@contextmanager
def _entered(value: Scope) -> Iterator[Scope]:
    token = _scope.set(value)
    try:
        yield value
    finally:
        _scope.reset(token)


def scope(merchant_id: int, location_ids: frozenset[int] | None = None) -> Any:
    """Run the block as this merchant."""
    return _entered(Scope(merchant_id=merchant_id, location_ids=location_ids))


def unscoped(reason: str) -> Any:
    """Run the block over all merchants; `reason` says why that is right. A test lists the callers."""
    return _entered(Scope(merchant_id=None, reason=reason))


def new_public_id() -> str:
    """22 random URL-safe characters: what appears in an address outside the admin."""
    return secrets.token_urlsafe(16)


class ScopedQuerySet(models.QuerySet[Any]):
    """Rows of the scope's merchant only."""


class ScopedManager(models.Manager[Any]):
    """Raises ScopeRequired outside a scope, so that nobody reads across merchants by forgetting."""

    def get_queryset(self) -> models.QuerySet[Any]:
        current = _scope.get()
        if current is None:
            raise ScopeRequired(f"{self.model.__name__} was queried without a merchant's scope.")
        rows = super().get_queryset()
        return rows if current.merchant_id is None else rows.filter(merchant_id=current.merchant_id)


class MerchantModel(models.Model):
    """A row that belongs to one merchant. `plain` is what Django itself uses for its look-ups."""

    merchant = models.ForeignKey("tenancy.Merchant", on_delete=models.PROTECT, related_name="+")

    objects = ScopedManager()
    plain = models.Manager[Self]()

    class Meta:
        abstract = True
        base_manager_name = "plain"
        default_manager_name = "plain"

    def save(self, *args: Any, **kwargs: Any) -> None:
        current = _scope.get()
        if current is not None and current.merchant_id is not None:
            if not self.merchant_id:
                self.merchant_id = current.merchant_id
            elif self.merchant_id != current.merchant_id:
                raise WrongMerchant(f"{type(self).__name__} of merchant {self.merchant_id} in another's scope.")
        super().save(*args, **kwargs)
