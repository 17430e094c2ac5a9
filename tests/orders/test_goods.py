"""Which of the order's lines left and came back, and crates that are bottles elsewhere."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from catalog import services as catalog
from catalog.models import Binding, Reservation
from integrations.contract import records as r
from integrations.contract.errors import Rejected
from integrations.models import Command, Connection, Hold
from integrations.sync import documents
from orders.models import FulfilmentLine, Order, OrderLine, RefundLine, ReturnLine, ShipmentLine
from orders.outbound import build_order, build_refund
from tests.orders.test_intake import MINUTE, State, create_command, finish, take
from tests.world import NOON, D, World, order, stocked


def place(world: World, record: r.OrderRecord, *line_ids: str) -> Order:
    """Take it, send it, and have it answered with these ids of its lines."""
    take(world, record)
    create = create_command()
    document = build_order(command=create, at=NOON)
    answer = r.CommandResult(external_id="17", number="SO017", line_ids=line_ids)
    finish(world, create, State.VERIFIED, answer, external_id="17", external_number="SO017",
           payload=documents.encode(document))  # fmt: skip
    return Order.plain.get()


def goods(pk: str, *lines: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    """(their order line, their article, how many)."""
    rows = tuple(
        r.DocumentLineRecord(order_line_external_id=line, variant_external_id=article, quantity=D(quantity))
        for line, article, quantity in lines
    )
    return {"external_id": pk, "order_external_id": "17", "number": f"OUT/{pk}", "lines": rows,
            "state": r.DocumentState.DONE, **more}  # fmt: skip


def ship(world: World, pk: str, *lines: tuple[str, str, str]) -> None:
    world.apply(world.erp, "shipment", r.ShipmentRecord(**goods(pk, *lines)))


def booked(model: type[Any] = ShipmentLine) -> list[tuple[int, Decimal]]:
    return list(model.plain.order_by("pk").values_list("order_line__position", "quantity"))


# --- two lines of one article -----------------------------------------------------------------------------------------

TWICE = order("1001", ("MUG", 2, "4.50"), ("MUG", 3, "4.00"))


def test_a_shipment_is_booked_to_the_line_it_names(world: World) -> None:
    stocked(world, "MUG")
    row = place(world, TWICE, "501", "502")
    assert list(FulfilmentLine.plain.order_by("pk").values_list("order_line__position", "external_id")) == [
        (0, "501"),
        (1, "502"),
    ]
    ship(world, "1", ("502", "e-MUG-MUG", "3"))
    assert booked() == [(1, D(3))]
    row.refresh_from_db()
    assert row.fulfilment == "partially_fulfilled"
    ship(world, "2", ("501", "e-MUG-MUG", "2"))
    assert booked() == [(1, D(3)), (0, D(2))]
    row.refresh_from_db()
    assert row.fulfilment == "fulfilled"


def test_a_return_is_booked_to_the_line_it_names(world: World) -> None:
    stocked(world, "MUG")
    place(world, TWICE, "501", "502")
    ship(world, "1", ("501", "e-MUG-MUG", "2"), ("502", "e-MUG-MUG", "3"))
    world.apply(world.erp, "return", r.ReturnRecord(**goods("9", ("502", "e-MUG-MUG", "1"))))
    assert booked(ReturnLine) == [(1, D(1))]


@pytest.mark.parametrize("line_ids", [(), ("501",)], ids=["no ids", "another number of lines"])
def test_without_its_id_each_line_is_filled_up_to_what_is_left(world: World, line_ids: tuple[str, ...]) -> None:
    stocked(world, "MUG")
    row = place(world, TWICE, *line_ids)
    ship(world, "1", ("501", "e-MUG-MUG", "1"))
    ship(world, "2", ("501", "e-MUG-MUG", "3"))
    assert booked() == [(0, D(1)), (0, D(1)), (1, D(2))]
    row.refresh_from_db()
    assert row.fulfilment == "partially_fulfilled"
    ship(world, "3", ("501", "e-MUG-MUG", "2"))  # one more than was sold
    assert booked()[3:] == [(1, D(2))]
    row.refresh_from_db()
    assert row.fulfilment == "fulfilled"


def test_an_article_that_is_only_suggested_to_be_ours_is_booked_to_nothing(world: World) -> None:
    stocked(world, "MUG")
    place(world, order("1001", ("MUG", 2, "4.50")))
    guess = Binding.plain.get(connection=world.erp, external_id="e-MUG-MUG")
    guess.state, guess.score = Binding.State.SUGGESTED, 90
    guess.save()
    ship(world, "1", ("", "e-MUG-MUG", "2"))
    assert booked() == []
    assert Order.plain.get().fulfilment != "fulfilled"
    Binding.plain.filter(pk=guess.pk).update(state=Binding.State.BOUND)
    ship(world, "2", ("", "e-MUG-MUG", "2"))
    assert booked() == [(0, D(2))]
    assert Order.plain.get().fulfilment == "fulfilled"


def test_a_refund_of_one_of_two_lines_is_told_as_that_line(world: World) -> None:
    stocked(world, "MUG")
    place(world, TWICE, "501", "502")
    part = r.RefundLineRecord(order_line_external_id="1001-1", quantity=D(2), net=D("8.00"))
    refund = r.RefundRecord(external_id="r1", order_external_id="1001", amount=D("8.00"), lines=(part,), at=NOON)
    take(world, replace(TWICE, refunds=(refund,), updated_at=NOON + MINUTE))
    assert RefundLine.plain.get().order_line.position == 1
    document = build_refund(command=Command.plain.get(kind="create_refund"), at=NOON)
    assert [(line.quantity, line.unit_price, line.net) for line in document.lines] == [(D(2), D("4.00"), D("8.00"))]


# --- crates and bottles -----------------------------------------------------------------------------------------------


def bind(world: World, connection: Connection, external_id: str, factor: int, variant: str = "MUG") -> None:
    row, _ = Binding.plain.get_or_create(
        merchant_id=world.merchant.pk, connection=connection, external_id=external_id, defaults={"reference_code": "X"}
    )
    catalog.bind(binding_id=row.pk, variant_id=world.variant(variant).pk, factor=D(factor), at=NOON)


def sent_lines() -> list[tuple[str, Decimal, Decimal, Decimal]]:
    document: Any = build_order(command=create_command(), at=NOON)
    return [(line.variant_external_id, line.quantity, line.unit_price, line.net) for line in document.lines]


def test_a_crate_in_the_shop_is_24_bottles_in_the_back_office(world: World) -> None:
    stocked(world, "MUG", quantity="100")
    bind(world, world.shop, "s-MUG", 24)
    row = place(world, order("1001", ("MUG", 2, "48.00")), "501")
    assert sent_lines() == [("e-MUG-MUG", D(48), D("2.00"), D("96.00"))]
    assert Reservation.plain.get().quantity == 48
    line = OrderLine.plain.get()
    assert (line.quantity, line.factor, line.base_quantity) == (D(2), D(24), D(48))
    ship(world, "1", ("501", "e-MUG-MUG", "2"))
    row.refresh_from_db()
    assert (booked(), row.fulfilment) == ([(0, D(2))], "partially_fulfilled"), "two bottles are not two crates"
    ship(world, "2", ("501", "e-MUG-MUG", "46"))
    row.refresh_from_db()
    assert row.fulfilment == "fulfilled"
    part = r.RefundLineRecord(order_line_external_id="1001-0", quantity=D(1), net=D("48.00"))
    refund = r.RefundRecord(external_id="r1", order_external_id="1001", amount=D("48.00"), lines=(part,), at=NOON)
    take(world, replace(order("1001", ("MUG", 2, "48.00")), refunds=(refund,), updated_at=NOON + MINUTE))
    document = build_refund(command=Command.plain.get(kind="create_refund"), at=NOON)
    assert [(one.quantity, one.unit_price, one.net) for one in document.lines] == [(D(24), D("2.00"), D("48.00"))]


def test_bottles_in_the_shop_are_crates_in_the_back_office(world: World) -> None:
    stocked(world, "MUG", quantity="100")
    bind(world, world.erp, "e-MUG-MUG", 24)
    row = place(world, order("1001", ("MUG", 48, "2.00")), "501")
    assert sent_lines() == [("e-MUG-MUG", D(2), D("48.00"), D("96.00"))]
    ship(world, "1", ("501", "e-MUG-MUG", "1"))
    assert booked() == [(0, D(24))]
    ship(world, "2", ("501", "e-MUG-MUG", "1"))
    row.refresh_from_db()
    assert row.fulfilment == "fulfilled"


def test_part_of_a_crate_is_held_until_it_can_be_said_and_never_rounded(world: World) -> None:
    stocked(world, "MUG", quantity="100")
    bind(world, world.erp, "e-MUG-MUG", 24)
    take(world, order("1001", ("MUG", 10, "2.00")))
    held = Hold.plain.get()
    assert (held.reason, held.key) == ("fraction", f"variant:{world.erp.pk}:{world.variant('MUG').pk}")
    assert "10 × MUG (order #1001) is no whole number of what ERP sells it by" in held.message
    assert not Command.plain.exists()
    assert Reservation.plain.get().quantity == 10
    bind(world, world.erp, "e-BOTTLE", 1)
    assert not Hold.plain.filter(ended_at__isnull=True).exists()
    assert sent_lines() == [("e-BOTTLE", D(10), D("2.00"), D("20.00"))]


def test_of_several_articles_the_one_sold_the_same_way_is_taken(world: World) -> None:
    stocked(world, "MUG", quantity="100")
    for external_id, factor in (("e-CRATE", 24), ("e-SIX", 6)):
        bind(world, world.erp, external_id, factor)
    bind(world, world.shop, "s-SIX", 6)
    take(world, order("1001", ("MUG", 24, "2.00"), ("SIX", 3, "11.00")))
    assert [(one[0], one[1]) for one in sent_lines()] == [("e-MUG-MUG", D(24)), ("e-SIX", D(3))]
    Binding.plain.filter(external_id="e-MUG-MUG").delete()
    assert [(one[0], one[1]) for one in sent_lines()] == [("e-CRATE", D(1)), ("e-SIX", D(3))]


def test_goods_by_weight_may_be_any_number_where_both_count_alike(world: World) -> None:
    stocked(world, "MUG", quantity="100")
    record = order("1001", ("MUG", 1, "4.50"))
    take(world, replace(record, lines=(replace(record.lines[0], quantity=D("0.375")),)))
    assert sent_lines() == [("e-MUG-MUG", D("0.375"), D("4.50"), D("4.50"))]


def test_an_order_whose_article_became_a_crate_meanwhile_is_not_sent_in_parts(world: World) -> None:
    stocked(world, "MUG", quantity="100")
    take(world, order("1001", ("MUG", 10, "2.00")))
    bind(world, world.erp, "e-MUG-MUG", 24)
    with pytest.raises(Rejected) as refused:
        build_order(command=create_command(), at=NOON)
    assert refused.value.code == "FRACTION"


def test_part_of_a_crate_given_back_is_a_persons_business(world: World) -> None:
    stocked(world, "MUG", quantity="100")
    bind(world, world.erp, "e-MUG-MUG", 24)
    place(world, order("1001", ("MUG", 24, "2.00")), "501")
    part = r.RefundLineRecord(order_line_external_id="1001-0", quantity=D(5), net=D("10.00"))
    refund = r.RefundRecord(external_id="r1", order_external_id="1001", amount=D("10.00"), lines=(part,), at=NOON)
    take(world, replace(order("1001", ("MUG", 24, "2.00")), refunds=(refund,), updated_at=NOON + MINUTE))
    with pytest.raises(Rejected) as refused:
        build_refund(command=Command.plain.get(kind="create_refund"), at=NOON)
    assert refused.value.code == "FRACTION"
