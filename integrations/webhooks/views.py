"""/hooks/<connection>/: one delivery in, verified and stored before it is answered."""

from __future__ import annotations

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from integrations.contract import records as r
from integrations.contract.errors import ConnectorError, WebhookRejected
from integrations.sync.inbox import receive

log = structlog.get_logger(__name__)
LARGEST_BODY = 2 * 1024 * 1024
RETRY_AFTER_SECONDS = "30"


@csrf_exempt
@require_POST
def receive_webhook(request: HttpRequest, public_id: str) -> HttpResponse:
    """2xx means that it is in the database. What is refused is logged by its code only, never by its body."""
    length = request.headers.get("Content-Length", "")
    coding = request.headers.get("Content-Encoding", "identity")
    if not length.isdigit() or int(length) > LARGEST_BODY or coding != "identity":
        # Nothing is inflated here: no platform compresses its deliveries.
        return _refuse(413, "body_too_large")
    delivery = r.WebhookRequest(
        method=request.method or "",
        query=request.GET.dict(),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.body,
    )
    try:
        answer = receive(public_id, delivery)
    except WebhookRejected as error:
        log.warning("A delivery was refused.", connection=public_id, code=error.code)
        return _refuse(error.status or 401, error.code)
    except (OperationalError, InterfaceError):
        log.exception("A delivery could not be stored; the platform is asked to send it again.")
        response = _refuse(503, "storage_unavailable")
        response["Retry-After"] = RETRY_AFTER_SECONDS
        return response
    except ConnectorError as error:
        log.exception("A delivery could not be verified.", connection=public_id)
        return _refuse(503, error.code.lower())
    return HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)


def _refuse(status: int, code: str) -> HttpResponse:
    return HttpResponse(code, status=status, content_type="text/plain")
