"""How long to wait before the next try. Pure."""

from __future__ import annotations

from datetime import timedelta
from random import Random

FIRST, LONGEST = 5.0, 12 * 3600.0
GIVE_UP_AFTER = timedelta(hours=72)
MOST_CRASHES = 3


def backoff(attempts: int, random: Random) -> timedelta:
    """5 s, doubled with each try up to 12 h, ± 20 %, so that many failures do not come back as one wave."""
    seconds = min(FIRST * 2 ** min(max(attempts - 1, 0), 20), LONGEST)
    return timedelta(seconds=min(seconds * random.uniform(0.8, 1.2), LONGEST))
