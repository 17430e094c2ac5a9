"""What every endpoint shares: the key that opens it, the merchant it runs as, how often it may ask, strict JSON in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, Any, cast

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.module_loading import import_string
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.base import conditional, cors, throttle
from portal.base.problems import Problem
from portal.base.strict_json import StrictJsonError, parse_strict
from portal.tenancy.models import ApiKey
from portal.tenancy.scoping import scope

SESSION_BEGIN = "sbs_"
FindSession = Callable[[str], "tuple[SessionHolder, ApiKey] | None"]
LARGEST_BODY = 2 * 1024 * 1024
STAMP_EVERY = timedelta(minutes=1)  # how exactly the last use of a key is known


class KeyHolder:
    """Who asks: a program, no person. `share` names whose share of an app's allowance and of its Idempotency-Keys a
    request takes: '' of the key itself."""

    is_authenticated = True
    is_active = True
    pk = None
    share = ""


@dataclass(kw_only=True)
class SessionHolder(KeyHolder):
    """A customer who is logged in: what is shown to him is his, and his group's."""

    session_id: int
    customer_id: int
    customer_group: str = ""
    share: str = ""


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer sbk_…`"""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        given = read_bearer(request)
        if not given.startswith(tuple(f"{begin}_" for begin in ApiKey.BEGINS.values())):
            return self.authenticate_other(given)
        key = ApiKey.find(given)
        if key is None:
            raise AuthenticationFailed("The key is unknown, expired or revoked.")
        now = timezone.now()
        if key.last_used_at is None or key.last_used_at < now - STAMP_EVERY:
            ApiKey.plain.filter(pk=key.pk).update(last_used_at=now)
        return KeyHolder(), key

    def authenticate_other(self, given: str) -> tuple[Any, ApiKey] | None:
        """Nothing came, or what is no key: the token of a customer's session, maybe."""
        if not given:
            return None
        find: FindSession = import_string(settings.API_SESSIONS)
        found = find(given) if given.startswith(SESSION_BEGIN) else None
        if found is None:
            raise AuthenticationFailed("The key or session is unknown, or has ended.")
        return found

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    match_subclasses = True
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class HasKey(BasePermission):
    """A key, and the scope the view asks for: a key without scopes may everything of its merchant. A customer's session
    may what is `open_to_sessions`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        key = request.auth
        if find_session_holder(request) is not None:
            return bool(getattr(view, "open_to_sessions", False))
        return isinstance(key, ApiKey) and key.may(getattr(view, "key_scope", ""))


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = stream.read(LARGEST_BODY + 1)
        if len(raw) > LARGEST_BODY:
            raise Problem(413, "body_too_large", "A body has at most 2 MB.")
        if not raw.strip():
            return {}
        try:
            return parse_strict(raw)
        except StrictJsonError as error:
            raise Problem(400, error.code, error.message) from error


class MerchantView(APIView):
    """Runs as the key's merchant, rendering included. Query parameters nobody declared are refused.

    `self.key` is the key. A GET is answered 304 where the caller has the same answer already; a view that can tell so
    without building it asks `conditional.not_modified` first.
    """

    authentication_classes: tuple[type[BaseAuthentication], ...] = (ApiKeyAuthentication,)
    permission_classes: tuple[type[BasePermission], ...] = (HasKey,)
    parser_classes = (StrictJSONParser,)
    key_scope = ""
    open_to_sessions = False
    query_parameters: frozenset[str] = frozenset()
    key: ApiKey

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if cors.is_preflight(request):
            return cors.answer_preflight(request, self.allowed_methods)
        self._more: dict[str, str] = {}
        with ExitStack() as self._entered:
            response = cast("Response", super().dispatch(request, *args, **kwargs))
            for name, value in (self._more | self._build_cors(request)).items():
                response[name] = value
            rendered: HttpResponseBase = response.render()
        return self._spare(request, rendered)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        request._request.user = AnonymousUser()  # histories name people; a key is none
        self.key = cast("ApiKey", request.auth)
        self._check_origin(request)
        self._count(request)
        places = frozenset(self.key.locations.values_list("pk", flat=True))
        self.location_ids = places or None
        self._entered.enter_context(scope(self.key.merchant_id, self.location_ids))
        self.check_parameters(request)

    def check_parameters(self, request: Request) -> None:
        unknown = sorted(set(request.query_params) - self.query_parameters)
        if unknown:
            words = f"There is no parameter {unknown[0][:80]!r} here."
            raise Problem(400, "parameter_not_allowed", words, field=unknown[0][:200])
        for name, values in request.query_params.lists():
            if "\x00" in "".join(values) or len(values) > 1:
                words = f"{name} is given once, as text without NUL characters."
                raise Problem(400, "parameter_not_allowed", words, field=name)

    def _check_origin(self, request: Request) -> None:
        origin = request.headers.get("Origin", "")
        if origin and self.key.kind == ApiKey.Kind.APP and not cors.is_allowed(origin, self.key):
            words = f"This key is not for pages of {origin[:200]}: add the origin on the key's page."
            raise Problem(403, "origin_not_allowed", words)

    def _count(self, request: Request) -> None:
        """A secret key has one allowance; an app's has one for each session and each address that uses it."""
        share = read_share(request)
        if not share and self.key.kind == ApiKey.Kind.APP:
            share = str(request.META.get("REMOTE_ADDR", ""))
        found = throttle.count(f"{self.key.pk}:{share}", self.key.per_minute)
        self._more = found.list_headers()
        if found.left < 0:
            words = f"This key may ask {found.limit} times a minute: wait {found.reset} s."
            raise Problem(429, "rate_limited", words, retry_after=found.reset)

    def _build_cors(self, request: HttpRequest) -> dict[str, str]:
        return dict(cors.list_headers(request.headers.get("Origin", ""), getattr(self, "key", None)))

    def _spare(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The answer of a GET has a tag, and is left out where the caller shows he has it."""
        if request.method != "GET" or response.status_code != 200 or not isinstance(response, Response):
            return response
        if not response.has_header("ETag"):
            response["ETag"] = conditional.tag_bytes(response.content)
        response.setdefault("Cache-Control", "private, no-cache")
        if conditional.matches(request.headers.get("If-None-Match", ""), response["ETag"]):
            response.status_code, response.content = 304, b""
            del response["Content-Type"]
        return response


def find_session_holder(request: Request) -> SessionHolder | None:
    """The customer who is logged in; None where a key itself calls."""
    holder: Any = request.user
    return holder if isinstance(holder, SessionHolder) else None


def read_share(request: Request) -> str:
    """Whose share of the key the request takes; '' the key's own."""
    return str(getattr(request.user, "share", ""))


def read_bearer(request: Request) -> str:
    """What came as `Authorization: Bearer …`; '' where nothing did."""
    word, _, given = get_authorization_header(request).decode("latin-1").partition(" ")
    return given.strip() if word.lower() == "bearer" else ""
