"""Requests to wc/v3: authentication, the sorting of errors, and walking lists that change while they are read.

https://woocommerce.github.io/woocommerce-rest-api-docs/#authentication-over-http and, for what is not written there,
https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/class-wc-rest-authentication.php
and includes/rest-api/Controllers/Version3/class-wc-rest-crud-controller.php.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from authlib.integrations.requests_client import OAuth1Auth
from requests.auth import HTTPBasicAuth

from integrations.connectors.woocommerce import values as v
from integrations.contract import records as r
from integrations.contract.connector import Connector
from integrations.contract.errors import NotFound, OutcomeUnknown, PayloadInvalid, Rejected, Retryable
from integrations.contract.http import HttpClient, Response

Row = dict[str, Any]
API = "wp-json/wc/v3"
SECOND = timedelta(seconds=1)
# A record's date_modified is set before it is saved: a slow request shows it later than newer ones.
OVERLAP = timedelta(minutes=1)
MOST_EXCLUDED = 800  # ids in an address; servers cut those above 8 kB


class WooTransport(Connector):
    """What the connector speaks through."""

    label = "WooCommerce"
    page_size = 50

    def __init__(self, *, http: HttpClient, credentials: Mapping[str, str], settings: Mapping[str, Any]) -> None:
        super().__init__(http=http, credentials=credentials, settings=settings)
        key, secret = credentials["consumer_key"], credentials["consumer_secret"]
        if http.base_url.startswith("https://"):
            http.use(auth=HTTPBasicAuth(key, secret))
        else:
            # Quirk: over plain HTTP Basic is refused. One-legged OAuth 1.0a, its parameters in the query because PHP
            # does not always see the Authorization header. HMAC-SHA1 and -SHA256 are accepted; JSON is not signed.
            http.use(auth=OAuth1Auth(key, secret, signature_method="HMAC-SHA1", signature_type="QUERY"))

    def _get(self, path: str, **params: Any) -> Any:
        # Quirk: lists go comma-joined; PHP renames `ids[]`, which breaks the OAuth signature.
        response = self.http.get(f"{API}/{path}", params=params)
        raise_for_error(response)
        return response.json()

    def _rows(self, path: str, **params: Any) -> list[Row]:
        rows = self._get(path, **params)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Retryable(f"WooCommerce answered {path} without a list.", code="REMOTE_UNEXPECTED_CONTENT")
        return rows

    def _one(self, path: str) -> Row:
        row = self._get(path)
        if not isinstance(row, dict) or "id" not in row:
            raise Retryable(f"WooCommerce answered {path} without a record.", code="REMOTE_UNEXPECTED_CONTENT")
        return row

    def _write(self, method: str, path: str, body: Row, needed: str = "id") -> Row:
        """Send a change; the record as it is after it. `needed` is the field that proves it, '' where
        the answer may be anything."""
        response = self.http.request(method, f"{API}/{path}", json=body)
        raise_for_error(response)
        row = response.json()
        if needed and (not isinstance(row, dict) or needed not in row):
            raise OutcomeUnknown(
                f"WooCommerce answered {method} {path} without what it did; look for it there.",
                code="REMOTE_UNEXPECTED_CONTENT",
            )
        found: Row = row
        return found

    def _send(self, method: str, path: str, body: Row, parse: Callable[[Row], r.CommandResult]) -> r.CommandResult:
        """A command's one write, and what came of it. What was done but cannot be read is not known."""
        try:
            return parse(self._write(method, path, body))
        except PayloadInvalid as error:
            raise OutcomeUnknown(f"WooCommerce did {method} {path}, but: {error.message}") from error

    def _all(self, path: str, **params: Any) -> Iterator[Row]:
        """Every row of a short list that hardly changes (variations of a product, tax rates), by id."""
        page, seen = 1, set[str]()
        while True:
            rows = self._rows(path, per_page=100, page=page, orderby="id", order="asc", **params)
            new = [row for row in rows if str(row.get("id")) not in seen]
            if rows and not new:
                raise Retryable(f"WooCommerce's pages of {path} repeat.", code="PAGINATION_LOOP")
            yield from new
            seen |= {str(row.get("id")) for row in new}
            if len(rows) < 100:
                return
            page += 1

    def _changed(
        self, path: str, since: datetime | None, cursor: str, **params: Any
    ) -> tuple[list[Row], str, datetime | None]:
        """(rows, next cursor, since of the next pull): oldest change first, from `since` on, inclusive.

        No offsets: each page asks for what changed at or after the last row's second, without the ids already seen of
        that second (the cursor is "second|ids"). A row that changes meanwhile moves to the end and comes again. Only
        where more rows share one second than an address can name are they skipped by number.

        Quirk: `modified_after` is exclusive, so it is asked a second earlier. With `dates_are_gmt` the date must have
        no zone: WordPress turns one into the site's local time and compares that with the GMT column.
        """
        since = since.replace(microsecond=0) if since else None
        stamp, seen = v.parse_cursor(cursor) if cursor else (since, ())
        query: Row = {"orderby": "modified", "order": "asc", "per_page": self.page_size, "dates_are_gmt": "true"}
        if stamp is not None:
            query["modified_after"] = v.build_time(stamp - SECOND)
        if len(seen) > MOST_EXCLUDED:
            query["offset"] = len(seen)
        elif seen:
            query["exclude"] = ",".join(seen)
        rows = self._rows(path, **query, **params)
        ids = [v.parse_id(row.get("id")) for row in rows]
        if set(ids) & set(seen):
            raise Retryable(f"WooCommerce's pages of {path} repeat after {stamp}.", code="PAGINATION_LOOP")
        newest = v.row_stamp(rows[-1]) if rows else stamp
        newest = max(filter(None, (newest, stamp)), default=None)
        if len(rows) < self.page_size:
            return rows, "", _next_since(newest, stamp if seen else None, since)
        same = [number for number, row in zip(ids, rows, strict=True) if (v.row_stamp(row) or newest) == newest]
        return rows, v.build_cursor(newest, (*(seen if newest == stamp else ()), *same)), None


def _next_since(newest: datetime | None, boundary: datetime | None, since: datetime | None) -> datetime | None:
    """Not behind `since`, and not beyond a second whose ids were left out of the last page: they may have changed."""
    if newest is None:
        return since
    following = min(filter(None, (newest - OVERLAP, boundary)))
    return max(following, since) if since else following


def describe(response: Response) -> str:
    """WooCommerce's own words: `{"code", "message", "data": {"status"}}`, "" where the body is something else."""
    try:
        return v.parse_error(json.loads(response.body))
    except ValueError:
        return ""


def raise_for_error(response: Response) -> None:
    """As HTTP says, but for one Quirk: a wrong id is a 400 `woocommerce_rest_<type>_invalid_id` where it is to be
    changed, and a 404 where it is to be read."""
    try:
        response.raise_for_status(describe)
    except NotFound:
        raise
    except Rejected as error:
        if "invalid_id)" in error.upstream:
            raise NotFound(error.message, upstream=error.upstream, status=error.status) from error
        raise


def remote_id(external_id: str, what: str) -> int:
    if not (external_id.isascii() and external_id.isdigit()):
        raise Rejected(f"'{external_id}' is not an id of a WooCommerce {what}: link the right one.", code="ID_INVALID")
    return int(external_id)
