"""Text from outside, as both databases can keep it."""

from __future__ import annotations


def keep_words(text: str, most: int) -> str:
    """At most `most` characters; half a surrogate pair and NUL, which PostgreSQL refuses, are shown escaped."""
    return text[:most].encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")[:most]
