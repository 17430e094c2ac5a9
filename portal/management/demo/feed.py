"""What the world does in the demo: buyers order, the shop gives money back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from portal.management.demo.far_side import FarSide
from portal.management.demo.source import Credit, Invoice, fold

PRODUCTS_AT_ONCE = 200


def seed_catalogue(far: FarSide, products: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(products), PRODUCTS_AT_ONCE):
        far.post("catalogue", {"products": list(products[start : start + PRODUCTS_AT_ONCE])})


def build_order(invoice: Invoice, *, number: str | None = None) -> dict[str, Any]:
    """An invoice as the shop's control plane takes it: only what a shop can sell of it."""
    return {
        "number": number,
        "customer": _customer(invoice),
        "lines": [
            {"sku": fold(line.code), "quantity": str(line.quantity), "price": str(line.price), "total": str(line.value)}
            for _, line in invoice.placeable
        ],
        "payment": "bacs",
        "paid": True,
    }


def _customer(invoice: Invoice) -> dict[str, Any] | None:
    if not invoice.customer:
        return None
    return {
        "external_ref": invoice.customer,
        "name": f"Customer {invoice.customer}",
        "email": f"customer-{invoice.customer}@example.com",
        "country": "GB",
    }


class Feed:
    """Plays a file into the shop, in file order; `on_step` is called after each invoice."""

    def __init__(self, shop: FarSide, invoices: Iterable[Invoice], credits_: Iterable[Credit]) -> None:
        self.shop = shop
        self.invoices = list(invoices)
        self.ids: dict[str, str] = {}
        self.places: dict[tuple[str, int], int] = {}  # (invoice, line of the file) → line of the order
        self.refunds = 0
        self._credits: dict[str, list[Credit]] = defaultdict(list)
        for credit in credits_:
            if credit.sale is not None:
                self._credits[credit.invoice].append(credit)

    def play(self, on_step: Callable[[], None]) -> None:
        for invoice in self.invoices:
            if invoice.is_credit:
                self._refund(invoice.number)
            elif invoice.placeable:
                self._order(invoice)
            on_step()

    def _order(self, invoice: Invoice) -> None:
        answer = self.shop.post("orders", build_order(invoice, number=invoice.number))
        self.ids[invoice.number] = answer["id"]
        for place, (index, _) in enumerate(invoice.placeable):
            self.places[invoice.number, index] = place

    def _refund(self, number: str) -> None:
        """One credit of the file may be about several orders: one refund each."""
        by_order: dict[str, list[dict[str, str | int]]] = defaultdict(list)
        for credit in self._credits[number]:
            if credit.sale is None:
                continue
            line: dict[str, str | int] = {
                "index": self.places[credit.sale],
                "quantity": str(-credit.line.quantity),
                "amount": str(-credit.line.value),
            }
            by_order[credit.sale[0]].append(line)
        for sale, lines in by_order.items():
            # The same line of an order may come twice in one credit: the shop takes each as a refund of its own.
            for batch in _without_repeats(lines):
                reason = f"Credit {number}"
                self.shop.post("refunds", {"order": self.ids[sale], "lines": batch, "reason": reason, "restock": False})
                self.refunds += 1


def _without_repeats(lines: list[dict[str, str | int]]) -> list[list[dict[str, str | int]]]:
    batches: list[list[dict[str, str | int]]] = []
    for line in lines:
        for batch in batches:
            if all(other["index"] != line["index"] for other in batch):
                batch.append(line)
                break
        else:
            batches.append([line])
    return batches
