"""Amounts on pages, with the decimals their currency has."""

from __future__ import annotations

from decimal import Decimal

from django import template

from portal.base.money import exact_money

register = template.Library()


@register.filter
def amount(value: Decimal | None, currency: str) -> str:
    """ "1,240.50"; more digits only where there are more; '' for none."""
    return "" if value is None else f"{exact_money(value, currency):,f}"
