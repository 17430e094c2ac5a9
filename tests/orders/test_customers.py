"""Who a buyer is: recognised in a stated order, made in the back office, changed both ways, never echoed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from integrations.contract import records as r
from integrations.contract.errors import Rejected
from integrations.models import Command, Flow, Hold, Link
from integrations.sync.handlers import call
from orders.models import Customer, CustomerCopy, CustomerRules, Order
from orders.outbound import build_customer
from orders.services import merging
from orders.services.customers import normalise_phone
from tests.orders.test_intake import MINUTE, State, finish, take
from tests.portal.people import make_person
from tests.world import LONG_AGO, NOON, World, order, stocked

HOME = r.AddressRecord(name="Ada Lovelace", line1="1 Mill Lane", city="London", postcode="SW1A 1AA", country="GB")
ADA = r.CustomerRecord(
    external_id="c7", name="Ada Lovelace", email="ada@example.com", phone="020 7946 0018", billing=HOME
)
ADA_PHONE = "+442079460018"


def know(world: World, **values: Any) -> Customer:
    """One the merchant has already."""
    row = Customer(merchant=world.merchant, **values)
    row.save()
    return row


def buy(world: World, number: str, who: r.CustomerRecord | None, **more: Any) -> Order:
    take(world, order(number, ("MUG", 1, "4.50"), customer=who, **more))
    return Order.plain.get(number=number)


def messages(kind: str) -> list[tuple[str, int]]:
    rows = Command.plain.filter(kind=kind).order_by("pk")
    return [(one.connection.name, one.subject_id) for one in rows]


def link(world: World, connection: Any, customer: Customer, external_id: str) -> Link:
    return Link.plain.create(
        merchant=world.merchant, connection=connection, stream="customer", external_id=external_id,
        subject_type="customer", subject_id=customer.pk,
    )  # fmt: skip


# --- recognised -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "countries", "wanted"),
    [
        ("020 7946 0018", ("GB",), ADA_PHONE),
        ("+44 (0)20 7946 0018", ("DE",), ADA_PHONE),
        ("0044 20 7946 0018", ("GB",), ADA_PHONE),
        ("020 7946 0018", ("FR", "GB"), ADA_PHONE),  # no number anybody has in France
        ("06 12 34 56 78", ("FR", "GB"), "+33612345678"),
        ("12", ("GB",), ""),
        ("ask my wife", ("GB",), ""),
    ],
)
def test_a_phone_is_read_as_of_the_address_then_of_the_merchant(text: str, countries: Any, wanted: str) -> None:
    assert normalise_phone(text, *countries) == wanted


def test_a_new_phone_number_makes_a_customer_here_and_in_the_back_office_whose_number_is_kept(world: World) -> None:
    stocked(world, "MUG")
    buyer = r.CustomerRecord(name="Ada Lovelace", phone="020 7946 0018")  # no account, no country
    row = buy(world, "1001", buyer)
    assert row.customer is not None
    assert (row.customer.phone, row.customer.is_guest) == (ADA_PHONE, False)
    assert messages("create_customer") == [("ERP", row.customer.pk)]
    assert messages("create_order") == []
    finish(world, Command.plain.get(kind="create_customer"), State.ACCEPTED, external_id="77", external_number="C77")
    known = Link.plain.get(connection=world.erp, stream="customer")
    assert (known.external_id, known.external_number, known.subject_id) == ("77", "C77", row.customer.pk)
    assert messages("create_order") == [("ERP", row.pk)]
    again = buy(world, "1002", replace(buyer, name="A. Lovelace", phone="+44 20 7946 0018"))
    assert again.customer_id == row.customer_id
    assert Customer.plain.count() == 1
    assert len(messages("create_customer")) == 1


def test_without_phone_and_account_he_is_a_guest_and_made_nowhere(world: World) -> None:
    stocked(world, "MUG")
    row = buy(world, "1001", r.CustomerRecord(name="Bob", email="bob@example.com"))
    assert row.customer is not None
    assert row.customer.is_guest
    assert messages("create_customer") == []
    assert messages("create_order") == [("ERP", row.pk)]


@pytest.mark.parametrize(
    ("guests", "phone", "email", "is_guest"),
    [
        ("contact", "", "bob@example.com", False),
        ("contact", "", "", True),
        ("guest", "020 7946 0018", "bob@example.com", True),
        ("phone", "12", "bob@example.com", True),  # a number nobody can have
    ],
)
def test_the_merchant_says_who_is_a_guest(world: World, guests: str, phone: str, email: str, is_guest: bool) -> None:
    CustomerRules(merchant=world.merchant, guests=guests).save()
    row = buy(world, "1001", r.CustomerRecord(name="Bob", email=email, phone=phone))
    assert row.customer is not None
    assert row.customer.is_guest == is_guest


@pytest.mark.parametrize(
    ("match_by", "wanted"), [("phone,email", "by phone"), ("email,phone", "by email"), ("email", "by email"),
                             ("", "new")],
)  # fmt: skip
def test_the_first_way_the_merchant_states_decides(world: World, match_by: str, wanted: str) -> None:
    CustomerRules(merchant=world.merchant, match_by=match_by).save()
    know(world, name="by phone", phone=ADA_PHONE, email="x@example.com")
    know(world, name="by email", phone="+442079460019", email="Ada@Example.com")
    row = buy(world, "1001", ADA)
    assert row.customer is not None
    assert row.customer.name == ("Ada Lovelace" if wanted == "new" else wanted)
    assert Link.plain.get(connection=world.shop, stream="customer").subject_id == row.customer_id


def test_another_merchants_customers_are_nobody(world: World) -> None:
    from tests.world import make_world

    theirs = know(make_world("Theirs"), name="Theirs", phone=ADA_PHONE, email="ada@example.com")
    row = buy(world, "1001", ADA)
    assert row.customer_id not in (None, theirs.pk)


def test_several_matches_hold_the_order_until_a_person_says_who(world: World) -> None:
    stocked(world, "MUG")
    first, second = know(world, name="Ada", phone=ADA_PHONE), know(world, name="Charles", phone=ADA_PHONE)
    row = buy(world, "1001", ADA)
    hold = Hold.plain.get(ended_at__isnull=True)
    assert (hold.subject_id, hold.reason, hold.key) == (
        row.pk, "several_customers", f"who:{world.merchant.pk}:phone:{ADA_PHONE}",
    )  # fmt: skip
    assert hold.message == f"2 customers have {ADA_PHONE}: say which of them Ada Lovelace is, or merge them."
    assert row.customer_id is None
    assert Command.plain.count() == 0
    by = make_person(world.merchant, "support")
    other = know(world, name="Eve", phone="+442079460019")
    with pytest.raises(merging.NotPossible, match="Choose one of those"):
        merging.say_who(order_id=row.pk, customer_id=other.pk, by=by, at=NOON)
    merging.say_who(order_id=row.pk, customer_id=second.pk, by=by, at=NOON)
    row = Order.plain.get(pk=row.pk)
    assert row.customer_id == second.pk
    assert not Hold.plain.filter(ended_at__isnull=True, reason="several_customers").exists()
    assert messages("create_customer") == [("ERP", second.pk)]
    with pytest.raises(merging.NotPossible, match="does not wait"):
        merging.say_who(order_id=row.pk, customer_id=first.pk, by=by, at=NOON)
    take(world, order("1001", ("MUG", 1, "4.50"), customer=ADA, updated_at=NOON + MINUTE))
    row.refresh_from_db()
    assert row.customer_id == second.pk  # what a person said stays


def test_merging_the_several_frees_every_order_that_waited(world: World) -> None:
    stocked(world, "MUG")
    first, second = know(world, name="Ada", phone=ADA_PHONE), know(world, name="Ada L", phone=ADA_PHONE)
    rows = [buy(world, number, r.CustomerRecord(name="Ada", phone=ADA_PHONE)) for number in ("1001", "1002")]
    by = make_person(world.merchant, "support")
    merging.merge(kept_id=first.pk, gone_id=second.pk, by=by, reason="", at=NOON)
    assert list(Order.plain.order_by("pk").values_list("customer", flat=True)) == [first.pk, first.pk]
    reasons = set(Hold.plain.filter(ended_at__isnull=True).values_list("reason", flat=True))
    assert reasons == {"customer"}  # he is being made in the ERP
    assert messages("create_customer") == [("ERP", first.pk)]
    assert len(rows) == 2


# --- an account made in a store ---------------------------------------------------------------------------------------


def test_an_account_made_in_a_store_is_made_in_the_back_office_at_once(world: World) -> None:
    applied = world.apply(world.shop, "customer", replace(ADA, created_at=NOON))
    assert applied.created == 1
    customer = Customer.plain.get()
    assert messages("create_customer") == [("ERP", customer.pk)]
    command = Command.plain.get()
    document = build_customer(command=command, at=NOON)
    assert (document.reference, document.customer.name, document.customer.phone) == (
        f"A-C{customer.pk}", "Ada Lovelace", ADA_PHONE,
    )  # fmt: skip
    world.apply(world.shop, "customer", replace(ADA, created_at=NOON))
    stocked(world, "MUG")
    buy(world, "1001", ADA)
    assert len(messages("create_customer")) == 1


@pytest.mark.parametrize(
    ("made_at", "prepare"),
    [
        (LONG_AGO.replace(year=2025), lambda world: None),
        (None, lambda world: None),
        (NOON, lambda world: type(world.shop).plain.filter(pk=world.shop.pk).update(live_since=None)),
        (NOON, lambda world: type(world.erp).plain.filter(pk=world.erp.pk).update(live_since=None)),
        (NOON, lambda world: Flow.plain.filter(connection=world.erp).update(enabled=False)),
        (NOON, lambda world: Flow(merchant=world.merchant, connection=world.erp, stream="customer", direction="push",
                                  enabled=False).save()),
    ],
)  # fmt: skip
def test_it_is_not_made_there_before_go_live_nor_where_that_is_switched_off(
    world: World, made_at: Any, prepare: Any
) -> None:
    prepare(world)
    world.shop.refresh_from_db()
    world.apply(world.shop, "customer", replace(ADA, created_at=made_at))
    assert Customer.plain.count() == 1
    assert Command.plain.count() == 0


def test_an_account_that_could_be_several_is_kept_and_made_nowhere_until_they_are_one(world: World) -> None:
    first, second = know(world, name="Ada", phone=ADA_PHONE), know(world, name="Ada L", phone=ADA_PHONE)
    world.apply(world.shop, "customer", replace(ADA, created_at=NOON))
    third = Customer.plain.get(name="Ada Lovelace")
    assert Hold.plain.get(ended_at__isnull=True).subject_id == third.pk
    assert Command.plain.count() == 0
    by = make_person(world.merchant, "support")
    merging.merge(kept_id=third.pk, gone_id=first.pk, by=by, reason="", at=NOON)
    assert Command.plain.count() == 0  # the second is left
    merging.merge(kept_id=third.pk, gone_id=second.pk, by=by, reason="", at=NOON)
    assert messages("create_customer") == [("ERP", third.pk)]


# --- changed both ways ------------------------------------------------------------------------------------------------


@pytest.fixture
def ada(world: World) -> Customer:
    """Known in shop and ERP, each has said its word."""
    world.apply(world.shop, "customer", ADA)
    customer = Customer.plain.get()
    link(world, world.erp, customer, "77")
    world.apply(world.erp, "customer", replace(ADA, external_id="77"))
    assert Command.plain.count() == 0
    return customer


def test_a_change_in_the_shop_goes_to_the_back_office_and_does_not_come_back(world: World, ada: Customer) -> None:
    moved = replace(ADA, billing=replace(HOME, line1="2 Mill Lane"))
    assert world.apply(world.shop, "customer", moved, at=NOON + MINUTE).updated == 1
    command = Command.plain.get()
    assert (command.kind, command.connection, command.subject_id) == ("update_customer", world.erp, ada.pk)
    document = build_customer(command=command, at=NOON)
    assert document.external_id == "77"
    assert document.customer.billing is not None
    assert document.customer.billing.line1 == "2 Mill Lane"
    assert document.customer.billing.phone == ADA_PHONE
    finish(world, command, State.ACCEPTED, external_id="77")
    # The ERP tells of it in its own way: capitals, and no name of the address.
    echo = replace(ADA, external_id="77", billing=replace(HOME, name="", line1="2 MILL LANE"))
    assert world.apply(world.erp, "customer", echo, at=NOON + 2 * MINUTE).seen == 1
    ada.refresh_from_db()
    assert ada.billing["line1"] == "2 Mill Lane"
    assert Command.plain.count() == 1
    assert world.apply(world.erp, "customer", echo, at=NOON + 3 * MINUTE).unchanged == 1


def test_a_change_in_the_back_office_goes_to_the_shop(world: World, ada: Customer) -> None:
    world.apply(world.erp, "customer", replace(ADA, external_id="77", email="lovelace@example.com"), at=NOON + MINUTE)
    command = Command.plain.get()
    assert (command.kind, command.connection) == ("update_customer", world.shop)
    document = build_customer(command=command, at=NOON)
    assert (document.external_id, document.customer.email) == ("c7", "lovelace@example.com")
    finish(world, command, State.ACCEPTED, external_id="c7")
    world.apply(world.shop, "customer", replace(ADA, email="lovelace@example.com"), at=NOON + 2 * MINUTE)
    world.apply(world.erp, "customer", replace(ADA, external_id="77", email="lovelace@example.com"), at=NOON)
    assert Command.plain.count() == 1


def test_both_changed_another_field_and_both_stay(world: World, ada: Customer) -> None:
    world.apply(world.shop, "customer", replace(ADA, email="new@example.com"))
    world.apply(world.erp, "customer", replace(ADA, external_id="77", name="Ada King"))
    ada.refresh_from_db()
    assert (ada.email, ada.name) == ("new@example.com", "Ada King")
    assert sorted(name for name, _ in messages("update_customer")) == ["ERP", "Shop A"]


def test_two_changes_before_the_first_was_sent_are_one_message(world: World, ada: Customer) -> None:
    world.apply(world.shop, "customer", replace(ADA, email="one@example.com"))
    world.apply(world.shop, "customer", replace(ADA, email="two@example.com"))
    assert build_customer(command=Command.plain.get(), at=NOON).customer.email == "two@example.com"


def test_what_a_shop_takes_away_is_taken_away(world: World, ada: Customer) -> None:
    world.apply(world.shop, "customer", replace(ADA, billing=replace(HOME, postcode="")))
    ada.refresh_from_db()
    assert "postcode" not in ada.billing
    assert ada.postcode == ""


def test_an_order_that_says_only_the_account_takes_nothing_away(world: World, ada: Customer) -> None:
    buy(world, "1001", r.CustomerRecord(external_id="c7"))
    ada.refresh_from_db()
    assert (ada.name, ada.email, ada.phone) == ("Ada Lovelace", "ada@example.com", ADA_PHONE)
    assert messages("update_customer") == []


@pytest.mark.parametrize(("reads_customers", "line1"), [(False, "9 New Road"), (True, "1 Mill Lane")])
def test_an_order_brings_a_new_address_where_the_shop_tells_of_customers_in_no_other_way(
    world: World, ada: Customer, reads_customers: bool, line1: str
) -> None:
    if reads_customers:
        Flow(merchant=world.merchant, connection=world.shop, stream="customer", direction="pull").save()
    buy(world, "1001", replace(ADA, billing=replace(HOME, line1="9 New Road")))
    ada.refresh_from_db()
    assert ada.billing["line1"] == line1
    assert len(messages("update_customer")) == (not reads_customers)


def test_one_found_by_phone_keeps_what_we_know_and_gets_what_we_lack(world: World) -> None:
    mine = know(world, name="Ada King", phone=ADA_PHONE)
    world.apply(world.erp, "customer", replace(ADA, external_id="77"))
    mine.refresh_from_db()
    assert (mine.name, mine.email, mine.billing["city"]) == ("Ada King", "ada@example.com", "London")
    assert Link.plain.get().subject_id == mine.pk
    assert CustomerCopy.plain.get().told["name"] == "Ada Lovelace"


def test_a_message_about_a_merged_or_erased_customer(world: World, ada: Customer) -> None:
    world.apply(world.shop, "customer", replace(ADA, email="new@example.com"))
    command = Command.plain.get()
    kept = know(world, name="Countess")
    merging.merge(kept_id=kept.pk, gone_id=ada.pk, by=make_person(world.merchant, "support"), reason="", at=NOON)
    command.refresh_from_db()
    assert command.state == State.WITHDRAWN
    assert build_customer(command=command, at=NOON).customer.name == "Countess"
    Customer.plain.filter(pk=kept.pk).update(erased_at=NOON)
    with pytest.raises(Rejected, match="erased"):
        build_customer(command=command, at=NOON)


def test_the_handlers_are_the_settings(world: World, ada: Customer) -> None:
    """What the engine calls for a customer: his lock, and his release."""
    call("customer", "lock", world.merchant.pk, merchant_id=world.merchant.pk, ids=[ada.pk])
    Link.plain.filter(connection=world.erp).delete()
    Link.plain.update(created_at=NOON)
    call("customer", "release", world.merchant.pk, merchant_id=world.merchant.pk, ids=[ada.pk], at=NOON)
    assert messages("create_customer") == [("ERP", ada.pk)]
