"""The form of such a connection, and what is wrong with what was typed into it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from integrations.connectors.http_erp import payloads as p
from integrations.connectors.http_erp.calls import CALLS, METHODS, Call, build_fields, build_sections, is_used
from integrations.connectors.http_erp.templates import parse_template
from integrations.contract.connector import FIND_FOR, Field, Safety
from integrations.contract.formulas.expressions import check_path
from integrations.contract.formulas.values import RuleError

CANCELLED = "cancelled, canceled, void, voided"
GROUPS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"name", "description"}),
    "status": frozenset({"active"}),
    "characteristics": frozenset({"brand", "category"}),
    "photos": frozenset({"image"}),
    "codes": frozenset({"sku", "barcode"}),
}
AUTHS = (
    ("none", "no credentials"),
    ("headers", "user name and password, each in a header"),
    ("basic", "Basic: user name and password"),
    ("bearer", "Bearer: a token that stays"),
    ("key_header", "an API key in a header"),
    ("key_query", "an API key in the query"),
    ("oauth2", "OAuth2 client credentials"),
    ("login", "a login call that gives a token"),
)
FORMATS = (("json", "JSON"), ("xml", "XML"))
TIMES = (
    ("iso", "2026-11-21T09:30:00Z"),
    ("local_iso", "2026-11-21T09:30:00, in its time zone"),
    ("space", "2026-11-21 09:30:00, in its time zone"),
    ("day", "2026-11-21, in its time zone"),
    ("compact", "20261121093000, in its time zone"),
    ("seconds", "seconds since 1970"),
    ("milliseconds", "milliseconds since 1970"),
)


def _secret(name: str, label: str, help_text: str) -> Field:
    return Field(name=name, label=label, kind="secret", required=False, help_text=help_text)


def _field(name: str, label: str, section: str, kind: str = "text", **more: Any) -> Field:
    return Field(name=name, label=label, kind=kind, required=False, section=section, **more)


CREDENTIALS = (
    Field(name="username", label="User name", required=False, help_text="For Basic, headers, or the login call."),
    _secret("password", "Password", "For Basic, headers, or the login call."),
    _secret("api_key", "API key", "For a key in a header or in the query; the login call may use it, too."),
    Field(name="client_id", label="Client ID", required=False, help_text="For OAuth2."),
    _secret("client_secret", "Client secret", "For OAuth2."),
    _secret("token", "Token", "For Bearer. With OAuth2 or a login call it is fetched, and renewed after a 401."),
)
FIELDS = (
    Field(name="url", label="Address", kind="url", help_text="What every path is below: https://erp.example.com/api"),
    _field("auth", "It is", "access", "choice", default="basic", choices=AUTHS),
    _field("username_header", "Header of the user name", "access", default="username"),
    _field("pass_header", "Header of the password", "access", default="password"),
    _field("key_name", "Name of the API key's header or parameter", "access", default="X-API-Key"),
    _field("oauth_path", "Path that gives OAuth2 tokens", "access", default="oauth/token",
           help_text="Below the address, or an address on the same host."),
    _field("oauth_scope", "OAuth2 scope", "access"),
    _field("oauth_client", "OAuth2 client ID and secret go", "access", "choice", default="basic",
           choices=(("basic", "as Basic"), ("body", "in the body"))),
    _field("login_method", "Login: method", "access", "choice", default="POST", choices=METHODS[1:]),
    _field("login_path", "Login: path", "access"),
    _field("login_body", "Login: body", "access", "multiline",
           help_text='As {"user": {{ username }}, "pass": {{ password }}}; api_key, client_id, client_secret, too.'),
    _field("login_answer", "Where the token is in the answer", "access", default="access_token"),
    _field("auth_header", "Header the login's token goes in", "access", default="Authorization"),
    _field("auth_scheme", "Word before it", "access", default="Bearer"),
    _field("format", "Bodies and answers are", "answers", "choice", default="json", choices=FORMATS),
    _field("error_path", "What says that a 200 is an error", "answers",
           help_text="A path to its words, as error.message; or with a condition: success == `false` && message"),
    _field("expired_path", "What says in a 200 that the access has run out", "answers"),
    _field("time_format", "Times are written as", "answers", "choice", default="iso", choices=TIMES),
    _field("time_zone", "Its time zone", "answers", default="UTC", help_text="As in Europe/London."),
    _field("currency", "Currency where it names none", "answers", help_text="As in GBP."),
    _field("cancelled_words", "Words for cancelled", "answers", default=CANCELLED),
    _field("stock_basis", "Stock figures are", "answers", "choice", default="on_hand",
           choices=(("on_hand", "what is there, ordered or not"), ("available", "what can still be sold"))),
    _field("page_size", "Records a page", "answers", "integer", default=100),
    _field("idempotency_header", "Header of the idempotency key", "answers", default="Idempotency-Key"),
    _field("search_lag_seconds", "Search lag (seconds)", "answers", "integer", default=0,
           help_text="How long after an order was made the search may not find it yet."),
    *build_fields(),
)  # fmt: skip
SECTIONS = build_sections()


def check(settings: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong, by the name of the field. What is not used is not looked at."""
    wrong: dict[str, str] = {}

    def look(name: str, judge: Callable[[str], object]) -> None:
        try:
            if text := str(settings.get(name) or ""):
                judge(text)
        except RuleError as error:
            wrong[name] = str(error)

    for name in ("error_path", "expired_path", "login_answer"):
        look(name, check_path)
    for name in ("login_path", "login_body"):
        look(name, parse_template)
    look("time_zone", lambda _: p.Clock.of(settings))
    for call in CALLS.values():
        if is_used(settings, call.name):
            _check_call(call, settings, look, wrong)
    if settings.get("auth") == "login" and not settings.get("login_path"):
        wrong["login_path"] = "Say where the login call goes."
    if int(settings.get("page_size") or 1) < 1:
        wrong["page_size"] = "A page has at least one record."
    return wrong


def _check_call(
    call: Call, settings: Mapping[str, Any], look: Callable[[str, Callable[[str], object]], None], wrong: dict[str, str]
) -> None:
    def check_headers(text: str) -> None:
        for value in p.parse_header_lines(text).values():
            parse_template(value)

    def check_answer(text: str) -> None:
        if unknown := sorted(set(p.parse_answer_lines(text)) - set(call.answers)):
            raise RuleError(f"{unknown[0]} is unknown here; there are {', '.join(call.answers)}.")

    look(call.setting("path"), parse_template)
    look(call.setting("body"), parse_template)
    look(call.setting("headers"), check_headers)
    look(call.setting("rows"), check_path)
    look(call.setting("answer"), check_answer)
    answer = call.setting("answer")
    if answer not in wrong:
        there = p.parse_answer_lines(str(settings.get(answer) or ""))
        if missing := [name for name in call.needs if name not in there]:
            wrong[answer] = f"Say where {' and '.join(missing)} is in the answer."
    find = FIND_FOR.get(call.name, "")
    chosen = settings.get(call.setting("safety"))
    if chosen in {Safety.SEARCH, Safety.UNIQUE_KEY} and not is_used(settings, find):
        wrong[call.setting("safety")] = f"This needs the call: {CALLS[find].label}."
