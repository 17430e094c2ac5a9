"""Photos of products: addresses elsewhere, and files we keep and serve to the shops at signed addresses.

A file lies under MEDIA_ROOT by the SHA-256 of its content, once a merchant. What no photo needs any more is deleted
by `forget_files` a day later, so that a transaction that failed leaves nothing behind and one that runs loses nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.db.models import Exists, OuterRef

from catalog.mapping.pictures import TYPES, NoPicture, Picture, read_picture
from catalog.models import Photo, Product
from catalog.models.photo import LONGEST_ADDRESS
from integrations.contract import records as r
from integrations.models import Connection

FOLDER = "photos"
KEPT_FOR = timedelta(days=1)
EXTENSIONS = {content_type: extension for extension, content_type in TYPES.items()}
NAME = re.compile(r"photo-(\d{1,18})\.\w+")
SERVED = re.compile(r"https?://[^/]+(?:/.*)?/media/p/([\w-]{22})\.[\w-]{22}\.[\w-]+\.(?:jpg|png|webp|gif)")
HERE_ONLY = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".test", ".example", ".invalid")


@dataclass(frozen=True, slots=True)
class Shown:
    """A file as it is served."""

    path: Path
    content_type: str


# --- what shops are sent ---------------------------------------------------------------------------------------------


def list_addresses(*, connection: Connection, products: Iterable[Product]) -> dict[int, tuple[str, ...]]:
    """product → where this shop finds its photos, in their order; those it cannot reach are left out."""
    wanted = list(products)
    ids = [product.pk for product in wanted]
    kept, fetched = _list_kept(ids), list_fetched(ids)
    found = {}
    for product in wanted:
        shown = [fetched.get((product.pk, str(one)), one) for one in merge(product, kept[product.pk])]
        found[product.pk] = tuple(_address(connection, one) for one in shown if not why_not_sent(one))
    return found


def list_fetched(product_ids: Sequence[int]) -> dict[tuple[int, str], Photo]:
    """(product, address) → the file that stands in for it, because shops cannot reach the address."""
    rows = Photo.plain.filter(product_id__in=product_ids).exclude(address="")
    return {(row.product_id, row.address): row for row in rows.order_by("pk")}


def _address(connection: Connection, photo: str | Photo) -> str:
    if isinstance(photo, str):
        return photo
    token = _signer().sign(f"{photo.public_id}.{connection.public_id}")
    return f"{settings.PUBLIC_URL}/media/p/{token}.{EXTENSIONS[photo.content_type]}"


def why_not_sent(photo: str | Photo) -> str:
    """A code where shops are not sent this one: `unreachable`, `no_public_url` or the file's problem; else ''."""
    if isinstance(photo, str):
        return "" if is_public(photo) else "unreachable"
    return photo.problem or ("" if settings.PUBLIC_URL else "no_public_url")


def is_public(address: str) -> bool:
    """Whether a shop anywhere can be expected to reach it: https, a host of the internet, no password in it."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme != "https" or parts.username is not None or not host:
        return False
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host.strip(".") and not host.rstrip(".").endswith(HERE_ONLY)


def must_be_fetched(address: str) -> bool:
    """Shops cannot reach it, so that we have to."""
    return not is_public(address) and len(address) <= LONGEST_ADDRESS


def merge(product: Product, kept: Iterable[Photo]) -> list[str | Photo]:
    """All photos of a product in their order: its addresses, and the files we keep at their places among them."""
    found: list[str | Photo] = list(product.image_urls)
    for photo in sorted(kept, key=lambda one: (one.position, one.pk)):
        found.insert(photo.position, photo)
    return found


def name_stable(address: str) -> str:
    """What the hash of a shop's photos is made of: a file of ours by its photo, whatever signs or serves it today."""
    served = SERVED.fullmatch(address)
    return f"photo:{served[1]}" if served else address


# --- serving ---------------------------------------------------------------------------------------------------------


def find_shown(name: str) -> Shown | None:
    """The file a signed name stands for; None for a forged one, a deleted photo or a connection that is no more."""
    stem, _, extension = name.rpartition(".")
    try:
        photo_id, _, connection_id = _signer().unsign(stem).partition(".")
    except BadSignature:
        return None
    there = Connection.plain.filter(merchant=OuterRef("merchant"), public_id=connection_id)
    there = there.exclude(state=Connection.State.DISABLED)
    content_type = TYPES.get(extension, "")
    photo = Photo.plain.filter(Exists(there), public_id=photo_id, content_type=content_type, problem="").first()
    return find_file(photo) if photo is not None else None


def find_file(photo: Photo) -> Shown | None:
    path = _path(photo.merchant_id, photo.sha256)
    return Shown(path, photo.content_type) if not photo.problem and path.is_file() else None


def _signer() -> Signer:
    return Signer(salt="catalog.photos", sep=".")


# --- what a back office gives ----------------------------------------------------------------------------------------


def list_images(record: r.ProductRecord) -> list[r.ImageRecord]:
    """All of a record's photos: its addresses, then its images."""
    return [*(r.ImageRecord(url=address) for address in record.image_urls), *record.images]


