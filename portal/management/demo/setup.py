"""The demo's merchant: a shop, an ERP, the flows and procedures between them, all live on simulators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from catalog.models import PriceList, PriceRule
from integrations.contract.records import CustomerDocument, CustomerRecord
from integrations.models import Connection, Flow, Procedure, ProcedureStep
from integrations.sync.client import Captures, build_connector
from integrations.sync.connections import check_connection, go_live, register_webhooks
from integrations.sync.platforms import get_platform
from integrations.sync.vault import store_credentials
from portal.management.commands.run import run_flow
from portal.management.demo.far_side import FarSide
from portal.management.demo.platforms import get_needs
from portal.tenancy.models import Location, Merchant, User
from portal.tenancy.services import create_merchant

PULL, PUSH = Flow.Direction.PULL, Flow.Direction.PUSH
EMAIL, MERCHANT = "demo@example.com", "Northwind"
FLOWS = {
    "erp": (
        ("product", PULL),
        ("stock", PULL),
        ("price", PULL),
        ("shipment", PULL),
        ("invoice", PULL),
        ("order", PUSH),
    ),
    "shop": (("product", PULL), ("order", PULL), ("stock", PUSH), ("price", PUSH)),
}
STOCK_EVERY, ORDERS_EVERY = 300, 120
FIRST_READS = (
    ("erp", "product"),
    ("erp", "stock"),
    ("erp", "price"),
    ("shop", "product"),
    ("shop", "stock"),
    ("shop", "price"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a request may take, and how long an unknown outcome settles: real ones are slower than simulators."""

    deadline_seconds: int = 5
    settle_seconds: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What was set up."""

    merchant: Merchant
    erp: Connection
    shop: Connection


@transaction.atomic
def make_login(password: str) -> User:
    """The demo's own login, with this password from now on."""
    user, _ = get_user_model().objects.get_or_create(
        email=EMAIL, defaults={"is_staff": True, "is_superuser": True, "first_name": "Demo"}
    )
    user.set_password(password)
    user.save()
    return user


def set_up(owner: User, erp: FarSide, shop: FarSide, *, pace: Pace, at: datetime, name: str = MERCHANT) -> Demo:
    """A merchant with both connections live. Run inside no scope; raises RuntimeError where one does not answer."""
    merchant = create_merchant(name=name, owner=owner)
    made = Demo(
        merchant=merchant,
        erp=_connect(merchant, erp, "ERP", Connection.Role.BACK_OFFICE, pace),
        shop=_connect(merchant, shop, "Shop", Connection.Role.STORE, pace),
    )
    for connection in (made.erp, made.shop):
        if check_connection(connection, at=at) is None:
            raise RuntimeError(f"{connection} does not answer: {connection.check_message}")
        go_live(connection, at=at)
    _name_guest(made.erp)
    _make_flows(made, at)
    return made


def _connect(merchant: Merchant, far: FarSide, label: str, role: str, pace: Pace) -> Connection:
    platform = get_platform(far.platform)
    names = {field.name for field in platform.settings_fields}
    settings = {**get_needs(far.platform).settings, **({"url": far.base_url} if "url" in names else {})}
    row = Connection(
        merchant=merchant,
        name=f"{platform.label} ({label})",
        platform=far.platform,
        role=role,
        environment=Connection.Environment.SIMULATOR,
        order_prefix="N-" if role == Connection.Role.STORE else "",
        settings={**settings, "requests_per_second": 1000},
        allowed_private=[urlsplit(far.base_url).netloc],
        location=Location.plain.get(merchant=merchant),
        deadline_seconds=pace.deadline_seconds,
        settle_seconds=pace.settle_seconds,
    )
    row.save()
    store_credentials(row, far.credentials)
    return row


def _name_guest(erp: Connection) -> None:
    """Orders without a customer are booked on one customer there, where the platform asks for one."""
    setting = get_needs(erp.platform).guest
    if not setting:
        return
    document = CustomerDocument(reference="GUEST", customer=CustomerRecord(name="Guests of the shop"))
    guest = build_connector(erp, Captures()).create_customer(document)
    erp.settings = {**erp.settings, setting: guest.external_id}
    erp.save(update_fields=["settings"])


def _make_flows(made: Demo, at: datetime) -> None:
    flows: dict[tuple[str, str, str], Flow] = {}
    for side, wanted in FLOWS.items():
        for stream, direction in wanted:
            row = Flow(merchant=made.merchant, connection=getattr(made, side), stream=stream, direction=direction)
            row.save()
            flows[side, stream, direction] = row
    prices = PriceList.plain.create(
        merchant=made.merchant, code="erp", name="ERP prices", currency=made.merchant.currency, connection=made.erp
    )
    PriceRule.plain.create(merchant=made.merchant, connection=made.shop, price_list=prices)
    back = [("erp", "product", PULL), ("erp", "stock", PULL), ("erp", "price", PULL), ("shop", "product", PULL)]
    _procedure(
        made, "Stock and prices to the shop", [*back, ("shop", "stock", PUSH), ("shop", "price", PUSH)], flows, at
    )
    _procedure(made, "Orders", [("shop", "order", PULL)], flows, at, every=ORDERS_EVERY)
    _procedure(made, "What follows an order", [("erp", "shipment", PULL), ("erp", "invoice", PULL)], flows, at)
    _procedure(made, "Stock after an order", [("shop", "stock", PUSH)], flows, at, every=0, event="order.created")


def _procedure(
    made: Demo,
    name: str,
    steps: list[tuple[str, str, str]],
    flows: dict[tuple[str, str, str], Flow],
    at: datetime,
    *,
    every: int = STOCK_EVERY,
    event: str = "",
) -> None:
    row = Procedure(merchant=made.merchant, name=name, every_seconds=every, event=event)
    row.next_due_at = at + timedelta(seconds=every) if every else None
    row.save()
    for position, step in enumerate(steps):
        ProcedureStep.plain.create(merchant=made.merchant, procedure=row, position=position, flow=flows[step])


def read_first(made: Demo) -> None:
    """What a first run of the procedures does: catalogue, stock and prices from the ERP, then to the shop."""
    for side, stream in FIRST_READS:
        connection = getattr(made, side)
        direction = PUSH if (side, stream) in {("shop", "stock"), ("shop", "price")} else PULL
        run = run_flow(Flow.plain.get(connection=connection, stream=stream, direction=direction))
        if run.state != run.State.DONE:
            raise RuntimeError(f"{connection}: {run.flow} ended as {run.state}: {run.message}")


def listen(made: Demo, public_url: str) -> None:
    """Have the shop call us."""
    register_webhooks(made.shop, public_url, at=timezone.now())
