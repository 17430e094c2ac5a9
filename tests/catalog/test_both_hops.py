"""Odoo to us to WooCommerce over HTTP: the ERP's call or a timer starts both hops; a product saved here is sent now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Product
from integrations.models import Exchange, Flow, Procedure, ProcedureRun, ProcedureStep, SyncRun
from integrations.sync import runs, schedule
from integrations.sync.execute import execute
from portal.tenancy.models import ApiKey
from tests.portal.people import log_in
from tests.scene import PLENTY, Scene, open_scene
from tests.world import D

EVERY = 300


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    with open_scene({"MUG": D(5), "CUP": D(7)}) as found:
        yield found


@pytest.fixture
def procedure(scene: Scene) -> Procedure:
    """Quantity only, ERP → portal → shop."""
    row = Procedure(merchant=scene.world.merchant, name="Offline sale", every_seconds=EVERY)
    row.next_due_at = timezone.now() + timedelta(hours=1)
    row.save()
    for position, (connection, direction) in enumerate(((scene.erp, "pull"), (scene.shop, "push"))):
        flow, _made = Flow.plain.get_or_create(
            merchant=scene.world.merchant, connection=connection, stream="stock", direction=direction
        )
        ProcedureStep(merchant=scene.world.merchant, procedure=row, position=position, flow=flow).save()
    return row


def work_off() -> list[tuple[str, str, str]]:
    """As ticks and workers would; the steps that were carried out: stream, direction, state."""
    known = set(SyncRun.plain.values_list("pk", flat=True))
    for _ in range(6):
        for pk in schedule.list_open():
            schedule.advance(pk, at=timezone.now())
        for pk in runs.due(timezone.now()).order_by("pk").values_list("pk", flat=True):
            execute(pk)
    found = SyncRun.plain.exclude(pk__in=known).order_by("pk")
    return [(run.flow.stream, run.flow.direction, run.state) for run in found.select_related("flow")]


def count_in_the_warehouse(scene: Scene, sku: str, quantity: int) -> None:
    """Somebody counts the shelf in Odoo."""
    (article,) = scene.odoo.call("product.product", "search", domain=[["default_code", "=", sku]])
    domain = [["product_id", "=", article], ["location_id.usage", "=", "internal"]]
    quants = scene.odoo.call("stock.quant", "search", domain=domain)
    scene.odoo.call("stock.quant", "write", quants, vals={"inventory_quantity": quantity})
    scene.odoo.call("stock.quant", "action_apply_inventory", quants)


def shown(scene: Scene) -> dict[str, tuple[int, str, str]]:
    """What the shop's own API says: stock, price and name."""
    rows = scene.store.get("products")
    return {row["sku"]: (row["stock_quantity"], row["regular_price"], row["name"]) for row in rows}


def written(scene: Scene) -> list[dict[str, Any]]:
    """The articles in the bodies of everything we wrote to the shop."""
    rows = Exchange.plain.filter(connection=scene.shop).exclude(method="GET").order_by("pk")
    found: list[dict[str, Any]] = []
    for row in rows:
        body = json.loads(bytes(row.request_body))
        found += body.get("update", [body])
    return found


def call_by_curl(scene: Scene, procedure: Procedure) -> None:
    key = ApiKey.create_key(merchant=scene.world.merchant, name="ERP", scopes=["procedures"])[1]
    answer = Client().post(
        f"/api/v1/procedures/{procedure.public_id}/runs", content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )  # fmt: skip
    assert answer.status_code == 202, answer.content


def fire_the_timer(scene: Scene, procedure: Procedure) -> None:
    Procedure.plain.filter(pk=procedure.pk).update(next_due_at=timezone.now())
    schedule.fire_due(timezone.now())


@pytest.mark.parametrize(("start", "trigger"), [(call_by_curl, "api"), (fire_the_timer, "timer")])
def test_a_change_of_stock_in_odoo_reaches_the_shop_by_one_procedure_and_nothing_else_does(
    scene: Scene, procedure: Procedure, start: Any, trigger: str
) -> None:
    hops = [("stock", "pull", "done"), ("stock", "push", "done")]
    start(scene, procedure)
    assert work_off() == hops
    count_in_the_warehouse(scene, "MUG", 17)
    (template,) = scene.odoo.call("product.template", "search", domain=[["name", "=", "Thing MUG"]])
    scene.odoo.call("product.template", "write", [template], vals={"name": "Beaker", "list_price": 99.0})
    Exchange.plain.all().delete()
    start(scene, procedure)
    assert work_off() == hops
    assert list(ProcedureRun.plain.order_by("pk").values_list("trigger", "state")) == [(trigger, "done")] * 2
    assert shown(scene) == {"MUG": (17, "5", "Thing MUG"), "CUP": (PLENTY, "7", "Thing CUP")}
    (only,) = written(scene)
    assert set(only) - {"id", "manage_stock"} == {"stock_quantity"}, "quantity only, and of what changed only"
    assert only["stock_quantity"] == 17
    Exchange.plain.all().delete()
    start(scene, procedure)
    assert work_off() == hops
    assert written(scene) == [], "nothing changed, nothing is written"


def test_a_product_saved_in_the_admin_is_in_the_shop_without_a_timer(scene: Scene) -> None:
    Flow.plain.filter(connection=scene.erp, stream="product").update(settings={"groups": ["codes"]})
    Flow(
        merchant=scene.world.merchant, connection=scene.shop, stream="product", direction="push",
        settings={"groups": ["text"]},
    ).save()  # fmt: skip
    row = Product.plain.get(variants__code="MUG")
    form = {"name": "Beaker", "description": "Holds half a pint.", "status": "active", "categories": "",
            "image_urls": "", "variants-TOTAL_FORMS": 0, "variants-INITIAL_FORMS": 0}  # fmt: skip
    client = log_in(scene.world.merchant, "mapper")
    page = client.post(reverse("admin:catalog_product_change", args=(row.pk,)), form, follow=True)
    assert "Sent to Shop A now." in page.content.decode()
    assert list(SyncRun.plain.filter(state="queued").values_list("trigger", flat=True)) == ["saved"]
    assert work_off() == []
    assert SyncRun.plain.get(trigger="saved").state == "done"
    (product,) = (row for row in scene.store.get("products") if row["sku"] == "MUG")
    assert (product["name"], product["description"]) == ("Beaker", "Holds half a pint.")
    assert (product["stock_quantity"], product["regular_price"]) == (PLENTY, "5")
