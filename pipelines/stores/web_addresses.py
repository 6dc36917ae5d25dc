"""Which URLs may be fetched, and which machines may be asked for them.

A manifest may come from anybody. What it names is fetched by machines that stand inside of a
network, next to services that trust whoever can reach them.
"""

import ipaddress
import os
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from pipelines.redaction import redacted
from pipelines.stores.places import SIGNED

ALLOW_PRIVATE = "FROZEN_FEATURES_ALLOW_PRIVATE_HOSTS"
"""Set to "true", hosts of private networks are asked too, by this process and those it starts."""

BY_OPTION = "for this command"
"""What the option sets it to, and takes back where it is not given."""

_UNSAFE = re.compile(r"[\x00-\x20\x7f\ud800-\udfff\\]")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")

Address = tuple[socket.AddressFamily, str, int]
"""Family, IP address and port."""


class RefusedHostError(Exception):
    """A host that cannot or must not be asked; no OSError, which would be tried again."""


def is_web(location: str) -> bool:
    """Whether a location is a URL of the web."""
    return location[:8].lower().startswith(("http://", "https://"))


def url_complaint(url: str, *, kept: bool = True) -> str | None:
    """What is wrong with a URL, beginning with it; None when it may be fetched.

    Args:
        url: any text.
        kept: whether the table is to keep it, which then must hold no secret.
    """
    shown = repr(redacted(url))
    if _UNSAFE.search(url):
        return f"{shown}, which holds a space or another character that a URL writes as %20"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"{shown}, which is no URL: {error}"
    if not host:
        return f"{shown}, which names no host"
    if "@" in parts.netloc:
        return f"{shown}, with a user or password; the table keeps URLs, so they must hold none"
    if kept and SIGNED.search(url):
        return f"{shown}, with a signature; the table keeps URLs, so they must hold none"
    return None


def private_hosts_allowed() -> bool:
    """Whether hosts of private networks may be asked."""
    return os.environ.get(ALLOW_PRIVATE, "").lower() in ("true", BY_OPTION)


def allow_private_hosts(allowed: bool) -> None:
    """Say whether this process, and those that it starts, may ask hosts of private networks.

    What the environment allows stays allowed.
    """
    if allowed and not private_hosts_allowed():
        os.environ[ALLOW_PRIVATE] = BY_OPTION
    elif not allowed and os.environ.get(ALLOW_PRIVATE) == BY_OPTION:
        del os.environ[ALLOW_PRIVATE]


def addresses_of(host: str, port: int) -> Iterator[Address]:
    """The addresses of a host that may be asked, to be connected to as they are.

    Raises:
        RefusedHostError: it has none that may be, or is not known.
        OSError: nobody answers now who would know it.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise RefusedHostError(f"{host} is no name of a host") from error
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise
        raise RefusedHostError(f"the name {host} is not known ({error.strerror})") from error
    allowed = private_hosts_allowed()
    addresses = [
        (family, str(place[0]), int(place[1]))
        for family, _, _, _, place in found
        if allowed or is_public(str(place[0]))
    ]
    if not addresses:
        raise RefusedHostError(
            f"{host} is a host of this machine or of a private network; --allow_private_hosts "
            "asks it"
        )
    yield from addresses


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, however it is written or carried."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # with a zone: an address on one link
        return False
    if isinstance(found, ipaddress.IPv6Address):
        carried = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
        if found in _TRANSLATED or found in _COMPATIBLE:
            carried.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
        inside = [each for each in carried if each is not None]
        if not all(is_public(str(each)) for each in inside):
            return False
        if found.ipv4_mapped is not None:
            return True
    return found.is_global and not found.is_multicast
