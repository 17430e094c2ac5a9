"""What changes articles, their stock and their prices."""

from catalog.services.binding import bind, find_or_suggest_binding, ignore, match_again
from catalog.services.exchange import take_mappings
from catalog.services.price_lists import delete_price, delete_rule, save_price, save_price_list, save_rule, take_inward
from catalog.services.prices import Buyer, CurrencyMismatch, FoundPrice, find_price, refresh_wanted_prices
from catalog.services.stock import (
    cancel_reservation,
    end_settled,
    list_available,
    refresh_wanted,
    reserve,
    settle_reservation,
)

__all__ = [
    "Buyer",
    "CurrencyMismatch",
    "FoundPrice",
    "bind",
    "cancel_reservation",
    "delete_price",
    "delete_rule",
    "end_settled",
    "find_or_suggest_binding",
    "find_price",
    "ignore",
    "list_available",
    "match_again",
    "refresh_wanted",
    "refresh_wanted_prices",
    "reserve",
    "save_price",
    "save_price_list",
    "save_rule",
    "settle_reservation",
    "take_inward",
    "take_mappings",
]
