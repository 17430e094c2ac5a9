"""Which orders are taken in: rules that leave out and hold, orders from before, and what a person takes in by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.urls import reverse

from catalog.models import ChannelStock
from integrations.contract import records as r
from integrations.models import Command, Flow, HistoryPlace, Hold, SyncRun
from integrations.sync import history, runs
from integrations.sync.handlers import call
from orders.models import Customer, Order, OrderLine, OrderRule
from orders.services import accounting, admission, credit, desk
from tests.orders.test_intake import MINUTE, State, finish, take
from tests.portal.people import log_in, make_person
from tests.world import LONG_AGO, NOON, D, World, order, stocked

HOME = r.AddressRecord(name="Ada", line1="1 Mill Lane", city="London", postcode="SW1A 1AA", country="GB")
AWAY = replace(HOME, line1="2 Rue X", city="Paris", postcode="75001", country="FR")


def rule(world: World, what: str, how: str, then: str = "leave_out", values: str = "", **more: Any) -> OrderRule:
    row = OrderRule(merchant=world.merchant, what=what, how=how, then=then, values=values, **more)
    row.save()
    return row


def accounts(world: World) -> dict[str, int]:
    (one,) = accounting.add_up(Order.plain.filter(merchant=world.merchant), merchant_id=world.merchant.pk)
    assert one.balanced
    return {key: count for key, (count, _) in one.parts.items()}


def mugs_shown(world: World) -> int:
    return int(ChannelStock.plain.get(connection=world.other).wanted)


# --- left out ---------------------------------------------------------------------------------------------------------


def test_only_paid_orders_an_unpaid_one_is_kept_counted_and_comes_in_when_it_is_paid(world: World) -> None:
    stocked(world, "MUG")
    rule(world, "financial", "none", values="paid")
    take(world, order("1001", ("MUG", 1, "4.50"), paid=False))
    row = Order.plain.get()
    assert (row.admission, row.admission_words) == ("excluded", "the payment state is none of paid")
    assert (row.fulfilment_orders.count(), Command.plain.count(), Hold.plain.count()) == (0, 0, 0)
    assert mugs_shown(world) == 10  # nothing is promised
    assert OrderLine.plain.get().variant == world.variant("MUG")
    assert accounts(world) == {"excluded": 1}
    assert row.timeline.filter(code="left_out").count() == 1
    take(world, order("1001", ("MUG", 1, "4.50"), updated_at=NOON + MINUTE))
    row.refresh_from_db()
    assert (row.admission, row.admission_words) == ("", "")
    assert Command.plain.get().kind == "create_order"
    assert mugs_shown(world) == 9
    assert accounts(world) == {"waiting": 1}


def test_one_that_was_taken_in_stays_in(world: World) -> None:
    stocked(world, "MUG")
    rule(world, "status", "any", values="on-hold")
    take(world, order("1001", ("MUG", 1, "4.50"), status_text="processing"))
    take(world, order("1001", ("MUG", 1, "4.50"), status_text="on-hold", updated_at=NOON + MINUTE))
    assert Order.plain.get().admission == ""
    assert Command.plain.get().state == State.PENDING


@pytest.mark.parametrize(
    ("what", "how", "values", "record", "hit"),
    [
        ("tag", "any", "wholesale\nb2b", {"tags": ("B2B", "new")}, True),
        ("tag", "any", "wholesale", {"tags": ("b2b",)}, False),
        ("tag", "none", "web", {"tags": ()}, True),
        ("status", "any", "on-hold", {"status_text": "on-hold"}, True),
        ("method", "any", "cheque", {"payment_method": "cheque"}, True),
        ("method", "any", "cheque", {}, False),
        ("country", "none", "GB", {"shipping": AWAY}, True),
        ("country", "none", "GB", {"billing": HOME}, False),
        ("email", "any", "example.com", {"customer": r.CustomerRecord(email="Ada@Example.com")}, True),
        ("email", "any", "ample.com", {"customer": r.CustomerRecord(email="ada@example.com")}, False),
        ("total", "more", "4.49", {}, True),
        ("total", "more", "4.50", {}, False),
        ("total", "less", "4.51", {}, True),
        ("total", "more", "much", {}, False),
        ("flag", "set", "", {"flagged": "risk: high"}, True),
        ("flag", "set", "", {}, False),
        ("address", "incomplete", "", {"shipping": replace(HOME, postcode="")}, True),
        ("address", "incomplete", "", {"shipping": HOME}, False),
        ("address", "unlike", "", {"billing": HOME, "shipping": AWAY}, True),
        ("address", "unlike", "", {"billing": HOME, "shipping": replace(HOME, line1="1 MILL lane")}, False),
        ("guest", "no_account", "", {"customer": r.CustomerRecord(name="Bob")}, True),
        ("guest", "no_account", "", {"customer": r.CustomerRecord(external_id="c1", name="Bob")}, False),
        ("status", "any", "", {"status_text": ""}, False),  # says nothing
    ],
)
def test_what_a_rule_can_say(world: World, what: str, how: str, values: str, record: Any, hit: bool) -> None:
    rule(world, what, how, values=values)
    take(world, order("1001", ("MUG", 1, "4.50"), **record))
    assert (Order.plain.get().admission == "excluded") == hit


def test_a_rule_of_another_shop_or_switched_off_or_of_another_merchant_says_nothing(world: World) -> None:
    from tests.world import make_world

    rule(world, "total", "more", values="1", connection=world.other)
    rule(world, "total", "more", values="1", enabled=False)
    rule(make_world("Theirs"), "total", "more", values="1")
    take(world, order("1001", ("MUG", 1, "4.50")))
    assert Order.plain.get().admission == ""


# --- held -------------------------------------------------------------------------------------------------------------


def test_a_rule_holds_for_its_person_once_and_lets_go(world: World) -> None:
    stocked(world, "MUG")
    anna = make_person(world.merchant, "support")
    one = rule(world, "flag", "set", "hold", owner=anna)
    take(world, order("1001", ("MUG", 1, "4.50"), flagged="_risk_level: high"))
    row, hold = Order.plain.get(), Hold.plain.get()
    assert (hold.reason, hold.owner, hold.since, hold.key) == ("rule", anna, NOON, f"rule:{one.pk}:{row.pk}")
    assert hold.message == (
        "A rule holds order #1001: the shop's warning of fraud is there (_risk_level: high). Look at it, then let it go"
        " or cancel it in the shop."
    )
    assert Command.plain.count() == 0
    assert mugs_shown(world) == 9  # it is sold all the same
    desk.free(order_id=row.pk, hold_id=hold.pk, by=anna, reason="known buyer", at=NOON + MINUTE)
    assert Command.plain.get().kind == "create_order"
    take(world, order("1001", ("MUG", 1, "4.50"), flagged="_risk_level: high", updated_at=NOON + MINUTE))
    assert not Hold.plain.filter(ended_at__isnull=True).exists()


def test_what_is_so_no_more_holds_no_longer(world: World) -> None:
    stocked(world, "MUG")
    rule(world, "address", "incomplete", "hold")
    take(world, order("1001", ("MUG", 1, "4.50"), shipping=replace(HOME, city="")))
    assert Hold.plain.filter(ended_at__isnull=True).count() == 1
    take(world, order("1001", ("MUG", 1, "4.50"), shipping=HOME, updated_at=NOON + MINUTE))
    assert not Hold.plain.filter(ended_at__isnull=True).exists()
    assert Command.plain.get().kind == "create_order"


def test_leaving_out_goes_before_holding(world: World) -> None:
    rule(world, "total", "more", "hold", values="1")
    rule(world, "total", "more", "leave_out", values="1")
    take(world, order("1001", ("MUG", 1, "4.50")))
    assert Order.plain.get().admission == "excluded"
    assert not Hold.plain.filter(ended_at__isnull=True).exists()


# --- by hand ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["rule", "before", "history"])
def test_a_person_takes_in_what_was_left_out(world: World, why: str) -> None:
    stocked(world, "MUG")
    record = order("1001", ("MUG", 1, "4.50"))
    if why == "rule":
        rule(world, "total", "more", values="1")
        take(world, record)
    elif why == "before":
        take(world, replace(record, placed_at=LONG_AGO.replace(year=2025)))
    else:
        read_history(world, replace(record, placed_at=LONG_AGO.replace(year=2025)))
    assert accounts(world) == {"excluded": 1}
    row = Order.plain.get()
    by = make_person(world.merchant, "support")
    admission.take_in(order_id=row.pk, by=by, at=NOON)
    assert Command.plain.get().kind == "create_order"
    assert accounts(world) == {"waiting": 1}
    assert mugs_shown(world) == 9
    row.refresh_from_db()
    assert (row.admission, row.admission_words) == ("by_hand", str(by))
    take(world, replace(record, updated_at=NOON + MINUTE))
    assert Order.plain.get().admission == "by_hand"
    with pytest.raises(admission.NotPossible, match="taken in already"):
        admission.take_in(order_id=row.pk, by=by, at=NOON)


def test_a_cancelled_one_is_not_taken_in(world: World) -> None:
    rule(world, "total", "more", values="1")
    take(world, order("1001", ("MUG", 1, "4.50"), cancelled=True))
    with pytest.raises(admission.NotPossible, match="cancelled"):
        admission.take_in(order_id=Order.plain.get().pk, by=make_person(world.merchant, "support"), at=NOON)
    assert Command.plain.count() == 0


def test_the_desk_takes_in_on_the_page_and_from_the_list(world: World) -> None:
    stocked(world, "MUG")
    rule(world, "total", "more", values="1")
    for number in ("1001", "1002"):
        take(world, order(number, ("MUG", 1, "4.50")))
    first, second = Order.plain.order_by("pk")
    support, auditor = log_in(world.merchant, "support"), log_in(world.merchant, "auditor")
    page = support.get(reverse("admin:orders_order_change", args=(first.pk,))).content.decode()
    assert "Left out by a rule: the total is more than 1." in page
    assert "Take it in by hand" in page
    assert (
        "Take it in by hand" not in auditor.get(reverse("admin:orders_order_change", args=(first.pk,))).content.decode()
    )
    address = reverse("admin:orders_order_desk", args=(first.pk,))
    assert auditor.post(address, {"do": "take_in"}).status_code == 403
    assert "#1001 is taken in." in support.post(address, {"do": "take_in"}, follow=True).content.decode()
    chosen = {"action": "take_in", "_selected_action": [first.pk, second.pk]}
    told = support.post(reverse("admin:orders_order_changelist"), chosen, follow=True).content.decode()
    assert "1 order is taken in." in told
    assert "#1001 is taken in already." in told
    assert Command.plain.filter(kind="create_order").count() == 2


# --- rules' page ------------------------------------------------------------------------------------------------------


def test_owners_write_rules_and_nonsense_is_said(world: World) -> None:
    owner = log_in(world.merchant, "owner")
    add = reverse("admin:orders_orderrule_add")
    given = {
        "connection": "",
        "what": "financial",
        "how": "none",
        "values": "paid",
        "then": "leave_out",
        "enabled": "on",
    }
    for change, words in (
        ({"values": "payed"}, "payed is no payment state"),
        ({"values": " "}, "Say which."),
        ({"how": "more"}, "Of the payment state a rule can say"),
        ({"what": "country", "values": "Germany"}, "Countries are two letters"),
        ({"what": "total", "how": "more", "values": "lots"}, "One amount"),
    ):
        assert words in owner.post(add, {**given, **change}).content.decode()
    assert OrderRule.plain.count() == 0
    assert owner.post(add, given).status_code == 302
    assert str(OrderRule.plain.get()) == "the payment state is none of paid"
    page = owner.get(reverse("admin:orders_orderrule_changelist")).content.decode()
    assert "Only paid orders" in page
    assert "leave it out" in page
    assert log_in(world.merchant, "support").post(add, given).status_code == 403
    assert log_in(world.merchant, "sales").get(reverse("admin:orders_orderrule_changelist")).status_code == 403


def test_a_rule_that_goes_says_what_stays_out(world: World) -> None:
    row = rule(world, "total", "more", values="1")
    take(world, order("1001", ("MUG", 1, "4.50")))
    owner = log_in(world.merchant, "owner")
    assert "account=excluded" in owner.get(reverse("admin:orders_orderrule_changelist")).content.decode()
    address = reverse("admin:orders_orderrule_delete", args=(row.pk,))
    told = owner.post(address, {"post": "yes"}, follow=True).content.decode()
    assert "1 order it left out stays out" in told
    assert Order.plain.get().admission == "excluded"


# --- credit -----------------------------------------------------------------------------------------------------------


def on_account(number: str, total: str, **more: Any) -> r.OrderRecord:
    buyer = r.CustomerRecord(external_id="c7", name="Ada")
    return order(number, ("MUG", 1, total), paid=False, on_account=True, customer=buyer, **more)


def test_an_order_on_account_goes_unpaid_and_above_the_limit_waits(world: World) -> None:
    stocked(world, "MUG")
    take(world, on_account("1001", "60.00"))
    customer = Customer.plain.get()
    finish(world, Command.plain.get(kind="create_customer"), State.ACCEPTED, external_id="77")
    assert Command.plain.filter(kind="create_order").count() == 1
    Customer.plain.filter(pk=customer.pk).update(credit_limit=D("100.00"), account_at=NOON - MINUTE)
    take(world, on_account("1002", "40.01"))
    hold = Hold.plain.get(ended_at__isnull=True)
    assert (hold.reason, hold.amount) == ("credit_limit", D("40.01"))
    assert hold.message == (
        "Ada may owe 100.00 GBP and owes 60.00 GBP: order #1002 is 0.01 GBP too much. Let it go, wait for a payment,"
        " or raise the limit on the customer's page."
    )
    take(world, on_account("1003", "40.00"))
    rows = {one.number: one for one in Order.plain.all()}
    waiting = set(Hold.plain.filter(ended_at__isnull=True).values_list("subject_id", flat=True))
    assert waiting == {rows["1002"].pk, rows["1003"].pk}  # 1002 counts while it waits
    by = make_person(world.merchant, "support")
    desk.free(order_id=rows["1002"].pk, hold_id=hold.pk, by=by, reason="a good customer", at=NOON)
    take(world, on_account("1002", "40.01", updated_at=NOON + MINUTE))
    assert not Hold.plain.filter(ended_at__isnull=True, subject_id=rows["1002"].pk).exists()


def test_what_the_back_office_has_counted_is_not_counted_again(world: World) -> None:
    stocked(world, "MUG")
    take(world, on_account("1001", "60.00"))
    customer = Customer.plain.get()
    finish(world, Command.plain.get(kind="create_customer"), State.ACCEPTED, external_id="77")
    assert credit.find_owed(customer) == D("60.00")
    finish(world, Command.plain.get(kind="create_order"), State.ACCEPTED, external_id="17")
    account = r.AccountRecord(customer_external_id="77", currency="GBP", balance=D("60.00"), credit_limit=D("500"),
                              terms="30 days")  # fmt: skip
    credit.save_account(customer, account, at=NOON + MINUTE)
    customer.refresh_from_db()
    assert credit.find_owed(customer) == D("60.00")
    assert (customer.credit_limit, customer.terms) == (D("500"), "30 days")


# --- orders from before -----------------------------------------------------------------------------------------------

OLD = LONG_AGO.replace(year=2025, month=6)


def read_history(world: World, *records: r.OrderRecord) -> Any:
    since = LONG_AGO.replace(year=2025)
    common = {"connection": world.shop, "records": records, "read_at": NOON, "at": NOON}
    return call("order", "history", world.merchant.pk, since=since, **common)


def test_orders_from_before_are_kept_and_nothing_follows(world: World) -> None:
    stocked(world, "MUG")
    buyer = r.CustomerRecord(external_id="c7", name="Ada", phone="+442079460018")
    records = [
        order("1", ("MUG", 1, "4.50"), placed_at=OLD, customer=buyer),
        order("2", ("NOBODY-KNOWS", 1, "4.50"), placed_at=OLD, total=D("9.99")),
        order("3", ("MUG", 1, "4.50"), placed_at=OLD.replace(year=2024)),
        order("4", ("MUG", 1, "4.50")),  # since the shop went live
    ]
    applied = read_history(world, *records)
    assert (applied.created, applied.unchanged) == (2, 0)
    assert [(one.external_id, one.code) for one in applied.skipped] == [("3", "older"), ("4", "since_live")]
    assert set(Order.plain.values_list("number", "admission")) == {("1", "history"), ("2", "history")}
    assert (Command.plain.count(), Hold.plain.count()) == (0, 0)
    assert mugs_shown(world) == 10
    assert accounts(world) == {"excluded": 2}
    again = read_history(world, *records)
    assert (again.created, again.unchanged) == (0, 2)
    take(world, order("1", ("MUG", 2, "4.50"), placed_at=OLD, customer=buyer, updated_at=NOON + MINUTE))
    assert (Command.plain.count(), Hold.plain.count()) == (0, 0)
    assert mugs_shown(world) == 10
    assert Order.plain.get(number="1").total == D("9.00")


def test_an_old_order_takes_no_new_address_away(world: World) -> None:
    world.apply(world.shop, "customer", r.CustomerRecord(external_id="c7", name="Ada", billing=AWAY))
    buyer = r.CustomerRecord(external_id="c7", name="Ada", email="old@example.com", billing=HOME)
    read_history(world, order("1", ("MUG", 1, "4.50"), placed_at=OLD, customer=buyer))
    customer = Customer.plain.get()
    assert (customer.billing["city"], customer.email) == ("Paris", "old@example.com")


def test_the_run_is_asked_for_once_and_by_who_may(world: World) -> None:
    flow = Flow(merchant=world.merchant, connection=world.shop, stream="order", direction="pull")
    flow.save()
    page = reverse("admin:orders_order_before")
    given = {"shop": world.shop.pk, "since": "2025-01-01"}
    assert log_in(world.merchant, "support").post(page, given).status_code == 403
    assert log_in(world.merchant, "sales").get(page).status_code == 403
    owner = log_in(world.merchant, "owner")
    assert owner.post(page, given).status_code == 302
    run = SyncRun.plain.get()
    assert (run.trigger, run.state, HistoryPlace.plain.get().pull_since.isoformat()) == (
        "history", "queued", "2025-01-01T00:00:00+00:00",
    )  # fmt: skip
    owner.post(page, given)
    assert SyncRun.plain.count() == 1
    assert runs.start_flow(flow, trigger="timer", at=NOON).pk != run.pk  # the usual reading is another run
    shown = owner.get(page).content.decode()
    assert "2025-01-01" in shown
    assert "Choose a day that is over." in owner.post(page, {**given, "since": "2999-01-01"}).content.decode()
    with pytest.raises(history.NotPossible, match="Switch on reading orders"):
        history.start_history(connection=world.other, since=OLD, by=None, at=NOON)
