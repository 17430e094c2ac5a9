"""What changes articles, their stock and their prices."""

from catalog.services.binding import find_or_suggest_binding, match_again
from catalog.services.content import find_owners, refresh_wanted_products, refresh_whole_flow
from catalog.services.creating import create_missing, list_missing, why_not_create
from catalog.services.decisions import bind, ignore
from catalog.services.exchange import take_mappings
from catalog.services.price_lists import (
    delete_price,
    delete_rule,
    open_list,
    save_price,
    save_price_list,
    save_rule,
    take_inward,
)
from catalog.services.prices import refresh_wanted_prices
from catalog.services.promising import Promise, TakenOver, reserve_if_available
from catalog.services.quoting import Buyer, CurrencyMismatch, FoundPrice, find_price, find_prices
from catalog.services.reading import EVERYWHERE, Stock, Where, at_location, in_group, read_stock
from catalog.services.saving import save_product
from catalog.services.stock import (
    cancel_reservation,
    end_settled,
    list_available,
    refresh_wanted,
    reserve,
    reserve_all,
    settle_reservation,
)
from catalog.services.units import set_unit

__all__ = [
    "EVERYWHERE",
    "Buyer",
    "CurrencyMismatch",
    "FoundPrice",
    "Promise",
    "Stock",
    "TakenOver",
    "Where",
    "at_location",
    "bind",
    "cancel_reservation",
    "create_missing",
    "delete_price",
    "delete_rule",
    "end_settled",
    "find_or_suggest_binding",
    "find_owners",
    "find_price",
    "find_prices",
    "ignore",
    "in_group",
    "list_available",
    "list_missing",
    "match_again",
    "open_list",
    "read_stock",
    "refresh_wanted",
    "refresh_wanted_prices",
    "refresh_wanted_products",
    "refresh_whole_flow",
    "reserve",
    "reserve_all",
    "reserve_if_available",
    "save_price",
    "save_price_list",
    "save_product",
    "save_rule",
    "set_unit",
    "settle_reservation",
    "take_inward",
    "take_mappings",
    "why_not_create",
]
