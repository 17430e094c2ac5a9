"""Products, stock and prices as Odoo has them: templates are products, their attribute lines axes, product.product the
variants. https://www.odoo.com/documentation/19.0/applications/sales/sales/products_prices/products/variants.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.connectors.odoo import fields as f
from integrations.connectors.odoo import payloads as p
from integrations.connectors.odoo import prices
from integrations.connectors.odoo.errors import Row
from integrations.connectors.odoo.inward import OdooInward
from integrations.connectors.odoo.paging import EVERYTHING, OdooPaging, build_page
from integrations.connectors.odoo.transport import remote_id
from integrations.contract import records as r
from integrations.contract.errors import NotFound, Retryable, Unsupported


class OdooCatalogue(OdooInward, OdooPaging):
    """Products, stock, prices, warehouses."""

    def pull_products(self, since: datetime | None, cursor: str) -> r.Page[r.ProductRecord]:
        """Changed templates first; then, with `since`, those of which only a variant changed (Odoo does not touch the
        template then), each once: with the last of its changed variants."""
        if cursor.startswith("variant:"):
            return self._pull_by_variant(since, cursor.removeprefix("variant:"))
        domain = [["sale_ok", "=", True]]
        rows, following, start = self._walk("product.template", domain, f.TEMPLATE_FIELDS, since, cursor)
        if not following and since is not None:
            following, start = f"variant:0@{p.build_time(start) if start else ''}", None
        return build_page(self._products(rows), following, start)

    def _pull_by_variant(self, since: datetime | None, cursor: str) -> r.Page[r.ProductRecord]:
        rows, following, start = self._walk("product.product", [], ("id", "product_tmpl_id"), since, cursor)
        last_visited = {int(p.related_id(row["product_tmpl_id"])): row["id"] for row in rows}
        templates = (
            self._rows(
                "product.template",
                [["id", "in", sorted(last_visited)], ["sale_ok", "=", True]],
                f.TEMPLATE_FIELDS,
                context=EVERYTHING,
            )
            if rows
            else []
        )
        products = []
        for template, build in self._products(templates):
            changed = [row["id"] for row in build.variants if since and _changed(row, since)]
            if since and not _changed(template, since) and last_visited[template["id"]] >= max(changed, default=0):
                products.append((template, build))
        return build_page(products, f"variant:{following}" if following else "", start)

    def _products(self, templates: Sequence[Row]) -> list[tuple[Row, _Product]]:
        ids = [row["id"] for row in templates]
        variants = self._grouped("product.product", "product_tmpl_id", ids, f.VARIANT_FIELDS)
        with_axes = [row["id"] for row in templates if row.get("attribute_line_ids")]
        values = self._grouped(
            "product.template.attribute.value", "product_tmpl_id", with_axes, f.ATTRIBUTE_VALUE_FIELDS
        )
        read = self._photo if self.settings.get("photos") else None
        return [(row, _Product(row, variants[row["id"]], values.get(row["id"], []), read)) for row in templates]

    def _photo(self, template_id: int) -> Row:
        """One at a time: a page of pictures would be larger than an answer may be. Only what is pulled is read, so
        what changed since the last time."""
        return self._one("product.template", str(template_id), f.PHOTO_FIELDS)

    def fetch_product(self, external_id: str) -> r.ProductRecord:
        row = self._one("product.template", external_id, f.TEMPLATE_FIELDS)
        return self._products([row])[0][1]()

    def count_products(self, since: datetime | None) -> int:
        domain: list[Any] = [["sale_ok", "=", True]]
        if since is not None:
            domain.append(["write_date", ">=", p.build_time(since)])
        return int(self._call("product.template", "search_count", write=False, domain=domain, context=EVERYTHING))

    def pull_stock(self, since: datetime | None, cursor: str) -> r.Page[r.StockRow]:
        """Always the whole stock: a sale changes quants, not the product, so no date tells. `free_qty` is on hand less
        reserved. Slots are warehouses where the settings ask for them."""
        last = int(cursor or 0)
        domain: list[Any] = [["id", ">", last]]
        contexts: list[tuple[str, dict[str, Any]]] = [("", {})]
        if self.settings.get("stock_by_warehouse"):
            contexts = [(row.external_id, {"warehouse_id": int(row.external_id)}) for row in self.list_locations()]
        found: list[r.StockRow] = []
        following = ""
        for slot, context in contexts:
            rows = self._rows(
                "product.product",
                domain,
                ("id", "is_storable", "free_qty"),
                limit=self.stock_page_size,
                context=context,
            )
            found += [
                r.StockRow(p.row_id(row), slot, p.parse_decimal(row["free_qty"]))
                for row in rows
                if row.get("is_storable") is not False  # services and consumables have no stock, not a stock of 0
            ]
            if len(rows) == self.stock_page_size:
                following = str(rows[-1]["id"])
                if int(following) <= last:
                    raise Retryable(f"Odoo's pages of stock repeat after id {last}.", code="PAGINATION_LOOP")
        return r.Page(records=tuple(found), cursor=following)

    def pull_prices(self, since: datetime | None, cursor: str) -> r.Page[r.PriceRow]:
        """Sales prices (slot ''), with the setting `pricelist_id` that list's tiers (slot = its id), with
        `inward_prices` what the last goods cost. Always the whole: a price list's rule or an attribute's surcharge
        moves no product's date."""
        last = int(cursor or 0)
        fields = ("id", "product_tmpl_id", "lst_price", "currency_id")
        domain = [["id", ">", last], ["sale_ok", "=", True]]
        rows = self._rows("product.product", domain, fields, limit=self.stock_page_size)
        found = [
            r.PriceRow(p.row_id(row), "", p.parse_decimal(row["lst_price"]), p.related_name(row["currency_id"]))
            for row in rows
        ]
        if self.settings.get("inward_prices"):
            found += self._list_inward([row["id"] for row in rows])
        failed: list[r.FailedRecord] = []
        if pricelist := str(self.settings.get("pricelist_id") or ""):
            rules, currency = self._rules(pricelist, rows), self._currency_of(pricelist)
            for row in rows:
                try:
                    found += _tiers(row, pricelist, rules, currency)
                except Unsupported as error:
                    failed.append(r.FailedRecord(external_id=p.row_id(row), error=error.message, raw=row))
        following = str(rows[-1]["id"]) if len(rows) == self.stock_page_size else ""
        if following and int(following) <= last:
            raise Retryable(f"Odoo's pages of prices repeat after id {last}.", code="PAGINATION_LOOP")
        return r.Page(records=tuple(found), cursor=following, failed=tuple(failed))

    def quote_prices(self, lines: Sequence[r.QuoteLine], customer_external_id: str) -> Sequence[r.QuotedPrice]:
        """By the customer's price list, as far as its rules can be computed from outside (see prices.py); no record is
        made in Odoo. Before tax or with it, as the product's own price is."""
        partner = self._one("res.partner", customer_external_id, ("id", "property_product_pricelist"))
        ids = sorted({remote_id(line.variant_external_id, "product.product") for line in lines})
        fields = ("id", "product_tmpl_id", "lst_price", "currency_id")
        products = {row["id"]: row for row in self._rows("product.product", [["id", "in", ids]], fields)}
        if missing := [number for number in ids if number not in products]:
            raise NotFound(f"Odoo has no article {missing[0]} for sale.")
        pricelist = p.related_id(partner.get("property_product_pricelist"))
        rules = self._rules(pricelist, list(products.values())) if pricelist else []
        currency = self._currency_of(pricelist) if pricelist else ""
        quoted = []
        for line in lines:
            row = products[int(line.variant_external_id)]
            own = p.related_name(row["currency_id"])
            _same_currency(own, currency or own)
            amount = prices.price_at(row, prices.rules_for(row, rules), line.quantity)
            quoted.append(
                r.QuotedPrice(
                    variant_external_id=line.variant_external_id,
                    quantity=line.quantity,
                    unit_price=amount,
                    currency=own,
                )
            )
        return quoted

    def _rules(self, pricelist: str, products: Sequence[Row]) -> list[Row]:
        domain = [
            ["pricelist_id", "=", remote_id(pricelist, "product.pricelist")],
            "|",
            "|",
            ["applied_on", "in", ["3_global", "2_product_category"]],
            ["product_id", "in", [row["id"] for row in products]],
            ["product_tmpl_id", "in", sorted({int(p.related_id(row["product_tmpl_id"])) for row in products})],
        ]
        now = datetime.now(UTC)
        rules = self._rows("product.pricelist.item", domain, prices.RULE_FIELDS)
        return [rule for rule in rules if prices.is_running(rule, now)]

    def _currency_of(self, pricelist: str) -> str:
        return p.related_name(self._one("product.pricelist", pricelist, ("id", "currency_id"))["currency_id"])

    def list_locations(self) -> Sequence[r.RemoteLocation]:
        rows = self._rows("stock.warehouse", [], ("id", "name", "active"))
        return [
            r.RemoteLocation(external_id=p.row_id(row), name=str(row["name"]), active=row["active"] is not False)
            for row in rows
        ]


