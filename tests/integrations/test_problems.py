"""Problems: refusals of one cause together, fixed once; five first; closed by themselves when their records go."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from integrations.admin import advice
from integrations.models import Attempt, Command, Exchange, Hold, Problem, Release, ValueMapping
from integrations.sync import mending, problems, releases, replay
from integrations.sync.outbox import enqueue
from integrations.sync.values import Taken, Unmapped, answer_value, parse_key
from orders.models import Order
from portal.tenancy.models import User
from tests.portal.people import log_in, make_person
from tests.world import NOON, D, World, make_world, order, stocked

LIST = "admin:integrations_problem_changelist"
WAITING = "admin:integrations_problem_waiting"


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    stocked(world, "MUG")
    return world


def sell(world: World, count: int) -> list[Command]:
    """Orders whose messages wait to be sent, 4.50 GBP each."""
    for number in range(count):
        world.apply(world.shop, "order", order(f"{number}", ("MUG", 1, "4.50")))
    return list(Command.plain.filter(kind="create_order").order_by("pk"))


def stop(command: Command, words: str = "Tax 5 is unknown", state: str = "needs_fix", code: str = "REJECTED") -> None:
    """As a refusal there does."""
    command.state, command.message, command.error_code = state, f"{words} ({command.reference})", code
    command.save()
    problems.note_problem(command, NOON)


def go(command: Command) -> None:
    """As an acceptance there does."""
    command.refresh_from_db()
    command.state = "verified"
    command.save()
    problems.close_problem(command, NOON + timedelta(hours=1))


@pytest.fixture
def refused(world: World) -> list[Command]:
    found = sell(world, 7)
    for command in found:
        stop(command)
    return found


def act(client: Client, problem: Problem, do: str, **more: str) -> str:
    address = reverse("admin:integrations_problem_act", args=(problem.pk,))
    return client.post(address, {"do": do, **more}, follow=True).content.decode()


def test_refusals_of_the_same_words_are_one_problem_that_knows_its_messages(
    world: World, refused: list[Command]
) -> None:
    other = sell(world, 8)[-1]
    stop(other, "Customer is blocked")
    first, second = Problem.plain.order_by("pk")
    assert (first.kind, first.count, first.amount, first.currency) == ("create_order", 7, D("31.50"), "GBP")
    assert [one.pk for one in problems.list_stopped(first)] == [one.pk for one in refused]
    assert [one.pk for one in problems.list_stopped(second)] == [other.pk]
    assert mending.sum_stopped(first) == (7, [("GBP", D("31.50"))])


def test_a_problem_closes_by_itself_when_the_last_of_its_messages_went(world: World, refused: list[Command]) -> None:
    problem = Problem.plain.get()
    for command in refused[:-1]:
        go(command)
    assert Problem.plain.get().state == "open"
    go(refused[-1])
    problem.refresh_from_db()
    assert (problem.state, problem.resolved_at, problem.resolved_by, problem.resolution) == (
        "resolved", NOON + timedelta(hours=1), None, "What it stopped went through by itself.",
    )  # fmt: skip
    stop(refused[0])
    problem.refresh_from_db()
    assert (problem.state, problem.count, problem.resolution) == ("open", 1, ""), "seen again, it counts anew"


def test_it_stays_open_while_what_was_sent_again_has_not_arrived(world: World, refused: list[Command]) -> None:
    person = make_person(world.merchant, "support")
    problem = Problem.plain.get()
    for command in refused:
        replay.rebuild(command=command, by=person, at=NOON)
    go(refused[0])
    assert Problem.plain.get().state == "open", "six are on their way"
    for command in refused[1:]:
        go(command)
    problem.refresh_from_db()
    assert (problem.state, problem.resolved_by, problem.resolution) == (
        "resolved", person, "Rebuilt under the current rules",
    )  # fmt: skip


def test_a_snoozed_problem_closes_too_and_an_ignored_one_stays_so(world: World, refused: list[Command]) -> None:
    problem = Problem.plain.get()
    problems.snooze(problem, until=NOON + timedelta(days=1))
    stop(refused[0])
    assert Problem.plain.get().state == "snoozed"
    with pytest.raises(ValueError, match="Say why"):
        problems.ignore(problem, by=None, reason=" ", at=NOON)
    problems.ignore(problem, by=None, reason="A test shop", at=NOON)
    stop(refused[0])
    for command in refused:
        go(command)
    problem.refresh_from_db()
    assert (problem.state, problem.resolution, problem.snoozed_until) == ("ignored", "A test shop", None)
    problems.reopen(problem)
    assert Problem.plain.get().state == "open"


def test_the_page_says_what_it_costs_and_sends_five_first(world: World, refused: list[Command]) -> None:
    problem = Problem.plain.get()
    attempt = Attempt(merchant=world.merchant, command=refused[-1], number=1, fence=1, started_at=NOON)
    attempt.save()
    Exchange(merchant=world.merchant, connection=world.erp, attempt=attempt, at=NOON, method="POST",
             url="https://erp.example.com/orders", request_body=b"asked", status=422,
             response_body=b"Tax 5 is unknown").save()  # fmt: skip
    support = log_in(world.merchant, "support")
    page = support.get(reverse("admin:integrations_problem_change", args=(problem.pk,))).content.decode()
    for words in ("It stops 7 messages", "31.50 GBP", "Refused there", "Mend what the system complains about",
                  "Release 7: 5 first", "Why:", "asked", "Tax 5 is unknown", "→ <b>422</b>"):  # fmt: skip
        assert words in page, words
    assert reverse("admin:orders_order_change", args=(refused[0].subject_id,)) in page
    said = act(support, problem, "release")
    assert "5 messages are built anew" in said
    assert "The other 2 follow by themselves" in said
    assert "5 released" in said
    states = list(Command.plain.order_by("pk").values_list("state", flat=True))
    assert states == ["pending"] * 5 + ["needs_fix"] * 2
    assert (Problem.plain.get().count, Problem.plain.get().amount) == (2, D("9.00"))
    assert "It is being released already." in act(support, problem, "release")
    for command in refused[:5]:
        go(command)
    releases.advance_all(NOON)
    rows = Command.plain.order_by("pk").values_list("state", "search_first", "revision")
    assert list(rows) == [("verified", False, 2)] * 5 + [("pending", False, 2)] * 2


def test_only_the_desk_acts_on_a_problem(world: World, refused: list[Command]) -> None:
    problem = Problem.plain.get()
    address = reverse("admin:integrations_problem_act", args=(problem.pk,))
    for role in ("auditor", "mapper"):
        assert log_in(world.merchant, role).post(address, {"do": "release"}).status_code == 403
    support = log_in(world.merchant, "support")
    support.get(address)
    assert set(Command.plain.values_list("state", flat=True)) == {"needs_fix"}
    act(support, problem, "ignore", reason="")
    assert Problem.plain.get().state == "open", "a reason is asked for"
    page = act(support, problem, "ignore", reason="A test shop")
    person = User.objects.get(email__startswith="support")
    assert f"Ignored by {person.email}" in page
    assert "A test shop" in page
    act(support, problem, "reopen")
    act(support, problem, "snooze")
    assert Problem.plain.get().state == "snoozed"


def test_what_a_person_must_decide_is_not_sent_by_the_problem(world: World, refused: list[Command]) -> None:
    for command in refused:
        Command.plain.filter(pk=command.pk).update(state="needs_human")
    one = releases.release_problem(Problem.plain.get(), by=None, at=NOON)
    assert (one.sent, one.state) == (0, "done")
    assert set(Command.plain.values_list("state", flat=True)) == {"needs_human"}


def test_deciding_on_the_last_message_closes_its_problem(world: World) -> None:
    command = sell(world, 1)[0]
    stop(command, state="needs_human", code="OUTCOME_UNKNOWN")
    person = make_person(world.merchant, "support")
    replay.say_never(command=command, by=person, at=NOON, reason="paid twice")
    problem = Problem.plain.get()
    assert (problem.state, problem.resolved_by, problem.resolution, problem.count) == (
        "resolved", person, "Said: never send", 0,
    )  # fmt: skip


# --- what waits for a value -------------------------------------------------------------------------------------------


def wait(world: World, count: int, key: str = "", amount: str = "4.50") -> str:
    """Orders that wait for the shop's tax 5 %."""
    key = key or f"value:{world.shop.pk}:tax:reduced"
    rows = Order.plain.filter(merchant=world.merchant).order_by("pk")[:count]
    for row in rows:
        Hold(merchant=world.merchant, connection=world.shop, subject_type="order", subject_id=row.pk, reason="tax",
             key=key, message=f"ERP does not know the tax “VAT 5 %” (order {row}).", amount=D(amount), currency="GBP",
             since=NOON).save()  # fmt: skip
    return key


