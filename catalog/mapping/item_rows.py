"""A row of a table of items: one article, of a product that may have several by their options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from catalog.mapping.feed_rows import OPTION, BadCell, Field, name_key, read_code, read_text

SKU, PRODUCT, EXTERNAL_ID, NAME = "sku", "product", "external_id", "name"
FIELDS = (
    Field(
        name=SKU,
        label=_("The article's code (SKU)"),
        usual=frozenset({
            "sku", "variant sku", "article", "article code", "article number", "item", "item code", "item number",
            "item no", "code",
        }),
        required=True,
        is_code=True,
    ),
    Field(
        name=PRODUCT,
        label=_("The product's code, where one has several articles"),
        usual=frozenset({
            "product", "product code", "product sku", "parent", "parent sku", "parent code", "family", "style",
            "handle", "model", "matrix", "matrix code",
        }),
        is_code=True,
    ),
    Field(
        name=NAME,
        label=_("Name"),
        usual=frozenset({"name", "title", "product name", "item name", "article name"}),
    ),
    Field(
        name="description",
        label=_("Description"),
        usual=frozenset({"description", "body", "long description", "product description", "details"}),
    ),
    Field(
        name=EXTERNAL_ID,
        label=_("The article's number there, where it is not the code"),
        usual=frozenset({"external id", "internal id", "item id", "article id"}),
        is_code=True,
    ),
    Field(
        name="barcode",
        label=_("Barcode"),
        usual=frozenset({"barcode", "ean", "ean13", "gtin", "upc", "isbn"}),
    ),
    Field(name="unit", label=_("Unit: what one of it is"), usual=frozenset({"unit", "uom", "unit of measure"})),
    Field(
        name="categories",
        label=_("Category (several: with ; between)"),
        usual=frozenset({"category", "categories", "product category", "item category", "department"}),
    ),
    Field(name="brand", label=_("Brand"), usual=frozenset({"brand", "manufacturer", "vendor", "make"})),
    Field(
        name="status",
        label=_("Status (active, draft, archived; yes, no)"),
        usual=frozenset({"status", "state", "active", "is active", "enabled", "published"}),
    ),
    Field(
        name="images",
        label=_("Addresses of photos (several: with ; between)"),
        usual=frozenset({"image", "images", "image url", "image urls", "photo", "photos", "picture", "pictures"}),
    ),
)  # fmt: skip
STATUSES = {
    "active": {"active", "yes", "y", "true", "1", "enabled", "published", "live", "in use"},
    "draft": {"draft", "new", "pending"},
    "archived": {
        "archived", "inactive", "no", "n", "false", "0", "disabled", "discontinued", "blocked", "deleted", "obsolete",
    },
}  # fmt: skip
MOST_OPTIONS = 10
ADDRESS = re.compile(r"https?://[^\s]+", re.IGNORECASE)


def parse_item(texts: Mapping[str, str]) -> dict[str, Any]:
    """{key, family, name, sku, product, external_id?, title?, description?, barcode?, unit?, categories?, brand?,
    status?, images?, options}: what has no column is not there. BadCell."""
    sku = read_code(texts, SKU, 100, needed=True)
    product = read_code(texts, PRODUCT, 100)
    values: dict[str, Any] = {
        "key": read_code(texts, EXTERNAL_ID, 200) or sku,
        # A product and an article without one may have the same code: they are two.
        "family": f"p:{product}" if product else f"a:{sku}",
        "name": sku,
        "sku": sku,
        "product": product,
        "options": _read_options(texts),
    }
    if texts.get(EXTERNAL_ID, "").strip():
        values["external_id"] = values["key"]
    if texts.get("status", "").strip():
        values["status"] = _read_status(texts["status"])
    for key, column, longest in (
        ("title", NAME, 300),
        ("description", "description", 100_000),
        ("brand", "brand", 100),
    ):
        if column in texts:
            values[key] = read_text(texts, column, longest)
    if "barcode" in texts:
        values["barcode"] = read_code(texts, "barcode", 50)
    if "unit" in texts:
        values["unit"] = read_text(texts, "unit", 30)
    if "categories" in texts:
        values["categories"] = _split(texts["categories"])
    if "images" in texts:
        values["images"] = _read_images(texts["images"])
    return values


def _read_options(texts: Mapping[str, str]) -> list[list[str]]:
    """[axis, value] in the order of the columns; a cell that is empty says nothing."""
    found: list[list[str]] = []
    for key in texts:
        if not key.startswith(OPTION):
            continue
        column = key.removeprefix(OPTION)
        value = read_code(texts, key, 100)
        axis = read_code(texts, name_key(column), 100) if name_key(column) in texts else column[:100]
        if not value:
            continue
        if not axis:
            raise BadCell(key, "option_without_name", f"{value!r} is the value of an option that has no name.")
        if axis in dict(found):
            raise BadCell(key, "option_twice", f"The option {axis} is there twice.")
        found.append([axis, value])
    if len(found) > MOST_OPTIONS:
        raise BadCell("", "too_many_options", f"An article has at most {MOST_OPTIONS} options.")
    return found


def _split(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in re.split(r"[;|]", text) if part.strip()))


def _read_status(text: str) -> str:
    word = text.strip().casefold()
    for status, words in STATUSES.items():
        if word in words:
            return status
    raise BadCell("status", "status_unknown", f"{text.strip()[:40]!r} is no status: write active, draft or archived.")


def _read_images(text: str) -> list[str]:
    found = _split(text)
    if wrong := [one for one in found if not ADDRESS.fullmatch(one) or len(one) > 500]:
        raise BadCell("images", "address_invalid", f"{wrong[0][:60]!r} is no address of a photo (https://…).")
    return found
