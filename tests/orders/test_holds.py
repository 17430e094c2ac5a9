"""Every reason an order waits for has its end: what it names comes, the shop takes it back, or the order is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from catalog import services as catalog
from catalog.models import Binding
from integrations.contract import records as r
from integrations.models import Command, Hold, Link, ValueMapping
from integrations.sync import replay
from integrations.sync.handlers import call
from integrations.sync.release import release
from integrations.sync.values import map_value
from orders.models import FulfilmentOrder, Order
from orders.outbound import build_order
from tests.orders.test_intake import MINUTE, State, create_command, finish, take
from tests.world import NOON, D, World, order, product, stocked

ADA = r.CustomerRecord(external_id="c7", name="Ada Lovelace", email="ada@example.com")
SHIPPING = r.OrderLineRecord(external_id="ship", kind=r.LineKind.SHIPPING, name="Flat rate", net=D(5), gross=D(5))


def waiting() -> list[str]:
    return sorted(Hold.plain.filter(ended_at__isnull=True).values_list("key", flat=True))


def with_shipping(number: str, **more: Any) -> r.OrderRecord:
    record = order(number, ("MUG", 1, "4.00"), **more)
    return replace(record, lines=(*record.lines, SHIPPING), total=D("9.00"))


# --- binding: what the shop sold --------------------------------------------------------------------------------------


def test_an_article_of_a_very_long_id_is_freed_too(world: World) -> None:
    stocked(world, "MUG")
    record = order("1001", ("MUG", 1, "4.50"))
    line = replace(record.lines[0], variant_external_id="x" * 198, sku="")
    take(world, replace(record, lines=(line,)))
    assert [len(key) for key in waiting()] == [200]
    binding = Binding.plain.get(external_id="x" * 198)
    assert catalog.bind(binding_id=binding.pk, variant_id=world.variant("MUG").pk, at=NOON + MINUTE) == 1
    assert waiting() == []
    assert create_command().state == State.PENDING


def test_our_new_article_of_that_code_frees_it(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("NEW", 1, "4.50")))
    assert waiting() == [f"binding:{world.shop.pk}:s-NEW"]
    world.apply(world.erp, "product", product("e-NEW", "NEW"), at=NOON + MINUTE)
    assert waiting() == []
    assert create_command().state == State.PENDING


def test_an_unknown_line_taken_off_the_order_holds_nothing_any_more(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 1, "4.50"), ("THEIRS", 2, "1.00")))
    assert waiting() == [f"binding:{world.shop.pk}:s-THEIRS"]
    take(world, order("1001", ("MUG", 1, "4.50"), updated_at=NOON + MINUTE))
    assert waiting() == []
    assert create_command().amount == D("4.50")


def test_a_line_bound_anew_before_it_was_sent_is_the_new_article(world: World) -> None:
    stocked(world, "MUG", "CUP")
    take(world, order("1001", ("MUG", 1, "4.50"), paid=False))
    binding = Binding.plain.get(connection=world.shop, external_id="s-MUG")
    catalog.bind(binding_id=binding.pk, variant_id=world.variant("CUP").pk, at=NOON)
    take(world, order("1001", ("MUG", 1, "4.50"), updated_at=NOON + MINUTE))
    document: Any = build_order(command=create_command(), at=NOON)
    assert [line.variant_external_id for line in document.lines] == ["e-CUP-CUP"]


# --- variant: and value: what the back office must know ---------------------------------------------------------------


def test_their_new_article_frees_what_waited_for_it(world: World) -> None:
    stocked(world, "MUG")
    Binding.plain.filter(connection=world.erp).delete()
    take(world, order("1001", ("MUG", 1, "4.50")))
    assert waiting() == [f"variant:{world.erp.pk}:{world.variant('MUG').pk}"]
    world.apply(world.erp, "product", product("e-MUG", "MUG"), at=NOON + MINUTE)
    assert waiting() == []
    assert create_command().state == State.PENDING


def test_a_charge_taken_off_the_order_holds_nothing_any_more(world: World) -> None:
    stocked(world, "MUG")
    take(world, with_shipping("1001"))
    assert waiting() == [f"value:{world.erp.pk}:special_line:shipping"]
    take(world, order("1001", ("MUG", 1, "4.00"), updated_at=NOON + MINUTE))
    assert waiting() == []
    assert create_command().amount == D("4.00")


def test_one_value_of_two_frees_its_own_and_the_other_keeps_its_age_and_owner(world: World) -> None:
    stocked(world, "MUG")
    taxed = replace(SHIPPING, tax=D(1), gross=D(6), taxes=(r.TaxRecord(code="7", name="VAT", amount=D(1)),))
    record = order("1001", ("MUG", 1, "4.00"))
    take(world, replace(record, lines=(*record.lines, taxed), total=D("10.00")))
    tax, charge = f"value:{world.shop.pk}:tax:7", f"value:{world.erp.pk}:special_line:shipping"
    assert waiting() == sorted([tax, charge])
    told = Order.plain.get().timeline.count()
    row = ValueMapping.plain.get(connection=world.shop, kind="tax", theirs="7")
    row.ours = "vat"
    map_value(row, at=NOON + MINUTE)
    assert waiting() == sorted([tax, charge]), "the back office does not know ours yet"
    assert Hold.plain.get(key=tax).since == NOON
    assert Order.plain.get().timeline.count() == told, "nothing new to tell"
    map_value(
        ValueMapping(merchant=world.merchant, connection=world.erp, kind="tax", theirs="31", ours="vat"),
        at=NOON + 2 * MINUTE,
    )
    assert waiting() == [charge]
    map_value(
        ValueMapping(merchant=world.merchant, connection=world.erp, kind="special_line", theirs="88", ours="shipping"),
        at=NOON + 3 * MINUTE,
    )
    assert waiting() == []
    assert create_command().amount == D("10.00")


# --- customer: --------------------------------------------------------------------------------------------------------


def test_a_customer_whom_the_back_office_has_under_another_of_ours_is_enough(world: World) -> None:
    """His number there is linked to a customer read from the back office itself."""
    stocked(world, "MUG")
    world.apply(world.erp, "customer", r.CustomerRecord(external_id="55", name="Ada Lovelace"))
    take(world, order("1001", ("MUG", 1, "4.50"), customer=ADA))
    made = Command.plain.get(kind="create_customer")
    finish(world, made, State.ACCEPTED, external_id="55")
    assert waiting() == []
    document: Any = build_order(command=create_command(), at=NOON)
    assert document.customer_external_id == "55"
    assert Link.plain.filter(connection=world.erp, stream="customer").count() == 1


def test_a_refused_customer_says_so_and_one_found_by_hand_frees_his_orders(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 1, "4.50"), customer=ADA))
    made = Command.plain.get(kind="create_customer")
    finish(world, made, State.NEEDS_FIX, message="No country.")
    assert Hold.plain.get().message == "ERP did not take the customer: No country."
    replay.say_it_is_there(command=made, external_id="56", by=None, at=NOON + MINUTE)
    assert waiting() == []
    document: Any = build_order(command=create_command(), at=NOON)
    assert document.customer_external_id == "56"


def test_a_customer_never_to_be_made_there_buys_as_a_guest(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 1, "4.50"), customer=ADA))
    made = Command.plain.get(kind="create_customer")
    finish(world, made, State.NEEDS_FIX, message="No country.")
    replay.say_never(command=made, by=None, at=NOON + MINUTE, reason="Walk-in")
    assert waiting() == []
    document: Any = build_order(command=create_command(), at=NOON)
    assert (document.customer_external_id, document.customer.name) == ("", "Ada Lovelace")
    take(world, order("1002", ("MUG", 1, "4.50"), customer=ADA))
    assert waiting() == []
    assert Command.plain.filter(kind="create_order").count() == 2
    assert Command.plain.filter(kind="create_customer").count() == 1


# --- reference: -------------------------------------------------------------------------------------------------------


def test_a_number_too_long_for_a_reference_is_shortened_and_stays_its_own(world: World) -> None:
    stocked(world, "MUG")
    numbers = ["2026-WEBSHOP-GERMANY-000017", "2026-WEBSHOP-GERMANY-000018"]
    for number in numbers:
        take(world, order(number, ("MUG", 1, "4.50")))
    assert waiting() == []
    rows = [Order.plain.get(number=number) for number in numbers]
    wanted = [f"{'A-2026-WEBSHOP-GERMANY'[: 19 - len(str(row.pk))]}~{row.pk}" for row in rows]
    assert [len(one) for one in wanted] == [20, 20]
    found = list(Command.plain.filter(kind="create_order").order_by("pk").values_list("reference", flat=True))
    assert found == wanted == [row.fulfilment_orders.get().reference for row in rows]


def test_two_orders_of_one_number_are_both_kept_and_sent(world: World) -> None:
    """A shop that counts its numbers anew."""
    stocked(world, "MUG")
    for external_id in ("1001", "2001"):
        take(world, order("1001", ("MUG", 1, "4.50"), external_id=external_id))
    second = Order.plain.get(external_id="2001")
    found = list(Command.plain.filter(kind="create_order").order_by("pk").values_list("reference", flat=True))
    assert found == ["A-1001", f"A-1001~{second.pk}"]


# --- the end ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def held(world: World) -> Order:
    """Waits for an article, and for somebody to look at its sums."""
    stocked(world, "MUG")
    record = order("1001", ("MUG", 1, "4.50"), ("THEIRS", 2, "1.00"))
    take(world, replace(record, total=D("7.00")))
    row = Order.plain.get()
    assert waiting() == sorted([f"amount:{row.pk}", f"binding:{world.shop.pk}:s-THEIRS"])
    return row


def test_cancelling_an_order_ends_what_it_waits_for_and_nothing_new_begins(world: World, held: Order) -> None:
    gone = replace(order("1001", ("MUG", 1, "4.50"), ("THEIRS", 2, "1.00")), total=D("7.00"), cancelled=True)
    take(world, replace(gone, updated_at=NOON + MINUTE))
    assert waiting() == []
    take(world, replace(gone, total=D("8.00"), updated_at=NOON + 2 * MINUTE))
    assert waiting() == []
    assert not Command.plain.exists()


def test_an_order_deleted_in_the_shop_waits_for_nothing(world: World, held: Order) -> None:
    call("order", "gone", world.merchant.pk, connection=world.shop, external_id="1001", at=NOON + MINUTE)
    assert waiting() == []


def test_an_order_never_to_be_sent_waits_for_nothing(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 1, "4.50")))
    take(world, order("1001", ("MUG", 2, "4.50"), updated_at=NOON + MINUTE))
    row = Order.plain.get()
    assert waiting() == [f"changed:{row.pk}"]
    replay.say_never(command=create_command(), by=None, at=NOON + MINUTE, reason="Test order")
    assert waiting() == []
    assert FulfilmentOrder.plain.get().state == "never"


def test_a_person_lets_sums_that_do_not_add_up_go(world: World) -> None:
    stocked(world, "MUG")
    take(world, replace(order("1001", ("MUG", 3, "3.33")), total=D("11.00")))
    row = Order.plain.get()
    assert release(merchant_id=world.merchant.pk, key=f"amount:{row.pk}", at=NOON + MINUTE) == 1
    assert waiting() == []
    assert create_command().amount == D("11.00")
