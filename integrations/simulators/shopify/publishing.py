"""Where products are offered: publications (sales channels) and collections.

documented: https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/publishablePublish: what the API makes is
unpublished until it is published. judgement: the shop has one channel, its online store, and one collection.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.shopify.products import strip_html
from integrations.simulators.shopify.records import Record, UserError, number_of, parse_gid, plain_id, stamp
from integrations.simulators.shopify.schema import Computed
from integrations.simulators.shopify.shop import Shop

PUBLICATION = {"id": "gid://shopify/Publication/1", "name": "Online Store", "autoPublish": False,
               "supportsFuturePublishing": True}  # fmt: skip


def publish(shop: Shop, args: dict[str, Any], *, on: bool) -> Record:
    parsed = parse_gid(args["id"])
    if parsed is None or parsed[0] not in {"Product", "Collection"}:
        raise UserError("Publishable ID not found.", ["id"])
    row = shop.need(args["id"], parsed[0], ["id"], message="Publishable ID not found.")
    for place, one in enumerate(args["input"]):
        gid = plain_id(str(one.get("publicationId") or PUBLICATION["id"]), "Publication")
        if gid != PUBLICATION["id"]:
            raise UserError("Publication does not exist.", ["input", str(place), "publicationId"])
    row["publishedAt"] = stamp(shop.now()) if on else None
    shop.touch(row, *(["products/update"] if parsed[0] == "Product" else []))
    return {"publishable": row["id"]}


def products_of(shop: Shop, collection: Record) -> list[str]:
    return [row["id"] for row in shop.all("Product") if collection["id"] in row["_collections"]]


def _is_published(shop: Shop, row: Record, args: dict[str, Any]) -> bool:
    return args["publicationId"] == PUBLICATION["id"] and row["publishedAt"] is not None


def _one(shop: Shop, row: Record, args: dict[str, Any]) -> Record:
    return {"count": 1, "precision": "EXACT"}


def _published_count(shop: Shop, row: Record, args: dict[str, Any]) -> Record:
    return {"count": int(row["publishedAt"] is not None), "precision": "EXACT"}


_PUBLISHABLE: dict[str, Computed] = {
    "publishedOnPublication": _is_published,
    "availablePublicationsCount": _one,
    "resourcePublicationsCount": _published_count,
}
MUTATIONS = {
    "publishablePublish": lambda shop, args: publish(shop, args, on=True),
    "publishableUnpublish": lambda shop, args: publish(shop, args, on=False),
}
COMPUTED: dict[str, dict[str, Computed]] = {
    "Product": {**_PUBLISHABLE, "collections": lambda shop, row, args: row["_collections"]},
    "Collection": {
        **_PUBLISHABLE,
        "legacyResourceId": lambda shop, row, args: number_of(row["id"]),
        "description": lambda shop, row, args: strip_html(row["descriptionHtml"]),
        "products": lambda shop, row, args: products_of(shop, row),
        "productsCount": lambda shop, row, args: {"count": len(products_of(shop, row)), "precision": "EXACT"},
        "hasProduct": lambda shop, row, args: args["id"] in products_of(shop, row),
    },
}
