"""Which base URLs a provider may have: no internal address unless it is listed.

The check reads the URL only. A public name that resolves to an internal address is not found by it; base URLs are
written by superadmins.
"""

import ipaddress
import re
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from core.errors import InvalidRequest


def check_base_url(url: str, allowed_hosts: Collection[str]) -> str:
    """The URL without spaces around it and without a slash at its end.

    Args:
        url: as entered.
        allowed_hosts: internal hosts that are allowed all the same (`Settings.internal_hosts`), without ports.

    Raises:
        InvalidRequest: not http or https, no host, with a name and password or a query, or internal and not allowed.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidRequest("The base URL is malformed.") from None
    if parts.scheme not in ("http", "https"):
        raise InvalidRequest("The base URL must begin with https:// or http://.")
    if not host or re.search(r"[\s\\\x00-\x1f]", url):
        raise InvalidRequest("The base URL must name a host.")
    if parts.username is not None or parts.password is not None:
        raise InvalidRequest("The base URL must not hold a user name or password.")
    if parts.query or parts.fragment:
        raise InvalidRequest("The base URL must not hold a query or a fragment.")
    host = host.rstrip(".").casefold()
    if is_internal(host) and host not in {
        allowed.strip("[]").rstrip(".").casefold() for allowed in allowed_hosts
    }:
        raise InvalidRequest(
            f"The base URL names {host}, an address inside the network. "
            "Add it to ALLOWED_INTERNAL_HOSTS if that is meant."
        )
    return url.rstrip("/")


def is_internal(host: str) -> bool:
    """Whether a host, by its literal address or its name, lies inside a network."""
    if address := _literal(host):
        return not address.is_global or address.is_multicast
    return "." not in host or host.endswith(INTERNAL_ENDINGS)


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    else:
        embedded = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
        return embedded or address
    if not re.fullmatch(r"[0-9a-fx.]+", host):
        return None
    # The old spellings that a resolver still takes for addresses: 2130706433, 0x7f.1, 0177.0.0.1, 127.1.
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


INTERNAL_ENDINGS = (".localhost", ".local", ".internal", ".localdomain", ".lan", ".home.arpa")
