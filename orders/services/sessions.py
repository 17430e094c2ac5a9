"""Customers' sessions: opened for a named customer, or with a one-time code; each sees one customer and ends.

Tokens and codes are kept as SHA-256 only. A code is six digits, good for ten minutes and five tries, and the answer to
who asks for one is the same whether we know him or not.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import connections, transaction
from django.db.models import F
from django.utils import timezone

from integrations.models import Connection, Link, Stream
from orders.mapping.sales import BadValue, Buyer
from orders.models import Customer, CustomerSession, LoginCode
from orders.services.customers import normalise_phone
from orders.services.identity import list_known
from orders.services.sales import find_customer
from portal.base.api import SESSION_BEGIN, SessionHolder
from portal.tenancy.models import ApiKey

log = structlog.get_logger(__name__)
LASTS = timedelta(hours=12)
CODE_LASTS = timedelta(minutes=10)
MOST_TRIES = 5
MOST_CODES = 5  # a customer is sent in CODE_LASTS: nobody fills his mailbox
DIGITS = 6


class CodeRefused(Exception):
    """The code is wrong, used, too old, or tried too often; nobody is told which."""


def find_session(token: str) -> tuple[SessionHolder, ApiKey] | None:
    """Whose session this token is, and the key it was opened with; None where it is over."""
    rows = CustomerSession.plain.select_related("api_key__merchant")
    session = rows.filter(token_hash=_hash(token)).first()
    if session is None or session.ends_at <= timezone.now() or not session.api_key.is_working:
        return None
    customer = _find_by_key(session.customer_id)  # two may have been made one meanwhile
    if customer is None:
        return None
    holder = SessionHolder(
        session_id=session.pk, customer_id=customer.pk, customer_group=customer.customer_group, share=session.public_id
    )
    return holder, session.api_key


@transaction.atomic
def open_session(*, key: ApiKey, customer: Customer, at: datetime) -> tuple[CustomerSession, str]:
    """The session, and its token, which is told once."""
    token = f"{SESSION_BEGIN}{secrets.token_urlsafe(32)}"
    session = CustomerSession(
        merchant_id=key.merchant_id,
        api_key=key,
        customer=customer,
        token_hash=_hash(token),
        opened_at=at,
        ends_at=at + LASTS,
    )
    session.save()
    return session, token


def close(session_id: int) -> None:
    """Logged out: the session is gone, and all that was read for it. Nobody is asked."""
    CustomerSession.plain.filter(pk=session_id).delete()


def forget(at: datetime) -> int:
    """Delete what is over; how many rows."""
    _, over = CustomerSession.plain.filter(ends_at__lte=at).delete()
    _, codes = LoginCode.plain.filter(asked_at__lte=at - CODE_LASTS).delete()
    return over.get("orders.CustomerSession", 0) + codes.get("orders.LoginCode", 0)


# --- who it is --------------------------------------------------------------------------------------------------------


def find_named(connection: Connection, named: Buyer) -> Customer:
    """The one customer meant: by our id, the connection's code, phone or e-mail. BadValue where it is nobody, or
    several."""
    found = _list_meant(connection, named)
    if len(found) == 1:
        return found[0]
    if found:
        words = "Several customers are meant: name one by his id or code."
        raise BadValue("customer_ambiguous", words, "customer", 409)
    raise BadValue("customer_unknown", "There is no such customer.", "customer", 404)


def _list_meant(connection: Connection, named: Buyer) -> list[Customer]:
    merchant_id = connection.merchant_id
    if named.id:
        one = find_customer(connection, named.id)
        return [one] if one else []
    if named.code:
        links = Link.plain.filter(connection=connection, stream=Stream.CUSTOMER, external_id=named.code)
        ids = list(links.values_list("subject_id", flat=True)[:1])
        return [one for pk in ids if (one := _find_by_key(pk)) is not None]
    if named.phone:
        phone = normalise_phone(named.phone, connection.merchant.country)
        return list(list_known(merchant_id, "phone", phone)[:2]) if phone else []
    return list(list_known(merchant_id, "email", named.email)[:2]) if named.email else []


def _find_by_key(pk: int) -> Customer | None:
    customer = Customer.plain.filter(pk=pk, erased_at__isnull=True).first()
    while customer is not None and customer.merged_into_id is not None:
        customer = Customer.plain.filter(pk=customer.merged_into_id, erased_at__isnull=True).first()
    return customer


# --- one-time codes ---------------------------------------------------------------------------------------------------


def ask_code(*, key: ApiKey, connection: Connection, named: Buyer, at: datetime) -> LoginCode:
    """Send a code to the e-mail on file of whoever is meant. Of nobody, of several, and of one without an e-mail the
    row is the same, and leads nowhere."""
    meant = _list_meant(connection, named)
    customer = meant[0] if len(meant) == 1 and meant[0].email else None
    if customer is not None:
        recent = LoginCode.plain.filter(customer=customer, asked_at__gt=at - CODE_LASTS)
        if recent.count() >= MOST_CODES:
            customer = None
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    row = LoginCode(merchant_id=key.merchant_id, api_key=key, customer=customer, asked_at=at)
    row.code_hash = _hash(f"{row.public_id}:{code}")
    row.save()
    if customer is not None:
        _send(customer.email, code, connection.merchant.name)
    return row


def redeem(*, key: ApiKey, challenge: str, code: str, at: datetime) -> tuple[CustomerSession, str]:
    """A session for who was sent this code. CodeRefused after five tries, ten minutes, or one success."""
    mine = LoginCode.plain.filter(api_key=key, public_id=challenge, asked_at__gt=at - CODE_LASTS)
    # Each try is counted before it is looked at, so that many at once are no more than five.
    counted = mine.filter(tries__lt=MOST_TRIES).update(tries=F("tries") + 1)
    row = mine.select_related("customer").first() if counted else None
    if row is None or not hmac.compare_digest(row.code_hash, _hash(f"{row.public_id}:{code}")) or row.customer is None:
        raise CodeRefused
    with transaction.atomic():
        if not LoginCode.plain.filter(pk=row.pk).delete()[0]:
            raise CodeRefused  # redeemed in the same moment
        return open_session(key=key, customer=row.customer, at=at)


def _send(address: str, code: str, merchant: str) -> None:
    """In a thread of its own: how long the mail server takes would tell that there is a customer. The code is in no
    database; where the mail is lost, he asks for another."""
    words = (
        f"Your code for {merchant} is {code}.\n\nIt works once, for ten minutes. If you did not ask for it, ignore this"
        " e-mail: without the code nobody gets in."
    )

    def send() -> None:
        try:
            send_mail(f"{code} is your code for {merchant}", words, settings.DEFAULT_FROM_EMAIL, [address])
        except (OSError, ValueError):  # SMTPException is an OSError
            log.warning("A login code could not be sent. See EMAIL_URL.", exc_info=True)
        finally:
            connections.close_all()

    threading.Thread(target=send, daemon=True, name="login-code").start()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