def test_a_key_says_what_is_not_mapped() -> None:
    assert parse_key("value:12:tax:VAT: 5 %") == Unmapped(connection_id=12, kind="tax", name="VAT: 5 %")
    for key in ("binding:12:4711", "value:12:tax", "value:x:tax:5", "value:12:nonsense:5", ""):
        assert parse_key(key) is None, key


def test_the_list_shows_what_waits_with_its_money(world: World) -> None:
    sell(world, 3)
    key = wait(world, 3)
    response = log_in(world.merchant, "auditor").get(reverse(LIST))
    assert [(one.key, one.records, one.money, money) for one, money in response.context["waiting"]] == [
        (key, 3, (("GBP", D("13.50")),), "13.50 GBP")
    ]
    assert f'{reverse(WAITING)}?key=value%3A{world.shop.pk}%3Atax%3Areduced"' in response.content.decode()


def test_choosing_the_tax_maps_both_sides_and_releases_five_then_the_rest(world: World) -> None:
    sell(world, 7)
    key = wait(world, 7)
    ValueMapping(merchant=world.merchant, connection=world.shop, kind="tax", theirs="reduced", label="VAT 5 %").save()
    mapper = log_in(world.merchant, "mapper")
    address = f"{reverse(WAITING)}?key={key}"
    page = mapper.get(address).content.decode()
    for words in ("It holds up 7 records", "31.50 GBP", "In ERP it is", "Map it, release 7: 5 first"):  # fmt: skip
        assert words in page, words
    given = {"key": key, "there": str(world.erp.pk), "theirs": "7", "do": "map"}
    said = mapper.post(address, given, follow=True).content.decode()
    assert "5 records go on." in said
    assert "The other 2 follow by themselves" in said
    assert list(ValueMapping.plain.order_by("pk").values_list("connection__name", "kind", "theirs", "ours")) == [
        ("Shop A", "tax", "reduced", "VAT 5 %"), ("ERP", "tax", "7", "VAT 5 %"),
    ]  # fmt: skip
    assert Hold.plain.filter(ended_at__isnull=True).count() == 2
    Command.plain.update(state="verified")
    releases.advance_all(NOON + timedelta(seconds=2))
    assert Hold.plain.filter(ended_at__isnull=True).count() == 0
    releases.advance_all(NOON + timedelta(seconds=4))
    assert Release.plain.values_list("state", "sent").get() == ("done", 7)
    assert "Nothing waits for it any more." in mapper.get(address, follow=True).content.decode()


