"""ETag, If-None-Match and If-Match: https://www.rfc-editor.org/rfc/rfc9110#section-13"""

from __future__ import annotations

import hashlib

from rest_framework.request import Request
from rest_framework.response import Response

from portal.base.problems import Problem


def make_tag(*parts: object) -> str:
    """A weak tag of what the answer depends on; ask `not_modified` before the answer is built."""
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


def tag_bytes(content: bytes) -> str:
    """The tag of a whole answer, where nothing cheaper tells that it changed."""
    return f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'


def matches(given: str, tag: str) -> bool:
    """Compared weakly, as both headers of ours are."""
    return given.strip() == "*" or _bare(tag) in {_bare(one) for one in given.split(",")}


def not_modified(request: Request, tag: str) -> Response | None:
    """304 where the caller has this already."""
    if matches(request.headers.get("If-None-Match", ""), tag):
        return Response(status=304, headers={"ETag": tag})
    return None


def require_match(request: Request, tag: str) -> None:
    """Problem 412 where the caller says If-Match and what he saw has changed since."""
    given = request.headers.get("If-Match", "")
    if given and not matches(given, tag):
        words = "It has changed since you read it: read it again, then decide."
        raise Problem(412, "precondition_failed", words, field="If-Match")


def _bare(tag: str) -> str:
    return tag.strip().removeprefix("W/")
