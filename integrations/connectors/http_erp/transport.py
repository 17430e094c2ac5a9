"""One call of a system nobody knows beforehand: let in as its form says, filled, sent, and its answer judged.

Basic: https://www.rfc-editor.org/rfc/rfc7617; Bearer: https://www.rfc-editor.org/rfc/rfc6750; OAuth2 client
credentials: https://www.rfc-editor.org/rfc/rfc6749#section-4.4.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

from requests.auth import HTTPBasicAuth

from integrations.connectors.http_erp import payloads as p
from integrations.connectors.http_erp import templates as t
from integrations.connectors.http_erp.calls import CALLS, EACH
from integrations.contract.connector import Connector, Safety
from integrations.contract.errors import AuthFailed, OutcomeUnknown, PayloadInvalid, Rejected, Retryable, Unsupported
from integrations.contract.formulas.expressions import pick
from integrations.contract.formulas.values import RuleError, describe_kind, read_text
from integrations.contract.http import HttpClient, Response
from integrations.contract.response import UNEXPECTED

NEEDED: Mapping[str, tuple[str, ...]] = {
    "basic": ("username", "password"),
    "headers": ("username", "password"),
    "bearer": ("token",),
    "key_header": ("api_key",),
    "key_query": ("api_key",),
    "oauth2": ("client_id", "client_secret"),
    "login": (),
}
WITH_TOKEN = frozenset({"oauth2", "login"})
KINDS = {"json": "application/json", "xml": "application/xml"}


class HttpErpTransport(Connector):
    """What the connector speaks through."""

    label = "Any ERP or POS over HTTP"

    def __init__(self, *, http: HttpClient, credentials: Mapping[str, str], settings: Mapping[str, Any]) -> None:
        self.clock = p.Clock.of(settings)
        self.format = str(settings.get("format") or "json")
        self.auth = str(settings.get("auth") or "none")
        super().__init__(http=http, credentials=credentials, settings=settings)
        if self.auth == "basic":
            name, password = credentials.get("username", ""), credentials.get("password", "")
            http.use(auth=HTTPBasicAuth(name.encode(), password.encode()))
        if self.auth in WITH_TOKEN:
            http.on_unauthorized = self._renew_alone

    # --- being let in ------------------------------------------------------------------------------------------------

    def use_credentials(self, credentials: Mapping[str, str]) -> None:
        super().use_credentials(credentials)
        self.http.use(headers=self._access_headers())

    def _access_headers(self) -> dict[str, str]:
        has, said = self.credentials, self.settings
        match self.auth:
            case "headers":
                names = (said.get("username_header") or "username", said.get("pass_header") or "password")
                return {names[0]: has.get("username", ""), names[1]: has.get("password", "")}
            case "key_header":
                return {str(said.get("key_name") or "X-API-Key"): has.get("api_key", "")}
            case "bearer" | "oauth2" | "login" if has.get("token"):
                name, scheme = self._token_header()
                return {name: f"{scheme} {has['token']}".strip()}
        return {}

    def _token_header(self) -> tuple[str, str]:
        """The header a token goes in, and the word before it."""
        if self.auth == "oauth2":
            return "Authorization", "Bearer"
        scheme = self.settings.get("auth_scheme")
        return str(self.settings.get("auth_header") or "Authorization"), "Bearer" if scheme is None else str(scheme)

    def _be_let_in(self) -> None:
        """AuthFailed where something needed was never typed; with a token to be fetched, fetches the first."""
        for name in NEEDED.get(self.auth, ()):
            if not self.credentials.get(name):
                words = f"There is no {name.replace('_', ' ')} stored: enter it under Credentials."
                raise AuthFailed(words, code="CREDENTIALS_MISSING")
        if self.auth in WITH_TOKEN and not self.credentials.get("token"):
            self.http.renew()

    def _renew_alone(self) -> bool:
        """Where no engine sees to it that one worker at a time asks."""
        self.use_credentials({**self.credentials, **self.refresh_credentials()})
        return True

    def refresh_credentials(self) -> Mapping[str, str]:
        """A new token, by OAuth2 client credentials or by the login call; nothing new where a person enters them."""
        if self.auth not in WITH_TOKEN:
            return {}
        try:
            answer = self._ask_oauth2() if self.auth == "oauth2" else self._ask_login()
            token = read_text(pick(str(self.settings.get("login_answer") or "access_token"), answer))
        except RuleError as error:
            raise AuthFailed(f"The call that lets us in cannot be made or read: {error}") from error
        except Rejected as error:
            raise AuthFailed(error.message, upstream=error.upstream, status=error.status) from error
        if not token:
            raise AuthFailed("The call that lets us in gave no token: check where it is in the answer.")
        self.http.hide([token])
        return {"token": token}

    def _ask_oauth2(self) -> Any:
        form = {"grant_type": "client_credentials"}
        if scope := self.settings.get("oauth_scope"):
            form["scope"] = str(scope)
        name, secret = self.credentials.get("client_id", ""), self.credentials.get("client_secret", "")
        headers: dict[str, Any] = {"Accept": "application/json"}
        if self.settings.get("oauth_client") == "body":
            form |= {"client_id": name, "client_secret": secret}
            headers["Authorization"] = None
        else:
            headers["Authorization"] = _basic(name, secret)
        path = str(self.settings.get("oauth_path") or "oauth/token")
        response = self.http.post(path, data=form, headers=headers, write=False)
        response.raise_for_status()
        return response.json()

    def _ask_login(self) -> Any:
        view = {**self.credentials, "token": ""}
        headers: dict[str, Any] = {"Accept": KINDS[self.format], self._token_header()[0]: None}
        body = str(self.settings.get("login_body") or "")
        data = self._fill_body(body, view)
        if data is not None:
            headers["Content-Type"] = KINDS[self.format]
        method = str(self.settings.get("login_method") or "POST")
        path = t.fill_path(str(self.settings.get("login_path") or ""), view)
        response = self.http.request(method, path, data=data, headers=headers, write=False)
        response.raise_for_status()
        return self._read(response)

    # --- one call ----------------------------------------------------------------------------------------------------

    def _call(self, name: str, view: Mapping[str, Any], *, key: str = "") -> Any:
        """Make the call; its answer as plain values, {} where it is empty and nothing is to be found in it.

        `key` goes in the idempotency header. Rejected where a template cannot be filled: nothing was sent then.
        """
        call = CALLS[name]
        if not self.settings.get(call.setting("method")):
            raise Unsupported(f"How to {call.label.lower()} is not configured: see the connection's settings.")
        self._be_let_in()
        response = self._send(name, view, key)
        if self._says(response, "expired_path"):
            if not self.http.renew():
                raise AuthFailed(
                    "The system says that it does not know us (any more).", upstream=response.redact(response.text)
                )
            response = self._send(name, view, key)
            if self._says(response, "expired_path"):
                raise AuthFailed(
                    "The system does not know us, with new access either.", upstream=response.redact(response.text)
                )
        response.raise_for_status(self._describe)
        if not response.body.strip() and not self.paths(name):
            return {}
        answer = self._read(response)
        if words := response.redact(self._find_error(answer)):
            raise Rejected(f"It answered {response.status} with an error: {words}", upstream=words,
                           status=response.status)  # fmt: skip
        return answer

    def _send(self, name: str, view: Mapping[str, Any], key: str) -> Response:
        said, call = self.settings, CALLS[name]
        try:
            path = t.fill_path(str(said.get(call.setting("path")) or ""), view)
            data = self._fill_body(str(said.get(call.setting("body")) or ""), view)
            own = p.parse_header_lines(str(said.get(call.setting("headers")) or ""))
            headers = {header: t.fill_header(text, view) for header, text in own.items()}
        except RuleError as error:
            words = f"The call that is to {call.label.lower()} cannot be filled: {error} Nothing was sent."
            raise Rejected(words, code="TEMPLATE_FAILED") from error
        kind = KINDS[self.format]
        headers = {"Accept": kind} | ({"Content-Type": kind} if data is not None else {}) | headers
        if key:
            headers[str(said.get("idempotency_header") or "Idempotency-Key")] = key
        params = {str(said.get("key_name") or "api_key"): self.credentials["api_key"]} if self._keyed else None
        method = str(said[call.setting("method")])
        return self.http.request(method, path, params=params, data=data, headers=headers, write=call.writes)

    @property
    def _keyed(self) -> bool:
        return self.auth == "key_query"

    def _fill_body(self, text: str, view: Mapping[str, Any]) -> bytes | None:
        if not text.strip():
            return None
        fill = t.fill_xml if self.format == "xml" else t.fill_json
        return fill(text, view).encode()

    # --- its answer --------------------------------------------------------------------------------------------------

    def _read(self, response: Response) -> Any:
        return response.xml() if self.format == "xml" else response.json()

    def _find_error(self, answer: Any) -> str:
        """What the system says is wrong, '' for nothing."""
        try:
            found = pick(str(self.settings.get("error_path") or "`null`"), answer)
        except RuleError as error:
            return str(error)
        if found in (None, "", False, [], {}, 0):
            return ""
        if isinstance(found, list):
            return "; ".join(map(_say, found))[:2000]
        return "it says no more" if found is True else _say(found)[:2000]

    def _says(self, response: Response, setting: str) -> bool:
        """Whether a path of the settings finds something in the answer."""
        if not self.settings.get(setting) or not response.body.strip():
            return False
        try:
            return bool(pick(str(self.settings[setting]), self._read(response)))
        except (RuleError, OutcomeUnknown, Retryable):
            return False  # judged with the rest of the answer

    def _describe(self, response: Response) -> str:
        """Their own words in an error's answer, '' where they cannot be found."""
        try:
            return self._find_error(self._read(response)) if self.settings.get("error_path") else ""
        except (OutcomeUnknown, Retryable):
            return ""

    def paths(self, name: str) -> dict[str, str]:
        """Where things are in the call's answer."""
        try:
            return p.parse_answer_lines(str(self.settings.get(CALLS[name].setting("answer")) or ""))
        except RuleError as error:
            raise Rejected(f"The settings of {CALLS[name].label.lower()} cannot be followed: {error}") from error

    def reader(self, name: str, answer: Any) -> p.Reader:
        return p.Reader(answer, self.paths(name), self.clock)

    def rows(self, name: str, answer: Any) -> list[Any]:
        """The list in an answer. One that is not there is no empty one: taken for that, a search would find nothing and
        the same order go again."""
        where = str(self.settings.get(CALLS[name].setting("rows")) or "")
        try:
            found = pick(where, answer) if where else answer
            top = where.partition(".")[0]
            if found is None and not (self.format == "xml" and isinstance(answer, dict) and top in answer):
                raise RuleError(f"There is nothing at {where}; where that means an empty list, write {where} || `[]`.")
            return p.pick_rows(found, self.paths(name).get(EACH, ""))
        except RuleError as error:
            raise Retryable(f"The list is not where it should be: {error}", code=UNEXPECTED) from error

    def _write(self, name: str, view: Mapping[str, Any], parse: Callable[[p.Reader], Any], *, key: str = "") -> Any:
        """A command's call and what came of it. What was done but cannot be read is not known."""
        answer = self._call(name, view, key=key)
        try:
            return parse(self.reader(name, answer))
        except PayloadInvalid as error:
            words = f"It took the call, but the answer cannot be read: {error.message} Look for it there."
            raise OutcomeUnknown(words, code=UNEXPECTED) from error

    def _key(self, command: str, reference: str) -> str:
        declared = self.safety(command, self.settings).safety
        return reference if declared is Safety.KEY_HEADER else ""


def _basic(name: str, secret: str) -> str:
    """RFC 6749, 2.3.1: both are form-encoded before they are joined."""
    return "Basic " + b64encode(f"{quote_plus(name)}:{quote_plus(secret)}".encode()).decode()


def _say(found: Any) -> str:
    if isinstance(found, Mapping):
        return "; ".join(f"{key}: {_say(value)}" for key, value in found.items())
    return describe_kind(found) if isinstance(found, list) else read_text(found)
