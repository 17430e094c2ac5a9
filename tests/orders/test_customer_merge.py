"""Two customers who are one: proposed, merged, parted again exactly; one person's data handed out, and erased."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.forms.models import model_to_dict
from django.test import Client
from django.urls import reverse

from integrations.contract import records as r
from integrations.models import Attempt, Command, Exchange, InboundEvent, Link
from orders.models import Customer, CustomerCopy, CustomerMerge, Erasure, LedgerEntry, Order, PersonExport
from orders.services import duplicates, erasure, merging, person
from orders.tasks import search_captures
from portal.tenancy.models import Location
from tests.orders.test_customers import ADA, ADA_PHONE, HOME, buy, know, link
from tests.orders.test_intake import MINUTE, State, finish, take
from tests.portal.people import log_in, make_person
from tests.world import NOON, D, World, make_world, order, stocked

LATER = NOON + timedelta(minutes=6)


# --- proposed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mine", "theirs", "score", "reason"),
    [
        ({"phone": ADA_PHONE}, {"phone": ADA_PHONE}, 85, "same phone"),
        ({"email": "a@example.com"}, {"email": "A@Example.com"}, 90, "same e-mail"),
        ({"phone": ADA_PHONE, "email": "a@x.org"}, {"phone": ADA_PHONE, "email": "a@x.org"}, 98,
         "same phone, same e-mail"),
        ({"name": "Ada Lovelace", "postcode": "SW1A1AA"}, {"name": "Lovelace, Ada", "postcode": "SW1A1AA"}, 75,
         "same name and postcode"),
        ({"name": "Ada Lovelace", "postcode": "SW1A1AA"}, {"name": "Ada Lovelase", "postcode": "SW1A1AA"}, 69,
         "name 91 % alike, same postcode"),
        ({"name": "Ada Lovelace", "postcode": "SW1A1AA"}, {"name": "Bob Stone", "postcode": "SW1A1AA"}, 0, ""),
        ({"name": "Ada Lovelace", "postcode": ""}, {"name": "Ada Lovelace", "postcode": ""}, 0, ""),
        ({"phone": ""}, {"phone": ""}, 0, ""),
    ],
)  # fmt: skip
def test_how_much_two_are_alike_and_why(world: World, mine: Any, theirs: Any, score: int, reason: str) -> None:
    first, second = know(world, **mine), know(world, **theirs)
    assert duplicates.compare(first, second) == (score, reason)
    found = duplicates.list_duplicates(world.merchant.pk)
    assert [(one.first.pk, one.second.pk, one.score) for one in found] == (
        [(first.pk, second.pk, score)] if score else []
    )
    assert [one.second.pk for one in duplicates.find_duplicates(first)] == ([second.pk] if score else [])


def test_guests_other_merchants_and_those_told_apart_are_not_proposed(world: World) -> None:
    first, second = know(world, phone=ADA_PHONE), know(world, phone=ADA_PHONE)
    know(world, phone=ADA_PHONE, is_guest=True)
    know(world, phone=ADA_PHONE, erased_at=NOON)
    know(make_world("Theirs"), phone=ADA_PHONE)
    assert len(duplicates.list_duplicates(world.merchant.pk)) == 1
    for _ in range(2):
        duplicates.dismiss(first_id=second.pk, second_id=first.pk, merchant_id=world.merchant.pk, by="anna", at=NOON)
    assert duplicates.list_duplicates(world.merchant.pk) == []


# --- merged, and parted ----------------------------------------------------------------------------------------------


def photograph() -> dict[str, Any]:
    """All that a merge may touch, but for when rows were changed."""
    return {
        "customers": [model_to_dict(one) for one in Customer.plain.order_by("pk")],
        "orders": list(Order.plain.order_by("pk").values_list("pk", "customer")),
        "links": list(Link.plain.order_by("pk").values_list("pk", "subject_type", "subject_id", "external_id")),
        "ledger": list(LedgerEntry.plain.order_by("pk").values_list("pk", "customer")),
        "messages": list(Command.plain.order_by("pk").values_list("pk", "state", "subject_id", "message")),
    }


@pytest.fixture
def two(world: World) -> tuple[Customer, Customer]:
    """Ada of the shop, placed in the ERP; Ada of the counter with two orders, one waiting to be made in the ERP."""
    stocked(world, "MUG")
    kept = buy(world, "1001", replace(ADA, billing=None)).customer
    assert kept is not None
    finish(world, Command.plain.get(kind="create_customer"), State.ACCEPTED, external_id="77")
    counter = r.CustomerRecord(external_id="c9", name="A. Lovelace", phone="+44 20 7946 0019", billing=HOME)
    gone = buy(world, "1002", counter).customer
    assert gone is not None
    buy(world, "1003", counter, paid=False)
    LedgerEntry.plain.create(
        merchant=world.merchant, connection=world.erp, customer=gone, external_id="m1", kind="invoice", number="I1",
        at=NOON, currency="GBP", debit=D("4.50"), as_of=NOON,
    )  # fmt: skip
    return kept, gone


def test_orders_links_and_ledger_move_and_what_waited_goes_on(world: World, two: tuple[Customer, Customer]) -> None:
    kept, gone = two
    by = make_person(world.merchant, "support")
    row = merging.merge(kept_id=kept.pk, gone_id=gone.pk, by=by, reason="same person", at=NOON)
    assert set(Order.plain.values_list("customer", flat=True)) == {kept.pk}
    assert LedgerEntry.plain.get().customer_id == kept.pk
    assert sorted(Link.plain.filter(stream="customer", subject_id=kept.pk).values_list("external_id", flat=True)) == [
        "77", "c7", "c9",
    ]  # fmt: skip
    gone.refresh_from_db()
    kept.refresh_from_db()
    assert gone.merged_into_id == kept.pk
    assert (kept.billing["line1"], kept.name) == ("1 Mill Lane", "Ada Lovelace")  # filled in, not overwritten
    assert (row.by, row.reason) == (str(by), "same person")
    # He is in the ERP already: the second is not made there, and his order goes.
    assert Command.plain.get(kind="create_customer", subject_id=gone.pk).state == State.WITHDRAWN
    assert Command.plain.filter(kind="create_order").count() == 2
    again = buy(world, "1004", r.CustomerRecord(external_id="c9", name="A. Lovelace"))
    assert again.customer_id == kept.pk


def test_undoing_restores_exactly(world: World, two: tuple[Customer, Customer]) -> None:
    kept, gone = two
    Command.plain.filter(kind="create_customer", subject_id=gone.pk).update(next_attempt_at=NOON, state_at=NOON)
    before = photograph()
    by = make_person(world.merchant, "support")
    row = merging.merge(kept_id=kept.pk, gone_id=gone.pk, by=by, reason="", at=NOON)
    placed = Command.plain.filter(kind="create_order").order_by("-pk").values_list("pk", flat=True).first()
    assert photograph() != before
    merging.undo(merge_id=row.pk, by=by, at=NOON + MINUTE)
    after = photograph()
    sent = [
        one for one in after["messages"] if one[0] in (placed,) or one[0] > max(pk for pk, *_ in before["messages"])
    ]
    after["messages"] = [one for one in after["messages"] if one not in sent]
    assert {one[1] for one in sent} == {"pending"}  # the order and the update that went meanwhile stay sent
    assert after == before
    row.refresh_from_db()
    assert (row.undone_at, row.undone_by) == (NOON + MINUTE, str(by))
    with pytest.raises(merging.NotPossible, match="already"):
        merging.undo(merge_id=row.pk, by=by, at=NOON)


def test_what_came_after_the_merge_stays_and_the_last_merge_is_undone_first(
    world: World, two: tuple[Customer, Customer]
) -> None:
    kept, gone = two
    by = make_person(world.merchant, "support")
    first = merging.merge(kept_id=kept.pk, gone_id=gone.pk, by=by, reason="", at=NOON)
    later = buy(world, "1004", ADA)
    third = know(world, name="Ada again")
    second = merging.merge(kept_id=kept.pk, gone_id=third.pk, by=by, reason="", at=NOON)
    with pytest.raises(merging.NotPossible, match="undo that first"):
        merging.undo(merge_id=first.pk, by=by, at=NOON)
    merging.undo(merge_id=second.pk, by=by, at=NOON)
    merging.undo(merge_id=first.pk, by=by, at=NOON)
    later.refresh_from_db()
    assert later.customer_id == kept.pk
    assert set(Order.plain.filter(number__in=("1002", "1003")).values_list("customer", flat=True)) == {gone.pk}


@pytest.mark.parametrize("case", ["itself", "stranger", "gone"])
def test_what_cannot_be_merged(world: World, case: str) -> None:
    mine, other = know(world, name="Ada"), know(world, name="Ada")
    if case == "stranger":
        other = know(make_world("Theirs"), name="Ada")
    if case == "gone":
        Customer.plain.filter(pk=other.pk).update(erased_at=NOON)
    with pytest.raises(merging.NotPossible):
        merging.merge(
            kept_id=mine.pk, gone_id=mine.pk if case == "itself" else other.pk,
            by=make_person(world.merchant, "support"), reason="", at=NOON,
        )  # fmt: skip
    assert CustomerMerge.plain.count() == 0


# --- handed out, and erased ------------------------------------------------------------------------------------------


@pytest.fixture
def known(world: World) -> Customer:
    """Ada, who bought, was placed, wrote a note, and whom webhooks and captures speak of; and Bob."""
    stocked(world, "MUG")
    world.apply(world.shop, "customer", ADA)
    row = buy(world, "1001", ADA, billing=HOME, shipping=HOME, note="Ring at 1 Mill Lane")
    finish(world, Command.plain.get(kind="create_customer"), State.ACCEPTED, external_id="77")
    create = Command.plain.get(kind="create_order")
    payload = json.dumps({"reference": "A-1001", "name": "Ada Lovelace"}).encode()
    Command.plain.filter(pk=create.pk).update(payload=payload)
    create.refresh_from_db()
    finish(world, create, State.ACCEPTED, external_id="17", external_number="SO17")
    attempt = Attempt.plain.create(
        merchant=world.merchant, command=create, number=1, fence=1, started_at=NOON, message="told Ada Lovelace"
    )
    capture(world, b'{"partner": 77}', attempt=attempt)
    capture(world, b'[{"email": "ada@example.com"}, {"email": "bob@example.com"}]')
    capture(world, b"[]", url="https://example.com/customers?email=ada%40example.com")
    capture(world, b'[{"email": "bob@example.com"}]')
    for number, (stream, pk, body) in enumerate(
        [("order", row.external_id, b"Ada"), ("customer", "c7", b"Ada"), ("order", "999", b"Bob"),
         ("", "", b'{"mail": "ada@example.com"}')]
    ):  # fmt: skip
        InboundEvent.plain.create(
            merchant=world.merchant, connection=world.shop, stream=stream, external_id=pk, dedupe_key=str(number),
            body=body, headers={"X": "1"}, received_at=NOON, state="done",
        )  # fmt: skip
    buy(world, "2001", r.CustomerRecord(external_id="c8", name="Bob Stone", email="bob@example.com"))
    assert row.customer is not None
    return row.customer


def capture(world: World, body: bytes, *, url: str = "https://example.com/x", attempt: Attempt | None = None) -> None:
    Exchange.plain.create(
        merchant=world.merchant, connection=world.shop, attempt=attempt, at=NOON, method="GET", url=url,
        request_headers={}, request_body=b"", response_headers={}, response_body=body,
    )  # fmt: skip


def test_one_file_has_all_that_is_kept(world: World, known: Customer) -> None:
    by = make_person(world.merchant, "owner")
    found = json.loads(person.export_person(customer=known, by=by, at=NOON))
    assert found["customer"][0]["email"] == "ada@example.com"
    assert sorted((one["connection"], one["external_id"]) for one in found["known_as"]) == [
        ("ERP", "17"), ("ERP", "77"), ("Shop A", "c7"),
    ]  # fmt: skip
    (bought,) = found["orders"]
    assert (bought["number"], bought["total"], bought["shop"], len(bought["lines"])) == (
        "1001",
        "4.500000",
        "Shop A",
        1,
    )
    assert (bought["payments"][0]["method"], bought["shipping"]["line1"]) == ("bacs", "1 Mill Lane")
    assert bought["timeline"][0]["message"] == "Received from Shop A: 4.50 GBP."
    assert [one["content"]["name"] for one in found["messages"] if one["content"]] == ["Ada Lovelace"]
    assert sorted(one["content"] for one in found["received"]) == ["Ada", "Ada"]
    assert [one["answered"] for one in found["requests"]] == [{"partner": 77}]
    assert "Bob" not in json.dumps(found)
    assert (PersonExport.plain.get().customer_id, PersonExport.plain.get().by) == (known.pk, str(by))


def everything() -> str:
    """All text of all rows that may speak of a person."""
    found: list[Any] = [person._row(one) for one in Customer.plain.all()]
    for model in (Order, CustomerCopy, CustomerMerge, Erasure, Attempt, Link):
        found += [person._row(one) for one in model.plain.all()]
    for order_row in Order.plain.all():
        found += [one.message for one in order_row.timeline.all()]
    for command in Command.plain.all():
        found += [command.message, bytes(command.payload or b"").decode()]
    found += [bytes(one.body).decode() for one in InboundEvent.plain.all()]
    found += [f"{one.url} {bytes(one.response_body).decode()}" for one in Exchange.plain.all()]
    return json.dumps(found, default=str)


def test_erased_is_erased_and_the_books_stay(world: World, known: Customer) -> None:
    by = make_person(world.merchant, "owner")
    for word in ("Ada", "ada@example.com", "ada%40", "Mill Lane", ADA_PHONE):
        assert word in everything()
    row = erasure.erase_person(customer_id=known.pk, by=by, reason="Ada Lovelace wrote on Monday", at=NOON)
    assert (row.by, row.reason) == (str(by), "(erased) wrote on Monday")
    search_captures(erasure_ids=[row.pk])
    Erasure.plain.filter(pk=row.pk).update(at=NOON - timedelta(hours=1))  # the wait for answers under way is over
    Exchange.plain.update(at=NOON - timedelta(hours=1))
    InboundEvent.plain.update(received_at=NOON - timedelta(hours=1))
    search_captures()
    row.refresh_from_db()
    assert row.done_at is not None
    assert row.needles == []
    assert row.counts == {"customers": 1, "orders": 1, "messages": 2, "received": 2, "captures": 3}
    left = everything()
    for word in ("Ada", "ada@example.com", "ada%40", "Mill Lane", ADA_PHONE, "Lovelace"):
        assert word not in left, word
    assert left.count("bob@example.com") == 3  # his row, his order, his capture
    bought = Order.plain.get(number="1001")
    assert (bought.total, bought.captured, bought.lines.count(), bought.payments.count()) == (
        D("4.50"),
        D("4.50"),
        1,
        1,
    )
    assert (bought.fulfilment_orders.get().external_number, bought.customer_id) == ("SO17", known.pk)
    assert bought.timeline.filter(code="erased").count() == 1


def test_a_later_word_of_the_shop_brings_nothing_back(world: World, known: Customer) -> None:
    erasure.erase_person(customer_id=known.pk, by=make_person(world.merchant, "owner"), reason="asked", at=NOON)
    record = order("1001", ("MUG", 1, "4.50"), customer=ADA, billing=HOME, shipping=HOME, note="Ring",
                   updated_at=NOON + MINUTE, status_text="completed")  # fmt: skip
    InboundEvent.plain.filter(external_id="1001").update(body=b"Ada")
    assert take(world, record) == "updated"
    row = Order.plain.get(number="1001")
    assert (row.status_text, row.customer_name, row.email, row.phone, row.billing, row.shipping, row.note) == (
        "completed", "(erased)", "", "", {}, {}, "",
    )  # fmt: skip
    assert bytes(InboundEvent.plain.get(external_id="1001").body) == b"(erased)"
    assert world.apply(world.shop, "customer", replace(ADA, name="Ada King"), at=NOON + MINUTE).unchanged == 1
    assert world.apply(world.erp, "customer", replace(ADA, external_id="77"), at=NOON + MINUTE).unchanged == 1
    known.refresh_from_db()
    assert (known.name, known.email, known.phone) == ("(erased)", "", "")
    assert CustomerCopy.plain.filter(link__subject_id=known.pk).count() == 0
    # Who buys again is somebody new.
    new = buy(world, "3001", ADA, placed_at=NOON + MINUTE)
    assert new.customer_id not in (None, known.pk)
    assert Link.plain.get(connection=world.shop, stream="customer", external_id="c7").subject_id == new.customer_id


def test_what_is_still_to_be_sent_needs_the_address(world: World) -> None:
    stocked(world, "MUG")
    row = buy(world, "1001", ADA)
    by = make_person(world.merchant, "owner")
    assert row.customer is not None
    with pytest.raises(erasure.NotPossible, match="#1001 are still to be sent"):
        erasure.erase_person(customer_id=row.customer.pk, by=by, reason="asked", at=NOON)
    with pytest.raises(ValueError, match="who asked"):
        erasure.erase_person(customer_id=row.customer.pk, by=by, reason=" ", at=NOON)
    assert Erasure.plain.count() == 0
    row.refresh_from_db()
    assert row.customer_name == "Ada Lovelace"


# --- pages ------------------------------------------------------------------------------------------------------------


def page(client: Client, name: str, *args: object, **query: str) -> str:
    response = client.get(reverse(f"admin:orders_customer_{name}", args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def test_a_customer_is_found_by_anything_one_knows(world: World) -> None:
    row = know(world, name="Ada Lovelace", email="ada@example.com", phone=ADA_PHONE)
    know(world, name="Bob Stone", email="bob@example.com", phone="+442079460019")
    link(world, world.erp, row, "4711")
    client = log_in(world.merchant, "sales")
    for term in ("020 7946 0018", "+44 (20) 79460018", "ADA@example.com", "lovelace", "4711"):
        found = page(client, "changelist", q=term)
        assert "Ada Lovelace" in found, term
        assert "Bob Stone" not in found, term


def test_the_page_says_what_is_known_and_merges_parts_and_limits(world: World, two: tuple[Customer, Customer]) -> None:
    kept, gone = two
    Customer.plain.filter(pk=gone.pk).update(phone=ADA_PHONE)
    support = log_in(world.merchant, "support")
    shown = page(support, "change", kept.pk)
    assert "<b>85 %</b> same phone" in shown
    assert "Merge into Ada Lovelace" in shown
    assert "4.50 GBP" in shown
    assert "Erase…" not in shown
    assert "same phone" in page(support, "duplicates")
    act = reverse("admin:orders_customer_act", args=(kept.pk,))
    told = support.post(act, {"do": "merge", "other": gone.pk, "reason": "same phone"}, follow=True).content.decode()
    assert "A. Lovelace is one with Ada Lovelace now" in told
    assert "2 orders moved" in told
    assert "A. Lovelace" not in page(support, "changelist")
    assert "A. Lovelace" in page(support, "changelist", who="merged")
    merge = CustomerMerge.plain.get()
    assert "They are two again." in support.post(act, {"do": "undo", "other": merge.pk}, follow=True).content.decode()
    assert "not proposed again" in support.post(act, {"do": "apart", "other": gone.pk}, follow=True).content.decode()
    assert "Nobody looks like anybody else." in page(support, "duplicates")
    assert "A limit is an amount" in support.post(act, {"do": "limit", "limit": "lots"}, follow=True).content.decode()
    support.post(act, {"do": "limit", "limit": "500.50", "terms": "30 days"})
    kept.refresh_from_db()
    assert (kept.credit_limit, kept.terms) == (D("500.50"), "30 days")
    assert "500.5" in page(support, "change", kept.pk)
    assert "Choose what to do." in support.post(act, {"do": "x"}, follow=True).content.decode()


def test_owners_alone_export_and_erase_and_the_name_is_typed(world: World, known: Customer) -> None:
    owner, support = log_in(world.merchant, "owner"), log_in(world.merchant, "support")
    export = reverse("admin:orders_customer_export", args=(known.pk,))
    erase = reverse("admin:orders_customer_erase", args=(known.pk,))
    for address in (export, erase):
        assert support.post(address, {"name": "Ada Lovelace", "reason": "x"}).status_code == 403
    answer = owner.post(export)
    assert answer["Content-Disposition"].startswith('attachment; filename="ada-lovelace-')
    assert json.loads(answer.content)["about"] == "Ada Lovelace"
    shown = owner.get(erase).content.decode()
    assert "in 1 order" in shown
    assert "ERP, Shop A" in shown
    wrong = owner.post(erase, {"name": "Ada", "reason": "asked"}).content.decode()
    assert "Type the name as it stands here" in wrong
    assert Erasure.plain.count() == 0
    told = owner.post(erase, {"name": "Ada Lovelace", "reason": "asked"}, follow=True).content.decode()
    assert "The data of this person was erased on" in told
    assert "Ada Lovelace" not in told


def test_who_sees_some_locations_only_acts_on_nobody(world: World, two: tuple[Customer, Customer]) -> None:
    kept, gone = two
    elsewhere = Location(merchant=world.merchant, code="B", name="Else")
    elsewhere.save()
    away = log_in(world.merchant, "owner", elsewhere)
    assert away.get(reverse("admin:orders_customer_change", args=(kept.pk,))).status_code == 404
    here = log_in(world.merchant, "owner", world.place)
    assert "Ada Lovelace" in page(here, "change", kept.pk)
    act = reverse("admin:orders_customer_act", args=(kept.pk,))
    assert here.post(act, {"do": "merge", "other": gone.pk}).status_code == 403
    for name in ("rules", "duplicates"):
        assert here.get(reverse(f"admin:orders_customer_{name}")).status_code == 403
    assert here.post(reverse("admin:orders_customer_export", args=(kept.pk,))).status_code == 403


def test_how_customers_are_recognised_is_the_owners_to_say(world: World) -> None:
    address = reverse("admin:orders_customer_rules")
    given = {"match_by": "email,phone", "guests": "contact"}
    assert log_in(world.merchant, "support").post(address, given).status_code == 403
    owner = log_in(world.merchant, "owner")
    assert "account number, then e-mail, then phone" in owner.get(address).content.decode()
    for _ in range(2):
        assert owner.post(address, given).status_code == 302
    from orders.services.identity import read_rules

    rules = read_rules(world.merchant.pk)
    assert (rules.match_by, rules.guests, rules.history.count()) == ("email,phone", "contact", 2)


def test_who_bought_it_is_said_on_a_page(world: World) -> None:
    stocked(world, "MUG")
    first = know(world, name="Ada", phone=ADA_PHONE)
    know(world, name="Charles", phone=ADA_PHONE)
    row = buy(world, "1001", ADA)
    support = log_in(world.merchant, "support")
    shown = support.get(reverse("admin:orders_order_change", args=(row.pk,))).content.decode()
    address = reverse("admin:orders_order_buyer", args=(row.pk,))
    assert address in shown
    assert "Charles" in support.get(address).content.decode()
    assert log_in(world.merchant, "auditor").get(address).status_code == 403
    assert "Choose who it is." in support.post(address, {"customer": ""}, follow=True).content.decode()
    told = support.post(address, {"customer": first.pk}, follow=True).content.decode()
    assert "Ada bought it; the order goes on." in told
    row.refresh_from_db()
    assert row.customer_id == first.pk


def test_what_a_shop_that_still_has_him_tells_later_is_not_kept_either(world: World, known: Customer) -> None:
    row = erasure.erase_person(customer_id=known.pk, by=make_person(world.merchant, "owner"), reason="asked", at=NOON)
    Erasure.plain.filter(pk=row.pk).update(done_at=NOON, needles=[])
    later = NOON + timedelta(days=9)
    for body in (b'{"email": "ada@example.com"}', b'{"email": "bob@example.com"}'):
        Exchange(merchant=world.merchant, connection=world.shop, at=later, method="GET", url="https://x/customers",
                 request_body=b"", response_body=body).save()  # fmt: skip
    assert world.apply(world.shop, "customer", ADA, at=later).unchanged == 1
    assert world.apply(world.shop, "customer", ADA, at=later).unchanged == 1
    again = Erasure.plain.exclude(pk=row.pk).get()
    assert (again.customer_id, again.by, again.done_at) == (known.pk, "", None)
    assert "ada@example.com" in again.needles
    assert not erasure.search_captures(again, at=later) or again.done_at is None
    assert erasure.search_captures(again, at=later + timedelta(minutes=6))
    again.refresh_from_db()
    assert (again.needles, again.done_at) == ([], later + timedelta(minutes=6))
    bodies = [bytes(one.response_body) for one in Exchange.plain.filter(at=later).order_by("pk")]
    assert bodies == [b"(erased)", b'{"email": "bob@example.com"}']


def test_an_export_holds_what_the_shop_sent(world: World, known: Customer) -> None:
    found = json.loads(person.export_person(customer=known, by=make_person(world.merchant, "owner"), at=NOON))
    (sent,) = found["orders"][0]["as_the_shop_sent_it"]
    assert (sent["number"], sent["customer"]["email"], sent["billing"]["line1"]) == (
        "1001", ADA.email, "1 Mill Lane",
    )  # fmt: skip
