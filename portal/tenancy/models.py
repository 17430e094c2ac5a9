"""Merchants, the people who work for them, their locations and their API keys."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.tenancy.scopes import APP_SCOPES
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
    """A key to the API: `sbk_<prefix>_<secret>`, of which only the SHA-256 is kept; `sbt_…` is one for tests.

    A *secret* one has all its scopes and stays on a server or till. An *app*'s may be public: by itself it sees the
    catalogue, and pages use it from its origins only. One for tests reaches simulators and sandboxes only.
    """

    class Kind(models.TextChoices):
        SECRET = "secret", _("Secret: a server or a till")
        APP = "app", _("App: may be public, sees the catalogue")

    class Mode(models.TextChoices):
        LIVE = "live", _("Live")
        TEST = "test", _("Test: reaches simulators and sandboxes only")

    BEGINS = {Mode.LIVE: "sbk", Mode.TEST: "sbt"}

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    key_hash = models.CharField(max_length=64)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.SECRET)
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.LIVE)
    scopes = models.JSONField(default=list, blank=True)
    locations = models.ManyToManyField(Location, blank=True, related_name="+")
    per_minute = models.PositiveIntegerField(
        default=600,
        validators=[MinValueValidator(1)],
        verbose_name=_("requests a minute"),
        help_text=_("Of an app each session and each address has so many for itself."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.name} ({self.begins}_{self.prefix}_…)"

    @property
    def begins(self) -> str:
        return self.BEGINS[self.Mode(self.mode)]

    @property
    def is_test(self) -> bool:
        return self.mode == self.Mode.TEST

    def may(self, scope: str) -> bool:
        """A key without scopes may everything of its merchant; an app's by itself no more than the catalogue."""
        if self.kind == self.Kind.APP:
            return scope in APP_SCOPES
        return not self.scopes or scope in self.scopes

    @classmethod
    def create_key(
        cls, *, merchant: Merchant, name: str, scopes: list[str], kind: str = Kind.SECRET, mode: str = Mode.LIVE
    ) -> tuple[ApiKey, str]:
        """The saved row and the key's plaintext, which is shown once and never again."""
        prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        row = cls(
            merchant=merchant, name=name, scopes=scopes, kind=kind, mode=mode, prefix=prefix, key_hash=_hash(secret)
        )
        row.save()
        return row, f"{row.begins}_{prefix}_{secret}"

    @classmethod
    def find(cls, key: str) -> ApiKey | None:
        """The live key of this plaintext, compared in constant time; None where there is none."""
        parts = key.split("_", 2)
        if len(parts) != 3 or parts[0] not in cls.BEGINS.values():
            return None
        row = cls.plain.select_related("merchant").filter(prefix=parts[1], revoked_at__isnull=True).first()
        if row is None or row.begins != parts[0] or not hmac.compare_digest(row.key_hash, _hash(parts[2])):
            return None
        return row if row.is_working else None

    @property
    def is_working(self) -> bool:
        expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return self.revoked_at is None and not expired and self.merchant.is_active


class KeyOrigin(MerchantModel):
    """A web origin whose pages may use an app's key, as browsers send it: https://shop.example.com"""

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="origins")
    origin = models.CharField(
        max_length=200,
        validators=[
            RegexValidator(
                r"\Ahttps?://[a-z0-9.-]+(:[0-9]{1,5})?\Z",
                _("An origin is a scheme, a host and maybe a port, without a path: https://shop.example.com"),
            )
        ],
    )

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "api_key", "origin"), name="key_origin_once"),)
        indexes = (models.Index(fields=("origin",), name="key_origin"),)

    def __str__(self) -> str:
        return self.origin


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
