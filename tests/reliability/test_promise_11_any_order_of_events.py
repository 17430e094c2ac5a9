"""PROMISES 11: whatever happens in whatever order, what was meant, what we keep and what the ERP holds is the same.

Buyers and the shop's staff order, pay, change, cancel and give money back in a simulated WooCommerce; its webhooks come
late, twice, in another order or never; workers stop between any two of their transactions; the simulated Odoo breaks
off after it has committed. When all has settled the three are compared, order by order.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from django.db.models import Q, Sum
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from integrations.models import Command, Hold, InboundEvent, Problem
from integrations.simulators.woocommerce import hooks
from integrations.sync import documents, inbox, lease, problems, replay
from integrations.sync.candidates import list_there
from integrations.sync.client import Captures, build_connector
from integrations.sync.deliver import deliver
from integrations.sync.handlers import call
from orders.models import FulfilmentOrder, Order, OrderEdit, Refund
from orders.services import edits
from tests.scene import Scene, open_scene

FULL = os.environ.get("RELIABILITY_FULL") == "1"
SEQUENCES, STEPS = (2_000, 50) if FULL else (5, 15)
PRICES = {"MUG": Decimal("2.50"), "CUP": Decimal("4.00")}
BUSY = ("leased", "sending", "unknown")
quantities = st.integers(min_value=1, max_value=4)
anyone = st.integers(min_value=0, max_value=9)  # which of the orders, events or messages there are


@dataclass
class Meant:
    """An order as it stands in the shop: what everybody must come to."""

    number: str
    lines: dict[str, int]
    line_ids: dict[str, int]
    paid: bool = False
    cancelled: bool = False
    refunds: list[Decimal] = field(default_factory=list)
    given_back: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> Decimal:
        return sum((PRICES[sku] * many for sku, many in self.lines.items()), Decimal(0))


class Shopping(RuleBasedStateMachine):
    scene: ClassVar[Scene]

    def __init__(self) -> None:
        super().__init__()
        self.meant: list[Meant] = []
        self.on_their_way: list[tuple[dict[str, str], bytes]] = []
        self.deliveries = itertools.count(1)

    # --- what people do in the shop -----------------------------------------------------------------------------------

    @initialize(mugs=quantities, cups=st.integers(min_value=0, max_value=3))
    def begin(self, mugs: int, cups: int) -> None:
        self.create(mugs, cups, paid=True)

    @precondition(lambda self: len(self.meant) < 3)
    @rule(mugs=quantities, cups=st.integers(min_value=0, max_value=3), paid=st.booleans())
    def create(self, mugs: int, cups: int, paid: bool) -> None:
        lines = {sku: many for sku, many in (("MUG", mugs), ("CUP", cups)) if many}
        products = {row["sku"]: row["id"] for row in self.scene.store.get("products")}
        body = {
            "line_items": [{"product_id": products[sku], "quantity": many} for sku, many in lines.items()],
            "payment_method": "bacs",
            "set_paid": paid,
        }
        made = self.scene.store.post("orders", body)
        ids = {row["sku"]: row["id"] for row in made["line_items"]}
        row = Meant(number=str(made["id"]), lines=lines, line_ids=ids, paid=paid)
        self.meant.append(row)
        self.tell(row, "order.created")

    @rule(which=anyone)
    def pay(self, which: int) -> None:
        if (row := self.pick(which)) and not row.paid:
            row.paid = True
            self.change(row, {"set_paid": True})

    @rule(which=anyone, sku=st.sampled_from(sorted(PRICES)), many=quantities)
    def update(self, which: int, sku: str, many: int) -> None:
        row = self.pick(which)
        if row and sku in row.lines and not row.refunds:
            row.lines[sku] = many
            amount = str(PRICES[sku] * many)
            line = {"id": row.line_ids[sku], "quantity": many, "subtotal": amount, "total": amount}
            self.change(row, {"line_items": [line]})

    @rule(which=anyone, minded=st.integers(min_value=0, max_value=3))
    def cancel(self, which: int, minded: int) -> None:
        """Now and then: little else happens to an order afterwards."""
        if (row := self.pick(which)) and not minded:
            row.cancelled = True
            self.change(row, {"status": "cancelled"})

    @rule(which=anyone, sku=st.sampled_from(sorted(PRICES)))
    def refund(self, which: int, sku: str) -> None:
        """One of an article; never the whole order."""
        row = self.pick(which)
        if row is None or not row.paid or row.lines.get(sku, 0) - row.given_back.get(sku, 0) < 2:
            return
        price = PRICES[sku]
        line = {"id": row.line_ids[sku], "quantity": 1, "refund_total": str(price)}
        body = {"amount": str(price), "reason": "Damaged", "line_items": [line], "api_refund": False}
        self.scene.store.post(f"orders/{row.number}/refunds", body)
        row.refunds.append(price)
        row.given_back[sku] = row.given_back.get(sku, 0) + 1
        self.tell(row, "order.updated")

    # --- what becomes of the news -------------------------------------------------------------------------------------

    @precondition(lambda self: self.on_their_way)
    @rule(which=anyone, copies=st.integers(min_value=0, max_value=2))
    def arrive(self, which: int, copies: int) -> None:
        """Any of those on their way: late, in another order, twice, or never."""
        headers, body = self.on_their_way.pop(which % len(self.on_their_way))
        for _ in range(copies):
            self.post(headers, body)

    @rule()
    def apply(self) -> None:
        for pk in list(inbox.due(timezone.now()).values_list("pk", flat=True)):
            inbox.process(pk)

    @rule()
    def poll(self) -> None:
        self.scene.run(self.scene.shop, "order")

    @rule()
    def send(self) -> None:
        for pk in self.list_due():
            deliver(pk)

    @rule()
    def send_while_the_erp_breaks_off(self) -> None:
        """It commits, and its answer is an error."""
        self.scene.odoo.dials(writes_only=True, error_after_commit=1.0)
        self.send()
        self.scene.odoo.dials(writes_only=False, error_after_commit=0.0)

    @rule()
    def work(self) -> None:
        """All of a worker's, so that much gets as far as the ERP in the middle of a sequence."""
        self.apply()
        self.poll()
        self.send()

    @rule()
    def time_passes(self) -> None:
        self.age()

    # --- kills: a worker that stops between two of its transactions ---------------------------------------------------

    @rule(which=anyone, after=st.sampled_from(["taken", "sending", "sent"]))
    def kill_sender(self, which: int, after: str) -> None:
        due = self.list_due()
        command = lease.take(due[which % len(due)], timezone.now()) if due else None
        if command is None or after == "taken" or command.state != Command.State.LEASED or command.search_first:
            return
        now = timezone.now()
        stored = bytes(command.payload) if command.payload is not None else None
        document = (
            documents.decode(command.kind, stored)
            if stored
            else call(command.stream, "build", command.merchant_id, command=command, at=now)
        )
        assert lease.mark_sending(command, stored or documents.encode(document), now)
        if after == "sent":
            documents.send(build_connector(command.connection, Captures()), command.kind, document)

    @rule(which=anyone)
    def kill_reader(self, which: int) -> None:
        due = list(inbox.due(timezone.now()).order_by("pk").values_list("pk", flat=True))
        if due:
            inbox.take(due[which % len(due)], timezone.now())

    # --- when all has settled -----------------------------------------------------------------------------------------

    def teardown(self) -> None:
        while self.on_their_way:
            self.post(*self.on_their_way.pop())
        for _ in range(40):
            self.age()
            self.apply()
            self.poll()
            self.decide()
            self.send()
            if self.is_settled():
                break
        else:
            stuck = [f"{row} {row.state} {row.message}" for row in Command.plain.filter(state__in=Command.OPEN_STATES)]
            raise AssertionError(f"It never settles: {stuck} {list(Hold.plain.filter(ended_at=None))}")
        there: dict[str, list[dict[str, Any]]] = {}
        for sale in self.scene.odoo.facts("orders"):
            there.setdefault(sale["reference"], []).append(sale)
        booked = self.scene.odoo.facts("refunds")
        for row in self.meant:
            note(str(row))
            self.check(row, there.get(f"A-{row.number}", []), booked)
        assert not Problem.plain.filter(state="open").exists()

    def check(self, meant: Meant, sales: list[dict[str, Any]], booked: list[dict[str, Any]]) -> None:
        row = Order.plain.get(connection=self.scene.shop, external_id=meant.number)
        part = FulfilmentOrder.plain.filter(order=row).first()
        back = sum(meant.refunds, Decimal(0))
        assert (row.fulfilment == "cancelled") == meant.cancelled
        assert sorted(Refund.plain.filter(order=row).values_list("amount", flat=True)) == sorted(meant.refunds)
        assert not Hold.plain.filter(subject_type="order", subject_id=row.pk, ended_at=None).exists()
        active = [sale for sale in sales if sale["state"] != "cancel"]
        if meant.cancelled:
            assert active == [], "cancelled, and yet there"
            assert len(sales) <= 1
            assert part is None or part.state == "cancelled"  # none where its first word was that it is cancelled
            return
        assert part is not None
        ours = dict(row.lines.order_by().values_list("sku").annotate(Sum("quantity")))
        assert (row.total, ours) == (meant.total, {sku: Decimal(many) for sku, many in meant.lines.items()})
        assert row.refunded + row.refund_pending == back
        if not meant.paid:
            assert (sales, part.state) == ([], "waiting")
            return
        (sale,) = sales
        assert (sale["state"], part.state, part.external_number) == ("sale", "placed", sale["number"])
        assert (Decimal(sale["total"]), part.remote_total) == (meant.total, meant.total)
        lines = {line["sku"]: Decimal(line["quantity"]) for line in sale["lines"]}
        assert lines == ours
        mine = [Decimal(one["amount"]) for one in booked if one["reference"].startswith(f"A-{meant.number}-R")]
        assert sorted(mine) == sorted(meant.refunds), "each refund once"
        assert (row.refunded, row.refund_pending) == (back, Decimal(0))

    # --- helpers ------------------------------------------------------------------------------------------------------

    def pick(self, which: int) -> Meant | None:
        alive = [row for row in self.meant if not row.cancelled]
        return alive[which % len(alive)] if alive else None

    def change(self, row: Meant, body: dict[str, Any]) -> None:
        self.scene.store.put(f"orders/{row.number}", body)
        self.tell(row, "order.updated")

    def tell(self, row: Meant, topic: str) -> None:
        """The shop's webhook, as the order is at this moment."""
        store = self.scene.store
        webhook = {"id": 1, "topic": topic, "secret": store.sim.credentials["webhook_secret"], "delivery_url": "/"}
        message = hooks.build_delivery(webhook, store.get(f"orders/{row.number}"), store.base_url)
        headers = {**message.headers, "X-WC-Webhook-Delivery-ID": f"{row.number}-{next(self.deliveries)}"}
        self.on_their_way.append((headers, message.body))

    def post(self, headers: dict[str, str], body: bytes) -> None:
        address = f"/hooks/{self.scene.shop.public_id}/"
        answer = Client().post(address, body, content_type="application/json", headers=headers)
        assert answer.status_code == 200, answer.content

    def list_due(self) -> list[int]:
        return list(lease.due(timezone.now()).order_by("next_attempt_at", "pk").values_list("pk", flat=True))

    def age(self) -> None:
        """Leases run out and waits are over, now rather than in some minutes."""
        now = timezone.now()
        Command.plain.filter(state__in=BUSY, lease_until__gt=now).update(lease_until=now)
        lease.recover(timezone.now())
        Command.plain.filter(Q(state="pending") | Q(state="unknown"), next_attempt_at__gt=now).update(
            next_attempt_at=now
        )
        InboundEvent.plain.filter(state="leased", lease_until__gt=now).update(lease_until=now)
        InboundEvent.plain.filter(state="received", next_attempt_at__gt=now).update(next_attempt_at=now)

    def decide(self) -> None:
        """What only a person can: whether it is there, and that what the shop changed is sent on."""
        now = timezone.now()
        for edit in OrderEdit.plain.filter(state=OrderEdit.State.OPEN).select_related("order"):
            edits.push(order_id=edit.order_id, by="anna", at=now)
        for command in Command.plain.filter(state=Command.State.NEEDS_HUMAN).select_related("connection"):
            found = list_there(command) if command.kind.startswith("create_") else []
            if found:
                (one,) = found
                replay.say_it_is_there(
                    command=command, external_id=one.external_id, external_number=one.number, by=None, at=now, found=one
                )
            else:
                replay.say_it_is_not_there(command=command, by=None, at=now)

    def is_settled(self) -> bool:
        problems.mend(timezone.now() + timedelta(hours=1))
        waiting = InboundEvent.plain.filter(state__in=("received", "leased")).exists()
        edited = OrderEdit.plain.filter(state__in=("open", "sending")).exists()
        return not (waiting or edited or Command.plain.filter(state__in=Command.OPEN_STATES).exists())


@pytest.mark.reliability
@pytest.mark.slow
@pytest.mark.timeout(14_400 if FULL else 300)
def test_promise_11_any_order_of_events_ends_in_the_same(transactional_db: None) -> None:
    with open_scene(PRICES) as scene:
        Shopping.scene = scene
        run_state_machine_as_test(
            Shopping,
            settings=settings(
                max_examples=SEQUENCES,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                derandomize=not FULL,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
                report_multiple_bugs=False,
            ),
        )
        assert Command.plain.filter(state__in=Command.DONE_STATES).count() >= SEQUENCES, "much was sent"
