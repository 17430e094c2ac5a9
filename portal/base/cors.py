"""Pages of other origins may call the API with an app's key, from exactly the origins that key allows.

https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse

from portal.tenancy.models import ApiKey, KeyOrigin

EXPOSED = "ETag, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Location"
TAKEN = "Authorization, Content-Type, Idempotency-Key, If-None-Match, If-Match, X-Request-Id"
KEPT_SECONDS = 600


def is_preflight(request: HttpRequest) -> bool:
    return (
        request.method == "OPTIONS"
        and "Origin" in request.headers
        and "Access-Control-Request-Method" in request.headers
    )


def answer_preflight(request: HttpRequest, methods: list[str]) -> HttpResponse:
    """A browser asks before it asks: no key comes with it, so any app's origin is enough here."""
    origin = request.headers["Origin"]
    response = HttpResponse(status=204)
    response["Vary"] = "Origin"
    if is_known(origin):
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Methods"] = ", ".join(methods)
        response["Access-Control-Allow-Headers"] = TAKEN
        response["Access-Control-Max-Age"] = str(KEPT_SECONDS)
    return response


def list_headers(origin: str, key: ApiKey | None) -> Mapping[str, str]:
    """For the answer itself; a refusal without a key is readable to any app's origin, so that a page can tell that its
    session has ended."""
    if not origin:
        return {}
    may = is_known(origin) if key is None else is_allowed(origin, key)
    if not may:
        return {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED, "Vary": "Origin"}


def is_allowed(origin: str, key: ApiKey) -> bool:
    return key.kind == ApiKey.Kind.APP and KeyOrigin.plain.filter(api_key=key, origin=origin).exists()


def is_known(origin: str) -> bool:
    """Whether it is an allowed origin of any app's key that works."""
    rows = KeyOrigin.plain.filter(origin=origin, api_key__kind=ApiKey.Kind.APP, api_key__revoked_at__isnull=True)
    return rows.exists()
