"""Tells an app what happened, by a signed request to an address it gave us (POST /api/v1/webhooks).

Described by ourselves: /api/v1/docs/. A notice carries an id, by which whoever gets it twice knows it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from integrations.contract import records as r
from integrations.contract.connector import Connector, Field, Idempotency, RateLimit, Role, Safety
from integrations.contract.signing import HEADER, sign


class Webhook(Connector):
    key = "webhook"
    label = "Webhook of an app"
    docs_url = "/api/v1/docs/"
    roles = frozenset({Role.CHANNEL})
    credential_fields = (Field(name="secret", label="Signing secret", kind="secret"),)
    settings_fields = (Field(name="url", label="Address", kind="url"),)
    rate_limit = RateLimit(per_second=20, burst=40)
    idempotency: ClassVar[Mapping[str, Idempotency]] = {"notify": Idempotency(safety=Safety.REPEATABLE)}

    @classmethod
    def base_url(cls, credentials: Mapping[str, str], settings: Mapping[str, Any]) -> str:
        return str(settings["url"])

    def notify(self, document: r.Notice) -> r.CommandResult:
        body = document.body.encode()
        headers = {
            "Content-Type": "application/json",
            "Stockbridge-Topic": document.topic,
            "Stockbridge-Id": document.reference,
            HEADER: sign(self.credentials["secret"], body, datetime.now(UTC)),
        }
        answer = self.http.post(str(self.settings["url"]), data=body, headers=headers)
        answer.raise_for_status()
        return r.CommandResult(external_id=document.reference)
