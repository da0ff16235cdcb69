"""From which address a request comes: its peer's, or what a trusted proxy says of it. No other header is believed."""

from __future__ import annotations

import ipaddress
from functools import cache

from starlette.requests import HTTPConnection

from app.settings import Settings

#: Addresses that a proxy's header is looked through for at most.
MAX_HOPS = 20
#: What one customer of a provider has of IPv6 addresses.
IPV6_PREFIX = 64

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def peer_address(request: HTTPConnection, settings: Settings) -> str:
    """The address of whoever asks, "" where there is none (a socket of this machine).

    From the right, each proxy of `trusted_proxies` is believed as to who asked it; the first that is none of them is
    the one who asks.
    """
    peer = request.client.host if request.client is not None else ""
    trusted = _networks(settings.trusted_proxies)
    if not trusted:
        return peer
    said = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    address = _address(peer)
    for hop in reversed(said[-MAX_HOPS:]):
        if address is None or not _within(address, trusted):
            break
        told = _address(hop.strip())
        if told is None:
            break
        address = told
    return peer if address is None else str(address)


def is_proxy(address: str, settings: Settings) -> bool:
    """Whether an address is a trusted proxy's, which speaks for many."""
    found = _address(address)
    return found is not None and _within(found, _networks(settings.trusted_proxies))


def network_of(address: str) -> str:
    """What counts as one place: an IPv4 address, the first 64 bits of an IPv6 address."""
    found = _address(address)
    if not isinstance(found, ipaddress.IPv6Address):
        return address
    return str(ipaddress.ip_network((found, IPV6_PREFIX), strict=False))


@cache
def _networks(named: tuple[str, ...]) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(name, strict=False) for name in named)


def _within(address: _Address, networks: tuple[_Network, ...]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _address(text: str) -> _Address | None:
    """An address as a header or a socket names it, with or without a port; IPv4 within IPv6 is IPv4."""
    bare = text.strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
