"""What changes articles, their stock and their prices."""

from catalog.services.binding import bind, find_or_suggest_binding, ignore, match_again
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
    "end_settled",
    "find_or_suggest_binding",
    "ignore",
    "list_available",
    "match_again",
    "refresh_wanted",
    "refresh_wanted_prices",
    "reserve",
    "settle_reservation",
]
