"""Which remote article is which of our variants."""

from catalog.mapping.matching import Article, Match, match_articles

__all__ = ["Article", "Match", "match_articles"]
