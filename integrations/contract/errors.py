"""What a connector may raise: each class says what the engine does next, not what went wrong inside."""

from __future__ import annotations


class ConnectorError(Exception):
    """Base of all. `message` is for operators: what happened, to which record, what to do; never a secret.

    `code` is a stable upper-case word (`REDIRECT_REFUSED`, `AMOUNT_MISMATCH`) that problems are grouped by; `upstream`
    is the platform's own text, kept verbatim and cut at 2,000 characters; `status` its HTTP status, where there was
    one.
    """

    code = "REMOTE_ERROR"

    def __init__(
        self, message: str, *, code: str = "", upstream: str = "", status: int | None = None, field: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.upstream = upstream[:2000]
        self.status = status
        self.field = field


class Retryable(ConnectorError):
    """Nothing happened there, and the same call may succeed later."""

    code = "REMOTE_UNAVAILABLE"


class NotSent(Retryable):
    """The request surely never reached the platform: DNS, connection refused, TLS."""

    code = "NOT_SENT"


class RateLimited(Retryable):
    """The platform asks us to wait. `retry_after` is in seconds, clamped to 1 s … 1 h."""

    code = "RATE_LIMITED"

    def __init__(self, message: str, *, retry_after: float, upstream: str = "", status: int | None = None) -> None:
        super().__init__(message, upstream=upstream, status=status)
        self.retry_after = retry_after


class AuthFailed(ConnectorError):
    """The credentials are not accepted: the connection pauses until a person renews them."""

    code = "AUTH_FAILED"


class Rejected(ConnectorError):
    """The platform understood and refuses: a person must fix the record or the mapping."""

    code = "REJECTED"


class NotFound(Rejected):
    """The record asked for does not exist there."""

    code = "NOT_FOUND"


class Unsupported(ConnectorError):
    """The platform cannot do this at all; the message says so plainly."""

    code = "UNSUPPORTED"


class OutcomeUnknown(ConnectorError):
    """A write was sent and nobody can say whether it took effect: time-out, reset, 5xx, nonsense with 200."""

    code = "OUTCOME_UNKNOWN"


class AddressRefused(ConnectorError):
    """The address is private, odd or not the connection's own; nothing was sent."""

    code = "ADDRESS_NOT_ALLOWED"


class WebhookRejected(ConnectorError):
    """A delivery that is not proven to come from the platform; `status` is what it is answered with."""

    code = "signature_invalid"

    def __init__(self, message: str, *, code: str = "", status: int = 401) -> None:
        super().__init__(message, code=code, status=status)


class PayloadInvalid(ConnectorError):
    """A payload that lacks what its record requires; the record is set aside with its raw text."""

    code = "PAYLOAD_INVALID"
