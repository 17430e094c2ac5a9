"""What every endpoint shares: the key that opens it, the merchant it runs as, strict JSON in."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import IO, Any, cast

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.base.problems import Problem
from portal.base.strict_json import StrictJsonError, parse_strict
from portal.tenancy.models import ApiKey
from portal.tenancy.scoping import scope

LARGEST_BODY = 2 * 1024 * 1024
STAMP_EVERY = timedelta(minutes=1)  # how exactly the last use of a key is known


class KeyHolder:
    """Who a key speaks for: no person."""

    is_authenticated = True
    is_active = True
    pk = None


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer sbk_…`"""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        word, _, given = get_authorization_header(request).decode("latin-1").partition(" ")
        if word.lower() != "bearer":
            return None
        key = ApiKey.find(given.strip())
        if key is None:
            raise AuthenticationFailed("The key is unknown, expired or revoked.")
        now = timezone.now()
        if key.last_used_at is None or key.last_used_at < now - STAMP_EVERY:
            ApiKey.plain.filter(pk=key.pk).update(last_used_at=now)
        return KeyHolder(), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class HasKey(BasePermission):
    """A key, and the scope the view asks for: a key without scopes may everything of its merchant."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            return False
        wanted = getattr(view, "key_scope", "")
        return not key.scopes or wanted in key.scopes


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
    """Runs as the key's merchant, rendering included. Query parameters nobody declared are refused."""

    authentication_classes = (ApiKeyAuthentication,)
    permission_classes = (HasKey,)
    parser_classes = (StrictJSONParser,)
    key_scope = ""
    query_parameters: frozenset[str] = frozenset()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with ExitStack() as self._entered:
            response = cast("Response", super().dispatch(request, *args, **kwargs))
            rendered: HttpResponseBase = response.render()
        return rendered

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        request._request.user = AnonymousUser()  # histories name people; a key is none
        self._entered.enter_context(scope(cast("ApiKey", request.auth).merchant_id))
        unknown = sorted(set(request.query_params) - self.query_parameters)
        if unknown:
            words = f"There is no parameter {unknown[0]!r} here."
            raise Problem(400, "parameter_not_allowed", words, field=unknown[0])