class _Product:
    """A product's rows, parsed when called, so that one bad record is set aside alone."""

    def __init__(
        self, template: Row, variants: list[Row], values: list[Row], read_photo: Callable[[int], Row] | None
    ) -> None:
        self.template, self.variants, self.values, self.read_photo = template, variants, values, read_photo

    def __call__(self) -> r.ProductRecord:
        product = p.parse_product(self.template, self.variants, self.values)
        if self.read_photo is None:
            return product
        return replace(product, images=p.parse_images(self.read_photo(self.template["id"])))


def _changed(row: Row, since: datetime) -> bool:
    at = p.parse_time(row.get("write_date"))
    return at is not None and at >= since.replace(microsecond=0)


def _same_currency(product: str, pricelist: str) -> None:
    if product != pricelist:
        raise Unsupported(f"Odoo's price list is in {pricelist}, the article in {product}: its rate is Odoo's own.")


def _tiers(row: Row, pricelist: str, rules: Sequence[Row], currency: str) -> list[r.PriceRow]:
    _same_currency(p.related_name(row["currency_id"]), currency)
    own = prices.rules_for(row, rules)
    steps = sorted({Decimal(1), *(p.parse_decimal(rule["min_quantity"]) for rule in own)} - {Decimal(0)})
    return [r.PriceRow(p.row_id(row), pricelist, prices.price_at(row, own, step), currency, step) for step in steps]
