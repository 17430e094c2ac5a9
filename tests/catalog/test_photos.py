"""Photos: from a back office and from people, kept as files, fetched by a shop over HTTP without a login."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from catalog import outbound, services, tasks
from catalog.models import ChannelProduct, Photo, Product
from catalog.services import photos
from catalog.services.creating import build_product
from integrations.contract import records as r
from integrations.models import Connection, Flow
from portal.tenancy.models import Role
from tests.catalog import pictures
from tests.catalog.near import Near, run_near
from tests.portal.people import log_in
from tests.world import NOON, World, make_world, product

PORTAL = "https://portal.example.org"
FAR = "https://cdn.shop.org/mug.jpg"
RED, BLUE = pictures.png(3, 2, shade=1), pictures.png(4, 4, shade=2)


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT, settings.PUBLIC_URL = tmp_path, PORTAL
    return tmp_path


@pytest.fixture
def world(db: None) -> World:
    """Its ERP gives photos."""
    found = make_world()
    found.erp.settings = {**found.erp.settings, "photos": True}
    found.erp.save()
    return found


def on_disk(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def mug(*images: bytes | str, urls: tuple[str, ...] = (), **more: Any) -> r.ProductRecord:
    made = tuple(r.ImageRecord(url=one) if isinstance(one, str) else r.ImageRecord(content=one) for one in images)
    return product("1", "MUG", image_urls=urls, images=made, **more)


def add_flow(connection: Connection, direction: str, *groups: str) -> Flow:
    row = Flow(
        merchant_id=connection.merchant_id, connection=connection, stream="product", direction=direction,
        settings={"groups": list(groups)},
    )  # fmt: skip
    row.save()
    return row


def sell(world: World) -> None:
    add_flow(world.shop, "push", "photos")
    world.apply(world.shop, "product", r.ProductRecord(
        external_id="70", name="Mug", variants=(r.VariantRecord(external_id="s-MUG", sku="MUG"),),
    ))  # fmt: skip


def sent(connection: Connection) -> list[tuple[str, ...]]:
    items = outbound.claim_products(connection=connection, after=0, limit=100, at=NOON)
    return [tuple(item.fields["image_urls"]) for item in items]


def settle(connection: Connection) -> None:
    items = outbound.claim_products(connection=connection, after=0, limit=100, at=NOON)
    results = [r.PushResult(key=item.key, outcome=r.PushOutcome.SENT) for item in items]
    outbound.settle_products(connection=connection, items=items, results=results, at=NOON)


def status_of(client: Client, address: str) -> int:
    """Reads the answer to its end, which closes the file."""
    answer: Any = client.get(address)
    if answer.streaming:
        assert b"".join(answer.streaming_content) == RED
    return int(answer.status_code)


def save(world: World, client: Client, lines: str, *new: Any, **more: Any) -> Any:
    row = Product.plain.get(merchant=world.merchant)
    data = {"name": "Mug", "status": "active", "image_urls": lines, "new_photos": list(new),
            "variants-TOTAL_FORMS": 0, "variants-INITIAL_FORMS": 0, **more}  # fmt: skip
    return client.post(reverse("admin:catalog_product_change", args=(row.pk,)), data, follow=True)


# --- from a back office ----------------------------------------------------------------------------------------------


def test_a_back_offices_files_are_kept_once_and_in_their_order(world: World, files: Path) -> None:
    world.apply(world.erp, "product", mug(RED, FAR, BLUE, RED))
    row = Product.plain.get()
    red, blue = Photo.plain.order_by("position")
    assert row.image_urls == [FAR]
    assert (red.position, red.content_type, red.width, red.height, red.size) == (0, "image/png", 3, 2, len(RED))
    assert (blue.position, blue.width, blue.problem) == (2, 4, "")
    assert photos.list_lines(row) == [f"photo-{red.pk}.png", FAR, f"photo-{blue.pk}.png"]
    folder = f"photos/{world.merchant.pk}"
    assert on_disk(files) == sorted(f"{folder}/{one.sha256[:2]}/{one.sha256}" for one in (red, blue))
    assert (files / folder / red.sha256[:2] / red.sha256).read_bytes() == RED


def test_the_same_page_again_changes_nothing_and_brings_a_lost_file_back(world: World, files: Path) -> None:
    world.apply(world.erp, "product", mug(RED, BLUE))
    before = list(Photo.plain.order_by("pk").values())
    lost = files / on_disk(files)[0]
    lost.unlink()
    applied = world.apply(world.erp, "product", mug(RED, BLUE))
    assert (applied.updated, applied.unchanged) == (0, 1)
    assert list(Photo.plain.order_by("pk").values()) == before
    assert lost.is_file()


def test_what_is_moved_or_removed_there_is_here(world: World) -> None:
    world.apply(world.erp, "product", mug(RED, BLUE))
    red, blue = Photo.plain.order_by("position")
    applied = world.apply(world.erp, "product", mug(BLUE, RED))
    assert applied.updated == 1
    assert list(Photo.plain.order_by("position").values_list("pk", flat=True)) == [blue.pk, red.pk]
    world.apply(world.erp, "product", mug(BLUE))
    assert list(Photo.plain.values_list("pk", flat=True)) == [blue.pk]
    world.apply(world.erp, "product", mug(deleted=True))
    assert Photo.plain.count() == 1, "a product that is gone there keeps its photos"


def test_only_the_owner_of_the_photos_changes_them(world: World) -> None:
    add_flow(world.erp, "pull", "text")
    world.apply(world.erp, "product", mug(RED))
    assert Photo.plain.get().width == 3, "a product that is new is taken whole"
    world.apply(world.erp, "product", mug(BLUE, FAR))
    assert Photo.plain.get().width == 3
    assert Product.plain.get().image_urls == []


def test_a_file_that_is_no_picture_is_told_and_the_product_still_comes(world: World, files: Path) -> None:
    sell(world)
    world.apply(world.erp, "product", mug(b"<svg onload=alert(1)>", RED))
    assert list(Photo.plain.order_by("position").values_list("problem", "content_type")) == [
        ("no_picture", ""), ("", "image/png"),
    ]  # fmt: skip
    assert len(on_disk(files)) == 1
    services.match_again(merchant_id=world.merchant.pk, codes=["MUG"], barcodes=[], at=NOON)
    add_flow(world.erp, "pull", "text")
    page = log_in(world.merchant, Role.OWNER).get(
        reverse("admin:catalog_product_change", args=(Product.plain.get().pk,))
    )
    words = "Not sent: It is no JPEG, PNG, WebP or GIF picture; save it as one of these."
    assert words in page.content.decode()


def test_a_page_costs_the_same_however_many_photos(world: World, django_assert_max_num_queries: Any) -> None:
    records = [
        replace(product(f"l{n}", f"L{n}"), images=(r.ImageRecord(content=pictures.png(n + 1, 1)),)) for n in range(40)
    ]
    with django_assert_max_num_queries(40):
        world.apply(world.erp, "product", *records)
    assert Photo.plain.count() == 40


# --- what shops are sent ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("https://cdn.shop.org/a.jpg", True),
        ("https://93.184.215.14/a.jpg", True),
        ("http://cdn.shop.org/a.jpg", False),
        ("https://10.0.0.7/a.jpg", False),
        ("https://127.0.0.1/a.jpg", False),
        ("https://[::1]/a.jpg", False),
        ("https://[nonsense/a.jpg", False),
        ("https://odoo/a.jpg", False),
        ("https://odoo.lan/a.jpg", False),
        ("https://user:secret@cdn.shop.org/a.jpg", False),
        ("", False),
    ],
)
def test_which_addresses_a_shop_can_reach(address: str, public: bool) -> None:
    assert photos.is_public(address) is public


def test_a_shop_is_sent_addresses_and_ours_in_order(world: World) -> None:
    world.apply(world.erp, "product", mug(RED, FAR, "http://10.0.0.7/x.jpg"))
    sell(world)
    (addresses,) = sent(world.shop)
    photo = Photo.plain.get()
    assert len(addresses) == 2
    assert addresses[0].startswith(f"{PORTAL}/media/p/{photo.public_id}.{world.shop.public_id}.")
    assert addresses[0].endswith(".png")
    assert addresses[1] == FAR
    document = build_product(product=Product.plain.get(), connection=world.other)
    assert document.product.image_urls[0].startswith(f"{PORTAL}/media/p/{photo.public_id}.{world.other.public_id}.")


def test_another_key_or_portal_address_sends_nothing_again_and_another_picture_does(
    world: World, settings: Any
) -> None:
    world.apply(world.erp, "product", mug(RED))
    sell(world)
    first = sent(world.shop)
    settle(world.shop)
    assert sent(world.shop) == []
    before = ChannelProduct.plain.get().wanted
    settings.SECRET_KEY, settings.PUBLIC_URL = "another key, as long as it has to be", "https://moved.example.org"
    everything: dict[str, Any] = {"merchant_id": world.merchant.pk, "product_ids": [Product.plain.get().pk], "at": NOON}
    assert services.refresh_wanted_products(**everything) == 0
    assert (ChannelProduct.plain.get().wanted, sent(world.shop)) == (before, [])
    world.apply(world.erp, "product", mug(BLUE))
    second = sent(world.shop)
    assert len(second) == 1
    assert second != first


def test_without_a_public_address_files_are_not_sent_and_the_page_says_so(world: World, settings: Any) -> None:
    settings.PUBLIC_URL = ""
    world.apply(world.erp, "product", mug(RED, FAR))
    sell(world)
    assert sent(world.shop) == [(FAR,)]
    address = reverse("admin:catalog_product_change", args=(Product.plain.get().pk,))
    client = log_in(world.merchant, Role.OWNER)
    words = "this portal has no public address (PUBLIC_URL)"
    assert words in client.get(address).content.decode()
    settings.PUBLIC_URL = PORTAL
    assert words not in client.get(address).content.decode()


# --- served ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def photo_address(transactional_db: None, live_server: Any, settings: Any) -> str:
    """What a shop was told, at a portal that really listens."""
    settings.PUBLIC_URL = live_server.url
    world = make_world()
    world.apply(world.erp, "product", mug(RED))
    sell(world)
    ((address,),) = sent(world.shop)
    return address


def test_a_shop_fetches_a_photo_without_a_login(photo_address: str) -> None:
    address = photo_address
    answer = requests.get(address, timeout=10)
    assert (answer.status_code, answer.content) == (200, RED)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Length"] == str(len(RED))
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")
    head = requests.head(address, timeout=10)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(len(RED)), b"")
    assert requests.post(address, timeout=10).status_code in {403, 405}
    Photo.plain.all().delete()
    assert requests.get(address, timeout=10).status_code == 404, "deleting the photo ends its addresses"


@pytest.mark.parametrize("change", [
    lambda name: name[:-5] + ("A" if name[-5] != "A" else "B") + name[-4:],
    lambda name: name.replace(".png", ".jpg"),
    lambda name: name.removesuffix(".png"),
    lambda name: "x" + name,
    lambda name: name.split(".")[0] + ".png",
    lambda name: "..%2f" + name,
    lambda name: "%00.png",
    lambda name: "é.é.png",
])  # fmt: skip
def test_nothing_else_is_served(world: World, client: Client, change: Any) -> None:
    world.apply(world.erp, "product", mug(RED))
    (address,) = photos.list_addresses(connection=world.shop, products=[Product.plain.get()])[Product.plain.get().pk]
    name = address.rsplit("/", 1)[1]
    assert status_of(client, f"/media/p/{name}") == 200
    assert status_of(client, f"/media/p/{change(name)}") == 404


def test_a_name_holds_for_its_own_merchant_and_connection(world: World, client: Client, files: Path) -> None:
    other = make_world("Other")
    world.apply(world.erp, "product", mug(RED))
    row = Product.plain.get()

    def status(connection: Connection) -> int:
        (address,) = photos.list_addresses(connection=connection, products=[row])[row.pk]
        return status_of(client, address.removeprefix(PORTAL))

    assert (status(world.shop), status(other.shop)) == (200, 404)
    world.shop.state = Connection.State.DISABLED
    world.shop.save()
    assert status(world.shop) == 404
    assert status(world.other) == 200
    (files / on_disk(files)[0]).unlink()
    assert status(world.other) == 404


# --- people ----------------------------------------------------------------------------------------------------------


def test_a_person_adds_orders_and_removes_photos(world: World) -> None:
    add_flow(world.erp, "pull", "text")
    world.apply(world.erp, "product", mug())
    sell(world)
    client = log_in(world.merchant, Role.MAPPER)
    upload = [SimpleUploadedFile(name, content) for name, content in (("a.png", RED), ("b.jpg", BLUE), ("c", RED))]
    response = save(world, client, f"{FAR}\n", *upload)
    assert "Sent to Shop A now." in response.content.decode()
    row = Product.plain.get()
    red, blue = Photo.plain.order_by("position")
    assert photos.list_lines(row) == [FAR, f"photo-{red.pk}.png", f"photo-{blue.pk}.png"]
    page = client.get(reverse("admin:catalog_product_change", args=(row.pk,))).content.decode()
    assert f"photo-{red.pk}.png" in page
    assert "3 × 2" in page
    shown = client.get(reverse("admin:catalog_product_photo", args=(row.pk, red.pk)))
    assert (b"".join(shown.streaming_content), shown["Content-Type"]) == (RED, "image/png")  # type: ignore[attr-defined]
    save(world, client, f"photo-{blue.pk}.png\n{FAR}")
    assert photos.list_lines(Product.plain.get()) == [f"photo-{blue.pk}.png", FAR]
    assert Photo.plain.get().pk == blue.pk
    assert [len(addresses) for addresses in sent(world.shop)] == [2]
    wrong = save(world, client, f"photo-{red.pk}.png").content.decode()
    assert f"photo-{red.pk}.png is no photo of this product" in wrong
    assert client.get(reverse("admin:catalog_product_photo", args=(row.pk, red.pk))).status_code == 404


def test_bad_input_45_a_renamed_file_is_no_photo(world: World, files: Path) -> None:
    add_flow(world.erp, "pull", "text")
    world.apply(world.erp, "product", mug())
    client = log_in(world.merchant, Role.OWNER)
    for content, words in (
        (b"<svg/>", "evil.png: It is no JPEG, PNG, WebP or GIF picture"),
        (RED + b"\0" * 10_000_000, "evil.png: It is larger than 10 MB"),
        (pictures.png(20_000, 20_000), "evil.png: It has more than 100 million pixels"),
    ):
        response = save(
            world, client, FAR, SimpleUploadedFile("good.png", RED), SimpleUploadedFile("evil.png", content)
        )
        assert words in response.content.decode()
    many = [SimpleUploadedFile(f"{n}.png", RED) for n in range(21)]
    assert "Add 20 pictures at a time at most." in save(world, client, "", *many).content.decode()
    assert Photo.plain.count() == 0
    assert on_disk(files) == []
    assert Product.plain.get().image_urls == []


def test_photos_a_back_office_owns_are_seen_and_not_changed(world: World) -> None:
    add_flow(world.erp, "pull", "photos")
    world.apply(world.erp, "product", mug(RED))
    client = log_in(world.merchant, Role.OWNER)
    page = client.get(reverse("admin:catalog_product_change", args=(Product.plain.get().pk,))).content.decode()
    assert f"photo-{Photo.plain.get().pk}.png" in page
    assert 'name="new_photos"' not in page
    save(world, client, "", SimpleUploadedFile("b.png", BLUE))
    assert Photo.plain.get().width == 3


def test_photos_of_another_merchant_are_not_there(world: World) -> None:
    other = make_world("Other")
    world.apply(world.erp, "product", mug(RED))
    photo = Photo.plain.get()
    address = reverse("admin:catalog_product_photo", args=(photo.product_id, photo.pk))
    assert status_of(log_in(world.merchant, Role.SALES), address) == 200
    assert status_of(log_in(other.merchant, Role.OWNER), address) == 404
    assert status_of(Client(), address) == 302


def test_files_nobody_needs_go_a_day_later(world: World, files: Path) -> None:
    world.apply(world.erp, "product", mug(RED, BLUE))
    world.apply(world.erp, "product", mug(BLUE))
    assert len(on_disk(files)) == 2
    assert tasks.forget_files() == 0, "a file just written may belong to a transaction that runs"
    old = NOON.timestamp() - timedelta(days=2).total_seconds()
    for name in on_disk(files):
        os.utime(files / name, (old, old))
    assert photos.forget_files(at=NOON) == 1
    assert on_disk(files) == [f"photos/{world.merchant.pk}/{Photo.plain.get().sha256[:2]}/{Photo.plain.get().sha256}"]


# --- at addresses that shops cannot reach -----------------------------------------------------------------------------


@pytest.fixture
def near(files: Path) -> Iterator[Near]:
    """A computer in the merchant's own network that has pictures, and what it was asked for."""
    with run_near() as found:
        yield found


