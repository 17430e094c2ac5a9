"""Merchants, the people who work for them, their locations and their API keys."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.tenancy.scoping import MerchantModel, new_public_id


class UserManager(BaseUserManager["User"]):
    """Users log in by e-mail."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})


class User(AbstractUser):
    """A person. An operator of the whole portal is a superuser; all else comes from memberships."""

    username = None  # type: ignore[assignment]  # e-mail takes its place
    email = models.EmailField(_("e-mail"), unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()  # type: ignore[assignment,misc]  # the stubs know only the manager with a username

    def __str__(self) -> str:
        return self.email


class Merchant(models.Model):
    """The tenant."""

    public_id = models.CharField(max_length=22, unique=True, default=new_public_id, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=50, unique=True)
    country = models.CharField(max_length=2, default="GB")
    currency = models.CharField(max_length=3, default="GBP")
    time_zone = models.CharField(max_length=50, default="UTC")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Location(MerchantModel):
    """Where stock is and sales happen."""

    public_id = models.CharField(max_length=22, unique=True, default=new_public_id, editable=False)
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True)

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "code"), name="location_code"),)

    def __str__(self) -> str:
        return self.name


class LocationGroup(MerchantModel):
    """Locations in the order in which they stand in for each other."""

    name = models.CharField(max_length=100)

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "name"), name="location_group_name"),)

    def __str__(self) -> str:
        return self.name


class LocationGroupMember(MerchantModel):
    """A location's place in a group."""

    group = models.ForeignKey(LocationGroup, on_delete=models.CASCADE, related_name="members")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "group", "position"), name="location_group_position"),
            models.UniqueConstraint(fields=("merchant", "group", "location"), name="location_group_member"),
        )

    def __str__(self) -> str:
        return f"{self.position}. {self.location}"


class Role(models.TextChoices):
    """What a person does for a merchant."""

    OWNER = "owner", _("Owner")
    MAPPER = "mapper", _("Mapper")
    SUPPORT = "support", _("Support")
    AUDITOR = "auditor", _("Auditor")
    SALES = "sales", _("Sales")
    RESELLER = "reseller", _("Reseller")


class Membership(MerchantModel):
    """A user's role at a merchant, and the locations he may see (none = all)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    locations = models.ManyToManyField(Location, blank=True, related_name="+")

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "user"), name="membership_once"),)

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


class ApiKey(MerchantModel):
    """A key to the API: `sbk_<prefix>_<secret>`, of which only the SHA-256 is kept."""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    key_hash = models.CharField(max_length=64)
    scopes = models.JSONField(default=list, blank=True)
    locations = models.ManyToManyField(Location, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.name} (sbk_{self.prefix}_…)"

    @classmethod
    def create_key(cls, *, merchant: Merchant, name: str, scopes: list[str]) -> tuple[ApiKey, str]:
        """The saved row and the key's plaintext, which is shown once and never again."""
        prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        row = cls(merchant=merchant, name=name, scopes=scopes, prefix=prefix, key_hash=_hash(secret))
        row.save()
        return row, f"sbk_{prefix}_{secret}"

    @classmethod
    def find(cls, key: str) -> ApiKey | None:
        """The live key of this plaintext, compared in constant time; None where there is none."""
        parts = key.split("_", 2)
        if len(parts) != 3 or parts[0] != "sbk":
            return None
        row = cls.plain.select_related("merchant").filter(prefix=parts[1], revoked_at__isnull=True).first()
        if row is None or not hmac.compare_digest(row.key_hash, _hash(parts[2])):
            return None
        expired = row.expires_at is not None and row.expires_at <= timezone.now()
        return None if expired or not row.merchant.is_active else row


class IdempotencyKey(MerchantModel):
    """What was answered to a request that came with an Idempotency-Key; no status while it is being carried out."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    key_hash = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.BinaryField(default=bytes)
    created_at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "api_key", "key_hash"), name="idempotency_key_once"),
        )
        indexes = (models.Index(fields=("created_at",), name="idempotency_age"),)

    def __str__(self) -> str:
        return f"Idempotency key {self.pk} of {self.api_key}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
