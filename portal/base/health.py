"""Whether this process lives (/healthz) and whether it can do its work (/readyz)."""

from __future__ import annotations

from collections.abc import Callable

from celery import current_app
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from kombu.exceptions import OperationalError


def check_database() -> str:
    """'' or what is wrong."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"The database does not answer ({type(error).__name__}): see DATABASE_URL."
    return ""


def check_migrations() -> str:
    """'' or what is wrong."""
    try:
        executor = MigrationExecutor(connection)
    except DatabaseError as error:
        return f"The migrations cannot be read ({type(error).__name__})."
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return f"{len(missing)} migrations are not applied, first {missing[0][0]}: run `manage.py migrate`."
    return ""


def check_broker() -> str:
    """'' or what is wrong. Takes at most a few seconds."""
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=3, interval_start=0, interval_step=0)
    except (OperationalError, OSError) as error:
        return f"The broker does not answer ({type(error).__name__}): see BROKER_URL."
    return ""


CHECKS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "migrations": check_migrations,
    "broker": check_broker,
}


def list_failures() -> dict[str, str]:
    """Check → what is wrong with it, only those that fail."""
    failures: dict[str, str] = {}
    for name, check in CHECKS.items():
        if message := check():
            failures[name] = message
    return failures


class HealthMiddleware:
    """Answers before host check, HTTPS redirect and sessions: a load balancer asks by address, over HTTP."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthz":
            return JsonResponse({"status": "ok"})
        if request.path == "/readyz":
            failures = list_failures()
            if failures:
                return JsonResponse({"status": "failing", "failing": failures}, status=503)
            return JsonResponse({"status": "ok", "failing": {}})
        return self.get_response(request)
