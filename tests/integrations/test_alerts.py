"""Who is told what, once, in words that hold nothing of a customer or a secret."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail as outbox
from django.core.mail.backends.base import BaseEmailBackend
from django.core.management import call_command
from django.urls import reverse
from pytest_django import Settings

from integrations.models import AlertSetting, Command, Connection, Credential, Mail, Problem
from integrations.sync import alerts, connections, mail, problems
from integrations.sync.deliver import deliver
from integrations.tasks import housekeeping
from portal.tenancy.models import Membership, User
from tests.integrations import toy
from tests.portal.people import log_in, make_person
from tests.world import NOON, World, make_world, order, stocked

State = Connection.State
HOUR = timedelta(hours=1)


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    stocked(world, "MUG")
    return world


@pytest.fixture
def owner(world: World, settings: Settings) -> User:
    settings.PUBLIC_URL = "https://portal.example.org"
    return make_person(world.merchant, "owner")


def refuse(world: World, number: str, state: str = "needs_fix", at: Any = NOON) -> Command:
    world.apply(world.shop, "order", order(number, ("MUG", 1, "4.50")))
    command: Command = Command.plain.get(kind="create_order", reference=f"A-{number}")
    command.state, command.message = state, f"Customer anna@example.com has no token s3cret ({command.reference})"
    command.save()
    problems.note_problem(command, at)
    return command


def test_a_problem_is_told_when_it_opens_and_not_at_each_repeat(world: World, owner: User) -> None:
    refuse(world, "1")
    refuse(world, "2")
    row, problem = Mail.plain.get(), Problem.plain.get()
    assert (problem.count, row.recipients, row.state) == (2, [owner.email], "pending")
    assert row.subject == "Northwind: ERP refuses A-1"
    assert "We asked ERP to create order (A-1, 4.50 GBP), and it refused." in row.text
    assert f"https://portal.example.org/admin/integrations/problem/{problem.pk}/change/" in row.text
    assert reverse("admin:integrations_problem_change", args=(problem.pk,)) in row.html
    for word in ("anna@example.com", "s3cret", "Customer"):
        assert word not in row.subject + row.text + row.html


def test_a_problem_that_opens_again_is_told_again_but_not_by_the_minute(world: World, owner: User) -> None:
    command = refuse(world, "1")
    for passed, told in ((HOUR / 2, 1), (HOUR * 2, 2)):
        Command.plain.filter(pk=command.pk).update(state="verified")
        problems.close_problem(command, NOON)
        assert Problem.plain.get().state == "resolved"
        Command.plain.filter(pk=command.pk).update(state="needs_fix")
        command.refresh_from_db()
        problems.note_problem(command, NOON + passed)
        assert (Problem.plain.get().state, Mail.plain.count()) == ("open", told)


def test_an_outcome_nobody_knows_says_what_to_do(world: World, owner: User) -> None:
    refuse(world, "1", state="needs_human")
    row = Mail.plain.get()
    assert row.subject == "Northwind: ERP: nobody can tell whether A-1 arrived"
    assert "Until then it is not sent again." in row.text


def test_the_mail_goes_with_its_cause_or_not_at_all(world: World, owner: User) -> None:
    class Undone(Exception):
        pass

    def fail() -> None:
        from django.db import transaction

        with transaction.atomic():
            refuse(world, "1")
            raise Undone

    with pytest.raises(Undone):
        fail()
    assert (Problem.plain.count(), Mail.plain.count()) == (0, 0)


def test_refused_credentials_are_told_once_however_many_meet_them(world: World, owner: User) -> None:
    stop: dict[str, Any] = {
        "state": State.NEEDS_REAUTH,
        "reason": "401: token s3cret",
        "among": Connection.READING_STATES,
        "at": NOON,
    }
    assert [alerts.stop_connection(world.erp.pk, **stop) for _ in range(3)] == [True, False, False]
    row = Mail.plain.get()
    assert row.subject == "Northwind: ERP does not let us in any more"
    assert "s3cret" not in row.text + row.html
    assert Connection.plain.get(pk=world.erp.pk).state_reason == "401: token s3cret"


def test_a_worker_that_is_refused_tells(
    erp: toy.ToyErp, connection: Connection, make_command: Callable[..., Command]
) -> None:
    make_person(connection.merchant, "owner")
    erp.faults = ["401"]
    assert deliver(make_command().pk) == "pending"
    assert Connection.plain.get().state == State.NEEDS_REAUTH
    assert Mail.plain.get().subject == "Northwind: Toy does not let us in any more"


@pytest.mark.parametrize(
    ("state", "subject"), [(State.PAUSED, "ERP is paused"), (State.DEGRADED, "ERP works only in part")]
)
def test_a_connection_that_stops_otherwise_is_told(
    world: World, owner: User, state: Connection.State, subject: str
) -> None:
    assert alerts.stop_connection(world.erp.pk, state=state, reason="x", among=Connection.READING_STATES, at=NOON)
    assert Mail.plain.get().subject == f"Northwind: {subject}"


def test_pausing_tells_what_is_not_sent(world: World, owner: User) -> None:
    connections.pause(world.erp, ("orders",), at=NOON)
    row = Mail.plain.get()
    assert row.subject == "Northwind: sending to ERP is paused"
    assert "Sending to ERP is paused for orders; receiving goes on." in row.text


def test_credentials_about_to_end_are_told_once_for_each_end(world: World, owner: User) -> None:
    def ends(at: Any) -> None:
        Credential.plain.update_or_create(
            connection=world.erp,
            defaults={"merchant": world.merchant, "key_id": "k", "ciphertext": b"x", "expires_at": at},
        )

    ends(NOON + timedelta(days=15))
    assert alerts.tell_expiring(NOON) == 0
    assert [alerts.tell_expiring(NOON + timedelta(days=day)) for day in (1, 2, 3)] == [1, 0, 0]
    assert "They end on 2026-12-05 12:00" in Mail.plain.get().text
    ends(NOON + timedelta(days=20))
    assert alerts.tell_expiring(NOON + timedelta(days=7)) == 1


def test_the_clock_looks_at_credentials(world: World, owner: User) -> None:
    Credential.plain.create(merchant=world.merchant, connection=world.erp, key_id="k", ciphertext=b"x", expires_at=NOON)
    housekeeping()
    assert Mail.plain.get().subject == "Northwind: the credentials of ERP ended"


def test_who_is_told_is_the_merchants_to_say(world: World, owner: User) -> None:
    make_person(world.merchant, "support")
    gone = make_person(world.merchant, "owner")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    setting = AlertSetting(merchant=world.merchant, addresses="a@example.org, b@example.org a@example.org")
    setting.save()
    refuse(world, "1")
    assert Mail.plain.get().recipients == ["a@example.org", "b@example.org"]
    setting.alerts = False
    setting.save()
    alerts.stop_connection(world.erp.pk, state=State.PAUSED, reason="", among=Connection.READING_STATES, at=NOON)
    Mail.plain.all().delete()
    setting.alerts, setting.addresses = True, ""
    setting.save()
    alerts.stop_connection(world.shop.pk, state=State.PAUSED, reason="", among=Connection.READING_STATES, at=NOON)
    assert [row.recipients for row in Mail.plain.all()] == [[owner.email]]
    Membership.plain.filter(role="owner").delete()
    alerts.stop_connection(world.other.pk, state=State.PAUSED, reason="", among=Connection.READING_STATES, at=NOON)
    assert Mail.plain.count() == 1, "nobody is there to be told"


# --- sending ------------------------------------------------------------


@pytest.fixture
def waiting(world: World, owner: User) -> Mail:
    refuse(world, "1")
    return Mail.plain.get()


class Silent(BaseEmailBackend):
    """A mail server that hangs up."""

    def send_messages(self, email_messages: Any) -> int:
        raise SMTPServerDisconnected("owner@example.com")


def test_a_mail_is_sent_once_as_text_and_html(waiting: Mail, owner: User) -> None:
    assert [mail.send(waiting.pk, at=NOON) for _ in range(3)] == ["sent", "", ""]
    sent = outbox.outbox
    assert [(one.to, one.subject) for one in sent] == [([owner.email], "Northwind: ERP refuses A-1")]
    message = sent[0].message()
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert message["Message-ID"] == f"<mail-{waiting.pk}-20261120120000@localhost>"
    row = Mail.plain.get()
    assert (row.state, row.sent_at, row.attempts) == ("sent", NOON, 1)


def test_a_server_that_hangs_up_is_tried_again_and_given_up(waiting: Mail, settings: Settings) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Silent"
    assert mail.send(waiting.pk, at=NOON) == "pending"
    row = Mail.plain.get()
    assert NOON < row.next_attempt_at < NOON + timedelta(seconds=7)
    assert row.message == "The mail server did not take it (SMTPServerDisconnected). See EMAIL_URL."
    assert mail.send(waiting.pk, at=NOON) == "", "not before its time"
    Mail.plain.update(attempts=mail.MOST_TRIES - 1)
    assert mail.send(waiting.pk, at=NOON + HOUR) == "failed"
    assert not mail.due(NOON + HOUR * 1000).exists()


def test_a_mail_whose_worker_died_goes_after_the_lease_with_the_same_id(waiting: Mail) -> None:
    taken = mail._take(waiting.pk, NOON)
    assert taken is not None
    assert mail.send(waiting.pk, at=NOON + mail.LEASE / 2) == ""
    assert mail.send(waiting.pk, at=NOON + mail.LEASE) == "sent"
    assert outbox.outbox[0].message()["Message-ID"] == mail._build(taken).message()["Message-ID"]
    assert mail._settle_failure(taken, "OSError", NOON + mail.LEASE) == "pending"
    assert Mail.plain.get().state == "sent", "the dead worker's late word changes nothing"


def test_owners_say_who_is_told_and_nobody_else(world: World, owner: User) -> None:
    page = reverse("admin:integrations_mail_told")
    client = log_in(world.merchant, "owner")
    shown = client.get(page)
    assert owner.email in shown.content.decode()
    bad = client.post(page, {"addresses": "a@example.org, nonsense", "alerts": "on"})
    assert "nonsense is no e-mail address." in bad.content.decode()
    assert not AlertSetting.plain.exists()
    for digest in ("", "on"):
        data = {"addresses": "a@example.org, b@example.org", "alerts": "on", **({"digest": "on"} if digest else {})}
        assert client.post(page, data).status_code == 302
        row = AlertSetting.plain.get()
        assert (row.addresses, row.alerts, row.digest) == (data["addresses"], True, bool(digest))
    for role in ("support", "mapper", "sales"):
        assert log_in(world.merchant, role).get(page).status_code == 403
    refuse(world, "1")
    assert "ERP refuses A-1" in client.get(page).content.decode()
    foreign = log_in(make_world("Theirs").merchant, "owner").get(page).content.decode()
    assert "ERP refuses" not in foreign
    assert "a@example.org" not in foreign


def test_the_settings_know_the_new_entries() -> None:
    call_command("check")
