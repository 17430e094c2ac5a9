"""What each shop should say of a product, by field group, and who may write a group into ours.

A group has one owner: the back office whose product flow names it, or people in the admin. A shop is sent the groups
its own flow names, and only what differs from what it last took.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from catalog.models import Binding, ChannelProduct, Product
from catalog.services import photos
from catalog.services.stock import BATCH
from integrations.contract import records as r
from integrations.models import Connection, Flow, Stream
from integrations.sync.platforms import get_platform, list_given_groups

STATUSES = {
    Product.Status.ACTIVE: r.ProductStatus.ACTIVE,
    Product.Status.DRAFT: r.ProductStatus.DRAFT,
    Product.Status.ARCHIVED: r.ProductStatus.ARCHIVED,
}
Fields = dict[str, Any]
Codes = tuple[r.ArticleCodes, ...]
Target = tuple[int, str]  # our product, and the remote one it is


# --- who writes ours -------------------------------------------------------------------------------------------------


def list_owned_fields(connection: Connection) -> frozenset[str]:
    """The fields of our products this back office may write: of the groups its flow names (all, where it names none)
    those it really gives."""
    flow = Flow.plain.filter(connection=connection, stream=Stream.PRODUCT, direction=Flow.Direction.PULL).first()
    return fields_of(_list_given(connection, flow))


def _list_given(connection: Connection, flow: Flow | None) -> list[str]:
    named = flow.settings.get("groups") if flow is not None else None
    given = list_given_groups(connection.platform, connection.settings)
    return [group for group in (r.FIELD_GROUPS if named is None else named) if group in given]


def find_owners(merchant_id: int) -> dict[str, Connection]:
    """field → the back office that writes it into our products; people write what is missing here."""
    flows = Flow.plain.filter(
        merchant_id=merchant_id, stream=Stream.PRODUCT, direction=Flow.Direction.PULL, enabled=True
    ).exclude(connection__role__in=Connection.SELLING_ROLES)
    found: dict[str, Connection] = {}
    for flow in flows.select_related("connection").order_by("pk"):
        for field in fields_of(_list_given(flow.connection, flow)):
            found.setdefault(field, flow.connection)
    return found


def fields_of(groups: Iterable[str]) -> frozenset[str]:
    return frozenset(field for group in groups for field in r.FIELD_GROUPS.get(group, ()))


# --- what shops should say -------------------------------------------------------------------------------------------


def refresh_wanted_products(*, merchant_id: int, product_ids: Iterable[int], at: datetime) -> int:
    """Work out anew what each shop should say of these products; how many groups changed."""
    flows = Flow.plain.filter(
        merchant_id=merchant_id, stream=Stream.PRODUCT, direction=Flow.Direction.PUSH, enabled=True
    )
    flows = flows.filter(connection__role__in=Connection.SELLING_ROLES).select_related("connection").order_by("pk")
    ids = sorted(set(product_ids))
    return sum(_refresh(flow, ids[start : start + BATCH], at) for flow in flows for start in range(0, len(ids), BATCH))


def refresh_whole_flow(*, flow: Flow, at: datetime) -> int:
    """The flow's groups were changed: every product of its shop anew; what it no longer sends is forgotten."""
    if flow.stream != Stream.PRODUCT or flow.direction != Flow.Direction.PUSH:
        return 0
    ChannelProduct.plain.filter(connection=flow.connection).exclude(slot__in=_groups(flow)).delete()
    bound = Binding.plain.filter(connection=flow.connection, state=Binding.State.BOUND)
    ids = sorted(set(bound.values_list("variant__product_id", flat=True)))
    return refresh_wanted_products(merchant_id=flow.merchant_id, product_ids=ids, at=at)