def fetch(world: World) -> int:
    ids = list(Product.plain.filter(merchant=world.merchant).values_list("pk", flat=True))
    count: int = tasks.fetch_photos(merchant_id=world.merchant.pk, product_ids=ids)
    return count


def test_a_photo_shops_cannot_reach_is_fetched_once_and_served_by_us(
    world: World, near: Near, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    world.erp.allowed_private = [f"127.0.0.1:{near.port}"]
    world.erp.save()
    sell(world)
    add_flow(world.erp, "pull", "text", "photos")
    address = f"http://127.0.0.1:{near.port}/mug.png"
    with django_capture_on_commit_callbacks() as rung:
        world.apply(world.erp, "product", mug(address, FAR))
    assert len(rung) == 1
    assert sent(world.shop) == [(FAR,)], "what is there already goes"
    settle(world.shop)
    near.files["/mug.png"] = RED
    assert fetch(world) == 1
    ((ours, far),) = sent(world.shop)
    assert ours.startswith(f"{PORTAL}/media/p/")
    assert far == FAR, "in the order of the addresses"
    assert status_of(client, ours.removeprefix(PORTAL)) == 200
    row = Photo.plain.get()
    assert (row.address, row.problem, row.width) == (address, "", 3)
    assert Product.plain.get().image_urls == [address, FAR], "the back office's own word stays"
    assert fetch(world) == 0
    assert near.asked == ["/mug.png"]
    with django_capture_on_commit_callbacks() as rung:
        world.apply(world.erp, "product", mug(address, FAR))
    assert rung == []
    world.apply(world.erp, "product", mug(FAR))
    assert not Photo.plain.exists()
    assert sent(world.shop) == [], "the shop shows that one alone since the beginning"


@pytest.mark.parametrize(
    ("allowed", "content", "words"),
    [
        (False, RED, "Address not allowed: private network"),
        (True, None, "127.0.0.1 answered 404."),
        (True, b"<svg onload=alert(1)>", "It is no JPEG, PNG, WebP or GIF picture"),
    ],
)
def test_why_a_photo_was_not_fetched_is_told_and_it_is_tried_again(
    world: World, near: Near, allowed: bool, content: bytes | None, words: str
) -> None:
    world.erp.allowed_private = [f"127.0.0.1:{near.port}"] if allowed else []
    world.erp.save()
    add_flow(world.erp, "pull", "text", "photos")
    sell(world)
    if content is not None:
        near.files["/mug.png"] = content
    world.apply(world.erp, "product", mug(f"http://127.0.0.1:{near.port}/mug.png"))
    assert fetch(world) == 0
    assert sent(world.shop) == [()]
    page = log_in(world.merchant, Role.MAPPER).get(
        reverse("admin:catalog_product_change", args=(Product.plain.get().pk,))
    )
    assert words in page.content.decode()
    assert near.asked == (["/mug.png"] if allowed else [])
    near.files["/mug.png"], world.erp.allowed_private = RED, [f"127.0.0.1:{near.port}"]
    world.erp.save()
    assert fetch(world) == (0 if content == b"<svg onload=alert(1)>" else 1), (
        "what is no picture is not asked for again"
    )


def test_a_picture_larger_than_is_taken_is_given_up(world: World, near: Near) -> None:
    world.erp.allowed_private = [f"127.0.0.1:{near.port}"]
    world.erp.save()
    add_flow(world.erp, "pull", "photos")
    near.files["/mug.png"] = RED + bytes(10_000_000)
    world.apply(world.erp, "product", mug(f"http://127.0.0.1:{near.port}/mug.png"))
    assert fetch(world) == 0
    row = Photo.plain.get()
    assert (row.problem, row.message) == ("not_fetched", "The answer is larger than 10000000 bytes.")


def test_a_person_types_such_an_address_and_it_is_fetched(
    world: World, near: Near, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.ALLOWED_PRIVATE_ADDRESSES = [f"127.0.0.1:{near.port}"]
    near.files["/a.png"] = RED
    add_flow(world.erp, "pull", "text")
    world.apply(world.erp, "product", mug())
    sell(world)
    address = f"http://127.0.0.1:{near.port}/a.png"
    client = log_in(world.merchant, Role.MAPPER)
    with django_capture_on_commit_callbacks() as rung:
        save(world, client, f"{address}\n{FAR}")
    page = client.get(reverse("admin:catalog_product_change", args=(Product.plain.get().pk,))).content.decode()
    assert "Not sent yet: shops reach only https addresses" in page
    assert len(rung) == 2, "the push and the fetching"
    assert fetch(world) == 1
    assert [len(one) for one in sent(world.shop)] == [2]
    lines = photos.list_lines(Product.plain.get())
    assert lines == [address, FAR], "a person goes on reading the address"
    save(world, client, FAR)
    assert not Photo.plain.exists()
