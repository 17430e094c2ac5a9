"""Requests to the GraphQL Admin API: the token, the sorting of errors, and walking lists by cursor.

https://shopify.dev/docs/api/admin-graphql#authentication, #status_and_error_codes;
https://shopify.dev/docs/api/usage/limits (cost); https://shopify.dev/docs/api/usage/search-syntax (queries);
https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/client-credentials-grant (24 h tokens).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from integrations.connectors.shopify import values as v
from integrations.contract.connector import Connector
from integrations.contract.errors import (
    AuthFailed,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Retryable,
)
from integrations.contract.http import Response

Row = Mapping[str, Any]
VERSION = "2026-07"
GRAPHQL = f"admin/api/{VERSION}/graphql.json"
TOKEN = "admin/oauth/access_token"  # noqa: S105  # a path
UNEXPECTED = "REMOTE_UNEXPECTED_CONTENT"
TOO_DEAR = "MAX_COST_EXCEEDED"
# Judgement: lists come from a search index that follows the records within seconds.
OVERLAP = timedelta(minutes=2)
LONGEST_WAIT = 60.0  # seconds; a bucket is full again long before


class ShopifyTransport(Connector):
    """What the connector speaks through."""

    label = "Shopify"
    page_size = 10

    def use_credentials(self, credentials: Mapping[str, str]) -> None:
        super().use_credentials(credentials)
        self.http.use(headers={"X-Shopify-Access-Token": credentials.get("access_token") or "none yet"})

    def refresh_credentials(self) -> Mapping[str, str]:
        """A new token of 24 hours, where the app has a client id; other tokens end only when a person ends them."""
        client = {name: self.credentials.get(name) or "" for name in ("client_id", "client_secret")}
        if not all(client.values()):
            raise AuthFailed("Shopify does not accept the access token: make a new one and save it here.")
        answer = self.http.post(TOKEN, data={"grant_type": "client_credentials", **client}, write=False)
        if answer.status in {400, 401, 403}:
            raise AuthFailed("Shopify gives the app no token: check its client id and secret, and that it is installed "
                             "in this shop.", upstream=answer.text[:500], status=answer.status)  # fmt: skip
        answer.raise_for_status()
        body = answer.json()
        if not isinstance(body, dict) or not body.get("access_token"):
            raise Retryable("Shopify answered the request for a token without one.", code=UNEXPECTED)
        return {"access_token": str(body["access_token"])}

    # calls ---------------------------------------------------------------------------------------------------------
    def _ask(self, document: str, **variables: Any) -> Row:
        """The `data` of a query."""
        return self._send(document, variables, write=False)

    def _change(self, document: str, name: str, **variables: Any) -> Row:
        """The payload of mutation `name`, once it has no user errors: those come with HTTP 200."""
        payload = self._send(document, variables, write=True).get(name)
        if not isinstance(payload, dict):
            raise OutcomeUnknown(
                f"Shopify answered {name} without what it did; look for it there.", code=UNEXPECTED
            )  # fmt: skip
        if errors := v.user_errors(payload):
            raise_user_error(name, errors)
        return payload

    def _send(self, document: str, variables: Mapping[str, Any], *, write: bool) -> Row:
        response = self.http.post(GRAPHQL, json={"query": document, "variables": variables}, write=write)
        response.raise_for_status(describe)
        body = response.json()
        if not isinstance(body, dict):
            raise_unsure("Shopify answered with something that is no GraphQL answer.", write=write)
        if body.get("errors"):
            raise_error(body, write=write)
        data = body.get("data")
        if not isinstance(data, dict):
            raise_unsure("Shopify answered without data.", write=write)
        return data

    def _one(self, document: str, name: str, external_id: str, kind: str) -> Row:
        row = self._ask(document, id=v.gid(kind, external_id)).get(name)
        if not isinstance(row, dict):
            raise NotFound(f"The shop has no {name} {external_id}.", status=404)
        return row

    # lists ---------------------------------------------------------------------------------------------------------
    def _page(self, document: str, name: str, cursor: str, most: int, **variables: Any) -> tuple[list[Row], str]:
        """(rows, next cursor, '' on the last page). A page that would cost too much is asked for in smaller ones."""
        first = min(self.page_size, most)
        while True:
            try:
                data = self._ask(document, first=first, after=cursor or None, **variables)
            except Rejected as error:
                if error.code != TOO_DEAR or first == 1:
                    raise
                first = max(first // 2, 1)
                continue
            return self._connection(data, name)

    def _connection(self, row: Row, name: str) -> tuple[list[Row], str]:
        found = row.get(name)
        info = found.get("pageInfo") if isinstance(found, dict) else None
        nodes = found.get("nodes") if isinstance(found, dict) else None
        if not isinstance(nodes, list) or not isinstance(info, dict):
            raise Retryable(f"Shopify answered {name} without a list.", code=UNEXPECTED)
        following = str(info.get("endCursor") or "") if info.get("hasNextPage") else ""
        return [node for node in nodes if isinstance(node, dict)], following

    def _rest(self, row: Row, document: str, owner: str, name: str) -> Iterator[Row]:
        """All of a record's inner list: what came with it, and the pages after that."""
        rows, cursor = self._connection(row, name)
        yield from rows
        seen = {cursor}
        while cursor:
            again = self._ask(document, id=row["id"], after=cursor).get(owner)
            rows, cursor = self._connection(again if isinstance(again, dict) else {}, name)
            if cursor in seen and cursor:
                raise Retryable(f"Shopify's pages of {name} repeat.", code="PAGINATION_LOOP")
            seen.add(cursor)
            yield from rows

    def _changed(
        self, document: str, name: str, since: datetime | None, cursor: str, most: int, query: str = ""
    ) -> tuple[list[Row], str, datetime | None]:
        """(rows, next cursor, since of the next pull): oldest change first, from `since` on, inclusive. What changes
        while it is read moves to the end and comes again."""
        terms = [query] if query else []
        if since is not None:
            terms.append(changed_since(since))
        rows, following = self._page(document, name, cursor, most, query=" AND ".join(terms) or None)
        if following:
            return rows, following, None
        newest = max(filter(None, (v.parse_time(row.get("updatedAt")) for row in rows)), default=None)
        return rows, "", max(filter(None, (since, newest and newest - OVERLAP)), default=None)


