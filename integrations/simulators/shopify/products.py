"""Products with their options: productSet, productCreate, productUpdate, productDelete.

documented: https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/productSet and the page's error codes: lists
that are given are taken whole (a variant not named is deleted), fields left out stay; at most three options and 2048
variants. judgement: a variant without an id is the one with the same option values, where there is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any

from integrations.simulators.shopify import variants
from integrations.simulators.shopify.metafields import (
    check_metafields,
    list_metafields,
    split_tags,
    unique_tags,
    write_metafields,
)
from integrations.simulators.shopify.records import Record, UserError, plain_id
from integrations.simulators.shopify.shop import Shop

_PLAIN = ("title", "descriptionHtml", "productType", "vendor", "status", "templateSuffix")


def product_set(shop: Shop, args: dict[str, Any]) -> Record:
    given = args["input"]
    product = _find(shop, {**({"id": given["id"]} if given.get("id") else {}), **(args.get("identifier") or {})})
    handle = (args.get("identifier") or {}).get("handle")
    if product is None and handle and not given.get("handle"):
        given = {**given, "handle": handle}
    wanted = variants.read_options(given.get("productOptions"), given.get("variants"), product is None)
    _check(shop, given, product)
    if given.get("variants") is not None:
        variants.check_set(shop, product, given["variants"], wanted)
    is_new = product is None
    if product is None:
        product = _add(shop, given)
    else:
        _change(shop, product, given)
    if wanted is not None:
        variants.set_options(shop, product, wanted)
    if given.get("variants") is not None:
        variants.set_variants(shop, product, given["variants"])
    elif is_new:
        variants.add_default(shop, product)
    write_metafields(shop, product, given.get("metafields"))
    _set_files(shop, product, given.get("files"))
    shop.touch(product, "products/create" if is_new else "products/update")
    if args.get("synchronous") is False:
        # judgement: the work is done at once; its operation says CREATED first, COMPLETE when it is asked for.
        operation = shop.add("ProductSetOperation", {"product": product["id"], "status": "COMPLETE", "userErrors": []})
        return {"product": None, "productSetOperation": {**operation, "status": "CREATED", "product": None}}
    return {"product": product["id"], "productSetOperation": None}


def product_create(shop: Shop, args: dict[str, Any]) -> Record:
    """documented: with options the first value of each makes the only variant."""
    given = args.get("product") or {}
    _check(shop, given, None)
    options = given.get("productOptions")
    wanted = [(one["name"], [value["name"] for value in one.get("values") or []]) for one in options or []]
    if len(wanted) > variants.MOST_OPTIONS:
        raise UserError(
            f"Options are limited to {variants.MOST_OPTIONS}", ["product", "productOptions"], "OPTIONS_OVER_LIMIT"
        )
    product = _add(shop, given)
    if wanted:
        variants.set_options(shop, product, wanted)
        first = [{"optionName": name, "name": values[0]} for name, values in wanted if values]
        variants.add_variant(shop, product, {"optionValues": first})
    else:
        variants.add_default(shop, product)
    write_metafields(shop, product, given.get("metafields"))
    _set_files(shop, product, args.get("media"))
    shop.touch(product, "products/create")
    return {"product": product["id"]}


def product_update(shop: Shop, args: dict[str, Any]) -> Record:
    given = args.get("product") or {}
    product = _find(shop, {**({"id": given["id"]} if given.get("id") else {}), **(args.get("identifier") or {})})
    if product is None:
        raise UserError("Product does not exist", ["id"], "PRODUCT_DOES_NOT_EXIST")
    _check(shop, given, product)
    _change(shop, product, given)
    write_metafields(shop, product, given.get("metafields"))
    _set_files(shop, product, args.get("media"), keep=True)
    shop.touch(product, "products/update")
    return {"product": product["id"]}


def product_delete(shop: Shop, args: dict[str, Any]) -> Record:
    product = shop.need(plain_id(args["input"]["id"], "Product"), "Product", ["id"], message="Product does not exist")
    remove_product(shop, product)
    return {"deletedProductId": product["id"]}


def remove_product(shop: Shop, product: Record) -> None:
    """Orders keep their lines; the article is gone from them."""
    for variant in shop.many(product["variants"]):
        variants.remove_variant(shop, variant)
    shop.remove(product)
    shop.emit(product["id"], "products/delete")


def find_by(shop: Shop, identifier: Mapping[str, Any]) -> Record | None:
    if identifier.get("handle"):
        return next((row for row in shop.all("Product") if row["handle"] == identifier["handle"]), None)
    if identifier.get("customId"):
        return find_by_custom_id(shop, "Product", identifier["customId"])
    return shop.find(plain_id(str(identifier.get("id")), "Product"), "Product")


def find_by_custom_id(shop: Shop, kind: str, custom: Mapping[str, Any]) -> Record | None:
    """judgement: a metafield's definition is not asked for; its value finds its owner."""
    for row in shop.all(kind):
        for one in list_metafields(shop, row, custom.get("namespace") or "", custom["key"]):
            if one["value"] == custom["value"]:
                return row
    return None


