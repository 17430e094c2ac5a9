"""Which addresses we dial: public ones, and those an operator allowed by name and port."""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from urllib.parse import urlsplit

import idna

from integrations.contract.errors import AddressRefused, NotSent

REFUSED = "Address not allowed: private network"
_MALFORMED = "The address needs http:// or https:// and a host, and no spaces or line breaks."
# Not on the public internet, whatever this Python's `is_global` thinks: IETF assignments and the 6to4 relay (RFC 7526),
# site-local (RFC 3879), a network's own NAT64 (RFC 8215), Teredo (RFC 4380).
_NEVER = tuple(
    ipaddress.ip_network(n) for n in ("192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "64:ff9b:1::/48", "2001::/32")
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
# A top-level domain has no digits, or is punycode: 127.1, 0x7f000001 and localhost are no such names.
_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+([a-z]{2,63}|xn--[a-z0-9-]{1,59})")
_BAD_CHARACTERS = re.compile(r"[\x00-\x20\x7f\\]")


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet; NAT64 and 6to4 are judged by the IPv4 address inside."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if any(ip in network for network in _NEVER):
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return False
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip.sixtofour is not None:
            return is_public(str(ip.sixtofour))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def parse_origin(url: str) -> tuple[str, str, int]:
    """(scheme, host, port) of an address; host in lower case, ASCII, without brackets or closing dot.

    AddressRefused for user info, other schemes, and what two parsers could read differently.
    """
    try:
        parts = urlsplit(url)
        host, port = _normalise(parts.hostname or ""), parts.port
    except (ValueError, UnicodeError) as error:
        raise AddressRefused(_MALFORMED) from error
    if _BAD_CHARACTERS.search(url) or parts.scheme not in {"http", "https"} or not host or port == 0:
        raise AddressRefused(_MALFORMED)
    if parts.username is not None or parts.password is not None:
        raise AddressRefused(REFUSED)
    return parts.scheme, host, port or (443 if parts.scheme == "https" else 80)


def check_base_url(url: str, allowed: frozenset[tuple[str, int]] = frozenset()) -> tuple[str, str, int]:
    """The origin of a base address; AddressRefused for private literals, odd spellings and names without a domain.

    A pure check of the form, for admin forms too: a name is judged by what it resolves to when it is dialled.
    """
    rest = (url.partition("://")[2] or url).partition("/")[0]
    if rest.count(":") > 1 and "[" not in rest and "@" not in rest:  # an IPv6 address without brackets
        raise AddressRefused(REFUSED)
    if "://" not in url:
        check_base_url(f"http://{url}", allowed)  # so that 127.0.0.1 hears the same as http://127.0.0.1
        raise AddressRefused(_MALFORMED)
    scheme, host, port = parse_origin(url)
    if (host, port) in allowed:
        return scheme, host, port
    try:
        public = is_public(host)
    except ValueError:
        public = _NAME.fullmatch(host) is not None
    if not public:
        raise AddressRefused(REFUSED)
    return scheme, host, port


def resolve(host: str, port: int, allowed: frozenset[tuple[str, int]], seconds: float) -> list[tuple[int, str]]:
    """(family, IP) of every address of a host, each checked; the caller dials these very addresses.

    AddressRefused as soon as one of them is private, so that a name with two answers cannot lead inside. NotSent where
    the name is unknown, or no name server answers within `seconds`.
    """
    addresses = _look_up(host, port, seconds)
    if (host, port) not in allowed and not all(is_public(ip) for _, ip in addresses):
        raise AddressRefused(REFUSED)
    return addresses


def _normalise(host: str) -> str:
    host = host.rstrip(".").lower()
    return host if host.isascii() else idna.encode(host, uts46=True).decode()


def _look_up(host: str, port: int, seconds: float) -> list[tuple[int, str]]:
    """getaddrinfo takes no time-out, so it runs beside us and we stop waiting."""
    found: list[tuple[int, str]] = []
    failures: list[Exception] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            failures.append(error)
        else:
            found.extend((int(family), str(address[0])) for family, _, _, _, address in answers)

    thread = threading.Thread(target=ask, name=f"resolve {host}", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise NotSent(f"The name {host} could not be resolved in time.", code="DNS_FAILED")
    if failures or not found:
        raise NotSent(f"The name {host} cannot be resolved: {failures[:1] or 'no address'}", code="DNS_FAILED")
    return found
