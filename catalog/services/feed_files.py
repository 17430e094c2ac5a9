"""The files themselves: kept as they come, piece by piece in the database, and opened again as a table."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from django.db import transaction

from catalog.models import Feed, FeedPart
from integrations.models import Connection
from portal.base.tables import Table, TableError, open_table

SENDERS = (Connection.Role.BACK_OFFICE, Connection.Role.ACCOUNTING)
LARGEST_FILE = 512 << 20
PART = 1 << 20
IN_MEMORY = 1 << 20  # a larger file is spooled to disk while it is read
KEEP_DAYS = 7


def receive(
    *,
    connection: Connection,
    stream: str,
    filename: str,
    chunks: Iterable[bytes],
    at: datetime,
    by_id: int | None = None,
    mode: str = Feed.Mode.PARTIAL,
) -> Feed:
    """Keep the file as it comes. TableError `file_too_large` beyond half a gigabyte; then nothing is kept."""
    with transaction.atomic():
        feed = Feed.plain.create(
            merchant_id=connection.merchant_id,
            connection=connection,
            stream=stream,
            filename=filename[:200],
            mode=mode,
            received_at=at,
            received_by_id=by_id,
        )
        for position, body in enumerate(_recut(chunks)):
            feed.size += len(body)
            if feed.size > LARGEST_FILE:
                words = f"A file has at most {LARGEST_FILE >> 20} MB: send it in several, as some articles each."
                raise TableError("file_too_large", words, status=413)
            packed = zlib.compress(body, 1)
            FeedPart.plain.create(merchant_id=feed.merchant_id, feed=feed, position=position, body=packed)
        feed.save(update_fields=["size"])
    return feed


def _recut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of PART bytes, whatever comes in."""
    kept = bytearray()
    for chunk in chunks:
        kept += chunk
        while len(kept) >= PART:
            yield bytes(kept[:PART])
            del kept[:PART]
    if kept:
        yield bytes(kept)


@contextmanager
def open_feed(feed: Feed) -> Iterator[Table]:
    """The feed's table; TableError where it is none, or its file was deleted."""
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        for part in feed.parts.order_by("position").iterator(chunk_size=1):
            file.write(zlib.decompress(part.body))
        file.seek(0)
        if not feed.size:
            raise TableError("file_empty", "The file is empty.")
        if not file.read(1):
            raise TableError("file_deleted", "The file is kept for a week only: send it again.")
        file.seek(0)
        yield open_table(cast("BinaryIO", file), feed.filename)


def forget_files(*, at: datetime) -> int:
    """Delete the files of a week ago; their reports stay."""
    limit = at - timedelta(days=KEEP_DAYS)
    return FeedPart.plain.filter(feed__received_at__lt=limit).delete()[0]
