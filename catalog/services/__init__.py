"""What changes articles, their stock and their prices."""

from catalog.services.binding import bind, find_or_suggest_binding, ignore, match_again
from catalog.services.content import find_owners, refresh_wanted_products, refresh_whole_flow, save_product
from catalog.services.creating import create_missing, list_missing, why_not_create
from catalog.services.prices import refresh_wanted_prices
from catalog.services.stock import (
    cancel_reservation,
    end_settled,
    list_available,
    refresh_wanted,
    reserve,
    settle_reservation,
)

__all__ = [
    "bind",
    "cancel_reservation",
    "create_missing",
    "end_settled",
    "find_or_suggest_binding",
    "find_owners",
    "ignore",
    "list_available",
    "list_missing",
    "match_again",
    "refresh_wanted",
    "refresh_wanted_prices",
    "refresh_wanted_products",
    "refresh_whole_flow",
    "reserve",
    "save_product",
    "settle_reservation",
    "why_not_create",
]
