"""Metafields and tags, which many records have.

documented: https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/metafieldsSet (at most 25 at once, all or
none; a namespace left out is the app's own) and .../mutations/tagsAdd. judgement: a type left out is
single_line_text_field.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from integrations.simulators.shopify.records import Record, UserError, number_of, parse_gid
from integrations.simulators.shopify.shop import Shop

APP = {"id": "gid://shopify/App/1", "title": "Simulated app", "handle": "simulated-app", "apiKey": "simulated"}
MOST_AT_ONCE = 25
OWNERS = ("Product", "ProductVariant", "Order", "Customer", "Collection", "Location", "Shop")
TOPICS = {"Product": "products/update", "Order": "orders/updated", "Customer": "customers/update"}


def full_namespace(given: str | None) -> str:
    """documented: https://shopify.dev/docs/apps/build/custom-data/ownership: `$app` is the app's reserved prefix."""
    own = f"app--{number_of(APP['id'])}"
    if not given:
        return own
    return given.replace("$app:", f"{own}--", 1) if given.startswith("$app:") else given.replace("$app", own, 1)


def list_metafields(shop: Shop, owner: Record, namespace: str | None = None, key: str | None = None) -> list[Record]:
    rows = shop.many(owner.get("_metafields", []))
    return [
        row
        for row in rows
        if (namespace is None or row["namespace"] == full_namespace(namespace)) and (key is None or row["key"] == key)
    ]


def write_metafields(shop: Shop, owner: Record, given: Iterable[Mapping[str, Any]] | None) -> list[Record]:
    """Create or change them by namespace and key."""
    written = []
    for one in given or []:
        known = shop.find(one["id"], "Metafield") if one.get("id") else None
        if known is None:
            known = next(iter(list_metafields(shop, owner, one.get("namespace") or "", str(one.get("key")))), None)
        values = {"value": str(one.get("value") or "")} | ({"type": one["type"]} if one.get("type") else {})
        if known is None:
            named = {"namespace": full_namespace(one.get("namespace")), "key": one.get("key"), "owner": owner["id"]}
            known = shop.add("Metafield", {"type": "single_line_text_field", **named, **values})
            owner.setdefault("_metafields", []).append(known["id"])
        else:
            known.update(values)
            shop.touch(known)
        written.append(known)
    return written


def check_metafields(given: Iterable[Mapping[str, Any]] | None, field: list[str]) -> None:
    """documented: value and key may not be blank; numbers, booleans and JSON must be such."""
    for place, one in enumerate(given or []):
        here = [*field, str(place)]
        if not one.get("id") and not str(one.get("key") or "").strip():
            raise UserError("Key can't be blank", [*here, "key"], "BLANK")
        value = str(one.get("value") or "")
        if not value.strip():
            raise UserError("Value can't be blank.", [*here, "value"], "BLANK")
        if one.get("type") in {"number_integer", "number_decimal", "boolean", "json"}:
            try:
                json.loads(value)
            except ValueError:
                raise UserError(f"Value must be a {one['type']}", [*here, "value"], "INVALID_VALUE") from None


def metafields_set(shop: Shop, args: dict[str, Any]) -> Record:
    given = args["metafields"]
    if len(given) > MOST_AT_ONCE:
        raise UserError(f"Exceeded the maximum of {MOST_AT_ONCE} metafields", ["metafields"], "LESS_THAN_OR_EQUAL_TO")
    check_metafields(given, ["metafields"])
    owners = [_owner(shop, one["ownerId"], place) for place, one in enumerate(given)]
    written = []
    for owner, one in zip(owners, given, strict=True):
        written += write_metafields(shop, owner, [one])
        kind = (parse_gid(owner["id"]) or ("", 0))[0]
        shop.touch(owner, *([TOPICS[kind]] if kind in TOPICS else []))
    return {"metafields": [row["id"] for row in written]}


def _owner(shop: Shop, gid: str, place: int) -> Record:
    parsed = parse_gid(gid)
    if parsed is None or parsed[0] not in OWNERS:
        raise UserError("Owner does not exist.", ["metafields", str(place), "ownerId"], "INVALID")
    if parsed[0] == "Shop":
        return shop.profile
    return shop.need(gid, parsed[0], ["metafields", str(place), "ownerId"], "INVALID", "Owner does not exist.")


def change_tags(shop: Shop, args: dict[str, Any], *, add: bool) -> Record:
    """documented: tags are kept once, whatever their case."""
    parsed = parse_gid(args["id"])
    if parsed is None or parsed[0] not in TOPICS:
        raise UserError("Node does not exist", ["id"])
    record = shop.need(args["id"], parsed[0], ["id"])
    given = split_tags(args["tags"])
    folded = {tag.casefold() for tag in given}
    kept = [tag for tag in record["tags"] if add or tag.casefold() not in folded]
    record["tags"] = unique_tags([*kept, *given] if add else kept)
    shop.touch(record, TOPICS[parsed[0]])
    return {"node": record["id"]}


def split_tags(given: Iterable[str] | None) -> list[str]:
    return [tag.strip() for text in given or [] for tag in text.split(",") if tag.strip()]


def unique_tags(tags: Iterable[str]) -> list[str]:
    """documented: Order.tags and Product.tags are sorted."""
    return sorted({tag.casefold(): tag for tag in reversed(list(tags))}.values())


MUTATIONS = {
    "metafieldsSet": metafields_set,
    "tagsAdd": lambda shop, args: change_tags(shop, args, add=True),
    "tagsRemove": lambda shop, args: change_tags(shop, args, add=False),
}
_HAS_METAFIELDS = {
    "metafield": lambda shop, row, args: next(
        iter(list_metafields(shop, row, args.get("namespace") or "", args["key"])), None
    ),
    "metafields": lambda shop, row, args: [
        one["id"]
        for one in list_metafields(shop, row, args.get("namespace"))
        if not args.get("keys") or one["key"] in args["keys"] or f"{one['namespace']}.{one['key']}" in args["keys"]
    ],
}
COMPUTED: dict[str, dict[str, Any]] = {
    **{kind: dict(_HAS_METAFIELDS) for kind in OWNERS},
    "Metafield": {
        "legacyResourceId": lambda shop, row, args: number_of(row["id"]),
        "ownerType": lambda shop, row, args: (parse_gid(row["owner"]) or ("Shop", 0))[0].upper(),
        "jsonValue": lambda shop, row, args: _json_of(row),
        "compareDigest": lambda shop, row, args: hashlib.sha256(row["value"].encode()).hexdigest(),
        "sizeInBytes": lambda shop, row, args: len(row["value"].encode()),
    },
}


def _json_of(row: Record) -> Any:
    if row["type"] in {"number_integer", "boolean", "json"} or row["type"].startswith("list."):
        return json.loads(row["value"])
    return row["value"]
