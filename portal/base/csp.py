"""The Content-Security-Policy: strict, and wider only under the paths settings name."""

from __future__ import annotations

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


class ContentPolicyMiddleware(CSPMiddleware):
    """Replaces directives by CONTENT_SECURITY_POLICY_BY_PATH, by the start of the path."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only:
            for prefix, directives in settings.CONTENT_SECURITY_POLICY_BY_PATH.items():
                if request.path.startswith(prefix):
                    parts.replace = {**directives, **(parts.replace or {})}
        return parts
