"""The inbox behind the answer: each event is applied once, waits where it must, and stops where it kills."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from integrations.contract import records as r
from integrations.models import Connection, InboundEvent, Link, Procedure, ProcedureRun, RateBudget
from integrations.sync import inbox, replay
from integrations.sync.inbox import process, receive
from tests.integrations.toy_shop import ToyShop, ToyShopConnector, sign

State = InboundEvent.State


def post(connection: Connection, external_id: str, mark: str = "") -> str:
    body = json.dumps({"id": external_id, "mark": mark}).encode()
    answer = Client().post(
        f"/hooks/{connection.public_id}/",
        body,
        content_type="application/json",
        headers={"X-Toy-Signature": sign(body)},
    )
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def event_for(connection: Connection, external_id: str, mark: str = "") -> InboundEvent:
    post(connection, external_id, mark)
    return InboundEvent.plain.order_by("-pk")[0]


def again(event: InboundEvent) -> str:
    InboundEvent.plain.filter(pk=event.pk).update(next_attempt_at=timezone.now())
    return process(event.pk)


def killed(*_: Any) -> None:
    raise KeyboardInterrupt


def die(event: InboundEvent, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker takes the event and is killed while it fetches; its lease has run out."""
    with monkeypatch.context() as patch:
        patch.setattr(ToyShopConnector, "fetch_order", killed)
        with pytest.raises(KeyboardInterrupt):
            process(event.pk)
    InboundEvent.plain.filter(pk=event.pk).update(lease_until=timezone.now())


def test_the_current_record_is_fetched_and_applied_once(far_shop: ToyShop, toy_store: Connection) -> None:
    far_shop.add_orders(1)
    event = event_for(toy_store, "1")
    far_shop.orders[0]["version"] = 5
    assert process(event.pk) == State.DONE
    assert process(event.pk) == "", "it is done"
    assert Link.plain.get().external_number == "5", "the order as it is now, not as it was announced"
    assert len(far_shop.asked) == 1


