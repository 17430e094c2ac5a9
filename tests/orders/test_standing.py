"""Orders on account: the back office is asked by itself how the customer stands, outside of transactions."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import pytest
from django.db import connection as database
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from integrations import registry
from integrations.connectors.odoo.connector import Odoo
from integrations.contract import records as r
from integrations.contract.errors import Retryable
from integrations.models import Command, Connection, Hold
from integrations.sync.vault import store_credentials
from orders.models import Customer, Order
from orders.services import standing
from tests.orders.test_import_rules import on_account
from tests.orders.test_intake import MINUTE, State, finish, take
from tests.portal.people import log_in
from tests.world import NOON, D, World, make_world, stocked


class Teller(Odoo):
    """Says how customer 77 stands; `silent`: it does not answer."""

    owes: ClassVar[Decimal] = D("60.00")
    silent: ClassVar[bool] = False
    asked: ClassVar[list[str]] = []

    def get_account(self, customer_external_id: str) -> r.AccountRecord:
        assert not database.in_atomic_block, "asked inside a transaction"
        self.asked.append(customer_external_id)
        if self.silent:
            raise Retryable("It does not answer.", code="REMOTE_UNAVAILABLE")
        return r.AccountRecord(
            customer_external_id=customer_external_id, currency="GBP", balance=self.owes, credit_limit=D("100.00")
        )


@pytest.fixture
def world(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    """Ada has ordered for 60.00 on account and is known there."""
    monkeypatch.setitem(registry.CONNECTORS, "odoo", f"{__name__}.Teller")
    monkeypatch.setattr(Teller, "asked", [])
    world = make_world()
    stocked(world, "MUG")
    store_credentials(world.erp, {field.name: "secret" for field in Teller.credential_fields})
    take(world, on_account("1001", "60.00"))
    with transaction.atomic():
        finish(world, Command.plain.get(kind="create_customer"), State.ACCEPTED, external_id="77")
        finish(world, Command.plain.get(kind="create_order"), State.ACCEPTED, external_id="17")
    return world


def reasons() -> list[str]:
    return sorted(Hold.plain.filter(ended_at__isnull=True).values_list("reason", flat=True))


def test_an_order_waits_while_the_back_office_is_asked_and_goes_below_the_limit(world: World) -> None:
    take(world, on_account("1002", "39.99"))
    assert reasons() == ["account"]
    hold = Hold.plain.get(ended_at__isnull=True)
    assert hold.message == "ERP is asked how much Ada owes (order #1002)."
    assert Teller.asked == [], "nobody is asked while the order is saved"
    address = reverse("admin:orders_order_change", args=(Order.plain.get(number="1002").pk,))
    page = log_in(world.merchant, "support").get(address).content.decode()
    assert "the back office says how the customer stands, then it goes by itself" in page
    assert "It goes on by itself when that is there." in page
    assert standing.ask(Customer.plain.get().pk, at=timezone.now())
    assert Teller.asked == ["77"]
    assert reasons() == []
    customer = Customer.plain.get()
    assert (customer.balance, customer.credit_limit) == (D("60.00"), D("100.00"))
    assert Command.plain.filter(kind="create_order").count() == 2


def test_above_the_limit_it_waits_for_a_person_and_is_never_sent_in_between(world: World) -> None:
    take(world, on_account("1002", "40.01"))
    assert standing.ask(Customer.plain.get().pk, at=timezone.now())
    assert reasons() == ["credit_limit"]
    assert "owes 60.00 GBP: order #1002 is 0.01 GBP too much" in Hold.plain.get(ended_at__isnull=True).message
    assert Command.plain.filter(kind="create_order").count() == 1


def test_what_was_said_a_moment_ago_is_believed(world: World) -> None:
    Customer.plain.update(account_at=NOON - standing.KNOWN_FOR + MINUTE, credit_limit=D("100.00"))
    take(world, on_account("1002", "39.99"))
    assert (reasons(), Teller.asked) == ([], [])


def test_a_back_office_that_is_silent_is_asked_again_and_in_the_end_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Teller, "silent", True)
    take(world, on_account("1002", "39.99"))
    pk = Customer.plain.get().pk
    assert not standing.ask(pk, at=NOON)
    assert not standing.ask(pk, at=NOON), "asked a moment ago"
    assert Teller.asked == ["77"]
    assert not standing.ask(pk, at=NOON + standing.AGAIN_AFTER)
    assert (len(Teller.asked), reasons()) == (2, ["account"])
    assert standing.ask(pk, at=NOON + standing.GIVE_UP_AFTER)
    assert reasons() == []
    words = Order.plain.get(number="1002").timeline.get(code="account_unknown").message
    assert "ERP does not say how he stands: It does not answer." in words


def test_nobody_is_asked_for_who_is_new_or_cannot_be_told_of(world: World) -> None:
    Connection.plain.filter(pk=world.erp.pk).update(state="paused")
    take(world, on_account("1002", "39.99"))
    assert (reasons(), Teller.asked) == ([], [])
