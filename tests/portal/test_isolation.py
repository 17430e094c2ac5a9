"""PROMISES 18: nobody sees another merchant's rows. Walks every page of the admin for every role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from catalog.models import Feed
from integrations.models import Connection, Exchange, Hold, InboundEvent, Procedure, ProcedureRun, SyncRun, ValueMapping
from integrations.sync.hooks import create_hook
from integrations.sync.outbox import enqueue
from orders.models import Order
from portal.tenancy.models import ApiKey, Location, Membership, Merchant, Role, User
from portal.tenancy.scoping import MerchantModel
from tests.api_world import connect_api, make_caller
from tests.world import NOON, World, make_world, order, stocked

CANARY = "CANARY-4711"
# Addresses outside the admin, and why they may be open. One that is in neither table fails.
PUBLIC = {
    "home": "leads to the admin",
    "photo": "the signed address of one photo, made for one shop; anything else is not found",
    "webhook": "proven by the platform's signature",
    "schema": "describes the API, no rows",
    "docs": "describes the API, no rows",
    "postman": "describes the API, no rows",
    "admin:login": "the door",
    "admin:logout": "the door",
    "admin:jsi18n": "words of widgets, no rows",
    "admin:password_change": "one's own password",
    "admin:password_change_done": "one's own password",
    "admin:autocomplete": "answers through each model's own page, which is walked",
    "admin:view_on_site": "no model has a page of its own",
    "admin:app_list": "lists what the role may see",
    "admin:index": "walked by itself",
    "admin:merchant": "walked by itself",
    "admin:search": "walked by itself",
    "admin:reports_orders": "walked in tests/orders/test_accounting.py",
    "admin:reports_stock": "walked in tests/portal/test_stock_page.py",
    "admin:toggle_sidebar": "remembers the sidebar in one's own session",
}
# Addresses that want an API key; the key's merchant is the scope.
WITH_KEY = {
    "feed", "feeds", "procedure-runs", "procedure-run", "run", "items", "item", "stock", "prices", "products",
    "bootstrap", "bootstrap-part", "shipments", "invoices", "statuses", "webhooks", "webhook-of-app",
    "customers", "quotes", "sales-orders", "sales-order", "sales-order-cancel", "sales-order-returns",
    "sales-order-bill", "sessions", "current-session", "me", "my-orders", "my-transactions", "my-recent-items",
}  # fmt: skip
# Of these a customer's own, which a key alone does not open.
WITH_SESSION = {"current-session", "me", "my-orders", "my-transactions", "my-recent-items"}
# Libraries' models an operator alone may open.
OPERATORS_ONLY = {"axes", "auth", "django_celery_beat", "simple_history"}


def names(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from names(one, f"{prefix}{one.namespace}:" if one.namespace else prefix)
        elif isinstance(one, URLPattern):
            yield f"{prefix}{one.name}"


def model_admins() -> list[tuple[type[MerchantModel], ModelAdmin[Any]]]:
    found = [(model, page) for model, page in admin.site._registry.items() if issubclass(model, MerchantModel)]
    assert len(found) >= 25
    return found


def fill(world: World) -> None:
    """A row of nearly everything, each with the canary in it."""
    stocked(world, CANARY)
    world.apply(world.shop, "order", order(f"{CANARY}-1", (CANARY, 1, "4.50")))
    world.apply(world.shop, "order", order(f"{CANARY}-2", (f"{CANARY}-unknown", 1, "4.50")))
    for model in (Procedure, ValueMapping, InboundEvent, Exchange, ApiKey, SyncRun, ProcedureRun):
        make(world, model)
    world.merchant.name = f"{CANARY} Ltd"
    world.merchant.save()


def make(world: World, model: Any) -> Any:
    common = {"merchant": world.merchant}
    values: dict[Any, dict[str, Any]] = {
        Procedure: {"name": CANARY},
        ValueMapping: {"connection": world.shop, "kind": "tax", "theirs": CANARY},
        InboundEvent: {"connection": world.shop, "dedupe_key": CANARY, "topic": CANARY, "body": b"{}",
                       "received_at": NOON},
        Exchange: {"connection": world.shop, "at": NOON, "method": "GET", "url": f"https://{CANARY}/",
                   "request_body": b"", "response_body": CANARY.encode()},
        ApiKey: {"name": CANARY, "prefix": world.merchant.slug[:12], "key_hash": "x"},
        SyncRun: {"flow": world.shop.flows.first(), "message": CANARY, "created_at": NOON, "next_attempt_at": NOON},
        ProcedureRun: {"slot": CANARY, "created_at": NOON, "message": CANARY},
    }  # fmt: skip
    if model is ProcedureRun:
        values[model]["procedure"] = Procedure.plain.get(merchant=world.merchant)
    row = model(**common, **values[model])
    row.save()
    return row


@pytest.fixture
def mine(db: None) -> World:
    return make_world("Mine")


@pytest.fixture
def theirs(db: None) -> World:
    world = make_world("Theirs")
    fill(world)
    return world


def login(merchant: Merchant, role: str, locations: tuple[Location, ...] = ()) -> Client:
    user = User.objects.create_user(f"{role}-{User.objects.count()}@example.com", "pw", is_staff=True)
    membership = Membership(merchant=merchant, user=user, role=role)
    membership.save()
    membership.locations.set(locations)
    client = Client()
    client.force_login(user)
    return client


def leaks(response: Any) -> bool:
    content = b"".join(response) if getattr(response, "streaming", False) else response.content
    return CANARY.encode() in content


def test_promise_18_every_address_has_a_policy() -> None:
    walked = set()
    for model, page in admin.site._registry.items():
        info = f"{model._meta.app_label}_{model._meta.model_name}"
        walked |= {f"admin:{one.name}" for one in page.get_urls() if one.name and one.name.startswith(info)}
        if not issubclass(model, MerchantModel):
            assert model._meta.app_label in OPERATORS_ONLY, f"{model} is in the admin without a policy"
    known = set(PUBLIC) | WITH_KEY | walked
    unknown = {
        name for name in names(get_resolver()) if name not in known and not name.endswith(":None") and name != "None"
    }
    assert unknown == set()


@pytest.mark.parametrize("role", Role.values)
def test_promise_18_no_role_sees_another_merchants_rows(mine: World, theirs: World, role: str) -> None:
    client = login(mine.merchant, role)
    for model, _ in model_admins():
        info = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        foreign = model.plain.filter(merchant=theirs.merchant).first()
        for suffix in ("changelist", "add"):
            response = client.get(reverse(f"{info}_{suffix}"))
            assert response.status_code in {200, 302, 403}, f"{info}_{suffix}: {response.status_code}"
            assert not leaks(response), f"{role} sees {theirs.merchant} at {info}_{suffix}"
        if foreign is None:
            continue
        for suffix in ("change", "delete", "history"):
            address = reverse(f"{info}_{suffix}", args=(foreign.pk,))
            for response in (client.get(address), client.post(address, {})):
                assert response.status_code in {302, 403, 404}, f"{role} {info}_{suffix}: {response.status_code}"
                assert not leaks(response), f"{role} sees {theirs.merchant} at {info}_{suffix}"


@pytest.mark.parametrize("role", Role.values)
def test_promise_18_nothing_sent_to_any_address_changes_or_shows_foreign_rows(
    mine: World, theirs: World, role: str
) -> None:
    """Every page and every bulk action of every model, by GET and by POST."""
    enqueue(connection=theirs.erp, kind="create_order", stream="order", subject=("order", 1), line="x",
            reference=CANARY, at=NOON)  # fmt: skip
    client, before = login(mine.merchant, role), snapshot(theirs.merchant)
    tried = 0
    for model, page in model_admins():
        foreign = list(model.plain.filter(merchant=theirs.merchant).values_list("pk", flat=True)[:3])
        for pattern in page.get_urls():
            wanted = list(pattern.pattern.converters)
            walked_above = bool(wanted) and str(pattern.name).endswith(("_change", "_delete", "_history"))
            if not pattern.name or walked_above or (wanted and not foreign):
                continue
            address = reverse(f"admin:{pattern.name}", args=foreign[:1] * len(wanted))
            for response in (client.get(address), client.post(address, FORM)):
                allowed = {302, 400, 403, 404, 405} if wanted else {200, 302, 400, 403, 404, 405}
                assert response.status_code in allowed, f"{role} {address}: {response.status_code}"
                assert not leaks(response), f"{role} sees {theirs.merchant} at {address}"
                tried += 1
        for action in page.actions or ():
            name = action if isinstance(action, str) else action.__name__
            address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            data = {"action": name, "_selected_action": foreign, "post": "yes", "select_across": "1", **FORM}
            response = client.post(address, data)
            assert response.status_code in {200, 302, 403}, f"{role} {address} {name}: {response.status_code}"
            assert not leaks(response), f"{role} sees {theirs.merchant} by {name} at {address}"
            tried += 1
    assert tried > 100
    assert snapshot(theirs.merchant) == before


# What pages of ours take: whichever field a page looks for, it finds one that would change something.
FORM = {"part": "orders", "do": "pause", "reason": "x", "number": "1", "confirm": "yes", "apply": "yes", "ours": "x"}


def snapshot(merchant: Merchant) -> dict[str, list[dict[str, Any]]]:
    """Every row the merchant has, table by table."""
    models = [model for model in apps.get_models() if issubclass(model, MerchantModel)]
    found: dict[str, list[dict[str, Any]]] = {}
    for model in models:
        found[model._meta.label] = [dict(row) for row in model.plain.filter(merchant=merchant).order_by("pk").values()]
    return found


def test_promise_18_a_key_opens_its_own_merchants_rows_only(mine: World, theirs: World) -> None:
    own = Procedure(merchant=mine.merchant, name="Mine")
    own.save()
    foreign = Procedure.plain.get(merchant=theirs.merchant)
    run = ProcedureRun.plain.get(merchant=theirs.merchant)
    feed = Feed.plain.create(merchant=theirs.merchant, connection=theirs.erp, stream="stock", filename=CANARY,
                             report={"errors": [CANARY]}, received_at=NOON)  # fmt: skip
    order_id = Order.plain.filter(merchant=theirs.merchant).values_list("public_id", flat=True)[0]
    secret = make_caller(connect_api(mine, role="back_office")).key
    theirs_api = make_caller(connect_api(theirs, "Theirs"))
    hook, _ = create_hook(
        owner=Connection.plain.get(name="Theirs"), url=f"https://example.com/{CANARY}", topics=["order.status"],
        places=None, at=NOON,
    )  # fmt: skip
    assert CANARY.encode() in theirs_api.get("/items").content, "there is something to be seen"
    runs = ProcedureRun.plain.filter(merchant=theirs.merchant).count()
    tried = [
        ("procedure-runs", (foreign.public_id,)),
        ("procedure-run", (foreign.public_id, run.public_id)),
        ("procedure-run", (own.public_id, run.public_id)),
        *(("feeds", (stream,)) for stream in ("items", "stock", "prices", "customers")),
        ("feed", ("stock", feed.public_id)),
        ("run", (run.public_id,)),
        ("run", (SyncRun.plain.filter(merchant=theirs.merchant).values_list("public_id", flat=True)[0],)),
        ("item", (CANARY,)),
        ("bootstrap", ()),
        ("webhooks", ()),
        ("webhook-of-app", (hook.public_id,)),
        *(("bootstrap-part", (part,)) for part in ("categories", "locations", "payment_types", "price_lists")),
        *((name, ()) for name in ("items", "stock", "prices", "products", "shipments", "invoices", "statuses")),
        *((name, ()) for name in ("customers", "quotes", "sales-orders", "sessions", *WITH_SESSION)),
        *((name, (order_id,)) for name in WITH_KEY if name.startswith("sales-order") and name != "sales-orders"),
    ]
    bodies = {
        "stock": [{"code": CANARY, "quantity": 1}],
        "prices": [{"code": CANARY, "amount": 1, "currency": "GBP"}],
        "shipments": [{"order": order_id, "id": "1"}],
        "invoices": [{"order": order_id, "id": "1", "number": "1", "currency": "GBP", "total": 1}],
        "statuses": [{"order": order_id, "status": "packed"}],
    }
    whole = {
        "sales-order-cancel": {"reason": "x"},
        "sales-order-returns": {"lines": [{"code": CANARY, "quantity": 1}], "reason": "other"},
        "sessions": {"customer": CANARY},
    }
    before = snapshot(theirs.merchant)
    query = {"feeds": {"connection": theirs.erp.public_id}}
    assert {name for name, _ in tried} == WITH_KEY, "each address of the API is tried here"
    for name, given in tried:
        for method in ("GET", "POST", "PATCH", "DELETE"):
            address = reverse(name, args=given)
            sent = {"items": bodies[name]} if name in bodies else whole.get(name, {})
            body = json.dumps(sent).encode() if sent else b""
            call = partial(Client().generic, method, address, body, content_type="application/json",
                           query_params=query.get(name))  # fmt: skip
            assert call().status_code in {401, 405}, f"{name} without a key"
            response = call(headers={"Authorization": f"Bearer {secret}"})
            found = response.content.replace(CANARY.encode(), b"") if name in bodies else response.content
            allowed = {404, 405} if given and name != "bootstrap-part" else {200, 400, 404, 405}
            allowed = {403, 404, 405} if name in WITH_SESSION else allowed
            assert response.status_code in allowed, f"{name}: {response.status_code}"
            assert CANARY.encode() not in found, f"{name}: {response.content!r}"
            if name in bodies and response.status_code == 200 and method != "GET":
                assert response.json()["refused"] == 1, "a code or order of theirs is nobody's"
    assert snapshot(theirs.merchant) == before
    assert ProcedureRun.plain.filter(merchant=theirs.merchant).count() == runs
    assert Feed.plain.count() == 1


def test_bad_input_66_someone_elses_order_is_not_there(mine: World, theirs: World) -> None:
    client = login(mine.merchant, Role.OWNER)
    foreign = Order.plain.filter(merchant=theirs.merchant).first()
    assert foreign is not None
    response = client.get(reverse("admin:orders_order_change", args=(foreign.pk,)))
    assert response.status_code == 404
    assert not leaks(response)


def test_promise_18_the_merchant_can_only_be_switched_to_ones_own(mine: World, theirs: World) -> None:
    client = login(mine.merchant, Role.OWNER)
    client.post(reverse("admin:merchant"), {"merchant": str(theirs.merchant.pk)})
    assert not leaks(client.get(reverse("admin:index")))
    assert client.session.get("merchant_id") != theirs.merchant.pk


@pytest.mark.parametrize("role", [Role.OWNER, Role.SUPPORT, Role.SALES])
def test_promise_18_a_person_limited_to_a_location_sees_its_orders_only(mine: World, role: str) -> None:
    fill(mine)
    north = Location(merchant=mine.merchant, code="NORTH", name="North")
    north.save()
    here, elsewhere = login(mine.merchant, role, (mine.place,)), login(mine.merchant, role, (north,))
    row = Order.plain.filter(merchant=mine.merchant).first()
    assert row is not None
    address = reverse("admin:orders_order_change", args=(row.pk,))
    assert (here.get(address).status_code, elsewhere.get(address).status_code) == (200, 404)
    listed = reverse("admin:orders_order_changelist")
    number = f"#{row.number}".encode()  # the page's head names the merchant, which is his own
    assert number in here.get(listed).content
    assert number not in elsewhere.get(listed).content


def test_nobody_comes_in_without_a_membership(mine: World) -> None:
    User.objects.create_user("nobody@example.com", "pw", is_staff=True)
    client = Client()
    client.force_login(User.objects.get(email="nobody@example.com"))
    assert client.get(reverse("admin:index")).status_code == 302


@pytest.mark.parametrize("role", Role.values)
def test_every_page_opens_for_those_who_may(mine: World, role: str) -> None:
    fill(mine)
    Hold(
        merchant=mine.merchant, subject_type="order", subject_id=1, reason="x", key="k", message="m", since=NOON
    ).save()
    client = login(mine.merchant, role)
    opened = 0
    for model, page in model_admins():
        info = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        response = client.get(reverse(f"{info}_changelist"), {"q": "x"} if page.search_fields else {})
        assert response.status_code in {200, 403}, info
        opened += response.status_code == 200
        row = model.plain.filter(merchant=mine.merchant).first()
        if row is not None and response.status_code == 200:
            assert client.get(reverse(f"{info}_change", args=(row.pk,))).status_code == 200, info
    assert opened >= 5
    assert client.get(reverse("admin:index")).status_code == 200
