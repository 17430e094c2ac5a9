"""A customer's standing: what the back office says he owes, and the limit a person sets."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.utils.translation import gettext as _

from integrations.contract import errors as e
from integrations.models import Link
from integrations.sync.client import Captures, build_connector
from orders.models import Customer
from orders.services import credit


class NotPossible(Exception):
    """It cannot be asked or kept; the message says why."""


def refresh(link: Link, *, at: datetime) -> None:
    """Ask the back office how the customer stands. NotPossible with its own words where it does not say."""
    captures = Captures()
    try:
        account = build_connector(link.connection, captures).get_account(link.external_id)
    except e.ConnectorError as error:
        words = _("%(there)s does not say how he stands: %(why)s")
        raise NotPossible(words % {"there": link.connection, "why": error.message}) from error
    finally:
        captures.save(link.connection)
    with transaction.atomic():
        credit.save_account(Customer.plain.select_for_update().get(pk=link.subject_id), account, at=at)


@transaction.atomic
def set_limit(*, customer_id: int, text: str, terms: str, at: datetime) -> None:
    """How much he may owe ('': no limit), and his terms. ValueError for what is no amount."""
    del at
    try:
        limit = Decimal(text.strip()) if text.strip() else None
    except InvalidOperation as error:
        raise ValueError(_("A limit is an amount like 500.00, or nothing.")) from error
    if limit is not None and not (limit.is_finite() and 0 <= limit < Decimal(10) ** 10 and limit == round(limit, 6)):
        raise ValueError(_("A limit is an amount like 500.00, or nothing."))
    row = Customer.plain.select_for_update().get(pk=customer_id)
    row.credit_limit, row.terms = limit, terms.strip()[:100]
    row.save(update_fields=["credit_limit", "terms"])
