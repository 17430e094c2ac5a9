"""Which of our webhooks are registered at a platform, and registering again those that were lost.

A platform forgets a subscription when its app is installed anew, and switches one off after failures of ours
(WooCommerce after more than five in a row, https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks).
"""

from __future__ import annotations

from datetime import datetime

import structlog
from django.conf import settings
from django.db.models import QuerySet

from integrations.contract import errors as e
from integrations.models import Connection
from integrations.registry import get_connector
from integrations.sync.client import Captures, build_connector
from integrations.sync.connections import PROMPT_STREAMS, build_webhook_address, register_webhooks

log = structlog.get_logger(__name__)


def list_expected(connection: Connection) -> list[str]:
    """The platform's topics that are to reach us; [] where it sends none."""
    cls = get_connector(connection.platform)
    if "subscribe_webhooks" not in cls.capabilities(connection.settings):
        return []
    wanted = sorted(PROMPT_STREAMS.intersection(cls.webhook_topics))
    return list(dict.fromkeys(topic for stream in wanted for topic in cls.webhook_topics[stream]))


def can_look(connection: Connection) -> bool:
    """Whether the platform tells what is registered, and we have an address it could send to."""
    capabilities = get_connector(connection.platform).capabilities(connection.settings)
    return bool(settings.PUBLIC_URL) and {"list_webhooks", "subscribe_webhooks"} <= capabilities


def look(connection: Connection, *, at: datetime) -> list[str]:
    """Ask the platform, and keep what it said: the topics that do not reach us. Raises ConnectorError."""
    captures, address = Captures(), build_webhook_address(connection, settings.PUBLIC_URL)
    try:
        there = build_connector(connection, captures).list_webhooks()
    finally:
        captures.save(connection)
    alive = {hook.topic for hook in there if hook.active and hook.address == address}
    missing = [topic for topic in list_expected(connection) if topic not in alive]
    Connection.plain.filter(pk=connection.pk).update(webhooks_checked_at=at, webhooks_missing=missing)
    connection.webhooks_checked_at, connection.webhooks_missing = at, missing
    return missing


def mend(connection: Connection, *, at: datetime) -> list[str]:
    """Register again what was lost, and look whether it is there; the topics that were lost. Raises ConnectorError."""
    lost = look(connection, at=at)
    if lost:
        log.warning("Webhooks were lost and are registered again.", connection=connection.pk, topics=lost)
        register_webhooks(connection, settings.PUBLIC_URL, at=at)
        look(connection, at=at)
    return lost


def list_patients() -> QuerySet[Connection]:
    """Connections that are written to: one that only watches is left as it is."""
    return Connection.plain.filter(state__in=Connection.WRITING_STATES, live_since__isnull=False).order_by("pk")


def mend_one(connection_id: int, *, at: datetime) -> None:
    """As `mend`, for the clock: a platform that does not answer is asked at the next round, and polled meanwhile."""
    connection = list_patients().filter(pk=connection_id).first()
    if connection is None or not can_look(connection):
        return
    try:
        mend(connection, at=at)
    except e.ConnectorError as error:
        log.warning("Webhooks could not be looked after.", connection=connection.pk, error=error.message)
