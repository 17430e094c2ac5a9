"""Articles, stock and prices."""

from catalog.models.binding import Binding, MappingConflict
from catalog.models.feed import Feed, FeedMapping, FeedPart, Identify
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
    "Feed",
    "FeedMapping",
    "FeedPart",
    "Identify",
    "MappingConflict",
    "OptionAxis",
    "OptionValue",
    "Price",
    "PriceList",
    "PriceRule",
    "Product",
    "Reservation",
    "StockRecord",
    "Variant",
    "VariantOption",
]
