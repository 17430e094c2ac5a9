"""State in a shop: stock at each location, prices and fields of products, set as absolute figures.

https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/inventorySetQuantities (a figure is set only where it is
still `changeFromQuantity`; the key of @idempotent), …/productVariantsBulkUpdate (partial updates).
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from integrations.connectors.shopify import documents as d
from integrations.connectors.shopify import payloads as p
from integrations.connectors.shopify import queries as q
from integrations.connectors.shopify import values as v
from integrations.connectors.shopify.commands import ShopifyCommands
from integrations.connectors.shopify.transport import Row
from integrations.contract import records as r
from integrations.contract.errors import NotFound, OutcomeUnknown, Rejected

AT_ONCE = 100  # of the 250 ids and quantities one request takes
STALE = "CHANGE_FROM_QUANTITY_STALE"
Changes = dict[str, Any]


class ShopifyState(ShopifyCommands):
    def list_locations(self) -> Sequence[r.RemoteLocation]:
        found, cursor = list[r.RemoteLocation](), None
        while True:
            rows, following = self._connection(self._ask(q.LOCATIONS, after=cursor), "locations")
            for row in rows:
                name, active = str(row.get("name") or ""), bool(row.get("isActive"))
                found.append(r.RemoteLocation(external_id=v.require_id(row), name=name, active=active))
            if not following or following == cursor:
                return found
            cursor = following

    def push_stock(self, items: Sequence[r.StockPush]) -> Sequence[r.PushResult]:
        """What can be sold at a location. Each figure is set only if it is still what was read just before, so that a
        sale in between is not undone; where it is not, it is read and set once more."""
        places: dict[str, list[r.StockPush]] = defaultdict(list)
        results = []
        for item in items:
            places[item.slot].append(item)
        for slot, group in places.items():
            location = v.gid("Location", slot or self._location())
            for start in range(0, len(group), AT_ONCE):
                results += self._set_stock(group[start : start + AT_ONCE], location)
        return results

    def _set_stock(self, items: Sequence[r.StockPush], location: str, *, again: bool = True) -> list[r.PushResult]:
        known = self._inventory([item.external_id for item in items], location)
        results, rows, moved = list[r.PushResult](), list[tuple[r.StockPush, dict[str, Any]]](), list[r.StockPush]()
        for item in items:
            article = known.get(item.external_id)
            if article is None or not article.get("tracked"):
                results.append(_refused(item.key, _why_no_stock(item, known=article is not None)))
                continue
            level = v.parse_object(article, "inventoryLevel")
            if not level:
                results.append(self._begin_stock(item, str(article["id"]), location))
                continue
            rows.append((item, d.build_quantity(item, str(article["id"]), location, p.available(level))))
        while rows:
            refused = self._set_quantities([row for _, row in rows])
            if refused is None:
                why = "Shopify's answer did not come."
                return results + [_unknown(item.key, why) for item, _ in rows]
            if not refused:
                results += [r.PushResult(key=item.key, outcome=r.PushOutcome.SENT) for item, _ in rows]
                break
            moved += [rows[at][0] for at, error in refused.items() if error.code == STALE]
            results += [_refused(rows[at][0].key, error.words) for at, error in refused.items() if error.code != STALE]
            rows = [row for at, row in enumerate(rows) if at not in refused]
        if moved and again:
            return results + self._set_stock(moved, location, again=False)
        return results + [_unknown(item.key, "The figure kept moving while it was set.") for item in moved]

    def _set_quantities(self, rows: Sequence[Row]) -> dict[int, v.UserError] | None:
        """{} where all were set; else which are in the way, and then none was set; None where nobody knows.
        Quirk: the key must be new each time, for the same figures may be meant again."""
        body = {"name": "available", "reason": "correction", "quantities": list(rows)}
        try:
            data = self._send(q.SET_STOCK, {"input": body, "key": str(uuid.uuid4())}, write=True)
        except OutcomeUnknown:
            return None
        except Rejected as error:
            words = v.UserError(error.upstream or error.message)
            return dict.fromkeys(range(len(rows)), words)
        payload = data.get("inventorySetQuantities")
        if not isinstance(payload, dict):
            return None
        errors = v.user_errors(payload)
        found = {at: error for error in errors if (at := error.index("quantities")) is not None and at < len(rows)}
        return found if found or not errors else dict.fromkeys(range(len(rows)), errors[0])

    def _inventory(self, variants: Iterable[str], location: str) -> dict[str, Row]:
        """The inventory item of each variant there is, with its level at the location."""
        ids = [v.gid("ProductVariant", one) for one in dict.fromkeys(variants) if one.isdecimal()]
        rows = v.parse_rows({"nodes": [one for one in self._nodes(ids, location) if one]}, "nodes")
        return {v.parse_id(row.get("id")): v.parse_object(row, "inventoryItem") for row in rows if row.get("id")}

    def _nodes(self, ids: Sequence[str], location: str) -> Sequence[Any]:
        found = self._ask(q.LEVELS, ids=list(ids), location=location).get("nodes") if ids else []
        return found if isinstance(found, list) else []

    def _begin_stock(self, item: r.StockPush, inventory_item: str, location: str) -> r.PushResult:
        """An article that was never kept at the location is, from now on."""
        given = {"item": inventory_item, "location": location, "available": d.units(item.quantity)}
        return self._pushed(
            item.key, lambda: self._change(q.ACTIVATE, "inventoryActivate", **given, key=str(uuid.uuid4()))
        )

    def _location(self) -> str:
        chosen = str(self.settings.get("location") or "")
        if chosen:
            return chosen
        if not hasattr(self, "_first_location"):
            active = [one.external_id for one in self.list_locations() if one.active]
            if not active:
                raise NotFound("The shop has no active location: stock figures have no place.")
            self._first_location = min(active, key=int)
        return self._first_location

    def push_prices(self, items: Sequence[r.PricePush]) -> Sequence[r.PushResult]:
        """In the shop's own currency."""
        currency = self._currency() if items else ""
        words = f"The shop has one price list, in {currency}."
        wrong = [item for item in items if item.slot or item.currency != currency]
        results = [_refused(item.key, words) for item in wrong]
        right = [item for item in items if not item.slot and item.currency == currency]
        return results + self._update_variants(
            [(item.key, item.parent_external_id, item.external_id, d.build_price(item)) for item in right]
        )

    def push_products(self, items: Sequence[r.ProductPush]) -> Sequence[r.PushResult]:
        """Fields of products it has; codes go to their variants."""
        results = []
        for item in items:
            unknown = sorted(set(item.fields) - self.product_fields)
            if unknown:
                results.append(_refused(item.key, f"Shopify is not sent {', '.join(unknown)}."))
                continue
            codes: Sequence[r.ArticleCodes] = item.fields.get("codes") or ()
            found = self._update_variants(
                [(item.key, item.external_id, one.external_id, d.build_codes(one)) for one in codes]
            )
            if set(item.fields) - {"codes"}:
                found.append(self._update_product(item))
            worst = next((one for one in found if one.outcome is not r.PushOutcome.SENT), None)
            results.append(worst or r.PushResult(key=item.key, outcome=r.PushOutcome.SENT))
        return results

    def _update_product(self, item: r.ProductPush) -> r.PushResult:
        def change() -> None:
            self._change(q.UPDATE_PRODUCT, "productUpdate", product=d.build_fields(item.external_id, item.fields))

        return self._pushed(item.key, change)

    def _update_variants(self, rows: Sequence[tuple[str, str, str, Changes]]) -> list[r.PushResult]:
        """(key, product, variant, what changes of it): one request a product, in which one that is refused does not
        stop the others."""
        results, families = list[r.PushResult](), defaultdict[str, list[tuple[str, Changes]]](list)
        parents = self._parents([variant for _, product, variant, _ in rows if not product])
        for key, product, variant, fields in rows:
            try:
                family = v.gid("Product", product or parents.get(variant, ""))
                families[family].append((key, {"id": v.gid("ProductVariant", variant), **fields}))
            except Rejected as error:
                results.append(_refused(key, error.message))
        for product, changes in families.items():
            for start in range(0, len(changes), AT_ONCE):
                results += self._update_family(product, changes[start : start + AT_ONCE])
        return results

    def _update_family(self, product: str, changes: Sequence[tuple[str, Changes]]) -> list[r.PushResult]:
        try:
            variables = {"product": product, "variants": [row for _, row in changes]}
            payload = self._send(q.UPDATE_VARIANTS, variables, write=True).get("productVariantsBulkUpdate")
        except OutcomeUnknown as error:
            return [_unknown(key, error.message) for key, _ in changes]
        except Rejected as error:
            return [_refused(key, error.upstream or error.message) for key, _ in changes]
        if not isinstance(payload, dict):
            return [_unknown(key, "Shopify answered without what it did.") for key, _ in changes]
        errors = v.user_errors(payload)
        by_place = {error.index("variants"): error.words for error in errors}
        everywhere = by_place.get(None)
        return [
            _refused(key, words) if (words := by_place.get(at) or everywhere)
            else r.PushResult(key=key, outcome=r.PushOutcome.SENT)
            for at, (key, _) in enumerate(changes)
        ]  # fmt: skip

    def _parents(self, variants: Sequence[str]) -> dict[str, str]:
        ids = [v.gid("ProductVariant", one) for one in dict.fromkeys(variants) if one.isdecimal()]
        found: dict[str, str] = {}
        for start in range(0, len(ids), AT_ONCE):
            nodes = self._ask(q.PARENTS, ids=ids[start : start + AT_ONCE]).get("nodes") or []
            for row in filter(None, nodes):
                found[v.parse_id(row.get("id"))] = v.parse_id(v.parse_object(row, "product").get("id"))
        return found

    @staticmethod
    def _pushed(key: str, change: Callable[[], object]) -> r.PushResult:
        try:
            change()
        except OutcomeUnknown as error:
            return _unknown(key, error.message)
        except Rejected as error:
            return _refused(key, error.upstream or error.message)
        return r.PushResult(key=key, outcome=r.PushOutcome.SENT)

    def _currency(self) -> str:
        """The shop has one; prices do not say it."""
        if not hasattr(self, "_shop_currency"):
            self._shop_currency = str(v.parse_object(self._ask(q.CURRENCY), "shop").get("currencyCode") or "")
        return self._shop_currency


def _refused(key: str, words: str) -> r.PushResult:
    return r.PushResult(key=key, outcome=r.PushOutcome.REFUSED, message=words)


def _unknown(key: str, words: str) -> r.PushResult:
    return r.PushResult(key=key, outcome=r.PushOutcome.UNKNOWN, message=words)


def _why_no_stock(item: r.StockPush, *, known: bool) -> str:
    if known:
        return f"Shopify does not count variant {item.external_id}: switch on “Track quantity” there."
    return f"The shop has no variant {item.external_id}."