def take_photos(*, merchant_id: int, wanted: Mapping[int, Sequence[r.ImageRecord]], at: datetime) -> frozenset[int]:
    """Keep exactly these files of each product; the products for which that was a change. Some statements a page."""
    before: dict[int, dict[str, Photo]] = {pk: {} for pk in wanted}
    for row in Photo.plain.filter(product_id__in=list(wanted), address="").select_for_update().order_by("pk"):
        before[row.product_id][row.sha256] = row
    new: list[Photo] = []
    moved: list[Photo] = []
    changed: set[int] = set()
    for product_id, images in wanted.items():
        rows, taken = before[product_id], set()
        for position, image in enumerate(images):
            sha256 = hashlib.sha256(image.content).hexdigest()
            if image.url or sha256 in taken:
                continue
            taken.add(sha256)
            if sha256 not in rows:
                new.append(make(merchant_id, product_id, position, image.content, at))
                changed.add(product_id)
                continue
            row = rows.pop(sha256)
            if not row.problem:
                _keep(merchant_id, sha256, image.content)
            if row.position != position:
                row.position = position
                moved.append(row)
                changed.add(product_id)
        changed |= {product_id} if rows else set()
    Photo.plain.filter(pk__in=[row.pk for rows in before.values() for row in rows.values()]).delete()
    Photo.plain.bulk_create(new)
    Photo.plain.bulk_update(moved, ["position"])
    return frozenset(changed)


# --- what people do --------------------------------------------------------------------------------------------------


def name_photo(photo: Photo) -> str:
    """How the page calls a file: "photo-17.jpg"."""
    return f"{photo}.{EXTENSIONS.get(photo.content_type, 'file')}"


def list_photos(product: Product) -> list[str | Photo]:
    return merge(product, _list_kept([product.pk])[product.pk])


def list_lines(product: Product) -> list[str]:
    """The photos as a person reads, orders and removes them: an address or a file's name a line."""
    return [one if isinstance(one, str) else name_photo(one) for one in list_photos(product)]


def read_lines(product: Product, lines: Iterable[str]) -> list[str | Photo]:
    """`list_lines` the other way round; a name that is no photo of this product stays text. None is there twice."""
    mine = {name_photo(row): row for row in _list_kept([product.pk])[product.pk]} if product.pk else {}
    return [mine.get(line, line) for line in dict.fromkeys(lines)]


def is_name(line: str) -> bool:
    return NAME.fullmatch(line) is not None


@transaction.atomic
def arrange(*, product: Product, photos: Sequence[str | Photo], files: Iterable[bytes], at: datetime) -> None:
    """Put the product's photos into this order, new files behind; a file that is not among them goes. The addresses
    are put on the product, which is saved by the caller."""
    product.image_urls = [one for one in photos if isinstance(one, str)]
    places = {one.pk: place for place, one in enumerate(photos) if isinstance(one, Photo)}
    own = Photo.plain.filter(product=product, address="").select_for_update()
    rows = {row.sha256: row for row in own.order_by("pk")}
    gone = {sha256: row for sha256, row in rows.items() if row.pk not in places}
    Photo.plain.filter(pk__in=[row.pk for row in gone.values()]).delete()
    moved = [row for row in rows.values() if row.pk in places and row.position != places[row.pk]]
    for row in moved:
        row.position = places[row.pk]
    Photo.plain.bulk_update(moved, ["position"])
    taken = set(rows) - set(gone)
    new: list[Photo] = []
    for content in files:
        row = make(product.merchant_id, product.pk, len(photos) + len(new), content, at)
        if row.sha256 not in taken:
            taken.add(row.sha256)
            new.append(row)
    Photo.plain.bulk_create(new)


# --- files -----------------------------------------------------------------------------------------------------------


def forget_files(*, at: datetime) -> int:
    """Delete files no photo needs, a day after they were last asked for; how many."""
    count, before = 0, (at - KEPT_FOR).timestamp()
    for folder in sorted(_root().glob("*/*")):
        old = [path for path in folder.iterdir() if path.stat().st_mtime < before]
        used = Photo.plain.filter(merchant_id=int(folder.parent.name), sha256__in=[path.name for path in old])
        needed = set(used.values_list("sha256", flat=True))
        for path in old:
            if path.name not in needed:
                path.unlink(missing_ok=True)
                count += 1
    return count


def _list_kept(product_ids: Sequence[int]) -> dict[int, list[Photo]]:
    kept = defaultdict(list)
    for row in Photo.plain.filter(product_id__in=product_ids, address="").order_by("pk"):
        kept[row.product_id].append(row)
    return kept


def make(merchant_id: int, product_id: int, position: int, content: bytes, at: datetime) -> Photo:
    """The row, unsaved, and its file, kept."""
    row = Photo(
        merchant_id=merchant_id, product_id=product_id, position=position, size=len(content), created_at=at,
        sha256=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip
    try:
        found: Picture = read_picture(content)
    except NoPicture as error:
        row.problem = Photo.Problem(error.reason)
        return row
    row.content_type, row.width, row.height = found.content_type, found.width, found.height
    _keep(merchant_id, row.sha256, content)
    return row


def _keep(merchant_id: int, sha256: str, content: bytes) -> None:
    """Write the file unless it is there; either way it counts as asked for now."""
    path = _path(merchant_id, sha256)
    try:
        os.utime(path)
        return
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{sha256}.{os.urandom(8).hex()}")
    with draft.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _root() -> Path:
    return Path(settings.MEDIA_ROOT) / FOLDER


def _path(merchant_id: int, sha256: str) -> Path:
    return _root() / str(merchant_id) / sha256[:2] / sha256
