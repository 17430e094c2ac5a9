"""A routing rule in words: what it asks, and what it does. Pure."""

from __future__ import annotations

from django.utils.translation import gettext as _

from orders.models import RoutingRule
from portal.base.money import describe_money

Takes = RoutingRule.Takes


def describe_conditions(rule: RoutingRule) -> str:
    """ "country DE, AT · total over 100.00 GBP"; of none that it takes everything."""
    named = (
        (_("shop"), str(rule.shop) if rule.shop else ""),
        (_("sold at"), str(rule.sold_at) if rule.sold_at else ""),
        (_("country"), rule.countries),
        (_("postcode"), rule.postcodes),
        (_("shipping"), rule.shipping_methods),
        (_("payment"), rule.payment_types),
        (_("category"), rule.categories),
        (_("brand"), rule.brands),
        (_("tag"), rule.tags),
        (_("currency"), rule.currency),
        (_("total over"), "" if rule.total_over is None else describe_money(rule.total_over, rule.currency).strip()),
        (_("total under"), "" if rule.total_under is None else describe_money(rule.total_under, rule.currency).strip()),
    )
    words = [f"{name} {value}" for name, value in named if value]
    if rule.in_stock:
        words.append(_("all of it in stock there"))
    return " · ".join(words) or _("everything")


def describe_action(rule: RoutingRule) -> str:
    """ "Odoo Main, Berlin: only the lines of its categories and brands" """
    place = rule.location or rule.group
    where = f"{rule.destination}, {place}" if place else str(rule.destination)
    words = [where] if rule.takes == Takes.ORDER else [where, str(rule.get_takes_display())]
    more = f" {_('(and ask the next rules too)')}" if rule.goes_on else ""
    return ": ".join(words) + more
