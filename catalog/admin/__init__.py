"""Articles, their stock and prices, and which of a shop's articles is which of ours."""

from __future__ import annotations

from catalog.admin import articles, drift, feeds, plan, prices, products, stock, variants

__all__ = ["articles", "drift", "feeds", "plan", "prices", "products", "stock", "variants"]  # each registers its pages
