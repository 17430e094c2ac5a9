"""Photos at addresses that shops cannot reach: fetched once by us, kept, and served from here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from catalog.mapping.pictures import MAX_BYTES
from catalog.models import Photo, Product
from catalog.services import content, photos
from catalog.services.item_changes import touch
from catalog.services.stock import BATCH
from integrations.contract.errors import ConnectorError
from integrations.models import Connection
from integrations.sync.files import fetch_file
from integrations.sync.outbox import ring_on_commit

TASK = "catalog.fetch_photos"
Target = tuple[int, str]  # our product, and the address


def follow_addresses(*, merchant_id: int, products: Iterable[Product]) -> None:
    """The products' addresses may have changed: have fetched what is missing, soon, and forget what is not theirs any
    more. In the transaction that saved them."""
    wanted = {row.pk: {one for one in row.image_urls if photos.must_be_fetched(one)} for row in products}
    kept = Photo.plain.filter(product_id__in=list(wanted)).exclude(address="")
    there = {(row.product_id, row.address): row for row in kept}
    gone = [row.pk for (product_id, address), row in there.items() if address not in wanted[product_id]]
    Photo.plain.filter(pk__in=gone).delete()
    missing = {pk for pk, addresses in wanted.items() for one in addresses if _is_missing(there.get((pk, one)))}
    for start in range(0, len(missing), BATCH):
        ring_on_commit(TASK, merchant_id=merchant_id, product_ids=sorted(missing)[start : start + BATCH])


def fetch_photos(*, merchant_id: int, product_ids: Sequence[int], at: datetime) -> int:
    """Fetch what is missing of these products, each file on its own; of how many products the shops see more."""
    products = list(Product.plain.filter(merchant_id=merchant_id, pk__in=product_ids).order_by("pk"))
    kept = Photo.plain.filter(product__in=products).exclude(address="")
    there = {(row.product_id, row.address): row for row in kept}
    owner = content.find_owners(merchant_id).get("image_urls")
    changed = set()
    for product in products:
        for address in product.image_urls:
            key = product.pk, address
            if not photos.must_be_fetched(address) or not _is_missing(there.get(key)):
                continue
            if _fetch(merchant_id, key, owner, at):
                changed.add(product.pk)
    content.refresh_wanted_products(merchant_id=merchant_id, product_ids=changed, at=at)
    touch(product_ids=changed, at=at)
    return len(changed)


def _is_missing(row: Photo | None) -> bool:
    return row is None or row.problem == Photo.Problem.NOT_FETCHED


def _fetch(merchant_id: int, target: Target, owner: Connection | None, at: datetime) -> bool:
    """Ask for the file, outside any transaction, and keep it or why it cannot be had; whether there is one now."""
    product_id, address = target
    found: bytes | None = None
    message = ""
    try:
        found = fetch_file(address, connection=owner, most=MAX_BYTES)
    except ConnectorError as error:
        message = error.message
    with transaction.atomic():
        product = Product.plain.select_for_update().filter(pk=product_id).first()
        if product is None or address not in product.image_urls:
            return False
        Photo.plain.filter(product=product, address=address).delete()
        row = _note(merchant_id, target, at) if found is None else photos.make(merchant_id, product_id, 0, found, at)
        row.address, row.message = address, message[:300]
        row.save()
    return not row.problem


def _note(merchant_id: int, target: Target, at: datetime) -> Photo:
    return Photo(
        merchant_id=merchant_id, product_id=target[0], position=0, size=0, created_at=at,
        sha256=hashlib.sha256(target[1].encode()).hexdigest(), problem=Photo.Problem.NOT_FETCHED,
    )  # fmt: skip