def changed_since(since: datetime) -> str:
    """To the second; a date in a search must be quoted."""
    return f"updated_at:>='{since.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}'"


def quoted(text: str) -> str:
    """A value in a search, taken as it is."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def describe(response: Response) -> str:
    """Shopify's own words: `{"errors": "…"}` or a list of them; "" where the body is something else."""
    try:
        found = json.loads(response.body)
    except ValueError:
        return ""
    errors = found.get("errors") if isinstance(found, dict) else None
    if isinstance(errors, list):
        return "; ".join(str(one.get("message", one)) if isinstance(one, dict) else str(one) for one in errors)
    return str(errors or "")


def raise_unsure(message: str, *, write: bool) -> NoReturn:
    raise (OutcomeUnknown if write else Retryable)(message, code=UNEXPECTED)


def raise_error(body: Row, *, write: bool) -> NoReturn:
    """What the top-level errors of an answer mean; with a refusal of the whole request nothing was done."""
    listed = body["errors"] if isinstance(body["errors"], list) else [{"message": str(body["errors"])}]
    errors = [one for one in listed if isinstance(one, dict)]
    codes = {str(v.parse_object(one, "extensions").get("code") or "") for one in errors}
    words = "; ".join(str(one.get("message") or "") for one in errors)
    if "THROTTLED" in codes:
        raise RateLimited(f"Shopify asks us to wait: {words}", retry_after=seconds_to_wait(body), upstream=words)
    if "ACCESS_DENIED" in codes:
        message = f"The app may not do this in the shop: give it the access scope. {words}"
        raise Rejected(message, code="ACCESS_DENIED", upstream=words)
    if TOO_DEAR in codes:
        raise Rejected(f"Shopify refuses the query: {words}", code=TOO_DEAR, upstream=words)
    if body.get("data") is None and codes <= {"", "undefinedField", "argumentLiteralsIncompatible"} | INVALID:
        raise Rejected(f"Shopify does not take the request: {words}", upstream=words)
    raise_unsure(f"Shopify failed: {words}", write=write)


# What the request itself is refused for, before anything is done.
INVALID = frozenset({"BAD_REQUEST", "INVALID_VARIABLE", "variableMismatch", "missingRequiredArguments",
                     "argumentNotAccepted", "parameterNotUnique", "selectionMismatch"})  # fmt: skip


def seconds_to_wait(body: Row) -> float:
    """Until the bucket holds what the query asks for: extensions.cost says what is missing and how fast it fills."""
    cost = v.parse_object(v.parse_object(body, "extensions"), "cost")
    status = v.parse_object(cost, "throttleStatus")
    try:
        missing = float(cost.get("requestedQueryCost") or 0) - float(status.get("currentlyAvailable") or 0)
        wait = missing / float(status.get("restoreRate") or 0)
    except (TypeError, ValueError, ZeroDivisionError):
        return 1.0
    return min(max(wait, 1.0), LONGEST_WAIT)


def raise_user_error(name: str, errors: Sequence[v.UserError]) -> NoReturn:
    """`userErrors` are the shop's refusal of what was asked."""
    first = errors[0]
    words = "; ".join(one.words for one in errors)
    if first.code == "IDEMPOTENCY_CONCURRENT_REQUEST":
        raise OutcomeUnknown(f"Shopify is still at work on the same {name}.", upstream=words)
    if first.code in {"NOT_FOUND", "PRODUCT_DOES_NOT_EXIST", "ORDER_NOT_FOUND"}:
        raise NotFound(f"Shopify does not find what {name} is about: {words}", upstream=words)
    raise Rejected(f"Shopify refuses {name}: {words}", upstream=words, field=first.field)
