"""Articles, stock and prices."""

from catalog.models.binding import Binding, MappingConflict, MappingDecision, RememberedCode
from catalog.models.price import ALWAYS, ChannelPrice, ChannelProduct, Price, PriceList, PriceRule
from catalog.models.product import OptionAxis, OptionValue, Product, Variant, VariantOption
from catalog.models.stock import AllocationRule, ChannelStock, Reservation, StockRecord

__all__ = [
    "ALWAYS",
    "AllocationRule",
    "Binding",
    "ChannelPrice",
    "ChannelProduct",
    "ChannelStock",
    "MappingConflict",
    "MappingDecision",
    "OptionAxis",
    "OptionValue",
    "Price",
    "PriceList",
    "PriceRule",
    "Product",
    "RememberedCode",
    "Reservation",
    "StockRecord",
    "Variant",
    "VariantOption",
]
