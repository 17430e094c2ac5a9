"""How often a key may ask: a minute's worth, counted in the cache that all processes share (CACHE_URL).

Headers: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)
WINDOW = 60  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is left until the window ends in `reset` seconds; below 0: it was too much."""

    limit: int
    left: int
    reset: int

    def list_headers(self) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"default";q={self.limit};w={WINDOW}',
            "RateLimit": f'"default";r={max(self.left, 0)};t={self.reset}',
        }


def count(name: str, limit: int) -> Allowance:
    """Count one request of `name` in this minute."""
    now = time.time()
    window, passed = divmod(int(now), WINDOW)
    key = f"asked:{name}:{window}"
    try:
        cache.add(key, 0, timeout=2 * WINDOW)
        asked = cache.incr(key)
    except ValueError:  # it was dropped in between
        asked = 1
    except RedisError:  # who cannot count lets everybody in
        log.warning("The cache does not answer: requests are not counted.", exc_info=True)
        asked = 1
    return Allowance(limit=limit, left=limit - asked, reset=WINDOW - passed)
