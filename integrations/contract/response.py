"""A platform's whole answer, and what its status and body mean for the engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import urlsplit

from requests.structures import CaseInsensitiveDict

from integrations.contract.errors import (
    AuthFailed,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Retryable,
)
from integrations.contract.xmltext import parse_xml

DEEPEST = 100
LONGEST_NUMBER = 400  # characters, and powers of ten: more than any double
UNEXPECTED = "REMOTE_UNEXPECTED_CONTENT"


class Response:
    """An answer: `body` is decoded and complete. `write` says whether the request was one; `redact` takes this client's
    secrets out of a text, for a platform may echo them in its error."""

    def __init__(
        self,
        *,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        url: str,
        write: bool,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.status = status
        self.headers: CaseInsensitiveDict[str] = CaseInsensitiveDict(headers)
        self.body = body
        self.url = url
        self.write = write
        self.redact = redact

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:
        """The body as JSON, fractions as Decimal. A body that is none proves nothing: OutcomeUnknown after a write,
        Retryable after a read, both REMOTE_UNEXPECTED_CONTENT."""
        try:
            value = json.loads(
                self.body, parse_float=_parse_decimal, parse_constant=_no_constant, object_pairs_hook=_no_duplicates
            )
            _check_depth(value)
        except (ValueError, RecursionError) as error:
            words = f"The platform answered {self.status} with something that is not the JSON it should be: {error}"
            raise self._unsure(words, UNEXPECTED) from error
        return value

    def xml(self) -> dict[str, Any]:
        """The body as parse_xml reads it; where it is no such XML, as with json()."""
        try:
            return parse_xml(self.body)
        except ValueError as error:
            words = f"The platform answered {self.status} with something that is not the XML it should be: {error}"
            raise self._unsure(words, UNEXPECTED) from error

    def raise_for_status(self, describe: Callable[[Response], str] | None = None) -> None:
        """Nothing for 2xx; else the error that says what to do. `describe` finds the platform's own words."""
        status = self.status
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            place = self.redact(urlsplit(self.headers.get("Location", "")).netloc.rpartition("@")[2])
            raise self._unsure(f"The platform redirects ({status}) to {place or 'itself'}: not followed. Check the "
                               "connection's address.", "REDIRECT_REFUSED")  # fmt: skip
        words = self.redact((describe(self) if describe else "") or self.text[:2000])
        message = f"The platform answered {status}: {words[:500]}"
        if status in {401, 403}:
            raise AuthFailed(message, upstream=words, status=status)
        if status == 404:
            raise NotFound(message, upstream=words, status=status)
        wait = self.headers.get("Retry-After")
        if status == 429 or (status == 503 and wait and not self.write):
            raise RateLimited(message, retry_after=parse_retry_after(wait), upstream=words, status=status)
        if status in {408, 425} or status >= 500 or status < 200:
            kind = OutcomeUnknown if self.write else Retryable
            raise kind(message, upstream=words, status=status)
        raise Rejected(message, upstream=words, status=status)

    def _unsure(self, message: str, code: str) -> OutcomeUnknown | Retryable:
        kind = OutcomeUnknown if self.write else Retryable
        return kind(message, code=code, upstream=self.redact(self.text[:2000]), status=self.status)


def parse_retry_after(value: str | None, now: datetime | None = None) -> float:
    """Seconds to wait, from seconds or an HTTP date (RFC 9110, 10.2.3), clamped to 1 s … 1 h; 1 s for nonsense."""
    text = (value or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text, now or datetime.now(UTC))
    return min(max(seconds, 1.0), 3600.0) if seconds == seconds else 1.0  # not a number is unlike itself


def _seconds_until(date: str, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except (TypeError, ValueError, IndexError, OverflowError):
        return 1.0
    if moment.tzinfo is None:  # "-0000" and a missing zone: HTTP dates are always GMT
        moment = moment.replace(tzinfo=UTC)
    return (moment - now).total_seconds()


def _parse_decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("a number cannot be read") from error
    if len(text) > LONGEST_NUMBER or abs(number.adjusted()) > LONGEST_NUMBER:
        raise ValueError("a number is too long")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return found


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {DEEPEST}")
