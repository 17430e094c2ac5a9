"""What is learnt of a merchant's shops from articles that are mapped already. Reads only."""

from __future__ import annotations

from catalog.mapping.suggestions import Learnt, learn_values
from catalog.models import Binding

MOST_LEARNT_FROM = 5_000


def read_learnt(merchant_id: int) -> dict[str, Learnt]:
    """Their folded option value → what it is called here, in any shop of the merchant."""
    bound = Binding.plain.filter(merchant_id=merchant_id, state=Binding.State.BOUND).exclude(options=[])
    pairs = bound.order_by("-pk").values_list("options", "variant__option_key")[:MOST_LEARNT_FROM]
    return learn_values(([str(value) for _, value in options], read_values(key)) for options, key in pairs if key)


def read_values(option_key: str) -> tuple[str, ...]:
    """ "Colour=Red|Size=Small" → Red, Small; nothing of a key that names no combination."""
    pairs = [part.partition("=") for part in option_key.split("|")] if option_key else []
    return tuple(value for _, sign, value in pairs if sign and value)
