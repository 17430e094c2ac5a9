"""What to do about an error, by its code, and what happens next to a connection: words for people."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.models import Connection

State = Connection.State
ADVICE = {
    "AUTH_FAILED": gettext_lazy("Enter new credentials under Credentials, then test the connection."),
    "CREDENTIALS_MISSING": gettext_lazy("Enter the missing credential under Credentials, then test the connection."),
    "KEY_MISSING": gettext_lazy("Ask your operator: the key that sealed the credentials is not configured."),
    "KEY_WRONG": gettext_lazy("Ask your operator: the credentials cannot be opened with the configured key."),
    "CREDENTIAL_MISPLACED": gettext_lazy("Ask your operator: the stored credentials belong to another connection."),
    "ACCESS_DENIED": gettext_lazy("Give the user of these credentials the right to do this there, then send again."),
    "NOT_SENT": gettext_lazy("Check the address in the settings, and that the system is running and reachable."),
    "DNS_FAILED": gettext_lazy("Check the address in the settings: there is no server of that name."),
    "NOT_REACHED": gettext_lazy("Check the address in the settings, and that the system is running and reachable."),
    "ADDRESS_NOT_ALLOWED": gettext_lazy("Use a public address, or ask your operator to allow this one."),
    "REDIRECT_REFUSED": gettext_lazy("Enter the address the system redirects to, usually with https:// or www."),
    "REMOTE_UNAVAILABLE": gettext_lazy("Nothing: it is tried again by itself until the system answers."),
    "REMOTE_TIMEOUT": gettext_lazy("Nothing: it is tried again by itself. If it goes on, allow longer requests."),
    "CONNECTION_LOST": gettext_lazy("Nothing: it is tried again by itself."),
    "BUSY": gettext_lazy("Nothing: it is tried again by itself."),
    "RATE_LIMITED": gettext_lazy("Nothing: it goes on as soon as the system allows."),
    "REMOTE_UNEXPECTED_CONTENT": gettext_lazy("Check the address: a web page answered where the interface should."),
    "REJECTED": gettext_lazy("Mend what the system complains about, there or in the mapping, then send again."),
    "ODOO_ERROR": gettext_lazy("Read its words: mend it there, or show them to whoever looks after that system."),
    "ID_INVALID": gettext_lazy("Map the record anew: the id it is mapped to is none there."),
    "QUANTITY_INVALID": gettext_lazy("Correct the quantity in the shop, or how many base units the article is."),
    "READ_BACK_DIFFERS": gettext_lazy("Open the document there, compare it, then decide for each order."),
    "NOT_FOUND": gettext_lazy("The record is not there (any more): map it anew, or create it there, then send again."),
    "ITEM_MISSING": gettext_lazy("Map the article or the special line, then send again."),
    "TAX_MISSING": gettext_lazy("Map the tax under Values, then send again."),
    "TAX_UNKNOWN": gettext_lazy("Map the tax under Values, then send again."),
    "CUSTOMER_MISSING": gettext_lazy("Name the customer guests are booked on, in the connection's settings."),
    "AMOUNT_MISMATCH": gettext_lazy("Open the document there, compare the totals, then decide for each order."),
    "CURRENCY_MISMATCH": gettext_lazy("Give the system a price list or journal in the shop's currency."),
    "OUTCOME_UNKNOWN": gettext_lazy("Look in the system whether it is there, then decide for each order."),
    "MULTIPLE_REMOTE_MATCHES": gettext_lazy("Look which of the documents there is the right one, then pick it."),
    "BUILD_FAILED": gettext_lazy("Report it to your operator: it could not be put together here."),
    "WORKER_DIED": gettext_lazy("Report it to your operator: the work was cut off several times."),
    "UNFORESEEN": gettext_lazy("Report it to your operator, with the words above."),
    "BRAKE": gettext_lazy("Look at what would change; if it is right, run it again past the brake."),
    "RULE_FAILED": gettext_lazy("Correct the field rule, try it on this order there, publish it, then release."),
    "TEMPLATE_FAILED": gettext_lazy("Correct the call's template in the connection's settings, try it, then release."),
    "FIELD_UNKNOWN": gettext_lazy("Correct the field's name in the field rule or the settings, then release."),
    "FRACTION": gettext_lazy("Correct how many base units the article is: what is sent must be whole pieces."),
    "STATUS_MISSING": gettext_lazy("Say under Values what this status is called in the shop, then release."),
    "PAYMENT_UNMAPPED": gettext_lazy("Map the way of paying under Values, then release."),
    "ORDER_MISSING": gettext_lazy("Enter the invoice by hand, or place its order there first, then release."),
    "CUSTOMER_ERASED": gettext_lazy("Say “never send”: the person asked to be forgotten."),
    "NOTHING_TO_SHIP": gettext_lazy("Look what is shipped or held there; if all of it went, say “it is there”."),
    "PRICE_INVALID": gettext_lazy("Enter it there by hand: its line makes no price a piece that the system takes."),
    "CURRENCY_OTHER": gettext_lazy("Refund it there, in the buyer's currency, then say “it is there”."),
    "NOTHING_DELIVERED": gettext_lazy("Book the delivery there, or let it invoice what was ordered, then release."),
    "SEVERAL": gettext_lazy("Look which of the documents there is the right one, then pick it."),
    "FILE_REFUSED": gettext_lazy("Check the file's address, and that it may be read without a login."),
    "PAGINATION_LOOP": gettext_lazy("Report it to whoever looks after that system: its pages go round in a circle."),
    "RESPONSE_TOO_LARGE": gettext_lazy("Ask for less at once: smaller pages, or fewer fields, in the settings."),
    "RENEWING": gettext_lazy("Nothing: it is tried again by itself."),
    "LEASE_RAN_OUT": gettext_lazy("Nothing: it is tried again by itself. If it goes on, allow longer requests."),
    "DATABASE": gettext_lazy("Nothing: it is tried again by itself. If it goes on, tell your operator."),
    "UNBALANCED": gettext_lazy("Report it to your operator: what was read does not add up; nothing of it was kept."),
    "REMOTE_ERROR": gettext_lazy("Read its words: mend it there, or show them to whoever looks after that system."),
    "TOO_SLOW": gettext_lazy("Try again. If it goes on, allow longer requests, or ask that system's people why."),
    "SET_ASIDE": gettext_lazy("Complete the record there and save it: it comes again. Or apply it again from here."),
    "APPLY_FAILED": gettext_lazy("Report it to your operator, then apply it again; the record is kept as it came."),
    "payload_invalid": gettext_lazy("Ask the platform to send it again; if it is no word of its own, ignore it."),
}  # fmt: skip
# What kind of error it is: the key, its words, its usual cause, and the codes that are of it.
KINDS: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    "value": (
        gettext_lazy("Value missing"),
        gettext_lazy("Something the document needs was never filled in, here or in the shop."),
        ("CUSTOMER_MISSING", "QUANTITY_INVALID", "NOTHING_DELIVERED", "ORDER_MISSING", "CUSTOMER_ERASED",
         "PRICE_INVALID"),
    ),
    "mapping": (
        gettext_lazy("Not mapped"),
        gettext_lazy("We do not know what something is called there, or it is called otherwise there by now."),
        (
            "ITEM_MISSING", "TAX_MISSING", "TAX_UNKNOWN", "NOT_FOUND", "ID_INVALID", "RULE_FAILED", "TEMPLATE_FAILED",
            "FIELD_UNKNOWN", "FRACTION", "STATUS_MISSING", "PAYMENT_UNMAPPED",
        ),
    ),
    "credentials": (
        gettext_lazy("Not let in"),
        gettext_lazy("The password or key was changed there, has run out, or may not do this."),
        ("AUTH_FAILED", "ACCESS_DENIED", "CREDENTIALS_MISSING", "KEY_MISSING", "KEY_WRONG", "CREDENTIAL_MISPLACED"),
    ),
    "rate": (
        gettext_lazy("Too many calls"),
        gettext_lazy("The system allows only so many calls in a while, and others use it as well."),
        ("RATE_LIMITED", "BUSY"),
    ),
    "fault": (
        gettext_lazy("Fails there"),
        gettext_lazy("The system is down, slow, or answered with something that is no answer."),
        (
            "REMOTE_UNAVAILABLE", "REMOTE_TIMEOUT", "CONNECTION_LOST", "REMOTE_UNEXPECTED_CONTENT", "NOT_SENT",
            "DNS_FAILED", "NOT_REACHED", "REDIRECT_REFUSED", "ADDRESS_NOT_ALLOWED", "OUTCOME_UNKNOWN", "RENEWING",
            "PAGINATION_LOOP", "RESPONSE_TOO_LARGE", "REMOTE_ERROR", "SET_ASIDE", "payload_invalid", "FILE_REFUSED",
            "TOO_SLOW",
        ),
    ),
    "mismatch": (
        gettext_lazy("Does not agree"),
        gettext_lazy("What is there is not what we sent: another total, currency or number of lines, or it is twice."),
        ("AMOUNT_MISMATCH", "CURRENCY_MISMATCH", "CURRENCY_OTHER", "MULTIPLE_REMOTE_MATCHES", "NOTHING_TO_SHIP",
         "READ_BACK_DIFFERS", "SEVERAL"),
    ),
    "ours": (
        gettext_lazy("Our fault"),
        gettext_lazy("The portal itself failed; the record is kept as it was."),
        (
            "WORKER_DIED", "BUILD_FAILED", "UNFORESEEN", "LEASE_RAN_OUT", "DATABASE", "APPLY_FAILED", "UNBALANCED",
        ),
    ),
    "brake": (
        gettext_lazy("Stopped by the brake"),
        gettext_lazy("So much would change at once that it may be a mistake; nothing was sent."),
        ("BRAKE",),
    ),
}  # fmt: skip
REFUSED = gettext_lazy("Refused there")
REFUSED_CAUSE = gettext_lazy("The system understood what we sent and does not take it; its own words say why.")
REFUSAL = "refusal"  # whatever else a platform says
_BY_CODE = {code: kind for kind, (*_words, codes) in KINDS.items() for code in codes}


def advise(code: str) -> str:
    """What a person does about it; '' where there is no error."""
    return str(ADVICE.get(code, ADVICE["REJECTED"])) if code else ""


def classify(code: str) -> str:
    """The class of an error, in words."""
    kind = _BY_CODE.get(code)
    return str(KINDS[kind][0] if kind else REFUSED)


def find_cause(code: str) -> str:
    """Why such errors happen, in plain words."""
    kind = _BY_CODE.get(code)
    return str(KINDS[kind][1] if kind else REFUSED_CAUSE)


def find_kind(code: str) -> str:
    """The key of its class."""
    return _BY_CODE.get(code, REFUSAL)


def list_kinds() -> list[tuple[str, str]]:
    """Every class, as a filter offers it."""
    return [*((kind, str(words)) for kind, (words, *_) in KINDS.items()), (REFUSAL, str(REFUSED))]


def list_codes(kind: str) -> tuple[str, ...]:
    """The codes of one class; of REFUSAL, those of all others."""
    return KINDS[kind][2] if kind in KINDS else tuple(_BY_CODE)


def describe_next(row: Connection) -> str:
    """What happens to this connection if nobody does anything."""
    paused = [str(part) for part, off in _parts(row) if off]
    if row.state == State.DRAFT:
        return _("Nothing happens yet: test the connection, then it watches.")
    if row.state == State.WATCHING:
        return _("It reads and plans, and writes nothing. Go live shows what would change.")
    if row.state == State.NEEDS_REAUTH:
        return _("Nothing is read or sent until it has new credentials; what waits then goes by itself.")
    if row.state == State.PAUSED:
        return _("Nothing is read or sent. It is tested every 5 minutes, and goes on by itself, 5 messages first.")
    if row.state == State.DISABLED:
        return _("Nothing is read or sent, and its webhooks are refused, until it is switched on again.")
    if paused:
        words = _("It reads as always. Sending %(parts)s is paused; what waits goes when you resume.")
        return words % {"parts": ", ".join(paused)}
    return _("It reads and sends by itself; you do nothing.")


def _parts(row: Connection) -> list[tuple[str, bool]]:
    return [(_("orders"), row.orders_paused), (_("stock"), row.stock_paused), (_("prices"), row.prices_paused)]
