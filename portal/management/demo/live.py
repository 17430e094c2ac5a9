"""The demo to look at: buyers order every few seconds, some pay back or cancel, the ERP ships; until Ctrl-C."""

from __future__ import annotations

import os
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from integrations.models import Connection
from integrations.sync.vault import store_credentials
from portal.management.demo.catalogue import (
    TEAPOT_IN_SHOP,
    TEAPOT_PRICE,
    TOY_PRICE,
    TOYS_IN_SHOP,
    build_catalogue,
    build_unmapped,
)
from portal.management.demo.far_side import FarSide, simulate
from portal.management.demo.feed import build_order, seed_catalogue
from portal.management.demo.platforms import Pair, get_needs
from portal.management.demo.setup import EMAIL, MERCHANT, Demo, Pace, listen, make_login, read_first, set_up
from portal.management.demo.source import Invoice, read_invoices, sold
from portal.management.supervisor import end_with_parent
from portal.tenancy.models import Merchant, User

SAMPLE = Path(__file__).with_name("sample.csv")
SECONDS_BETWEEN_ORDERS = 4
REFUNDED, CANCELLED, SHIPPED, UNMAPPED = 0.08, 0.05, 0.5, 0.12


def run_live(*, pair: Pair, port: int, say: Callable[[str], object]) -> None:
    """Set the demo up where it is not yet, run the portal, and let the world go on until Ctrl-C."""
    invoices = read_invoices(SAMPLE)
    folder = settings.VAR_DIR / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(9)
    say("Starting a shop and an ERP on this machine …")
    with (
        simulate(pair.erp, ["--state", str(folder / f"{pair.erp}.json")]) as erp,
        simulate(pair.store, ["--state", str(folder / f"{pair.store}.json")]) as shop,
    ):
        owner = make_login(password)
        made = _find(erp, shop) or _make(owner, invoices, erp, shop)
        argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "portal", "--port", str(port)]
        quiet = {**os.environ, "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING")}
        process = subprocess.Popen(argv, cwd=settings.BASE_DIR, env=quiet, preexec_fn=end_with_parent())  # noqa: PLW1509  one thread
        address = f"http://127.0.0.1:{port}"
        try:
            listen(made, address)
            say(_welcome(address, password, erp, shop))
            _let_the_world_go_on(process, invoices, erp, shop)
        except KeyboardInterrupt:
            say("The demo stops. It goes on where it was with the next `make demo`.")
        finally:
            process.terminate()
            process.wait(30)


def _make(owner: User, invoices: list[Invoice], erp: FarSide, shop: FarSide) -> Demo:
    products = build_catalogue(invoices, sold(invoices))
    for far, unmapped in zip((erp, shop), build_unmapped(), strict=True):
        seed_catalogue(far, [*products, *unmapped])
    made = set_up(owner, erp, shop, pace=Pace(), at=timezone.now())
    read_first(made)
    return made


def _find(erp: FarSide, shop: FarSide) -> Demo | None:
    """The demo of an earlier start of this pair, told where its simulators answer now."""
    for merchant in Merchant.objects.filter(name=MERCHANT).order_by("pk"):
        rows = {row.platform: row for row in Connection.plain.filter(merchant=merchant)}
        if erp.platform in rows and shop.platform in rows:
            for far in (erp, shop):
                _move(rows[far.platform], far)
            return Demo(merchant=merchant, erp=rows[erp.platform], shop=rows[shop.platform])
    return None


def _move(row: Connection, far: FarSide) -> None:
    if "url" in row.settings:
        row.settings = {**row.settings, "url": far.base_url}
    row.allowed_private = [urlsplit(far.base_url).netloc]
    row.save(update_fields=["settings", "allowed_private"])
    store_credentials(row, far.credentials)


def _welcome(address: str, password: str, erp: FarSide, shop: FarSide) -> str:
    return (
        f"\nThe portal answers at {address}/admin/  —  log in as {EMAIL} with the password {password}\n"
        f"Orders arrive every {SECONDS_BETWEEN_ORDERS} seconds. Break the ERP, and see them wait and arrive once:\n"
        f'  curl -X PUT {erp.dials_url} -d \'{{"status": {{"503": 0.5}}, "timeout_after_commit": 0.2}}\'\n'
        f"and mend it again:\n"
        f'  curl -X PUT {erp.dials_url} -d \'{{"status": {{}}, "timeout_after_commit": 0}}\'\n'
        f"The shop's own dials: {shop.dials_url}. Ctrl-C stops everything.\n"
    )


def _let_the_world_go_on(
    process: subprocess.Popen[bytes], invoices: list[Invoice], erp: FarSide, shop: FarSide
) -> None:
    chance = random.Random()
    buyable = [invoice for invoice in invoices if not invoice.is_credit and invoice.placeable]
    while process.poll() is None:
        if chance.random() < UNMAPPED:
            shop.post("orders", _order_unmapped(chance))
            time.sleep(SECONDS_BETWEEN_ORDERS)
            continue
        invoice = chance.choice(buyable)
        order = shop.post("orders", build_order(invoice))
        if chance.random() < REFUNDED:
            line = invoice.placeable[0][1]
            refund = {"index": 0, "quantity": str(line.quantity), "amount": str(line.value)}
            shop.post("refunds", {"order": order["id"], "lines": [refund], "reason": "Damaged", "restock": False})
        elif chance.random() < CANCELLED:
            shop.post("cancellations", {"order": order["id"]})
        if chance.random() < SHIPPED:
            _ship_one(chance, erp)
        time.sleep(SECONDS_BETWEEN_ORDERS)


def _order_unmapped(chance: random.Random) -> dict[str, Any]:
    """A guest buys what nobody has told the portal of yet: it waits until somebody maps it."""
    sku, price = chance.choice([(TEAPOT_IN_SHOP, TEAPOT_PRICE), (chance.choice(TOYS_IN_SHOP), TOY_PRICE)])
    line = {"sku": sku, "quantity": "1", "price": price, "total": price}
    return {"number": None, "customer": None, "lines": [line], "payment": "bacs", "paid": True}


def _ship_one(chance: random.Random, erp: FarSide) -> None:
    """The warehouse sends one of the orders it has not sent yet."""
    gone = {row["order"] for row in erp.list_facts("shipments")}
    unshipped = get_needs(erp.platform).unshipped
    waiting = [row for row in erp.list_facts("orders") if row["state"] in unshipped and row["number"] not in gone]
    if waiting:
        erp.post(
            "shipments",
            {"order": chance.choice(waiting)["id"], "lines": None, "tracking": f"GB{chance.randrange(10**9)}"},
        )
