"""`Idempotency-Key`: the same request again gets the same answer and does nothing; another body under the key is 409.

Kept 24 hours, by the API key it came with. A request that failed did nothing, so its key may be used again.
https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any, cast

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from portal.base.problems import Problem
from portal.tenancy.models import ApiKey, IdempotencyKey

HEADER = "Idempotency-Key"
PARAMETER = OpenApiParameter(
    name=HEADER,
    location=OpenApiParameter.HEADER,
    description="The same key again gets the same answer and does nothing; with another body it is refused.",
)
LONGEST = 255
KEPT = timedelta(hours=24)
GIVEN_UP = timedelta(minutes=2)  # whoever began so long ago and has not answered has died
RETRY_AFTER_SECONDS = 2

Handler = Callable[..., Response]


def idempotent(handler: Handler) -> Handler:
    """A view's method that changes something in our database and asks nobody else; without the header it runs as it
    is."""
    return _guard(handler, together=True)


def idempotent_beyond(handler: Handler) -> Handler:
    """A view's method that also asks others, so that its work cannot be one transaction: what it makes must be found by
    itself when the request comes again after a crash."""
    return _guard(handler, together=False)


def _guard(handler: Handler, *, together: bool) -> Handler:
    @functools.wraps(handler)
    def answer(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        given = request.headers.get(HEADER, "")
        if not given:
            return handler(view, request, *args, **kwargs)
        if len(given) > LONGEST:
            raise Problem(400, "idempotency_key_too_long", f"A key has at most {LONGEST} characters.")
        now = timezone.now()
        share = str(getattr(request.user, "share", ""))
        named = f"{share}\n{given}" if share else given  # sessions of an app share its key
        row, is_ours = _take(cast("ApiKey", request.auth), named, _fingerprint(request), now)
        if not is_ours:
            return Response(json.loads(bytes(row.answer)), status=row.status)
        try:
            # What it did and what it answered are kept together, or neither.
            with transaction.atomic() if together else nullcontext():
                response = handler(view, request, *args, **kwargs)
                row.status, row.answer = response.status_code, JSONRenderer().render(response.data) or b"null"
                row.save(update_fields=["status", "answer"])
        except Exception:
            row.delete()
            raise
        return response

    return answer


def forget(at: datetime) -> QuerySet[IdempotencyKey]:
    """Those that were kept long enough, to be deleted."""
    return IdempotencyKey.plain.filter(created_at__lt=at - KEPT)


def _take(key: ApiKey, given: str, fingerprint: str, now: datetime) -> tuple[IdempotencyKey, bool]:
    """The row of this key, and whether it is ours to carry the request out; Problem where it is another request's, or
    one in flight."""
    mine = {"merchant_id": key.merchant_id, "api_key": key, "key_hash": _hash(given.encode())}
    row, created = IdempotencyKey.plain.get_or_create(**mine, defaults={"fingerprint": fingerprint, "created_at": now})
    if created:
        return row, True
    over = now - (GIVEN_UP if row.status is None else KEPT)
    if row.created_at < over:
        again = {"fingerprint": fingerprint, "created_at": now, "status": None, "answer": b""}
        if IdempotencyKey.plain.filter(pk=row.pk, created_at=row.created_at).update(**again):
            row.refresh_from_db()
            return row, True
    if row.fingerprint != fingerprint:
        words = "This key was used for another request. Use a new key for each thing you want done."
        raise Problem(409, "idempotency_mismatch", words, field=HEADER)
    if row.status is None:
        words = "The first request with this key is still being carried out; ask again in a moment."
        raise Problem(409, "in_progress", words, field=HEADER, retry_after=RETRY_AFTER_SECONDS)
    return row, False


def _fingerprint(request: Request) -> str:
    """What makes a request another: its method, its address with the query, its body."""
    whole = request._request
    head = f"{whole.method} {whole.get_full_path()}\n".encode()
    return _hash(head + whole.body)


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