def _find(shop: Shop, identifier: Mapping[str, Any]) -> Record | None:
    if not identifier:
        return None
    found = find_by(shop, identifier)
    if found is None and identifier.get("id"):
        raise UserError("Product does not exist", ["identifier", "id"], "PRODUCT_DOES_NOT_EXIST")
    return found


def _check(shop: Shop, given: Mapping[str, Any], product: Record | None) -> None:
    title = given.get("title")
    if (product is None and not title) or ("title" in given and not str(title or "").strip()):
        raise UserError("Title can't be blank", ["input", "title"], "INVALID_INPUT")
    if len(str(title or "")) > 255:
        raise UserError("Title is too long (maximum is 255 characters)", ["input", "title"], "INVALID_INPUT")
    handle = given.get("handle")
    owner = find_by(shop, {"handle": slugify(handle)}) if handle else None
    if owner is not None and owner is not product:
        message = f"Handle '{handle}' already in use. Please provide a new handle."
        raise UserError(message, ["input", "handle"], "HANDLE_NOT_UNIQUE")
    check_metafields(given.get("metafields"), ["input", "metafields"])


def _add(shop: Shop, given: Mapping[str, Any]) -> Record:
    product = shop.add("Product", {
        "title": "", "handle": "", "descriptionHtml": "", "productType": "", "vendor": shop.profile["name"],
        "status": "ACTIVE", "tags": [], "templateSuffix": None, "options": [], "variants": [], "publishedAt": None,
        "_media": [], "_collections": [], "seo": {"title": None, "description": None},
    })  # fmt: skip
    _change(shop, product, given)
    if not product["handle"]:
        product["handle"] = _free_handle(shop, slugify(product["title"]), product)
    return product


def _change(shop: Shop, product: Record, given: Mapping[str, Any]) -> None:
    product.update({name: given[name] for name in _PLAIN if given.get(name) is not None})
    if given.get("handle"):
        product["handle"] = slugify(given["handle"])
    if given.get("tags") is not None:
        product["tags"] = unique_tags(split_tags(given["tags"]))
    if given.get("seo"):
        product["seo"] = product["seo"] | given["seo"]
    _set_collections(shop, product, given)


def _set_collections(shop: Shop, product: Record, given: Mapping[str, Any]) -> None:
    """documented: productSet's list is taken whole; productCreate and productUpdate join and leave."""
    known = product["_collections"] if given.get("collections") is None else given["collections"]
    wanted = [*known, *(given.get("collectionsToJoin") or [])]
    left = set(given.get("collectionsToLeave") or [])
    product["_collections"] = [gid for gid in dict.fromkeys(wanted) if gid not in left and shop.find(gid, "Collection")]


def _free_handle(shop: Shop, handle: str, product: Record) -> str:
    """documented: a number is added where the handle is taken."""
    if not any(row["handle"] == handle for row in shop.all("Product") if row is not product):
        return handle
    taken = {row["handle"] for row in shop.all("Product") if row is not product}
    return next(f"{handle}-{n}" for n in range(1, 1_000_000) if f"{handle}-{n}" not in taken)


def slugify(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def strip_html(text: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))).strip()


def _set_files(shop: Shop, product: Record, given: Sequence[Mapping[str, Any]] | None, keep: bool = False) -> None:
    """judgement: a picture is ready at once, under the address it was given from."""
    if given is None:
        return
    media = list(product["_media"]) if keep else []
    for one in given:
        known = shop.find(one["id"], "MediaImage") if one.get("id") else None
        source = one.get("originalSource")
        if known is None and source:
            known = shop.add("MediaImage", {"alt": one.get("alt"), "mediaContentType": "IMAGE", "status": "READY"})
            image = {"id": known["id"].replace("MediaImage", "ImageSource"), "url": source, "altText": one.get("alt")}
            known |= {"image": image | {"width": 600, "height": 600, "src": source, "originalSrc": source}}
            known |= {"mimeType": "image/jpeg", "preview": {"image": known["image"], "status": "READY"}}
        if known is not None:
            media.append(known["id"])
    product["_media"] = media


def price_range(shop: Shop, product: Record) -> Record:
    prices = [shop.get(gid)["price"] for gid in product["variants"]]
    low, high = (min(prices, key=float, default="0"), max(prices, key=float, default="0"))
    return {
        "minVariantPrice": {"amount": low, "currencyCode": shop.currency},
        "maxVariantPrice": {"amount": high, "currencyCode": shop.currency},
    }


MUTATIONS = {
    "productSet": product_set,
    "productCreate": product_create,
    "productUpdate": product_update,
    "productDelete": product_delete,
}
