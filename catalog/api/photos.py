"""Photos we keep, as shops fetch them: no login, only the signed address."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponseNotFound
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from catalog.services.photos import find_shown

A_YEAR = 365 * 24 * 3600


@require_safe
def serve_photo(request: HttpRequest, name: str) -> HttpResponseBase:
    """The file of a signed name, "<photo>.<connection>.<signature>.jpg"; 404 for all else."""
    shown = find_shown(name)
    # The merchant's scope looked at the session; what is served here is the same for everybody, so caches may know.
    request.session.accessed = False
    if shown is None:
        return HttpResponseNotFound("There is no such photo.", content_type="text/plain")
    response = FileResponse(shown.path.open("rb"), content_type=shown.content_type)
    response["Content-Disposition"] = "inline"
    # A photo's content never changes: another picture has another address.
    response["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response
