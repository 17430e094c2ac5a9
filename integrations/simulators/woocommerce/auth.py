"""Who may ask: Basic over TLS, one-legged OAuth 1.0a over anything, and what each key may do.

documented: https://woocommerce.github.io/woocommerce-rest-api-docs/#authentication, and, where the page is silent, the
class WC_REST_Authentication: https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/class-wc-rest-authentication.php
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, unquote_plus, urlsplit

from werkzeug.wrappers import Request

from integrations.simulators.woocommerce.args import WpError

WINDOW = 15 * 60  # documented in WC_REST_Authentication: a timestamp is good for 15 minutes either way
OAUTH_PARAMETERS = (
    "oauth_consumer_key",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
)
_HEADER_PARAMETER = re.compile(r'(oauth_[a-z_-]*)=(:?"([^"]*)"|([^,]*))')
_HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


@dataclass
class Key:
    """An API key. `permissions`: read, write, read_write."""

    key: str
    secret: str
    permissions: str = "read_write"
    # documented in WC_REST_Authentication: nonces are kept by timestamp, so that of two in one second only the later
    # one is remembered.
    nonces: dict[int, str] = field(default_factory=dict)


def _refuse(message: str, code: str = "woocommerce_rest_authentication_error") -> WpError:
    return WpError(code, message, 401)


def parse_php_query(query: str) -> dict[str, Any]:
    """A query or form as PHP reads it: a[]=1&a[x]=2 is nested, a name given twice keeps the last value."""
    result: dict[str, Any] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        name = unquote_plus(name).lstrip()
        base, bracket, rest = name.partition("[")
        if not base:
            continue
        keys = [base.replace(".", "_").replace(" ", "_"), *re.findall(r"\[([^\]]*)\]", bracket + rest)]
        target = result
        for position, key in enumerate(keys):
            index = key or str(1 + max((int(k) for k in target if k.isdecimal()), default=-1))
            if position == len(keys) - 1:
                target[index] = unquote_plus(value)
                continue
            if not isinstance(target.get(index), dict):
                target[index] = {}
            target = target[index]
    return result


def is_secure(request: Request, trust_https: bool) -> bool:
    """is_ssl(). judgement: a proxy that ends TLS says so with X-Forwarded-Proto, as WordPress behind one is set up."""
    return trust_https or request.scheme == "https" or request.headers.get("X-Forwarded-Proto", "") == "https"


def authenticate(request: Request, keys: list[Key], query: dict[str, Any], secure: bool) -> Key | None:
    """The key that proves itself; None where no one tries (every endpoint then answers 401 on its own)."""
    if secure:
        key = _basic(request, keys, query)
        if key is not None:
            return key
    return _oauth(request, keys, query, secure)


def check_permission(key: Key, method: str) -> None:
    """documented in WC_REST_Authentication::check_permissions."""
    reading = method in {"GET", "HEAD"}
    if method == "OPTIONS":
        return
    if method not in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}:
        raise _refuse("Unknown request method.")
    if key.permissions not in {"read_write", "read" if reading else "write"}:
        raise _refuse(f"The API key provided does not have {'read' if reading else 'write'} permissions.")


def _find(keys: list[Key], name: str) -> Key | None:
    return next((key for key in keys if key.key == name), None)


def _basic(request: Request, keys: list[Key], query: dict[str, Any]) -> Key | None:
    name, secret = str(query.get("consumer_key") or ""), str(query.get("consumer_secret") or "")
    if not name or not secret:
        given = request.authorization
        if given is None or given.type != "basic":
            return None
        name, secret = given.username or "", given.password or ""
    key = _find(keys, name)
    if key is None or not secret:
        return None
    if not hmac.compare_digest(key.secret.encode(), secret.encode()):
        raise _refuse("Consumer secret is invalid.")
    return key


def _oauth(request: Request, keys: list[Key], query: dict[str, Any], secure: bool) -> Key | None:
    params = dict(query)
    if request.mimetype == "application/x-www-form-urlencoded":
        params |= parse_php_query(request.get_data(as_text=True))
    header = request.headers.get("Authorization", "").strip()
    if header.startswith("OAuth "):
        for name, _, quoted, plain in _HEADER_PARAMETER.findall(header):
            params[name] = unquote_plus(quoted or plain)
    missing = [name for name in OAUTH_PARAMETERS if not params.get(name)]
    if len(missing) == len(OAUTH_PARAMETERS):
        return None
    if missing:
        text = f"Missing OAuth parameter{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
        raise _refuse(text, "woocommerce_rest_authentication_missing_parameter")
    key = _find(keys, str(params["oauth_consumer_key"]))
    if key is None:
        raise _refuse("Consumer key is invalid.")
    _check_signature(request, key, params, secure)
    _check_nonce(key, str(params["oauth_timestamp"]), str(params["oauth_nonce"]))
    return key


def _check_signature(request: Request, key: Key, params: dict[str, Any], secure: bool) -> None:
    given = unquote(str(params.pop("oauth_signature")).replace(" ", "+"))
    method = params["oauth_signature_method"]
    if method not in _HASHES:
        raise _refuse("Invalid signature - signature method is invalid.")
    uri = request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI") or request.path
    address = f"{'https' if secure else 'http'}://{request.host}{urlsplit(uri).path}"
    text = signature_base(request.method, address, params)
    digest = hmac.new(f"{key.secret}&".encode(), text.encode(), _HASHES[method]).digest()
    if not hmac.compare_digest(base64.b64encode(digest), given.encode()):
        raise _refuse("Invalid signature - provided signature does not match.")


def signature_base(method: str, address: str, params: dict[str, Any]) -> str:
    """The text that is signed. Quirk: what came as a[]=x is signed as a[0]=x, for PHP has numbered it by then, and only
    top-level names are sorted."""
    pairs: list[str] = []
    for name in sorted(params, key=lambda text: text.encode()):
        _join(_encode(name), params[name], pairs)
    return f"{method.upper()}&{_encode(address)}&{'%26'.join(pairs)}"


def _join(name: str, value: Any, pairs: list[str]) -> None:
    if isinstance(value, dict):
        for inner, item in value.items():
            _join(f"{name}%5B{inner}%5D", item, pairs)
    else:
        pairs.append(_encode(f"{name}={_encode(str(value))}"))


def _encode(text: str) -> str:
    return quote(text, safe="-._~")


def _check_nonce(key: Key, timestamp: str, nonce: str) -> None:
    now = int(time.time())
    if not timestamp.isdecimal() or abs(int(timestamp) - now) > WINDOW:
        raise _refuse("Invalid timestamp.")
    if nonce in key.nonces.values():
        raise _refuse("Invalid nonce - nonce has already been used.")
    key.nonces[int(timestamp)] = nonce
    for old in [stamp for stamp in key.nonces if stamp < now - WINDOW]:
        del key.nonces[old]
