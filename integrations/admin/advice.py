"""What to do about an error, by its code, and what happens next to a connection: words for people."""

from __future__ import annotations

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
}  # fmt: skip
CLASSES = {
    "AUTH_FAILED": gettext_lazy("Not let in"),
    "ACCESS_DENIED": gettext_lazy("Not let in"),
    "REJECTED": gettext_lazy("Refused there"),
    "NOT_FOUND": gettext_lazy("Missing there"),
    "ITEM_MISSING": gettext_lazy("Not mapped"),
    "TAX_MISSING": gettext_lazy("Not mapped"),
    "TAX_UNKNOWN": gettext_lazy("Not mapped"),
    "CUSTOMER_MISSING": gettext_lazy("Not mapped"),
    "AMOUNT_MISMATCH": gettext_lazy("Amounts differ"),
    "CURRENCY_MISMATCH": gettext_lazy("Amounts differ"),
    "OUTCOME_UNKNOWN": gettext_lazy("Outcome unknown"),
    "MULTIPLE_REMOTE_MATCHES": gettext_lazy("Outcome unknown"),
    "WORKER_DIED": gettext_lazy("Our fault"),
    "BUILD_FAILED": gettext_lazy("Our fault"),
    "UNFORESEEN": gettext_lazy("Our fault"),
}


def advise(code: str) -> str:
    """What a person does about it; '' where there is no error."""
    return str(ADVICE.get(code, ADVICE["REJECTED"])) if code else ""


def classify(code: str) -> str:
    return str(CLASSES.get(code, _("Not reached")))


def describe_next(row: Connection) -> str:
    """What happens to this connection if nobody does anything."""
    paused = [str(part) for part, off in _parts(row) if off]
    if row.state == State.DRAFT:
        return _("Nothing happens yet: test the connection, then it watches.")
    if row.state == State.WATCHING:
        return _("It reads and plans, and writes nothing. Go live shows what would change.")
    if row.state == State.NEEDS_REAUTH:
        return _("Nothing is read or sent until it has new credentials; what waits then goes by itself.")
    if row.state in {State.PAUSED, State.DISABLED}:
        return _("Nothing is read or sent, and its webhooks are refused, until it is switched on again.")
    if paused:
        words = _("It reads as always. Sending %(parts)s is paused; what waits goes when you resume.")
        return words % {"parts": ", ".join(paused)}
    return _("It reads and sends by itself; you do nothing.")


def _parts(row: Connection) -> list[tuple[str, bool]]:
    return [(_("orders"), row.orders_paused), (_("stock"), row.stock_paused), (_("prices"), row.prices_paused)]