def describe_product(
    product: Product, codes: Codes, images: tuple[str, ...], group: str, taken: frozenset[str]
) -> Fields:
    """The fields of a group as a shop that takes `taken` is sent them; `images` are where it finds the photos."""
    values: Fields = {
        "name": product.name,
        "description": product.description,
        "status": STATUSES[Product.Status(product.status)],
        "brand": product.brand,
        "categories": tuple(product.categories),
        "image_urls": images,
        "codes": codes,
    }
    return {field: values[field] for field in r.FIELD_GROUPS[group] if field in taken}


def hash_fields(fields: Mapping[str, Any]) -> str:
    if "image_urls" in fields:
        fields = {**fields, "image_urls": [photos.name_stable(address) for address in fields["image_urls"]]}
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def list_codes(connection: Connection, remote_ids: Sequence[str]) -> dict[str, Codes]:
    """remote product → the codes its articles should bear: ours."""
    found = defaultdict(list)
    for row in _bound(connection).filter(parent_external_id__in=remote_ids).order_by("external_id"):
        codes = r.ArticleCodes(row["external_id"], row["variant__code"], row["variant__barcode"])
        found[row["parent_external_id"]].append(codes)
    return {remote: tuple(codes) for remote, codes in found.items()}


def _bound(connection: Connection) -> Any:
    rows = Binding.plain.filter(connection=connection, state=Binding.State.BOUND).exclude(parent_external_id="")
    return rows.values("external_id", "parent_external_id", "variant__code", "variant__barcode", "variant__product_id")


def _groups(flow: Flow) -> list[str]:
    """The groups a flow sends: none, until somebody says which; of those, what the platform takes."""
    taken = get_platform(flow.connection.platform).product_fields
    return [group for group in flow.settings.get("groups", ()) if taken.intersection(r.FIELD_GROUPS.get(group, ()))]


def _refresh(flow: Flow, product_ids: list[int], at: datetime) -> int:
    connection, groups = flow.connection, _groups(flow)
    if not groups:
        return 0
    taken = get_platform(connection.platform).product_fields
    products = Product.plain.in_bulk(product_ids)
    targets = _list_targets(connection, product_ids)
    codes = list_codes(connection, [remote for _, remote in targets]) if "codes" in groups else {}
    shown = photos.list_addresses(connection=connection, products=products.values()) if "photos" in groups else {}
    # Theirs too, where a remote product has become another of ours.
    same = Q(product_id__in=product_ids) | Q(external_id__in=[remote for _, remote in targets])
    rows = ChannelProduct.plain.filter(same, connection=connection)
    before = {(row.product_id, row.external_id, row.slot): row for row in rows.select_for_update().order_by("pk")}
    new, changed = [], []
    for product_id, remote in targets:
        for group in groups:
            product = products[product_id]
            fields = describe_product(product, codes.get(remote, ()), shown.get(product_id, ()), group, taken)
            wanted = hash_fields(fields)
            row = before.pop((product_id, remote, group), None)
            if row is None:
                new.append(
                    ChannelProduct(
                        merchant_id=flow.merchant_id, connection=connection, product_id=product_id,
                        external_id=remote, slot=group, wanted=wanted, wanted_at=at,
                    )
                )  # fmt: skip
            elif row.wanted != wanted:
                row.wanted, row.wanted_at = wanted, at
                changed.append(row)
    ChannelProduct.plain.filter(pk__in=[row.pk for row in before.values()]).delete()
    ChannelProduct.plain.bulk_create(new)
    ChannelProduct.plain.bulk_update(changed, ["wanted", "wanted_at"])
    return len(new) + len(changed)


def _list_targets(connection: Connection, product_ids: list[int]) -> list[Target]:
    """Which remote product each of ours is. One that holds articles of several of ours is none of them: its name
    cannot be both."""
    mine = _bound(connection).filter(variant__product_id__in=product_ids)
    remotes = sorted({row["parent_external_id"] for row in mine})
    owners: dict[str, set[int]] = defaultdict(set)
    for row in _bound(connection).filter(parent_external_id__in=remotes):
        owners[row["parent_external_id"]].add(row["variant__product_id"])
    return [(next(iter(ours)), remote) for remote, ours in sorted(owners.items()) if len(ours) == 1]
