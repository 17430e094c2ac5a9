"""Files of a back office's figures: what their columns mean, the file itself, and what became of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from integrations.models import Connection, Stream, SyncRun
from portal.base.models import PublicIdMixin
from portal.tenancy.scoping import MerchantModel


class Identify(models.TextChoices):
    """How a file names an article."""

    CODE = "code", _("Our code (SKU)")
    EXTERNAL_ID = "external_id", _("The back office's own number")
    BARCODE = "barcode", _("Barcode")


class FeedMapping(MerchantModel):
    """Which column of a connection's files is what, remembered from the last one: `columns` is field → header."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="feed_mappings")
    stream = models.CharField(max_length=20, choices=Stream)
    columns = models.JSONField(default=dict)
    identify = models.CharField(max_length=12, choices=Identify, default=Identify.CODE)
    decimal_comma = models.BooleanField(default=False)
    history = HistoricalRecords()

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "connection", "stream"), name="feed_mapping_once"),)

    def __str__(self) -> str:
        return f"Columns of {self.get_stream_display()} from connection {self.connection_id}"


class Feed(PublicIdMixin, MerchantModel):
    """A file, how it is read, and the report of its check. A complete one says of an article it leaves out that there
    is none of it, at the locations it names. `goes_on`: the worker that checks it takes it over, too, where nothing is
    in the way."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("Not checked yet")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Checked")
        QUEUED = "queued", _("Waiting to be taken over")
        APPLIED = "applied", _("Taken over")
        FAILED = "failed", _("Not taken over")

    class Mode(models.TextChoices):
        PARTIAL = "partial", _("Some articles: the others stay as they are")
        COMPLETE = "complete", _("All articles: there is none of those left out")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="feeds")
    stream = models.CharField(max_length=20, choices=Stream)
    state = models.CharField(max_length=10, choices=State, default=State.UPLOADED)
    filename = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField(default=0)
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.PARTIAL)
    columns = models.JSONField(default=dict)
    identify = models.CharField(max_length=12, choices=Identify, default=Identify.CODE)
    decimal_comma = models.BooleanField(default=False)
    only_good_rows = models.BooleanField(default=False)
    ignore_brake = models.BooleanField(default=False)
    goes_on = models.BooleanField(default=False)
    report = models.JSONField(default=dict)
    received_at = models.DateTimeField()
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    run = models.OneToOneField(SyncRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="feed")

    class Meta(MerchantModel.Meta):
        indexes = (models.Index(fields=("merchant", "-id"), name="feed_newest"),)

    def __str__(self) -> str:
        return self.filename


class FeedPart(MerchantModel):
    """A piece of the file, compressed: web and worker share nothing but the database."""

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="parts")
    position = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "feed", "position"), name="feed_part_once"),)

    def __str__(self) -> str:
        return f"Part {self.position} of feed {self.feed_id}"
