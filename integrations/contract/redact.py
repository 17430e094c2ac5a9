"""Taking secrets out of what is kept of a request and its answer."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, quote_plus

DOTS = "•••"
KEPT_BYTES = 64_000
_DOTS = DOTS.encode()
_WORDS = (
    "authorization|cookie|passw|pwd|secret|token|api[-_]?key|signature|consumer[-_]key|credential|oauth_nonce"
    "|private[-_]key"
)
_HEADER = re.compile(rf"(?i){_WORDS}")
# Names are bounded, so that a hostile body cannot make these patterns slow; a value may be cut by the capture's end.
_NAME = rf"[\w.\-\[\]%:]{{0,60}}?(?:{_WORDS})[\w.\-\[\]%:]{{0,60}}"
_PATTERNS = tuple(
    re.compile(pattern.encode())
    for pattern in (
        rf'(?is)("{_NAME}"\s{{0,9}}:\s{{0,9}})("(?:[^"\\]|\\.)*(?:"|\\?\Z)|-?[0-9][\w.+\-]*)',  # JSON
        rf'(?i)(\\"{_NAME}\\"\s{{0,9}}:\s{{0,9}})(\\"(?:[^"\\]|\\\\(?:\\["\\]|[^"\\]))*(?:\\"|\\*\Z))',  # JSON in JSON
        rf"(?i)((?:^|[?&;\s\"'/])(?:{_NAME}|key|sig|pass)=)([^&\s\"'<>\\]+)",  # forms, and addresses anywhere in a text
        rf"(?i)(<(?:\w{{1,30}}:)?{_NAME}(?:\s[^>]{{0,200}})?>)([^<]+)",  # XML
        r"(?i)(\b(?:bearer|basic)\s{1,3})([\w.~+/=\-]{6,})",
    )
)


def spellings(secrets: Iterable[str]) -> list[bytes]:
    """Every form a secret travels in, longest first: plain, URL-encoded, in JSON, base64 at each alignment."""
    found: set[bytes] = set()
    for secret in secrets:
        if not secret.strip():
            continue
        once = quote(secret, safe="")
        plain = {secret, once, quote(secret), quote_plus(secret), quote(once, safe="")}
        plain |= {re.sub("%..", lambda m: m[0].lower(), text) for text in plain}
        plain |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
        found |= {text.encode() for text in plain}
        for shift in range(3):  # of "user:secret" the part that belongs to the secret alone
            raw = b"x" * shift + secret.encode()
            encoded = base64.b64encode(raw)
            core = encoded[(0, 2, 3)[shift] : len(encoded) - (0, 3, 2)[len(raw) % 3]]
            if len(core) >= 6:
                found |= {core, core.replace(b"+", b"-").replace(b"/", b"_"), quote(core, safe="").encode()}
    return sorted(found, key=len, reverse=True)


def redact_bytes(body: bytes, secrets: Sequence[bytes]) -> bytes:
    """The body, cut at 64 kB, without the given secrets and without fields that are named like one."""
    margin = max(map(len, secrets), default=0)  # a secret across the edge must not leave its first half
    window = body[: KEPT_BYTES + margin]
    text = _without(window, secrets)
    if len(window) < len(body):
        text = text[: len(text) - margin]
    return text[:KEPT_BYTES]


def redact_text(text: str, secrets: Sequence[bytes]) -> str:
    return _without(text.encode(errors="replace"), secrets).decode(errors="replace")


def redact_headers(headers: Mapping[str, str | bytes], secrets: Sequence[bytes]) -> dict[str, str]:
    """Headers named like a secret lose their value, the others what looks like one."""
    texts = {str(k): v.decode("latin-1") if isinstance(v, bytes) else str(v) for k, v in headers.items()}
    return {k: DOTS if _HEADER.search(k) else redact_text(v, secrets) for k, v in texts.items()}


def redact_url(url: str, secrets: Sequence[bytes]) -> str:
    return redact_text(re.sub(r"(?<=://)[^/?#@\s]*@", f"{DOTS}@", url), secrets)


def _without(text: bytes, secrets: Iterable[bytes]) -> bytes:
    for secret in secrets:
        text = text.replace(secret, _DOTS)
    for pattern in _PATTERNS:
        text = pattern.sub(_replace, text)
    return text


def _replace(match: re.Match[bytes]) -> bytes:
    """JSON stays JSON: a quoted value keeps its quotes."""
    value = match[2]
    for quoting in (b'\\"', b'"'):
        if value.startswith(quoting):
            return (
                match[1] + quoting + _DOTS + (quoting if len(value) > len(quoting) and value.endswith(quoting) else b"")
            )
    return match[1] + (b'"' + _DOTS + b'"' if match[1].rstrip().endswith(b":") else _DOTS)
