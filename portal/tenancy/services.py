"""Making merchants."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from itertools import count
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.utils.text import slugify

from portal.tenancy.models import ApiKey, KeyOrigin, Location, Membership, Merchant, Role, User
from portal.tenancy.scoping import scope

MAIN = "MAIN"


@transaction.atomic
def create_merchant(*, name: str, owner: User) -> Merchant:
    """A merchant with its owner and one location."""
    merchant = Merchant.objects.create(name=name, slug=_find_free_slug(name))
    with scope(merchant.pk):
        Membership.objects.create(user=owner, role=Role.OWNER)
        Location.objects.create(code=MAIN, name=name)
    return merchant


def find_or_create_user(*, email: str) -> tuple[User, str]:
    """The person of this e-mail, and the first password of one who is new ('' for one who has an account)."""
    found = User.objects.filter(email__iexact=email).first()
    if found is not None:
        return found, ""
    password = secrets.token_urlsafe(12)
    return User.objects.create_user(email, password), password


def get_zone(merchant: Merchant) -> ZoneInfo:
    """The merchant's time zone; UTC where what he wrote is none."""
    try:
        return ZoneInfo(merchant.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def list_owner_addresses(merchant_id: int) -> list[str]:
    """The e-mail addresses of the merchant's active owners."""
    owners = Membership.plain.filter(merchant_id=merchant_id, role=Role.OWNER, user__is_active=True)
    return list(owners.order_by("pk").values_list("user__email", flat=True))


def has_other_owner(membership: Membership) -> bool:
    """Whether the merchant keeps an owner without this one."""
    owners = Membership.plain.filter(merchant_id=membership.merchant_id, role=Role.OWNER, user__is_active=True)
    return owners.exclude(pk=membership.pk).exists()


@transaction.atomic
def set_origins(*, key: ApiKey, origins: Iterable[str]) -> None:
    """The web origins whose pages may use an app's key; all others may not any more."""
    wanted = set(origins)
    KeyOrigin.plain.filter(api_key=key).exclude(origin__in=wanted).delete()
    known = set(KeyOrigin.plain.filter(api_key=key).values_list("origin", flat=True))
    KeyOrigin.plain.bulk_create(
        KeyOrigin(merchant_id=key.merchant_id, api_key=key, origin=origin) for origin in sorted(wanted - known)
    )


def _find_free_slug(name: str) -> str:
    longest = Merchant._meta.get_field("slug").max_length or 50
    base = slugify(name)[:longest].strip("-_") or "merchant"
    taken = set(Merchant.objects.filter(slug__startswith=base[: longest - 10]).values_list("slug", flat=True))
    if base not in taken:
        return base
    numbered = (f"{base[: longest - len(str(n)) - 1]}-{n}" for n in count(2))
    return next(slug for slug in numbered if slug not in taken)
