"""The suite itself: a good connector passes it, and each kind of bad one fails the test meant for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from integrations.contract import records as r
from integrations.contract.connector import Connector, Field
from integrations.contract.errors import Retryable
from tests.contract.far_side import FarSide
from tests.contract.suite import ConnectorContract
from tests.contract.toy import Toy, ToySimulator, sign

ORDER = r.OrderDocument(reference="W-1", currency="EUR", total=Decimal(1), placed_at=datetime(2026, 1, 1, tzinfo=UTC))


class TestToy(ConnectorContract):
    connector_class = Toy
    signature_header = "x-toy-signature"

    def build_simulator(self) -> ToySimulator:
        return ToySimulator()

    def settings_for(self, address: str, simulator: Any) -> dict[str, Any]:
        return {"url": address}

    def prepare_write(self, far: FarSide) -> Callable[[], object]:
        return lambda: far.connector.create_order(ORDER)

    def valid_webhook(self, far: FarSide) -> r.WebhookRequest:
        body = b'{"id":5,"name":"\xc3\xa9"}'
        signature = sign(far.simulator.credentials["secret"], body).decode()
        headers = {"x-toy-signature": signature, "x-toy-delivery-id": "d1"}
        return r.WebhookRequest(method="POST", query={}, headers=headers, body=body)


class OpenSecret(Toy):
    credential_fields = (Field(name="user", label="User"), Field(name="secret", label="Secret"))


class NoSafety(Toy):
    idempotency = {}


class NoFind(Toy):
    find_order = Connector.find_order


class SurePost(Toy):
    """Takes every failed write for one that may be repeated."""

    def _write(self, method: str, path: str, body: dict[str, Any]) -> Any:
        response = self.http.request(method, path, json=body, write=False)
        response.raise_for_status()
        return response.json()


class NeverLooks(Toy):
    """Takes the status for the answer."""

    def create_order(self, document: r.OrderDocument) -> r.CommandResult:
        self.http.post("orders", json={"ref": document.reference}).raise_for_status()
        return r.CommandResult(external_id="?")


class AllUnavailable(Toy):
    def check(self) -> r.CheckResult:
        response = self.http.get("me")
        if response.status != 200:
            raise Retryable("It does not work.")
        return r.CheckResult(account="?")


class Repeats(Toy):
    """Asks for each page from the last record on, that one included."""

    def pull_products(self, since: datetime | None, cursor: str) -> r.Page[r.ProductRecord]:
        if not cursor:
            return super().pull_products(since, cursor)
        last, _, newest = cursor.partition("@")
        page = super().pull_products(since, f"{int(last) - 1}@{newest}")
        following = super().pull_products(since, cursor)
        return r.Page(records=page.records + following.records, cursor=following.cursor, since=following.since)


class Forgets(Toy):
    """Ends after its first page."""

    def pull_products(self, since: datetime | None, cursor: str) -> r.Page[r.ProductRecord]:
        page = super().pull_products(since, cursor)
        return r.Page(records=page.records, since=page.since or datetime.now(UTC))


class Exclusive(Toy):
    def pull_products(self, since: datetime | None, cursor: str) -> r.Page[r.ProductRecord]:
        return super().pull_products(since + timedelta(microseconds=1) if since else None, cursor)


class Endless(Toy):
    """Counts its pages and never looks whether they are new."""

    def pull_products(self, since: datetime | None, cursor: str) -> r.Page[r.ProductRecord]:
        page = super().pull_products(since, "")
        return r.Page(records=page.records, cursor=str(int(cursor or 0) + 1))


class StopsAtOne(Toy):
    def push_stock(self, items: Sequence[r.StockPush]) -> Sequence[r.PushResult]:
        for item in items:
            self._write("PUT", f"products/{item.external_id}", {"stock": str(item.quantity)})
        return [r.PushResult(key=item.key, outcome=r.PushOutcome.SENT) for item in items]


class Believes(Toy):
    """Signs the JSON instead of the bytes, and calls a delivery by its id."""

    def receive_webhook(self, request: r.WebhookRequest) -> r.WebhookAnswer:
        body = json.dumps(json.loads(request.body), separators=(",", ":"), ensure_ascii=False).encode()
        headers = {**request.headers, "x-toy-signature": request.headers["x-toy-signature"]}
        answer = super().receive_webhook(r.WebhookRequest(method="POST", query={}, headers=headers, body=body))
        key = request.headers["x-toy-delivery-id"]
        events = [
            r.WebhookEvent(stream=e.stream, external_id=e.external_id, topic=e.topic, dedupe_key=key)
            for e in answer.events
        ]
        return r.WebhookAnswer(events=tuple(events))


class Talks(Toy):
    """Puts its secret where no capture looks for one."""

    def check(self) -> r.CheckResult:
        self.http._secrets = []  # as if the engine had not named it
        self.http.post("orders", json={"ref": self.credentials["secret"]})
        return super().check()


@pytest.mark.parametrize(
    ("bad", "name", "arguments"),
    [
        (OpenSecret, "test_credential_fields_keep_secrets_secret", ()),
        (NoSafety, "test_every_command_says_how_it_happens_once", ()),
        (NoFind, "test_every_command_says_how_it_happens_once", ()),
        (SurePost, "test_a_write_without_a_sound_answer_is_unknown", ({"error_after_commit": 1},)),
        (NeverLooks, "test_a_write_without_a_sound_answer_is_unknown", ({"html_200": 1},)),
        (AllUnavailable, "test_refused_credentials_are_auth_failed", ()),
        (AllUnavailable, "test_a_429_waits_as_long_as_it_says", ()),
        (AllUnavailable, "test_a_failed_read_may_be_repeated", ({"html_200": 1},)),
        (Repeats, "test_every_product_comes_once_in_pages_of_one", ()),
        (Forgets, "test_every_product_comes_once_in_pages_of_one", ()),
        (Forgets, "test_no_product_is_missed_while_records_change", ()),
        (Exclusive, "test_since_is_inclusive", ()),
        (Endless, "test_a_far_side_that_repeats_its_pages_ends", ()),
        (StopsAtOne, "test_one_refused_figure_does_not_stop_the_others", ()),
        (Believes, "test_an_unproven_webhook_is_rejected", ("re-serialised",)),
        (Believes, "test_an_unproven_webhook_is_rejected", ("missing",)),
        (Believes, "test_a_replayed_webhook_has_the_same_key_whatever_its_delivery_says", ()),
        (Talks, "test_no_secret_is_captured", ()),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_a_bad_connector_fails(bad: type[Connector], name: str, arguments: tuple[Any, ...]):
    contract = type("Bad", (TestToy,), {"connector_class": bad})()
    with pytest.raises((Exception, pytest.fail.Exception)) as caught:
        getattr(contract, name)(*arguments)
    assert not isinstance(caught.value, pytest.skip.Exception | NotImplementedError | NameError)
