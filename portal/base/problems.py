"""Errors of the API as problem+json: https://www.rfc-editor.org/rfc/rfc9457"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import set_rollback

log = structlog.get_logger(__name__)


class Problem(exceptions.APIException):
    """An answer with a stable code; `field` names the part of the request it is about."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str = "",
        retry_after: int = 0,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail=detail, code=code)
        self.extra = dict(extra or {})  # what the caller needs to go on, beside the members all problems have
        self.retry_after = retry_after  # seconds; 0 says nothing
        self.status_code = status
        self.code, self.field = code, field


class ProblemSerializer(serializers.Serializer[Any]):
    """The shape of every error."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    field = serializers.CharField(allow_blank=True)
    correlation_id = serializers.CharField(allow_blank=True)


class ProblemRenderer(JSONRenderer):
    media_type = "application/problem+json"


def handle_exception(error: Exception, context: dict[str, Any]) -> Response:
    """Every error in the same words; what nobody foresaw is logged and told without its inside."""
    set_rollback()
    headers, extra = {}, dict[str, Any]()
    match error:
        case Problem():
            status, code, detail, field = error.status_code, error.code, str(error.detail), error.field
            extra = error.extra
            if error.retry_after:
                headers["Retry-After"] = str(error.retry_after)
        case Http404():
            status, code, detail, field = 404, "not_found", "There is no such thing.", ""
        case PermissionDenied():
            status, code, detail, field = 403, "forbidden", "This key may not do that.", ""
        case exceptions.APIException():
            status, code, field = error.status_code, str(error.default_code), ""
            detail = str(error.detail)
            if header := getattr(error, "auth_header", ""):
                headers["WWW-Authenticate"] = header
            if wait := getattr(error, "wait", None):
                headers["Retry-After"] = f"{wait:.0f}"
        case _:
            log.exception("A request failed in an unforeseen way.")
            status, code, field = 500, "internal_error", ""
            detail = "It is logged under the correlation id; nothing of the request was done."
    found = structlog.contextvars.get_contextvars().get("request_id", "")
    body = {
        "type": f"/api/v1/problems/{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "field": field,
        "correlation_id": found,
        **extra,
    }
    response = Response(body, status=status, headers=headers, content_type=ProblemRenderer.media_type)
    response.exception = True
    return response
