"""The ordering app's life with our API, over real requests to a simulated Odoo: fast, slow and down."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from catalog.models import Binding
from integrations.models import Connection, Link
from integrations.simulators.base import Dials
from orders.models import Customer, CustomerSession, LoginCode, Order, SessionCopy
from orders.services import me, sessions
from portal.tenancy.models import IdempotencyKey
from tests.api_world import Caller, connect_api, make_caller, refused
from tests.orders.api.conftest import Desk
from tests.orders.api.test_pos_story import SALE
from tests.world import make_world

DOWN = {"status": {"503": 1.0}}


def log_in(desk: Desk) -> tuple[Caller, Caller]:
    """A customer who has bought something at the till, logged in by the shop's server: (server, customer)."""
    server = make_caller(desk.till)
    assert server.post("/sales-orders", SALE).status_code == 201
    answer = server.post("/sessions", {"customer": {"phone": "020 7946 0018"}})
    assert answer.status_code == 201, answer.content
    return server, Caller(answer.json()["token"])


def turn(desk: Desk, **dials: Any) -> None:
    desk.sim.dials.merge(dials)


def wait_for_mail() -> str:
    until = time.monotonic() + 5
    while not mail.outbox and time.monotonic() < until:
        time.sleep(0.02)
    found = re.search(r"is (\d{6})\.", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


def test_a_session_sees_its_customer_and_nothing_else(desk: Desk) -> None:
    server, customer = log_in(desk)
    said = customer.get("/me").json()
    assert (said["customer"]["name"], said["customer"]["email"]) == ("Jo Doe", "jo@example.com")
    assert (said["live"], said["account"]["currency"]) == (True, "GBP")
    other = server.post(
        "/sales-orders", SALE | {"reference": "R-9", "customer": {"name": "Al", "phone": "+442079460020"}}
    )
    foreign = other.json()["id"]
    assert refused(customer.get(f"/sales-orders/{foreign}")) == (404, "not_found")
    assert refused(customer.post(f"/sales-orders/{foreign}/cancel", {"reason": "x"})) == (404, "not_found")
    assert [one["reference"] for one in customer.get("/sales-orders").json()["results"]] == ["R-1001"]
    for method, path in (("POST", "/customers"), ("POST", "/sessions"), ("POST", f"/sales-orders/{foreign}/bill")):
        assert refused(customer.call(method, path, {})) == (403, "permission_denied")
    assert refused(server.get("/me")) == (403, "session_required")
    assert CustomerSession.plain.get().token_hash not in customer.key


def test_orders_are_live_those_by_phone_too_and_with_the_erp_down_as_they_were(desk: Desk) -> None:
    _, customer = log_in(desk)
    partner = Customer.plain.get()
    number = int(Link.plain.get(subject_id=partner.pk, subject_type="customer", connection=desk.erp).external_id)
    bowl = Binding.plain.get(connection=desk.erp, reference_code="BOWL").external_id
    made = desk.odoo.order({"product_id": int(bowl), "product_uom_qty": 3}, partner_id=number)
    by_phone = desk.odoo.one("sale.order", made, "name")["name"]
    said = customer.get("/me/orders").json()
    assert said["live"] is True
    assert {one["erp_number"] for one in said["results"]} >= {by_phone}
    phone = next(one for one in said["results"] if one["erp_number"] == by_phone)
    assert (phone["id"], phone["lines"][0]["code"], phone["lines"][0]["quantity"]) == (None, "BOWL", "3")
    ours = next(one for one in said["results"] if one["id"])
    assert [line["code"] for line in ours["lines"]] == ["MUG", "CUP"]
    recent = customer.get("/me/recent-items").json()
    assert {one["code"] for one in recent["results"]} == {"BOWL", "MUG", "CUP"}
    turn(desk, **DOWN)
    again = customer.get("/me/orders").json()
    assert (again["live"], again["results"]) == (False, said["results"])
    assert again["as_of"] <= timezone.now().isoformat()
    assert customer.get("/me/recent-items").json()["live"] is False


def test_what_was_never_read_is_ours_only_while_the_erp_is_down(desk: Desk) -> None:
    _, customer = log_in(desk)
    turn(desk, **DOWN)
    said = customer.get("/me/orders").json()
    assert (said["live"], said["as_of"], len(said["results"])) == (False, None, 1)
    assert said["results"][0]["erp_number"]
    told = customer.get("/me/transactions").json()
    assert told == {"live": False, "as_of": None, "results": []}


def test_a_slow_erp_is_waited_for_no_longer_than_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _, customer = log_in(desk)
    assert customer.get("/me/orders").json()["live"] is True
    monkeypatch.setattr(me, "WAIT_SECONDS", 1.0)
    turn(desk, latency_seconds=3.0)
    began = time.monotonic()
    said = customer.get("/me/orders").json()
    assert said["live"] is False
    assert time.monotonic() - began < 2.9
    assert len(said["results"]) == 1


def test_log_out_is_done_with_the_erp_down_and_leaves_nothing(desk: Desk) -> None:
    _, customer = log_in(desk)
    customer.get("/me/orders")
    assert SessionCopy.plain.count() == 1
    turn(desk, **DOWN)
    answer = customer.call("DELETE", "/sessions/current")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (CustomerSession.plain.count(), SessionCopy.plain.count()) == (0, 0)
    assert refused(customer.get("/me")) == (401, "authentication_failed")
    assert refused(customer.call("DELETE", "/sessions/current")) == (401, "authentication_failed")


def test_a_session_ends_after_twelve_hours_and_with_its_key(desk: Desk) -> None:
    server, customer = log_in(desk)
    session = CustomerSession.plain.get()
    assert session.ends_at - session.opened_at == timedelta(hours=12)
    CustomerSession.plain.update(ends_at=timezone.now())
    assert refused(customer.get("/me")) == (401, "authentication_failed")
    CustomerSession.plain.update(ends_at=timezone.now() + timedelta(hours=1))
    assert customer.get("/me").status_code == 200
    assert server.row is not None
    server.row.revoked_at = timezone.now()
    server.row.save()
    assert refused(customer.get("/me")) == (401, "authentication_failed")
    CustomerSession.plain.update(ends_at=timezone.now())
    assert sessions.forget(timezone.now()) == 1


# --- an app's one-time codes ------------------------------------------------------------------------------------------


def test_an_app_logs_in_with_a_code_from_the_e_mail_once(desk: Desk) -> None:
    log_in(desk)
    app = make_caller(desk.till, kind="app")
    asked = app.post("/sessions", {"customer": {"email": "jo@example.com"}})
    assert asked.status_code == 202
    code = wait_for_mail()
    assert mail.outbox[-1].to == ["jo@example.com"]
    given = {"challenge": asked.json()["challenge"], "code": code}
    answer = app.post("/sessions", given)
    assert answer.status_code == 201, answer.content
    assert Caller(answer.json()["token"]).get("/me").json()["customer"]["email"] == "jo@example.com"
    assert refused(app.post("/sessions", given)) == (401, "code_refused")
    assert not LoginCode.plain.exists()
    assert not IdempotencyKey.plain.exists()


def test_the_same_answer_whether_we_know_him_or_not(desk: Desk) -> None:
    log_in(desk)
    app = make_caller(desk.till, kind="app")
    known = app.post("/sessions", {"customer": {"email": "jo@example.com"}})
    unknown = app.post("/sessions", {"customer": {"email": "nobody@example.com"}})
    assert known.status_code == unknown.status_code == 202
    assert set(known.json()) == set(unknown.json()) == {"challenge", "ends_at"}
    assert len(known.json()["challenge"]) == len(unknown.json()["challenge"])
    wait_for_mail()
    assert [one.to for one in mail.outbox] == [["jo@example.com"]]
    for one in (known, unknown):
        wrong = app.post("/sessions", {"challenge": one.json()["challenge"], "code": "000000x"})
        assert refused(wrong) == (401, "code_refused")


def test_five_tries_and_ten_minutes(desk: Desk) -> None:
    log_in(desk)
    app, other = make_caller(desk.till, kind="app"), make_caller(desk.till, kind="app")
    challenge = app.post("/sessions", {"customer": {"phone": "+442079460018"}}).json()["challenge"]
    code = wait_for_mail()
    for _ in range(5):
        assert refused(app.post("/sessions", {"challenge": challenge, "code": "wrong"})) == (401, "code_refused")
    assert refused(app.post("/sessions", {"challenge": challenge, "code": code})) == (401, "code_refused")
    mail.outbox.clear()
    challenge = app.post("/sessions", {"customer": {"phone": "+442079460018"}}).json()["challenge"]
    code = wait_for_mail()
    assert refused(other.post("/sessions", {"challenge": challenge, "code": code})) == (401, "code_refused")
    LoginCode.plain.filter(public_id=challenge).update(asked_at=timezone.now() - timedelta(minutes=10))
    assert refused(app.post("/sessions", {"challenge": challenge, "code": code})) == (401, "code_refused")


def test_nobodys_mailbox_is_filled(desk: Desk) -> None:
    log_in(desk)
    app = make_caller(desk.till, kind="app")
    for _ in range(8):
        assert app.post("/sessions", {"customer": {"email": "jo@example.com"}}).status_code == 202
    until = time.monotonic() + 3
    while len(mail.outbox) < 5 and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    assert len(mail.outbox) == 5


def test_an_app_names_nobody_and_a_customer_no_price(desk: Desk) -> None:
    server, customer = log_in(desk)
    app = make_caller(desk.till, kind="app")
    wanted = {"customer": {"id": Customer.plain.get().public_id}}
    assert refused(app.post("/sessions", wanted)) == (400, "customer_required")
    assert refused(app.get("/me")) == (403, "permission_denied")
    assert refused(app.post("/sales-orders", SALE)) == (403, "permission_denied")
    assert refused(server.post("/sessions", {"customer": {"email": "nobody@example.com"}})) == (404, "customer_unknown")
    free = {"lines": [{"code": "MUG", "quantity": 1, "unit_price": "0"}]}
    assert refused(customer.post("/sales-orders", free)) == (400, "not_allowed_in_session")
    paid = {"lines": [{"code": "MUG", "quantity": 1}], "payment": {"amount": "1", "type": "cash"}}
    assert refused(customer.post("/sales-orders", paid)) == (400, "not_allowed_in_session")
    taken = {"reference": "R-1001", "lines": [{"code": "MUG", "quantity": 1}]}
    answer = customer.post("/sales-orders", taken)
    assert refused(answer) == (409, "order_exists")
    assert Order.plain.get().public_id not in answer.content.decode()
    assert Order.plain.count() == 1


def test_a_key_for_tests_asks_no_live_erp(desk: Desk) -> None:
    server, _ = log_in(desk)
    desk.till.environment = Connection.Environment.SANDBOX
    desk.till.save()
    tester = make_caller(desk.till, mode="test")
    token = tester.post("/sessions", {"customer": {"email": "jo@example.com"}}).json()["token"]
    assert Caller(token).get("/me").json()["live"] is False
    answer = tester.post("/sales-orders", SALE | {"reference": "TEST-1"})
    assert answer.status_code == 202
    assert [one["code"] for one in answer.json()["waiting_for"]] == ["test_order"]
    assert len(desk.orders_there()) == 1
    assert isinstance(desk.sim.dials, Dials)
    assert server.row is not None


def test_another_merchants_customer_is_nobody_here(desk: Desk) -> None:
    log_in(desk)
    stranger = make_caller(connect_api(make_world("Elsewhere")))
    for named in ({"id": Customer.plain.get().public_id}, {"phone": "+442079460018"}, {"email": "jo@example.com"}):
        assert refused(stranger.post("/sessions", {"customer": named})) == (404, "customer_unknown")
    assert CustomerSession.plain.count() == 1
