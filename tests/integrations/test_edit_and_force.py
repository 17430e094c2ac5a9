"""Sending a message differently, or anew although it is there: with a reason, and where wanted with a second person."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.models import Command, DeskRule, Link, Replay
from integrations.sync import replay
from integrations.sync.deliver import deliver
from integrations.sync.handlers import call
from integrations.sync.preview import compare, preview
from orders.models import FulfilmentOrder, Order
from portal.tenancy.models import User
from tests.integrations import toy
from tests.portal.people import log_in, make_person
from tests.world import NOON, World, make_world, order, stocked

Make = Callable[..., Command]
NOW = timezone.now


@pytest.fixture
def anna(transactional_db: None) -> User:
    return User.objects.create_user("anna@example.com", "pw")


@pytest.fixture
def ben(transactional_db: None) -> User:
    return User.objects.create_user("ben@example.com", "pw")


def refused(erp: toy.ToyErp, make_command: Make) -> Command:
    erp.faults = ["422"]
    command = make_command()
    assert deliver(command.pk) == "needs_fix"
    command.refresh_from_db()
    return command


def edited(command: Command, **values: object) -> bytes:
    return json.dumps({**json.loads(bytes(command.payload or b"{}")), **values}).encode()


# --- comparing ------------------------------------------------------------------------------------------------------


def test_every_value_that_differs_is_named_and_what_is_gone_comes_last() -> None:
    before = b'{"a": 1, "lines": [{"qty": "1", "sku": "MUG"}, {"qty": "2"}], "gone": null, "same": "x"}'
    after = b'{"a": 2, "lines": [{"qty": "3", "sku": "MUG"}], "new": true, "same": "x"}'
    assert [(one.path, one.before, one.after) for one in compare(before, after)] == [
        ("a", 1, 2), ("lines.0.qty", "1", "3"), ("new", None, True), ("lines.1.qty", "2", None),
    ]  # fmt: skip
    assert compare(before, before) == []


def test_a_dry_run_shows_what_would_be_sent_and_writes_nothing(erp: toy.ToyErp, make_command: Make) -> None:
    command = refused(erp, make_command)
    assert preview(command, at=NOW()).changes == ()
    Command.plain.update(payload=edited(command, note="old"))
    command.refresh_from_db()
    look = preview(command, at=NOW())
    assert [(one.path, one.before, one.after) for one in look.changes] == [("note", "old", "")]
    assert ('"note": "old"' in look.stored, '"note": ""' in look.now, look.error) == (True, True, "")
    assert (Command.plain.get().state, erp.posts) == ("needs_fix", 1)


# --- editing --------------------------------------------------------------------------------------------------------


def test_an_edited_record_is_sent_once_and_what_was_changed_is_kept(
    erp: toy.ToyErp, make_command: Make, anna: User
) -> None:
    command = refused(erp, make_command)
    replay.edit(command=command, payload=edited(command, note="ring"), by=anna, at=NOW(), reason="He asked.")
    command.refresh_from_db()
    assert (command.state, command.revision, command.search_first) == ("pending", 2, True)
    assert deliver(command.pk) == "verified"
    assert json.loads(bytes(Command.plain.get().payload or b""))["note"] == "ring"
    row = Replay.plain.get()
    assert (row.action, row.by, row.reason, row.edit) == ("edit", anna, "He asked.", {"note": ["", "ring"]})


def test_an_edit_goes_only_after_a_search_found_nothing(erp: toy.ToyErp, make_command: Make, anna: User) -> None:
    command = refused(erp, make_command)
    erp.add({"reference": "A-1", "total": "12.50", "lines": 1})
    replay.edit(command=command, payload=edited(command, note="ring"), by=anna, at=NOW(), reason="x")
    assert deliver(command.pk) == "verified"
    assert (erp.posts, len(erp.orders)) == (1, 1), "it was there: not sent"


@pytest.mark.parametrize(
    ("payload", "reason", "words"),
    [
        (b"{", "x", "It cannot be read"),
        (b'{"reference": "A-1"}', "x", "It cannot be read"),
        (None, "x", "Nothing is different"),
        ({"reference": "A-2"}, "x", "the reference cannot be edited"),
        ({"note": "ring"}, " ", "Say why"),
    ],
)
def test_what_is_no_edit_is_refused_in_words(
    erp: toy.ToyErp, make_command: Make, anna: User, payload: object, reason: str, words: str
) -> None:
    command = refused(erp, make_command)
    given = payload if isinstance(payload, bytes) else edited(command, **(payload or {}))  # type: ignore[arg-type]
    with pytest.raises(replay.NotPossible, match=words):
        replay.edit(command=command, payload=given, by=anna, at=NOW(), reason=reason)
    assert (Command.plain.get().state, Replay.plain.count()) == ("needs_fix", 0)


# --- forcing --------------------------------------------------------------------------------------------------------


def test_force_new_needs_the_reference_and_a_reason(erp: toy.ToyErp, make_command: Make, anna: User) -> None:
    command = make_command()
    with pytest.raises(replay.NotPossible, match="there is nothing to decide"):
        replay.force_new(command=command, typed="A-1", by=anna, at=NOW(), reason="x")
    assert deliver(command.pk) == "verified"
    command.refresh_from_db()
    for typed, reason, words in (("A-2", "x", "Type A-1"), ("", "x", "Type A-1"), ("A-1", " ", "Say why")):
        with pytest.raises(replay.NotPossible, match=words):
            replay.force_new(command=command, typed=typed, by=anna, at=NOW(), reason=reason)
    assert deliver(command.pk) == ""
    assert replay.force_new(command=command, typed="#A-1", by=anna, at=NOW(), reason="deleted there")
    assert deliver(command.pk) == "verified"
    assert [row["reference"] for row in erp.orders] == ["A-1", "A-1"]
    command.refresh_from_db()
    assert (command.external_number, command.revision) == ("T2", 2)
    assert Replay.plain.values_list("action", "by", "reason").get() == ("force", anna.pk, "deleted there")


def test_a_second_person_confirms_where_the_merchant_wants_it(
    erp: toy.ToyErp, make_command: Make, anna: User, ben: User
) -> None:
    command = make_command()
    assert deliver(command.pk) == "verified"
    DeskRule(merchant=command.merchant, second_person=True).save()
    command.refresh_from_db()
    for _ in range(2):
        assert not replay.force_new(command=command, typed="A-1", by=anna, at=NOW(), reason="deleted there")
    assert deliver(command.pk) == "", "nothing goes before it is confirmed"
    waits = replay.find_request(command)
    assert waits is not None
    assert Replay.plain.count() == 1, "asked twice is asked once"
    with pytest.raises(replay.NotPossible, match="somebody else"):
        replay.confirm(request=waits, by=anna, at=NOW())
    replay.confirm(request=waits, by=ben, at=NOW())
    assert deliver(command.pk) == "verified"
    assert len(erp.orders) == 2
    with pytest.raises(replay.NotPossible, match="settled by now"):
        replay.confirm(request=waits, by=ben, at=NOW())
    asked, done = Replay.plain.order_by("pk")
    assert (asked.by, asked.second, asked.waits, done.by) == (anna, ben, False, ben)


def test_what_the_second_person_declines_stays(erp: toy.ToyErp, make_command: Make, anna: User, ben: User) -> None:
    command = make_command()
    deliver(command.pk)
    DeskRule(merchant=command.merchant, second_person=True).save()
    command.refresh_from_db()
    replay.force_new(command=command, typed="A-1", by=anna, at=NOW(), reason="deleted there")
    waits = replay.find_request(command)
    assert waits is not None
    replay.decline(request=waits, by=ben)
    assert (replay.find_request(command), deliver(command.pk), len(erp.orders)) == (None, "", 1)
    assert Replay.plain.get().reason == "declined: deleted there"


# --- on the pages ---------------------------------------------------------------------------------------------------


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    stocked(world, "MUG")
    world.apply(world.shop, "order", order("1", ("MUG", 2, "4.50")))
    return world


def placed(world: World) -> Command:
    command: Command = Command.plain.get(kind="create_order")
    Command.plain.update(state="verified", external_id="17", external_number="SO17")
    FulfilmentOrder.plain.update(state="placed", external_id="17", external_number="SO17")
    command.refresh_from_db()
    return command


def force(client: Client, command: Command, **more: str) -> str:
    address = reverse("admin:integrations_command_replay", args=(command.pk,))
    return client.post(address, {"do": "force", "typed": "A-1", "reason": "gone", **more}, follow=True).content.decode()


def test_an_order_made_anew_is_on_its_way_again(world: World) -> None:
    command = placed(world)
    assert "A-1 is made anew." in force(log_in(world.merchant, "support"), command)
    part = FulfilmentOrder.plain.get()
    assert (part.state, part.external_id, part.external_number) == ("queued", "", "")
    assert Order.plain.get().timeline.filter(message__contains="again").exists()


def test_what_was_made_before_is_kept_as_history_and_is_no_longer_the_orders(world: World) -> None:
    command = placed(world)
    Link(merchant=world.merchant, connection=world.erp, stream="order", external_id="17", external_number="SO17",
         subject_type="order", subject_id=command.subject_id).save()  # fmt: skip
    support = log_in(world.merchant, "support")
    force(support, command)
    assert Link.plain.get(external_id="17").superseded_at is not None
    Command.plain.update(state="verified", external_id="18", external_number="SO18")
    command.refresh_from_db()
    call("order", "settle", world.merchant.pk, command=command, result=None, at=NOON)
    found = {link.external_id: link.superseded_at is None for link in Link.plain.filter(stream="order")}
    assert found == {"17": False, "18": True}
    assert FulfilmentOrder.plain.get().external_id == "18"
    page = support.get(reverse("admin:orders_order_change", args=(command.subject_id,))).content.decode()
    assert "SO17 in ERP" in page
    assert "replaced: made anew" in page


def test_two_persons_at_two_desks(world: World) -> None:
    command, owner = placed(world), log_in(world.merchant, "owner")
    rules = reverse("admin:integrations_command_rules")
    assert log_in(world.merchant, "support").post(rules, {"second_person": "on"}).status_code == 403
    owner.post(rules, {"second_person": "on"})
    assert replay.needs_second_person(world.merchant.pk)
    support = log_in(world.merchant, "support")
    assert "A second person must confirm" in force(support, command)
    address = reverse("admin:integrations_command_replay", args=(command.pk,))
    assert "Confirm: make it anew" not in support.get(address).content.decode()
    assert "somebody else confirms it" in support.post(address, {"do": "confirm"}, follow=True).content.decode()
    assert log_in(world.merchant, "auditor").post(address, {"do": "confirm"}).status_code == 403
    assert "Confirm: make it anew" in owner.get(address).content.decode()
    owner.post(address, {"do": "confirm"})
    assert (Command.plain.get(pk=command.pk).state, FulfilmentOrder.plain.get().state) == ("pending", "queued")
    owner.post(rules, {})
    assert not replay.needs_second_person(world.merchant.pk)


def test_another_merchants_message_is_not_there(world: World) -> None:
    command = placed(world)
    stranger = log_in(make_world("Southwind").merchant, "owner")
    address = reverse("admin:integrations_command_replay", args=(command.pk,))
    for response in (stranger.get(address), stranger.post(address, {"do": "force", "typed": "A-1", "reason": "x"})):
        assert response.status_code in {302, 404}
    assert Command.plain.get(pk=command.pk).state == "verified"


def test_who_only_looks_sees_the_dry_run_and_no_buttons(world: World) -> None:
    command = Command.plain.get(kind="create_order")
    address = reverse("admin:integrations_command_replay", args=(command.pk,))
    page = log_in(world.merchant, "auditor").get(address).content.decode()
    assert "Nothing was sent yet. This would be sent:" in page
    assert "Send now" not in page
    assert "Edit it for this once" not in page
    assert "Send now" in log_in(world.merchant, "support").get(address).content.decode()
    assert make_person(world.merchant, "support").pk
    assert Command.plain.get(pk=command.pk).state_at == NOON, "looking changes nothing"