def test_support_sees_what_waits_and_does_not_map(world: World) -> None:
    sell(world, 1)
    key = wait(world, 1)
    support = log_in(world.merchant, "support")
    address = f"{reverse(WAITING)}?key={key}"
    assert "Map it, release" not in support.get(address).content.decode()
    given = {"key": key, "there": str(world.erp.pk), "theirs": "7", "do": "all"}
    assert support.post(address, given).status_code == 403
    assert Hold.plain.filter(ended_at__isnull=True).count() == 1


def test_nothing_is_released_without_saying_what_it_is(world: World) -> None:
    sell(world, 1)
    key = wait(world, 1)
    mapper = log_in(world.merchant, "mapper")
    address = f"{reverse(WAITING)}?key={key}"
    page = mapper.post(address, {"key": key, "there": str(world.erp.pk), "theirs": " ", "do": "all"}, follow=True)
    assert "Choose or type what it is over there." in page.content.decode()
    foreign = make_world("Southwind").erp
    mapper.post(address, {"key": key, "there": str(foreign.pk), "theirs": "7", "do": "all"})
    assert Hold.plain.filter(ended_at__isnull=True).count() == 1
    assert ValueMapping.plain.filter(connection=foreign).count() == 0


def test_their_item_stands_for_one_of_ours(world: World) -> None:
    sell(world, 1)
    key = wait(world, 1, f"value:{world.erp.pk}:special_line:fee")
    waiting = parse_key(key)
    assert waiting is not None
    ValueMapping(merchant=world.merchant, connection=world.erp, kind="special_line", theirs="4", ours="shipping").save()
    with pytest.raises(Taken, match="“4” in ERP stands for “shipping” already"):
        answer_value(waiting=waiting, key=key, there=world.erp, theirs="4", at=NOON)
    assert answer_value(waiting=waiting, key=key, there=world.erp, theirs="5", at=NOON) == 1
    assert ValueMapping.plain.get(theirs="5").ours == "fee"


