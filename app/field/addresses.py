"""The addresses by which other machines reach this one."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import socket
import struct

from app.field.certificates import Address

#: linux/sockios.h: the IPv4 address of an interface.
SIOCGIFADDR = 0x8915
_LOOPBACK = (ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1"))


def own_addresses() -> list[Address]:
    """The IPv4 addresses of this machine's interfaces, that of the default route first; loopback last."""
    found: list[Address] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        with contextlib.suppress(OSError):
            # Nothing is sent: connecting a datagram socket only chooses the route (198.51.100.1 is nobody's, RFC 5737).
            probe.connect(("198.51.100.1", 9))
            found.append(ipaddress.ip_address(probe.getsockname()[0]))
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):
                told = fcntl.ioctl(probe.fileno(), SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                found.append(ipaddress.ip_address(told[20:24]))
    return [*dict.fromkeys(address for address in found if not address.is_loopback), *_LOOPBACK]
