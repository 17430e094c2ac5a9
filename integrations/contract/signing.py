"""Signatures of the notices we send: who receives one proves that it is ours, new, and unchanged.

`Stockbridge-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`. One that is older or newer than five
minutes is refused, so that nobody sends a caught one again later: https://webhooks.fyi/security/replay-prevention
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

from integrations.contract.errors import WebhookRejected

HEADER = "Stockbridge-Signature"
TOLERANCE = timedelta(minutes=5)
MOST = 5  # of several signatures, while a secret is being changed
_SHAPE = re.compile(r"t=([0-9]{1,12})((?:,v1=[0-9a-f]{64})+)")


def sign(secret: str, body: bytes, at: datetime) -> str:
    moment = int(at.timestamp())
    return f"t={moment},v1={_mac(secret, moment, body)}"


def verify(secret: str, body: bytes, header: str, *, now: datetime) -> None:
    """WebhookRejected with signature_missing, signature_malformed, timestamp_out_of_range or signature_invalid."""
    if not header:
        raise WebhookRejected("The notice is not signed.", code="signature_missing")
    found = _SHAPE.fullmatch(header)
    if found is None or len(given := found[2].split(",v1=")[1:]) > MOST:
        raise WebhookRejected("The signature is no signature of ours.", code="signature_malformed")
    if abs(now - datetime.fromtimestamp(int(found[1]), tz=UTC)) > TOLERANCE:
        raise WebhookRejected("The notice was signed more than five minutes from now.", code="timestamp_out_of_range")
    wanted = _mac(secret, int(found[1]), body).encode()
    if not any(hmac.compare_digest(wanted, one.encode()) for one in given):
        raise WebhookRejected("The signature is not that of the notice.", code="signature_invalid")


def _mac(secret: str, moment: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d." % moment + body, hashlib.sha256).hexdigest()