def test_another_merchants_key_shows_nothing(world: World) -> None:
    theirs = make_world("Southwind")
    stocked(theirs, "MUG")
    sell(theirs, 1)
    key = wait(theirs, 1)
    page = log_in(world.merchant, "owner").get(f"{reverse(WAITING)}?key={key}", follow=True).content.decode()
    assert "Nothing waits for it any more." in page
    assert "VAT 5 %" not in page


def test_a_message_enqueued_anew_has_no_problem(world: World) -> None:
    row = enqueue(connection=world.erp, kind="create_order", stream="order", subject=("order", 1), line="x",
                  reference="X", at=NOON)  # fmt: skip
    assert row.problem_id is None


# --- classes, and the fix on the page ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [("CUSTOMER_MISSING", "value"), ("TAX_UNKNOWN", "mapping"), ("AUTH_FAILED", "credentials"),
     ("RATE_LIMITED", "rate"), ("REJECTED", "refusal"), ("SOME_CODE_OF_THEIRS", "refusal"), ("REMOTE_TIMEOUT", "fault"),
     ("AMOUNT_MISMATCH", "mismatch"), ("BUILD_FAILED", "ours")],
)  # fmt: skip
def test_every_code_has_a_class_a_cause_and_a_fix(world: World, code: str, kind: str) -> None:
    stop(sell(world, 1)[0], code=code)
    problem = Problem.plain.get()
    support = log_in(world.merchant, "support")
    for one, _label in advice.list_kinds():
        shown = list(support.get(reverse(LIST), {"kind": one}).context["cl"].result_list)
        assert shown == ([problem] if one == kind else []), one
    page = html.unescape(support.get(reverse("admin:integrations_problem_change", args=(problem.pk,))).content.decode())
    for words in (advice.classify(code), advice.find_cause(code), advice.advise(code)):
        assert words in page
        assert words


def test_a_value_is_put_right_on_the_problems_page_and_it_says_what_that_frees(
    world: World, refused: list[Command]
) -> None:
    tax = ValueMapping(merchant=world.merchant, connection=world.erp, kind="tax", theirs="5", ours="VAT 5 %")
    tax.save()
    ValueMapping(merchant=world.merchant, connection=world.erp, kind="tax", theirs="9", ours="VAT 20 %").save()
    ValueMapping(merchant=world.merchant, connection=world.erp, kind="tax", theirs="7").save()
    problem, owner = Problem.plain.get(), log_in(world.merchant, "owner")
    assert "stands for another value there already" in act(owner, problem, "fix", mapping=str(tax.pk), theirs="9")
    assert "Choose the value" in act(owner, problem, "fix", mapping=str(tax.pk), theirs=" ")
    page = html.unescape(act(owner, problem, "fix", mapping=str(tax.pk), theirs="7"))
    assert "“VAT 5 %” is “7” there from now on. Releasing sends 7 messages, 31.50 GBP." in page
    tax.refresh_from_db()
    assert tax.theirs == "7"
    assert set(Command.plain.values_list("state", flat=True)) == {"needs_fix"}, "nothing goes before it is released"
    support = log_in(world.merchant, "support")
    address = reverse("admin:integrations_problem_act", args=(problem.pk,))
    assert support.post(address, {"do": "fix", "mapping": str(tax.pk), "theirs": "8"}).status_code == 403


def test_over_a_hundred_are_released_only_where_their_number_is_typed(world: World) -> None:
    for command in sell(world, 101):
        stop(command)
    problem, support = Problem.plain.get(), log_in(world.merchant, "support")
    for typed in ("", "100"):
        assert "Type 101 to say that you mean all of them." in act(support, problem, "release", typed=typed)
    assert Release.plain.count() == 0
    assert "5 messages are built anew" in act(support, problem, "release", typed="101")
    said = act(support, problem, "stop")
    assert "stopped it." in said
    releases.advance_all(NOON)
    assert Command.plain.filter(state="pending").count() == 5, "what has gone has gone, the others stay"


def test_what_waits_for_a_value_that_is_still_unknown_stops_its_release(world: World) -> None:
    """Holds that come back at once are no progress."""
    sell(world, 2)
    key = wait(world, 2)
    Order.plain.update(fulfilment="unfulfilled")
    one = releases.release_key(merchant_id=world.merchant.pk, key=key, by=None, at=NOON)
    assert one.sent == 2
    with pytest.raises(releases.Going):
        releases.release_key(merchant_id=world.merchant.pk, key=key, by=None, at=NOON)
    Command.plain.update(state="needs_fix", message="no", created_at=NOON)
    releases.advance(one, at=NOON)
    assert (one.state, one.message) == ("stopped", "A-0: no")
