"""The contract every connector keeps. A platform's tests inherit `ConnectorContract` and fill in its hooks."""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote

import pytest

from integrations.contract.connector import COMMANDS, FIND_FOR, Connector, Role, Safety
from integrations.contract.errors import (
    AuthFailed,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    Retryable,
    WebhookRejected,
)
from integrations.contract.http import Exchange, HttpClient
from integrations.contract.records import Page, PushOutcome, StockPush, WebhookRequest
from tests.contract.far_side import MOST_PAGES, FarSide, FirstAnswers, build_product, serve_wsgi, walk

REFUSED_ID = "987654321"  # no platform of ours has an article with this id


class ConnectorContract:
    """Inherit as `class TestContract(ConnectorContract)` in tests/connectors/<key>/test_contract.py.

    Required: `connector_class`, `build_simulator`, `settings_for`, `prepare_write`. Platforms with webhooks also
    `valid_webhook` and `signature_header`. The other hooks have defaults made of the simulators' neutral control plane.
    """

    connector_class: ClassVar[type[Connector]]
    signature_header: ClassVar[str] = ""
    unguarded: ClassVar[Mapping[str, str]] = {}
    """Creates that nothing keeps from happening twice → why; the engine asks a person there."""
    cannot_read_orders: ClassVar[str] = ""
    """Why a cancelled order cannot be read back; the platform's own yes or no counts there."""

    # hooks ---------------------------------------------------------------------------------------------------------
    def build_simulator(self) -> Any:
        """A fresh simulator: a WSGI application with `credentials`."""
        raise NotImplementedError

    def settings_for(self, address: str, simulator: Any) -> dict[str, Any]:
        """The connection's settings; a base address that is a setting goes in here."""
        raise NotImplementedError

    def prepare_write(self, far: FarSide) -> Callable[[], object]:
        """Set up what is needed, and return a call of one command that writes (create_order, say)."""
        raise NotImplementedError

    def valid_webhook(self, far: FarSide) -> WebhookRequest:
        """A delivery with a JSON body, signed as the platform does."""
        raise NotImplementedError

    def small_pages(self, connector: Connector) -> None:
        """Make the connector ask for one record a page."""
        assert hasattr(connector, "page_size"), "Name the connector's page size `page_size`, or override small_pages."
        connector.page_size = 1

    def freeze(self, simulator: Any) -> FirstAnswers:
        """The simulator as one that, once active, answers each list with its first page for ever."""
        return FirstAnswers(simulator)

    def seed(self, far: FarSide, n: int) -> list[str]:
        """n articles there, each its own product; their SKUs."""
        skus = [f"CT-{index:03}" for index in range(n)]
        far.control("catalogue", {"products": [build_product(sku) for sku in skus]})
        return skus

    def change_while_paging(self, far: FarSide) -> None:
        """Something changes between two pages: here a new product comes."""
        far.control("catalogue", {"products": [build_product(f"NEW-{time.monotonic_ns()}")]})

    # self-description ----------------------------------------------------------------------------------------------
    def test_self_description_is_complete(self) -> None:
        cls = self.connector_class
        assert cls.key == cls.key.lower()
        assert cls.key.replace("_", "").isalnum()
        assert cls.label
        assert cls.docs_url.startswith("https://")
        assert cls.roles
        assert cls.roles <= frozenset(Role)
        assert cls.rate_limit.per_second > 0
        assert cls.rate_limit.burst >= 1
        assert "check" in cls.capabilities({})

    def test_credential_fields_keep_secrets_secret(self) -> None:
        cls = self.connector_class
        fields = [*cls.credential_fields, *cls.settings_fields]
        assert len({f.name for f in fields}) == len(fields)
        assert any(f.kind == "secret" for f in cls.credential_fields)
        for one in fields:
            hidden = any(word in one.name for word in ("password", "secret", "token", "api_key"))
            assert (one.kind == "secret") or not hidden, f"{one.name} is named like a secret"
            assert one.label
            assert bool(one.choices) == (one.kind == "choice")
        assert not any(f.kind == "secret" for f in cls.settings_fields), "secrets belong to the credentials"

    def test_every_command_says_how_it_happens_once(self) -> None:
        cls = self.connector_class
        able = cls.capabilities({})
        for command in sorted(able & set(COMMANDS)):
            assert command in cls.idempotency, f"{command} declares no Safety"
            declared = cls.idempotency[command]
            if declared.safety is Safety.KEY_HEADER:
                assert declared.window_seconds > 0
            if command in FIND_FOR and declared.safety is not Safety.UNIQUE_KEY:
                safe = cls.safety(command, {}).safety is not Safety.NONE
                assert safe or self.unguarded.get(command), f"{command} has neither {FIND_FOR[command]} nor a key"
        if "cancel_order" in able:
            readable = able & {"fetch_order", "find_order"} or self.cannot_read_orders
            assert readable, "after a cancel the order must be read back"
        assert set(cls.idempotency) <= {*COMMANDS, "cancel_order_lines"}
        assert bool(cls.value_kinds) == ("list_values" in able)
        assert bool(cls.webhook_topics) == ("subscribe_webhooks" in able)

    def test_simulator_and_connector_name_credentials_alike(self) -> None:
        named = set(self.build_simulator().credentials)
        declared = {f.name for f in self.connector_class.credential_fields}
        fields = declared | {f.name for f in self.connector_class.settings_fields}
        assert {f.name for f in self.connector_class.credential_fields if f.required} <= named <= fields

    # errors --------------------------------------------------------------------------------------------------------
    def test_check_names_the_account(self) -> None:
        with self.make() as far:
            assert far.connector.check().account
            assert far.exchanges, "check() must ask the platform"

    def test_refused_credentials_are_auth_failed(self) -> None:
        self._need("pull_products")
        self._read_raises({"status": {"401": 1}}, AuthFailed)

    def test_a_429_waits_as_long_as_it_says(self) -> None:
        self._need("pull_products")
        error = self._read_raises({"status": {"429": 1}, "retry_after": "7"}, RateLimited)
        assert isinstance(error, RateLimited)
        assert error.retry_after == 7

    @pytest.mark.parametrize("dials", [{"status": {"500": 1}}, {"html_200": 1}, {"truncate": 1}], ids=str)
    def test_a_failed_read_may_be_repeated(self, dials: dict[str, Any]) -> None:
        self._need("pull_products")
        error = self._read_raises(dials, Retryable)
        assert not isinstance(error, RateLimited)

    def test_a_read_that_gets_no_answer_may_be_repeated(self) -> None:
        self._need("pull_products")
        self._read_raises({"timeout_before_commit": 1, "timeout_seconds": 1.5}, Retryable, deadline=0.6)

    @pytest.mark.parametrize(
        "dials",
        [
            {"status": {"500": 1}},
            {"error_after_commit": 1},
            {"html_200": 1},
            {"html_200_after_commit": 1},
            {"truncate": 1},
            {"timeout_before_commit": 1, "timeout_seconds": 1.5},
            {"timeout_after_commit": 1, "timeout_seconds": 1.5},
        ],
        ids=lambda dials: next(iter(dials)),
    )
    def test_a_write_without_a_sound_answer_is_unknown(self, dials: dict[str, Any]) -> None:
        with self.make() as far:
            write = self.prepare_write(far)
            if "timeout_seconds" in dials:
                far.connector.http.deadline = 0.8
            far.dial(**dials, writes_only=True)
            with pytest.raises(OutcomeUnknown):
                write()

    def test_a_write_that_is_told_to_wait_did_not_happen(self) -> None:
        with self.make() as far:
            write = self.prepare_write(far)
            far.dial(status={"429": 1}, retry_after="5", writes_only=True)
            with pytest.raises(RateLimited) as caught:
                write()
            assert caught.value.retry_after == 5

    # pages ---------------------------------------------------------------------------------------------------------
    def test_every_product_comes_once_in_pages_of_one(self) -> None:
        self._need("pull_products")
        with self.make() as far:
            skus = self.seed(far, 5)
            self.small_pages(far.connector)
            found = Counter(self._skus(walk(far.connector.pull_products)))
            assert {sku: found[sku] for sku in skus} == dict.fromkeys(skus, 1)

    def test_no_product_is_missed_while_records_change(self) -> None:
        self._need("pull_products")
        with self.make() as far:
            skus = self.seed(far, 5)
            self.small_pages(far.connector)
            pages = walk(far.connector.pull_products, between=lambda page: self.change_while_paging(far), changes=3)
            assert set(skus) <= set(self._skus(pages))

    def test_every_stock_figure_comes_once_in_pages_of_one(self) -> None:
        if "pull_stock" not in self.connector_class.capabilities({}):
            pytest.skip("The platform has no stock figures.")
        with self.make() as far:
            self.seed(far, 4)
            articles = [v.external_id for p in walk(far.connector.pull_products) for r in p.records for v in r.variants]
            self.small_pages(far.connector)
            rows = Counter(
                (row.external_id, row.slot) for page in walk(far.connector.pull_stock) for row in page.records
            )
            assert set(rows.values()) == {1}
            assert set(articles) <= {external_id for external_id, _ in rows}

    def test_since_is_inclusive(self) -> None:
        self._need("pull_products")
        with self.make() as far:
            skus = self.seed(far, 3)
            products = [record for page in walk(far.connector.pull_products) for record in page.records]
            newest = max(record.updated_at for record in products if record.updated_at)
            again = self._skus(walk(far.connector.pull_products, since=newest))
            assert {v.sku for r in products if r.updated_at == newest for v in r.variants} <= set(again)
            following = [page.since for page in walk(far.connector.pull_products)][-1]
            assert following is not None, "the last page says where the next pull starts"
            far.control("catalogue", {"products": [build_product("LATER")]})
            assert "LATER" in self._skus(walk(far.connector.pull_products, since=following))
            assert skus

    def test_a_far_side_that_repeats_its_pages_ends(self) -> None:
        """Each list answers its first page for ever: the pull ends, fails, or shows a cursor the engine has seen."""
        self._need("pull_products")
        frozen = self.freeze(self.build_simulator())
        with self.make(simulator=frozen) as far:
            self.seed(far, 3)
            self.small_pages(far.connector)
            frozen.active = True
            cursor, seen = "", set[str]()
            for _ in range(MOST_PAGES):
                try:
                    cursor = far.connector.pull_products(None, cursor).cursor
                except ConnectorError:
                    return
                if not cursor or cursor in seen:
                    return
                seen.add(cursor)
            pytest.fail(f"After {MOST_PAGES} equal pages it still asks for {cursor!r}.")

    # state ---------------------------------------------------------------------------------------------------------
    def test_one_refused_figure_does_not_stop_the_others(self) -> None:
        if "push_stock" not in self.connector_class.capabilities({}):
            pytest.skip("The platform takes no stock figures.")
        with self.make() as far:
            self.seed(far, 3)
            pushes = [
                StockPush(key=v.sku, external_id=v.external_id, parent_external_id=r.external_id, quantity=Decimal(4))
                for page in walk(far.connector.pull_products)
                for r in page.records
                for v in r.variants
            ]
            bad = replace(pushes[0], key="bad", external_id=REFUSED_ID, parent_external_id=REFUSED_ID)
            results = far.connector.push_stock([pushes[0], bad, *pushes[1:]])
            outcomes = {result.key: result.outcome for result in results}
            assert len(results) == len(pushes) + 1
            assert outcomes == {"bad": PushOutcome.REFUSED, **{push.key: PushOutcome.SENT for push in pushes}}
            assert next(result.message for result in results if result.key == "bad")

    # webhooks ------------------------------------------------------------------------------------------------------
    def test_a_valid_webhook_names_its_record(self) -> None:
        with self._webhook() as (connector, delivery):
            answer = connector.receive_webhook(delivery)
            assert answer.status == 200
            assert answer.events
            assert all(event.external_id and event.topic and event.dedupe_key for event in answer.events)

    def test_a_replayed_webhook_has_the_same_key_whatever_its_delivery_says(self) -> None:
        with self._webhook() as (connector, delivery):
            weak = {name: "another" if "delivery" in name else value for name, value in delivery.headers.items()}
            again = connector.receive_webhook(replace(delivery, headers=weak))
            first = connector.receive_webhook(delivery)
            assert [e.dedupe_key for e in first.events] == [e.dedupe_key for e in again.events]

    @pytest.mark.parametrize("kind", ["missing", "empty", "forged", "non-ascii", "changed", "re-serialised", "cut"])
    def test_an_unproven_webhook_is_rejected(self, kind: str) -> None:
        with self._webhook() as (connector, delivery):
            headers = dict(delivery.headers)
            signature = headers[self.signature_header]
            body = delivery.body
            if kind == "missing":
                del headers[self.signature_header]
            elif kind == "re-serialised":
                body = json.dumps(json.loads(body), indent=1).encode()
            elif kind == "changed":
                body = body + b" "
            elif kind == "cut":
                body = body[:-1]
            else:
                wrong = {
                    "empty": "",
                    "forged": signature[:-4] + signature[-4:].swapcase() + "x",
                    "non-ascii": "é☃" * 16,
                }
                headers[self.signature_header] = wrong[kind]
            with pytest.raises(WebhookRejected) as caught:
                connector.receive_webhook(replace(delivery, headers=headers, body=body))
            assert caught.value.status == 401
            assert signature not in caught.value.message

    def test_a_webhook_is_proven_without_the_network(self) -> None:
        with self.make() as far:
            if "receive_webhook" not in self.connector_class.capabilities({}):
                pytest.skip("The platform sends no webhooks.")
            delivery = self.valid_webhook(far)
            before = len(far.exchanges)
            far.connector.receive_webhook(delivery)
            assert len(far.exchanges) == before

    # captures ------------------------------------------------------------------------------------------------------
    def test_no_secret_is_captured(self) -> None:
        self._need("pull_products")
        with self.make() as far:
            self.seed(far, 1)
            write = self.prepare_write(far)
            far.connector.check()
            walk(far.connector.pull_products)
            write()
            far.dial(status={"401": 1})
            with pytest.raises(AuthFailed) as caught:
                far.connector.check()
            said = repr(far.exchanges) + repr(caught.value) + caught.value.message + caught.value.upstream
            secrets = {f.name for f in self.connector_class.credential_fields if f.kind == "secret"}
            for name in secrets & set(far.simulator.credentials):
                value = str(far.simulator.credentials[name])
                if value:
                    encoded = base64.b64encode(value.encode()).decode().rstrip("=")[:-2]
                    assert not [s for s in (value, quote(value, safe=""), encoded) if s and s in said], name
            assert {e.status for e in far.exchanges} >= {200, 401}

    # helpers -------------------------------------------------------------------------------------------------------
    @contextmanager
    def make(self, *, simulator: Any = None, deadline: float = 10.0) -> Iterator[FarSide]:
        """A served simulator, and a connector with its credentials whose exchanges are kept."""
        simulator = simulator or self.build_simulator()
        with serve_wsgi(simulator) as address:
            settings = self.settings_for(address, simulator)
            credentials = {f.name: "" for f in self.connector_class.credential_fields} | {
                name: str(value)
                for name, value in simulator.credentials.items()
                if name in {f.name for f in self.connector_class.credential_fields}
            }
            exchanges: list[Exchange] = []
            http = HttpClient(
                base_url=self.connector_class.base_url(credentials, settings),
                deadline=deadline,
                allowed_private=frozenset({("127.0.0.1", int(address.rpartition(":")[2]))}),
                on_exchange=exchanges.append,
                secrets=[credentials[f.name] for f in self.connector_class.credential_fields if f.kind == "secret"],
            )
            connector = self.connector_class(http=http, credentials=credentials, settings=settings)
            yield FarSide(simulator, address, connector, exchanges)

    def _need(self, method: str) -> None:
        if method not in self.connector_class.capabilities({}):
            pytest.skip(f"The platform has no {method}.")

    @contextmanager
    def _webhook(self) -> Iterator[tuple[Connector, WebhookRequest]]:
        if "receive_webhook" not in self.connector_class.capabilities({}):
            pytest.skip("The platform sends no webhooks.")
        with self.make() as far:
            yield far.connector, self.valid_webhook(far)

    def _read_raises(self, dials: dict[str, Any], kind: type[ConnectorError], deadline: float = 10.0) -> ConnectorError:
        with self.make(deadline=deadline) as far:
            self.seed(far, 1)
            far.dial(**dials)
            for read in (far.connector.check, lambda: far.connector.pull_products(None, "")):
                with pytest.raises(kind) as caught:
                    read()
            return caught.value

    @staticmethod
    def _skus(pages: Sequence[Page[Any]]) -> list[str]:
        return [variant.sku for page in pages for record in page.records for variant in record.variants]
