"""What the simulated WooCommerce shop knows: products, what variations inherit, their stock, customers and settings.

documented: https://woocommerce.github.io/woocommerce-rest-api-docs/ for what there is; stock as in
https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/wc-stock-functions.php
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.records import (
    ADDRESS,
    PRODUCT,
    PRODUCT_SETTINGS,
    SELLABLE,
    SETTINGS,
    TAX_SETTINGS,
    Index,
    Record,
    amount_of,
    clean_price,
    fold,
    parse_date,
    slugify,
    title_slug,
)
from integrations.simulators.woocommerce.terms import Terms


class Catalogue(Terms):
    """Products, variations, customers, taxes, settings: everything but orders. `events` collects what happened as
    (resource, event, id) until the simulator turns it into webhooks."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.rng = rng
        self.gmt_offset = 2 * 3600
        self.settings: dict[str, dict[str, str]] = {
            "general": dict(SETTINGS),
            "tax": dict(TAX_SETTINGS),
            "products": dict(PRODUCT_SETTINGS),
        }
        self.counters |= {"post": 100, "item": 1000, "meta": 5000, "user": 1}
        self.products: dict[int, Record] = {}
        self.sku_ids: dict[str, int] = {}
        self.customers: dict[int, Record] = {}
        self.accounts: dict[str, int] = {}  # e-mail in small letters → customer
        self.usernames: set[str] = set()
        self.taxes: dict[int, Record] = {}
        self.tax_classes: dict[str, str] = {
            "standard": "Standard rate",
            "reduced-rate": "Reduced rate",
            "zero-rate": "Zero rate",
        }
        self.coupons: dict[str, Record] = {"welcome10": {"discount_type": "percent", "amount": "10"}}
        self.events: list[tuple[str, str, int]] = []
        self.product_indexes = {"date": Index(), "modified": Index(), "id": Index()}

    # common ---------------------------------------------------------------------------------------------------------
    def now(self) -> int:
        return int(time.time())

    def emit(self, resource: str, event: str, record_id: int) -> None:
        self.events.append((resource, event, record_id))

    def merge_meta(self, meta: list[Record], given: list[Record]) -> None:
        """documented: WC_Data::update_meta_data: by id where one is given; else by key, of which only one is left; else
        a new one is added. A value of null deletes it."""
        for entry in given:
            if "key" not in entry and "id" not in entry:
                continue
            number, key = entry.get("id"), str(entry.get("key") or "")
            same = [m for m in meta if (m["id"] == number if number else m["key"] == key)]
            if same:
                meta[:] = [m for m in meta if m is same[0] or m not in same]
                same[0].update(key=key or same[0]["key"], value=entry.get("value"))
            else:
                meta[:] = [m for m in meta if m["key"] != key]
                meta.append({"id": self.next_id("meta"), "key": key, "value": entry.get("value")})
        meta[:] = [m for m in meta if m["value"] is not None]

    @property
    def prices_include_tax(self) -> bool:
        return self.settings["tax"]["woocommerce_prices_include_tax"] == "yes"

    @property
    def currency(self) -> str:
        return self.settings["general"]["woocommerce_currency"]

    @property
    def decimals(self) -> int:
        """documented: wc_get_price_decimals."""
        return int(self.settings["general"]["woocommerce_price_num_decimals"])

    @property
    def base_country(self) -> str:
        return self.settings["general"]["woocommerce_default_country"].partition(":")[0]

    # products -------------------------------------------------------------------------------------------------------
    def add_product(self, given: Mapping[str, Any], *, parent: Record | None = None) -> Record:
        """A product, or with `parent` one of its variations."""
        product = {key: _copy(value) for key, value in (SELLABLE if parent else PRODUCT).items()}
        # documented: https://woocommerce.github.io/woocommerce-rest-api-docs/#create-a-product: all fields are
        # optional; a product without a name is called "Product".
        created = self.now()
        product |= {
            "id": 0,
            "name": "Product",
            "slug": "",
            "meta_data": [],
            "created": created,
            "gallery_image_ids": [],
        }
        if parent is not None:
            product |= {"type": "variation", "parent_id": parent["id"], "image": None, "name": parent["name"]}
            product["tax_class"] = "parent"  # documented: WC_Product_Variation::__construct
        self._apply_product(product, given, parent)
        product["id"] = self.next_id("post")
        self.products[product["id"]] = product
        if product["sku"]:
            self.sku_ids[fold(product["sku"])] = product["id"]
        if parent is not None:
            parent["variations"].append(product["id"])
        else:
            product["slug"] = self._free_slug(product["slug"] or slugify(product["name"]) or "product", product["id"])
        self.save_product(product, event="created")
        return product

    def change_product(self, product: Record, given: Mapping[str, Any]) -> None:
        old_sku = product["sku"]
        self._apply_product(product, given, self.products.get(product["parent_id"]))
        if product["sku"] != old_sku:
            self.sku_ids.pop(fold(old_sku), None)
            if product["sku"]:
                self.sku_ids[fold(product["sku"])] = product["id"]
        self.save_product(product)

    def save_product(self, product: Record, event: str = "updated") -> None:
        """documented: WC_Product_Data_Store_CPT::update: every save moves the modified date; a variation's moves its
        parent's too (wc_deferred_product_sync)."""
        self._settle_stock(product)
        product["modified"], product["touched"] = self.now(), time.time()
        if product["type"] != "variation":
            self._index_product(product)
        self.emit("product", event, product["id"])
        parent = self.products.get(product["parent_id"])
        if parent is not None and product["type"] == "variation":
            self.save_product(parent)

    def trash_product(self, product: Record) -> None:
        """documented: wc_get_product_id_by_sku passes over the trash; get_children of a parent, too."""
        product["status"] = "trash"
        self.sku_ids.pop(fold(product["sku"]), None)
        parent = self.products.get(product["parent_id"])
        if parent is not None and product["id"] in parent.get("variations", []):
            parent["variations"].remove(product["id"])
        self.save_product(product, event="deleted")

    def remove_product(self, product: Record) -> None:
        self.products.pop(product["id"], None)
        self.sku_ids.pop(fold(product["sku"]), None)
        for index in self.product_indexes.values():
            index.drop(product["id"])
        for variation_id in product.get("variations", []):
            variation = self.products.pop(variation_id, None)
            if variation is not None:
                self.sku_ids.pop(fold(variation["sku"]), None)
        parent = self.products.get(product["parent_id"])
        if parent is not None and product["id"] in parent.get("variations", []):
            parent["variations"].remove(product["id"])
            self.save_product(parent)

    def _index_product(self, product: Record) -> None:
        values = {"date": product["created"], "modified": product["modified"], "id": product["id"]}
        for name, value in values.items():
            self.product_indexes[name].put(product["id"], value)

    def _apply_product(self, product: Record, given: Mapping[str, Any], parent: Record | None) -> None:
        changes = {key: value for key, value in given.items() if key in product and key not in {"id", "meta_data"}}
        sku = str(changes.get("sku", product["sku"]) or "")
        owner = self.sku_ids.get(fold(sku))
        if sku and owner is not None and owner != product["id"]:
            # documented: WC_Product::set_sku in includes/abstracts/abstract-wc-product.php of the repository above
            data = {"status": 400, "resource_id": owner, "unique_sku": self._free_sku(sku)}
            raise WpError("product_invalid_sku", "Invalid or duplicated SKU.", 400, data)
        for name in ("attributes", "default_attributes"):
            if name in changes:
                changes[name] = [self._name_attribute(a) for a in changes[name]]
        if parent is not None and "attributes" in changes:
            changes["attributes"] = _choices(changes["attributes"], parent)
        if "categories" in changes:
            changes["categories"] = [c["id"] for c in changes["categories"] if c.get("id") in self.categories]
        for name in ("regular_price", "sale_price"):
            if name in changes:
                changes[name] = clean_price(changes[name])
        for name in ("date_on_sale_from", "date_on_sale_to"):
            changes |= self._sale_dates(name, changes)
        if "dimensions" in changes:
            changes["dimensions"] = product["dimensions"] | changes["dimensions"]
        if "manage_stock" in changes:  # documented: wc_string_to_bool; "parent" says that the variation does not
            changes["manage_stock"] = str(changes["manage_stock"]).lower() in {"true", "1", "yes"}
        product.update(changes)
        if product["type"] in {
            "variable",
            "grouped",
        }:  # documented: prepare_object_for_database: theirs are in variations
            product |= {"regular_price": "", "sale_price": ""}
        if "stock_quantity" in given and given["stock_quantity"] is not None:
            product["stock_quantity"] = int(given["stock_quantity"])
        self.merge_meta(product["meta_data"], list(given.get("meta_data", [])))

    def _sale_dates(self, name: str, changes: Mapping[str, Any]) -> Record:
        """documented: set_date_on_sale_from and _to: one moment, posted as the shop's local time or as GMT."""
        dates: Record = {}
        for key, offset in ((name, 0), (f"{name}_gmt", self.gmt_offset)):
            if key not in changes:
                continue
            moment = parse_date(str(changes[key] or ""))
            if moment is None:  # judgement: what is no date clears it; the vendor makes it 1970
                dates = {name: None, f"{name}_gmt": None}
                continue
            if moment.tzinfo is not None:
                moment = moment.astimezone(UTC).replace(tzinfo=None) + timedelta(seconds=self.gmt_offset)
            else:
                moment += timedelta(seconds=offset)
            gmt = moment - timedelta(seconds=self.gmt_offset)
            dates = {name: moment.isoformat(timespec="seconds"), f"{name}_gmt": gmt.isoformat(timespec="seconds")}
        return dates

    def _name_attribute(self, given: Mapping[str, Any]) -> Record:
        known = self.attributes.get(int(given.get("id") or 0))
        if known is not None and given.get("options"):
            self.need_terms(known["id"], [str(option) for option in given["options"]])
        return {"id": 0, "name": "", **given, **({"name": known["name"]} if known is not None else {})}

    def _free_sku(self, sku: str) -> str:
        number = next(n for n in range(1, 1_000_000) if fold(f"{sku}-{n}") not in self.sku_ids)
        return f"{sku}-{number}"

    def _free_slug(self, slug: str, product_id: int) -> str:
        taken = (
            {p["slug"] for p in self.products.values() if p["id"] != product_id} if len(self.products) < 500 else set()
        )
        return slug if slug not in taken else f"{slug}-{product_id}"

    def build_indexes(self) -> None:
        """Everything that can be told from the records; used when they were loaded."""
        live = [row for row in self.products.values() if row["sku"] and row["status"] != "trash"]
        self.sku_ids = {fold(row["sku"]): row["id"] for row in live}
        self.accounts = {row["email"].lower(): row["id"] for row in self.customers.values()}
        self.usernames = {row["username"].lower() for row in self.customers.values()}
        self.product_indexes = {"date": Index(), "modified": Index(), "id": Index()}
        for row in self.products.values():
            if row["type"] != "variation":
                self._index_product(row)

    # prices and what a variation inherits ---------------------------------------------------------------------------
    def is_on_sale(self, product: Record) -> bool:
        """documented: WC_Product::is_on_sale: a sale price below the regular one, within its dates."""
        if product["type"] == "variable":
            return any(self.is_on_sale(self.products[v]) for v in product["variations"] if v in self.products)
        sale, regular = product["sale_price"], product["regular_price"]
        if sale == "" or regular == "" or amount_of(sale) >= amount_of(regular):
            return False
        now = datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S")
        start, end = product["date_on_sale_from_gmt"], product["date_on_sale_to_gmt"]
        return (not start or start <= now) and (not end or now <= end)

    def price_of(self, product: Record) -> str:
        """documented: WC_Product::get_price: the sale price while it holds; of a variable product the lowest of its
        variations."""
        if product["type"] != "variable":
            return str(product["sale_price"] if self.is_on_sale(product) else product["regular_price"])
        prices = [self.price_of(self.products[v]) for v in product["variations"] if v in self.products]
        return min((price for price in prices if price), key=amount_of, default="")

    def inherited(self, product: Record, name: str) -> Any:
        """documented: WC_Product_Variation's getters: an empty SKU, weight or shipping class and the tax class "parent"
        are the parent's; where the parent counts the stock, so are backorders and the state of the stock."""
        parent = self.products.get(product["parent_id"])
        value = product[name]
        if product["type"] != "variation" or parent is None:
            return value
        if name == "dimensions":
            return {side: size or parent[name][side] for side, size in value.items()}
        if name in {"backorders", "stock_status"}:
            return parent[name] if self.stock_holder(product) is parent else value
        if name == "tax_class":
            return parent[name] if value == "parent" else value
        return value or parent[name]

    # stock ----------------------------------------------------------------------------------------------------------
    def stock_holder(self, product: Record) -> Record | None:
        """The product or its parent, whichever counts the stock; None where nobody does."""
        if product["manage_stock"] is True:
            return product
        parent = self.products.get(product["parent_id"])
        if product["type"] == "variation" and parent is not None and parent["manage_stock"] is True:
            return parent
        return None

    def move_stock(self, product_id: int, change: int) -> bool:
        """Add to the managed stock of a product; False where none is counted."""
        product = self.products.get(product_id)
        holder = self.stock_holder(product) if product is not None else None
        if holder is None:
            return False
        holder["stock_quantity"] = (holder["stock_quantity"] or 0) + change
        self.save_product(holder)
        return True

    def _settle_stock(self, product: Record) -> None:
        """documented: WC_Product::validate_props: a managed stock decides its own state, an unmanaged has no figure."""
        if product["manage_stock"] is True:
            quantity = product["stock_quantity"] = product["stock_quantity"] or 0
            short = "onbackorder" if product["backorders"] != "no" else "outofstock"
            product["stock_status"] = "instock" if quantity > 0 else short
        else:
            product["stock_quantity"] = None
            if self.stock_holder(product) is None:
                product["backorders"], product["low_stock_amount"] = "no", None
        if product["type"] == "variable" and product["manage_stock"] is not True and product["variations"]:
            states = {self.products[v]["stock_status"] for v in product["variations"] if v in self.products}
            order = ("instock", "onbackorder", "outofstock")
            product["stock_status"] = next((state for state in order if state in states), "outofstock")

    # customers ------------------------------------------------------------------------------------------------------
    def add_customer(self, given: Mapping[str, Any]) -> Record:
        """documented: wc_create_new_customer refuses an address in use and makes a user name of the address."""
        email = str(given.get("email", ""))
        if "@" not in email:
            raise WpError("registration-error-invalid-email", "Please provide a valid email address.", 400)
        if email.lower() in self.accounts:
            text = "An account is already registered with your email address. Please log in."
            raise WpError("registration-error-email-exists", text, 400)
        username = str(given.get("username") or "")
        if username.lower() in self.usernames:
            text = "An account is already registered with that username. Please choose another."
            raise WpError("registration-error-username-exists", text, 400)
        now = self.now()
        customer: Record = {
            "id": self.next_id("user"),
            "created": now,
            "modified": now,
            "touched": time.time(),
            "email": email,
            "first_name": "",
            "last_name": "",
            "role": "customer",
            "username": username or email.split("@", maxsplit=1)[0],
            "billing": dict.fromkeys((*ADDRESS, "email", "phone"), ""),
            "shipping": dict.fromkeys((*ADDRESS, "phone"), ""),
            "is_paying_customer": False,
            "meta_data": [],
        }
        self.customers[customer["id"]] = customer
        self.accounts[email.lower()] = customer["id"]
        self.usernames.add(customer["username"].lower())
        self._apply_customer(customer, given)
        self.emit("customer", "created", customer["id"])
        return customer

    def change_customer(self, customer: Record, given: Mapping[str, Any]) -> None:
        email = str(given.get("email") or customer["email"])
        if given.get("username") and given["username"] != customer["username"]:
            raise WpError("woocommerce_rest_customer_invalid_argument", "Username isn't editable.", 400)
        if self.accounts.get(email.lower(), customer["id"]) != customer["id"]:
            raise WpError("woocommerce_rest_customer_invalid_email", "Email address is invalid.", 400)
        self.accounts.pop(customer["email"].lower(), None)
        self._apply_customer(customer, given)
        self.accounts[customer["email"].lower()] = customer["id"]
        customer["modified"], customer["touched"] = self.now(), time.time()
        self.emit("customer", "updated", customer["id"])

    def remove_customer(self, customer: Record) -> None:
        self.customers.pop(customer["id"], None)
        self.accounts.pop(customer["email"].lower(), None)
        self.usernames.discard(customer["username"].lower())

    def _apply_customer(self, customer: Record, given: Mapping[str, Any]) -> None:
        for name in ("email", "first_name", "last_name"):
            if given.get(name) is not None:
                customer[name] = given[name]
        for name in ("billing", "shipping"):
            known = customer[name]
            known.update({k: v or "" for k, v in (given.get(name) or {}).items() if k in known})
        self.merge_meta(customer["meta_data"], list(given.get("meta_data") or []))


def _choices(given: list[Record], parent: Record) -> list[Record]:
    """documented: a variation takes of the attributes posted those its parent varies by, under the parent's name."""
    axes = {title_slug(axis["name"]): axis for axis in parent["attributes"] if axis.get("variation")}
    found = [(axes.get(title_slug(choice["name"])), choice) for choice in given]
    return [
        {"id": axis["id"], "name": axis["name"], "option": choice.get("option", "")} for axis, choice in found if axis
    ]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return dict(value)
    return list(value) if isinstance(value, list) else value
