"""The Celery app: a doorbell for work that waits in the database."""

import logging.config
import os
from typing import Any

import structlog
from celery import Celery
from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.set_default()  # threads of the web server have no current app of their own

REQUEST_ID_HEADER = "stockbridge_request_id"


@setup_logging.connect
def _configure_logging(**_: Any) -> None:
    """Keep Celery from replacing our log format."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)


@before_task_publish.connect
def _send_request_id(headers: dict[str, Any] | None = None, **_: Any) -> None:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if headers is not None and request_id:
        headers[REQUEST_ID_HEADER] = request_id


@task_prerun.connect
def _bind_task(task_id: str, task: Any, **_: Any) -> None:
    structlog.contextvars.clear_contextvars()
    request_id = getattr(task.request, REQUEST_ID_HEADER, None) or task_id
    structlog.contextvars.bind_contextvars(request_id=request_id, task=task.name, task_id=task_id)


@task_postrun.connect
def _forget_task(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()
