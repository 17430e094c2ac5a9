"""Sending the mails that were written down.

A mail is claimed (SENDING, committed) before it is handed to the mail server, and marked SENT after. It can arrive
twice only where the worker dies, or the server falls silent, between the server taking it and that mark; it then goes
again after LEASE with the same Message-ID, by which mailboxes tell it is the same.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from email.utils import parseaddr
from random import SystemRandom
from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import QuerySet

from integrations.models import Mail
from integrations.sync.retry import backoff

log = structlog.get_logger(__name__)
LEASE = timedelta(minutes=10)  # longer than a server may be waited for, word by word (EMAIL_TIMEOUT)
MOST_TRIES = 15  # the last about a day after the first
State = Mail.State


def due(at: datetime) -> QuerySet[Mail]:
    """Waiting and due, or left by a worker that died."""
    return Mail.plain.filter(state__in=(State.PENDING, State.SENDING), next_attempt_at__lte=at)


def send(mail_id: int, *, at: datetime) -> str:
    """Try it; the state afterwards, '' where another worker has it."""
    mail = _take(mail_id, at)
    if mail is None:
        return ""
    try:
        _build(mail).send()
    except (SMTPException, OSError, ValueError) as error:  # ValueError: an address or header no mail can have
        log.warning("A mail could not be sent.", mail=mail.pk, error=str(error))
        return _settle_failure(mail, type(error).__name__, at)
    mine = Mail.plain.filter(pk=mail.pk, lease_token=mail.lease_token)
    mine.update(state=State.SENT, sent_at=at, message="")
    return str(State.SENT)


def _take(mail_id: int, at: datetime) -> Mail | None:
    with transaction.atomic():
        mail = due(at).select_for_update(skip_locked=True, of=("self",)).filter(pk=mail_id).first()
        if mail is not None:
            mail.state, mail.lease_token = State.SENDING, secrets.token_hex(16)
            mail.attempts, mail.next_attempt_at = mail.attempts + 1, at + LEASE
            mail.save(update_fields=["state", "lease_token", "attempts", "next_attempt_at"])
    return mail


def _build(mail: Mail) -> EmailMultiAlternatives:
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    headers = {
        "Message-ID": f"<mail-{mail.pk}-{mail.created_at:%Y%m%d%H%M%S}@{host}>",
        "Auto-Submitted": "auto-generated",
    }
    message = EmailMultiAlternatives(mail.subject, mail.text, to=mail.recipients, headers=headers)
    message.attach_alternative(mail.html, "text/html")
    return message


def _settle_failure(mail: Mail, error: str, at: datetime) -> str:
    """Again later, or the end of it; the words leave out what the server said, which may name addresses."""
    state = State.FAILED if mail.attempts >= MOST_TRIES else State.PENDING
    words = f"The mail server did not take it ({error}). See EMAIL_URL."
    Mail.plain.filter(pk=mail.pk, lease_token=mail.lease_token).update(
        state=state, message=words, next_attempt_at=at + backoff(mail.attempts, SystemRandom())
    )
    return str(state)
