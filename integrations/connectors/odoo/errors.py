"""What Odoo's errors mean, through whichever door they come.

https://www.odoo.com/documentation/19.0/developer/reference/external_api.html, "Error"; the exceptions are those of
https://github.com/odoo/odoo/blob/19.0/odoo/exceptions.py.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from integrations.contract.errors import AuthFailed, ConnectorError, NotFound, OutcomeUnknown, Rejected, Retryable
from integrations.contract.http import Response

Row = dict[str, Any]
ERROR_KEYS = frozenset({"name", "message", "arguments", "context", "debug"})
# Errors of the database that prove a rollback; Odoo has already retried these five times by itself.
ROLLED_BACK = frozenset(
    {
        "SerializationFailure",
        "TransactionRollbackError",
        "DeadlockDetected",
        "LockNotAvailable",
        "ReadOnlySqlTransaction",
        "QueryCanceled",
        "QueryCanceledError",
    }
)
# The connection to the database broke, maybe while committing: a write's outcome is open.
DATABASE_LOST = frozenset({"OperationalError", "InterfaceError", "AdminShutdown", "CrashShutdown", "PoolError"})


def error_body(response: Response) -> Row | None:
    """Odoo's own description of an exception, or None where the answer is not Odoo's."""
    try:
        body = json.loads(response.body)
    except ValueError:
        return None
    if isinstance(body, dict) and body.keys() >= ERROR_KEYS and isinstance(body["name"], str) and "." in body["name"]:
        return body
    return None


def raise_for_error(response: Response, *, write: bool, what: str) -> None:
    """Raise what an error answer means.

    The exception's name in the body proves that Odoo caught it and rolled back, so a 500 with such a body (an unknown
    field gives `builtins.ValueError` with 500) is a definite refusal. A 5xx without it came from a proxy or a dying
    server and leaves a write open. AccessError does not pause the connection: the key is good, one right is missing,
    and the other flows can go on.
    """
    if 200 <= response.status < 300:
        return
    body = error_body(response)
    if body is None:
        response.raise_for_status()
        raise ConnectorError(f"Odoo answered {what} with {response.status}.", status=response.status)
    raise_exception(body, response.status, write=write, what=what)


def raise_exception(body: Row, status: int = 0, *, write: bool, what: str) -> NoReturn:
    """`body`: the exception's `name` and `message`. `status`: of the answer, 0 at a door that has none for it."""
    module, _, name = body["name"].rpartition(".")
    words = str(body["message"])
    said: dict[str, Any] = {"upstream": words, "status": status or None}
    if status == 401 or name in {"AccessDenied", "SessionExpiredException", "Unauthorized"}:
        raise AuthFailed("Odoo does not accept the API key: make a new one and save it here.", **said)
    if name == "AccessError" or status == 403:
        raise Rejected(f"Odoo's user may not do {what}: give it the right. {words}", code="ACCESS_DENIED", **said)
    if name in {"MissingError", "NotFound"} or status == 404:
        raise NotFound(f"Odoo does not find what {what} is about: {words}", **said)
    if name in ROLLED_BACK or name in {"LockError", "ConcurrencyError"} or status == 409:
        raise Retryable(f"Odoo was busy with the same records in {what}; it will be tried again.", code="BUSY", **said)
    if name in DATABASE_LOST and module.startswith("psycopg"):
        kind = OutcomeUnknown if write else Retryable
        raise kind(f"Odoo lost its database during {what}.", **said)
    if status == 429 or status == 503:
        raise Retryable(f"Odoo is overloaded ({what}); it will be tried again.", **said)
    if status >= 500 or (not status and not module.startswith("odoo")):
        raise Rejected(f"Odoo failed in {what} and undid it: {words}", code="ODOO_ERROR", **said)
    raise Rejected(f"Odoo refuses {what}: {words}", **said)
