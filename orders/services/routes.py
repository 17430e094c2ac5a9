"""Where a merchant's orders go: his rules, and the back offices that take orders or invoices. Read once a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from integrations.models import Connection, Flow, Stream
from orders.models import FulfilmentOrder, Order, OrderLine, RoutingRule
from orders.services.conditions import Facts, asks_of_goods
from orders.services.facts import build_facts, read_places, read_stock
from orders.services.planning import Plan, make_plan
from portal.base.prepared import Prepared, given

SendWhen = FulfilmentOrder.SendWhen
Role = Connection.Role
_RULES = Prepared(
    lambda: (
        RoutingRule.plain.filter(merchant_id=given("merchant"), enabled=True)
        .select_related("destination", "sold_at")
        .order_by("position", "pk")
    )
)
_FLOWS = Prepared(
    lambda: (
        Flow.plain.filter(
            merchant_id=given("merchant"),
            direction=Flow.Direction.PUSH,
            enabled=True,
            stream__in=(Stream.ORDER, Stream.INVOICE),
            connection__role__in=(Role.BACK_OFFICE, Role.ACCOUNTING),
        )
        .select_related("connection")
        .order_by("pk")
    )
)
KEY = "route:"  # what an order without a route waits for; whoever changes rules or destinations releases it


class Routes:
    """One merchant's rules and destinations as they were when first asked for."""

    def __init__(self, merchant_id: int) -> None:
        self.merchant_id = merchant_id

    @cached_property
    def rules(self) -> list[RoutingRule]:
        return _RULES.list(merchant=self.merchant_id)

    @cached_property
    def flows(self) -> list[Flow]:
        """Flows that send orders, or invoices, to back offices."""
        flows = _FLOWS.list(merchant=self.merchant_id)
        orders = {flow.connection_id for flow in flows if flow.stream == Stream.ORDER}
        invoicing = Role.ACCOUNTING  # any other makes the invoices of its own orders
        return [
            flow
            for flow in flows
            if flow.stream == Stream.ORDER or (flow.connection.role == invoicing and flow.connection_id not in orders)
        ]

    @cached_property
    def places(self) -> Mapping[int, Sequence[tuple[int, str]]]:
        return read_places(self.rules)

    @property
    def asks_of_goods(self) -> bool:
        return any(map(asks_of_goods, self.rules))

    def list_unruled(self, shop: Connection) -> list[Flow]:
        """The destinations that get every order of the shop: with rules, only accounting; else all that take its
        orders."""
        found = [flow for flow in self.flows if shop.public_id in flow.settings.get("sources", [shop.public_id])]
        return [flow for flow in found if flow.connection.role == Role.ACCOUNTING] if self.rules else found

    def is_routed(self, shop: Connection) -> bool:
        """Whether an order of the shop goes anywhere, or waits until it does."""
        return bool(self.rules or self.list_unruled(shop))

    def count_parts(self, shop: Connection) -> int:
        """How many parts an order of the shop has; 0 where that depends on the order."""
        return 0 if self.rules else len(self.list_unruled(shop))

    def takes(self, order: Order) -> bool:
        """Whether it is to go anywhere: what was placed before the shop went live is not, but by hand."""
        since = order.connection.live_since
        if since is None or not self.is_routed(order.connection):
            return False
        # Shops tell the time in whole seconds.
        return order.placed_at >= since.replace(microsecond=0) or order.admission == Order.Admission.BY_HAND

    def find_flow(self, destination_id: int) -> Flow | None:
        """How it takes orders; None where it takes none."""
        mine = (flow for flow in self.flows if flow.connection_id == destination_id and flow.stream == Stream.ORDER)
        return next(mine, None)

    def find_connection(self, public_id: str) -> Connection | None:
        return next((flow.connection for flow in self.flows if flow.connection.public_id == public_id), None)

    def plan(self, order: Order, lines: Sequence[OrderLine]) -> Plan:
        """What the rules make of the order, by the stock as it is now."""
        facts = build_facts([order], {order.pk: lines}, self.rules)[order.pk]
        return self.plan_facts(facts, [order.pk])

    def plan_facts(self, facts: Facts, order_ids: Sequence[int]) -> Plan:
        variants = {one.variant_id for one in facts.goods if one.variant_id is not None}
        stock = read_stock(order_ids, self.rules, self.places, variants)
        return make_plan(self.rules, facts, stock, self.places)


def send_when_of(flow: Flow) -> str:
    """When its destination gets an order: as its settings say, else paid; an invoice once the others have accepted."""
    default = SendWhen.ACCEPTED if flow.stream == Stream.INVOICE else SendWhen.PAID
    said = str(flow.settings.get("send_when") or "")
    return said if said in SendWhen.values else default