def test_an_event_that_kills_its_worker_three_times_stops_and_holds_nobody_up(
    far_shop: ToyShop, toy_store: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    far_shop.add_orders(2)
    event, other = event_for(toy_store, "1"), event_for(toy_store, "2")
    for _ in range(3):
        die(event, monkeypatch)
    assert process(event.pk) == ""
    event.refresh_from_db()
    assert (event.state, event.error_code) == (State.FAILED, "WORKER_DIED")
    assert event.message == "The worker died 3 times at this event."
    assert not inbox.due(timezone.now() + timedelta(days=1)).filter(pk=event.pk).exists()
    assert process(other.pk) == State.DONE
    assert far_shop.asked == ["/orders/2?"]


def test_an_event_that_is_sent_again_by_a_person_after_that_is_applied(
    far_shop: ToyShop, toy_store: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    far_shop.add_orders(1)
    event = event_for(toy_store, "1")
    for _ in range(3):
        die(event, monkeypatch)
    process(event.pk)
    replay.apply_again(event=event, by=None, at=timezone.now(), reason="The worker has more memory now.")
    assert process(event.pk) == State.DONE
    assert Link.plain.count() == 1


def test_two_deaths_before_a_refusal_are_not_counted_after_it(
    far_shop: ToyShop, toy_store: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    far_shop.add_orders(1)
    event = event_for(toy_store, "1")
    die(event, monkeypatch)
    die(event, monkeypatch)
    far_shop.faults = [503]
    assert process(event.pk) == State.RECEIVED
    InboundEvent.plain.update(next_attempt_at=timezone.now())
    die(event, monkeypatch)
    assert process(event.pk) == State.DONE


def test_a_worker_that_slept_past_its_lease_applies_nothing(far_shop: ToyShop, toy_store: Connection) -> None:
    """The first has read version 1; while it sleeps, the second reads and applies version 2."""
    far_shop.add_orders(1)
    event = event_for(toy_store, "1")
    now = timezone.now()
    asleep = inbox.take(event.pk, now)
    assert asleep is not None
    later = inbox.take(event.pk, now + timedelta(hours=1))
    assert later is not None
    record = r.OrderRecord(
        external_id="1", number="N1", currency="GBP", total=Decimal(1), placed_at=now, updated_at=now, note="1"
    )
    with pytest.raises(inbox.LeaseLost):
        inbox.apply_record(asleep, record, now)
    assert not Link.plain.exists()
    inbox.apply_record(later, record, now)
    event.refresh_from_db()
    assert event.state == State.DONE
    assert Link.plain.count() == 1


def test_a_platform_that_asks_to_wait_is_waited_for_however_often(far_shop: ToyShop, toy_store: Connection) -> None:
    far_shop.add_orders(1)
    event = event_for(toy_store, "1")
    far_shop.faults = [429] * 40
    for _ in range(40):
        assert again(event) == State.RECEIVED
        RateBudget.plain.all().delete()
    event.refresh_from_db()
    assert event.error_code == "RATE_LIMITED"
    assert again(event) == State.DONE


def test_a_platform_that_stays_away_is_given_up_after_thirty_tries(far_shop: ToyShop, toy_store: Connection) -> None:
    event = event_for(toy_store, "1")
    far_shop.faults = [503] * 30
    states = [again(event) for _ in range(30)]
    assert states == [State.RECEIVED] * 29 + [State.FAILED]
    event.refresh_from_db()
    assert event.error_code == "REMOTE_UNAVAILABLE"


def test_an_order_that_is_gone_is_taken_away(far_shop: ToyShop, toy_store: Connection) -> None:
    far_shop.add_orders(1)
    process(event_for(toy_store, "1").pk)
    assert Link.plain.count() == 1
    far_shop.orders.clear()
    event = event_for(toy_store, "1", mark="deleted")
    assert process(event.pk) == State.DONE
    event.refresh_from_db()
    assert event.message == "It does not exist there any more."
    assert not Link.plain.exists()


def test_a_record_nobody_understands_is_kept_with_its_words(far_shop: ToyShop, toy_store: Connection) -> None:
    far_shop.add_orders(1)
    far_shop.orders[0]["number"] = "bad one"
    event = event_for(toy_store, "1")
    assert process(event.pk) == State.FAILED
    event.refresh_from_db()
    assert (event.error_code, event.message) == ("APPLY_FAILED", "Nobody understands bad one.")
    far_shop.orders[0]["number"] = "N1"
    replay.apply_again(event=event, by=None, at=timezone.now())
    assert process(event.pk) == State.DONE


def test_a_record_that_is_skipped_by_rule_says_why(far_shop: ToyShop, toy_store: Connection) -> None:
    far_shop.add_orders(1)
    far_shop.orders[0]["number"] = "skip"
    event = event_for(toy_store, "1")
    assert process(event.pk) == State.IGNORED
    event.refresh_from_db()
    assert (event.error_code, event.message) == ("not_ours", "By rule.")


@pytest.mark.parametrize("state", ["draft", "needs_reauth", "paused"])
def test_a_connection_that_does_not_read_keeps_its_deliveries(
    far_shop: ToyShop, toy_store: Connection, state: str
) -> None:
    far_shop.add_orders(1)
    Connection.plain.update(state=state)
    event = event_for(toy_store, "1")
    assert process(event.pk) == ""
    assert far_shop.asked == []
    Connection.plain.update(state="watching")
    assert process(event.pk) == State.DONE


def test_what_the_database_refuses_is_not_answered_as_a_duplicate(toy_store: Connection) -> None:
    """A delivery may be called a copy only where the first one is there."""
    post(toy_store, "1")
    body = b'{"id": "2"}'
    request = r.WebhookRequest(method="POST", query={}, headers={"x-toy-signature": sign(body)}, body=body)
    assert receive(toy_store.public_id, request).body == b"stored"
    assert receive(toy_store.public_id, request).body == b"duplicate"
    row = InboundEvent(topic="t", dedupe_key="d", state=None)  # type: ignore[misc]  # what no database takes
    with pytest.raises(IntegrityError):
        inbox._insert(toy_store, request, row, timezone.now())
    assert InboundEvent.plain.count() == 2


def test_a_set_aside_event_is_replayed_only_where_that_says_something(toy_store: Connection) -> None:
    event = event_for(toy_store, "1")
    with pytest.raises(replay.NotPossible, match="waits to be applied already"):
        replay.apply_again(event=event, by=None, at=timezone.now())
    InboundEvent.plain.update(state=State.QUARANTINED, external_id="")
    with pytest.raises(replay.NotPossible, match="Nobody can tell which record"):
        replay.apply_again(event=event, by=None, at=timezone.now())
    InboundEvent.plain.update(stream="stock", external_id="1")
    with pytest.raises(replay.NotPossible, match="comes again with its flow's run"):
        replay.apply_again(event=event, by=None, at=timezone.now())
    assert not event.replays.exists()


def test_a_new_order_starts_the_procedures_that_wait_for_one(far_shop: ToyShop, toy_store: Connection) -> None:
    far_shop.add_orders(3)
    procedure = Procedure(merchant_id=toy_store.merchant_id, name="Orders on", event="order.created")
    procedure.save()
    for number in ("1", "2", "3"):
        assert process(event_for(toy_store, number).pk) == State.DONE
    assert ProcedureRun.plain.filter(procedure=procedure).count() == 1, "one waiting run stands for all three"
    ProcedureRun.plain.update(state="running")
    far_shop.orders[0]["version"] = 2
    assert process(event_for(toy_store, "1", mark="changed").pk) == State.DONE
    assert ProcedureRun.plain.count() == 1, "a change is no creation"


def test_a_platform_without_webhooks_answers_as_an_unknown_address(
    toy_store: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(ToyShopConnector, "receive_webhook")
    answer = Client().post(f"/hooks/{toy_store.public_id}/", b"{}", content_type="application/json")
    unknown = Client().post("/hooks/nobodyKnowsThisOne4711/", b"{}", content_type="application/json")
    assert (answer.status_code, answer.content) == (unknown.status_code, unknown.content) == (401, b"signature_invalid")


def test_a_delivery_that_says_it_is_not_compressed_is_taken(toy_store: Connection) -> None:
    body = b'{"id": "1"}'
    headers = {"X-Toy-Signature": sign(body), "Content-Encoding": "identity"}
    answer = Client().post(f"/hooks/{toy_store.public_id}/", body, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.content) == (200, b"stored")
