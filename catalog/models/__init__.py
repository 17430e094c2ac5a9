"""Articles, stock and prices."""

from catalog.models.axes import AxisValueMapping, MappingChange, Synonym
from catalog.models.binding import Binding, MappingConflict
from catalog.models.price import ALWAYS, ChannelPrice, ChannelProduct, Price, PriceList, PriceRule
from catalog.models.product import OptionAxis, OptionValue, Product, Variant, VariantOption
from catalog.models.stock import AllocationRule, ChannelStock, Reservation, StockRecord

__all__ = [
    "ALWAYS",
    "AllocationRule",
    "AxisValueMapping",
    "Binding",
    "ChannelPrice",
    "ChannelProduct",
    "ChannelStock",
    "MappingChange",
    "MappingConflict",
    "OptionAxis",
    "OptionValue",
    "Price",
    "PriceList",
    "PriceRule",
    "Product",
    "Reservation",
    "StockRecord",
    "Synonym",
    "Variant",
    "VariantOption",
]
