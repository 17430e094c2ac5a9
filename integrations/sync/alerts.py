"""Telling the merchant's people at once: a problem opened, a connection stopped, credentials are about to end.

A mail names things by our own names, order numbers and sums. It never quotes what a platform said: such words may name
customers, or hold a secret; the page it leads to shows them to whoever may see them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from integrations.models import AlertSetting, Command, Connection, Credential, Mail, Problem
from integrations.models.mail import split_addresses
from integrations.sync.outbox import ring_on_commit
from portal.base.money import describe_money
from portal.tenancy.models import Merchant
from portal.tenancy.services import get_zone, list_owner_addresses

TOLD_AGAIN_AFTER = timedelta(hours=1)  # what closes and opens by the minute is told once an hour
EXPIRY_TOLD = timedelta(days=14)
LONGEST_SUBJECT = 200
State = Connection.State


def write_mail(
    *,
    merchant: Merchant,
    key: str,
    about: str,
    subject: str,
    template: str,
    context: dict[str, Any],
    at: datetime,
    kind: str = "alerts",
) -> Mail | None:
    """Write a mail down in the caller's transaction, once for `key`. None where nobody wants such (`kind`: alerts or
    digest) or nobody is there to be told. `context["path"]` is the page it leads to."""
    setting = read_setting(merchant.pk)
    recipients = split_addresses(setting.addresses) or list_owner_addresses(merchant.pk)
    if not getattr(setting, kind) or not recipients:
        return None
    subject = " ".join(f"{merchant.name}: {subject}".split())[:LONGEST_SUBJECT]
    link = f"{settings.PUBLIC_URL}{context['path']}" if settings.PUBLIC_URL else ""
    whole = {**context, "merchant": merchant, "subject": subject, "link": link, "at": at.astimezone(get_zone(merchant))}
    mail, created = Mail.plain.get_or_create(
        merchant=merchant,
        key=key,
        defaults={
            "about": about,
            "recipients": recipients,
            "subject": subject,
            "text": render_to_string(f"email/{template}.txt", whole).strip() + "\n",
            "html": render_to_string(f"email/{template}.html", whole),
            "next_attempt_at": at,
            "created_at": at,
        },
    )
    if created:
        ring_on_commit("integrations.mail", mail_ids=[mail.pk])
    return mail


def read_setting(merchant_id: int) -> AlertSetting:
    """What the merchant said, or what holds until he does (not saved)."""
    return AlertSetting.plain.filter(merchant_id=merchant_id).first() or AlertSetting(merchant_id=merchant_id)


def tell_problem(problem: Problem, command: Command, *, at: datetime) -> None:
    """It opened, for the first time or again."""
    where = problem.connection.name if problem.connection else _("The portal")
    what, worth = command.kind.replace("_", " "), _worth(command.amount, command.currency)
    facts = {"where": where, "what": what, "reference": command.reference, "worth": worth}
    if command.state == Command.State.NEEDS_HUMAN:
        subject = _("%(where)s: nobody can tell whether %(reference)s arrived") % facts
        words = _("We asked %(where)s to %(what)s (%(reference)s%(worth)s), and cannot tell whether it did.") % facts
        todo = _("Look there, then say on the message's page whether it is there. Until then it is not sent again.")
    else:
        subject = _("%(where)s refuses %(reference)s") % facts
        words = _("We asked %(where)s to %(what)s (%(reference)s%(worth)s), and it refused.") % facts
        todo = _("Its answer and what to do about it are on the problem's page. Nothing is lost: it waits there.")
    path = f"/admin/integrations/problem/{problem.pk}/change/"
    _tell(problem.merchant, f"problem:{problem.pk}", subject, [words, todo], path, at)


def tell_unread(problem: Problem, *, at: datetime) -> None:
    """What came in could not be taken over, or a run failed. Not where the connection stopped over it and says so."""
    if problem.connection is None or problem.connection.state in (State.NEEDS_REAUTH, State.PAUSED):
        return
    where = {"where": problem.connection.name}
    if problem.kind.startswith("read_"):
        subject = _("%(where)s: a record could not be taken over") % where
        words = _("A record came from %(where)s and could not be taken over. It is kept as it came.") % where
    else:
        subject = _("%(where)s: a run failed") % where
        words = _("A run of a flow with %(where)s failed. What it had taken over stays.") % where
    todo = _("Why, and what to do about it, is on the problem's page. It closes by itself once it goes well.")
    path = f"/admin/integrations/problem/{problem.pk}/change/"
    _tell(problem.merchant, f"problem:{problem.pk}", subject, [words, todo], path, at)


def stop_connection(
    connection_id: int, *, state: Connection.State, reason: str, among: tuple[str, ...], at: datetime
) -> bool:
    """Move a connection that is in one of these states to one that stops it, and tell so; False where it was in none.
    Of many workers that meet the same refusal one tells."""
    with transaction.atomic():
        rows = Connection.plain.filter(pk=connection_id, state__in=among).exclude(state=state)
        if not rows.update(state=state, state_reason=reason[:500]):
            return False
        tell_connection(Connection.plain.select_related("merchant").get(pk=connection_id), at=at)
    return True


def tell_connection(connection: Connection, *, at: datetime) -> None:
    """It needs new credentials, was paused, or works only in part."""
    name = {"name": connection.name}
    found: dict[str, tuple[str, str, str]] = {
        State.NEEDS_REAUTH: (
            _("%(name)s does not let us in any more") % name,
            _("%(name)s refuses our credentials: nothing is read from it and nothing is sent to it.") % name,
            _("Enter new credentials. What waits goes on by itself; nothing is lost."),
        ),
        State.PAUSED: (
            _("%(name)s is paused") % name,
            _("%(name)s was paused: nothing is read from it and nothing is sent to it.") % name,
            _("It is tested every 5 minutes and goes on by itself, 5 messages first. What waits is kept."),
        ),
        State.DEGRADED: (
            _("%(name)s works only in part") % name,
            _("%(name)s fails often; it is still read and written to, and slower.") % name,
            _("See what it answers on its page. What fails is tried again by itself."),
        ),
    }
    if connection.state in found:
        subject, words, todo = found[connection.state]
        path = f"/admin/integrations/connection/{connection.pk}/change/"
        _tell(connection.merchant, f"connection:{connection.pk}:{connection.state}", subject, [words, todo], path, at)


def tell_paused(connection: Connection, parts: tuple[str, ...], *, at: datetime) -> None:
    """A person stopped sending these parts there; receiving goes on."""
    facts = {"name": connection.name, "parts": ", ".join(_(part) for part in parts)}
    lines = [
        _("Sending to %(name)s is paused for %(parts)s; receiving goes on.") % facts,
        _("It stays so until somebody presses Resume on the connection's page."),
    ]
    path = f"/admin/integrations/connection/{connection.pk}/change/"
    about = f"connection:{connection.pk}:pause:{','.join(parts)}"
    _tell(connection.merchant, about, _("sending to %(name)s is paused") % facts, lines, path, at)


def tell_expiring(at: datetime) -> int:
    """Credentials that end within a fortnight or have ended, each end told once; how many were told now."""
    ending = Credential.plain.filter(expires_at__lte=at + EXPIRY_TOLD, connection__merchant__is_active=True)
    told = 0
    for one in ending.exclude(connection__state=State.DISABLED).select_related("connection__merchant").order_by("pk"):
        if one.expires_at is None:
            continue
        merchant, name = one.connection.merchant, one.connection.name
        facts = {"name": name, "when": f"{one.expires_at.astimezone(get_zone(merchant)):%Y-%m-%d %H:%M}"}
        ended = one.expires_at <= at
        subject = _("the credentials of %(name)s ended") if ended else _("the credentials of %(name)s end soon")
        words = _("They ended on %(when)s.") if ended else _("They end on %(when)s; after that nothing goes through.")
        todo = _("Renew them on the connection's page, under Credentials.")
        key = f"credential:{one.pk}:{one.expires_at:%Y-%m-%d}"
        if Mail.plain.filter(merchant=merchant, key=key).exists():
            continue
        path = f"/admin/integrations/connection/{one.connection_id}/change/?tab=credentials"
        context = {"lines": [words % facts, todo], "path": path}
        mail = write_mail(
            merchant=merchant, key=key, about=key, subject=subject % facts, template="alert", context=context, at=at
        )
        told += mail is not None
    return told


def _tell(merchant: Merchant, about: str, subject: str, lines: list[str], path: str, at: datetime) -> None:
    lately = Mail.plain.filter(merchant=merchant, about=about[:60], created_at__gt=at - TOLD_AGAIN_AFTER)
    if not lately.exists():
        write_mail(
            merchant=merchant,
            key=f"{about[:60]}:{at.isoformat()}",
            about=about[:60],
            subject=subject,
            template="alert",
            context={"lines": lines, "path": path},
            at=at,
        )


def _worth(amount: Decimal, currency: str) -> str:
    return f", {describe_money(amount, currency)}" if amount and currency else ""
