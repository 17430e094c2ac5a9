"""What changes articles, their stock and their prices."""

from catalog.services.binding import bind, find_or_suggest_binding, ignore, match_again
from catalog.services.content import find_owners, refresh_wanted_products, refresh_whole_flow, save_product
from catalog.services.creating import create_missing, list_missing, why_not_create
from catalog.services.exchange import take_mappings
from catalog.services.price_lists import delete_price, delete_rule, save_price, save_price_list, save_rule, take_inward
from catalog.services.prices import Buyer, CurrencyMismatch, FoundPrice, find_price, refresh_wanted_prices
from catalog.services.promising import Promise, TakenOver, reserve_if_available
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
    "Promise",
    "TakenOver",
    "bind",
    "cancel_reservation",
    "create_missing",
    "delete_price",
    "delete_rule",
    "end_settled",
    "find_or_suggest_binding",
    "find_owners",
    "find_price",
    "ignore",
    "list_available",
    "list_missing",
    "match_again",
    "refresh_wanted",
    "refresh_wanted_prices",
    "refresh_wanted_products",
    "refresh_whole_flow",
    "reserve",
    "reserve_if_available",
    "save_price",
    "save_price_list",
    "save_product",
    "save_rule",
    "settle_reservation",
    "take_inward",
    "take_mappings",
    "why_not_create",
]
