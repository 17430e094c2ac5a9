"""Articles, stock and prices."""

from catalog.models.axes import AxisValueMapping, MappingChange, Synonym
from catalog.models.binding import Binding, MappingConflict, RememberedCode
from catalog.models.feed import Feed, FeedMapping, FeedPart, Identify
from catalog.models.photo import Photo
from catalog.models.plan import Figures, KeptFigure, PlanLine, PushPlan, ShopFigure
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
    "Feed",
    "FeedMapping",
    "FeedPart",
    "Figures",
    "Identify",
    "KeptFigure",
    "MappingChange",
    "MappingConflict",
    "OptionAxis",
    "OptionValue",
    "Photo",
    "PlanLine",
    "Price",
    "PriceList",
    "PriceRule",
    "Product",
    "PushPlan",
    "RememberedCode",
    "Reservation",
    "ShopFigure",
    "StockRecord",
    "Synonym",
    "Variant",
    "VariantOption",
]
