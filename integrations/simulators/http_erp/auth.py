"""Who may come in: the ways an ERP over HTTP proves a caller, and the tokens it gives out.

documented: Basic https://datatracker.ietf.org/doc/html/rfc7617; Bearer https://datatracker.ietf.org/doc/html/rfc6750;
client credentials https://datatracker.ietf.org/doc/html/rfc6749#section-4.4, its answers #section-5; user name and
password as headers https://help.commerceup.io/how-to-integrate-any-erp-with-commerceup; a login call that yields a
session, sent with every call after it, https://help.kaseya.com/webhelp/EN/VSA/R8/3439.htm.
judgement: the names X-Api-Key and api_key, X-Session-Token and the cookie and query parameter `session`.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping

from werkzeug.wrappers import Request, Response

from integrations.simulators.base import json_response

KINDS = ("headers", "basic", "bearer", "api_key", "api_key_query", "oauth2", "login")


class Gate:
    """`credentials`: username, password, token, api_key, client_id, client_secret. Tokens given out end after
    `lifetime` seconds, and with the process."""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self.credentials = credentials
        self._given: dict[str, tuple[str, float]] = {}

    def give(self, kind: str, lifetime: float) -> str:
        token = secrets.token_hex(20)
        self._given[token] = (kind, time.monotonic() + lifetime)
        return token

    def proven(self, request: Request) -> set[str]:
        """The ways in which the request proves who sends it."""
        found = set()
        headers, basic = request.headers, request.authorization
        if self._is("username", headers.get("UserName")) and self._is("password", headers.get("Password")):
            found.add("headers")
        if basic is not None and basic.type == "basic" and self.knows(basic.username, basic.password):
            found.add("basic")
        bearer = basic.token if basic is not None and basic.type == "bearer" else None
        if self._is("token", bearer):
            found.add("bearer")
        if self.is_api_key(headers.get("X-Api-Key")):
            found.add("api_key")
        if self.is_api_key(request.args.get("api_key")):
            found.add("api_key_query")
        sessions = (headers.get("X-Session-Token"), request.cookies.get("session"), request.args.get("session"))
        found |= {"oauth2"} & {self._kind_of(bearer)}
        found |= {"login"} & {self._kind_of(token) for token in (bearer, *sessions)}
        return found

    def knows(self, username: str | None, password: str | None) -> bool:
        return self._is("username", username) and self._is("password", password)

    def is_api_key(self, value: str | None) -> bool:
        return self._is("api_key", value)

    def token_endpoint(self, request: Request, lifetime: float) -> Response:
        """documented: RFC 6749, 2.3.1 (the client in Basic or in the body), 4.4.2, 5.1, 5.2."""
        basic = request.authorization
        given = (request.form.get("client_id"), request.form.get("client_secret"))
        if basic is not None and basic.type == "basic":
            given = (basic.username, basic.password)
        if not (self._is("client_id", given[0]) and self._is("client_secret", given[1])):
            return json_response({"error": "invalid_client"}, 401, {"WWW-Authenticate": "Basic"})
        if request.form.get("grant_type") != "client_credentials":
            return json_response({"error": "unsupported_grant_type"}, 400)
        answer = {"access_token": self.give("oauth2", lifetime), "token_type": "Bearer", "expires_in": int(lifetime)}
        return json_response(answer, 200, {"Cache-Control": "no-store"})

    def _is(self, name: str, value: str | None) -> bool:
        return value is not None and hmac.compare_digest(value.encode(), self.credentials[name].encode())

    def _kind_of(self, token: str | None) -> str:
        kind, until = self._given.get(token or "", ("", 0.0))
        return kind if time.monotonic() < until else ""
