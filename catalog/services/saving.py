"""A person's change of a product: kept, and sent to the shops at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from catalog.models import ChannelProduct, Photo, Product
from catalog.services import fetching, photos
from catalog.services.content import refresh_wanted_products
from catalog.services.item_changes import touch
from integrations.models import Connection, Flow, Stream
from integrations.sync.runs import start_flow


@transaction.atomic
def save_product(
    *, product: Product, at: datetime, order: Sequence[str | Photo] | None = None, files: Iterable[bytes] = ()
) -> list[Connection]:
    """Keep a person's changes and send them at once; the shops they go to, none that is watching or paused. `order`:
    the photos it has from now on, before the new `files`; None leaves them."""
    if order is not None:
        photos.arrange(product=product, photos=order, files=files, at=at)
    product.save()
    fetching.follow_addresses(merchant_id=product.merchant_id, products=[product])
    touch(product_ids=[product.pk], at=at)
    refresh_wanted_products(merchant_id=product.merchant_id, product_ids=[product.pk], at=at)
    flows = Flow.plain.filter(
        merchant_id=product.merchant_id, stream=Stream.PRODUCT, direction=Flow.Direction.PUSH, enabled=True,
        connection__state__in=Connection.WRITING_STATES,
        connection__in=ChannelProduct.plain.filter(product=product).values("connection"),
    )  # fmt: skip
    found = list(flows.select_related("connection").order_by("pk"))
    for flow in found:
        start_flow(flow, trigger="saved", at=at)
    return [flow.connection for flow in found]
