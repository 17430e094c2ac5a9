"""What a source counts, beside what of it is here."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.models.connection import Connection
from integrations.models.flow import Stream
from integrations.models.run import SyncRun
from portal.tenancy.scoping import MerchantModel


class SourceCount(MerchantModel):
    """The last time a source was asked how many there are (changed since `since`; None: of all time)."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="source_counts")
    stream = models.CharField(max_length=20, choices=Stream)
    since = models.DateTimeField(null=True, blank=True)
    theirs = models.PositiveIntegerField(null=True, blank=True)
    ours = models.PositiveIntegerField(default=0)
    run = models.ForeignKey(SyncRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    error = models.CharField(max_length=500, blank=True, default="")
    checked_at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "connection", "stream"), name="sourcecount_once"),)

    def __str__(self) -> str:
        return self.describe()

    @property
    def differs(self) -> bool:
        return self.theirs != self.ours

    def describe(self) -> str:
        """What was found, in words, and what is done about it."""
        what = self.get_stream_display().lower()
        if self.theirs is None:
            return _("%(shop)s did not say how many %(what)s it has: %(error)s") % {
                "shop": self.connection.name, "what": what, "error": self.error,
            }  # fmt: skip
        since = _(" changed since %(when)s") % {"when": f"{self.since:%Y-%m-%d %H:%M} UTC"} if self.since else ""
        facts = {"shop": self.connection.name, "what": what, "since": since, "theirs": self.theirs, "ours": self.ours}
        if not self.differs:
            return _("%(shop)s has %(theirs)s %(what)s%(since)s, and so many are here.") % facts
        words = _("%(shop)s has %(theirs)s %(what)s%(since)s, here are %(ours)s.") % facts
        gap = abs(self.theirs - self.ours)
        more = ngettext("%d is missing here", "%d are missing here", gap) % gap
        less = ngettext("%d is not there any more", "%d are not there any more", gap) % gap
        then = _("they are read again.") if self.run_id else _("nothing reads them: add their flow to the connection.")
        return f"{words} {more if self.theirs > self.ours else less}; {then}"
