"""Signatures of notices: ours, new and unchanged, or refused with the code that says why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.contract.errors import WebhookRejected
from integrations.contract.signing import sign, verify

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BODY = b'{"id": "1"}'
GOOD = sign("secret", BODY, NOON)


def refuse(header: str, *, body: bytes = BODY, secret: str = "secret", now: datetime = NOON) -> str:
    with pytest.raises(WebhookRejected) as caught:
        verify(secret, body, header, now=now)
    assert caught.value.status == 401
    return caught.value.code


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_a_notice_of_ours_is_taken_within_five_minutes(minutes: int) -> None:
    verify("secret", BODY, GOOD, now=NOON + timedelta(minutes=minutes))


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_bad_input_05_a_time_more_than_five_minutes_off(seconds: int) -> None:
    assert refuse(GOOD, now=NOON + timedelta(seconds=seconds)) == "timestamp_out_of_range"


def test_a_time_that_was_changed_is_not_signed() -> None:
    later = GOOD.replace(f"t={int(NOON.timestamp())}", f"t={int(NOON.timestamp()) + 60}")
    assert refuse(later) == "signature_invalid"


def test_what_is_not_ours_is_refused() -> None:
    assert refuse("") == "signature_missing"
    assert refuse(GOOD, body=BODY + b" ") == "signature_invalid"
    assert refuse(GOOD, secret="other") == "signature_invalid"
    mac = GOOD.partition(",v1=")[2]
    for header in ("x", "t=,v1=", f"t=1,v1={mac[:-1]}", f"t={'9' * 13},v1={mac}", "t=1,v1=é" + mac[1:], f"v1={mac}"):
        assert refuse(header) == "signature_malformed", header


def test_of_several_signatures_any_may_be_the_right_one() -> None:
    other = sign("older secret", BODY, NOON).partition(",v1=")[2]
    head, _, mac = GOOD.partition(",v1=")
    verify("secret", BODY, f"{head},v1={other},v1={mac}", now=NOON)
    assert refuse(f"{head}{f',v1={other}' * 5},v1={mac}") == "signature_malformed", "five at most"
